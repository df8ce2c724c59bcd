"""A served cluster in a process of its own, for tests that need sockets."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.models.redis.resp2 import Client


class Served:
    """A running `readfence serve`, or another command that listens."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self.process = process
        self.port = port

    def stop(self, number: int = signal.SIGINT) -> tuple[int, str]:
        """End it gracefully; its exit status, and what it printed after its first line."""
        self.process.send_signal(number)
        printed, _ = self.process.communicate(timeout=60)
        return self.process.returncode, printed


@contextmanager
def running(*arguments: str | Path) -> Iterator[Served]:
    """`readfence <arguments>`, which must tell on its first line where it listens."""
    command = [sys.executable, "-m", "readfence", *(str(argument) for argument in arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r" 127\.0\.0\.1:(\d+)", line)
        assert found is not None, line + process.communicate(timeout=60)[0]
        yield Served(process, int(found[1]))
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[Served]:
    """A served empty store, as fast as it goes."""
    with running("serve", "--port", "0", "--speed", "max", "--out", folder, *options) as served:
        yield served


@contextmanager
def talking(port: int) -> Iterator[Client]:
    """A client, hung up at the end."""
    client = Client(port)
    try:
        yield client
    finally:
        client.close()


def tool(name: str) -> str:
    """The path of one of Redis's programs; without it a test is skipped, though not in CI."""
    found = shutil.which(name)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(f"{name} is not installed, and CI must not go without it")
        pytest.skip(f"{name} is not installed")
    return found
