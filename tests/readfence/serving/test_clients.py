"""Real clients live over `readfence serve`: they leave behind what they leave in a redis-server."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from models.replies import Status
from tests.models.redis.resp2 import Client
from tests.packages import NPM, need, npm_packages
from tests.readfence.serving import clients
from tests.readfence.serving.serving import Served, talking, tool

VOLATILE = (
    (rb"\d{10}\.\d+(e[+-]?\d+)?", b"<instant>"),
    (rb"\d{13,17}(-\d+)?", b"<instant>"),
    (rb"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}(:\d+)?", b"<id>"),
    (rb"line \d+", b"<line>"),
)
"""What no two sessions share: instants and ids drawn by clients."""
JOBS = "1000"
READERS = {
    b"string": (b"GET",),
    b"hash": (b"HGETALL",),
    b"list": (b"LRANGE", b"0", b"-1"),
    b"set": (b"SMEMBERS",),
    b"zset": (b"ZRANGE", b"0", b"-1", b"WITHSCORES"),
    b"stream": (b"XRANGE", b"-", b"+"),
}


def masked(value: object) -> object:
    """A reply without what differs from session to session."""
    if isinstance(value, list):
        return [masked(item) for item in value]
    if isinstance(value, bytes):
        for pattern, word in VOLATILE:
            value = re.sub(pattern, word, value)
    return value


def state(client: Client) -> dict[object, list[object]]:
    """Every key with type, whether it expires, and value; what has no order is sorted."""
    keys = client.ask(b"KEYS", b"*")
    assert isinstance(keys, list)
    found: dict[object, list[object]] = {}
    for key in sorted(keys):
        kind = client.ask(b"TYPE", key)
        assert isinstance(kind, Status)
        name, *rest = READERS[bytes(kind.text)]
        value = masked(client.ask(name, key, *rest))
        if name == b"HGETALL":
            value = sorted(zip(value[::2], value[1::2], strict=True))
        elif name in (b"SMEMBERS", b"ZRANGE"):
            value = sorted(value)
        ttl = client.ask(b"PTTL", key)
        found.setdefault(masked(key), []).append([kind.text, ttl == -1, value])
    return found


def python_session(name: str) -> list[str]:
    """The command that runs one of `clients.py`, without the port."""
    return [sys.executable, str(Path(clients.__file__)), name]


def left_behind(session: list[str], port: int, *more: str) -> dict[object, list[object]]:
    """What a session leaves in an empty store."""
    with talking(port) as client:
        client.ask(b"FLUSHALL")
        client.ask(b"SCRIPT", b"FLUSH")
        command = [*session, str(port), *more]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=90)
        assert done.returncode == 0, done.stdout + done.stderr
        return state(client)


@pytest.mark.parametrize("session", sorted(clients.SESSIONS))
def test_a_client_leaves_the_same_in_both(session: str, served: Served, redis_server: int) -> None:
    """Keys, types, whether they expire, and values."""
    need(session, "redis")
    real = left_behind(python_session(session), redis_server)
    assert real, "the session left nothing that could be compared"
    assert left_behind(python_session(session), served.port) == real


def test_a_delayed_job_comes_due(served: Served, redis_server: int) -> None:
    """In both; what is left is not compared, since who promotes the job is a race."""
    need("bullmq", "redis")
    for port in (redis_server, served.port):
        assert left_behind(python_session("delayed_job"), port)


def test_a_queue_of_node_leaves_the_same_in_both(served: Served, redis_server: int) -> None:
    """A thousand jobs of npm's bullmq, some with a priority, some that fail."""
    node = tool("node")
    npm_packages()
    script = Path(clients.__file__).with_name("bullmq_session.js")
    session = [node, str(script), str(NPM / "node_modules")]
    real = left_behind(session, redis_server, JOBS)
    assert len(real) > int(JOBS)
    assert left_behind(session, served.port, JOBS) == real


def test_another_value_is_noticed(served: Served, redis_server: int) -> None:
    """The comparison looks into values, and at the time to live."""
    found = []
    for port, extra in ((served.port, []), (redis_server, [b"EX", b"100"])):
        with talking(port) as client:
            client.ask(b"FLUSHALL")
            client.ask(b"SET", b"a", b"1", *extra)
            client.ask(b"HSET", b"h", b"f", b"%d" % port)
            found.append(state(client))
    assert found[0][b"a"] != found[1][b"a"]
    assert found[0][b"h"] != found[1][b"h"]
