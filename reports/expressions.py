"""Expressions: the syntax of an `expect:` line, from its text to a tree.

Syntax only: whether a name is a figure of some variant and whether the dimensions agree is decided
in `reports.expect`. The manner is that of k6 thresholds: a comparison of two sums over figures and
literals with units, such as `per_call.latency.p50 / one_fence.latency.p50 > 5`.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any, Final, Never, TypeAlias

from lark import Lark, Token, Tree, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from reports.quantity import DURATION, NUMBER, RATE, Quantity, point
from sim.errors import InputError
from sim.units import NS_PER, split_quantity

COMPARISONS: Final = ("<", "<=", "==", "!=", ">=", ">")
LENGTH_MAX: Final = 500
"""Characters of an expectation at most; it also bounds how deep one can be nested."""

_GRAMMAR: Final = r"""
start: sum COMPARISON sum

?sum: product
    | sum SIGN product   -> operation
?product: factor
    | product TIMES factor   -> operation
?factor: QUANTITY   -> literal
    | NAME   -> name
    | SIGN factor   -> signed
    | "(" sum ")"

COMPARISON: /[<>]=?|[=!]=/
SIGN: "+" | "-"
TIMES: "*" | "/"
QUANTITY: /[0-9][0-9_]*(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?/ UNIT?
UNIT: /\s*(%|\/?(ns|us|µs|ms|s|m|h)(?![\w.]))|[a-zA-Zµ]+/
NAME: /[A-Za-z_][A-Za-z0-9_]*((\.|->)[A-Za-z0-9_]+)*/
%ignore /\s+/
"""


@dataclass(frozen=True, slots=True)
class Literal:
    """A number as written, with its unit."""

    value: Quantity
    start: int
    """Place of its first character in the text, from 0; `end` is one past its last."""
    end: int


@dataclass(frozen=True, slots=True)
class Name:
    """A name as written: a figure, a figure of a variant, or a word."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Negation:
    """Less than nothing by as much."""

    operand: "Node"
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Operation:
    """One of + - * / over two operands."""

    operator: str
    left: "Node"
    right: "Node"

    @property
    def start(self) -> int:
        """Where its left operand starts."""
        return self.left.start

    @property
    def end(self) -> int:
        """Where its right operand ends."""
        return self.right.end


Node: TypeAlias = Literal | Name | Negation | Operation


@dataclass(frozen=True, slots=True)
class Comparison:
    """A whole line: two sides and what is said of them."""

    text: str
    left: Node
    operator: str
    right: Node
    operator_start: int

    def source(self, node: Node) -> str:
        """What was written for a part of it."""
        return self.text[node.start : node.end]

    def refuse(self, start: int, problem: str) -> Never:
        """Raise `InputError` for what stands at `start`."""
        raise_at(self.text, start, problem)


def raise_at(text: str, start: int, problem: str) -> Never:
    """Raise `InputError` with the expectation, the column (from 1) and the problem."""
    raise InputError(f"expect {text!r}: column {start + 1}: {problem}")


def read_expression(text: str) -> Comparison:
    """The tree of an expectation.

    Raises `InputError` with the column and what was expected there when the text does not follow
    the grammar, or a number has an unknown unit.
    """
    if len(text) > LENGTH_MAX:
        raise_at(text[:40] + "...", LENGTH_MAX, f"longer than {LENGTH_MAX} characters")
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        _refuse(text, error)
    left, operator, right = tree.children
    assert isinstance(operator, Token), "the grammar has a comparison between two sides"
    return Comparison(
        text, _node(text, left), str(operator), _node(text, right), _place(operator)[0]
    )


def _refuse(text: str, error: UnexpectedInput) -> Never:
    stopped: Any = error  # lark types neither the place nor what is accepted there
    start, end = len(text), len(text)
    if isinstance(error, UnexpectedCharacters):
        start, end = stopped.pos_in_stream, stopped.pos_in_stream + 1
    elif isinstance(error, UnexpectedToken) and error.token.type != "$END":
        start, end = _place(error.token)
    got = repr(text[start:end]) if end > start else "the end"
    hint = "; for 'equal' write ==" if got == "'='" else ""
    raise_at(text, start, f"{_expected(stopped.interactive_parser.accepts())}, got {got}{hint}")


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", lexer="basic")


_SAID: Final = {
    "NAME": "a figure",
    "QUANTITY": "a number",
    "LPAR": "'('",
    "SIGN": "an operator (+ - * /)",
    "COMPARISON": f"a comparison ({' '.join(COMPARISONS)})",
    "RPAR": "')'",
    "$END": "the end",
}
"""How the terminals of the grammar are told to people. SIGN stands for TIMES too."""


def _expected(terminals: AbstractSet[str]) -> str:
    if "NAME" in terminals:
        terminals = terminals - {"SIGN"}  # there it would be a sign, not an operator
    said = [name for terminal, name in _SAID.items() if terminal in terminals]
    return "expected " + (", ".join(said[:-1]) + " or " if said[1:] else "") + said[-1]


def _node(text: str, tree: Tree[Token] | Token | str) -> Node:
    assert isinstance(tree, Tree), "the grammar keeps tokens inside rules"
    match tree.data, *tree.children:
        case "literal", Token() as token:
            start, end = _place(token)
            return Literal(_quantity(text, start, str(token)), start, end)
        case "name", Token() as token:
            return Name(str(token), *_place(token))
        case "signed", Token() as sign, operand:
            inner = _node(text, operand)
            return inner if sign == "+" else Negation(inner, _place(sign)[0], inner.end)
        case "operation", left, Token() as operator, right:
            return Operation(str(operator), _node(text, left), _node(text, right))
    raise AssertionError(f"no rule {tree.data!r}")


def _place(token: Token) -> tuple[int, int]:
    assert token.start_pos is not None, "tokens of a text have a place in it"
    assert token.end_pos is not None, "tokens of a text have a place in it"
    return token.start_pos, token.end_pos


def _quantity(text: str, start: int, token: str) -> Quantity:
    digits = token.rstrip("%µ/abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
    number = Fraction(split_quantity(digits)[0])
    unit = token[len(digits) :].strip()
    if not unit:
        return point(number, NUMBER)
    if unit == "%":
        return point(number / 100, NUMBER)
    if unit in NS_PER:
        return point(number * NS_PER[unit], DURATION)
    if unit.removeprefix("/") in NS_PER:
        return point(number / NS_PER[unit[1:]], RATE)
    raise_at(
        text,
        start + len(token) - len(unit),
        f"unknown unit {unit!r}; durations have ns, us, ms, s, m or h, rates /s and the like, "
        "shares %",
    )
