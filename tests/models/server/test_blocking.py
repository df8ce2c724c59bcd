"""Blocked clients: who is woken, by what, in which order, with what."""

from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest

from models.replies import NULL_ARRAY, ErrorReply
from models.server.blocking import for_one_key
from tests.models.redis.resp2 import Client
from tests.models.server.rig import ServerStage, Talk

PUSH = "return redis.call('RPUSH', KEYS[1], unpack(ARGV))"


@pytest.fixture(params=[True, False], ids=["one by one", "overlapping"])
def stage(request: pytest.FixtureRequest) -> ServerStage:
    """Both ways in which requests are carried out."""
    return ServerStage(one_by_one=request.param)


def blocked(stage: ServerStage, *words: bytes | str | int) -> Talk:
    """A client that waits."""
    client = stage.client()
    client.send(*words)
    assert client.received == []
    return client


def test_a_push_inside_a_script_wakes_who_waits_longest(stage: ServerStage) -> None:
    """First come, first served; the second is served by the second element."""
    first = blocked(stage, "BLPOP", "q", 0)
    second = blocked(stage, "BRPOP", "q", 0)
    third = blocked(stage, "BLPOP", "q", 0)
    stage.client().ask("EVAL", PUSH, 1, "q", "a", "b")
    assert first.received == [[b"q", b"a"]]
    assert second.received == [[b"q", b"b"]]
    assert third.received == []


def test_what_a_script_takes_back_wakes_nobody(stage: ServerStage) -> None:
    """Waking is for after the script: what it pushed and popped was never there."""
    waiting = blocked(stage, "BLPOP", "q", 0)
    stage.client().ask("EVAL", PUSH + "; redis.call('DEL', KEYS[1])", 1, "q", "a")
    stage.client().ask("EVAL", "redis.call('RPUSH','q','x') redis.call('LPOP','q')", 0)
    assert waiting.received == []
    stage.client().ask("RPUSH", "q", "real")
    assert waiting.received == [[b"q", b"real"]]


def test_a_client_of_several_keys_is_served_from_the_one_that_became_ready(
    stage: ServerStage,
) -> None:
    """Keys are served in the order in which they became ready, not in the order of the command."""
    waiting = blocked(stage, "BLPOP", "q1", "q2", 0)
    stage.client().ask("EVAL", "redis.call('RPUSH','q2','b') redis.call('RPUSH','q1','a')", 0)
    assert waiting.received == [[b"q2", b"b"]]
    assert stage.client().ask("LLEN", "q1") == 1


READY = {
    "q2": "redis.call('RPUSH', 'q2', 'b') redis.call('RPUSH', 'q1', 'a')",
    "q2, though q1 was looked at before": (
        "redis.call('LLEN', 'q1') redis.call('RPUSH', 'q2', 'b') redis.call('RPUSH', 'q1', 'a')"
    ),
    "q1, which was there first, then gone, and there again": (
        "redis.call('RPUSH', 'q1', 'x') redis.call('LPOP', 'q1') redis.call('RPUSH', 'q2', 'b') "
        "redis.call('RPUSH', 'q1', 'a')"
    ),
    "q2, since q1 went away": (
        "redis.call('RPUSH', 'q1', 'x') redis.call('RPUSH', 'q2', 'b') redis.call('DEL', 'q1')"
    ),
    "q1, to which a list was renamed": (
        "redis.call('RPUSH', 'new', 'a') redis.call('RENAME', 'new', 'q1') "
        "redis.call('RPUSH', 'q2', 'b')"
    ),
    "q2, after a move from it": (
        "redis.call('RPUSH', 'q2', 'b', 'a') redis.call('LMOVE', 'q2', 'q1', 'LEFT', 'LEFT')"
    ),
}
"""What each of these scripts makes ready first, for who waits for q1 and q2."""


@pytest.mark.parametrize("script", READY.values(), ids=READY)
def test_keys_become_ready_as_in_redis(stage: ServerStage, redis_server: int, script: str) -> None:
    """A client who waits for both gets what a redis-server gives it."""
    waiting = blocked(stage, "BLPOP", "q1", "q2", 0)
    stage.client().ask("EVAL", script, 0)
    there, pushing = Client(redis_server), Client(redis_server)
    pushing.ask(b"FLUSHALL")
    with ThreadPoolExecutor(1) as pool:
        popped = pool.submit(there.ask, b"BLPOP", b"q1", b"q2", b"0")
        while b"blocked_clients:1" not in cast(bytes, pushing.ask(b"INFO", b"clients")):
            pass
        pushing.ask(b"EVAL", script.encode(), b"0")
        assert waiting.received == [popped.result()]
    there.close()
    pushing.close()


def test_a_move_that_serves_one_client_makes_another_key_ready(stage: ServerStage) -> None:
    """BLMOVE's destination may be what somebody else waits for."""
    last = blocked(stage, "BLPOP", "b", 0)
    middle = blocked(stage, "BLMOVE", "a", "b", "LEFT", "RIGHT", 0)
    stage.client().ask("RPUSH", "a", "x")
    assert middle.received == [b"x"]
    assert last.received == [[b"b", b"x"]]


def test_time_runs_out_by_the_wall_clock(stage: ServerStage) -> None:
    """At its deadline a client gets the null array, also where the reply would be one element."""
    waiting = blocked(stage, "BLPOP", "q", "1.5")
    moving = blocked(stage, "BRPOPLPUSH", "q", "r", 1)
    stage.pass_time(1.499)
    assert (waiting.received, moving.received) == ([], [NULL_ARRAY])
    stage.pass_time(0.001)
    assert waiting.received == [NULL_ARRAY]
    stage.client().ask("RPUSH", "q", "later")
    assert stage.client().ask("LLEN", "q") == 1


def test_a_sorted_set_wakes_its_own_kind_only(stage: ServerStage) -> None:
    """Who waits for a list is passed over when the key becomes a sorted set."""
    of_list = blocked(stage, "BLPOP", "z", 0)
    of_set = blocked(stage, "BZPOPMIN", "z", 0)
    stage.client().ask("ZADD", "z", 3, "m")
    assert of_list.received == []
    assert of_set.received == [[b"z", b"m", b"3"]]


def test_every_reader_of_a_stream_is_woken(stage: ServerStage) -> None:
    """A stream is read, not emptied; `$` is its end when the client began to wait."""
    writer = stage.client()
    writer.ask("XADD", "s", "1-1", "f", "old")
    first = blocked(stage, "XREAD", "BLOCK", 0, "STREAMS", "s", "$")
    second = blocked(stage, "XREAD", "BLOCK", 0, "STREAMS", "s", "t", "1-1", "$")
    writer.ask("XADD", "s", "1-2", "f", "new")
    expected = [b"s", [[b"1-2", [b"f", b"new"]]]]
    assert [list(client.received[0]) for client in (first, second)] == [[expected], [expected]]


def test_a_group_that_is_destroyed_ends_the_wait(stage: ServerStage) -> None:
    """XREADGROUP is answered with NOGROUP."""
    writer = stage.client()
    writer.ask("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    reader = blocked(stage, "XREADGROUP", "GROUP", "g", "c", "BLOCK", 0, "STREAMS", "s", ">")
    writer.ask("XGROUP", "DESTROY", "s", "g")
    (reply,) = reader.received
    assert isinstance(reply, ErrorReply)
    assert reply.text.startswith(b"NOGROUP")


def test_a_client_that_goes_away_takes_nothing(stage: ServerStage) -> None:
    """The element stays for others."""
    blocked(stage, "BLPOP", "q", 0).leave()
    stage.client().ask("RPUSH", "q", "x")
    assert stage.client().ask("LLEN", "q") == 1
    assert stage.world.server.waiting.count == 0


def test_client_unblock_ends_the_wait(stage: ServerStage) -> None:
    """As by timeout, or with an error."""
    first, second = blocked(stage, "BLPOP", "q", 0), blocked(stage, "BLPOP", "q", 0)
    other = stage.client()
    assert other.ask("CLIENT", "UNBLOCK", first.session.id) == 1
    assert other.ask("CLIENT", "UNBLOCK", second.session.id, "ERROR") == 1
    assert other.ask("CLIENT", "UNBLOCK", second.session.id) == 0
    assert first.received == [NULL_ARRAY]
    assert second.received == [ErrorReply(b"UNBLOCKED client unblocked via CLIENT UNBLOCK")]


def test_inside_a_transaction_nobody_waits(stage: ServerStage) -> None:
    """A blocking command that finds nothing answers so at once."""
    client = stage.client()
    client.ask("MULTI")
    client.ask("BLPOP", "q", 0)
    assert client.ask("EXEC") == [NULL_ARRAY]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("BLPOP a b 0", "BLPOP b 0"),
        ("BZMPOP 0 3 a b c MIN COUNT 2", "BZMPOP 0 1 b MIN COUNT 2"),
        ("XREAD COUNT 1 BLOCK 0 STREAMS a b 1-1 2-2", "XREAD COUNT 1 BLOCK 0 STREAMS b 2-2"),
        ("BLMOVE b c LEFT LEFT 0", "BLMOVE b c LEFT LEFT 0"),
    ],
)
def test_a_command_is_narrowed_to_the_key_that_is_ready(words: str, expected: str) -> None:
    """Redis 7.0 serves a blocked client from one key."""
    assert for_one_key(words.encode().split(), b"b") == expected.encode().split()
