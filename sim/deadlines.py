"""Deadlines: futures that fail at an instant unless they are resolved before.

Nearly all are resolved long before, and nearly all come in the order of their deadlines. So one
event is armed for the earliest, instead of one per future, and those that come in order wait in a
plain queue whose head is dropped as soon as it is done; the few others wait in a heap.
"""

from collections import deque
from heapq import heappop, heappush
from itertools import count

from sim.kernel import Event, Future, Kernel


class Deadlines:
    """The deadlines of one owner; all fail with the same kind of error."""

    def __init__(self, kernel: Kernel, error: type[Exception]) -> None:
        """`error` is raised, without arguments, in whoever waits for a future that is late."""
        self._kernel = kernel
        self._error = error
        self._in_order: deque[tuple[int, Future]] = deque()
        self._others: list[tuple[int, int, Future]] = []
        self._sequence = count()
        self._armed: int | None = None

    def add(self, future: Future, at: int) -> None:
        """Fail `future` at the instant `at`; at once if that has passed."""
        now = self._kernel.now
        if at < now:
            at = now
        queue = self._in_order
        while queue and queue[0][1].done:
            queue.popleft()
        if not queue or at >= queue[-1][0]:
            queue.append((at, future))
        else:
            heappush(self._others, (at, next(self._sequence), future))
        if self._armed is None or at < self._armed:
            self._armed = at
            self._kernel.after(at - now, self._ring, at)

    def _ring(self, event: Event) -> None:
        if event.argument != self._armed:
            return  # armed for an earlier deadline since
        now = self._kernel.now
        queue, others = self._in_order, self._others
        late = []
        while queue and (queue[0][1].done or queue[0][0] <= now):
            late.append(queue.popleft()[1])
        while others and (others[0][2].done or others[0][0] <= now):
            late.append(heappop(others)[2])
        ahead = [first[0][0] for first in (queue, others) if first]
        self._armed = min(ahead, default=None)
        if self._armed is not None:
            self._kernel.after(self._armed - now, self._ring, self._armed)
        for future in late:
            if not future.done:
                future.fail(self._error())
