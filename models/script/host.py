"""The Python side of a runtime: the functions behind `redis.*`, and what they share.

One host per runtime. It converts, answers and remembers; it decides nothing about the script's
life, which is the machine's part.

Invariants, on which the process depends:

- Nothing but the constant `FAILED` is ever raised into Lua. lupa passes a raised object on to Lua,
  where a script could catch it. guard.lua knows `FAILED`, hides it from scripts, and calls `take`
  to learn what happened. Python itself raises KeyboardInterrupt where it likes, at the entry of a
  function for one: guard.lua hands that to `interrupt`.
- Nothing is handed to Lua while its memory is nearly used up. lupa makes the Lua value outside of
  any Lua call it could abort; running out of memory there jumps over Python's frames, and the
  process hangs. Hence `room`, asked before every value that is not already there.
- No function here calls a Lua function: lupa would clear the stack the script stands on.
"""

from collections import deque
from collections.abc import Callable
from hashlib import sha1
from typing import Any, Final, NamedTuple

from lupa.lua51 import LuaRuntime

from models.redis.commands import COMMANDS
from models.replies import ErrorReply, Reply, Status
from models.script.convert import (
    ENTRY_BYTES,
    INTEGER_MAX,
    INTEGER_MIN,
    NO_ARGUMENTS,
    Failure,
    LuaFailure,
    argument_texts,
    as_table,
    as_typed_table,
    error_text,
    integer_reply,
    reply_bytes,
)
from models.script.outcome import PENDING, Answer

LOG_LINES_MAX: Final = 100
LOG_LEVELS: Final = range(4)
REPLICATION_FLAGS: Final = range(4)

BYTES_PER_INSTRUCTION: Final = 32
"""Bytes that are handled, in C or by a command, in about the time of one Lua instruction."""
SHORT: Final = 1024
"""Bytes of a call's arguments, or of its reply, that cost no more than the call itself, which
counts as so many.
"""

HostFunction = Callable[..., Any]


class Failed(Exception):
    """The one thing ever raised into Lua."""


class LogLine(NamedTuple):
    """One `redis.log`: level from 0 (debug) to 3 (warning)."""

    level: int
    text: bytes


class Host:
    """What a script's calls reach. See the module's text."""

    def __init__(self, runtime: LuaRuntime, memory_max: int, instructions_max: int) -> None:
        self.answer: Answer = _no_script
        """Answers the calls of the script that runs."""
        self.wait: Callable[[list[bytes]], Reply]
        """Suspends the script until the reply of this call is there. Raises to end the script."""
        self.error: BaseException | None = None
        """What Python raised inside a function of the host, for the machine to raise again."""
        self.tokens: list[object] = []
        """The script's reply, see `convert.reply_from_tokens`."""
        self.log: deque[LogLine] = deque(maxlen=LOG_LINES_MAX)
        self.failed = Failed()
        self._runtime = runtime
        self._used = runtime.get_memory_used
        # Half of the memory: what Lua may need at once to take in a value is the value, and a
        # larger table of all its strings (16 bytes for each, which take 25 or more). Less a short
        # reply, which is handed over without asking how long it is.
        self.room = memory_max // 2 - SHORT
        self._why = LuaFailure(Failure.KILL)
        self._handled = 0
        """Bytes that long arguments and replies of the script's calls had so far."""
        self._handled_max = instructions_max * BYTES_PER_INSTRUCTION
        self.resp = 2
        """The protocol whose types the script sees; what `redis.setresp` sets."""
        self._nil: bool | None = False

    def begin(self) -> None:
        """A script begins."""
        self.log.clear()
        self._handled = 0
        self._set_resp(2)

    def _set_resp(self, version: int) -> None:
        self.resp = version
        self._nil = False if version == 2 else None

    def forget_answer(self) -> None:
        """The script has ended: keep nothing alive that its answers need."""
        self.answer = _no_script

    def functions(self) -> dict[bytes, HostFunction]:
        """The functions of the `redis` table that can raise an error."""
        return {
            b"call": self._make_call(raises=True),
            b"pcall": self._make_call(raises=False),
            b"sha1hex": self._guarded(self._sha1hex),
            b"log": self._guarded(self._log),
            b"setresp": self._guarded(self._setresp),
            b"set_repl": self._guarded(_set_repl),
            b"acl_check_cmd": self._guarded(_acl_check_cmd),
        }

    def interrupt(self, raised: BaseException) -> None:
        """End the script for what was raised past the functions of the host."""
        self._note(raised)

    def take(self) -> tuple[bytes | None, int]:
        """What the last failure was: the script's error, if it may have one, and its kind."""
        why = self._why
        if why.failure not in (Failure.REPLY, Failure.CALL):
            return None, why.failure.value
        if not self.has_room(len(why.text)):
            return None, Failure.MEMORY.value
        return why.text, why.failure.value

    def emit(self, *tokens: object) -> None:
        """Take in some of the tokens of the script's reply."""
        self.tokens.extend(tokens)

    def emit_strings(self, table: Any) -> None:
        """Take in an array of strings."""
        self.tokens += None, b"$", list(table.values())

    def has_room(self, size: int) -> bool:
        """Whether Lua can take in values of `size` bytes; collects its garbage if need be."""
        if self._used() + size < self.room:
            return True
        self._runtime.gccollect()
        return bool(self._used() + size < self.room)

    def _make_call(self, *, raises: bool) -> HostFunction:
        # The hot path: 7 calls in a script that takes 10 µs. Everything is a local, strings and
        # integers pass as they are.
        host = self
        used = self._used
        room = self.room
        failed = self.failed
        join = b"".join
        short = SHORT

        def call(*args: Any) -> Any:
            try:
                for arg in args:
                    if type(arg) is not bytes:
                        words = argument_texts(args)
                        break
                else:
                    words = list(args)
                size = len(join(words))
                host._handle(size if size > short else short)
                reply = host.answer(words) if words else _no_arguments()
                if reply is PENDING:
                    reply = host.wait(words)
                if type(reply) is bytes:
                    if len(reply) <= short and used() < room:
                        return reply
                elif reply is None:
                    return host._nil
                elif type(reply) is int and INTEGER_MIN <= reply <= INTEGER_MAX:
                    return reply
                return host._hand_over(reply, raises=raises)
            except LuaFailure as why:
                if not raises and why.failure is Failure.CALL and host.has_room(len(why.text)):
                    return host._runtime.table_from({b"err": why.text})
                host._note(why)
            except BaseException as error:
                host._note(error)
            raise failed.with_traceback(None)

        return call

    def _handle(self, size: int) -> None:
        """Have so many bytes count: a script is ended by them as by its instructions."""
        self._handled += size
        if self._handled >= self._handled_max:
            raise LuaFailure(Failure.KILL)

    def _hand_over(self, reply: Reply, *, raises: bool) -> Any:
        if isinstance(reply, bytes | list):
            self._handle(reply_bytes(reply))
        if self.resp == 3 and type(reply) is not ErrorReply:
            if self.has_room(reply_bytes(reply)):
                return as_typed_table(self._runtime, reply)
        elif isinstance(reply, list):
            return self._hand_over_array(reply)
        elif type(reply) is Status:
            if self.has_room(len(reply.text)):
                return self._runtime.table_from({b"ok": reply.text})
        elif raises and type(reply) is ErrorReply:
            raise LuaFailure(Failure.REPLY, error_text(reply))
        elif self.has_room(reply_bytes(reply)):
            return as_table(self._runtime, reply)
        raise LuaFailure(Failure.MEMORY)

    def _hand_over_array(self, array: list[Reply]) -> Any:
        # Most arrays hold nothing but strings, which `join` finds out fastest.
        try:
            size = len(b"".join(array)) + len(array) * ENTRY_BYTES  # type: ignore[arg-type]
        except TypeError:
            if self.has_room(reply_bytes(array)):
                return as_table(self._runtime, array)
        else:
            if self.has_room(size):
                return self._runtime.table_from(array)
        raise LuaFailure(Failure.MEMORY)

    def _note(self, error: BaseException) -> None:
        if isinstance(error, LuaFailure):
            self._why = error
        else:
            self.error = error
            self._why = LuaFailure(Failure.KILL)

    def _guarded(self, function: HostFunction) -> HostFunction:
        failed = self.failed

        def guarded(*args: Any) -> Any:
            try:
                return function(*args)
            except BaseException as error:
                self._note(error)
            raise failed.with_traceback(None)

        return guarded

    def _sha1hex(self, *args: object) -> bytes:
        if len(args) != 1:
            raise LuaFailure(Failure.CALL, b"ERR wrong number of arguments")
        text = _lua_text(args[0]) or b""
        self._handle(len(text))
        digest = sha1(text, usedforsecurity=False).hexdigest().encode()
        if not self.has_room(len(digest)):
            raise LuaFailure(Failure.MEMORY)
        return digest

    def _setresp(self, *args: object) -> None:
        if len(args) != 1:
            raise LuaFailure(Failure.CALL, b"ERR redis.setresp() requires one argument.")
        version = _lua_integer(args[0])
        if version not in (2, 3):
            raise LuaFailure(Failure.CALL, b"ERR RESP version must be 2 or 3.")
        self._set_resp(version)

    def _log(self, *args: object) -> None:
        if len(args) < 2:
            raise LuaFailure(Failure.CALL, b"ERR redis.log() requires two arguments or more.")
        if _lua_number(args[0]) is None:
            raise LuaFailure(Failure.CALL, b"ERR First argument must be a number (log level).")
        level = _lua_integer(args[0])
        if level not in LOG_LEVELS:
            raise LuaFailure(Failure.CALL, b"ERR Invalid debug level.")
        text = b" ".join([text for text in map(_lua_text, args[1:]) if text is not None])
        self._handle(len(text))
        self.log.append(LogLine(level, text))


def _no_script(args: list[bytes]) -> Reply:
    raise AssertionError(f"no script runs, yet something calls {args!r}")


def _no_arguments() -> Reply:
    raise LuaFailure(Failure.CALL, NO_ARGUMENTS)


def _set_repl(*args: object) -> None:
    if len(args) != 1:
        raise LuaFailure(Failure.CALL, b"ERR redis.set_repl() requires two arguments.")
    if _lua_integer(args[0]) not in REPLICATION_FLAGS:
        raise LuaFailure(
            Failure.CALL,
            b"ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.",
        )


def _acl_check_cmd(*args: object) -> bool:
    # There are no users, so whatever exists is allowed.
    words = argument_texts(args)
    if not words:
        raise LuaFailure(Failure.CALL, NO_ARGUMENTS)
    if words[0].upper() not in COMMANDS:
        raise LuaFailure(Failure.CALL, b"ERR Invalid command passed to redis.acl_check_cmd()")
    return True


def _lua_text(value: object) -> bytes | None:
    """A value where Lua takes a string: strings, and numbers as Lua writes them; else None."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return b"%.14g" % value
    return None


def _lua_number(value: object) -> float | None:
    """A value where Lua takes a number: numbers, and strings that read as one; else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, bytes):
        try:
            return float(value)
        except ValueError:
            return None
    return None


def _lua_integer(value: object) -> int:
    """A value where C takes an integer; what is no number is 0."""
    return integer_reply(_lua_number(value) or 0)
