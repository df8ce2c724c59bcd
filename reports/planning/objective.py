"""The objective of a plan, read from its text: a percentile of latency below a limit."""

from fractions import Fraction
from typing import Never

from reports.expressions import Literal, Name, read_expression
from reports.figures import percentile_of
from reports.planning.evidence import Objective
from reports.quantity import DURATION
from sim.errors import InputError

_SUCH_AS = "such as 'latency.p99 < 50ms'"


def parse_objective(text: str) -> Objective:
    """The objective that a text such as "latency.p99 < 50ms" says.

    Raises `InputError` when it is no comparison of a percentile of latency with a duration.
    """
    comparison = read_expression(text)
    left, right = comparison.left, comparison.right
    percent = percentile_of(left.text) if isinstance(left, Name) else None
    if percent is None or percent == 100:
        _refuse(text, f"a percentile of latency on the left, {_SUCH_AS}")
    if comparison.operator not in ("<", "<="):
        _refuse(text, f"< or <=, {_SUCH_AS}")
    if not isinstance(right, Literal) or right.value.power != DURATION:
        _refuse(text, f"a duration with its unit on the right, {_SUCH_AS}")
    limit = right.value.low
    whole = limit.numerator // limit.denominator
    # Latencies are whole nanoseconds: below a limit means at most the one before.
    at_most = whole - 1 if comparison.operator == "<" and whole == limit else whole
    if at_most < 1:
        _refuse(text, f"a duration above 0 on the right, {_SUCH_AS}")
    return Objective(text, Fraction(percent), at_most)


def _refuse(text: str, expected: str) -> Never:
    raise InputError(f"expected {expected}, got {text!r}")
