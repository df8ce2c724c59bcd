"""A real Dask cluster for tests: a scheduler and workers, processes of this machine."""

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import distributed

PATIENCE_S = 240


@dataclass
class Cluster:
    """Processes that were started."""

    address: str
    workers: "list[subprocess.Popen[bytes]]"
    scheduler: "subprocess.Popen[bytes]"


@contextmanager
def cluster(folder: Path, *, workers: int, path: str = "") -> Iterator[Cluster]:
    """A scheduler and so many workers of one thread each, as the documentation starts them.

    `path`: where workers look for modules first.
    """
    folder.mkdir()
    where = folder / "scheduler.json"
    scheduler = _dask(
        folder, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
        "--scheduler-file", where,
    )  # fmt: skip
    started = [scheduler]
    try:
        _wait(where.exists, scheduler)
        address = json.loads(where.read_text())["address"]
        running = [
            _dask(folder, "worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard",
                  "--local-directory", folder / f"worker{number}", path=path)
            for number in range(workers)
        ]  # fmt: skip
        started += running
        if workers:
            # As the product does: what Dask logs of connections that tests break is no news.
            logging.getLogger("distributed").setLevel(logging.CRITICAL)
            with distributed.Client(address, timeout=PATIENCE_S, set_as_default=False) as client:
                client.wait_for_workers(workers, timeout=PATIENCE_S)
        yield Cluster(address, running, scheduler)
    finally:
        for process in started:
            process.send_signal(signal.SIGKILL)
            process.wait()


def _dask(folder: Path, *words: str | Path, path: str = "") -> "subprocess.Popen[bytes]":
    log = (folder / "log").open("ab")
    with log:
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *map(str, words)],
            stdout=log,
            stderr=log,
            env={**os.environ, "PYTHONPATH": path},
        )


def _wait(ready: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + PATIENCE_S
    while not ready():
        assert process.poll() is None, f"a process of the cluster ended with {process.returncode}"
        assert time.monotonic() < end, "the cluster did not come up"
        time.sleep(0.05)
