"""Values on their way between Python and Lua, as Redis 7 converts them.

Pure functions over plain values; the runtime itself is touched by `as_table` alone. Strings and
integers need no conversion at all and never come here.

The numbers in `Failure` and `Ending` are known to the prelude (guard.lua, run.lua) too.
"""

from collections.abc import Iterable
from enum import IntEnum
from math import copysign, isnan
from typing import Any, Final

from lupa.lua51 import LuaRuntime

from models.replies import (
    BigNumber,
    Boolean,
    Double,
    ErrorReply,
    FlatMap,
    FlatPairs,
    NullArray,
    PairMap,
    Reply,
    SetReply,
    Status,
    Verbatim,
)

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
    """A reply as Lua has it under RESP2: a table for arrays, statuses and errors, False for nil.

    The caller makes sure of the room (`reply_bytes`). Raises TypeError for what is no reply.
    """
    if isinstance(reply, list):
        return runtime.table_from(
            [element if type(element) is bytes else as_table(runtime, element) for element in reply]
        )
    if reply is None or isinstance(reply, NullArray):
        return False
    return _as_either(runtime, reply)


def as_typed_table(runtime: LuaRuntime, reply: Reply) -> Any:
    """A reply as Lua has it after `redis.setresp(3)`: its type is told, nil is nil."""
    if isinstance(reply, list):
        return _as_typed_list(runtime, reply)
    if reply is None or isinstance(reply, NullArray):
        return None
    if isinstance(reply, Double):
        return runtime.table_from({b"double": float(reply)})
    if isinstance(reply, Boolean):
        return bool(reply)
    if isinstance(reply, BigNumber):
        return runtime.table_from({b"big_number": bytes(reply)})
    if isinstance(reply, Verbatim):
        verbatim = runtime.table_from({b"string": bytes(reply), b"format": reply.format})
        return runtime.table_from({b"verbatim_string": verbatim})
    return _as_either(runtime, reply)


def _as_typed_list(runtime: LuaRuntime, reply: list[Any]) -> Any:
    if isinstance(reply, SetReply):
        members = runtime.table()
        for member in reply:
            members[as_typed_table(runtime, member)] = True
        return runtime.table_from({b"set": members})
    if isinstance(reply, FlatMap | PairMap):
        pairs = zip(reply[::2], reply[1::2], strict=True) if isinstance(reply, FlatMap) else reply
        entries = runtime.table()
        for key, value in pairs:
            entries[as_typed_table(runtime, key)] = as_typed_table(runtime, value)
        return runtime.table_from({b"map": entries})
    if isinstance(reply, FlatPairs):
        reply = [list(pair) for pair in zip(reply[::2], reply[1::2], strict=True)]
    array = runtime.table()
    for index, element in enumerate(reply, 1):
        array[index] = as_typed_table(runtime, element)
    return array


def _as_either(runtime: LuaRuntime, reply: Reply) -> Any:
    if isinstance(reply, bytes):
        return bytes(reply)
    if isinstance(reply, Boolean) or (type(reply) is int and INTEGER_MIN <= reply <= INTEGER_MAX):
        return int(reply)
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


LIST_MARKS: Final[dict[object, type[list[Reply]]]] = {b"[": list, b"%": FlatMap, b"~": SetReply}
"""What begins an array, a map, a set."""


def reply_from_tokens(tokens: list[Any], resp: int = 2) -> Reply:
    """Put a table together again that run.lua took apart.

    A value stands for itself. None is no value: the token behind it says what comes, a list's
    begin or end, or the kind of what follows. `resp` is the script's own.
    """
    # The outermost array holds the one value there is.
    lists: list[list[Reply]] = [[]]
    position = 0
    while position < len(tokens):
        token = tokens[position]
        position += 1
        if token is not None:
            lists[-1].append(scalar_reply(token, resp))
            continue
        mark = tokens[position]
        position += 1
        if mark in LIST_MARKS:
            begun = LIST_MARKS[mark]()
            lists[-1].append(begun)
            lists.append(begun)
        elif mark == b"]":
            lists.pop()
        else:
            reply, position = _marked_reply(mark, tokens, position)
            lists[-1].append(reply)
    ((reply,),) = lists
    return reply


def _marked_reply(mark: object, tokens: list[Any], position: int) -> tuple[Reply, int]:
    if mark == b"_":
        return None, position
    value = tokens[position]
    position += 1
    if mark == b"$":
        return value, position
    if mark == b"+":
        return status_reply(value), position
    if mark == b"-":
        return error_reply(value), position
    if mark == b",":
        return Double(number_text(value)), position
    if mark == b"=":
        return Verbatim.of(value, tokens[position]), position + 1
    assert mark == b"(", f"run.lua sent the unknown mark {mark!r}"
    return BigNumber(value.translate(LINE_ENDS)), position


def scalar_reply(value: object, resp: int = 2) -> Reply:
    """A string, number, boolean or nil the script returned; booleans exist in RESP3 alone."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, bool):
        if resp == 3:
            return Boolean(value)
        return 1 if value else None
    if value is None:
        return None
    assert isinstance(value, int | float), f"run.lua sent {value!r}"
    return integer_reply(value)
