"""Arguments of commands: numbers and options, refused in Redis's words."""

import math
from typing import Final

from models.redis.context import Refused
from models.replies import ErrorReply

SYNTAX: Final = ErrorReply(b"ERR syntax error")
NOT_AN_INTEGER: Final = ErrorReply(b"ERR value is not an integer or out of range")
NOT_A_FLOAT: Final = ErrorReply(b"ERR value is not a valid float")
INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1
_DIGITS: Final = frozenset(b"0123456789")


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
    """A sorted-set score: any float but NaN, with `inf`, `+inf` and `-inf`."""
    try:
        value = float(text)
    except ValueError:
        raise Refused(NOT_A_FLOAT) from None
    if math.isnan(value) or text != text.strip() or b"_" in text:
        raise Refused(NOT_A_FLOAT)
    return value


def expiry(text: bytes, unit_ns: int, now: int, absolute: bool, command: bytes) -> int:
    """The instant (ns) that an EX, PX, EXAT or PXAT argument names."""
    value = integer(text)
    if value <= 0 or value * unit_ns > INT_MAX * 1_000_000:
        raise Refused(ErrorReply(b"ERR invalid expire time in '" + command + b"' command"))
    return value * unit_ns + (0 if absolute else now)


def format_score(value: float) -> bytes:
    """A score as Redis prints it: the shortest text that reads back, at most 17 digits."""
    if math.isinf(value):
        return b"inf" if value > 0 else b"-inf"
    if value == int(value) and abs(value) < 1e17:
        return b"%d" % int(value)
    return repr(value).encode()
