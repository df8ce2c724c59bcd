"""How much faster two processes finish a sweep than one: 32 points of equal work.

    python3 dev.py bench --processes

Both are pools, so that starting a process counts on either side. Wall time, so nothing else must
want the cores meanwhile; the load of the machine is told beside the result.
"""

import os
import time
from collections.abc import Iterator

from readfence.executors import cores
from readfence.points import Point, point_of
from readfence.process_pool import ProcessPool
from readfence.runner import PointRunner
from readfence.scenarios import load

POINTS = 32
SCRIPTS = 600
"""Scripts of `verify_storm` under `per_call` per point: about a second."""
TARGET = 1.8


def equal_points(count: int, scripts: int) -> list[Point]:
    """Points that differ in their seed alone."""
    loaded = load("verify_storm", [f"stop.scripts={scripts}"])
    return [
        point_of(loaded.variants[0], seed=seed, lua_files=loaded.lua_files)
        for seed in range(1, count + 1)
    ]


def seconds(points: list[Point], workers: int) -> float:
    """Wall time from nothing to the last result."""
    began = time.perf_counter()
    with ProcessPool(workers) as pool:
        runner = PointRunner(pool, None)
        for index, point in enumerate(points):
            runner.submit(index, point)
        statuses = [finished.result.status for finished in runner.completed()]
        wall = time.perf_counter() - began
    assert statuses == ["ok"] * len(points), statuses
    return wall


def speed_up(count: int = POINTS, scripts: int = SCRIPTS) -> float:
    """Time of one process over that of two."""
    points = equal_points(count, scripts)
    return seconds(points, 1) / seconds(points, 2)


def lines(repeats: int = 3) -> Iterator[str]:
    """What the benchmark says, as it comes."""
    for _ in range(repeats):
        busy = os.getloadavg()[0]
        yield (
            f"two processes are {speed_up():.2f} times as fast as one for {POINTS} points "
            f"(target {TARGET}; {cores()} cores, load before {busy:.1f})"
        )
