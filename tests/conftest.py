"""What tests of several rooms share."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest

from models.replies import Status
from tests.models.redis.resp2 import Client


def pytest_addoption(parser: pytest.Parser) -> None:
    """How thoroughly to compare with a real redis-server."""
    parser.addoption("--sequences", type=int, default=700, help="per form of comparison")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a real redis-server without persistence, stopped when all tests are done."""
    binary = shutil.which("redis-server")
    if binary is None:
        if os.environ.get("CI"):
            pytest.fail("redis-server is not installed, and CI must not go without it")
        pytest.skip("redis-server is not installed: replies cannot be compared with a real one")
    port = _free_port()
    directory = tmp_path_factory.mktemp("redis")
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
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
