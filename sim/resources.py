"""Resources that saturate: servers with one queue, and what is known of any queue over a window.

`Servers` is c servers behind one queue, first come first served, never interrupted (G/G/c). When a
job comes, the instants at which the servers will be free say already when it begins and ends: the
recursion of Lindley (1952), for several servers that of Kiefer and Wolfowitz (1955). So a job costs
its requester one sleep, and there is no process of a queue and no event of a server.

That holds only while nobody leaves the line and nobody jumps it. Who gives up waiting (a deadline)
must let the job be served all the same, and what is held for a time unknown when it is taken is one
of `Slots`. `Meter` measures what somebody else hands out.

All report the same `Usage`: totals up to an instant, to the nanosecond, with what lies in the
future left out. Two of them bound a measuring window, and a job that is waiting or in service at
its edge counts with the part inside.
"""

from collections import deque
from heapq import heapreplace
from typing import Protocol

from sim.kernel import Future, Kernel
from sim.usage import Usage, Window


class Servers:
    """So many servers behind one queue, first come first served."""

    __slots__ = (
        "_arrived",
        "_busy_ns",
        "_free",
        "_kernel",
        "_starts",
        "_waited_ns",
        "count",
        "longest_queue",
        "name",
    )

    def __init__(self, kernel: Kernel, name: str, count: int) -> None:
        assert count >= 1, f"{name}: expected 1 server or more, got {count}"
        self.name = name
        self.count = count
        self.longest_queue = 0
        """The most jobs that ever waited at once. Set it to what waits now to begin anew."""
        self._kernel = kernel
        self._free = [0] * count
        """A heap: when each server is done with all that was given to it."""
        self._starts: deque[int] = deque()
        """When the jobs that had to wait begin, rising; those in the past are dropped late."""
        self._arrived = 0
        self._busy_ns = 0
        self._waited_ns = 0

    def serve(self, service_ns: int) -> int:
        """Give the servers a job; the delay (ns) from now until it is done, waiting included.

        The waiting alone is what is left of it without `service_ns`. Call it when the job comes:
        the order of the calls is the order of the line.
        """
        assert type(service_ns) is int and service_ns >= 0, (
            f"{self.name}: a service time must be an int number of ns, got {service_ns!r}"
        )
        now = self._kernel.now
        free = self._free
        start = free[0]
        self._arrived += 1
        self._busy_ns += service_ns
        if start <= now:
            heapreplace(free, now + service_ns)
            return service_ns
        end = start + service_ns
        heapreplace(free, end)
        self._waited_ns += start - now
        starts = self._starts
        starts.append(start)
        while starts[0] <= now:  # ends at the latest at what was just appended
            starts.popleft()
        if len(starts) > self.longest_queue:
            self.longest_queue = len(starts)
        return end - now

    def usage(self) -> Usage:
        """Totals up to now."""
        now = self._kernel.now
        starts = self._starts
        while starts and starts[0] <= now:
            starts.popleft()
        # A server works without a pause from now until it is free.
        ahead = [free - now for free in self._free if free > now]
        return Usage(
            at_ns=now,
            count=self.count,
            arrived=self._arrived,
            served=self._arrived - len(starts) - len(ahead),
            busy_ns=self._busy_ns - sum(ahead),
            waited_ns=self._waited_ns - (sum(starts) - now * len(starts)),
            waiting=len(starts),
            in_service=len(ahead),
        )


class Meter:
    """Who waits for slots and who holds them, added up over time by whoever hands them out.

    A stretch of time is its end less its start, so the sum over all stretches is that of the ends
    less that of the starts, and those still open end now. That is all there is to add up.
    """

    __slots__ = (
        "_held",
        "_held_ns",
        "_kernel",
        "_served",
        "_waited_ns",
        "_waiting",
        "count",
        "longest_queue",
    )

    def __init__(self, kernel: Kernel, count: int) -> None:
        self.count = count
        self.longest_queue = 0
        """The most that ever waited at once. Set it to what waits now to begin anew."""
        self._kernel = kernel
        self._held = 0
        self._held_ns = 0
        self._served = 0
        self._waiting = 0
        self._waited_ns = 0

    def take(self) -> None:
        """Somebody takes a free slot, without waiting."""
        self._held += 1
        self._held_ns -= self._kernel.now

    def queue(self) -> None:
        """Somebody joins the line."""
        self._waiting += 1
        self._waited_ns -= self._kernel.now
        if self._waiting > self.longest_queue:
            self.longest_queue = self._waiting

    def take_from_queue(self) -> None:
        """Somebody in line gets a slot."""
        assert self._waiting, "nobody waits"
        self._waiting -= 1
        self._waited_ns += self._kernel.now
        self.take()

    def give_back(self) -> None:
        """Somebody gives a slot back; if it goes to the next in line, tell that as well."""
        assert self._held, "nobody holds a slot"
        self._held -= 1
        self._held_ns += self._kernel.now
        self._served += 1

    def usage(self) -> Usage:
        """Totals up to now."""
        now = self._kernel.now
        return Usage(
            at_ns=now,
            count=self.count,
            arrived=self._served + self._held + self._waiting,
            served=self._served,
            busy_ns=self._held_ns + now * self._held,
            waited_ns=self._waited_ns + now * self._waiting,
            waiting=self._waiting,
            in_service=self._held,
        )


class Slots(Meter):
    """A limit on how many may hold something at once, first come first served."""

    __slots__ = ("_queue", "_what")

    def __init__(self, kernel: Kernel, count: int, what: str) -> None:
        """`what` says what is waited for, for the report about a stalled run."""
        super().__init__(kernel, count)
        self._what = what
        self._queue: deque[Future] = deque()

    def take_now(self) -> bool:
        """Take a slot if one is free; else `wait` for one."""
        if self._held < self.count:
            self._held += 1
            self._held_ns -= self._kernel.now
            return True
        return False

    def wait(self) -> Future:
        """Resolves when a slot has been taken for the caller, in the order of the calls."""
        self.queue()
        turn = Future(self._what)
        self._queue.append(turn)
        return turn

    def give_back(self) -> None:
        """Return a slot; who has waited longest gets it."""
        assert self._held, "nobody holds a slot"
        self._held -= 1
        self._held_ns += self._kernel.now
        self._served += 1
        if self._queue:
            turn = self._queue.popleft()
            self.take_from_queue()
            # By an event, so that a line of holders who need no time is no recursion.
            self._kernel.after(0, lambda _: turn.resolve())


class Measured(Protocol):
    """A resource that tells what it did, as `Servers`, `Meter` and `Slots` do."""

    longest_queue: int
    """The most jobs that ever waited at once. Set it to what waits now to begin anew."""

    def usage(self) -> Usage:
        """Totals up to now."""


class Watch:
    """Measures a set of resources, by their names, from one instant on."""

    def __init__(self, resources: dict[str, Measured]) -> None:
        self._resources = resources
        self._began: dict[str, Usage] = {}

    def begin(self) -> None:
        """The window begins now."""
        for name, resource in self._resources.items():
            self._began[name] = usage = resource.usage()
            resource.longest_queue = usage.waiting

    def windows(self) -> dict[str, Window]:
        """What each did since `begin`; empty windows when there was none."""
        if not self._began:
            self.begin()  # nothing was measured
        return {
            name: resource.usage().since(self._began[name], resource.longest_queue)
            for name, resource in self._resources.items()
        }
