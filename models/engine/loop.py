"""An event loop: one queue, one item at a time, each for its service time; measured.

At the end of its service time the event of its kind carries an item out. Whoever does that may keep
the loop for longer (a sync, applying entries) and then calls `_take_next`. The loop measures itself
(see `sim.usage`): a stretch of time is its end less its start, so that each costs two additions.
"""

from collections import deque
from typing import Any

from sim.kernel import Event, Kernel
from sim.usage import Usage


class Loop:
    """One thread of a node."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._queue: deque[tuple[Event, Any, int]] = deque()
        self._busy = False
        self._item: Any = None
        self._busy_ns = 0
        self._waited_ns = 0
        self._served = 0
        self.longest_queue = 0
        """The most items that ever waited at once. Set it to what waits now to begin anew."""

    def _enqueue(self, served: Event, item: Any, service: int) -> None:
        """Have `served` happen with `_item` being the item, when it has been served."""
        kernel = self._kernel
        if not self._busy:
            self._busy = True
            self._item = item
            self._busy_ns -= kernel.now
            kernel.again(service, served)
            return
        queue = self._queue
        queue.append((served, item, service))
        self._waited_ns -= kernel.now
        if len(queue) > self.longest_queue:
            self.longest_queue = len(queue)

    def _take_next(self) -> None:
        """The item is done with: serve the next, or be idle."""
        self._served += 1
        kernel = self._kernel
        if self._queue:
            served, self._item, service = self._queue.popleft()
            self._waited_ns += kernel.now
            kernel.again(service, served)
        else:
            self._busy = False
            self._busy_ns += kernel.now

    def usage(self) -> Usage:
        """What the loop did up to now."""
        now, waiting = self._kernel.now, len(self._queue)
        return Usage(
            at_ns=now,
            count=1,
            arrived=self._served + self._busy + waiting,
            served=self._served,
            busy_ns=self._busy_ns + now * self._busy,
            waited_ns=self._waited_ns + now * waiting,
            waiting=waiting,
            in_service=int(self._busy),
        )
