"""The wire protocol over real sockets: large, cut, garbled, and very many."""

import asyncio
import random
import resource
import socket
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.readfence.serving.serving import Served, serving


def connect(served: Served) -> socket.socket:
    """A connection that fails rather than hangs."""
    connection = socket.create_connection(("127.0.0.1", served.port), 20)
    connection.settimeout(20)
    return connection


def everything(connection: socket.socket) -> bytes:
    """What is sent until the other side closes."""
    parts = []
    while data := connection.recv(1 << 16):
        parts.append(data)
    return b"".join(parts)


def exactly(connection: socket.socket, size: int) -> bytes:
    """So many bytes, however they come."""
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        assert piece, f"closed after {data!r}"
        data += piece
    return data


def test_a_pipeline_of_10_000_commands_is_answered_in_order(served: Served) -> None:
    """All at once, data and scripts mixed."""
    script = b"return tonumber(ARGV[1])"
    request = b"".join(
        b"*2\r\n$4\r\nECHO\r\n$5\r\n%05d\r\n" % number
        if number % 10
        else b"*4\r\n$4\r\nEVAL\r\n$%d\r\n%b\r\n$1\r\n0\r\n$5\r\n%05d\r\n"
        % (len(script), script, number)
        for number in range(10_000)
    )
    expected = b"".join(
        b"$5\r\n%05d\r\n" % number if number % 10 else b":%d\r\n" % number
        for number in range(10_000)
    )
    with connect(served) as connection:
        connection.sendall(request)
        assert exactly(connection, len(expected)) == expected


def test_a_command_may_arrive_byte_by_byte(served: Served) -> None:
    """And another client is served meanwhile."""
    with connect(served) as slow, connect(served) as quick:
        slow.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"*3\r\n$3\r\nSET\r\n$4\r\nslow\r\n$2\r\n\r\n\r\n":
            slow.sendall(bytes([byte]))
            quick.sendall(b"PING\r\n")
            assert exactly(quick, 7) == b"+PONG\r\n"
        assert exactly(slow, 5) == b"+OK\r\n"


def test_commands_may_be_typed(served: Served) -> None:
    """Inline commands, with quotes; an empty line is nothing."""
    with connect(served) as connection:
        connection.sendall(b'\r\nset typed "a b\\x21"\r\nget typed\n')
        assert exactly(connection, 15) == b"+OK\r\n$4\r\na b!\r\n"


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"*1\r\n$600000000\r\n", b"invalid bulk length"),
        (b"*1\r\n$-5\r\n", b"invalid bulk length"),
        (b"*x\r\n", b"invalid multibulk length"),
        (b"*1\r\n:1\r\n", b"expected '$', got ':'"),
        (b'get "a\r\n', b"unbalanced quotes in request"),
        (b"a" * 70_000, b"too big inline request"),
        (b"*1\r\n$" + b"1" * 70_000, b"too big bulk count string"),
        (b"*" + b"1" * 70_000, b"too big mbulk count string"),
    ],
)
def test_what_is_no_request_ends_the_connection(served: Served, sent: bytes, said: bytes) -> None:
    """After the commands before it have been answered, in Redis's words."""
    with connect(served) as connection:
        connection.sendall(b"PING\r\n" + sent)
        assert everything(connection) == b"+PONG\r\n-ERR Protocol error: " + said + b"\r\n"


def test_garbage_does_no_harm(served: Served) -> None:
    """A hundred connections of random bytes; whoever comes next is served."""
    rng = random.Random(1)
    for _ in range(100):
        with connect(served) as connection:
            connection.sendall(rng.randbytes(rng.randrange(1, 3000)))
            connection.sendall(b"\r\n*1\r\n$")
    with connect(served) as connection:
        connection.sendall(b"PING\r\n")
        assert exactly(connection, 7) == b"+PONG\r\n"


def test_a_thousand_connections_are_served(served: Served) -> None:
    """At once, each with a script of its own; no reply goes to the wrong client."""

    async def one(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        script = b"return redis.call('INCRBY', KEYS[1], ARGV[1])"
        words = (b"EVAL", script, b"1", b"many:%d" % number, b"%d" % number)
        for turn in (1, 2):
            writer.write(b"*5\r\n" + b"".join(b"$%d\r\n%b\r\n" % (len(w), w) for w in words))
            assert await reader.readline() == b":%d\r\n" % (turn * number)
        writer.close()

    async def all_of_them() -> None:
        await asyncio.gather(*(one(number) for number in range(1000)))

    asyncio.run(asyncio.wait_for(all_of_them(), 60))


def test_clients_beyond_the_limit_are_refused(tmp_path: Path) -> None:
    """`maxclients`; another may come when one has gone."""
    refusal = b"-ERR max number of clients reached\r\n"
    with serving(tmp_path) as served, connect(served) as one, connect(served) as other:
        one.sendall(b"CONFIG SET maxclients 2\r\n")
        assert exactly(one, 5) == b"+OK\r\n"
        with connect(served) as refused:
            assert everything(refused) == refusal
        other.sendall(b"INFO stats\r\n")
        assert b"rejected_connections:1\r\n" in other.recv(4096)
        other.sendall(b"QUIT\r\n")
        assert everything(other) == b"+OK\r\n"
        with connect(served) as later:
            later.sendall(b"PING\r\n")
            assert exactly(later, 7) == b"+PONG\r\n"


def test_a_limit_beyond_what_the_machine_has_room_for_is_refused(tmp_path: Path) -> None:
    """The refusal names the highest that it has."""
    with serving(tmp_path) as served, connect(served) as one:
        resource.prlimit(served.process.pid, resource.RLIMIT_NOFILE, (100, 100))
        one.sendall(b"CONFIG SET maxclients 69\r\n")
        assert one.recv(4096).endswith(b"of clients, try with 68\r\n")
        one.sendall(b"CONFIG SET maxclients 68\r\n")
        assert exactly(one, 5) == b"+OK\r\n"


def test_a_server_without_room_for_another_socket_goes_on(tmp_path: Path) -> None:
    """Those who are there are served; who waits gets in when there is room."""
    with serving(tmp_path) as served:
        resource.prlimit(served.process.pid, resource.RLIMIT_NOFILE, (24, 24))
        with ExitStack() as crowd:
            connections = [crowd.enter_context(connect(served)) for _ in range(40)]
            connections[0].sendall(b"PING\r\n")
            assert exactly(connections[0], 7) == b"+PONG\r\n"
            last = connections[-1]
            last.sendall(b"PING\r\n")
            for connection in connections[:-1]:
                connection.close()
            assert exactly(last, 7) == b"+PONG\r\n"
        status, printed = served.stop()
        assert status == 0, printed


def test_a_client_that_does_not_read_holds_up_nobody(served: Served) -> None:
    """Its replies are not kept without bound, and others are served."""
    with connect(served) as greedy, connect(served) as other:
        greedy.sendall(b"*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$100000\r\n" + b"x" * 100_000 + b"\r\n")
        greedy.setblocking(False)
        until = time.monotonic() + 2
        while time.monotonic() < until:
            try:
                greedy.send(b"GET big\r\n" * 100)
            except BlockingIOError:
                break
        other.sendall(b"PING\r\n")
        assert exactly(other, 7) == b"+PONG\r\n"


def test_a_browser_that_was_lured_here_is_turned_away(served: Served) -> None:
    """POST and Host: are no commands but an attack."""
    with connect(served) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n\r\nSET a 1\r\n")
        assert everything(connection) == b""
