"""The model and a real Redis server side by side: one sequence of commands, reply by reply.

A sequence is carried out in one of three ways: each command by itself, asked in RESP2 or in RESP3,
or all of them in Lua scripts. What lies in the keys at the end is compared too.

Nothing is normalised but what is documented to be free: the order of sets that are not all integers
and of KEYS and scans, what is drawn by chance (it has to be among what may be drawn), how many keys
DBSIZE counts that have expired, and the clock: a time to live or an instant counts in steps of
100 s, as `grammar.py` draws them. OBJECT may tell of a larger form that a value has had before,
and what SORT finds equal in a hash table comes in any order.
"""

import re
import time
from collections.abc import Callable
from typing import Any, Final

from models.redis import table
from models.redis.arguments import as_integer
from models.redis.context import Context
from models.replies import (
    NULL_ARRAY,
    ErrorReply,
    FlatMap,
    FlatPairs,
    PairMap,
    Reply,
    SetReply,
)
from models.script.cache import ScriptCache
from models.script.machine import Done, Machine
from tests.models.redis.grammar import ANY_KEYS
from tests.models.redis.resp2 import Client
from tests.models.redis.scenes import Attempt, Scene

Command = list[bytes]
Call = Callable[[Context, Command], Reply]

SINGLE: Final = "single commands"
RESP3: Final = "single commands in RESP3"
SCRIPTS: Final = "scripts"
MODES: Final = (SINGLE, RESP3, SCRIPTS)

PCALL_ALL: Final = b"""
local replies, at = {}, 1
while at <= #ARGV do
  local n = tonumber(ARGV[at])
  replies[#replies + 1] = redis.pcall(unpack(ARGV, at + 1, at + n))
  at = at + n + 1
end
return replies
"""
_STEP_MS: Final = 100_000
_NEAR_MS: Final = 20 * _STEP_MS
_READS: Final[dict[bytes, Command]] = {
    b"string": [b"GET", b""], b"list": [b"LRANGE", b"", b"0", b"-1"], b"hash": [b"HGETALL", b""],
    b"set": [b"SMEMBERS", b""], b"zset": [b"ZRANGE", b"", b"0", b"-1", b"WITHSCORES"],
    b"stream": [b"XINFO", b"STREAM", b"", b"FULL", b"COUNT", b"0"],
}  # fmt: skip
_DRAWN: Final = {
    b"SPOP": b"SMEMBERS", b"SRANDMEMBER": b"SMEMBERS", b"HRANDFIELD": b"HKEYS",
    b"ZRANDMEMBER": b"ZRANGE", b"RANDOMKEY": b"KEYS",
}  # fmt: skip
"""Commands of chance, and what tells among which elements they draw."""
_LARGER: Final = {
    b"int": (b"embstr", b"raw"), b"embstr": (b"raw",), b"intset": (b"hashtable",),
    b"listpack": (b"hashtable", b"skiplist"), 2**31 - 1: (1,),
}  # fmt: skip
"""Per form that a value has by its content: those in which Redis may still keep it, and how many
references an integer has that is kept as a text."""
_WAITING: Final = re.compile(rb"B(L|R|Z).*|XREAD(GROUP)?")
_STREAM_ID: Final = re.compile(rb"(\d{13})-\d+")


class Difference(AssertionError):
    """Model and server do not agree."""


class Duel:
    """The model and a server, asked the same."""

    def __init__(self, port: int, call: Call = table.call) -> None:
        self._clients = {SINGLE: Client(port), RESP3: Client(port, resp3=True)}
        self._clients[SCRIPTS] = self._clients[SINGLE]
        self._call = call
        self._machine = Machine(instructions_max=10**9, memory_max=10**9)
        self._scripts = ScriptCache()
        self.commands = 0
        """How many have been compared."""
        self.met: dict[bytes, list[int]] = {}
        """Per command: how often it was carried out, and how often refused."""
        self.refusals: dict[bytes, None] = {}
        """Texts of refusals met."""

    def close(self) -> None:
        """Hang up."""
        self._clients[SINGLE].close()
        self._clients[RESP3].close()

    def fight(self, mode: str, scene: Scene, commands: list[Command]) -> None:
        """Compare one sequence. Raises `Difference` at the first reply that differs."""
        commands = [part for command in commands for part in _undisturbed(command)]
        bout = _Bout(self, mode, scene, commands)
        if mode == SCRIPTS:
            bout.in_scripts()
        else:
            bout.singly(commands)
        bout.look_at_keys()

    def asked(self, mode: str, commands: list[Command]) -> list[Reply]:
        """What the server answers. What might wait is asked in transactions, where it does not."""
        sent: list[Command] = []
        for command in commands:
            if _WAITING.fullmatch(command[0].upper()):
                sent += [[b"MULTI"], command, [b"EXEC"]]
            else:
                sent.append(command)
        replies = iter(self._clients[mode].pipeline(sent))
        found: list[Reply] = []
        for command in commands:
            reply = next(replies)
            if _WAITING.fullmatch(command[0].upper()):
                queued, done = next(replies), next(replies)
                reply = queued if isinstance(queued, ErrorReply) else done[0]  # type: ignore[index]
            found.append(reply)
        return found

    def carried_out(self, context: Context, command: Command) -> Reply:
        """What the model answers."""
        return self._call(context, command)

    def evaluated(self, context: Context, argv: list[bytes]) -> Reply:
        """What the model's Lua answers to `PCALL_ALL`."""
        script = self._scripts.load(PCALL_ALL)
        state = self._machine.start(script, [], argv, lambda args: self._call(context, args))
        assert type(state) is Done, "nothing has to be waited for"
        return state.reply

    def note(self, command: Command, reply: Reply) -> None:
        """Count a comparison."""
        self.commands += 1
        refused = isinstance(reply, ErrorReply)
        self.met.setdefault(command[0].upper(), [0, 0])[refused] += 1
        if isinstance(reply, ErrorReply):
            self.refusals[reply.text] = None


class _Bout:
    """One sequence."""

    def __init__(self, duel: Duel, mode: str, scene: Scene, commands: list[Command]) -> None:
        self._duel = duel
        self._mode = mode
        self._scene = scene
        self._commands = commands
        self._now_ms = scene.now_ms
        self._store = scene.store()
        members = [m for c in commands if c[0].upper() in (b"SADD", b"SMOVE") for m in c[2:]]
        self._counted = False
        """Whether every key has been looked at: before, the server counts expired ones."""
        self._sorted = any(command[0].upper() in (b"SORT", b"SORT_RO") for command in commands)
        """Whether small sorted sets may lie in hash tables since SORT has met them."""
        self._integers = all(as_integer(member) is not None for member in members) and not any(
            state.startswith("set") for state in scene.states.values()
        )

    def _attempt(self) -> Attempt:
        attempt = Attempt(self._store, self._now_ms)
        attempt.context.from_script = self._mode == SCRIPTS
        return attempt

    def _now(self, command: Command) -> Reply:
        """Carry out a command in the model and commit it."""
        attempt = self._attempt()
        reply = self._duel.carried_out(attempt.context, command)
        assert attempt.commit() is None
        return reply

    def _peek(self, command: Command) -> Any:
        """Carry out a command in the model, for its reply alone."""
        return self._duel.carried_out(self._attempt().context, command)

    def singly(self, commands: list[Command]) -> None:
        """Each command by itself."""
        setting = list(self._scene.commands())
        theirs = self._duel.asked(self._mode, [*setting, *commands])[len(setting) :]
        for command, reply in zip(commands, theirs, strict=True):
            if command[0].upper() in _DRAWN and not isinstance(reply, ErrorReply):
                self._check_drawn(command, reply)
            else:
                self._check(command, self._now(command), reply)

    def in_scripts(self) -> None:
        """Up to six commands in a script; commands of chance are left out."""
        commands = [command for command in self._commands if command[0].upper() not in _DRAWN]
        scripts = [commands[i : i + 6] for i in range(0, len(commands), 6)]
        argvs = [[p for c in script for p in (b"%d" % len(c), *c)] for script in scripts]
        evals = [[b"EVAL", PCALL_ALL, b"0", *argv] for argv in argvs]
        setting = list(self._scene.commands())
        answers = self._duel.asked(SINGLE, [*setting, *evals])[len(setting) :]
        for script, argv, theirs in zip(scripts, argvs, answers, strict=True):
            attempt = self._attempt()
            ours = self._duel.evaluated(attempt.context, argv)
            assert attempt.commit() is None
            assert isinstance(ours, list), ours
            assert isinstance(theirs, list), theirs
            for command, our, their in zip(script, ours, theirs, strict=True):
                self._check(command, our, their)

    def look_at_keys(self) -> None:
        """Compare what the keys hold."""
        questions: list[Command] = []
        for name in ANY_KEYS:
            kind = self._peek([b"TYPE", name]).text
            questions += [[b"TYPE", name], [b"PTTL", name]]
            if kind in _READS:
                questions.append([part or name for part in _READS[kind]])
        questions.append([b"DBSIZE"])
        self._counted = True
        mode = SINGLE if self._mode == SCRIPTS else self._mode
        for question, theirs in zip(questions, self._duel.asked(mode, questions), strict=True):
            self._check(question, self._peek(question), theirs)

    def _check(self, command: Command, ours: Reply, theirs: Reply) -> None:
        self._duel.note(command, theirs)
        our = self._plain(command, as_resp3(ours) if self._mode == RESP3 else ours)
        their = self._plain(command, theirs)
        if command[0].upper() == b"OBJECT" and _is_larger(our, their):
            return
        typed = self._mode != RESP3 or _same_types(our, their)
        if our != their or not typed:
            self._differ(command, our, their)

    def _differ(self, command: Command, ours: object, theirs: object) -> None:
        lines = "\n".join(f"  {command}" for command in self._commands)
        raise Difference(
            f"{self._mode}, {self._scene}, sequence:\n{lines}\n"
            f"{command}:\n  model  {ours!r}\n  server {theirs!r}"
        )

    # -- what is free ---------------------------------------------------------------------------

    def _plain(self, command: Command, reply: Any) -> Any:
        """A reply without what is free in it."""
        name = command[0].upper()
        if name in (b"PTTL", b"TTL", b"PEXPIRETIME", b"EXPIRETIME") and isinstance(reply, int):
            if reply < 0:
                return reply
            ms = reply if name.startswith(b"P") else reply * 1000
            return _steps(ms - (self._now_ms if name.endswith(b"TIME") else 0))
        if name == b"TIME" and isinstance(reply, list):
            return len(reply)
        if (
            name in (b"SORT", b"SORT_RO")
            and isinstance(reply, list)
            and self._has_ties(command, reply)
        ):
            return len(reply)
        if name == b"OBJECT" and isinstance(reply, int) and command[1].upper() == b"IDLETIME":
            return type(reply)
        if name == b"DBSIZE" and not self._counted:
            return type(reply)
        if name in (b"SMEMBERS", b"SINTER", b"SUNION", b"SDIFF") and not self._integers:
            return SetReply(sorted(reply)) if isinstance(reply, list) else reply
        if name == b"KEYS" and isinstance(reply, list):
            return sorted(reply)
        if name in (b"SCAN", b"SSCAN") and isinstance(reply, list):
            return [reply[0], sorted(reply[1])]
        if name == b"ZSCAN" and isinstance(reply, list) and self._sorted:
            return [reply[0], sorted(reply[1][::2])]
        if name in (b"XPENDING", b"XINFO"):
            return self._without_clock(reply, extended=name == b"XPENDING" and len(command) > 3)
        return self._without_ids(reply)

    def _has_ties(self, command: Command, reply: list[Any]) -> bool:
        """Whether the order that SORT finds may be that of a hash table."""
        words = [word.upper() for word in command[2:]]
        by = command[words.index(b"BY") + 3] if b"BY" in words else b""
        alpha, as_is = b"ALPHA" in words, b"BY" in words and b"*" not in by
        if b"STORE" in words or not (alpha or as_is):
            return False
        texts = [item for item in reply if isinstance(item, bytes)]
        distinct = all(text.partition(b"\0")[0] for text in texts) and b"GET" not in words
        if self._mode == SCRIPTS:
            return b"BY" in words or not distinct
        kind = self._peek([b"TYPE", command[1]]).text
        if as_is:
            return kind == b"set" and not self._integers
        return kind in (b"set", b"zset") and (b"BY" in words or not distinct)

    def _without_ids(self, reply: Any) -> Any:
        if isinstance(reply, list):
            return type(reply)([self._without_ids(part) for part in reply])
        if isinstance(reply, bytes) and (found := _STREAM_ID.fullmatch(reply)):
            return b"now" if abs(int(found[1]) - self._now_ms) < _NEAR_MS else reply
        return reply

    def _without_clock(self, reply: Any, *, extended: bool) -> Any:
        """Without instants and, where they stand, times since the last delivery."""
        if extended and isinstance(reply, list):
            return [self._without_ids([id, who, _steps(idle), n]) for id, who, idle, n in reply]
        if isinstance(reply, list):
            parts = [self._without_clock(part, extended=False) for part in reply]
            for i, part in enumerate(reply[:-1]):
                if part == b"idle":
                    parts[i + 1] = _steps(reply[i + 1])
            return type(reply)(parts)
        if type(reply) is int and reply > 10**12:
            return "steps from now", _steps(reply - self._now_ms)
        return self._without_ids(reply)

    def _check_drawn(self, command: Command, theirs: Any) -> None:
        """A reply of chance: as many elements as ours, each of them one that may be drawn."""
        self._duel.note(command, theirs)
        name = command[0].upper()
        ours: Any = self._peek(command)
        if isinstance(ours, ErrorReply) or isinstance(ours, list) != isinstance(theirs, list):
            self._differ(command, ours, theirs)
        source = [_DRAWN[name], *([b"*"] if name == b"RANDOMKEY" else command[1:2])]
        pool = self._peek([*source, b"0", b"-1"] if name == b"ZRANDMEMBER" else source)
        drawn, paired = _drawn(command, theirs)
        expected, _ = _drawn(command, as_resp3(ours) if self._mode == RESP3 else ours)
        distinct = len(command) < 3 or not command[2].startswith(b"-")
        bad = [element for element in drawn if element not in pool]
        if len(drawn) != len(expected) or bad or (distinct and len({*drawn}) != len(drawn)):
            self._differ(command, ours, theirs)
        for element, value in paired:
            ask = b"HGET" if name == b"HRANDFIELD" else b"ZSCORE"
            if self._peek([ask, command[1], element]) != value:
                self._differ(command, ours, theirs)
        if name == b"SPOP" and drawn:
            self._now([b"SREM", command[1], *drawn])


def _drawn(command: Command, reply: Any) -> tuple[list[bytes], list[list[bytes]]]:
    """The elements of a reply of chance, and where they come with values, the pairs."""
    if reply is None:
        return [], []
    if not isinstance(reply, list):
        return [reply], []
    if len(command) < 4:
        return reply, []
    pairs = reply if reply and isinstance(reply[0], list) else _paired(reply)
    return [element for element, _ in pairs], pairs


def _undisturbed(command: Command) -> list[Command]:
    """A command, not disturbed by the one before: SORT refuses texts as numbers if an earlier
    command met one out of range, as C's `errno` still says. Parsing a score clears that.
    """
    clearing = [b"ZADD", b"none", b"XX", b"1", b"m"]
    return [clearing, command] if command[0].upper() in (b"SORT", b"SORT_RO") else [command]


def _is_larger(ours: Any, theirs: Any) -> bool:
    """Whether OBJECT tells of a larger form of the same value."""
    return isinstance(ours, bytes | int) and theirs in _LARGER.get(ours, ())


def _steps(ms: int) -> int:
    return (ms + _STEP_MS // 2) // _STEP_MS


def _paired(flat: list[Any]) -> list[Any]:
    return [list(pair) for pair in zip(flat[::2], flat[1::2], strict=True)]


def as_resp3(reply: Any) -> Any:
    """A reply as RESP3 has it: maps and pairs unfolded, one null."""
    if isinstance(reply, FlatMap):
        return PairMap(_paired([as_resp3(part) for part in reply]))
    if isinstance(reply, FlatPairs):
        return _paired([as_resp3(part) for part in reply])
    if isinstance(reply, list):
        return type(reply)([as_resp3(part) for part in reply])
    return None if reply is NULL_ARRAY else reply


def _same_types(ours: Any, theirs: Any) -> bool:
    """Whether RESP3's types agree."""
    if type(ours) is not type(theirs):
        return False
    if isinstance(theirs, list):
        return all(map(_same_types, ours, theirs))
    return True


def wall_clock_ms() -> int:
    """The machine's clock, which the server shows too."""
    return time.time_ns() // 1_000_000
