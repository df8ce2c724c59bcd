"""Quantities: exact numbers with a dimension and a range, as figures and expectations use them.

Not for simulating: inside a run a duration is an int of nanoseconds. Here a figure may be a mean or
a ratio, so numbers are fractions and nothing is rounded before it is shown.

A quantity is a range from `low` to `high`. A single number is a range of one point; a figure that
was counted for every attempt spans what the attempts showed. Arithmetic on ranges gives the range
of all that any choice of attempts could give.

The dimension is a power of time: 0 a plain number, 1 a duration (ns), -1 a rate (per ns). A
quotient of durations is thus a plain number, and a plain number over a duration is a rate.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from sim.units import NS_PER, SECOND, human_duration

NUMBER: Final = 0
DURATION: Final = 1
RATE: Final = -1


@dataclass(frozen=True, slots=True)
class Quantity:
    """All numbers from `low` to `high`, with a dimension."""

    low: Fraction
    high: Fraction
    power: int
    """0 a plain number, 1 a duration in ns, -1 a rate per ns."""
    mean: Fraction | None = None
    """For a range that was counted: its mean. Lost in arithmetic."""

    def __post_init__(self) -> None:
        assert self.low <= self.high, f"a range from {self.low} to {self.high}"

    @property
    def is_point(self) -> bool:
        """Whether it is one number and no range."""
        return self.low == self.high

    @property
    def middle(self) -> Fraction:
        """The mean where one was counted, else the one number it is."""
        if self.mean is None:
            assert self.is_point, "a range that was computed has no mean"
            return self.low
        return self.mean

    def plus(self, other: "Quantity") -> "Quantity":
        """The sum; both of one dimension."""
        assert self.power == other.power, "dimensions are checked when an expectation is parsed"
        return Quantity(self.low + other.low, self.high + other.high, self.power)

    def negated(self) -> "Quantity":
        """The same below zero."""
        return Quantity(-self.high, -self.low, self.power)

    def times(self, other: "Quantity") -> "Quantity":
        """The product."""
        ends = [a * b for a in (self.low, self.high) for b in (other.low, other.high)]
        return Quantity(min(ends), max(ends), self.power + other.power)

    def over(self, other: "Quantity") -> "Quantity":
        """The quotient; `ZeroDivisionError` when the divisor is zero or a range that holds it."""
        if other.low <= 0 <= other.high:
            raise ZeroDivisionError
        return self.times(Quantity(1 / other.high, 1 / other.low, -other.power))


def point(value: Fraction | int, power: int = NUMBER) -> Quantity:
    """A quantity of one number; durations in ns, rates per ns."""
    number = Fraction(value)
    return Quantity(number, number, power)


def per_second(count: int, nanoseconds: int) -> Quantity:
    """A rate: so many in so much time."""
    return point(Fraction(count, nanoseconds), RATE)


def dimension_name(power: int) -> str:
    """What a dimension is called in a message."""
    names = {NUMBER: "a plain number", DURATION: "a duration", RATE: "a rate"}
    return names.get(power, f"a time to the power of {power}")


def unit_name(power: int) -> str:
    """The unit in which `in_units` gives a number of this dimension."""
    return {NUMBER: "1", DURATION: "ns", RATE: "1/s"}.get(power, f"s^{power}")


def in_units(value: Fraction, power: int) -> int | float:
    """The number in the unit that `unit_name` names, an int where it is whole."""
    if power == RATE:
        value *= SECOND
    elif power not in (NUMBER, DURATION):
        value /= Fraction(SECOND) ** power
    return int(value) if value.denominator == 1 else float(value)


def show_number(value: Fraction, power: int) -> str:
    """One number for people: about three significant digits, whole counts in full."""
    if power == DURATION:
        return human_duration(float(value))
    number = in_units(value, power)
    suffix = {NUMBER: "", RATE: "/s"}.get(power, f" {unit_name(power)}")
    if isinstance(number, int) or abs(number) >= 1000:
        return f"{number:,.0f}{suffix}"
    return f"{number:.3g}{suffix}"


def show(quantity: Quantity) -> str:
    """A quantity for people; a range with its ends, and its mean where it has one."""
    power = quantity.power
    if quantity.is_point:
        return show_number(quantity.low, power)
    text = f"{show_number(quantity.low, power)} to {show_number(quantity.high, power)}"
    return text if quantity.mean is None else f"{text} (mean {show_number(quantity.mean, power)})"


def show_exactly(quantity: Quantity) -> str:
    """A quantity with as many digits as it takes: what to show where rounding would mislead."""
    ends = [_exactly(end, quantity.power) for end in (quantity.low, quantity.high)]
    return ends[0] if quantity.is_point else " to ".join(ends)


def _exactly(value: Fraction, power: int) -> str:
    suffix = {NUMBER: "", RATE: "/s"}.get(power, f" {unit_name(power)}")
    if power == DURATION:
        unit = next((u for u in ("s", "ms", "us") if abs(value) >= NS_PER[u]), "ns")
        value, suffix, power = value / NS_PER[unit], f" {unit}", NUMBER
    number = in_units(value, power)
    digits = f"{number:,}" if isinstance(number, int) else f"{number:.15g}"
    return digits + suffix
