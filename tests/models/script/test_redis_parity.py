"""Scripts run here and on a real redis-server must give the same reply.

The scripts are in `parity/`, parted by lines of four dashes. Commands they call are answered by
the real server, outside of a script, so that only the engine is compared.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from models.replies import ErrorReply, Reply, Status
from models.script.cache import NO_SCRIPT
from models.script.machine import Machine
from tests.models.redis.resp2 import Client
from tests.models.script.resp3 import Resp3Client, typed
from tests.models.script.rig import run, script

FOLDER = Path(__file__).parent / "parity"

# A script, what Redis 7.0.15 says, what we say; <sha> stands for the script's digest. The reasons
# stand above each.
DIFFERENCES: list[tuple[str, Reply, Reply]] = [
    # lupa hands minus zero to Python as the integer 0.
    ("return redis.call('echo', -0)", b"-0", b"0"),
    # Lua forgets the caller of a Lua function called in tail position, and ours are Lua functions
    # where Redis has C. bytecode.py knows them by their names, not in a local variable.
    (
        "local decode = cjson.decode return decode('[')",
        ErrorReply(
            b"ERR user_script:1: Expected value but found T_END at character 2"
            b" script: <sha>, on @user_script:1."
        ),
        ErrorReply(
            b"ERR Expected value but found T_END at character 2 script: <sha>, on @user_script:-1."
        ),
    ),
    # One frame more between pcall and its caller.
    (
        "local _, e = pcall(function() error('x', 3) end) return (e:gsub('%d+', 'N'))",
        b"user_script:N: x",
        b"x",
    ),
    # Ours do not tell a missing argument from nil.
    (
        "return {pcall(setmetatable, {})}",
        [None, b"bad argument #2 to '?' (nil or table expected)"],
        [1, []],
    ),
    (
        "return {pcall(pairs)}",
        [None, b"bad argument #1 to '?' (table expected, got no value)"],
        [None, b"bad argument #1 to '?' (table expected, got nil)"],
    ),
    (
        "return {pcall()}",
        [None, b"attempt to call a boolean value"],
        [None, b"attempt to call a nil value"],
    ),
    # Redis keeps its error handler while a reader of `load` runs, so that errors become tables.
    (
        "local f, e = load(function() return {} end) return e",
        ErrorReply(b"ERR user_script:1: reader function must return a string"),
        b"reader function must return a string",
    ),
    # One C call more below the script.
    ("local n = 0 local function f() n = n + 1 return pcall(f) end f() return n", 199, 198),
    # A C function of ours needs three places on the stack for itself.
    (
        "local t = {} for i = 1, 7996 do t[i] = 'a' end redis.call('del', 'l') "
        "return redis.pcall('rpush', 'l', unpack(t))",
        7996,
        ErrorReply(
            b"ERR user_script:1: bad argument #1 to 'pcall' (not a python object)"
            b" script: <sha>, on @user_script:1."
        ),
    ),
    # The engine does not know which of the commands write.
    (
        "#!lua flags=no-writes\nreturn redis.call('set', 'a', 'b')",
        ErrorReply(
            b"ERR Write commands are not allowed from read-only scripts."
            b" script: <sha>, on @user_script:2."
        ),
        Status(b"OK"),
    ),
]


def answered_by(client: Client, args: list[bytes]) -> Reply:
    """A command's reply in the words it has inside a script."""
    reply = client.ask(*args)
    if isinstance(reply, ErrorReply):
        if reply.text.startswith(b"ERR unknown command"):
            return ErrorReply(b"ERR Unknown Redis command called from script")
        if reply.text.startswith(b"ERR wrong number of arguments"):
            return ErrorReply(b"ERR Wrong number of args calling Redis command from script")
    return reply


@pytest.fixture
def resp3_client(redis_server: int) -> Iterator[Resp3Client]:
    """A connection that speaks RESP3."""
    client = Resp3Client(redis_server)
    yield client
    client.close()


def without_digest(body: str, reply: Reply) -> Reply:
    """An error that names the script, the name replaced."""
    if isinstance(reply, ErrorReply):
        return ErrorReply(reply.text.replace(script(body).sha.encode(), b"<sha>"))
    return reply


def scripts_in(name: str) -> list[str]:
    """The scripts of one file."""
    return (FOLDER / name).read_text().removesuffix("\n").split("\n----\n")


@pytest.mark.parametrize(
    "name", ["values.txt", "errors.txt", "sandbox.txt", "libraries.txt", "isolation.txt"]
)
def test_scripts_get_the_reply_of_a_real_server(
    client: Client, machine: Machine, name: str
) -> None:
    """Values, errors with their lines, and every function of the sandbox."""
    scripts = scripts_in(name)
    assert len(scripts) > 80
    differences = []
    for body in scripts:
        client.ask(b"FLUSHALL")
        theirs = client.ask(b"EVAL", body.encode(), b"0")
        client.ask(b"FLUSHALL")
        ours = run(machine, body, lambda args: answered_by(client, args))
        if ours != theirs:
            differences.append(f"{body}\n  redis: {theirs!r:.300}\n  ours:  {ours!r:.300}")
    assert not differences, "\n".join(differences)


def test_types_of_resp3_pass_both_ways(
    client: Client, resp3_client: Resp3Client, machine: Machine
) -> None:
    """Into a script that has asked for them, and out of any; RESP2 shows what is left of them."""
    differences = []
    for body in scripts_in("resp3.txt"):
        replies = []
        for connection in (client, resp3_client):
            client.ask(b"FLUSHALL")
            replies.append(connection.ask(b"EVAL", body.encode(), b"0"))
        client.ask(b"FLUSHALL")
        ours = run(machine, body, lambda args: answered_by(resp3_client, args))
        if ours != replies[0] or typed(ours) != typed(replies[1]):
            differences.append(f"{body}\n  redis: {replies!r:.300}\n  ours:  {typed(ours)!r:.300}")
    assert not differences, "\n".join(differences)


@pytest.mark.parametrize(("body", "theirs", "ours"), DIFFERENCES)
def test_the_known_differences_are_these(
    client: Client, machine: Machine, body: str, theirs: Reply, ours: Reply
) -> None:
    """Noticed when Redis changes, or we do."""
    assert without_digest(body, client.ask(b"EVAL", body.encode(), b"0")) == theirs
    reply = run(machine, body, lambda args: answered_by(client, args))
    assert without_digest(body, reply) == ours


DRAWS = b"""
local draws = {tostring(math.random())}
for i = 1, 100 do draws[#draws + 1] = math.random(1000000) end
return draws
"""


def test_a_script_draws_what_the_first_one_draws_on_a_real_server(
    fresh_redis_server: int, machine: Machine
) -> None:
    """There it goes on where the last script stopped; a simulation must not depend on that."""
    client = Client(fresh_redis_server)
    first, second = (client.ask(b"EVAL", DRAWS, b"0") for _ in range(2))
    client.close()
    assert first != second
    assert run(machine, DRAWS) == run(machine, DRAWS) == first


def test_each_script_begins_with_the_default_settings_of_cjson_here(
    client: Client, machine: Machine
) -> None:
    """There they stay as the last script left them, until the server ends."""
    change, ask = b"return cjson.encode_max_depth(7)", b"return cjson.encode_max_depth()"
    assert client.ask(b"EVAL", change, b"0") == run(machine, change) == 7
    theirs, ours = client.ask(b"EVAL", ask, b"0"), run(machine, ask)
    client.ask(b"EVAL", b"return cjson.encode_max_depth(1000)", b"0")
    assert (theirs, ours) == (7, 1000)


def test_arguments_and_keys_are_as_on_a_real_server(client: Client, machine: Machine) -> None:
    """Any bytes."""
    body = "return {KEYS, ARGV, #KEYS, #ARGV}"
    keys, argv = [b"k\0\xff", b""], [b"5", b"\r\n", b"x" * 10_000]
    theirs = client.ask(b"EVAL", body.encode(), b"2", *keys, *argv)
    assert run(machine, body, keys=keys, argv=argv) == theirs


GLOBALS = """
local names = {}
for name, value in pairs(_G) do
  names[#names + 1] = name .. ' ' .. type(value)
  if type(value) == 'table' and value ~= _G then
    for inner, what in pairs(value) do
      names[#names + 1] = name .. '.' .. tostring(inner) .. ' ' .. type(what)
    end
  end
end
return names
"""


def test_a_script_sees_the_globals_of_a_real_server(client: Client, machine: Machine) -> None:
    """All of them and no more, down to the fields of the libraries."""
    theirs = client.ask(b"EVAL", GLOBALS.encode(), b"0")
    ours = run(machine, GLOBALS)
    assert isinstance(theirs, list) and isinstance(ours, list)
    assert sorted(map(str, ours)) == sorted(map(str, theirs))


def test_a_script_that_does_not_compile_is_unknown_to_a_real_server(client: Client) -> None:
    """Our cache keeps it, and the answer is the syntax error again instead of NOSCRIPT."""
    broken = script("return + parity")
    assert isinstance(client.ask(b"SCRIPT", b"LOAD", broken.body), ErrorReply)
    assert client.ask(b"EVALSHA", broken.sha.encode(), b"0") == NO_SCRIPT


def test_bytecode_is_a_syntax_error_as_on_a_real_server(client: Client, machine: Machine) -> None:
    """At the place where it stands."""
    for body in (b"\x1bLuaQ", b"\n\x1bLuaQ", b"return 1 \x1b"):
        assert run(machine, body) == client.ask(b"EVAL", body, b"0")
