"""Commands on the bytes and numbers that a string holds. Replies are those of Redis 7."""

from typing import Final

from models.redis import extended
from models.redis.arguments import (
    INT_MAX,
    INT_MIN,
    NOT_A_FLOAT,
    OVERFLOW,
    integer,
    span,
)
from models.redis.context import Context
from models.redis.refused import Refused
from models.replies import ErrorReply, Reply

SIZE_MAX: Final = 512 * 1024 * 1024
"""Bytes of the longest string there may be."""
_TOO_LONG: Final = ErrorReply(b"ERR string exceeds maximum allowed size (proto-max-bulk-len)")


# -- numbers --------------------------------------------------------------------------------------


def _add(context: Context, name: bytes, amount: int) -> Reply:
    key = context.key(name)
    value = context.load_string(key)
    number = (integer(value.data) if value.exists else 0) + amount
    if not INT_MIN <= number <= INT_MAX:
        raise Refused(OVERFLOW)
    context.write_string(key, b"%d" % number)
    return number


def incr(context: Context, args: list[bytes]) -> Reply:
    """INCR key."""
    return _add(context, args[1], 1)


def decr(context: Context, args: list[bytes]) -> Reply:
    """DECR key."""
    return _add(context, args[1], -1)


def incrby(context: Context, args: list[bytes]) -> Reply:
    """INCRBY key increment."""
    return _add(context, args[1], integer(args[2]))


def decrby(context: Context, args: list[bytes]) -> Reply:
    """DECRBY key decrement."""
    amount = integer(args[2])
    if amount == INT_MIN:
        raise Refused(ErrorReply(b"ERR decrement would overflow"))
    return _add(context, args[1], -amount)


def incrbyfloat(context: Context, args: list[bytes]) -> Reply:
    """INCRBYFLOAT key increment: the new value."""
    key = context.key(args[1])
    value = context.load_string(key)
    text = value.data if value.exists else b"0"
    sum_ = add_float(text, args[2], NOT_A_FLOAT)
    context.write_string(key, sum_)
    return sum_


def add_float(text: bytes, increment: bytes, refusal: ErrorReply) -> bytes:
    """The sum of a stored number, refused with `refusal` if it is none, and an increment."""
    number, amount = extended.parse(text, refusal), extended.parse(increment, NOT_A_FLOAT)
    total = None if number is None or amount is None else extended.add(number, amount)
    if total is None:
        raise Refused(ErrorReply(b"ERR increment would produce NaN or Infinity"))
    return extended.text_of(total)


# -- bytes ----------------------------------------------------------------------------------------


def strlen(context: Context, args: list[bytes]) -> Reply:
    """STRLEN key."""
    return len(context.string(args[1]) or b"")


def append(context: Context, args: list[bytes]) -> Reply:
    """APPEND key value: the length afterwards."""
    key = context.key(args[1])
    data = (context.load_string(key).data or b"") + args[2]
    if len(data) > SIZE_MAX:
        raise Refused(_TOO_LONG)
    context.write_string(key, data)
    return len(data)


def getrange(context: Context, args: list[bytes]) -> Reply:
    """GETRANGE key start end: both included, from -1 backwards."""
    start, end = integer(args[2]), integer(args[3])
    data = context.string(args[1]) or b""
    if start < 0 and end < 0 and start > end:
        return b""
    first, after = span(start, max(end, -len(data)), len(data))
    return bytes(data[first:after])


def setrange(context: Context, args: list[bytes]) -> Reply:
    """SETRANGE key offset value: the length afterwards."""
    offset, patch = integer(args[2]), args[3]
    if offset < 0:
        raise Refused(ErrorReply(b"ERR offset is out of range"))
    key = context.key(args[1])
    data = context.load_string(key).data or b""
    if not patch:
        return len(data)
    if offset + len(patch) > SIZE_MAX:
        raise Refused(_TOO_LONG)
    data = data[:offset].ljust(offset, b"\0") + patch + data[offset + len(patch) :]
    context.write_string(key, data)
    return len(data)
