"""What tests of points share: points of the small scenario, and workers that die."""

import os
import signal
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

from readfence.points import Point, point_of, run_text
from readfence.process_pool import READY
from readfence.scenarios import load
from tests.readfence.front_door import small


def points(count: int, *replacements: tuple[str, str], series: int = 0) -> list[Point]:
    """Points of the small scenario: its first variant under so many seeds."""
    Path("small.yaml").write_text(small(*replacements))
    loaded = load("small.yaml")
    variant = loaded.variants[0]
    return [
        point_of(variant, seed=seed, lua_files=loaded.lua_files, series=series)
        for seed in range(1, count + 1)
    ]


def dies_of_seed_2(pipe: Connection) -> None:
    """What a process does whose points of seed 2 kill it; the others take their time."""
    pipe.send_bytes(READY)
    while True:
        text = pipe.recv_bytes().decode()
        if '"seed":2,' in text:
            with Path("deaths").open("a") as file:
                file.write("one\n")
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.02)
        pipe.send_bytes(run_text(text).encode())


def dies_once(pipe: Connection) -> None:
    """What a process does that is killed at its first point, unless one was killed before."""
    pipe.send_bytes(READY)
    while True:
        text = pipe.recv_bytes().decode()
        mark = Path("killed")
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        pipe.send_bytes(run_text(text).encode())


def dies_at_its_start(pipe: Connection) -> None:
    """What a process does that never comes to its first point."""
    with Path("starts").open("a") as file:
        file.write("one\n")
    sys.exit(7)
