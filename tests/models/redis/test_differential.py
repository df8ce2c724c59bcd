"""Every command and option against a real Redis server, in sequences drawn by hypothesis.

Here in a quick form; `python3 dev.py fuzz` compares as many sequences as one likes. A difference is
shrunk to a minimal sequence, which stands in the failure's text.
"""

import random
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from models.redis import table
from models.redis.commands import COMMANDS
from models.redis.context import Context
from models.replies import ErrorReply, Reply
from tests.models.redis.differential import MODES, SCRIPTS, SINGLE, Call, Difference, Duel
from tests.models.redis.differential import wall_clock_ms as now
from tests.models.redis.grammar import Words, scenes, sequences, timed
from tests.models.redis.grammar_table import FILL, TABLE
from tests.models.redis.scenes import Scene

SIZE = 25
QUICK = 1000
"""Sequences per mode as CI runs them: always the same ones."""


@pytest.fixture(scope="module")
def duel(redis_server: int) -> Iterator[Duel]:
    """Model and server."""
    duel = Duel(redis_server)
    yield duel
    duel.close()


def fight(duel: Duel, mode: str, examples: int, *, shrink: bool = True) -> None:
    """Compare so many sequences."""

    @settings(
        max_examples=examples,
        derandomize=examples <= QUICK,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
    )
    @given(scenes(), sequences(TABLE, FILL, SIZE))
    def compare(states: dict[bytes, str], sequence: list[Words]) -> None:
        scene = Scene(states, now())
        duel.fight(mode, scene, timed(sequence, scene.now_ms))

    compare()


@pytest.mark.parametrize("mode", MODES)
def test_sequences(duel: Duel, mode: str, pytestconfig: pytest.Config) -> None:
    """Sequences of commands answer as Redis does and leave behind what Redis leaves behind."""
    examples = pytestconfig.getoption("--sequences")
    before = duel.commands
    duel.met.clear()
    fight(duel, mode, examples)
    assert duel.commands - before > 20 * examples
    if mode == SINGLE:
        seldom = [name for name in COMMANDS if duel.met.get(name, [0])[0] < 3]
        assert seldom == [b"MOVE", b"SPUBLISH"], "too little was carried out"
        assert len(duel.refusals) > 80, "too little was refused"
    print(f"{mode}: {duel.commands - before:,} commands compared")


def test_every_command_is_drawn() -> None:
    """No command is in the table that the grammar does not know."""
    drawn = {name.split()[0].encode() for lines in TABLE.values() for name in lines}
    assert drawn == COMMANDS.keys() - {b"SPUBLISH"}, "which needs a cluster"


def _number(rng: random.Random) -> bytes:
    """A text that is nearly a number."""
    return bytes(rng.choice(b"0011234567889+-..eExXpaifnN_ ") for _ in range(rng.randint(1, 7)))


def test_numbers(duel: Duel) -> None:
    """What counts as an integer, a score, a bound, an id or an increment is as in Redis."""
    rng = random.Random(1)
    for _ in range(1500):
        text = _number(rng)
        lines = [
            [b"ZADD", b"z1", text, b"m"], [b"ZADD", b"z1", b"INCR", text, b"m"],
            [b"ZCOUNT", b"z1", text, b"+inf"], [b"ZCOUNT", b"z1", b"(" + text, b"+inf"],
            [b"SET", b"s1", text], [b"INCR", b"s1"], [b"INCRBYFLOAT", b"s1", text],
            [b"HSET", b"h1", b"f", text], [b"HINCRBYFLOAT", b"h1", b"f", b"0.1"],
            [b"LPUSH", b"l1", b"x", b"y"], [b"RPOP", b"l1", text], [b"SSCAN", b"none", text],
            [b"XADD", b"x1", text, b"f", b"v"], [b"XRANGE", b"x1", text, b"+"],
            [b"XRANGE", b"x1", b"(" + text, b"+"],
        ]  # fmt: skip
        duel.fight(SINGLE, Scene({}, now()), lines)
    assert len(duel.refusals) > 10


CORNERS = {
    "NaN": "ZADD z1 inf m|ZADD z1 INCR -inf m",
    "rotation keeps the expiry": "LPUSH l1 x|PEXPIRE l1 100000|RPOPLPUSH l1 l1|PTTL l1",
    "wrong destination": "LPUSH l1 x|SADD u1 y|RPOPLPUSH l1 u1|RPOP l1",
    "expired when set": "SET a x PXAT 1|GET a|EXISTS a|SETNX a y|PTTL a",
    "order of fields": "HSET h1 f 1 g 2|DEL h1|HSET h1 g 3 f 4|HGETALL h1|HSET h1 g 5|HGETALL h1",
    "there and back": "HSET h1 f 1|RENAME h1 a|HSET a g 2|RENAME a h1|HGETALL h1",
    "integers in order": "SADD u1 10 9 -3 200|SMEMBERS u1|SUNION u1 u2|SSCAN u1 0 COUNT 1",
    "pending and deleted": "XGROUP CREATE x1 g 0 MKSTREAM|XADD x1 1-1 f v|XADD x1 2-1 f v|"
    "XREADGROUP GROUP g c STREAMS x1 >|XDEL x1 1-1|XREADGROUP GROUP g c STREAMS x1 0|"
    "XAUTOCLAIM x1 g d 0 0|XPENDING x1 g|XINFO GROUPS x1",
    "counts at the top": "XADD x1 1-1 f v|XSETID x1 9-9 ENTRIESADDED 9223372036854775807|"
    "XGROUP CREATE x1 g 0|XADD x1 10-1 f v|XINFO STREAM x1|"
    "XREADGROUP GROUP g c COUNT 1 STREAMS x1 >|XINFO GROUPS x1|"
    "XGROUP CREATE x1 h 0 ENTRIESREAD 9223372036854775807|"
    "XREADGROUP GROUP h c STREAMS x1 >|XINFO GROUPS x1",
    "last ids that go back": "XADD x1 1-1 f v|XDEL x1 1-1|XSETID x1 0-1|XADD x1 0-5 f v|"
    "XDEL x1 0-5|XSETID x1 3-3 ENTRIESADDED 0 MAXDELETEDID 2-2|XSETID x1 1-1|XADD x1 4-4 f v|"
    "XSETID x1 4-3|XSETID x1 5-5|XINFO STREAM x1",
    "ranks": "RPUSH l1 x y x|LPOS l1 x RANK -9223372036854775808|LPOS l1 x RANK "
    "-9223372036854775807|LPOS l1 x RANK -9223372036854775808 COUNT 0|LPOS l1 x RANK "
    "9223372036854775807|LPOS l1 x RANK 9223372036854775808|LPOS l1 x RANK -2",
    "long double": "INCRBYFLOAT s1 0.1|INCRBYFLOAT s1 0.2|INCRBYFLOAT s1 1e20|INCRBYFLOAT s1 -1e20",
    "bits of nothing": "SETRANGE s1 0 a|SET s2 |BITCOUNT s1 1 0 BIT|BITCOUNT s1 -1 -2 BITS|"
    "BITCOUNT s1 9 9 BIT|BITCOUNT s1 0 3 BIT|BITCOUNT s1 -9 -8 BYTE",
    "bits found": "SET s1 \x7f\x7f|BITPOS s1 0|BITPOS s1 0 1|BITPOS s1 1 7|SETBIT s1 0 1|"
    "SETBIT s1 8 1|BITPOS s1 0|BITPOS s1 0 0|BITPOS s1 0 0 -1|BITPOS s1 0 3 9 BIT|"
    "BITPOS s1 1 9 9 BIT|SET s2 |BITPOS s2 0|BITPOS s2 1|BITPOS a 0|BITPOS a 1|BITPOS s1 1 5 2|"
    "BITPOS s1 1 1 2 3 4",
    "fields that overflow": "BITFIELD s1 SET u4 0 -1 OVERFLOW SAT INCRBY u4 0 1 INCRBY i8 #1 128|"
    "BITFIELD s1 OVERFLOW FAIL INCRBY u4 0 1 SET i5 40 99|STRLEN s1|BITFIELD s2 OVERFLOW FAIL SET "
    "u1 9 7|BITFIELD s2 SET i64 60 -1 GET u63 61 GET i64 #1 INCRBY i64 60 -9223372036854775808|"
    "BITFIELD a OVERFLOW SAT SET i5 0 -9223372036854775808 SET i5 0 -9 SET i5 0 -99 GET i5 0|"
    "BITFIELD_RO s1 GET u8 0 GET u8 999999|BITFIELD_RO s1 SET u8 0 1|BITFIELD s1",
    "operations of nothing": "BITOP AND s1 a s2|SET s1 x|BITOP OR s1 a|EXISTS s1|SET s1 ab|"
    "SET s2 c|PEXPIRE a 9000|BITOP XOR a s1 s2|PTTL a|GET a|BITOP NOT a s1|BITOP NOT a s1 s2|"
    "BITOP AND u1 s1",
    "common subsequences": "SET s1 ohmytext|SET s2 mynewtext|LCS s1 s2|LCS s1 s2 LEN|LCS s1 s2 IDX|"
    "LCS s1 s2 IDX MINMATCHLEN 4|LCS s1 s2 IDX WITHMATCHLEN|LCS s2 s1 IDX MINMATCHLEN -1|"
    "SET s1 abcbdab|SET s2 bdcaba|LCS s1 s2|LCS s2 s1|LCS s1 s2 IDX WITHMATCHLEN MINMATCHLEN 2|"
    "LCS s1 a IDX|LCS s1 a|LCS s1 s1 IDX|LCS s1 s2 LEN IDX|LPUSH l1 x|LCS s1 l1|LCS l1 s1 NOPE|"
    "LCS s1 s2 NOPE|SETRANGE s1 20000 x|SETRANGE s2 20000 x|LCS s1 s2 LEN",
    "negative zero": "ZADD z1 -0 m|ZSCORE z1 m|ZINCRBY z1 -0 m|ZADD z1 INCR -0 n|"
    "ZUNION 1 z1 WEIGHTS -1 WITHSCORES|ZUNIONSTORE z1 1 z1 WEIGHTS -1|ZRANGE z1 0 -1 WITHSCORES",
    "wrong type twice": "LPUSH l1 x|HGET l1 f|HSET l1 f 1|LRANGE l1 0 -1",
    "a key of its own": "ZUNIONSTORE z1 2 z1 u1|SADD u1 a|ZUNIONSTORE z1 2 z1 u1 WEIGHTS 2 3|"
    "ZUNIONSTORE z1 2 z1 z1|ZRANGE z1 0 -1 WITHSCORES|SINTERSTORE u1 u1 u1|SMOVE u1 u1 a",
}


@pytest.mark.parametrize("name", CORNERS)
@pytest.mark.parametrize("mode", MODES)
def test_corners(duel: Duel, mode: str, name: str) -> None:
    """Corners that random sequences seldom meet are as in Redis."""
    before = duel.commands
    commands = [line.encode().split() for line in CORNERS[name].split("|")]
    duel.fight(mode, Scene({}, now()), commands)
    assert duel.commands > before + len(commands)


@pytest.mark.parametrize("trim", ["MAXLEN ~ 250", "MAXLEN 250", "MINID ~ 300-0", "MINID 300-0",
                                  "MAXLEN ~ 10 LIMIT 150"])  # fmt: skip
@pytest.mark.parametrize("size", [1, 30, 200])
def test_long_streams(duel: Duel, trim: str, size: int) -> None:
    """How many entries an approximate trim removes follows from how Redis packs them."""
    rng = random.Random(size)
    names = [b"f", b"field", b"7", b"n" * 70]
    commands = []
    for number in range(1, 420):
        fields = [
            part
            for name in rng.sample(names, rng.choice([1, 1, 1, 2, 3]))
            for part in (name, b"%d" % rng.getrandbits(rng.choice([3, 12, 40])) * (size // 10 + 1))
        ]
        commands.append([b"XADD", b"x1", b"%d-%d" % (number, rng.randrange(3)), *fields])
        if number % 7 == 0:
            commands.append([b"XDEL", b"x1", b"%d-0" % rng.randrange(number)])
    commands += [[b"XTRIM", b"x1", *trim.encode().split()], [b"XLEN", b"x1"]]
    commands += [[b"XADD", b"x1", *trim.encode().split(), b"*", b"f", b"v"], [b"XLEN", b"x1"]]
    for mode in (SINGLE, SCRIPTS):
        before = duel.commands
        duel.fight(mode, Scene({}, now()), commands)
        assert duel.commands > before + len(commands)


def test_scans_meet_everything(duel: Duel) -> None:
    """A walk in small steps through what Redis keeps in hash tables meets each element once."""
    names = [b"%d-%s" % (n, b"x" * 70) for n in range(500)]
    store = Scene({}, now()).store()
    context = Context(store, store.last_commit_ts)
    table.call(context, [b"SADD", b"u1", *names])
    table.call(context, [b"HSET", b"h1", *(part for name in names for part in (name, b"v"))])
    table.call(context, [b"ZADD", b"z1", *(part for name in names for part in (b"1", name))])
    for command, step in (([b"SSCAN", b"u1"], 1), ([b"HSCAN", b"h1"], 2), ([b"ZSCAN", b"z1"], 2)):
        cursor, met, calls = b"0", [], 0
        while True:
            reply = table.call(context, [*command, cursor, b"COUNT", b"7"])
            assert isinstance(reply, list)
            cursor, found = reply
            met += found[::step]
            calls += 1
            if cursor == b"0":
                break
        assert sorted(met) == sorted(names)
        assert calls > 60


# -- the judge judged ------------------------------------------------------------------------------


def _miscounts(context: Context, args: list[bytes]) -> Reply:
    reply = table.call(context, args)
    return reply + 1 if args[0].upper() == b"INCR" and isinstance(reply, int) else reply


def _forgets_writes(context: Context, args: list[bytes]) -> Reply:
    reply = table.call(context, args)
    if args[0].upper() == b"HSET":
        context.key(args[1]).touched = False
    return reply


def _forgets_expiries(context: Context, args: list[bytes]) -> Reply:
    reply = table.call(context, args)
    if args[0].upper() == b"PEXPIRE" and reply == 1:
        context.key(args[1]).set_ttl(None)
    return reply


def _misspells(context: Context, args: list[bytes]) -> Reply:
    reply = table.call(context, args)
    return ErrorReply(reply.text.lower()) if isinstance(reply, ErrorReply) else reply


def _forgets_types(context: Context, args: list[bytes]) -> Reply:
    reply = table.call(context, args)
    return list(reply) if isinstance(reply, list) else reply


@pytest.mark.parametrize(
    ("lie", "mode"),
    [(_miscounts, SINGLE), (_forgets_writes, SINGLE), (_forgets_expiries, SCRIPTS),
     (_misspells, SINGLE), (_forgets_types, MODES[1])],
)  # fmt: skip
def test_liars_are_caught(redis_server: int, lie: Call, mode: str) -> None:
    """A wrong reply, value, expiry, error text or type does not pass the comparison."""
    duel = Duel(redis_server, lie)
    with pytest.raises(Difference):
        fight(duel, mode, 200, shrink=False)
    duel.close()
