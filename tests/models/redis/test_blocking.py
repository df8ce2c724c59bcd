"""What a blocking command that has found nothing would wait for, and what it does later."""

import pytest

from models.redis import table
from models.redis.blocking import Wait
from models.redis.commands import COMMANDS
from models.redis.context import Context
from models.replies import NULL_ARRAY, ErrorReply, Reply
from models.store.versions import Store
from tests.models.redis.scenes import Attempt


def outside(store: Store) -> Context:
    """An attempt of a single command."""
    context = Context(store, store.last_commit_ts)
    context.from_script = False
    return context


def run(store: Store, command: str) -> Reply:
    """Carry out a command and commit it."""
    attempt = Attempt(store, now_ms=5)
    attempt.context.from_script = False
    reply = table.call(attempt.context, command.encode().split())
    assert attempt.commit() is None
    return reply


def waits_for(store: Store, command: str) -> Wait | None:
    """What the command waits for, now that there is nothing."""
    words = command.encode().split()
    wait = COMMANDS[words[0].upper()].wait
    assert wait is not None
    return wait(outside(store), words)


@pytest.mark.parametrize(
    ("command", "keys", "timeout_ms", "push", "reply"),
    [
        ("BLPOP a b 0.5", [b"a", b"b"], 500, "RPUSH b x y", [b"b", b"x"]),
        ("brpop a 0", [b"a"], 0, "RPUSH a x y", [b"a", b"y"]),
        ("BLMOVE a b LEFT RIGHT 1.0001", [b"a"], 1001, "RPUSH a x", b"x"),
        ("BRPOPLPUSH a b 2", [b"a"], 2000, "RPUSH a x", b"x"),
        ("BLMPOP 3 2 a b RIGHT COUNT 2", [b"a", b"b"], 3000, "RPUSH b x y z",
         [b"b", [b"z", b"y"]]),
        ("BZPOPMIN a b 1", [b"a", b"b"], 1000, "ZADD b 1.5 m", [b"b", b"m", b"1.5"]),
        ("BZPOPMAX a 1", [b"a"], 1000, "ZADD a 1 m 2 n", [b"a", b"n", b"2"]),
        ("BZMPOP 1 1 a MIN", [b"a"], 1000, "ZADD a 1 m", [b"a", [[b"m", b"1"]]]),
        ("XREAD BLOCK 10 STREAMS a 0", [b"a"], 10, "XADD a 1-1 f v",
         [[b"a", [[b"1-1", [b"f", b"v"]]]]]),
    ],
)  # fmt: skip
def test_waiting(command: str, keys: list[bytes], timeout_ms: int, push: str, reply: Reply) -> None:
    """It finds nothing, waits for its keys, and finds what was pushed when it is asked again."""
    store = Store()
    assert run(store, command) in (None, NULL_ARRAY)
    wait = waits_for(store, command)
    assert wait is not None
    assert (wait.keys, wait.timeout_ms) == (keys, timeout_ms)
    run(store, push)
    assert table.call(outside(store), wait.again) == reply


def test_the_end_of_a_stream_is_the_end_as_it_was() -> None:
    """`$` stands for the last id at the time of the first call."""
    store = Store()
    run(store, "XADD a 1-1 f old")
    command = "XREAD BLOCK 0 STREAMS a b $ $"
    assert run(store, command) is NULL_ARRAY
    wait = waits_for(store, command)
    assert wait is not None
    assert wait.again[-2:] == [b"1-1", b"0-0"]
    run(store, "XADD a 2-1 f new")
    assert table.call(outside(store), wait.again) == [[b"a", [[b"2-1", [b"f", b"new"]]]]]


def test_a_group_reads_what_is_new_when_it_is_asked_again() -> None:
    """`>` needs no resolving: the group knows where it stands."""
    store = Store()
    run(store, "XGROUP CREATE a g $ MKSTREAM")
    command = "XREADGROUP GROUP g c BLOCK 5 STREAMS a >"
    assert run(store, command) is NULL_ARRAY
    assert waits_for(store, command) == Wait([b"a"], 5, command.encode().split())


@pytest.mark.parametrize("command", ["XREAD STREAMS a 0", "XREADGROUP GROUP g c STREAMS a >"])
def test_reads_without_block_do_not_wait(command: str) -> None:
    """Only BLOCK makes them wait."""
    assert waits_for(Store(), command) is None


def test_who_waits() -> None:
    """The commands that the server calls blocking."""
    waiting = {name for name, command in COMMANDS.items() if command.wait is not None}
    assert waiting == {b"BLPOP", b"BRPOP", b"BLMOVE", b"BRPOPLPUSH", b"BLMPOP", b"BZPOPMIN",
                       b"BZPOPMAX", b"BZMPOP", b"XREAD", b"XREADGROUP"}  # fmt: skip


def test_a_wrong_type_is_refused_at_once() -> None:
    """There is nothing to wait for."""
    store = Store()
    run(store, "SET a v")
    assert isinstance(run(store, "BLPOP a 0"), ErrorReply)
