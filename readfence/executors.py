"""Choosing who runs points: here, in processes of this machine, or on a Dask cluster.

Whoever runs a point, its result is the same, byte for byte: an executor decides when and where, and
in which order results come, and nothing else. Points go in and results come out as text.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator
from typing import Literal

from readfence.executor import Executor
from readfence.points import Point, PointResult, run_point
from readfence.watchdog import GiveUp
from sim.errors import InputError

Name = Literal["processes", "inline", "dask"]


class Inline(Executor):
    """One point after the other, in this process; with `give_up`, watched as by `run_all`."""

    def __init__(self, give_up: GiveUp | None = None) -> None:
        self._give_up = give_up
        self._waiting: deque[tuple[int, Point]] = deque()

    def submit(self, index: int, point: Point) -> None:
        """See `Executor`."""
        self._waiting.append((index, point))

    def completed(self) -> Iterator[tuple[int, PointResult]]:
        """See `Executor`."""
        while self._waiting:
            index, point = self._waiting.popleft()
            yield index, run_point(point, give_up=self._give_up)

    @property
    def running(self) -> int:
        """See `Executor`."""
        return min(1, len(self._waiting))

    def close(self) -> None:
        """See `Executor`. There is nothing to end."""


def make_executor(
    name: Name,
    *,
    workers: int | None,
    scheduler: str | None,
    tell: Callable[[str], None],
    give_up: GiveUp | None = None,
) -> Executor:
    """The executor of that name; `tell` is handed what the user should know meanwhile.

    `workers` is for processes (default: one per core), `scheduler` for Dask, which needs it,
    `give_up` for what runs in this process, see `Inline`. Raises `InputError` where an option does
    not fit, `EnvironmentFailed` where there is no cluster.
    """
    if scheduler is not None and name != "dask":
        raise InputError(f"--scheduler: expected with --executor dask, got --executor {name}")
    if workers is not None and name != "processes":
        raise InputError(f"--workers: expected with --executor processes, got --executor {name}")
    if name == "inline":
        return Inline(give_up)
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
