"""A client's scripts reach nothing but their keys: known ways out, tried through a served store."""

import pytest

from models.replies import ErrorReply
from tests.readfence.serving.serving import Served, talking

WAYS_OUT = {
    "load a file": "return dofile('/etc/passwd')",
    "read a file": "return io.open('/etc/passwd')",
    "run a program": "return os.execute('id')",
    "load a module": "return require('os')",
    "load a library": "return package.loadlib('libc.so.6', 'system')",
    "python": "return python.eval('1')",
    "debug": "return debug.getregistry()",
    "bytecode": r"return loadstring('\27Lua')()",
    "a bytecode dump": "return loadstring(string.dump(function() return 1 end))()",
    "the host's functions": "return redis.call.__globals__",
    "attributes of the host's functions": "return redis.call['__self__']",
    "another environment": "return getfenv(0).os.exit()",
    "set the environment": "setfenv(0, {}) return 1",
    "a global": "leaked = 1",
    "the string table": "string.rep = nil",
    "the metatable of strings": "getmetatable('').__index = function() return 1 end",
    "the redis table": "redis.call = nil",
    "the globals' metatable": "setmetatable(_G, nil)",
    "raw globals": "rawset(_G, 'leaked', 1)",
    "the collector": "return newproxy(true)",
    "print": "print('x')",
}


@pytest.mark.parametrize("way", WAYS_OUT)
def test_no_known_way_leads_out_of_a_script(served: Served, way: str) -> None:
    """It is answered with an error, and the next script sees what the first one saw."""
    with talking(served.port) as client:
        reply = client.ask(b"EVAL", WAYS_OUT[way].encode(), b"0")
        assert isinstance(reply, ErrorReply), reply
        intact = b"return {type(redis.call), type(string.rep), tostring(rawget(_G, 'leaked'))}"
        assert client.ask(b"EVAL", intact, b"0") == [b"function", b"function", b"nil"]


def test_a_script_without_end_is_ended(served: Served) -> None:
    """Others are served afterwards; what it cannot catch, it cannot outlive."""
    with talking(served.port) as client:
        reply = client.ask(
            b"EVAL", b"while true do pcall(function() while true do end end) end", b"0"
        )
        assert isinstance(reply, ErrorReply)
        assert client.ask(b"EVAL", b"return 1", b"0") == 1


def test_connections_know_nothing_of_each_other(served: Served) -> None:
    """A name, a transaction, a protocol are the connection's own."""
    with talking(served.port) as first, talking(served.port) as second:
        first.ask(b"CLIENT", b"SETNAME", b"me")
        first.ask(b"HELLO", b"3")
        first.ask(b"MULTI")
        first.ask(b"SET", b"isolated", b"1")
        assert second.ask(b"CLIENT", b"GETNAME") is None
        assert second.ask(b"GET", b"isolated") is None
        first.ask(b"DISCARD")
