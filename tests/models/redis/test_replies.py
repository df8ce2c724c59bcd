"""Replies and stored values against a real Redis server, over random commands, good and bad."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import pytest

from models.redis import table
from models.redis.arguments import format_score
from models.redis.context import Context
from models.redis.key_states import MISSING_STATE, STATES
from models.redis.reads import HASH, LIST, SET, STRING, ZSET
from models.replies import WRONG_TYPE, ErrorReply, Reply
from models.store.versions import Store
from tests.models.redis.random_commands import KEYS, Draw, number
from tests.models.redis.resp2 import Client
from tests.models.redis.scenes import Attempt, Scene

Script = list[list[bytes]]
"""The commands of one attempt."""
Call = Callable[[Context, list[bytes]], Reply]
Dump = dict[bytes, tuple[bytes, int, Any]]
"""Per key: type, ms to live (-1 none, -2 missing) and value."""

_LOSSLESS = 2**53
"""Integers beyond this do not pass through Lua unharmed."""

_PCALL_ALL = b"""
local replies, at = {}, 1
while at <= #ARGV do
  local n = tonumber(ARGV[at])
  replies[#replies + 1] = redis.pcall(unpack(ARGV, at + 1, at + n))
  at = at + n + 1
end
return replies
"""
_DUMP = b"""
local read = {
  string = function(k) return redis.call('GET', k) end,
  list = function(k) return redis.call('LRANGE', k, 0, -1) end,
  hash = function(k) return redis.call('HGETALL', k) end,
  set = function(k) return redis.call('SMEMBERS', k) end,
  zset = function(k) return redis.call('ZRANGE', k, 0, -1, 'WITHSCORES') end,
}
local out = {}
for i, k in ipairs(ARGV) do
  local t = redis.call('TYPE', k).ok
  out[i] = {t, redis.call('PTTL', k), read[t] and read[t](k) or false}
end
return out
"""


class Outcome(NamedTuple):
    """What scripts answered, all replies in one list, and what they left behind."""

    replies: list[Reply]
    dump: Dump


# -- the real server ------------------------------------------------------------------------------


class Server:
    """A real Redis server, asked in pipelines."""

    def __init__(self, port: int) -> None:
        self._client = Client(port)

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def now_ms(self) -> int:
        """The server's clock."""
        seconds, microseconds = _as_list(self._client.ask(b"TIME"))
        return int(seconds) * 1000 + int(microseconds) // 1000

    def plainly(self, scene: Scene, commands: Script) -> Outcome:
        """Each command by itself. One refused for its number of arguments is asked once more from
        a script, where the refusal is worded otherwise.
        """
        replies, dump = self._run(scene, commands, _names(commands))
        for i, reply in enumerate(replies):
            if isinstance(reply, ErrorReply) and b"wrong number" in reply.text:
                (replies[i],) = _as_list(self._client.ask(*_eval([commands[i]])))
        return Outcome(replies, dump)

    def in_scripts(self, scene: Scene, scripts: list[Script]) -> Outcome:
        """All commands of a script in one EVAL."""
        names = _names([command for script in scripts for command in script])
        replies, dump = self._run(scene, [_eval(script) for script in scripts], names)
        return Outcome([reply for script in replies for reply in _as_list(script)], dump)

    def _run(self, scene: Scene, commands: Script, names: list[bytes]) -> tuple[list[Reply], Dump]:
        setting = list(scene.commands())
        dump = [b"EVAL", _DUMP, b"0", *names]
        replies = self._client.pipeline([*setting, *commands, dump])
        return replies[len(setting) : -1], _server_dump(names, _as_list(replies[-1]))


def _eval(script: Script) -> list[bytes]:
    flat = (part for command in script for part in (b"%d" % len(command), *command))
    return [b"EVAL", _PCALL_ALL, b"0", *flat]


def _as_list(reply: Reply) -> list[Any]:
    assert isinstance(reply, list), reply
    return reply


def _names(commands: Script) -> list[bytes]:
    return sorted({*KEYS, *(arg for command in commands for arg in command[1:])})


def _server_dump(names: list[bytes], reply: Sequence[Any]) -> Dump:
    shape: dict[bytes, Callable[[Any], Any]] = {
        SET: sorted,
        ZSET: lambda flat: dict(zip(flat[::2], flat[1::2], strict=True)),
    }
    return {
        name: (kind, ttl, shape[kind](value) if kind in shape else value)
        for name, (kind, ttl, value) in zip(names, reply, strict=True)
    }


# -- the model ------------------------------------------------------------------------------------


def modelled(
    scene: Scene, scripts: list[Script], call: Call = table.call
) -> tuple[list[Script], Outcome]:
    """Each script as an attempt on the modelled store, committed at its end. Commands that would
    meet a stub (H6, a deliberate deviation) are left out; the scripts without them come first.
    """
    store = scene.store()
    carried_out: list[Script] = []
    replies: list[Reply] = []
    for script in scripts:
        attempt = Attempt(store, scene.now_ms)
        carried_out.append([])
        for command in script:
            if not _meets_stub(attempt.context, command):
                carried_out[-1].append(command)
                replies.append(call(attempt.context, command))
        assert attempt.commit() is None
    names = _names([command for script in carried_out for command in script])
    return carried_out, Outcome(replies, _modelled_dump(store, scene.now_ms, names))


def _meets_stub(context: Context, command: list[bytes]) -> bool:
    """Whether a key named here was looked up as a type that it does not have."""
    for name in command[1:3]:
        key = context.keys.get(name)
        if key is None:
            continue
        kind = context.final_type(key)
        for family in ("string", "list", "hash", "set", "zset", "stream"):
            value = getattr(key, family)
            if value is not None and not value.exists and kind not in (b"none", family.encode()):
                return True
    return False


def _modelled_dump(store: Store, now_ms: int, names: list[bytes]) -> Dump:
    context = Attempt(store, now_ms).context
    read: dict[bytes, Callable[[Any], Any]] = {
        STRING: lambda key: context.load_string(key).data,
        LIST: context.all_items,
        HASH: lambda key: [part for pair in context.load_hash(key).data.items() for part in pair],
        SET: lambda key: sorted(context.load_set(key).data),
        ZSET: lambda key: {m: format_score(s) for m, s in context.load_zset(key).data.items()},
    }
    dump: Dump = {}
    for name in names:
        key = context.key(name)
        kind = context.key_type(key)
        ttl = table.call(context, [b"PTTL", name])
        assert isinstance(ttl, int)
        dump[name] = kind, ttl, read[kind](key) if kind in read else None
    return dump


# -- the judge ------------------------------------------------------------------------------------


def differences(
    scripts: list[Script], ours: Outcome, theirs: Outcome, slack_ms: int, in_lua: bool
) -> list[str]:
    """Where two outcomes differ by more than the ms that passed during the comparison."""
    commands = [command for script in scripts for command in script]
    found = []
    for command, our, their in zip(commands, ours.replies, theirs.replies, strict=True):
        slack = slack_ms if command[0].upper() == b"PTTL" else 0
        if not _alike(our, their, slack, in_lua):
            found.append(f"{command}: model {our!r}, server {their!r}")
    for name, (kind, ttl, value) in ours.dump.items():
        their_kind, their_ttl, their_value = theirs.dump[name]
        if (kind, value) != (their_kind, their_value) or not _alike(ttl, their_ttl, slack_ms, True):
            found.append(f"{name!r} holds: model {ours.dump[name]}, server {theirs.dump[name]}")
    return found


def _alike(ours: Reply, theirs: Reply, slack: int, in_lua: bool) -> bool:
    if isinstance(ours, int) and isinstance(theirs, int) and ours != theirs:
        if in_lua and abs(ours) > _LOSSLESS:  # a double there; 2**63 has no integer to go back to
            return abs(ours - theirs) <= 1024 or ours > 2**63 - 1024
        return ours > 0 and 0 <= ours - theirs <= slack
    if isinstance(ours, ErrorReply) and isinstance(theirs, ErrorReply):
        return ours.text == theirs.text
    return ours == theirs


class Walk:
    """A comparison over many random sequences: what differed, and what was met on the way."""

    def __init__(self, server: Server, call: Call = table.call) -> None:
        self._server = server
        self._call = call
        self.differing: list[str] = []
        self.answered: Counter[bytes] = Counter()
        """Per command, how often it was not refused."""
        self.refusals: set[bytes] = set()

    def go(self, seed: int, in_lua: bool) -> None:
        """Compare the sequence of one seed."""
        rng = random.Random(seed)
        scene = _random_scene(rng, self._server.now_ms())
        draw = Draw(rng, scene.now_ms)
        commands = [draw.command() for _ in range(rng.randint(1, 12))]
        if in_lua:
            cut = rng.randint(0, len(commands))
            scripts, ours = modelled(scene, [commands[:cut], commands[cut:]], self._call)
            theirs = self._server.in_scripts(scene, scripts)
        else:
            scripts, ours = modelled(scene, [[command] for command in commands], self._call)
            theirs = self._server.plainly(scene, commands)
        slack_ms = self._server.now_ms() - scene.now_ms + 1
        for difference in differences(scripts, ours, theirs, slack_ms, in_lua):
            self.differing.append(f"seed {seed}, {scene.states}, {scripts}: {difference}")
        self._note(scripts, ours.replies)

    def _note(self, scripts: list[Script], replies: list[Reply]) -> None:
        commands = [command for script in scripts for command in script]
        for command, reply in zip(commands, replies, strict=True):
            if isinstance(reply, ErrorReply):
                self.refusals.add(reply.text)
            else:
                self.answered[command[0].upper()] += 1


def _random_scene(rng: random.Random, now_ms: int) -> Scene:
    states = [state for state in STATES if state not in (MISSING_STATE, "hll")]
    return Scene({key: rng.choice(states) for key in KEYS if rng.random() < 0.6}, now_ms)


@pytest.fixture(scope="module")
def server(redis_server: int) -> Iterator[Server]:
    """The real server of this test run."""
    server = Server(redis_server)
    yield server
    server.close()


REFUSALS = {
    b"ERR GT and LT options at the same time are not compatible",
    b"ERR GT, LT, and/or NX options at the same time are not compatible",
    b"ERR INCR option supports a single increment-element pair",
    b"ERR NX and XX, GT or LT options at the same time are not compatible",
    b"ERR Unsupported option YY",
    b"ERR Wrong number of args calling Redis command from script",
    b"ERR XX and NX options at the same time are not compatible",
    b"ERR increment or decrement would overflow",
    b"ERR invalid expire time in 'pexpire' command",
    b"ERR invalid expire time in 'set' command",
    b"ERR invalid expire time in 'setex' command",
    b"ERR no such key",
    b"ERR syntax error",
    b"ERR value is not a valid float",
    b"ERR value is not an integer or out of range",
    b"ERR value is out of range, must be positive",
    b"ERR wrong number of arguments for 'hset' command",
    b"ERR wrong number of arguments for 'lpop' command",
    b"ERR wrong number of arguments for 'rpop' command",
    WRONG_TYPE.text,
}
"""The refusals that random commands meet."""


@pytest.mark.parametrize("in_lua", [False, True], ids=["single commands", "scripts"])
def test_random_sequences(server: Server, in_lua: bool) -> None:
    """Sequences of commands answer as Redis does and leave behind what Redis leaves behind."""
    walk = Walk(server)
    for seed in range(3000):
        walk.go(seed, in_lua)
    assert walk.differing == []
    assert min(walk.answered[name] for name in table.COMMANDS) > 150, "too little was compared"
    assert walk.refusals >= REFUSALS, "some refusals were never met"


def test_numbers(server: Server) -> None:
    """What counts as an integer or a score, and how it is printed, is as in Redis."""
    rng = random.Random(1)
    for _ in range(1000):
        text = number(rng)
        commands = [
            [b"ZADD", b"a", text, b"m"],
            [b"ZADD", b"a", b"INCR", text, b"m"],
            [b"SET", b"b", text],
            [b"INCR", b"b"],
            [b"LPUSH", b"c", b"x", b"y"],
            [b"RPOP", b"c", text],
        ]
        scene = Scene({}, server.now_ms())
        scripts, ours = modelled(scene, [[command] for command in commands])
        assert differences(scripts, ours, server.plainly(scene, commands), 0, False) == []


@pytest.mark.parametrize(
    "commands",
    [
        [b"ZADD a inf m", b"ZADD a INCR -inf m"],
        [b"LPUSH a x", b"PEXPIRE a 100000", b"RPOPLPUSH a a", b"PTTL a"],
        [b"LPUSH a x", b"SADD b y", b"RPOPLPUSH a b", b"RPOP a"],
        [b"SET a x PXAT 1", b"GET a", b"EXISTS a", b"SETNX a y", b"PTTL a"],
        [b"HSET a f 1 g 2", b"DEL a", b"HSET a g 3 f 4", b"HGETALL a"],
        [b"HSET a f 1", b"RENAME a b", b"HSET b g 2", b"RENAME b a", b"HGETALL a"],
    ],
    ids=["NaN", "rotation keeps the expiry", "wrong destination", "expired when set",
         "order of fields", "rename there and back"],
)  # fmt: skip
def test_corners(server: Server, commands: list[bytes]) -> None:
    """Corners that random sequences seldom meet are as in Redis, apart and in one script."""
    script = [command.split() for command in commands]
    scene = Scene({}, server.now_ms())
    for scripts in ([[command] for command in script], [script]):
        carried_out, ours = modelled(scene, scripts)
        assert carried_out == scripts
        assert differences(scripts, ours, server.in_scripts(scene, scripts), 1000, True) == []


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


@pytest.mark.parametrize("lie", [_miscounts, _forgets_writes, _forgets_expiries, _misspells])
def test_liars_are_caught(server: Server, lie: Call) -> None:
    """A wrong reply, value, expiry or error text does not pass the comparison."""
    walk = Walk(server, lie)
    for seed in range(60):
        walk.go(seed, in_lua=False)
    assert walk.differing
