"""Running points, each once: what the store holds, or is under way, is not run again."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from readfence.executor import Executor
from readfence.points import Point, PointResult
from readfence.store import PointStore


@dataclass(frozen=True, slots=True)
class Finished:
    """A point and its result."""

    index: int
    """The one that was given when it was submitted."""
    result: PointResult
    from_store: bool
    """Whether it had been run before."""


class PointRunner:
    """Runs points on an executor, and keeps their results in the store, if there is one."""

    def __init__(self, executor: Executor, store: PointStore | None) -> None:
        self._executor = executor
        self._store = store
        self._found: deque[Finished] = deque()
        self._waiting: dict[str, list[int]] = {}
        """Who waits for a point that is under way, by its hash."""
        self.ran = 0
        """Points that were run, so far."""
        self.from_store = 0
        """Points that had been run before."""
        self.kept = 0
        """Points whose results are in the store: those, and what was run and will last."""

    @property
    def running(self) -> int:
        """How many points are being run now."""
        return self._executor.running

    def submit(self, index: int, point: Point) -> None:
        """Ask for the result of a point; `index` comes back with it."""
        name = point.hash
        if name in self._waiting:
            self._waiting[name].append(index)
            return
        known = None if self._store is None else self._store.get(point)
        if known is not None:
            self._found.append(Finished(index, known, True))
            self.from_store += 1
            self.kept += 1
            return
        self._waiting[name] = [index]
        self._executor.submit(index, point)

    def completed(self) -> Iterator[Finished]:
        """Results as they come, those of the store first, until all have come.

        More may be submitted meanwhile. A result is in the store before it is yielded. Raises
        `EnvironmentFailed` when the executor or the disk fails.
        """
        while self._found or self._waiting:
            while self._found:
                yield self._found.popleft()
            for _, result in self._executor.completed():
                if self._store is not None:
                    self._store.put(result)
                    self.kept += result.lasting
                self.ran += 1
                for index in self._waiting.pop(result.point):
                    yield Finished(index, result, False)
                while self._found:
                    yield self._found.popleft()
