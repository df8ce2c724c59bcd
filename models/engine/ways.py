"""Ways: lanes and links by recursion, without an event for each message.

A `Way` is one connection from one node to another, as in `models.engine.lanes` and
`models.network.link`: two lanes that share one link, first in first out, and the link on which
calls return. It is told when each message is handed over, in the order of time, and works out when
it leaves and when it arrives. What has to wait in a lane leaves when a call before it has returned,
and that instant is known as soon as that call has left; but the other lane may send before it, so
such a message is held back until time has come that far (`flush`).

No message is dropped: one that would have found its lane full is counted in `would_drop`, and waits
all the same.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from models.engine.foreseen import Foreseen
from models.engine.lanes import LaneLimits
from sim.kernel import Action, Event, Kernel

HEARTBEATS: Final = 0
OTHERS: Final = 1


class ForeseenLane(Foreseen):
    """One lane: what waits, and when the calls under way return. A call holds it."""

    __slots__ = ("capacity", "in_flight", "next_departure", "returns", "waiting")

    def __init__(self, kernel: Kernel, limits: LaneLimits) -> None:
        super().__init__(kernel, limits.in_flight or 1)
        self.capacity = limits.capacity
        self.in_flight = limits.in_flight
        self.returns: deque[tuple[int, int]] = deque(maxlen=limits.in_flight)
        """When the last `in_flight` calls return, rising, some perhaps in the past; and their
        numbers, since calls of both lanes may return at one instant."""
        self.next_departure = (0, 0)
        """When the next message may leave, and after the return of which call."""
        self.waiting: deque[tuple[int, Any]] = deque()
        """Since when, and the message."""

    def wait(self, at: int, message: Any) -> bool:
        """A message has to wait; whether there is room for it."""
        waiting = self.waiting
        waiting.append((at, message))
        length = len(waiting)
        if length > self._longest_queue:
            self._longest_queue = length
        return length <= self.capacity

    def ahead(self, now: int) -> tuple[int, int]:
        """Calls that have not returned."""
        left = [returned - now for returned, _ in self.returns if returned > now]
        return sum(left), len(left)


class Way:
    """One connection. Calls to `send` and `flush` come in the order of their instants."""

    __slots__ = (
        "_back", "_calls", "_deliver", "_flushing", "_last_return", "_wake", "delay", "direct",
        "lanes", "last_arrival", "would_drop",
    )  # fmt: skip

    def __init__(
        self,
        kernel: Kernel,
        *,
        delay: Callable[[], int],
        back: Callable[[], int],
        heartbeats: LaneLimits,
        others: LaneLimits,
        deliver: Callable[[int, Any], None],
        flushing: Action,
        wake: Callable[[int, Event], None],
    ) -> None:
        """`delay` and `back` draw the time of a message and of a return, in ns.

        `deliver(at, message)` is called when it is known that a message arrives at an instant, in
        the order of arrival. `wake(at, event)` must have the event happen when time is there;
        `flushing(event)` must then call its argument with that instant, which is `flush`.
        """
        self.delay = delay
        self.last_arrival = 0
        self.direct = heartbeats.in_flight is None and others.in_flight is None
        """Whether no message ever waits in a lane."""
        self.would_drop = 0
        """Messages that found their lane full."""
        self._back = back
        self._calls = 0
        self._last_return = 0
        self.lanes = (ForeseenLane(kernel, heartbeats), ForeseenLane(kernel, others))
        self._deliver = deliver
        self._flushing = Event(flushing, self.flush)
        self._wake = wake

    def send(self, lane_number: int, at: int, message: Any) -> None:
        """A message is handed to a lane at an instant."""
        if self.direct:
            self.last_arrival = arrival = max(at + self.delay(), self.last_arrival)
            self._deliver(arrival, message)
            return
        lanes = self.lanes
        if lanes[0].waiting or lanes[1].waiting:
            self.flush(at)
        lane = lanes[lane_number]
        if not lane.waiting:
            departure = lane.next_departure[0]
            if departure <= at:
                self._depart(lane, at, message)
                return
            self._wake(departure, self._flushing)
        if not lane.wait(at, message):
            self.would_drop += 1

    def flush(self, until: int) -> None:
        """Let go what may leave by this instant: no message will be handed over before it."""
        heartbeats, others = self.lanes
        while True:
            lane = heartbeats
            if not lane.waiting or (others.waiting and others.next_departure < lane.next_departure):
                lane = others
            waiting = lane.waiting
            at = lane.next_departure[0]
            if at > until or not waiting:
                return
            since, message = waiting.popleft()
            lane.waited_ns += at - since
            self._depart(lane, at, message)
            if waiting:
                self._wake(lane.next_departure[0], self._flushing)

    def _depart(self, lane: ForeseenLane, at: int, message: Any) -> None:
        arrival = at + self.delay()
        if arrival < self.last_arrival:
            arrival = self.last_arrival
        self.last_arrival = arrival
        if lane.in_flight is not None:
            returned = arrival + self._back()
            if returned < self._last_return:
                returned = self._last_return
            self._last_return = returned
            self._calls = number = self._calls + 1
            returns = lane.returns
            returns.append((returned, number))
            if len(returns) == lane.in_flight:
                lane.next_departure = returns[0]
            lane.arrived += 1
            lane.busy_ns += returned - at
        self._deliver(arrival, message)
