"""Commands on the bytes, bits and numbers that a string holds. Replies are those of Redis 7."""

from typing import Final

from models.redis import extended
from models.redis.arguments import (
    INT_MAX,
    INT_MIN,
    NOT_A_FLOAT,
    OVERFLOW,
    SYNTAX,
    integer,
    span,
)
from models.redis.context import Context
from models.redis.refused import Refused
from models.replies import ErrorReply, Reply

_SIZE_MAX: Final = 512 * 1024 * 1024
_TOO_LONG: Final = ErrorReply(b"ERR string exceeds maximum allowed size (proto-max-bulk-len)")
_BAD_OFFSET: Final = ErrorReply(b"ERR bit offset is not an integer or out of range")
_BAD_BIT: Final = ErrorReply(b"ERR bit is not an integer or out of range")


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
    if len(data) > _SIZE_MAX:
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
    if offset + len(patch) > _SIZE_MAX:
        raise Refused(_TOO_LONG)
    data = data[:offset].ljust(offset, b"\0") + patch + data[offset + len(patch) :]
    context.write_string(key, data)
    return len(data)


# -- bits -----------------------------------------------------------------------------------------


def _bit_offset(text: bytes) -> int:
    offset = integer(text, _BAD_OFFSET)
    if not 0 <= offset < 8 * _SIZE_MAX:
        raise Refused(_BAD_OFFSET)
    return offset


def getbit(context: Context, args: list[bytes]) -> Reply:
    """GETBIT key offset."""
    at, bit = divmod(_bit_offset(args[2]), 8)
    data = context.string(args[1]) or b""
    return data[at] >> (7 - bit) & 1 if at < len(data) else 0


def setbit(context: Context, args: list[bytes]) -> Reply:
    """SETBIT key offset value: the bit as it was."""
    at, bit = divmod(_bit_offset(args[2]), 8)
    value = integer(args[3], _BAD_BIT)
    if value not in (0, 1):
        raise Refused(_BAD_BIT)
    key = context.key(args[1])
    data = bytearray((context.load_string(key).data or b"").ljust(at + 1, b"\0"))
    before = data[at] >> (7 - bit) & 1
    data[at] = data[at] & ~(1 << (7 - bit)) | value << (7 - bit)
    context.write_string(key, bytes(data))
    return before


def bitcount(context: Context, args: list[bytes]) -> Reply:
    """BITCOUNT key [start end [BYTE | BIT]]: how many bits are set."""
    value = context.load_string(context.key(args[1]))
    if not value.exists:
        return 0
    data: bytes = value.data
    if len(args) == 2:
        return int.from_bytes(data).bit_count()
    if len(args) not in (4, 5):
        raise Refused(SYNTAX)
    start, end = integer(args[2]), integer(args[3])
    if start < 0 and end < 0 and start > end:
        return 0
    unit = args[4].upper() if len(args) == 5 else b"BYTE"
    if unit not in (b"BYTE", b"BIT"):
        raise Refused(SYNTAX)
    size = 8 * len(data) if unit == b"BIT" else len(data)
    first, after = span(start, max(end, -size), size)
    if first == after:
        return 0
    if unit == b"BYTE":
        return int.from_bytes(data[first:after]).bit_count()
    bits = int.from_bytes(data) >> (size - after)
    return (bits & ((1 << (after - first)) - 1)).bit_count()
