"""Choosing who runs points: here, in processes of this machine, or on a Dask cluster.

Whoever runs a point, its result is the same, byte for byte: an executor decides when and where, and
in which order results come, and nothing else. Points go in and results come out as text.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from readfence.executor import Executor
from readfence.points import Point, PointResult, run_point
from readfence.store import PointStore
from sim.errors import InputError

Name = Literal["processes", "inline", "dask"]


class Inline(Executor):
    """One point after the other, in this process."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, Point]] = deque()

    def submit(self, index: int, point: Point) -> None:
        """See `Executor`."""
        self._waiting.append((index, point))

    def completed(self) -> Iterator[tuple[int, PointResult]]:
        """See `Executor`."""
        while self._waiting:
            index, point = self._waiting.popleft()
            yield index, run_point(point)

    @property
    def running(self) -> int:
        """See `Executor`."""
        return min(1, len(self._waiting))

    def close(self) -> None:
        """See `Executor`. There is nothing to end."""


def make_executor(
    name: Name, *, workers: int | None, scheduler: str | None, tell: Callable[[str], None]
) -> Executor:
    """The executor of that name; `tell` is handed what the user should know meanwhile.

    `workers` is for processes (default: one per core), `scheduler` for Dask, which needs it.
    Raises `InputError` where an option does not fit, `EnvironmentFailed` where there is no cluster.
    """
    if scheduler is not None and name != "dask":
        raise InputError(f"--scheduler: expected with --executor dask, got --executor {name}")
    if workers is not None and name != "processes":
        raise InputError(f"--workers: expected with --executor processes, got --executor {name}")
    if name == "inline":
        return Inline()
    # The others are imported where they are used: Dask is optional.
    if name == "processes":
        from readfence.process_pool import ProcessPool  # noqa: PLC0415

        return ProcessPool(workers or cores())
    if scheduler is None:
        raise InputError("--executor dask: expected --scheduler tcp://HOST:8786 as well, got none")
    from readfence.dask_cluster import DaskCluster  # noqa: PLC0415

    return DaskCluster(scheduler, tell)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


@dataclass(frozen=True, slots=True)
class Finished:
    """A point and its result."""

    index: int
    """The one that was given when it was submitted."""
    result: PointResult
    from_store: bool
    """Whether it had been run before."""


class PointRunner:
    """Runs points on an executor, each once: what the store holds, or is under way, is not run."""

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
                self.ran += 1
                for index in self._waiting.pop(result.point):
                    yield Finished(index, result, False)
                while self._found:
                    yield self._found.popleft()
