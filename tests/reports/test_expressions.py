"""The syntax of an expectation."""

from fractions import Fraction

import pytest

from reports.expressions import (
    LENGTH_MAX,
    Comparison,
    Literal,
    Name,
    Negation,
    Node,
    Operation,
    read_expression,
)
from reports.quantity import DURATION, NUMBER, RATE
from sim.errors import InputError
from sim.units import ms


def bracketed(node: Node) -> str:
    """A tree as text in which every operation has its brackets."""
    match node:
        case Literal():
            return str(node.value.low)
        case Name():
            return node.text
        case Negation():
            return f"-{bracketed(node.operand)}"
        case Operation():
            return f"({bracketed(node.left)} {node.operator} {bracketed(node.right)})"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a - b - c > 1", "((a - b) - c)"),
        ("a / b / c > 1", "((a / b) / c)"),
        ("a + b * c > 1", "(a + (b * c))"),
        ("(a + b) * c > 1", "((a + b) * c)"),
        ("-a * b > 1", "(-a * b)"),
        ("- - a > 1", "--a"),
        ("+a > 1", "a"),
        ("a-b>1", "(a - b)"),
        ("a.b/c.d>1", "(a.b / c.d)"),
        ("a / m.p50 > 1", "(a / m.p50)"),
        ("5 / s > 1", "(5 / s)"),
        ("x.latency.p99.9 > 1", "x.latency.p99.9"),
    ],
)
def test_operators_bind_as_in_school(text: str, left: str) -> None:
    """Products before sums, from left to right."""
    comparison = read_expression(text)
    assert (bracketed(comparison.left), comparison.operator) == (left, ">")


@pytest.mark.parametrize(
    ("text", "value", "power"),
    [
        ("1", Fraction(1), NUMBER),
        ("1_000", Fraction(1_000), NUMBER),
        ("0.1", Fraction(1, 10), NUMBER),
        ("1.5e3", Fraction(1_500), NUMBER),
        ("5%", Fraction(1, 20), NUMBER),
        ("0.5 %", Fraction(1, 200), NUMBER),
        ("900ms", Fraction(ms(900)), DURATION),
        ("900 ms", Fraction(ms(900)), DURATION),
        ("0.5ns", Fraction(1, 2), DURATION),
        ("1.5µs", Fraction(1_500), DURATION),
        ("2m", Fraction(120 * 10**9), DURATION),
        ("1h", Fraction(3_600 * 10**9), DURATION),
        ("3000/s", Fraction(3, 10**6), RATE),
        ("3000 /s", Fraction(3, 10**6), RATE),
        ("60/m", Fraction(1, 10**9), RATE),
    ],
)
def test_numbers_are_exact_and_may_have_a_unit(text: str, value: Fraction, power: int) -> None:
    """Durations in ns, rates per ns, shares as they are."""
    right = read_expression(f"a < {text}").right
    assert isinstance(right, Literal)
    assert (right.value.low, right.value.power) == (value, power)


@pytest.mark.parametrize("operator", ["<", "<=", "==", "!=", ">=", ">"])
def test_every_comparison_is_read(operator: str) -> None:
    """With or without room around it."""
    assert read_expression(f"a{operator}1").operator == operator
    assert read_expression(f" a {operator} 1 ").operator == operator


def test_a_part_knows_where_it_was_written() -> None:
    """For messages that point at it."""
    comparison = read_expression("a.b + 5ms < -(c)")
    assert isinstance(comparison, Comparison)
    assert comparison.source(comparison.left) == "a.b + 5ms"
    assert comparison.text[comparison.operator_start] == "<"


OPERATOR = "an operator (+ - * /)"
COMPARISON = "a comparison (< <= == != >= >)"
OPERAND = "a figure, a number or '('"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", f"column 1: expected {OPERAND}, got the end"),
        ("a <", f"column 4: expected {OPERAND}, got the end"),
        ("a", f"column 2: expected {OPERATOR} or {COMPARISON}, got the end"),
        ("a < 5 b", f"column 7: expected {OPERATOR} or the end, got 'b'"),
        ("a = 3", f"column 3: expected {OPERATOR} or {COMPARISON}, got '='; for 'equal' write =="),
        ("a < 1 < 2", f"column 7: expected {OPERATOR} or the end, got '<'"),
        ("(a < 3", f"column 4: expected {OPERATOR} or ')', got '<'"),
        ("a) < 3", f"column 2: expected {OPERATOR} or {COMPARISON}, got ')'"),
        ("a..b > 3", f"column 2: expected {OPERATOR} or {COMPARISON}, got '.'"),
        ("a > $", f"column 5: expected {OPERAND}, got '$'"),
        ("a > * 3", f"column 5: expected {OPERAND}, got '*'"),
        ("a and b", f"column 3: expected {OPERATOR} or {COMPARISON}, got 'and'"),
        (
            "a < 900sec",
            (
                "column 8: unknown unit 'sec'; durations have ns, us, ms, s, m or h, "
                "rates /s and the like, shares %"
            ),
        ),
        (
            "a < 1e",
            (
                "column 6: unknown unit 'e'; durations have ns, us, ms, s, m or h, "
                "rates /s and the like, shares %"
            ),
        ),
    ],
)
def test_bad_syntax_is_refused_with_its_column(text: str, problem: str) -> None:
    """And with what could have stood there."""
    with pytest.raises(InputError) as error:
        read_expression(text)
    assert str(error.value) == f"expect {text!r}: {problem}"


def test_an_endless_expectation_is_refused() -> None:
    """A limit on everything: it bounds how deep an expectation can be nested, too."""
    with pytest.raises(InputError, match="longer than 500 characters"):
        read_expression("-" * LENGTH_MAX + "a < 1")
    deepest = "-" * (LENGTH_MAX - 5) + "a < 1"
    assert read_expression(deepest).operator == "<"


def test_a_number_too_large_to_hold_is_refused() -> None:
    """Its digits would fill the memory."""
    with pytest.raises(InputError, match="column 9: expected"):
        read_expression("a < 1e999999999")
