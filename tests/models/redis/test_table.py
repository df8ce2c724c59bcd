"""Finding a command, and refusing one: as Redis does, inside scripts and outside."""

import pytest

from models.redis import table
from models.redis.commands import COMMANDS, NOT_IN_SCRIPTS
from models.redis.context import Context
from models.replies import OK, WRONG_TYPE, ErrorReply, Reply, Status
from models.store.versions import Store
from tests.models.redis.resp2 import Client
from tests.models.redis.scenes import Attempt
from tests.models.redis.traced import store_with


def run(store: Store, *commands: bytes, from_script: bool = True) -> list[Reply]:
    """The replies to one attempt, its writes committed; commands without blanks in arguments."""
    attempt = Attempt(store, now_ms=1)
    attempt.context.from_script = from_script
    replies = [table.call(attempt.context, command.split()) for command in commands]
    assert attempt.commit() is None
    return replies


def test_the_table_agrees_with_a_real_server(redis_server: int) -> None:
    """Words, keys, writes and what scripts may call are as COMMAND INFO has them."""
    client = Client(redis_server)
    infos = client.ask(b"COMMAND", b"INFO", *COMMANDS)
    client.close()
    assert isinstance(infos, list)
    differing = []
    for command, info in zip(COMMANDS.values(), infos, strict=True):
        assert isinstance(info, list), command.name
        flags = [flag.text for flag in info[2]]
        subcommands = bool(info[9])
        theirs = info[1], tuple(info[3:6]), b"write" in flags, b"noscript" not in flags
        ours = command.arity, tuple(command.keys), command.write, command.in_scripts
        if ours != theirs and not subcommands:
            differing.append((command.name, ours, theirs))
    assert differing == []


UNUSUAL = (
    [b"nope", b"k"], [b"nope"], [b"a\r\nb\x00c"], [b"n" * 200, b"x" * 200, b"y"], [b"GET"],
    [b"get", b"k", b"k"], [b"XGROUP"], [b"XGROUP", b"nope", b"k"], [b"xgroup", b"create", b"k"],
    [b"XINFO", b"STREAM"], [b"BLPOP", b"k"], [b"MSET", b"k"], [b"HSET", b"k", b"f"],
    [b"LPOP", b"k", b"1", b"2"],
)  # fmt: skip


@pytest.mark.parametrize("command", UNUSUAL, ids=lambda command: repr(command)[:30])
def test_refusals(redis_server: int, command: list[bytes]) -> None:
    """What cannot be found or has the wrong number of words is refused in Redis's words."""
    client = Client(redis_server)
    outside = client.ask(*command)
    inside = client.ask(b"EVAL", b"return redis.pcall(unpack(ARGV))", b"0", *command)
    client.close()
    context = Context(Store(), 1)
    assert table.call(context, command) == inside
    context.from_script = False
    assert table.call(context, command) == outside
    assert context.reads == []


@pytest.mark.parametrize("name", sorted(NOT_IN_SCRIPTS - {b"ACL", b"CLIENT", b"CONFIG", b"SCRIPT",
                                                          b"FUNCTION"}))  # fmt: skip
def test_commands_of_connections_are_refused_to_scripts(redis_server: int, name: bytes) -> None:
    """Redis knows them, and so says otherwise than of a command that is not there."""
    client = Client(redis_server)
    words = [name, *[b"1"] * 4]
    theirs = client.ask(b"EVAL", b"return redis.pcall(unpack(ARGV))", b"0", *words)
    client.close()
    ours = table.call(Context(Store(), 1), words)
    assert isinstance(theirs, ErrorReply)
    if b"Wrong number" not in theirs.text:
        assert ours == theirs


def test_blocking_commands_are_not_for_scripts() -> None:
    """Outside they are carried out, without waiting."""
    store = store_with(k="list_meta")
    forbidden = [ErrorReply(b"ERR This Redis command is not allowed from script")]
    assert run(store, b"BLPOP k 0") == forbidden
    assert run(store, b"BLPOP k 0", from_script=False) == [[b"k", b"a"]]


def test_commands_beyond_the_modelled_revision_are_noted() -> None:
    """Each call of one, under its proper name; the others leave no note."""
    context = Attempt(store_with(k="str_new"), now_ms=1).context
    for command in (b"GET k", b"incrby k 2", b"INCRBY k", b"Ttl k", b"incrby k x"):
        table.call(context, command.split())
    assert context.unsupported == [b"INCRBY", b"TTL", b"INCRBY"]


def test_wrong_types_stay_wrong() -> None:
    """After one WRONGTYPE the same family of commands is refused again, and nothing is replaced.
    (In the modelled system the second one sees no key, and a write replaces it: H6.)
    """
    store = store_with(k="list_meta")
    replies = run(store, b"HGET k f", b"HGET k f", b"HSET k f 1", b"TYPE k")
    assert replies == [WRONG_TYPE, WRONG_TYPE, WRONG_TYPE, Status(b"list")]
    assert run(store, b"RPOP k 5") == [[b"c", b"b", b"a"]]


def test_wrong_types_end_with_the_key() -> None:
    """A key that was deleted, or has another type by now, is looked at anew, without reading."""
    store = store_with(k="list_meta")
    replies = run(store, b"HGET k f", b"DEL k", b"HGET k f", b"SADD k m", b"HGET k f", b"SCARD k")
    assert replies == [WRONG_TYPE, 1, None, 1, WRONG_TYPE, 1]
    replies = run(Store(), b"GET k", b"LPUSH k x", b"GET k", b"SET k v", b"GET k", b"LLEN k")
    assert replies == [None, 1, WRONG_TYPE, OK, b"v", WRONG_TYPE]
