"""What a run makes of an expectation: kept, broken, or unknown where the run cannot tell.

Unknown is not kept: a gate fails on it. A line is unknown when a figure has no value (no script
ended ok, so there is no latency), when a judge could not decide, and when it would be kept on
counts that the ledger of verifications does not confirm.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias
from typing import Literal as OneOf

from reports.causes import causes_of, ledger_problem
from reports.expect import Expectation, Read
from reports.expressions import Literal, Name, Negation, Node, Operation
from reports.figures import Figures, Value, figures_of
from reports.quantity import NUMBER, Quantity, show, show_exactly
from reports.sample import NoData
from sim.record import RunRecord

Verdict: TypeAlias = OneOf["kept", "broken", "unknown"]


@dataclass(frozen=True, slots=True)
class Reading:
    """A figure that an expectation read, and what it was."""

    variant: str
    figure: str
    value: Value


@dataclass(frozen=True, slots=True)
class Line:
    """What came of an expectation, for one variant where it applies to each."""

    text: str
    """The expectation as written."""
    variant: str | None
    """The variant it was applied to; None when the text names its variants."""
    verdict: Verdict
    value: str = ""
    """The left side, for people; empty when it has no value."""
    against: str = ""
    """The right side, for people, where there is a figure in it; else empty."""
    readings: tuple[Reading, ...] = ()
    """Every figure that has a value, in the order of the text."""
    causes: tuple[str, ...] = ()
    """For a broken line: what made its figures what they are, such as the call sites of a count."""
    reason: str = ""
    """For an unknown line: why it cannot be told."""

    @property
    def title(self) -> str:
        """The expectation, with the variant that it was applied to in front."""
        return self.text if self.variant is None else f"{self.variant}: {self.text}"


def evaluate(expectation: Expectation, record: RunRecord) -> list[Line]:
    """What a run makes of an expectation: one line, or one per variant when it applies to each.

    Raises `InputError` when a divisor is zero in this run.
    """
    return evaluate_figures(expectation, figures_of(record))


def evaluate_figures(expectation: Expectation, figures: Mapping[str, Figures]) -> list[Line]:
    """`evaluate`, on figures that were made ready once for many expectations."""
    each: list[str | None] = [*figures] if expectation.of_each_variant else [None]
    return [_Evaluation(expectation, figures, variant).line() for variant in each]


_HOLDS: Final[dict[str, Callable[[Quantity, Quantity], bool]]] = {
    "<": lambda a, b: a.high < b.low,
    "<=": lambda a, b: a.high <= b.low,
    "==": lambda a, b: a.low == a.high == b.low == b.high,
    "!=": lambda a, b: a.high < b.low or b.high < a.low,
    ">=": lambda a, b: a.low >= b.high,
    ">": lambda a, b: a.low > b.high,
}
"""Whether a comparison holds whichever numbers of the two ranges are picked."""


class _Evaluation:
    """One expectation on one variant, or on those that it names."""

    def __init__(
        self, expectation: Expectation, figures: Mapping[str, Figures], variant: str | None
    ) -> None:
        self._expectation = expectation
        self._figures = figures
        self._variant = variant
        self._readings: dict[tuple[str, str], Reading] = {}

    def line(self) -> Line:
        """The line that comes of it."""
        comparison = self._expectation.comparison
        try:
            left, right = self._value(comparison.left), self._value(comparison.right)
            self._check_judges()
        except NoData as problem:
            return self._line("unknown", reason=str(problem))
        held = self._compare(left, right)
        value, against = _shown(left, right)
        if not _has_figure(comparison.right, self._expectation.reads):
            against = ""
        if not held:
            return self._line("broken", value, against, causes=self._causes())
        doubt = self._doubt()
        if doubt:
            return self._line("unknown", value, against, reason=doubt)
        return self._line("kept", value, against)

    def _line(
        self,
        verdict: Verdict,
        value: str = "",
        against: str = "",
        *,
        causes: tuple[str, ...] = (),
        reason: str = "",
    ) -> Line:
        readings = tuple(self._readings.values())
        return Line(
            self._expectation.text, self._variant, verdict, value, against, readings, causes, reason
        )

    def _read(self, read: Read) -> Value:
        variant = read.variant or self._variant
        assert variant is not None, "a figure of each variant is evaluated for one of them"
        name = read.figure.name
        value = read.figure.read(self._figures[variant].sample)
        self._readings[variant, name] = Reading(variant, name, value)
        return value

    def _value(self, node: Node) -> Value:
        match node:
            case Literal():
                return node.value
            case Name():
                read = self._expectation.reads.get(node.start)
                return node.text if read is None else self._read(read)
            case Negation():
                return self._quantity(node.operand).negated()
            case Operation():
                return self._reckon(node)

    def _quantity(self, node: Node) -> Quantity:
        value = self._value(node)
        assert isinstance(value, Quantity), "words are told from numbers when a line is parsed"
        return value

    def _reckon(self, node: Operation) -> Quantity:
        left, right = self._quantity(node.left), self._quantity(node.right)
        match node.operator:
            case "*":
                return left.times(right)
            case "/":
                return self._divide(node, left, right)
        left, right = _aligned(left, right)
        return left.plus(right if node.operator == "+" else right.negated())

    def _divide(self, node: Operation, left: Quantity, right: Quantity) -> Quantity:
        try:
            return left.over(right)
        except ZeroDivisionError:
            comparison = self._expectation.comparison
            of = "" if self._variant is None else f" in variant {self._variant}"
            comparison.refuse(
                node.right.start,
                f"division by zero: {comparison.source(node.right)} is {show(right)}{of}",
            )

    def _compare(self, left: Value, right: Value) -> bool:
        operator = self._expectation.comparison.operator
        if isinstance(left, Quantity) and isinstance(right, Quantity):
            return _HOLDS[operator](*_aligned(left, right))
        return (left == right) is (operator == "==")

    def _check_judges(self) -> None:
        """Raise `NoData` when a judge could not decide, unless the line asks for just that."""
        comparison, reads = self._expectation.comparison, self._expectation.reads
        for side in (comparison.left, comparison.right):
            if isinstance(side, Name) and side.text == "unknown" and side.start not in reads:
                return
        for reading in self._readings.values():
            if reading.value == "unknown":
                verdict = self._figures[reading.variant].sample.verdict(reading.figure)
                raise NoData(
                    f"the verdict on {reading.figure} of {reading.variant} is unknown: "
                    f"{verdict.reason}"
                )

    def _doubt(self) -> str:
        for reading in self._readings.values():
            problem = ledger_problem(self._figures[reading.variant], reading.figure)
            if problem:
                return problem
        return ""

    def _causes(self) -> tuple[str, ...]:
        readings = self._readings.values()
        several = len({reading.variant for reading in readings}) > 1
        causes: dict[str, None] = {}
        for reading in readings:
            for cause in causes_of(self._figures[reading.variant], reading.figure):
                causes[f"{reading.variant}: {cause}" if several else cause] = None
        return tuple(causes)


def _has_figure(node: Node, reads: Mapping[int, Read]) -> bool:
    return any(node.start <= place < node.end for place in reads)


def _aligned(left: Quantity, right: Quantity) -> tuple[Quantity, Quantity]:
    """Both with one dimension: a plain 0, the only thing that may differ, takes the other's."""
    if left.power != right.power:
        if left.power == NUMBER and left.low == left.high == 0:
            left = Quantity(left.low, left.high, right.power)
        else:
            right = Quantity(right.low, right.high, left.power)
    return left, right


def _shown(left: Value, right: Value) -> tuple[str, str]:
    """Both sides for people, with as many digits as it takes to tell them apart."""
    if isinstance(left, str) or isinstance(right, str):
        return str(left), str(right)
    value, against = show(left), show(right)
    if value == against and (left.low, left.high) != (right.low, right.high):
        return show_exactly(left), show_exactly(right)
    return value, against
