"""The course of a plan: which runs to make next, from the lowest load to the last table.

Without any simulation: a `Steps` yields the runs it wants, is sent what they showed, and returns
what it was for. Everything is decided by results alone, so that a plan that was interrupted asks
the same again and whoever kept the results answers at once.
"""

import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final, TypeAlias, TypeVar

from reports.planning.evidence import Evidence, Replication, Rules
from reports.planning.formulas import saturation
from reports.planning.record import (
    Capacity,
    Condition,
    Estimate,
    Situation,
    VariantPlan,
)
from reports.planning.search import Search, crossing, significant

Result = TypeVar("Result")

SHARES: Final = (50, 80, 95)
"""Percent of the capacity at which a table shows figures."""
GROWTH: Final = (0, 25, 50, 100)
"""Percent more than today's load."""
_EXCURSIONS: Final = (2, 4, 8, 16)
"""Steps of the precision by which loads are tried beyond a search's end, on either side, for the
sake of the interval, until one is enough."""
_NEAR: Final = 0.9
"""An objective usually breaks at about this share of the load that saturates a resource."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One run that is wanted."""

    variant: str
    condition: Condition
    load: float
    run: int
    """Which of the runs of this load, from 0; it decides the seed."""


Steps: TypeAlias = Generator[list[Trial], list[Replication], Result]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of every variant."""

    rules: Rules
    lowest: float
    highest: float
    today: float | None
    conditions: tuple[Condition, ...]


def together(parts: Sequence[Steps[Result]]) -> Steps[list[Result]]:
    """Several courses side by side, each waiting for its own runs: their results, in order."""
    results: dict[int, Result] = {}
    wanted: dict[int, list[Trial]] = {}

    def advance(number: int, replies: list[Replication] | None) -> None:
        part = parts[number]
        try:
            wanted[number] = next(part) if replies is None else part.send(replies)
        except StopIteration as end:
            wanted.pop(number, None)
            results[number] = end.value

    for number in range(len(parts)):
        advance(number, None)
    while wanted:
        asked = list(wanted.items())
        replies = yield [trial for _, trials in asked for trial in trials]
        at = 0
        for number, trials in asked:
            advance(number, replies[at : at + len(trials)])
            at += len(trials)
    return [results[number] for number in range(len(parts))]


class VariantCourse:
    """All that is tried of one variant."""

    def __init__(self, variant: str, question: Question) -> None:
        self._variant = variant
        self._question = question
        self._tried: dict[Condition, dict[float, Evidence]] = {
            condition: {} for condition in question.conditions
        }
        self._capacities: dict[Condition, Capacity] = {}

    def steps(self) -> Steps[VariantPlan]:
        """The plan of the variant."""
        question = self._question
        yield from self._search("healthy", hint=None)
        reached = self._capacities["healthy"].load.value
        shares = {
            f"{share} %": significant(reached * share / 100)
            for share in SHARES
            if reached is not None
        }
        headroom = {
            f"+{more} %" if more else "now": significant(question.today * (100 + more) / 100, 6)
            for more in GROWTH
            if question.today is not None
        }
        loads = dict.fromkeys([*shares.values(), *headroom.values()])
        others = [condition for condition in question.conditions if condition != "healthy"]
        yield from together(
            [
                *(self._figures(load) for load in loads),
                *(self._search(condition, hint=reached) for condition in others),
            ]
        )
        return VariantPlan(
            name=self._variant,
            situations=[self._situation(condition) for condition in question.conditions],
            shares=shares,
            headroom=headroom,
        )

    def _figures(self, load: float) -> Steps[None]:
        """Runs of a load that a table shows, as many as its figures need."""
        yield from self._gather("healthy", load, decide=False)

    def _gather(self, condition: Condition, load: float, *, decide: bool) -> Steps[Evidence]:
        """Runs of one load until they are enough."""
        tried = self._tried[condition]
        evidence = tried.setdefault(load, Evidence(load, self._question.rules))
        while more := evidence.more_wanted(decide=decide):
            numbers = range(evidence.runs, evidence.runs + more)
            trials = [Trial(self._variant, condition, load, number) for number in numbers]
            evidence.add((yield trials))
        return evidence

    def _search(self, condition: Condition, *, hint: float | None) -> Steps[None]:
        """Find the highest load that keeps the objective."""
        question = self._question
        search = Search(question.lowest, question.highest, ratio=1.0 + question.rules.precision)
        while (load := search.wanted()) is not None:
            evidence = yield from self._gather(condition, load, decide=True)
            search.tell(load, keeps=evidence.keeps)
            if load == question.lowest:
                near = hint or _NEAR * saturation(evidence.probe())
                if math.isfinite(near):
                    search.hint(near)
        if search.outcome == "found":
            yield from self._enclose(condition)
        self._capacities[condition] = _capacity(search, self._tried[condition], question)

    def _enclose(self, condition: Condition) -> Steps[None]:
        """Try loads around the end of a search until one is sure to keep it, and one to miss it.

        A search ends between two loads that probably do; an interval needs more than that.
        """
        question, tried = self._question, self._tried[condition]
        limit_ns, ratio = question.rules.objective.limit_ns, 1.0 + question.rules.precision
        for steps in _EXCURSIONS:
            if any(evidence.bounds[0] > limit_ns for evidence in tried.values()):
                break
            load = significant(max(tried) * ratio**steps)
            yield from self._gather(condition, min(load, question.highest), decide=True)
        for steps in _EXCURSIONS:
            low, about, _ = _ends(tried, limit_ns)
            load = question.lowest if about is None else significant(about / ratio**steps)
            if about is None or (low is not None and low >= load):
                break
            if load > question.lowest:
                yield from self._gather(condition, load, decide=True)

    def _situation(self, condition: Condition) -> Situation:
        tried = self._tried[condition]
        probes = [tried[load].probe() for load in sorted(tried)]
        return Situation(condition=condition, capacity=self._capacities[condition], probes=probes)


def _ends(
    tried: Mapping[float, Evidence], limit_ns: int
) -> tuple[float | None, float | None, float | None]:
    """The highest load that is sure to keep the objective, and all below; about where it ends; the
    lowest load that is sure to miss it.
    """
    loads = sorted(tried)
    bounds = [tried[load].bounds for load in loads]
    sure = list(takewhile(lambda load: tried[load].bounds[2] <= limit_ns, loads))
    missed = [load for load in loads if tried[load].bounds[0] > limit_ns]
    about = crossing(loads, [likely for _, likely, _ in bounds], limit_ns)
    return (sure[-1] if sure else None, about, missed[0] if missed else None)


def _capacity(search: Search, tried: Mapping[float, Evidence], question: Question) -> Capacity:
    """What a search that has ended comes to, with its interval."""
    outcome = search.outcome
    assert outcome is not None, "a search that has not ended"
    nothing = Estimate(value=None, low=None, high=None)
    objective = question.rules.objective
    if outcome == "below":
        first = tried[min(tried)].probe()
        if first.answer == "unclear":
            why = f"at {first.load:g}/s, the lowest load asked for, nobody can tell: {first.reason}"
            return Capacity(found="unclear", load=nothing, reason=why)
        why = f"even {first.load:g}/s, the lowest load asked for, does not keep {objective.text}"
        because = f": {first.reason}" if first.reason else ""
        return Capacity(found="below", load=nothing, reason=why + because)
    if outcome == "above":
        last = tried[max(tried)].probe()
        if last.answer == "unclear":
            why = f"at {last.load:g}/s, the highest load asked for, nobody can tell: {last.reason}"
            return Capacity(found="unclear", load=nothing, reason=why)
        why = f"{max(tried):g}/s, the highest load asked for, still keeps {objective.text}"
        return Capacity(found="above", load=nothing, reason=why)
    low, about, high = _ends(tried, objective.limit_ns)
    if about is None:
        return Capacity(found="unclear", load=nothing, reason="no load misses it for certain")
    return Capacity(found="found", load=Estimate(value=about, low=low, high=high))
