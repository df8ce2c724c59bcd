"""Commands on the bits of a string, numbered from the highest of its first byte on. Replies are
those of Redis 7.
"""

from collections.abc import Callable
from functools import reduce
from operator import and_, or_, xor
from typing import Final, NamedTuple

from models.redis.arguments import INT_MAX, SYNTAX, as_integer, integer, span
from models.redis.context import Context
from models.redis.refused import Refused
from models.redis.text import SIZE_MAX
from models.replies import ErrorReply, Reply

_BAD_OFFSET: Final = ErrorReply(b"ERR bit offset is not an integer or out of range")
_BAD_BIT: Final = ErrorReply(b"ERR bit is not an integer or out of range")


def _bit_offset(text: bytes, field_bits: int = 0) -> int:
    """A position; in fields of so many bits behind a `#`, where there may be one."""
    by_field = field_bits > 0 and text[:1] == b"#"
    offset = integer(text[by_field:], _BAD_OFFSET) * (field_bits if by_field else 1)
    if not 0 <= offset < 8 * SIZE_MAX:
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


def bitpos(context: Context, args: list[bytes]) -> Reply:
    """BITPOS key bit [start [end [BYTE | BIT]]]: the first bit of this value, or -1."""
    bit = integer(args[2])
    if bit not in (0, 1):
        raise Refused(ErrorReply(b"ERR The bit argument must be 1 or 0."))
    value = context.load_string(context.key(args[1]))
    if not value.exists:
        return -1 if bit else 0
    data: bytes = value.data
    if len(args) > 6:
        raise Refused(SYNTAX)
    start = integer(args[3]) if len(args) > 3 else 0
    unit = args[5].upper() if len(args) == 6 else b"BYTE"
    if unit not in (b"BYTE", b"BIT"):
        raise Refused(SYNTAX)
    end = integer(args[4]) if len(args) > 4 else -1
    size = 8 * len(data) if unit == b"BIT" else len(data)
    first, after = span(start, max(end, -size), size)
    if first >= after:
        return -1
    if unit == b"BYTE":
        first, after = 8 * first, 8 * after
    found = int.from_bytes(data[first // 8 : -(-after // 8)])
    if not bit:
        found = ~found
    found = (found >> -after % 8) & ((1 << (after - first)) - 1)
    if found:
        return after - found.bit_length()
    # Behind a string whose end was not named there are zeros.
    return -1 if bit or len(args) > 4 else 8 * len(data)


_OPERATIONS: Final[dict[bytes, Callable[[int, int], int]]] = {
    b"AND": and_,
    b"OR": or_,
    b"XOR": xor,
}


def bitop(context: Context, args: list[bytes]) -> Reply:
    """BITOP AND | OR | XOR | NOT destination key [key ...]: the length of what is stored."""
    operation = args[1].upper()
    if operation not in _OPERATIONS and operation != b"NOT":
        raise Refused(SYNTAX)
    if operation == b"NOT" and len(args) != 4:
        raise Refused(ErrorReply(b"ERR BITOP NOT must be called with a single source key."))
    sources = [context.string(name) or b"" for name in args[3:]]
    size = max(map(len, sources))
    numbers = [int.from_bytes(data.ljust(size, b"\0")) for data in sources]
    if operation == b"NOT":
        result = numbers[0] ^ ((1 << 8 * size) - 1)
    else:
        result = reduce(_OPERATIONS[operation], numbers)
    target = context.key(args[2])
    if size or context.exists(target):
        context.delete(target)
    if size:
        context.write_string(target, result.to_bytes(size))
    return size


# -- fields ---------------------------------------------------------------------------------------

_BAD_TYPE: Final = ErrorReply(
    b"ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 "
    b"is."
)
_WORDS: Final = {b"GET": 3, b"SET": 4, b"INCRBY": 4}


class _Operation(NamedTuple):
    """One of BITFIELD's: an integer of so many bits is read, and perhaps changed."""

    name: bytes
    signed: bool
    bits: int
    offset: int
    amount: int
    overflow: bytes

    def last_bit(self) -> int:
        """The position of its last bit."""
        return self.offset + self.bits - 1

    def shift(self, size: int) -> int:
        """How many bits follow in a string of so many bytes."""
        return 8 * size - self.offset - self.bits

    def value_in(self, number: int, size: int) -> int:
        """The integer at its place; behind the end there are zeros."""
        shift = self.shift(size)
        moved = number >> shift if shift >= 0 else number << -shift
        value = moved & ((1 << self.bits) - 1)
        return value - (1 << self.bits) if self.signed and value >> (self.bits - 1) else value

    def next(self, old: int) -> int | None:
        """What is to be written; None where that would overflow and must not."""
        value = self.amount
        if self.name == b"INCRBY":
            value += old
        elif not self.signed:
            value %= 2**64
        lowest = -(1 << (self.bits - 1)) if self.signed else 0
        highest = lowest + (1 << self.bits) - 1
        if lowest <= value <= highest:
            return value
        if self.overflow == b"SAT":
            # Redis computes in 64 bits how far it is to the highest: too far counts as beyond it.
            too_far = self.name == b"SET" and highest - value > INT_MAX
            return lowest if value < lowest and not too_far else highest
        return None if self.overflow == b"FAIL" else (value - lowest) % (1 << self.bits) + lowest


def _operations(args: list[bytes]) -> list[_Operation]:
    operations = []
    overflow = b"WRAP"
    while args:
        word = args[0].upper()
        if word == b"OVERFLOW" and len(args) > 1:
            overflow = args[1].upper()
            if overflow not in (b"WRAP", b"SAT", b"FAIL"):
                raise Refused(ErrorReply(b"ERR Invalid OVERFLOW type specified"))
            args = args[2:]
            continue
        words = _WORDS.get(word, 0)
        if not 0 < words <= len(args):
            raise Refused(SYNTAX)
        signed, bits = _field_type(args[1])
        offset = _bit_offset(args[2], bits)
        amount = integer(args[3]) if words > 3 else 0
        operations.append(_Operation(word, signed, bits, offset, amount, overflow))
        args = args[words:]
    return operations


def _field_type(text: bytes) -> tuple[bool, int]:
    signed = text[:1] == b"i"
    bits = as_integer(text[1:].partition(b"\0")[0])
    if text[:1] not in (b"i", b"u") or bits is None or not 1 <= bits <= 63 + signed:
        raise Refused(_BAD_TYPE)
    return signed, bits


def _bitfield(context: Context, args: list[bytes], *, writing: bool) -> Reply:
    operations = _operations(args[2:])
    writes = [operation for operation in operations if operation.name != b"GET"]
    if writes and not writing:
        raise Refused(ErrorReply(b"ERR BITFIELD_RO only supports the GET subcommand"))
    key = context.key(args[1])
    data: bytes = context.load_string(key).data or b""
    size = max([len(data), *(operation.last_bit() // 8 + 1 for operation in writes)])
    number = int.from_bytes(data.ljust(size, b"\0"))
    replies: list[Reply] = []
    for operation in operations:
        old = operation.value_in(number, size)
        new: int | None = old
        if operation.name != b"GET":
            new = operation.next(old)
            if new is not None:
                changed = (new ^ old) & ((1 << operation.bits) - 1)
                number ^= changed << operation.shift(size)
        replies.append(new if operation.name == b"INCRBY" or new is None else old)
    result = number.to_bytes(size)
    if result != data:
        context.write_string(key, result)
    return replies


def bitfield(context: Context, args: list[bytes]) -> Reply:
    """BITFIELD key [GET type offset | [OVERFLOW WRAP | SAT | FAIL] SET type offset value |
    INCRBY type offset increment ...].
    """
    return _bitfield(context, args, writing=True)


def bitfield_ro(context: Context, args: list[bytes]) -> Reply:
    """BITFIELD_RO key [GET type offset ...]."""
    return _bitfield(context, args, writing=False)
