"""Values on their way between Python and Lua, as Redis 7 converts them.

Pure functions over plain values; the runtime itself is touched by `as_table` alone. Strings and
integers need no conversion at all and never come here.

The numbers in `Failure` and `Ending` are known to the prelude (guard.lua, run.lua) too.
"""

from collections.abc import Iterable, Iterator
from enum import IntEnum
from math import copysign, isnan
from typing import Any, Final

from lupa.lua51 import LuaRuntime

from models.replies import ErrorReply, NullArray, Reply, Status

INTEGER_MIN: Final = -(2**63)
INTEGER_MAX: Final = 2**63 - 1
# From here on "%.17g" writes an exponent.
PLAIN_BELOW: Final = 10**17

BAD_ARGUMENTS: Final = b"ERR Lua redis lib command arguments must be strings or integers"
NO_ARGUMENTS: Final = b"ERR Please specify at least one argument for this redis lib call"

# What a value takes in Lua's memory, in bytes, apart from the text of strings: the header of a
# string, a table, a table's entry (with the string in it) while the table grows. Rough, and rather
# too much.
STRING_BYTES: Final = 40
TABLE_BYTES: Final = 100
ENTRY_BYTES: Final = 140

LINE_ENDS: Final = bytes.maketrans(b"\r\n", b"  ")


class Failure(IntEnum):
    """Why a function of the host failed."""

    REPLY = 1
    """The command's reply is an error."""
    KILL = 2
    """The script must end."""
    MEMORY = 3
    """The runtime has no room for the reply."""
    CALL = 4
    """The function was called wrongly."""


class Ending(IntEnum):
    """How a script ended, where it did not simply return a string, number or boolean."""

    STATUS = 1
    ERROR = 2
    """It returned an error table."""
    RAISED = 3
    """It did not catch an error."""
    KILL = 4
    BROKEN = 5
    """Lua gave up without asking the error handler, for want of stack or memory."""
    TOKENS = 6
    """It returned a table, which the host has got in tokens."""


class LuaFailure(Exception):
    """Ends a function of the host; the script gets `text` as an error."""

    def __init__(self, failure: Failure, text: bytes = b"") -> None:
        super().__init__(failure, text)
        self.failure = failure
        self.text = text


# From Lua: the arguments of a command


def number_text(number: int | float) -> bytes:
    """A number as C's "%.17g" writes it.

    lupa hands over minus zero as the integer 0, so that sign is lost.
    """
    if isinstance(number, int):
        if -PLAIN_BELOW < number < PLAIN_BELOW:
            return b"%d" % number
    elif isnan(number):
        return b"-nan" if copysign(1.0, number) < 0 else b"nan"
    return b"%.17g" % number


def argument_texts(args: Iterable[object]) -> list[bytes]:
    """Arguments of a call as text. Raises `LuaFailure` if one is neither a string nor a number."""
    texts = []
    for arg in args:
        if isinstance(arg, bytes):
            texts.append(arg)
        elif type(arg) is int or type(arg) is float:
            texts.append(number_text(arg))
        else:
            raise LuaFailure(Failure.CALL, BAD_ARGUMENTS)
    return texts


# To Lua: replies


def reply_bytes(reply: Reply) -> int:
    """What a reply takes in Lua's memory, rather too much than too little."""
    if isinstance(reply, bytes):
        return STRING_BYTES + len(reply)
    if isinstance(reply, Status | ErrorReply):
        return TABLE_BYTES + 2 * STRING_BYTES + len(reply.text)
    if isinstance(reply, list):
        return TABLE_BYTES + sum(ENTRY_BYTES + reply_bytes(element) for element in reply)
    return 0


def as_table(runtime: LuaRuntime, reply: Reply) -> Any:
    """A reply as Lua has it: a table for arrays, statuses and errors, False for nil.

    The caller makes sure of the room (`reply_bytes`). Raises TypeError for what is no reply.
    """
    if isinstance(reply, list):
        return runtime.table_from(
            [element if type(element) is bytes else as_table(runtime, element) for element in reply]
        )
    if reply is None or isinstance(reply, NullArray):
        return False
    if isinstance(reply, bytes):
        return bytes(reply)
    if type(reply) is int and INTEGER_MIN <= reply <= INTEGER_MAX:
        return reply
    if type(reply) is Status:
        return runtime.table_from({b"ok": reply.text})
    if type(reply) is ErrorReply:
        error = {b"err": error_text(reply), b"ignore_error_stats_update": True}
        return runtime.table_from(error)
    raise TypeError(f"a command's reply must be a Reply, got {reply!r}")


def error_text(reply: ErrorReply) -> bytes:
    """The text of a command's error as a script sees it: with a code word, without line ends."""
    text = reply.text
    return text.strip(b"\r\n") if b" " in text else b"ERR " + text.strip(b"\r\n")


# From Lua: the script's own reply


def integer_reply(number: int | float) -> int:
    """A number the script returned: cut towards zero; what 64 bits cannot hold is the smallest."""
    if isnan(number) or not INTEGER_MIN <= number < INTEGER_MAX:
        return INTEGER_MIN
    return int(number)


def status_reply(text: bytes) -> Status:
    """A status a script returned. Like C, Redis reads it up to the first zero byte."""
    return Status(text.partition(b"\0")[0].translate(LINE_ENDS))


def error_reply(text: bytes) -> ErrorReply:
    """An error a script returned or did not catch."""
    return ErrorReply(text.partition(b"\0")[0].rstrip(b"\r\n").translate(LINE_ENDS))


def double_text(number: int | float) -> bytes:
    """A double as RESP2 carries it. Unlike `number_text`, all NaN are alike."""
    return b"nan" if isnan(number) else number_text(number)


def reply_from_tokens(tokens: Iterable[object]) -> Reply:
    """Put a table together again that run.lua took apart.

    A value stands for itself. None is no value: the token behind it says what comes, an array's
    begin or end, or the kind of the one value that follows.
    """
    # The outermost array holds the one value there is.
    arrays: list[list[Reply]] = [[]]
    stream = iter(tokens)
    for token in stream:
        if token is not None:
            arrays[-1].append(scalar_reply(token))
            continue
        mark = next(stream)
        if mark == b"[":
            array: list[Reply] = []
            arrays[-1].append(array)
            arrays.append(array)
        elif mark == b"]":
            arrays.pop()
        else:
            arrays[-1].append(_marked_reply(mark, stream))
    ((reply,),) = arrays
    return reply


def _marked_reply(mark: object, stream: Iterator[Any]) -> Reply:
    value = next(stream)
    if mark == b"+":
        return status_reply(value)
    if mark == b"-":
        return error_reply(value)
    if mark == b",":
        return double_text(value)
    assert mark == b"(", f"run.lua sent the unknown mark {mark!r}"
    big_number: bytes = value.translate(LINE_ENDS)
    return big_number


def scalar_reply(value: object) -> Reply:
    """A string, number, boolean or nil the script returned."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, bool) or value is None:
        return 1 if value else None
    assert isinstance(value, int | float), f"run.lua sent {value!r}"
    return integer_reply(value)
