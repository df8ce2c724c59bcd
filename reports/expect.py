"""Expectations: `expect:` lines, checked before a run is made.

An expectation compares two sides, each made of figures and literals with units:

    one_fence.verifications.per_script == 1
    per_call.latency.p50 / one_fence.latency.p50 > 5
    none.safety == violated

Names and dimensions are decided here, without a run; `reports.expressions` reads the syntax before,
`reports.evaluate` says what a run makes of it after. The rules that are not obvious:

- A figure without the name of a variant applies to every variant, each in a line of its own. Names
  of variants are of letters, digits and underscores, and do not begin with a digit.
- A figure that spans attempts, such as `verifications.per_script`, must satisfy the comparison
  whichever attempt is looked at: == holds only if least and greatest are both that number, < and <=
  are of the greatest, > and >= of the least. != is refused there.
- A figure of a plan may have its variant inside: `plan.one_fence.capacity`.
- Dimensions must agree: a duration is compared with a duration. A plain 0 fits every dimension.
- The verdicts `safety` and `ledger` are words: they are compared by == and != with ok, violated or
  unknown.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Never

from reports.expressions import (
    Comparison,
    Literal,
    Name,
    Negation,
    Node,
    Operation,
    read_expression,
)
from reports.figures import WORDS, Figure, find, names, nearest
from reports.quantity import DURATION, NUMBER, RATE, dimension_name


@dataclass(frozen=True, slots=True)
class Read:
    """A figure to be read, of one variant or (None) of each."""

    figure: Figure
    variant: str | None


@dataclass(frozen=True, slots=True)
class Expectation:
    """An expectation whose names and dimensions have been checked."""

    comparison: Comparison
    reads: Mapping[int, Read]
    """What the name at this place of the text stands for. A name that is a word has no entry."""

    @property
    def text(self) -> str:
        """As it was written."""
        return self.comparison.text

    @property
    def of_each_variant(self) -> bool:
        """Whether it applies to every variant, since a figure in it names none."""
        return any(read.variant is None for read in self.reads.values())

    @property
    def of_plan(self) -> bool:
        """Whether it takes a plan to decide it."""
        return any(read.figure.name.startswith("plan.") for read in self.reads.values())


def parse(text: str, *, variants: Collection[str], counters: Collection[str] = ()) -> Expectation:
    """Check an expectation, without a run.

    `counters` are the names that a run will count, over and above the catalogue of figures.
    Raises `InputError` with the expectation, the column and what was expected there: for a syntax
    error, an unknown variant or figure, dimensions that do not agree, a division by a literal zero.
    """
    comparison = read_expression(text)
    return Expectation(comparison, _Checker(comparison, variants, counters).checked())


class _Checker:
    """Finds out what the names of one expectation stand for, and whether the dimensions agree."""

    def __init__(
        self, comparison: Comparison, variants: Collection[str], counters: Collection[str]
    ) -> None:
        self._comparison = comparison
        self._variants = variants
        self._counters = counters
        self._reads: dict[int, Read] = {}

    def checked(self) -> dict[int, Read]:
        """The figures by their place."""
        comparison = self._comparison
        left, right = self._power(comparison.left), self._power(comparison.right)
        if not self._reads:
            self._refuse(comparison.left, "there is no figure in it, so no run decides it")
        if left is None or right is None:
            self._check_words(left, right)
        else:
            self._agree(comparison.left, left, comparison.right, right, "compared")
            self._check_unequal()
        return self._reads

    def _refuse(self, node: Node, problem: str) -> Never:
        self._comparison.refuse(node.start, problem)

    def _said(self, node: Node) -> str:
        return self._comparison.source(node)

    def _check_words(self, left: int | None, right: int | None) -> None:
        comparison = self._comparison
        if left is None and right is None:
            if comparison.operator not in ("==", "!="):
                comparison.refuse(
                    comparison.operator_start,
                    f"expected == or != between words, got {comparison.operator!r}",
                )
            return
        word, other = comparison.left, comparison.right
        if right is None:
            word, other = other, word
        self._refuse(
            other if self._is_figure(word) else word,
            f"{self._said(word)} is a word ({', '.join(WORDS)}), {self._said(other)} is a number",
        )

    def _check_unequal(self) -> None:
        comparison = self._comparison
        spans = [read.figure.name for read in self._reads.values() if read.figure.spans]
        if comparison.operator == "!=" and spans:
            comparison.refuse(
                comparison.operator_start,
                f"!= is not for {spans[0]}, which spans attempts: name its .min, .mean or .max",
            )

    def _power(self, node: Node) -> int | None:
        """The dimension of a part, None for a word; figures are found on the way."""
        match node:
            case Literal():
                return node.value.power
            case Name():
                return self._resolve(node)
            case Negation():
                return self._number(node.operand)
            case Operation():
                return self._operation(node)

    def _number(self, node: Node) -> int:
        power = self._power(node)
        if power is None:
            self._refuse(node, f"{self._said(node)} is a word; there is no reckoning with it")
        return power

    def _operation(self, node: Operation) -> int:
        left, right = self._number(node.left), self._number(node.right)
        match node.operator:
            case "*":
                return left + right
            case "/":
                self._check_divisor(node.right)
                return left - right
        verb = "added" if node.operator == "+" else "subtracted"
        return self._agree(node.left, left, node.right, right, verb)

    def _check_divisor(self, node: Node) -> None:
        if _is_zero(node):
            self._refuse(node, "division by zero")

    def _agree(self, left: Node, power: int, right: Node, other: int, verb: str) -> int:
        """The dimension that both have; a plain 0 takes that of the other side."""
        if _is_zero(left) and power == NUMBER:
            return other
        if power != other and not (_is_zero(right) and other == NUMBER):
            culprit, wanted = (left, other) if isinstance(left, Literal) else (right, power)
            self._refuse(
                culprit,
                f"{self._said(left)} is {dimension_name(power)}, {self._said(right)} is "
                f"{dimension_name(other)}: they cannot be {verb}"
                f"{_unit_hint(culprit, self._said(culprit), wanted)}",
            )
        return power

    def _is_figure(self, node: Node) -> bool:
        return node.start in self._reads

    def _resolve(self, name: Name) -> int | None:
        """The dimension of what a name stands for, None for a word."""
        head, _, rest = name.text.partition(".")
        variant = head if head in self._variants else None
        figure = find(rest, self._counters) if variant is not None else None
        if head == "plan" and figure is None:
            planned, _, last = rest.partition(".")
            if planned in self._variants:
                variant, figure = planned, find(f"plan.{last}", self._counters)
        if figure is None:
            variant, figure = None, find(name.text, self._counters)
        if figure is not None:
            self._reads[name.start] = Read(figure, variant)
            return figure.power
        if name.text not in WORDS:
            self._refuse_name(name, head, rest)
        return None

    def _refuse_name(self, name: Name, head: str, rest: str) -> Never:
        known = names(self._counters)
        if head in self._variants:
            if not rest:
                self._refuse(
                    name, f"{head!r} is a variant; name a figure of it, such as {head}.errors"
                )
            self._refuse(name, f"unknown figure {rest!r}{nearest(rest, known)}")
        if find(rest, self._counters) is not None:
            listed = ", ".join(self._variants)
            hint = nearest(head, self._variants) or f"; the variants are {listed}"
            self._refuse(name, f"unknown variant {head!r}{hint}")
        known += [f"{variant}.{figure}" for variant in self._variants for figure in known] + [
            *WORDS
        ]
        self._refuse(name, f"unknown figure or word {name.text!r}{nearest(name.text, known)}")


def _is_zero(node: Node) -> bool:
    return isinstance(node, Literal) and node.value.low == 0


def _unit_hint(node: Node, said: str, wanted: int) -> str:
    if not isinstance(node, Literal) or node.value.power != NUMBER:
        return ""
    unit = {DURATION: "ms", RATE: "/s"}.get(wanted)
    return f"; write {said} with a unit, such as {said}{unit}" if unit else ""
