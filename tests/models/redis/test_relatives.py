"""What a command costs that the modelled revisions lack: as its nearest relative, everywhere."""

import pytest

from models.redis import table
from models.redis.commands import COMMANDS
from models.redis.commit import plan_commit
from models.redis.context import Context
from models.redis.key_states import STATES
from models.replies import ErrorReply
from tests.models.redis.traced import ARGUMENTS, BEFORE, KEY, NOW, Counts, count, store_with

K = KEY.decode()
CALLS = {
    "UNLINK": K, "TOUCH": K, "EXPIRE": f"{K} 100",
    "EXPIREAT": f"{K} 99999", "PEXPIREAT": f"{K} 99999999", "PERSIST": K, "TTL": K,
    "EXPIRETIME": K, "PEXPIRETIME": K,
    "PSETEX": f"{K} 1000 v", "GETSET": f"{K} v", "GETEX": K, "MGET": K, "MSET": f"{K} v",
    "DECR": K, "INCRBY": f"{K} 2", "DECRBY": f"{K} 2", "INCRBYFLOAT": f"{K} 2",
    "APPEND": f"{K} v", "STRLEN": K, "GETRANGE": f"{K} 0 1", "SUBSTR": f"{K} 0 1",
    "SETRANGE": f"{K} 0 v", "GETBIT": f"{K} 0", "SETBIT": f"{K} 0 1", "BITCOUNT": K,
    "HSETNX": f"{K} new v", "HKEYS": K, "HVALS": K, "HSTRLEN": f"{K} f1",
    "HINCRBYFLOAT": f"{K} f1 2", "HRANDFIELD": K, "HSCAN": f"{K} 0",
    "LINSERT": f"{K} BEFORE a x", "LMOVE": f"{K} other RIGHT LEFT", "LMPOP": f"1 {K} LEFT",
    "BLPOP": f"{K} 0", "BRPOP": f"{K} 0", "BLMPOP": f"0 1 {K} LEFT",
    "BRPOPLPUSH": f"{K} other 0", "BLMOVE": f"{K} other RIGHT LEFT 0",
    "SMISMEMBER": f"{K} m1", "SRANDMEMBER": K, "SINTER": K, "SUNION": K, "SDIFF": K,
    "SINTERCARD": f"1 {K}", "SSCAN": f"{K} 0", "SPOP": K,
    "ZINCRBY": f"{K} 1 z1", "ZMSCORE": f"{K} z1", "ZRANK": f"{K} z1", "ZREVRANK": f"{K} z1",
    "ZRANDMEMBER": K, "ZPOPMAX": K, "ZMPOP": f"1 {K} MIN", "ZLEXCOUNT": f"{K} - +",
    "ZRANGEBYLEX": f"{K} - +", "ZREVRANGEBYLEX": f"{K} + -", "ZREMRANGEBYLEX": f"{K} - [z1",
    "ZSCAN": f"{K} 0", "BZPOPMIN": f"{K} 0", "BZPOPMAX": f"{K} 0", "BZMPOP": f"0 1 {K} MIN",
    "XDEL": f"{K} 1-1", "XLEN": K, "XRANGE": f"{K} - +", "XREVRANGE": f"{K} + -",
    "XREAD": f"STREAMS {K} 0", "XINFO": f"STREAM {K}",
    "BITFIELD": f"{K} INCRBY u8 0 1", "BITFIELD_RO": f"{K} GET u8 0", "BITPOS": f"{K} 1",
    "PFADD": f"{K} v", "PFCOUNT": K, "PFMERGE": K, "LCS": f"{K} {K}",
    "GEOADD": f"{K} 1 2 m", "GEOPOS": f"{K} z1", "GEOHASH": f"{K} z1", "GEODIST": f"{K} z1 z1",
    "GEOSEARCH": f"{K} FROMLONLAT 1 2 BYRADIUS 9 km ASC",
    "GEORADIUS": f"{K} 1 2 9 km", "GEORADIUS_RO": f"{K} 1 2 9 km",
    "GEORADIUSBYMEMBER": f"{K} z1 9 km", "GEORADIUSBYMEMBER_RO": f"{K} z1 9 km",
}  # fmt: skip
"""A call of each command that takes one key as its relative does."""

OTHERWISE = {
    "LPUSHX": "pushes only to what is there", "RPUSHX": "pushes only to what is there",
    "RENAMENX": "looks for the new key too",
    "COPY": "leaves its source there", "MSETNX": "probes, then writes like SETEX",
    "SMOVE": "takes a second set", "ZRANGESTORE": "replaces a second key",
    "SINTERSTORE": "replaces a second key", "SUNIONSTORE": "replaces a second key",
    "SDIFFSTORE": "replaces a second key", "ZUNIONSTORE": "replaces a second key",
    "ZINTERSTORE": "replaces a second key", "ZDIFFSTORE": "replaces a second key",
    "ZUNION": "takes sets too, and so probes the type", "ZINTER": "takes sets too",
    "ZDIFF": "takes sets too", "ZINTERCARD": "takes sets too",
    "KEYS": "all keys, in one scan", "SCAN": "all keys, in one scan",
    "DBSIZE": "all keys, in one scan", "RANDOMKEY": "all keys, in one scan",
    "FLUSHALL": "all keys", "FLUSHDB": "all keys",
    "XREADGROUP": "needs a group", "XGROUP": "needs a group", "XACK": "needs a group",
    "XPENDING": "needs a group", "XCLAIM": "needs a group", "XAUTOCLAIM": "needs a group",
    "XSETID": "needs what is there",
    "OBJECT": "takes any type, and so probes it", "SORT": "takes sets too, and so probes the type",
    "SORT_RO": "takes sets too", "BITOP": "replaces a second key",
    "GEOSEARCHSTORE": "replaces a second key",
}  # fmt: skip
"""Not compared call by call, and why."""


def costs(state: str, words: list[bytes]) -> tuple[Counts, bool]:
    """What a call reads in a state, and whether it was refused."""
    context = Context(store_with(k=state), 1)
    context.now = NOW
    context.from_script = False
    reply = table.call(context, words)
    return count(context.reads, BEFORE), isinstance(reply, ErrorReply)


def relative_of(name: str) -> list[bytes]:
    """A call of the nearest relative."""
    relative = COMMANDS[name.encode()].costs_as
    assert relative is not None
    return [relative, *ARGUMENTS[relative.decode()]]


@pytest.mark.parametrize("name", CALLS)
def test_a_first_call_reads_what_the_relative_reads(name: str) -> None:
    """In every state in which neither is refused for another reason than the key's type."""
    words = [name.encode(), *CALLS[name].encode().split()]
    compared = 0
    for state in STATES:
        ours, refused = costs(state, words)
        theirs, theirs_refused = costs(state, relative_of(name))
        if refused == theirs_refused:
            assert ours == theirs, state
            compared += 1
    assert compared >= 15


def test_every_command_has_a_relative() -> None:
    """One that the modelled revision has; and is compared with it, or has a reason not to be."""
    beyond = {name.decode(): c.costs_as for name, c in COMMANDS.items() if c.costs_as is not None}
    for relative in beyond.values():
        assert relative == b"" or COMMANDS[relative].costs_as is None
    free = {name for name, relative in beyond.items() if relative == b""}
    assert beyond.keys() == CALLS.keys() | OTHERWISE.keys() | free
    assert not CALLS.keys() & OTHERWISE.keys()


@pytest.mark.parametrize("command", ["TIME", "PING", "ECHO x", "PUBLISH c m", "SPUBLISH c m"])
def test_what_needs_no_key_reads_nothing(command: str) -> None:
    """The clock and the wire are not in the store."""
    context = Context(store_with(k="str_new"), 1)
    assert not isinstance(table.call(context, command.encode().split()), ErrorReply)
    assert context.reads == []
    assert not context.wrote()


@pytest.mark.parametrize(
    ("command", "relative"),
    [("INCRBY k 2", "INCR k"), ("EXPIRE k 100", "PEXPIRE k 100000"), ("UNLINK k", "DEL k"),
     ("HSETNX k new v", "HSET k new v"), ("ZINCRBY k 1 z1", "ZADD k 2 z1"),
     ("SPOP k", "SREM k m1"), ("LMOVE k other RIGHT LEFT", "RPOPLPUSH k other"),
     ("LINSERT k BEFORE a x", "LSET k 0 x"), ("PSETEX k 1000 v", "SETEX k 1 v"),
     ("XDEL k 1-1", "XTRIM k MAXLEN = 2"), ("ZPOPMAX k", "ZPOPMIN k")],
)  # fmt: skip
def test_a_commit_reads_what_the_relatives_commit_reads(command: str, relative: str) -> None:
    """The commit plan goes by what was written, not by which command wrote it."""

    def planned(words: str, state: str) -> Counts:
        context = Context(store_with(k=state), 1)
        context.now = NOW
        table.call(context, words.encode().split())
        context.reads.clear()
        plan_commit(context)
        return count(context.reads, BEFORE)

    differing = [state for state in STATES if planned(command, state) != planned(relative, state)]
    assert differing == []
