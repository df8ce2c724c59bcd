"""The planner: which runs to make next, from the lowest load to the last table.

Without any simulation: a `Steps` yields the runs it wants, is sent what they showed, and returns
what it was for. Everything is decided by results alone, so that a plan that was interrupted asks
the same again and whoever kept the results answers at once.

For each condition it goes three steps. **Scouts**, single runs, find about where the objective
breaks. Two loads are **settled** closely around that place, under runs that share their seeds pair
by pair, until the interval of the capacity is narrow enough or the runs are at their limit. Where
that leaves an end open, it is **enclosed** by loads further out.
"""

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

from reports.planning.capacity import Pair, capacity, capacity_at_end, sure_ends
from reports.planning.evidence import RUNS_MIN, Evidence, Rules
from reports.planning.findings import Replication
from reports.planning.record import (
    Capacity,
    Condition,
    Situation,
    VariantPlan,
)
from reports.planning.search import Search, significant

Result = TypeVar("Result")

SHARES: Final = (50, 80)
"""Percent of the capacity at which a table shows figures, besides the load just below it."""
GROWTH: Final = (0, 25, 50, 100)
"""Percent more than today's load."""
_COARSE: Final = 1.3
"""Scouts end when they know the capacity within this ratio."""
_CLOSE: Final = 0.9
"""How far the settled loads lie from the capacity, as a share of the precision."""
_RUNS_NEAR: Final = 3
"""Runs that tell where the settled loads should be."""
_MOVES: Final = 6
"""How often the settled loads may move."""
_EXCURSIONS: Final = (1, 2, 4, 8)
"""Steps of the precision by which loads further out are tried, until one is sure."""
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


class VariantPlanner:
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
        near = yield from self._find("healthy", None)
        healthy = self._capacities["healthy"]
        shares = self._shares(healthy)
        headroom = {
            f"+{more} %" if more else "now": significant(question.today * (100 + more) / 100, 6)
            for more in GROWTH
            if question.today is not None
        }
        loads = [
            load
            for load in dict.fromkeys([*shares.values(), *headroom.values()])
            if not self._beyond(load, healthy)
        ]
        others = [condition for condition in question.conditions if condition != "healthy"]
        yield from together([
            *(self._figures(load) for load in loads),
            *(self._find(condition, near) for condition in others),
        ])  # fmt: skip
        return VariantPlan(
            name=self._variant,
            situations=[self._situation(condition) for condition in question.conditions],
            shares=shares,
            headroom=headroom,
        )

    def _shares(self, healthy: Capacity) -> dict[str, float]:
        reached = healthy.load.value
        if reached is None:
            return {}
        shares = {f"{share} %": significant(reached * share / 100) for share in SHARES}
        below = max((load for load in self._tried["healthy"] if load <= reached), default=None)
        return shares if below is None else {**shares, f"{100 * below / reached:.0f} %": below}

    def _beyond(self, load: float, healthy: Capacity) -> bool:
        """Whether a load is known to miss the objective, so that it has no figures to show."""
        if healthy.found == "below":
            return load > self._question.lowest
        return healthy.load.high is not None and load > healthy.load.high

    def _figures(self, load: float) -> Steps[None]:
        """Runs of a load that a table shows, until its percentile is known or they are too many."""
        evidence = yield from self._gather("healthy", load, RUNS_MIN)
        while not evidence.hopeless and (more := evidence.more_wanted):
            yield from self._gather("healthy", load, evidence.runs + more)

    def _gather(self, condition: Condition, load: float, runs: int) -> Steps[Evidence]:
        """So many runs of one load; a single one where that says that more would tell nothing."""
        evidence = self._tried[condition].setdefault(load, Evidence(load, self._question.rules))
        while evidence.runs < runs and not (evidence.runs and evidence.hopeless):
            upto = runs if evidence.runs else 1
            trials = [
                Trial(self._variant, condition, load, number)
                for number in range(evidence.runs, upto)
            ]
            evidence.add((yield trials))
        return evidence

    # -- one condition --------------------------------------------------------------------------

    def _find(self, condition: Condition, near: Pair | None) -> Steps[Pair | None]:
        """The capacity under a condition, and the two loads that tell it; `near`: those of another
        condition, to begin with.
        """
        question, tried = self._question, self._tried[condition]
        start = None
        if near is not None:
            start = near.low.load
            pair = yield from self._pair(condition, start, near.high.load, _RUNS_NEAR)
            if pair.within_reach:
                return (yield from self._settle(condition, pair))
        search = Search(question.lowest, question.highest, ratio=_COARSE, start=start)
        while (load := search.wanted()) is not None:
            evidence = yield from self._gather(condition, load, 1)
            search.tell(load, keeps=evidence.keeps)
            if math.isfinite(evidence.saturation):
                search.hint(_NEAR * evidence.saturation)
        if search.outcome == "found":
            low, high = search.bracket
            return (
                yield from self._settle(condition, Pair(tried[low], tried[high], question.rules))
            )
        below = search.outcome == "below"
        end = question.lowest if below else question.highest
        evidence = yield from self._gather(condition, end, RUNS_MIN)
        self._capacities[condition] = capacity_at_end(evidence, question.rules, below=below)
        return None

    def _settle(self, condition: Condition, pair: Pair) -> Steps[Pair]:
        """Two loads closely around the capacity, under as many runs as its interval needs."""
        for runs in (_RUNS_NEAR, RUNS_MIN):
            for _ in range(_MOVES):
                if pair.close and pair.low.runs >= runs:
                    break
                low, high = pair.low.load, pair.high.load
                if not pair.close:
                    low, high = self._around(pair.about)
                pair = yield from self._pair(condition, low, high, runs)
        while more := pair.more_wanted:
            low, high = pair.low.load, pair.high.load
            pair = yield from self._pair(condition, low, high, pair.low.runs + more)
        yield from self._enclose(condition, pair)
        self._capacities[condition] = capacity(pair, self._tried[condition])
        return pair

    def _pair(self, condition: Condition, low: float, high: float, runs: int) -> Steps[Pair]:
        both = yield from together([self._gather(condition, load, runs) for load in (low, high)])
        return Pair(both[0], both[1], self._question.rules)

    def _around(self, about: float) -> tuple[float, float]:
        """The two loads to settle, inside those asked for, however near an end `about` lies."""
        question, off = self._question, _CLOSE * self._question.rules.precision
        about = min(max(about, question.lowest / (1.0 - off)), question.highest / (1.0 + off))
        low, high = (significant(about * (1.0 + side)) for side in (-off, off))
        return max(low, question.lowest), min(high, question.highest)

    def _enclose(self, condition: Condition, pair: Pair) -> Steps[None]:
        """Loads further out, where an end of the interval is open."""
        question, tried = self._question, self._tried[condition]
        if pair.interval is not None:
            return
        for steps in _EXCURSIONS:
            if sure_ends(tried)[0] is not None:
                break
            load = significant(pair.low.load / (1.0 + question.rules.precision) ** steps)
            yield from self._gather(condition, max(load, question.lowest), RUNS_MIN)
        for steps in _EXCURSIONS:
            if sure_ends(tried)[1] is not None:
                break
            load = significant(pair.high.load * (1.0 + question.rules.precision) ** steps)
            yield from self._gather(condition, min(load, question.highest), RUNS_MIN)

    def _situation(self, condition: Condition) -> Situation:
        tried = self._tried[condition]
        probes = [tried[load].probe() for load in sorted(tried)]
        return Situation(condition=condition, capacity=self._capacities[condition], probes=probes)
