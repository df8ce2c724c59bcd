"""What is known of a resource: totals up to an instant, and a window between two of them.

Plain numbers, so that a run record can hold them and a report reckon with them; who measures them
is `sim.resources`.
"""

from dataclasses import dataclass
from fractions import Fraction

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
    longest_queue: int = 0
    """The most jobs that waited at once; 0 too when nobody noted that."""

    def __post_init__(self) -> None:
        parts = (self.length_ns, self.arrived, self.served, self.busy_ns, self.waited_ns)
        if self.count < 1 or min(*parts, self.longest_queue) < 0:
            raise ValueError(f"a window of a resource holds a number below 0: {self}")
        if self.busy_ns > self.count * self.length_ns:
            raise ValueError(f"a resource was busy for longer than it was there: {self}")

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

    def since(self, earlier: "Usage", longest_queue: int = 0) -> Window:
        """The window from `earlier`, of the same resource, to this instant.

        `longest_queue` is what the resource noted in between (see `sim.resources`).
        """
        assert earlier.at_ns <= self.at_ns, f"{earlier.at_ns} is later than {self.at_ns}"
        assert earlier.count == self.count, "two different resources"
        return Window(
            count=self.count,
            length_ns=self.at_ns - earlier.at_ns,
            arrived=self.arrived - earlier.arrived,
            served=self.served - earlier.served,
            busy_ns=self.busy_ns - earlier.busy_ns,
            waited_ns=self.waited_ns - earlier.waited_ns,
            longest_queue=longest_queue,
        )
