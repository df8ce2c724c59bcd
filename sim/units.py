"""Durations, instants and rates with units.

Inside readfence a duration or an instant is an `int` number of nanoseconds, never a float: floats
lose nanoseconds after a hundred virtual days and make order depend on rounding. Text with a unit
("1.5ms", "200/s") becomes a number here, at the edge, and nowhere else.
"""

import re
from decimal import Decimal

from sim.errors import InputError

NS_PER = {"ns": 1, "us": 1_000, "µs": 1_000, "ms": 1_000_000, "s": 10**9, "m": 60 * 10**9,
          "h": 3_600 * 10**9}  # fmt: skip
SECOND = NS_PER["s"]
_DIGITS_MAX = 24
"""Enough for any duration in ns, and less than what decimals would round."""

_QUANTITY = re.compile(
    r"^\s*([+-]?[0-9][0-9_]*(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)\s*([^\s0-9]*)\s*$"
)


def us(value: float) -> int:
    """`value` microseconds as nanoseconds, rounded to the nearest."""
    return round(value * 1_000)


def ms(value: float) -> int:
    """`value` milliseconds as nanoseconds, rounded to the nearest."""
    return round(value * 1_000_000)


def split_quantity(text: str) -> tuple[Decimal, str]:
    """Number and unit of a text such as "1.5ms" or "200/s"; the unit may be empty.

    Raises `InputError` when the text is no number with an optional unit behind it.
    """
    match = _QUANTITY.match(text)
    if match is None:
        raise InputError(f"expected a number with a unit, got {text!r}")
    digits = match[1].replace("_", "")
    number = Decimal(digits)
    if len(digits) > _DIGITS_MAX or not -_DIGITS_MAX < number.adjusted() < _DIGITS_MAX:
        raise InputError(f"expected a number of at most {_DIGITS_MAX} digits, got {text!r}")
    return number, match[2]


def parse_duration(text: str) -> int:
    """Nanoseconds of a text such as "1.5ms"; the unit is required, except for a plain 0.

    Raises `InputError` for a missing or unknown unit, a negative value, or a value that is no whole
    number of nanoseconds.
    """
    number, unit = split_quantity(text)
    if not unit and number == 0:
        return 0
    if unit not in NS_PER:
        raise InputError(
            f"expected a duration with a unit (ns, us, ms, s, m, h), such as '1.5ms', got {text!r}"
        )
    if number < 0:
        raise InputError(f"expected a duration of 0 or more, got {text!r}")
    nanoseconds = number * NS_PER[unit]
    if nanoseconds != int(nanoseconds):
        raise InputError(f"expected a whole number of nanoseconds, got {text!r}")
    return int(nanoseconds)


def parse_rate(text: str) -> float:
    """Events per second of a text such as "200/s" or "12/m"; the unit is required.

    Raises `InputError` for a missing or unknown unit and for a rate that is not above 0.
    """
    number, unit = split_quantity(text)
    period = NS_PER.get(unit[1:]) if unit.startswith("/") else None
    if period is None:
        raise InputError(
            f"expected a rate with a unit (/s, /ms, /m, /h), such as '200/s', got {text!r}"
        )
    if number <= 0:
        raise InputError(f"expected a rate above 0, got {text!r}")
    return float(number * SECOND / period)


def format_duration(nanoseconds: int) -> str:
    """Shortest exact text of a duration: `parse_duration` reads it back to the same number."""
    for unit in ("s", "ms", "us"):
        size = NS_PER[unit]
        if nanoseconds % size == 0 or (nanoseconds > size and (nanoseconds * 1000) % size == 0):
            text = f"{Decimal(nanoseconds) / size:f}"
            return (text.rstrip("0").rstrip(".") if "." in text else text) + unit
    return f"{nanoseconds}ns"


def format_rate(per_second: float) -> str:
    """Text of a rate, one that `parse_rate` reads back to the same number."""
    return f"{int(per_second) if per_second == int(per_second) else per_second!r}/s"


def human_duration(nanoseconds: float) -> str:
    """A duration for people: three significant digits in the unit that fits."""
    for unit, size in (("ns", 1), ("us", 10**3), ("ms", 10**6)):
        text = f"{nanoseconds / size:.3g}"
        if abs(float(text)) < 1000:
            return f"{text} {unit}"
    seconds = nanoseconds / SECOND
    return f"{seconds:.3g} s" if abs(seconds) < 999.5 else f"{seconds:,.0f} s"
