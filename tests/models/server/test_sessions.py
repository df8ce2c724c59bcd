"""Sessions: passwords, protocols, subscriptions, scripts, and what a client says of itself."""

import json

import pytest

from models.replies import OK, ErrorReply, Push, Status
from tests.models.redis.resp2 import Client
from tests.models.server.rig import BEGAN_NS, ServerStage


@pytest.fixture
def stage() -> ServerStage:
    """A server without a password."""
    return ServerStage()


def error_of(reply: object) -> bytes:
    """The text of an error, which the reply must be."""
    assert isinstance(reply, ErrorReply), reply
    return reply.text


def test_a_password_is_asked_for(stage: ServerStage) -> None:
    """Before it nothing but AUTH, HELLO, QUIT and RESET is carried out."""
    client = ServerStage(password=b"secret").client()
    assert error_of(client.ask("GET", "a")) == b"NOAUTH Authentication required."
    assert error_of(client.ask("HELLO", 3)).startswith(b"NOAUTH HELLO")
    assert error_of(client.ask("AUTH", "wrong")).startswith(b"WRONGPASS")
    assert client.ask("AUTH", "secret") == OK
    assert client.ask("GET", "a") is None
    other = stage.client()
    assert error_of(other.ask("AUTH", "secret")).startswith(b"ERR AUTH <password> called without")


def test_hello_changes_the_protocol(stage: ServerStage) -> None:
    """RESP3 has maps, and a nil of its own."""
    client = stage.client()
    client.ask("HELLO", 3)
    assert client.raw.startswith(b"%7\r\n")
    client.ask("GET", "a")
    assert client.raw == b"_\r\n"
    assert error_of(client.ask("HELLO", 4)).startswith(b"NOPROTO")
    client.ask("RESET")
    client.ask("GET", "a")
    assert client.raw == b"$-1\r\n"


def test_a_message_published_by_a_script_arrives_once_it_has_ended(stage: ServerStage) -> None:
    """Channels and patterns; the publisher is told how many got it."""
    listener, publisher = stage.client(), stage.client()
    listener.ask("SUBSCRIBE", "news")
    listener.ask("PSUBSCRIBE", "n*")
    listener.received.clear()
    script = "return redis.call('PUBLISH', 'news', 'hello')"
    assert publisher.ask("EVAL", script, 0) == 2
    assert listener.received == [
        Push([b"message", b"news", b"hello"]),
        Push([b"pmessage", b"n*", b"news", b"hello"]),
    ]
    assert publisher.ask("PUBSUB", "NUMSUB", "news") == [b"news", 1]
    assert error_of(listener.ask("GET", "a")).startswith(b"ERR Can't execute 'get'")
    listener.leave()
    assert publisher.ask("PUBLISH", "news", "again") == 0


def test_scripts_are_known_by_their_digest(stage: ServerStage) -> None:
    """LOAD, EXISTS, FLUSH, and NOSCRIPT in between."""
    client = stage.client()
    sha = client.ask("SCRIPT", "LOAD", "return ARGV[1]")
    assert isinstance(sha, bytes)
    assert client.ask("EVALSHA", sha.upper(), 0, "x") == b"x"
    assert client.ask("SCRIPT", "EXISTS", sha, "0" * 40) == [1, 0]
    assert client.ask("SCRIPT", "FLUSH") == OK
    assert error_of(client.ask("EVALSHA", sha, 0)).startswith(b"NOSCRIPT")
    assert error_of(client.ask("SCRIPT", "LOAD", "retur n")).startswith(b"ERR Error compiling")


@pytest.mark.parametrize(
    "script", ["redis.call('SET','a',1)", "#!lua flags=no-writes\nredis.call('SET','a',1)"]
)
def test_a_script_that_may_not_write_cannot(stage: ServerStage, script: str) -> None:
    """EVAL_RO, and the flag no-writes."""
    word = "EVAL" if script.startswith("#!") else "EVAL_RO"
    text = error_of(stage.client().ask(word, script, 0))
    assert text.startswith(b"ERR Write commands are not allowed from read-only scripts.")


@pytest.mark.parametrize(
    "command",
    ["PFCOUNT a", "PUBLISH a b", "SPUBLISH a b", "XGROUP CREATE a b 0", "XGROUP CREATE", "XGROUP x",
     "XGROUP HELP", "XGROUP", "BLPOP a 0", "PUBLISH a", "XINFO HELP", "GET a"],
)  # fmt: skip
def test_what_a_script_may_not_that_only_reads_is_as_in_redis(
    stage: ServerStage, redis_server: int, command: str
) -> None:
    """What changes something is refused; what is no command, or has too few words, before that."""
    words = ["EVAL_RO", "return redis.pcall(unpack(ARGV))", "0", *command.split()]
    client = Client(redis_server)
    theirs = client.ask(*[word.encode() for word in words])
    client.close()
    assert stage.client().ask(*words) == theirs


def test_too_few_words_are_told_before_that_a_command_writes(stage: ServerStage) -> None:
    """As Redis does it."""
    text = error_of(stage.client().ask("EVAL_RO", "return redis.call('SET', 'a')", 0))
    assert text.startswith(b"ERR Wrong number of args calling Redis command from script")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("EVAL x", b"ERR wrong number of arguments for 'eval' command"),
        ("EVAL x -1", b"ERR Number of keys can't be negative"),
        ("EVAL x 1", b"ERR Number of keys can't be greater than number of args"),
        ("EVAL x y", b"ERR value is not an integer or out of range"),
        ("CLIENT", b"ERR wrong number of arguments for 'client' command"),
        ("CLIENT NO", b"ERR unknown subcommand 'NO'. Try CLIENT HELP."),
        ("CLIENT SETNAME", b"ERR wrong number of arguments for 'client|setname' command"),
        ("SELECT 1", b"ERR DB index is out of range"),
        ("EXEC", b"ERR EXEC without MULTI"),
        ("CLIENT KILL ID abc", b"ERR client-id should be greater than 0"),
        ("CLIENT KILL ID 0", b"ERR client-id should be greater than 0"),
        ("CLIENT KILL FOO BAR", b"ERR syntax error"),
        ("CLIENT KILL TYPE foo", b"ERR Unknown client type 'foo'"),
        ("CLIENT KILL USER nobody", b"ERR No such user 'nobody'"),
        ("CLIENT KILL SKIPME maybe", b"ERR syntax error"),
        ("CLIENT PAUSE abc", b"ERR timeout is not an integer or out of range"),
        ("CLIENT PAUSE -1", b"ERR timeout is negative"),
        ("CLIENT PAUSE 10 FOO", b"ERR CLIENT PAUSE mode must be WRITE or ALL"),
        ("CLIENT LIST ID abc", b"ERR Invalid client ID"),
        ("WAIT 0 -1", b"ERR timeout is negative"),
        ("WAIT 0 abc", b"ERR timeout is not an integer or out of range"),
        ("SCRIPT FLUSH SYNC ASYNC", b"ERR SCRIPT FLUSH only support SYNC|ASYNC option"),
        ("SCRIPT DEBUG FOO", b"ERR Use SCRIPT DEBUG YES/SYNC/NO"),
        ("SHUTDOWN NOSAVE SAVE", b"ERR syntax error"),
        ("SHUTDOWN ABORT", b"ERR No shutdown in progress."),
        (
            "CONFIG SET maxclients few",
            b"ERR CONFIG SET failed (possibly related to argument 'maxclients') - argument couldn't"
            b" be parsed into an integer",
        ),
        (
            "CONFIG SET maxclients 010",
            b"ERR CONFIG SET failed (possibly related to argument 'maxclients') - argument couldn't"
            b" be parsed into an integer",
        ),
        (
            "CONFIG SET maxclients -1",
            b"ERR CONFIG SET failed (possibly related to argument 'maxclients') - argument must be"
            b" between 1 and 4294967295 inclusive",
        ),
        (
            f"CONFIG SET maxclients {'9' * 5_000}",
            b"ERR CONFIG SET failed (possibly related to argument 'maxclients') - argument couldn't"
            b" be parsed into an integer",
        ),
        ("CONFIG REWRITE", b"ERR The server is running without a config file"),
        (
            "CONFIG SET maxmemory-policy foo",
            b"ERR CONFIG SET failed (possibly related to argument "
            b"'maxmemory-policy') - argument(s) must be one of the following: volatile-lru, "
            b"volatile-lfu, volatile-random, volatile-ttl, allkeys-lru, allkeys-lfu, "
            b"allkeys-random, noeviction",
        ),
        ("READFENCE.CLOCK SET -1", b"ERR the clock is set in microseconds since 1970, up to 2^53"),
        (
            "READFENCE.CLOCK SET 9223372036854775807",
            b"ERR the clock is set in microseconds since 1970, up to 2^53",
        ),
        ("READFENCE.CLOCK SET", b"ERR wrong number of arguments for 'readfence.clock|set' command"),
        ("COMMAND LIST FILTERBY x", b"ERR syntax error"),
        ("COMMAND GETKEYS PING", b"ERR wrong number of arguments for 'command|getkeys' command"),
        ("BGSAVE NOW", b"ERR syntax error"),
        ("nope a b", b"ERR unknown command 'nope', with args beginning with: 'a' 'b' "),
    ],
)
def test_refusals_are_worded_as_in_redis(stage: ServerStage, words: str, text: bytes) -> None:
    """What a client's error handling looks for."""
    assert error_of(stage.client().ask(*words.split())) == text


def test_commands_are_listed_by_a_pattern(stage: ServerStage) -> None:
    """Whatever its case."""
    found = stage.client().ask("COMMAND", "LIST", "FILTERBY", "PATTERN", "GEOH*")
    assert found == [b"geohash"]


def test_the_wall_clock_is_set_by_a_command(stage: ServerStage) -> None:
    """TIME, expiry and stream ids follow it; carrying out commands does not move it."""
    client = stage.client()
    client.ask("SET", "a", 1, "PX", 1500)
    assert client.ask("READFENCE.CLOCK", "SET", BEGAN_NS // 1000 + 1_000_250) == OK
    assert client.ask("TIME") == [b"1700000001", b"250"]
    assert client.ask("PTTL", "a") == 500
    assert client.ask("XADD", "s", "*", "f", "v") == b"1700000001000-0"
    client.ask("READFENCE.CLOCK", "SET", BEGAN_NS // 1000 + 1_501_000)
    assert client.ask("GET", "a") is None


def test_client_reply_off_and_skip(stage: ServerStage) -> None:
    """SKIP is for the next command, OFF until ON."""
    client = stage.client()
    for words in ("CLIENT REPLY SKIP", "SET a 1", "GET a", "CLIENT REPLY OFF", "GET a"):
        client.send(*words.split())
    client.send("CLIENT", "REPLY", "ON")
    assert client.received == [b"1", OK]


def test_metrics_are_json(stage: ServerStage) -> None:
    """And INFO is what clients parse."""
    client = stage.client()
    assert json.loads(client.ask("READFENCE.METRICS")) == {}
    info = client.ask("INFO")
    assert isinstance(info, bytes)
    assert b"redis_version:7.0.15\r\n" in info
    assert client.ask("PING") == Status(b"PONG")
