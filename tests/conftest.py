"""What tests of several rooms share."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

from models.replies import Status
from tests.models.redis.resp2 import Client

QUICK_EXAMPLES = 150
LONG_EXAMPLES = 5_000


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--long`: as many generated examples as one has time for, other ones each time."""
    parser.addoption("--long", action="store_true", help="many more generated examples")
    parser.addoption(
        "--sequences", type=int, default=700, help="compared with redis-server, in each of 3 forms"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Generated examples are the same in each quick run: CI must not fail by chance."""
    # Hypothesis mixes numbers and texts of all modules imported so far into what it draws: the
    # examples would be others whenever a file is added, or when fewer tests are collected.
    none = providers._local_constants
    providers._get_local_constants = lambda: none
    slow_is_fine = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    settings.register_profile(
        "quick",
        max_examples=QUICK_EXAMPLES,
        derandomize=True,
        deadline=None,
        suppress_health_check=slow_is_fine,
    )
    settings.register_profile(
        "long",
        max_examples=LONG_EXAMPLES,
        deadline=None,
        suppress_health_check=slow_is_fine,
    )
    settings.load_profile("long" if config.getoption("--long") else "quick")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a real redis-server without persistence, stopped when all tests are done."""
    with running_redis(tmp_path_factory.mktemp("redis")) as port:
        yield port


@pytest.fixture
def client(redis_server: int) -> Iterator[Client]:
    """Connected to a real redis-server that holds nothing."""
    client = Client(redis_server)
    client.ask(b"FLUSHALL")
    yield client
    client.close()


@pytest.fixture
def fresh_redis_server(tmp_path: Path) -> Iterator[int]:
    """The port of a real redis-server on which no script has run before."""
    with running_redis(tmp_path) as port:
        yield port


@contextmanager
def running_redis(directory: Path) -> Iterator[int]:
    """A real redis-server that lives as long as the context. Gives its port."""
    binary = shutil.which("redis-server")
    if binary is None:
        if os.environ.get("CI"):
            pytest.fail("redis-server is not installed, and CI must not go without it")
        pytest.skip("redis-server is not installed: replies cannot be compared with a real one")
    port = _free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
               "--databases", "1",
               "--dir", str(directory), "--logfile", str(directory / "log")]  # fmt: skip
    server = subprocess.Popen([binary, *options])
    try:
        _wait_until_up(server, port)
        yield port
    finally:
        server.terminate()
        server.wait(timeout=10)


def _wait_until_up(server: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        assert server.poll() is None, f"redis-server ended with {server.returncode} at its start"
        try:
            client = Client(port)
        except ConnectionRefusedError:
            time.sleep(0.01)
            continue
        assert client.ask(b"PING") == Status(b"PONG")
        client.close()
        return
    raise AssertionError("redis-server did not come up within 10 s")
