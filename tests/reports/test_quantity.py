"""Exact numbers with a dimension and a range."""

from fractions import Fraction

import pytest

from reports.quantity import (
    DURATION,
    NUMBER,
    RATE,
    Quantity,
    dimension_name,
    in_units,
    per_second,
    point,
    show,
    show_exactly,
    unit_name,
)
from sim.units import ms


def spread(low: int, high: int, power: int = NUMBER, mean: Fraction | None = None) -> Quantity:
    """A range of whole numbers."""
    return Quantity(Fraction(low), Fraction(high), power, mean)


def test_a_quotient_of_durations_is_a_plain_number() -> None:
    """8 s over 400 ms is 20, of no dimension."""
    assert point(ms(8_000), DURATION).over(point(ms(400), DURATION)) == point(20)


def test_a_number_over_a_duration_is_a_rate() -> None:
    """100 in half a second are 200/s."""
    rate = point(100).over(point(ms(500), DURATION))
    assert (rate.power, show(rate)) == (RATE, "200/s")
    assert rate == per_second(100, ms(500))


def test_ranges_give_all_that_any_choice_could_give() -> None:
    """Sums, differences, products and quotients of ranges span every pick of two numbers."""
    assert spread(1, 3).plus(spread(10, 20)) == spread(11, 23)
    assert spread(1, 3).plus(spread(10, 20).negated()) == spread(-19, -7)
    assert spread(-2, 3).times(spread(-5, 4)) == spread(-15, 12)
    assert spread(2, 4).over(spread(1, 2)) == spread(1, 4)


@pytest.mark.parametrize("divisor", [point(0), spread(0, 3), spread(-1, 1)])
def test_a_divisor_that_may_be_zero_is_refused(divisor: Quantity) -> None:
    """Zero itself, and every range that holds it."""
    with pytest.raises(ZeroDivisionError):
        point(1).over(divisor)


def test_arithmetic_does_not_round() -> None:
    """A tenth added ten times is one."""
    total = point(0)
    for _ in range(10):
        total = total.plus(point(Fraction("0.1")))
    assert total == point(1)


@pytest.mark.parametrize(
    ("quantity", "text"),
    [
        (point(21), "21"),
        (point(1_234_567), "1,234,567"),
        (point(Fraction(1, 3)), "0.333"),
        (point(Fraction(12_345_678, 1_000)), "12,346"),
        (point(ms(411), DURATION), "411 ms"),
        (per_second(2_000, ms(1_000)), "2,000/s"),
        (point(ms(2) ** 2, 2), "4e-06 s^2"),
        (spread(1, 3), "1 to 3"),
        (spread(1, 3, mean=Fraction(5, 4)), "1 to 3 (mean 1.25)"),
        (spread(2, 2, mean=Fraction(2)), "2"),
    ],
)
def test_quantities_are_shown_for_people(quantity: Quantity, text: str) -> None:
    """Counts in full, all else with three digits and the unit that fits."""
    assert show(quantity) == text


@pytest.mark.parametrize(
    ("quantity", "text"),
    [
        (point(ms(900) + 1, DURATION), "900.000001 ms"),
        (point(Fraction(1, 3), DURATION), "0.333333333333333 ns"),
        (point(-5, DURATION), "-5 ns"),
        (point(1_001), "1,001"),
        (spread(1, 3), "1 to 3"),
        (per_second(1, 3 * 10**9), "0.333333333333333/s"),
    ],
)
def test_exact_text_has_the_digits_that_rounding_hides(quantity: Quantity, text: str) -> None:
    """For two values that look alike when rounded."""
    assert show_exactly(quantity) == text


def test_units_are_named_beside_numbers() -> None:
    """Durations in ns, rates per second, whole numbers as int."""
    assert [unit_name(power) for power in (NUMBER, DURATION, RATE, 2)] == ["1", "ns", "1/s", "s^2"]
    assert in_units(Fraction(3, 10**9), RATE) == 3
    assert isinstance(in_units(Fraction(3), DURATION), int)
    assert in_units(Fraction(1, 2), NUMBER) == 0.5
    assert [dimension_name(power) for power in (NUMBER, DURATION, RATE, 2)] == [
        "a plain number",
        "a duration",
        "a rate",
        "a time to the power of 2",
    ]


def test_the_middle_of_a_range_is_its_mean() -> None:
    """And of one number the number itself."""
    assert spread(1, 3, mean=Fraction(5, 4)).middle == Fraction(5, 4)
    assert point(7).middle == 7
    with pytest.raises(AssertionError, match="no mean"):
        _ = spread(1, 3).middle


def test_a_range_does_not_run_backwards() -> None:
    """Only a bug could make one."""
    with pytest.raises(AssertionError, match="a range from 3 to 1"):
        spread(3, 1)
