"""Arguments of commands: numbers and options, refused in Redis's words."""

import math
from typing import Final

from models.redis.context import Refused
from models.replies import ErrorReply
from sim.units import NS_PER

SYNTAX: Final = ErrorReply(b"ERR syntax error")
NOT_AN_INTEGER: Final = ErrorReply(b"ERR value is not an integer or out of range")
NOT_A_FLOAT: Final = ErrorReply(b"ERR value is not a valid float")
INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1
_DIGITS: Final = frozenset(b"0123456789")
_ZEROS: Final = frozenset(b"+-0x.")


def integer(text: bytes, refusal: ErrorReply = NOT_AN_INTEGER) -> int:
    """A 64-bit integer written the one way Redis takes it: no blanks, plus sign or leading zero."""
    digits = text[1:] if text[:1] == b"-" else text
    plain = digits and digits[:1] != b"0" and _DIGITS.issuperset(digits)
    if not (plain or text == b"0") or len(digits) > 19:
        raise Refused(refusal)
    value = int(text)
    if not INT_MIN <= value <= INT_MAX:
        raise Refused(refusal)
    return value


def score(text: bytes) -> float:
    """A sorted-set score as C's `strtod` takes it, hexadecimal too; not NaN, not out of range."""
    word = text.lower()
    hexadecimal = b"x" in word
    try:
        value = float.fromhex(text.decode()) if hexadecimal else float(text)
    except (ValueError, OverflowError):
        raise Refused(NOT_A_FLOAT) from None
    if value == 0:
        mantissa = word.split(b"p" if hexadecimal else b"e")[0]
        out_of_range = not _ZEROS.issuperset(mantissa)
    else:
        out_of_range = math.isinf(value) and b"inf" not in word
    if out_of_range or math.isnan(value) or text != text.strip() or b"_" in text:
        raise Refused(NOT_A_FLOAT)
    return value


def expiry(text: bytes, unit_ns: int, now: int, absolute: bool, command: bytes) -> int:
    """The instant (ns) that an EX, PX, EXAT or PXAT argument names."""
    value = integer(text)
    if value <= 0:
        raise Refused(bad_expiry(command))
    return in_range(value * unit_ns + (0 if absolute else now), command)


def in_range(until: int, command: bytes) -> int:
    """An instant (ns), refused when Redis could not hold it as a 64-bit number of ms."""
    if until // NS_PER["ms"] > INT_MAX:
        raise Refused(bad_expiry(command))
    return until


def bad_expiry(command: bytes) -> ErrorReply:
    """The refusal of a time to live."""
    return ErrorReply(b"ERR invalid expire time in '" + command + b"' command")


def format_score(value: float) -> bytes:
    """A score as Redis 7.0 prints it: 17 significant digits."""
    return b"%.17g" % value
