"""Measures what serves jobs that are known before they come (see `models.engine.rounds`).

As `sim.resources.Servers`, with one difference: a job may be handed over before it comes, so that
totals up to an instant hold work of the near future: at most what is on its way to a follower. It
is not sorted out, but a window never holds more than its length.
"""

from sim.kernel import Kernel
from sim.usage import Usage


class Foreseen:
    """So many servers, whose jobs are added up when they are known."""

    __slots__ = (
        "_kernel", "_longest_queue", "_told", "arrived", "busy_ns", "count", "free_at",
        "longest_wait_ns", "waited_ns",
    )  # fmt: skip

    def __init__(self, kernel: Kernel, count: int) -> None:
        self.count = count
        self.arrived = 0
        self.busy_ns = 0
        self.waited_ns = 0
        self.free_at = 0
        """When the last job that is known will be done."""
        self.longest_wait_ns = 0
        """If set, it tells the longest queue: so many services of average length."""
        self._kernel = kernel
        self._longest_queue = 0
        self._told = Usage(0, count, 0, 0, 0, 0, 0, 0)
        """When the window began."""

    @property
    def longest_queue(self) -> int:
        """The most jobs that ever waited at once. Set it to what waits now to begin anew."""
        if not self.busy_ns:
            return self._longest_queue
        return max(self._longest_queue, self.longest_wait_ns * self.arrived // self.busy_ns)

    @longest_queue.setter
    def longest_queue(self, waiting: int) -> None:
        self._told = self.usage()
        self._longest_queue = waiting
        self.longest_wait_ns = 0

    def add(self, service_ns: int) -> None:
        """A job that does not wait."""
        self.arrived += 1
        self.busy_ns += service_ns

    def serve(self, at: int, service_ns: int) -> int:
        """A job comes at an instant, the last so far; when it is done."""
        start = self.free_at
        if start > at:
            self.note_wait(start - at)
        else:
            start = at
        self.arrived += 1
        self.busy_ns += service_ns
        self.free_at = start + service_ns
        return self.free_at

    def prolong(self, pause_ns: int) -> None:
        """The job that was served last takes longer."""
        self.free_at += pause_ns
        self.busy_ns += pause_ns

    def note_wait(self, wait_ns: int) -> None:
        """A job waits for so long."""
        self.waited_ns += wait_ns
        if wait_ns > self.longest_wait_ns:
            self.longest_wait_ns = wait_ns

    def ahead(self, now: int) -> tuple[int, int]:
        """Work that lies in the future, in ns, and jobs in service; as far as it is known."""
        del now
        return 0, 0

    def usage(self) -> Usage:
        """Totals up to now."""
        return self.totals(self.arrived, self.busy_ns, self.waited_ns)

    def totals(self, arrived: int, busy_ns: int, waited_ns: int) -> Usage:
        """Totals up to now, of so many jobs; what they still do is taken off."""
        now, told = self._kernel.now, self._told
        ahead_ns, in_service = self.ahead(now)
        waiting = 0
        if busy_ns:
            waiting = max(ahead_ns * arrived // busy_ns - in_service, 0)
        most = told.busy_ns + (now - told.at_ns) * self.count
        return Usage(
            at_ns=now,
            count=self.count,
            arrived=arrived,
            served=max(arrived - in_service - waiting, told.served),
            busy_ns=max(min(busy_ns - ahead_ns, most), told.busy_ns),
            waited_ns=waited_ns,
            waiting=waiting,
            in_service=in_service,
        )
