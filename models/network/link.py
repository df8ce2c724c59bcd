"""A link: one direction of one connection, first in first out.

A message takes a drawn time, but never overtakes the one before it: a connection is a TCP stream.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from models.network.rules import DROP, Delay, Rule, first_verdict
from sim.kernel import Event, Kernel


class Link:
    """One direction of a connection from node `source` to node `target`."""

    def __init__(
        self,
        kernel: Kernel,
        *,
        source: int,
        target: int,
        delay: Callable[[], int],
        rules: list[Rule],
        deliver: Callable[[Any], None],
    ) -> None:
        """`delay` draws the time of one message in ns; `rules` is shared by all links."""
        self._kernel = kernel
        self._source = source
        self._target = target
        self._delay = delay
        self._rules = rules
        self._deliver = deliver
        self._on_the_way: deque[tuple[Any, Callable[[], None] | None]] = deque()
        self._last_arrival = 0
        self._arrival = Event(self._arrive)
        self.dropped = 0

    def send(self, message: Any, arrived: Callable[[], None] | None = None) -> bool:
        """Put a message on its way; False when a rule drops it.

        `arrived` is called when it has been delivered.
        """
        kernel = self._kernel
        now = kernel.now
        arrival = now + self._delay()
        if self._rules:
            verdict = first_verdict(self._rules, self._source, self._target, message, now)
            if verdict is DROP:
                self.dropped += 1
                return False
            if isinstance(verdict, Delay):
                arrival += verdict.extra_ns
        if arrival < self._last_arrival:
            arrival = self._last_arrival
        self._last_arrival = arrival
        self._on_the_way.append((message, arrived))
        kernel.again(arrival - now, self._arrival)
        return True

    def _arrive(self, event: Event) -> None:
        # The head, not the event's own message: order holds even if events of one instant do not.
        message, arrived = self._on_the_way.popleft()
        self._deliver(message)
        if arrived is not None:
            arrived()
