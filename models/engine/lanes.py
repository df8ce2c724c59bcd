"""Outbound lanes: how an engine hands messages to a peer.

Each peer has two lanes, one for heartbeats and votes, one for the rest. A lane sends one message
after another as unary calls: the next leaves when the call before it has returned, so a lane
carries at most `in_flight` messages per round trip. What finds the lane full is dropped; Raft
copes, but a read waits for the next periodic heartbeat.

Source: system.md 3.1 (outbound).
"""

from collections import deque
from dataclasses import dataclass
from typing import Any

from models.network.link import Link
from sim.kernel import Event, Kernel
from sim.usage import Usage


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
    """One lane to one peer. Unless unlimited it measures itself: a call holds it, messages wait."""

    def __init__(self, kernel: Kernel, limits: LaneLimits, *, calls: Link, returns: Link) -> None:
        """`calls` carries the messages, `returns` the returns of the calls."""
        self._kernel = kernel
        self._limits = limits
        self._calls = calls
        self._returns = returns
        self._waiting: deque[Any] = deque()
        self._under_way = 0
        self._held_ns = 0
        self._waited_ns = 0
        self._served = 0
        self.longest_queue = 0
        """The most messages that ever waited at once. Set it to what waits now to begin anew."""
        if not self.limited:
            self.send = calls.send  # type: ignore[method-assign]

    @property
    def limited(self) -> bool:
        """Whether messages can wait here at all."""
        return self._limits.in_flight is not None

    def send(self, message: Any) -> bool:
        """Send the message now or queue it; False when it is lost at once."""
        limits = self._limits
        if self._under_way < limits.in_flight:  # type: ignore[operator]
            return self._call(message)
        if len(self._waiting) < limits.capacity:
            self._waiting.append(message)
            self._waited_ns -= self._kernel.now
            if len(self._waiting) > self.longest_queue:
                self.longest_queue = len(self._waiting)
            return True
        return False

    def _call(self, message: Any) -> bool:
        self._under_way += 1
        self._held_ns -= self._kernel.now
        sent = self._calls.send(message, self._arrived)
        if not sent:
            self._kernel.after(self._limits.timeout_ns, self._give_up)
        return sent

    def _arrived(self) -> None:
        if not self._returns.send(None, self._returned):
            self._kernel.after(self._limits.timeout_ns, self._give_up)

    def _give_up(self, event: Event) -> None:
        self._returned()

    def _returned(self) -> None:
        """The oldest call is over; the next message leaves."""
        now = self._kernel.now
        self._under_way -= 1
        self._held_ns += now
        self._served += 1
        if self._waiting:
            self._waited_ns += now
            self._call(self._waiting.popleft())

    def usage(self) -> Usage:
        """What the lane did up to now; it must be a limited one."""
        now, calls, waiting = self._kernel.now, self._under_way, len(self._waiting)
        assert self._limits.in_flight is not None, "an unlimited lane is no resource"
        return Usage(
            at_ns=now,
            count=self._limits.in_flight,
            arrived=self._served + calls + waiting,
            served=self._served,
            busy_ns=self._held_ns + now * calls,
            waited_ns=self._waited_ns + now * waiting,
            waiting=waiting,
            in_service=calls,
        )
