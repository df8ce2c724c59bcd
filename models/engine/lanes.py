"""Outbound lanes: how an engine hands messages to a peer.

Each peer has two lanes, one for heartbeats and votes, one for the rest. A lane sends one message
after another as unary calls: the next leaves when the call before it has returned, so a lane
carries at most `in_flight` messages per round trip. What finds the lane full is dropped and counted;
Raft copes, a waiting read does not notice until the next periodic heartbeat.

Source: system.md 3.1 (outbound).
"""

from collections import deque
from dataclasses import dataclass
from typing import Any

from models.network.link import Link
from sim.kernel import Event, Kernel


@dataclass(frozen=True, slots=True)
class LaneLimits:
    """Room of a lane."""

    capacity: int
    """Messages that may wait behind those being sent."""
    in_flight: int | None
    """Calls under way at once; None: no limit, and no waiting for their return."""
    timeout_ns: int
    """After which a call whose message was lost is given up."""


class Lane:
    """One lane to one peer."""

    def __init__(self, kernel: Kernel, limits: LaneLimits, link: Link) -> None:
        """`link` is given (message, lane) pairs; whoever receives one calls `returned` in time."""
        self._kernel = kernel
        self._limits = limits
        self._link = link
        self._waiting: deque[Any] = deque()
        self._calls = 0
        self.sent = 0
        self.dropped = 0

    def send(self, message: Any) -> bool:
        """Send the message now or queue it; False when the lane is full and drops it."""
        limits = self._limits
        if limits.in_flight is None:
            self.sent += 1
            self._link.send((message, None))
        elif self._calls < limits.in_flight:
            self._call(message)
        elif len(self._waiting) < limits.capacity:
            self._waiting.append(message)
        else:
            self.dropped += 1
            return False
        return True

    def _call(self, message: Any) -> None:
        self.sent += 1
        self._calls += 1
        if not self._link.send((message, self)):
            self._kernel.after(self._limits.timeout_ns, self._give_up)

    def _give_up(self, event: Event) -> None:
        self.returned()

    def returned(self) -> None:
        """The oldest call is over; the next message leaves."""
        self._calls -= 1
        if self._waiting:
            self._call(self._waiting.popleft())
