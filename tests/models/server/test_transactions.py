"""Transactions: queued commands in one attempt, watched keys, refusals."""

import pytest

from models.replies import NULL_ARRAY, OK, ErrorReply, Status
from tests.models.server.rig import ServerStage


@pytest.fixture
def stage() -> ServerStage:
    """A server of its own."""
    return ServerStage()


def test_a_transaction_is_one_attempt(stage: ServerStage) -> None:
    """Commands and scripts see what those before them wrote; the whole has one fence."""
    client = stage.client()
    assert client.ask("MULTI") == OK
    assert client.ask("INCR", "n") == Status(b"QUEUED")
    client.ask("EVAL", "return redis.call('INCR', KEYS[1])", 1, "n")
    client.ask("PING")
    client.ask("GET", "n")
    assert client.ask("EXEC") == [1, 2, Status(b"PONG"), b"2"]
    assert stage.world.recorder.by_site()[3] == 1


def test_an_error_at_run_time_keeps_the_rest(stage: ServerStage) -> None:
    """As in Redis, nothing is rolled back."""
    client = stage.client()
    client.ask("SET", "s", "text")
    client.ask("MULTI")
    for words in (("SET", "a", 1), ("LPUSH", "s", "x"), ("SET", "b", 2)):
        client.ask(*words)
    replies = client.ask("EXEC")
    assert isinstance(replies, list)
    assert [type(reply) for reply in replies] == [Status, ErrorReply, Status]
    assert client.ask("MGET", "a", "b") == [b"1", b"2"]


def test_a_command_refused_while_queueing_spoils_the_transaction(stage: ServerStage) -> None:
    """EXEC answers EXECABORT, and nothing is carried out."""
    client = stage.client()
    client.ask("MULTI")
    client.ask("SET", "a", 1)
    assert isinstance(client.ask("GET"), ErrorReply)
    reply = client.ask("EXEC")
    assert isinstance(reply, ErrorReply)
    assert reply.text.startswith(b"EXECABORT")
    assert client.ask("GET", "a") is None


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        (("SET", "w", 2), False),
        (("DEL", "w"), False),
        (("EVAL", "redis.call('APPEND', 'w', 'x')", 0), False),
        (("FLUSHALL",), False),
        (("SET", "other", 2), True),
        (("GET", "w"), True),
    ],
)
def test_a_watched_key_that_changes_ends_the_transaction(
    stage: ServerStage, change: tuple[str, ...], kept: bool
) -> None:
    """EXEC answers the null array after a write, and goes on after a read."""
    client = stage.client()
    client.ask("SET", "w", 1)
    client.ask("WATCH", "w")
    stage.client().ask(*change)
    client.ask("MULTI")
    client.ask("SET", "done", 1)
    reply = client.ask("EXEC")
    assert reply == ([OK] if kept else NULL_ARRAY)
    assert client.ask("EXISTS", "done") == int(kept)


def test_a_watched_key_that_expires_ends_the_transaction(stage: ServerStage) -> None:
    """Unless it had expired before."""
    client = stage.client()
    client.ask("SET", "w", 1, "PX", 100)
    client.ask("WATCH", "w")
    stage.pass_time(1)
    client.ask("MULTI")
    client.ask("PING")
    assert client.ask("EXEC") is NULL_ARRAY
    client.ask("WATCH", "w")
    client.ask("MULTI")
    client.ask("PING")
    assert client.ask("EXEC") == [Status(b"PONG")]


@pytest.mark.parametrize("word", ["UNWATCH", "DISCARD"])
def test_a_watch_can_be_ended(stage: ServerStage, word: str) -> None:
    """By UNWATCH, and by DISCARD."""
    client = stage.client()
    client.ask("WATCH", "w")
    if word == "DISCARD":
        client.ask("MULTI")
    assert client.ask(word) == OK
    stage.client().ask("SET", "w", 1)
    client.ask("MULTI")
    assert client.ask("EXEC") == []


def test_what_a_failing_script_wrote_stays(stage: ServerStage) -> None:
    """A session answers as Redis does; the modelled system would forget it."""
    client = stage.client()
    assert isinstance(client.ask("EVAL", "redis.call('SET','a',1) error('no')", 0), ErrorReply)
    assert client.ask("GET", "a") == b"1"


def test_a_subscription_inside_a_transaction_is_part_of_its_reply(stage: ServerStage) -> None:
    """As in Redis, where messages are written behind the reply's header."""
    client = stage.client()
    client.ask("MULTI")
    client.ask("SUBSCRIBE", "news")
    assert client.ask("EXEC") == [[b"subscribe", b"news", 1]]
    assert client.raw == b"*1\r\n*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n"


def test_an_exec_that_is_refused_ends_its_transaction(stage: ServerStage) -> None:
    """With the reason."""
    client = stage.client()
    client.ask("MULTI")
    reply = client.ask("EXEC", "now")
    assert isinstance(reply, ErrorReply)
    assert reply.text.startswith(b"EXECABORT Transaction discarded because of: wrong number")
    assert client.ask("PING") == Status(b"PONG")
