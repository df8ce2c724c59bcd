"""Numbers with the 64-bit mantissa that C's `long double` has on x86: INCRBYFLOAT, HINCRBYFLOAT.

Python has no such type, so they are exact fractions, rounded to 64 bits after each step. The
exponent is bounded as there; what has underflowed is not rounded any further.
"""

import re
from decimal import Decimal
from fractions import Fraction
from typing import Final

from models.redis.refused import Refused
from models.replies import ErrorReply

_MANTISSA_BITS: Final = 64
_LARGEST: Final = Fraction((2**64 - 1) * 2 ** (16383 - 63))
_SMALLEST: Final = Fraction(1, 2**16445)
_DIGITS_MAX: Final = 4950
"""No number in range has more digits before the point, or zeros behind it."""
_TEXT_MAX: Final = 5 * 1024
_PLACES: Final = 17
_DECIMAL: Final = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
_HEXADECIMAL: Final = re.compile(
    rb"([+-]?)0x([0-9a-f]*)\.?([0-9a-f]*)(?:p([+-]?\d+))?", re.IGNORECASE
)
_INFINITY: Final = re.compile(rb"[+-]?inf(inity)?", re.IGNORECASE)


def parse(text: bytes, refusal: ErrorReply) -> Fraction | None:
    """The number that a text is, None for an infinity. Raises `Refused` for no number."""
    if 0 < len(text) < _TEXT_MAX:
        if _DECIMAL.fullmatch(text):
            exact = Decimal(text.decode())
            if abs(exact.adjusted()) < _DIGITS_MAX + len(text) or not exact:
                return _in_range(Fraction(exact) if exact else Fraction(0), refusal)
        elif (found := _HEXADECIMAL.fullmatch(text)) and (found[2] or found[3]):
            return _in_range(_hexadecimal(found, refusal), refusal)
        elif _INFINITY.fullmatch(text):
            return None
    raise Refused(refusal)


def add(number: Fraction, increment: Fraction) -> Fraction | None:
    """The sum; None when it overflows."""
    total = _rounded(number + increment)
    return total if abs(total) <= _LARGEST else None


def text_of(number: Fraction) -> bytes:
    """The number with up to 17 decimal places, none of them a zero at the end."""
    scaled = round(abs(number) * 10**_PLACES)
    whole, places = divmod(scaled, 10**_PLACES)
    decimals = b"%017d" % places
    text = (b"%d.%s" % (whole, decimals)).rstrip(b"0").rstrip(b".")
    return b"-" + text if number < 0 and scaled else text


def _hexadecimal(found: "re.Match[bytes]", refusal: ErrorReply) -> Fraction:
    sign, whole, places, exponent = found.groups()
    power = int(exponent or b"0")
    if abs(power) > 10 * _TEXT_MAX:
        raise Refused(refusal)
    mantissa = int(whole + places, 16)
    value = Fraction(mantissa, 16 ** len(places)) * Fraction(2) ** power
    return -value if sign == b"-" else value


def _in_range(exact: Fraction, refusal: ErrorReply) -> Fraction:
    rounded = _rounded(exact)
    if abs(rounded) > _LARGEST or (exact and abs(rounded) < _SMALLEST):
        raise Refused(refusal)
    return rounded


def _rounded(exact: Fraction) -> Fraction:
    """The nearest number with a mantissa of 64 bits, of two equally near the even one."""
    if not exact:
        return exact
    size = abs(exact)
    shift = _MANTISSA_BITS - (size.numerator.bit_length() - size.denominator.bit_length())
    scale = Fraction(2) ** shift
    while size * scale >= 2**_MANTISSA_BITS:
        shift -= 1
        scale /= 2
    while size * scale < 2 ** (_MANTISSA_BITS - 1):
        shift += 1
        scale *= 2
    nearest = round(size * scale) / scale
    return nearest if exact > 0 else -nearest
