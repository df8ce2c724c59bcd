"""Durations and rates as text, both ways."""

import random

import pytest

from sim.errors import InputError
from sim.units import (
    format_duration,
    format_rate,
    human_duration,
    ms,
    parse_duration,
    parse_rate,
    split_quantity,
    us,
)

DURATION = "expected a duration with a unit (ns, us, ms, s, m, h), such as '1.5ms', got "
RATE = "expected a rate with a unit (/s, /ms, /m, /h), such as '200/s', got "


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1ns", 1),
        ("1us", 1_000),
        ("1µs", 1_000),
        ("1.5ms", 1_500_000),
        ("2s", 2 * 10**9),
        ("3m", 180 * 10**9),
        ("1h", 3_600 * 10**9),
        ("0", 0),
        ("0s", 0),
        (" 10 ms ", 10_000_000),
        ("1_000us", 1_000_000),
        ("1e3us", 1_000_000),
        ("+5ns", 5),
        ("0.000000001s", 1),
        ("1000000000.000000001s", 10**18 + 1),
    ],
)
def test_durations_are_read_exactly(text: str, nanoseconds: int) -> None:
    """Every unit, in decimal arithmetic: no nanosecond is lost to a float."""
    assert parse_duration(text) == nanoseconds
    assert type(parse_duration(text)) is int


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("15", DURATION + "'15'"),
        ("1.5", DURATION + "'1.5'"),
        ("1 parsec", DURATION + "'1 parsec'"),
        ("1MS", DURATION + "'1MS'"),
        ("200/s", DURATION + "'200/s'"),
        ("", "expected a number with a unit, got ''"),
        ("ms", "expected a number with a unit, got 'ms'"),
        ("1.ms", DURATION + "'1.ms'"),
        (".5ms", "expected a number with a unit, got '.5ms'"),
        ("1ms 2us", "expected a number with a unit, got '1ms 2us'"),
        ("nan ms", "expected a number with a unit, got 'nan ms'"),
        ("-1ms", "expected a duration of 0 or more, got '-1ms'"),
        ("0.5ns", "expected a whole number of nanoseconds, got '0.5ns'"),
        ("1.0000001ms", "expected a whole number of nanoseconds, got '1.0000001ms'"),
    ],
)
def test_what_is_no_duration_is_refused_with_the_text(text: str, complaint: str) -> None:
    """The error says what was expected and quotes what came."""
    with pytest.raises(InputError) as caught:
        parse_duration(text)
    assert str(caught.value) == complaint


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0s"),
        (1, "1ns"),
        (999, "999ns"),
        (1_000, "1us"),
        (1_500, "1.5us"),
        (215_000, "215us"),
        (1_500_000, "1.5ms"),
        (200_000_000, "200ms"),
        (10**9, "1s"),
        (90 * 10**9, "90s"),
        (1_234_567, "1234.567us"),
    ],
)
def test_a_duration_is_written_with_the_unit_that_fits(nanoseconds: int, text: str) -> None:
    """The largest unit that needs no more than three decimals."""
    assert format_duration(nanoseconds) == text


def test_what_is_written_reads_the_same() -> None:
    """Any whole number of nanoseconds survives the way out and back."""
    rng = random.Random(5)
    for _ in range(20_000):
        nanoseconds = rng.randrange(10 ** rng.randint(1, 18)) * 10 ** rng.randint(0, 6)
        assert parse_duration(format_duration(nanoseconds)) == nanoseconds


@pytest.mark.parametrize(
    ("text", "per_second"),
    [("200/s", 200.0), ("12/m", 0.2), ("0.5/ms", 500.0), ("36/h", 0.01), (" 1_000 /s", 1000.0)],
)
def test_rates_are_read_per_second(text: str, per_second: float) -> None:
    """Every unit of time behind the slash."""
    assert parse_rate(text) == per_second


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("200", RATE + "'200'"),
        ("200s", RATE + "'200s'"),
        ("200/week", RATE + "'200/week'"),
        ("/s", "expected a number with a unit, got '/s'"),
        ("0/s", "expected a rate above 0, got '0/s'"),
        ("-5/s", "expected a rate above 0, got '-5/s'"),
    ],
)
def test_what_is_no_rate_is_refused_with_the_text(text: str, complaint: str) -> None:
    """The error says what was expected and quotes what came."""
    with pytest.raises(InputError) as caught:
        parse_rate(text)
    assert str(caught.value) == complaint


@pytest.mark.parametrize("rate", [200.0, 0.2, 1e-3, 12_345.678, 1e6])
def test_a_rate_survives_the_way_out_and_back(rate: float) -> None:
    """Up to twelve digits, which is more than a scenario writes."""
    assert parse_rate(format_rate(rate)) == rate


def test_microseconds_and_milliseconds_are_rounded_to_nanoseconds() -> None:
    """The helpers for code take fractions and give whole nanoseconds."""
    assert us(1.5) == 1_500 and ms(1.5) == 1_500_000
    assert us(0.0004) == 0 and us(0.0006) == 1
    assert type(ms(0.1)) is int


def test_a_quantity_is_a_number_and_a_unit() -> None:
    """The unit may be missing; whoever asks decides whether that is right."""
    assert split_quantity("1.5ms")[1] == "ms" and split_quantity("200/s")[1] == "/s"
    assert split_quantity("7") == (7, "")


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (1_234, "1.23 us"),
        (1_500_000, "1.5 ms"),
        (10**9, "1 s"),
        (12_345 * 10**9, "12,345 s"),
        (-1_500_000, "-1.5 ms"),
    ],
)
def test_people_get_three_digits(nanoseconds: float, text: str) -> None:
    """Rounded, in the unit that fits; not to be read back."""
    assert human_duration(nanoseconds) == text
