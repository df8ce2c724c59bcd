"""Resources that saturate: servers with one queue, and what is known of any queue over a window.

`Servers` is c servers behind one queue, first come first served, never interrupted (G/G/c). When a
job comes, the instants at which the servers will be free say already when it begins and ends: the
recursion of Lindley (1952), for several servers that of Kiefer and Wolfowitz (1955). So a job costs
its requester one sleep, and there is no process of a queue and no event of a server.

That holds only while nobody leaves the line and nobody jumps it. Who gives up waiting (a deadline)
must let the job be served all the same, and what is held for a time unknown when it is taken is a
slot (`sim.kernel.Slots`); `Meter` measures such.

Both report the same `Usage`: totals up to an instant, to the nanosecond, with what lies in the
future left out. Two of them bound a measuring window, and a job that is waiting or in service at
its edge counts with the part inside.
"""

from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from heapq import heapreplace

from sim.kernel import Kernel
from sim.units import SECOND


@dataclass(frozen=True, slots=True)
class Window:
    """What a resource did between two instants."""

    count: int
    """Its servers or slots."""
    length_ns: int
    arrived: int
    """Jobs that came."""
    served: int
    """Jobs that were finished."""
    busy_ns: int
    """Time of servers spent on jobs, over all of them."""
    waited_ns: int
    """Time that jobs spent in the queue, over all of them."""

    @property
    def utilisation(self) -> Fraction | None:
        """The share of the servers' time spent on jobs, 0 to 1; None when no time passed."""
        if not self.length_ns:
            return None
        return Fraction(self.busy_ns, self.count * self.length_ns)

    @property
    def queue_mean(self) -> Fraction | None:
        """Jobs in the queue, without those in service, on average over time (Little's law)."""
        return Fraction(self.waited_ns, self.length_ns) if self.length_ns else None

    @property
    def wait_mean_ns(self) -> Fraction | None:
        """Time in the queue per job that came (Little's law); None when none came.

        Exact when the queue is empty at both edges, and otherwise off by what little of the
        waiting of the jobs at the edges lies outside.
        """
        return Fraction(self.waited_ns, self.arrived) if self.arrived else None

    @property
    def service_mean_ns(self) -> Fraction | None:
        """Time of a server per job that was finished; None when none was."""
        return Fraction(self.busy_ns, self.served) if self.served else None

    @property
    def served_per_second(self) -> Fraction | None:
        """Jobs finished per second; None when no time passed."""
        return Fraction(self.served * SECOND, self.length_ns) if self.length_ns else None


@dataclass(frozen=True, slots=True)
class Usage:
    """What a resource did from the start up to an instant."""

    at_ns: int
    count: int
    arrived: int
    served: int
    busy_ns: int
    waited_ns: int
    waiting: int
    """Jobs in the queue at that instant."""
    in_service: int
    """Jobs in service at that instant, or slots held."""

    def since(self, earlier: "Usage") -> Window:
        """The window from `earlier`, of the same resource, to this instant."""
        assert earlier.at_ns <= self.at_ns, f"{earlier.at_ns} is later than {self.at_ns}"
        assert earlier.count == self.count, "two different resources"
        return Window(
            count=self.count,
            length_ns=self.at_ns - earlier.at_ns,
            arrived=self.arrived - earlier.arrived,
            served=self.served - earlier.served,
            busy_ns=self.busy_ns - earlier.busy_ns,
            waited_ns=self.waited_ns - earlier.waited_ns,
        )


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
        """The most jobs that ever waited at once. Set it to 0 to begin anew."""
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
        """The most that ever waited at once. Set it to 0 to begin anew."""
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
