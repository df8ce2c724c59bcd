"""Ways: lanes and links by recursion, without an event for each message.

A `Way` is one connection from one node to another, as in `models.engine.lanes` and
`models.network.link`: two lanes that share one link, first in first out, and the link on which
calls return. It is told when each message is handed over, in the order of time, and works out when
it leaves and when it arrives. What has to wait in a lane leaves when a call before it has returned,
and that instant is known as soon as that call has left; but the other lane may send before it, so
such a message is held back until time has come that far (`flush`), which costs an event. Where
nothing but heartbeats is ever sent, nothing can come before one that waits, and it is let go at
once (`foresee`).

No message is dropped: one that would have found its lane full is counted in `would_drop`, and waits
all the same.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from models.engine.foreseen import Foreseen
from models.engine.lanes import LaneLimits
from sim.kernel import Action, Event, Kernel
from sim.usage import Usage

HEARTBEATS: Final = 0
OTHERS: Final = 1


class ForeseenLane(Foreseen):
    """One lane: what waits, and when the calls under way return. A call holds it."""

    __slots__ = ("calls", "capacity", "departures", "in_flight", "next_departure", "waiting")

    def __init__(self, kernel: Kernel, limits: LaneLimits) -> None:
        super().__init__(kernel, limits.in_flight or 1)
        self.capacity = limits.capacity
        self.in_flight = limits.in_flight
        self.calls: deque[tuple[tuple[int, int], int, int]] = deque()
        """Of the last calls: when each returns, rising, some perhaps in the past, and its number,
        since calls of both lanes may return at one instant; when it leaves, perhaps in the future;
        and since when it has waited for that."""
        self.departures: deque[int] = deque()
        """When messages leave that were let go before their time."""
        self.next_departure = (0, 0)
        """When the next message may leave, and after the return of which call."""
        self.waiting: deque[tuple[int, Any]] = deque()
        """Since when, and the message."""

    def has_room(self, at: int) -> bool:
        """Whether there is room for all that wait at an instant, the last one included."""
        departures = self.departures
        while departures and departures[0] <= at:
            departures.popleft()
        length = len(departures) + len(self.waiting)
        if length > self._longest_queue:
            self._longest_queue = length
        return length <= self.capacity

    def leave(self, since: int, at: int, returned: tuple[int, int]) -> None:
        """A message leaves that has waited since an instant."""
        calls, in_flight = self.calls, self.count
        calls.append((returned, at, since))
        if len(calls) >= in_flight:
            while calls[0][0][0] <= since and len(calls) > in_flight:
                calls.popleft()
            self.next_departure = calls[-in_flight][0]
        self.arrived += 1
        self.busy_ns += returned[0] - at
        if at > since:
            self.waited_ns += at - since

    def ahead(self, now: int) -> tuple[int, int]:
        """Calls that have not returned."""
        left = [
            returned - now
            for (returned, _), departure, _ in self.calls
            if departure <= now < returned
        ]
        return sum(left), len(left)

    def usage(self) -> Usage:
        """Totals up to now, without what leaves later."""
        now = self._kernel.now
        later = [
            (returned - departure, departure - since)
            for (returned, _), departure, since in self.calls
            if departure > now
        ]
        return self.totals(
            arrived=self.arrived - len(later),
            busy_ns=self.busy_ns - sum(busy for busy, _ in later),
            waited_ns=self.waited_ns - sum(waited for _, waited in later),
        )


class Way:
    """One connection. Calls to `send` and `flush` come in the order of their instants."""

    __slots__ = (
        "_back", "_calls", "_deliver", "_flushing", "_horizon_ns", "_last_return", "_wake", "delay",
        "direct", "lanes", "last_arrival", "would_drop",
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
        horizon_ns: int,
    ) -> None:
        """`delay` and `back` draw the time of a message and of a return, in ns.

        `deliver(at, message)` is called when it is known that a message arrives at an instant, in
        the order of arrival. `wake(at, event)` must have the event happen when time is there;
        `flushing(event)` must then call its argument with that instant, which is `flush`.

        `horizon_ns` is how long before its time a message is let go at most, so that what is
        measured of those who get it is of the present, about.
        """
        self.delay = delay
        self.last_arrival = 0
        self.direct = heartbeats.in_flight is None and others.in_flight is None
        """Whether no message ever waits in a lane."""
        self.would_drop = 0
        """Messages that found their lane full."""
        self._back = back
        self._horizon_ns = horizon_ns
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
                self._depart(lane, at, at, message)
                return
            self._wake(departure, self._flushing)
        lane.waiting.append((at, message))
        if not lane.has_room(at):
            self.would_drop += 1

    def foresee(self, at: int) -> int | None:
        """Let go a heartbeat that is handed over at an instant; when it arrives.

        Only where nothing but heartbeats is sent. None: it would wait for too long, and is to be
        sent.
        """
        lane = self.lanes[HEARTBEATS]
        departure = lane.next_departure[0]
        if lane.waiting or departure - at > self._horizon_ns:
            return None
        if departure <= at:
            departure = at
        else:
            lane.departures.append(departure)
            if not lane.has_room(at):
                self.would_drop += 1
        # From here on as `_depart`, written out: this is what a run is made of.
        arrival = departure + self.delay()
        if arrival < self.last_arrival:
            arrival = self.last_arrival
        self.last_arrival = arrival
        returned = arrival + self._back()
        if returned < self._last_return:
            returned = self._last_return
        self._last_return = returned
        self._calls = number = self._calls + 1
        lane.leave(at, departure, (returned, number))
        return arrival

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
            self._depart(lane, since, at, message)
            if waiting:
                self._wake(lane.next_departure[0], self._flushing)

    def _depart(self, lane: ForeseenLane, since: int, at: int, message: Any) -> None:
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
            lane.leave(since, at, (returned, number))
        self._deliver(arrival, message)
