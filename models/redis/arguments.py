"""Arguments of commands: numbers, bounds and options, refused in Redis's words."""

import math
import re
from typing import Final

from models.redis.refused import Refused
from models.replies import ErrorReply
from sim.units import NS_PER

SYNTAX: Final = ErrorReply(b"ERR syntax error")
NOT_AN_INTEGER: Final = ErrorReply(b"ERR value is not an integer or out of range")
NOT_A_FLOAT: Final = ErrorReply(b"ERR value is not a valid float")
NOT_POSITIVE: Final = ErrorReply(b"ERR value is out of range, must be positive")
NO_SUCH_KEY: Final = ErrorReply(b"ERR no such key")
OVERFLOW: Final = ErrorReply(b"ERR increment or decrement would overflow")
INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1
_ZERO: Final = ord("0")
_DIGITS: Final = frozenset(b"0123456789")
_UNSIGNED: Final = re.compile(rb"[ \t-\r]*([+-]?)([0-9]+)")
_ZEROS: Final = frozenset(b"+-0x.")


def wrong_count(name: bytes) -> Refused:
    """The refusal of a command that finds out by itself that its arguments are too few or many."""
    return Refused(ErrorReply(b"ERR wrong number of arguments for '" + name.lower() + b"' command"))


def as_integer(text: bytes) -> int | None:
    """A 64-bit integer written the one way Redis takes it: no blanks, plus sign or leading zero."""
    if text.isdigit() and len(text) < 19 and (text[0] != _ZERO or len(text) == 1):
        return int(text)  # the usual case
    digits = text[1:] if text[:1] == b"-" else text
    plain = digits and digits[:1] != b"0" and _DIGITS.issuperset(digits)
    if not (plain or text == b"0") or len(digits) > 19:
        return None
    value = int(text)
    return value if INT_MIN <= value <= INT_MAX else None


def integer(text: bytes, refusal: ErrorReply = NOT_AN_INTEGER) -> int:
    """`as_integer`, refused for any other text."""
    value = as_integer(text)
    if value is None:
        raise Refused(refusal)
    return value


def within(text: bytes, bound: int) -> int:
    """A 64-bit integer from `-bound` to `bound`."""
    value = integer(text)
    if not -bound <= value <= bound:
        words = b"ERR value is out of range, value must between -%d and %d" % (bound, bound)
        raise Refused(ErrorReply(words))
    return value


def positive(text: bytes, refusal: ErrorReply = NOT_POSITIVE) -> int:
    """A 64-bit integer of 0 or more."""
    value = integer(text, refusal)
    if value < 0:
        raise Refused(refusal)
    return value


def key_count(
    text: bytes,
    args: list[bytes],
    at: int,
    *,
    none: ErrorReply,
    no_integer: ErrorReply | None = None,
    too_many: ErrorReply = SYNTAX,
) -> int:
    """How many keys stand in `args` from `at` on: at least one, and no more than there are."""
    count = integer(text, no_integer or none)
    if count <= 0:
        raise Refused(none)
    if at + count > len(args):
        raise Refused(too_many)
    return count


def unsigned(text: bytes) -> int | None:
    """What C's `strtoull` makes of a text, which it must use up: a sign and blanks ahead are fine,
    a negative number counts from the top. None if it does not, or for more than 64 bits.
    """
    found = _UNSIGNED.fullmatch(text.partition(b"\0")[0])
    if found is None or (value := int(found[2])) >= 2**64:
        return None
    return (2**64 - value) % 2**64 if found[1] == b"-" else value


def number(text: bytes) -> float | None:
    """What C's `strtod` makes of a text that it uses up; None if it does not. May be NaN.

    Too large is infinite, too small is zero; hexadecimal is understood, leading blanks are too.
    """
    word = text.lower()
    if b"_" in word or word[-1:].isspace() or b"\0" in word:
        return None
    try:
        return float.fromhex(text.decode()) if b"x" in word else float(text)
    except OverflowError:
        return -math.inf if word.lstrip()[:1] == b"-" else math.inf
    except ValueError:
        return None


def score(text: bytes, refusal: ErrorReply = NOT_A_FLOAT) -> float:
    """A sorted-set score as C's `strtod` takes it; no blanks, not NaN, not out of range."""
    if text.isdigit() and len(text) < 19:
        return float(text)  # the usual case
    value = number(text)
    if value is None or math.isnan(value) or text[:1].isspace():
        raise Refused(refusal)
    word = text.lower()
    if value == 0:
        mantissa = word.split(b"p" if b"x" in word else b"e")[0]
        out_of_range = not _ZEROS.issuperset(mantissa)
    else:
        out_of_range = math.isinf(value) and b"inf" not in word
    if out_of_range:
        raise Refused(refusal)
    return value


def expiry(text: bytes, unit_ns: int, now: int, absolute: bool, command: bytes) -> int:
    """The instant (ns) that an EX, PX, EXAT or PXAT argument names."""
    value = integer(text)
    if value <= 0:
        raise Refused(bad_expiry(command))
    return in_range(value * unit_ns + (0 if absolute else whole_ms(now)), command)


def whole_ms(instant: int) -> int:
    """An instant (ns) as Redis's clock shows it, in steps of a millisecond."""
    return instant - instant % NS_PER["ms"]


def in_range(until: int, command: bytes) -> int:
    """An instant (ns), refused when Redis could not hold it as a 64-bit number of ms."""
    if not INT_MIN <= until // NS_PER["ms"] <= INT_MAX:
        raise Refused(bad_expiry(command))
    return until


def bad_expiry(command: bytes) -> ErrorReply:
    """The refusal of a time to live."""
    return ErrorReply(b"ERR invalid expire time in '" + command + b"' command")


def span(start: int, end: int, length: int) -> tuple[int, int]:
    """First position and the one after the last of a range as LRANGE has it: from -1 backwards."""
    if start < 0:
        start = max(start + length, 0)
    if end < 0:
        end += length
    return start, max(min(end + 1, length), start)


def format_score(value: float) -> bytes:
    """A score as Redis 7.0 prints it: 17 significant digits."""
    return b"%.17g" % value
