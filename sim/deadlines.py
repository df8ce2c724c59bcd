"""Deadlines: futures that fail at an instant unless they are resolved before.

Nearly all are resolved long before. One event is armed for the earliest of them, instead of one per
future, so that a busy run does not carry thousands of events that will do nothing.
"""

from heapq import heapify, heappop, heappush
from itertools import count

from sim.kernel import Event, Future, Kernel


class Deadlines:
    """The deadlines of one owner; all fail with the same kind of error."""

    def __init__(self, kernel: Kernel, error: type[Exception]) -> None:
        """`error` is raised, without arguments, in whoever waits for a future that is late."""
        self._kernel = kernel
        self._error = error
        self._heap: list[tuple[int, int, Future]] = []
        self._sequence = count()
        self._armed: int | None = None
        self._prune_at = 64

    def add(self, future: Future, at: int) -> None:
        """Fail `future` at the instant `at`, which must not lie in the past."""
        heappush(self._heap, (at, next(self._sequence), future))
        if self._armed is None or at < self._armed:
            self._armed = at
            self._kernel.after(at - self._kernel.now, self._ring, at)
        if len(self._heap) >= self._prune_at:
            self._heap = [entry for entry in self._heap if not entry[2].done]
            heapify(self._heap)
            self._prune_at = max(64, 2 * len(self._heap))

    def _ring(self, event: Event) -> None:
        if event.argument != self._armed:
            return  # armed for an earlier deadline since
        now = self._kernel.now
        late = []
        heap = self._heap
        while heap and (heap[0][2].done or heap[0][0] <= now):
            late.append(heappop(heap)[2])
        self._armed = heap[0][0] if heap else None
        if self._armed is not None:
            self._kernel.after(self._armed - now, self._ring, self._armed)
        for future in late:
            if not future.done:
                future.fail(self._error())
