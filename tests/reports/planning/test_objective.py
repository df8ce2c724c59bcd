"""The objective: a percentile of latency below a duration, and nothing else."""

from fractions import Fraction

import pytest

from reports.planning.objective import parse_objective
from sim.errors import InputError


@pytest.mark.parametrize(
    ("text", "percent", "limit_ns"),
    [
        ("latency.p99 < 50ms", "99", 49_999_999),
        ("latency.p99 <= 50ms", "99", 50_000_000),
        ("latency.p99.9<1.5s", "99.9", 1_499_999_999),
        ("latency.p50 < 0.5us", "50", 499),
    ],
)
def test_it_is_a_percentile_and_the_greatest_latency_that_keeps_it(
    text: str, percent: str, limit_ns: int
) -> None:
    """Latencies are whole nanoseconds, so that < and <= differ by one."""
    found = parse_objective(text)
    assert (found.text, found.percent, found.limit_ns) == (text, Fraction(percent), limit_ns)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("latency.mean < 50ms", "a percentile of latency on the left"),
        ("latency.p100 < 50ms", "a percentile of latency on the left"),
        ("latency.p99 + 1ms < 50ms", "a percentile of latency on the left"),
        ("50ms > latency.p99", "a percentile of latency on the left"),
        ("latency.p99 > 50ms", "< or <="),
        ("latency.p99 < 50", "a duration with its unit on the right"),
        ("latency.p99 < latency.p50", "a duration with its unit on the right"),
        ("latency.p99 < 0ms", "a duration above 0 on the right"),
        ("latency.p99 <", "expected"),
    ],
)
def test_anything_else_is_refused_with_an_example(text: str, expected: str) -> None:
    """In the words of the scenario's author."""
    with pytest.raises(InputError, match=expected) as caught:
        parse_objective(text)
    assert text in str(caught.value)
