"""OBJECT: where Redis changes the form of a value, as a key just made tells."""

import pytest

from models.redis import table
from models.redis.context import Context
from models.replies import Reply
from tests.models.redis.differential import SINGLE, Difference, Duel, wall_clock_ms
from tests.models.redis.resp2 import Client
from tests.models.redis.scenes import Scene


def _many(count: int) -> list[bytes]:
    return [b"%d" % n for n in range(count)]


MADE = {
    "smallest int": [b"SET", b"k", b"-9223372036854775808"],
    "largest int": [b"SET", b"k", b"9223372036854775807"],
    "no int": [b"SET", b"k", b"9223372036854775808"],
    "shared": [b"SET", b"k", b"9999"],
    "not shared": [b"SET", b"k", b"10000"],
    "negative": [b"SET", b"k", b"-1"],
    "counted": [b"INCRBY", b"k", b"7"],
    "empty": [b"SET", b"k", b""],
    "embedded": [b"SET", b"k", b"x" * 44],
    "not embedded": [b"SET", b"k", b"x" * 45],
    "list": [b"RPUSH", b"k", *_many(3)],
    "long list": [b"RPUSH", b"k", *[b"x" * 100] * 600],
    "intset": [b"SADD", b"k", *_many(512)],
    "long intset": [b"SADD", b"k", *_many(513)],
    "words": [b"SADD", b"k", b"01"],
    "hash": [b"HSET", b"k", *_many(1024)],
    "long hash": [b"HSET", b"k", *_many(1026)],
    "hash of short": [b"HSET", b"k", b"f" * 64, b"v" * 64],
    "hash of long names": [b"HSET", b"k", b"f" * 65, b"v"],
    "hash of long values": [b"HSET", b"k", b"f", b"v" * 65],
    "zset": [b"ZADD", b"k", *(part for n in _many(128) for part in (b"1", n))],
    "long zset": [b"ZADD", b"k", *(part for n in _many(129) for part in (b"1", n))],
    "zset of short": [b"ZADD", b"k", b"1", b"m" * 64],
    "zset of long": [b"ZADD", b"k", b"1", b"m" * 65],
    "stream": [b"XADD", b"k", b"1-1", b"f", b"v"],
}


@pytest.mark.parametrize("made", MADE)
def test_forms(redis_server: int, made: str) -> None:
    """Of a key that has only grown, form and references are exactly those of Redis."""
    store = Scene({}, 1).store()
    context = Context(store, store.last_commit_ts)
    questions = [[b"OBJECT", word, b"k"] for word in (b"ENCODING", b"REFCOUNT")]
    ours = [table.call(context, command) for command in (MADE[made], *questions)]
    client = Client(redis_server)
    client.ask(b"FLUSHALL")
    theirs = [client.ask(*command) for command in (MADE[made], *questions)]
    client.close()
    assert ours == theirs


@pytest.mark.parametrize("said", [b"raw", b"quicklist", 1, 0])
def test_a_smaller_or_another_form_is_no_excuse(redis_server: int, said: Reply) -> None:
    """What the comparison grants to a key that was larger once, it grants to nothing else."""

    def lies(context: Context, args: list[bytes]) -> Reply:
        reply = table.call(context, args)
        return said if args[0] == b"OBJECT" else reply

    word = b"REFCOUNT" if isinstance(said, int) else b"ENCODING"
    commands = [[b"SET", b"s1", b"7" if word == b"REFCOUNT" else b"abc"], [b"OBJECT", word, b"s1"]]
    duel = Duel(redis_server, lies)
    with pytest.raises(Difference):
        duel.fight(SINGLE, Scene({}, wall_clock_ms()), commands)
    duel.close()
