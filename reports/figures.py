"""Figures: every number and verdict that can be told of a variant, by name.

The one catalogue: the table on the screen, expectations, JSON and the generated page of the docs
all read it, so a figure means the same wherever it stands. Figures are exact: integers and
fractions, rounded only when shown.

Four decisions that a reader should know:

- **Latency is of the scripts that ended ok.** A script that fails at once would make latency look
  better and one that hits its deadline would make it look like the deadline; neither is a latency
  of the service. Failures have figures of their own (`errors`, `errors.rate`), and a gate on
  latency should stand beside one on them.
- **Percentiles are nearest-rank**: p99 is the least latency that at least 99 % of the scripts did
  not exceed. It is a latency that occurred, never an interpolation between two.
- **Nothing is told of a part.** A long run keeps rows of some of its scripts only; figures are of
  all of them. Percentiles then come from a sketch and are off by 0.39 % at most (`sim.sketch`).
- **Counts are per attempt.** A script that is retried runs its fence again, and its attempts have a
  figure of their own. `verifications.per_script` therefore spans all attempts: an expectation on it
  holds only if it holds for the least and for the greatest.

A name that the catalogue does not hold is a counter of the run, where one that ends in `_ns` is a
duration, or a figure of one of its resources (`reports.resources`).
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from typing import Final, TypeAlias

from reports.attempts import COMMIT_GUARD, STORE_READS, VERIFICATIONS, VERIFYING
from reports.planning.figures import CAPACITIES, capacity
from reports.planning.record import Condition, PlanRecord, VariantPlan
from reports.quantity import DURATION, NUMBER, RATE, Quantity, per_second, point, unit_name
from reports.resources import ASPECTS, aspect_of, figure_names
from reports.resources import value as resource_value
from reports.sample import NoData, Sample
from sim.record import RunRecord, VariantRecord

Value: TypeAlias = Quantity | str
"""What a figure has: a quantity, or the word of a verdict."""
WORDS: Final = ("ok", "violated", "unknown")
"""The words that a verdict may be."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One entry of the catalogue."""

    name: str
    power: int | None
    """Its dimension (see `reports.quantity`), or None for a word."""
    spans: bool
    """Whether it spans attempts or scripts and so has .min, .mean and .max as well."""
    about: str
    read: Callable[[Sample], Value]


def _latency(read: Callable[[Sample], Fraction | int]) -> Callable[[Sample], Value]:
    def value(sample: Sample) -> Value:
        if not sample.scripts_ok:
            raise NoData(f"no script ended ok, so there is no latency{sample.mostly()}")
        return point(read(sample), DURATION)

    return value


def _percentile(percent: Fraction) -> Callable[[Sample], Value]:
    return _latency(lambda sample: sample.percentile(percent))


def _throughput(sample: Sample) -> Value:
    if not sample.variant.measured_ns:
        raise NoData("the run measured for no time at all")
    return per_second(sample.scripts_ok, sample.variant.measured_ns)


def _error_rate(sample: Sample) -> Value:
    if not sample.scripts:
        raise NoData("no script was measured")
    return point(Fraction(sample.scripts - sample.scripts_ok, sample.scripts))


def _executions(sample: Sample) -> Value:
    executions = sample.counts("attempts")
    if not executions:
        raise NoData("no script was measured")
    mean = Fraction(sum(n * count for n, count in executions.items()), sample.scripts)
    return Quantity(Fraction(min(executions)), Fraction(max(executions)), NUMBER, mean)


def _retries(sample: Sample) -> Value:
    # A script whose first fence fails has no execution, and no retry either.
    return point(sum(max(0, n - 1) * count for n, count in sample.counts("attempts").items()))


def _per_attempt(*fields: str) -> Callable[[Sample], Value]:
    return lambda sample: sample.counted().spread(fields)


def _word(name: str) -> Callable[[Sample], Value]:
    return lambda sample: sample.verdict(name).verdict


def _violations(name: str) -> Callable[[Sample], Value]:
    def value(sample: Sample) -> Value:
        verdict = sample.verdict(name)
        if verdict.verdict == "unknown":
            raise NoData(f"the verdict on {name!r} is unknown: {verdict.reason}")
        return point(verdict.violations)

    return value


def _capacity(condition: Condition) -> Callable[[Sample], Value]:
    return lambda sample: capacity(sample.plan, condition)


def _count(name: str, about: str, read: Callable[[Sample], int]) -> Figure:
    return Figure(name, NUMBER, False, about, lambda sample: point(read(sample)))


def _spread(name: str, about: str, *fields: str) -> Figure:
    return Figure(f"{name}.per_script", NUMBER, True, about, _per_attempt(*fields))


PERCENTILES: Final = ("50", "90", "99", "99.9")
"""The percentiles that tables show; any other can be asked for by name."""

_LATENCY: Final = (
    Figure("latency.mean", DURATION, False, "mean latency of the scripts that ended ok",
           _latency(lambda s: s.sketch.mean)),
    Figure("latency.min", DURATION, False, "least latency",
           _latency(lambda s: s.sketch.low)),
    *(Figure(f"latency.p{text}", DURATION, False,
             f"the least latency that {text} % of the scripts did not exceed",
             _percentile(Fraction(text))) for text in PERCENTILES),
    Figure("latency.max", DURATION, False, "greatest latency",
           _latency(lambda s: s.sketch.high)),
)  # fmt: skip

_QUORUM: Final = (
    _spread("verifications", "quorum verifications of reads: V + F + L", *VERIFICATIONS),
    *(_spread(f"verifications.{site.field}", f"{site.letter}: {site.about}", site.field)
      for site in VERIFYING),
    _spread("verifications.store_reads", "F: both sites of the store wrapper together",
            *(site.field for site in STORE_READS)),
    _spread("commit_guards", f"C: {COMMIT_GUARD.about}; no verification of a read",
            COMMIT_GUARD.field),
    _spread("rounds", "quorum rounds on the wire: V + F + L + C less what shared a round",
            "rounds"),
    _count("rounds.total", "the same, all attempts together (the counter `rounds.sent` also has "
           "warm-up and attempts cut short)", lambda s: s.attempts.sum(("rounds",))),
)  # fmt: skip

_WORK: Final = (
    _spread("calls", "redis.call and redis.pcall", "calls"),
    _spread("point_reads", "point reads of the store, fenced or not", "point_reads"),
    _spread("scans", "range scans of the store, fenced or not", "scans"),
    Figure("attempts.per_script", NUMBER, True,
           "executions of a script, 1 where nothing was retried; over scripts", _executions),
    Figure("retries", NUMBER, False, "executions after the first, all scripts together", _retries),
)  # fmt: skip

CATALOGUE: Final = (
    _count("scripts", "scripts measured, whether they ended ok or not", lambda s: s.scripts),
    Figure("throughput", RATE, False, "scripts that ended ok per second of measured virtual time",
           _throughput),
    *_LATENCY,
    *_QUORUM,
    *_WORK,
    _count("errors", "scripts that did not end ok", lambda s: s.scripts - s.scripts_ok),
    Figure("errors.rate", NUMBER, False, "their share of all scripts, such as 0.5%", _error_rate),
    Figure("safety", None, False, "whether every read saw what was acknowledged before it began: "
           "ok, violated or unknown", _word("safety")),
    Figure("safety.violations", NUMBER, False, "how many did not", _violations("safety")),
    Figure("ledger", None, False, "whether verifications counted = confirmed by a quorum = seen on "
           "the wire: ok, violated or unknown", _word("ledger")),
    Figure("ledger.violations", NUMBER, False, "how many did not agree", _violations("ledger")),
    Figure("virtual_time", DURATION, False, "virtual time at the end of the run",
           lambda s: point(s.variant.virtual_ns, DURATION)),
    Figure("measured_time", DURATION, False, "virtual time from the end of the warm-up on",
           lambda s: point(s.variant.measured_ns, DURATION)),
    _count("events", "events of the simulation", lambda s: s.variant.events),
)  # fmt: skip
"""Every figure but the counters, in the order in which they are told."""

PLANNED: Final = tuple(
    Figure(name, RATE, True, f"the highest load that keeps the objective of the plan{where}; from "
           "the low to the high end of its interval",
           _capacity(condition))
    for name, (condition, where) in CAPACITIES.items()
)  # fmt: skip
"""The figures of a plan, which a run alone does not have."""

_BY_NAME: Final = {figure.name: figure for figure in (*CATALOGUE, *PLANNED)}
_PERCENTILE_NAME: Final = re.compile(r"latency\.p([0-9]+(?:\.[0-9]+)?)")


def _low(range_: Quantity) -> Quantity:
    return point(range_.low, range_.power)


def _mean(range_: Quantity) -> Quantity:
    return point(range_.middle, range_.power)


def _high(range_: Quantity) -> Quantity:
    return point(range_.high, range_.power)


_ENDS: Final = {"min": _low, "mean": _mean, "max": _high}


def find(name: str, counters: Iterable[str]) -> Figure | None:
    """The figure of that name, None when there is none.

    Besides the catalogue: .min, .mean and .max of a figure that spans, any percentile of latency
    (`latency.p95`), and the counters (and figures of resources) given.
    """
    figure = _BY_NAME.get(name)
    if figure is not None:
        return figure
    stem, _, aspect = name.rpartition(".")
    base = _BY_NAME.get(stem)
    if base is not None and base.spans and aspect in _ENDS:
        return _aspect_of(base, aspect)
    percent = percentile_of(name)
    if percent is not None:
        about = f"percentile {name.partition('.p')[2]}"
        return Figure(name, DURATION, False, about, _percentile(percent))
    if name not in counters:
        return None
    return _counter(name) if aspect_of(name) is None else _of_resource(name)


def _of_resource(name: str) -> Figure:
    aspect = aspect_of(name)
    assert aspect is not None, name
    return Figure(
        name, aspect.power, False, aspect.about, lambda s: resource_value(s.variant, name)
    )


def percentile_of(name: str) -> Fraction | None:
    """Which percentile of latency a name such as `latency.p99.9` says; None when it says none."""
    match = _PERCENTILE_NAME.fullmatch(name)
    if match is None or not 0 < Fraction(match[1]) <= 100:
        return None
    return Fraction(match[1])


def _aspect_of(base: Figure, aspect: str) -> Figure:
    def value(sample: Sample) -> Value:
        whole = base.read(sample)
        assert isinstance(whole, Quantity), f"{base.name} spans, so it is no word"
        return _ENDS[aspect](whole)

    return Figure(f"{base.name}.{aspect}", base.power, False, f"{aspect}: {base.about}", value)


def _counter(name: str) -> Figure:
    power = DURATION if name.endswith("_ns") else NUMBER

    def value(sample: Sample) -> Value:
        count = sample.variant.counters.get(name)
        if count is None:
            raise NoData(f"variant {sample.variant.name} did not count {name}")
        return point(count, power)

    return Figure(name, power, False, "a counter of the run", value)


def names(counters: Iterable[str]) -> list[str]:
    """Every name that `find` knows, for messages and completion; of percentiles the usual ones."""
    known = []
    for figure in (*CATALOGUE, *PLANNED):
        known.append(figure.name)
        if figure.spans:
            known.extend(f"{figure.name}.{aspect}" for aspect in _ENDS)
    return known + [name for name in sorted(counters) if name not in known]


def nearest(name: str, known: Iterable[str]) -> str:
    """Asks whether the nearest known name was meant; empty when none is near."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


class Figures:
    """The figures of one variant."""

    def __init__(self, variant: VariantRecord, plan: VariantPlan | None = None) -> None:
        """`plan` is what a plan found of the variant, where one was made."""
        self.sample = Sample(variant, plan)

    def value(self, name: str) -> Value:
        """The value of a figure: a quantity, or the word of a verdict.

        Raises `NoData` when this run gives it no value, `KeyError` when there is no such figure,
        and `InputError` when the record lacks what every run of readfence has.
        """
        figure = find(name, _own_names(self.sample.variant))
        if figure is None:
            raise KeyError(name)
        return figure.read(self.sample)

    def quantity(self, name: str) -> Quantity | None:
        """The value of a figure that is a number, None when this run gives it none."""
        try:
            value = self.value(name)
        except NoData:
            return None
        assert isinstance(value, Quantity), f"{name} is a word"
        return value


def figures_of(record: RunRecord, plan: PlanRecord | None = None) -> dict[str, Figures]:
    """The figures of every variant, by its name, in the order of the record."""
    plans = {} if plan is None else {variant.name: variant for variant in plan.variants}
    return {variant.name: Figures(variant, plans.get(variant.name)) for variant in record.variants}


def counters_of(record: RunRecord) -> set[str]:
    """Every counter, and every figure of a resource, that some variant of the run has."""
    return {name for variant in record.variants for name in _own_names(variant)}


def _own_names(variant: VariantRecord) -> set[str]:
    return {*variant.counters, *figure_names(variant.resources)}


def catalogue_markdown() -> str:
    """The catalogue as a table for the docs."""
    lines = ["| figure | unit | meaning |", "|---|---|---|"]
    for figure in (*CATALOGUE, *PLANNED):
        name = f"`{figure.name}`" + (" `.min` `.mean` `.max`" if figure.spans else "")
        unit = (
            "a word"
            if figure.power is None
            else {"1": ""}.get(unit_name(figure.power), unit_name(figure.power))
        )
        lines.append(f"| {name} | {unit} | {figure.about} |")
    lines.append("| `latency.p…` | ns | any other percentile, such as `latency.p95` |")
    for end, aspect in ASPECTS.items():
        unit = {"1": ""}.get(unit_name(aspect.power), unit_name(aspect.power))
        lines.append(f"| `<resource>.{end}` | {unit} | {aspect.about} |")
    lines.append("| any counter of the run | ns if its name ends in `_ns` | what its name says |")
    return "\n".join(lines) + "\n"
