"""The capacity and its interval: where the percentile of the objective crosses its limit.

Two loads close to each other are run under the same seeds, pair by pair. Between them the
reciprocal of the percentile is taken for straight (see `Evidence.pace`), and where that line meets
the limit is the capacity. Its interval comes by one of two ways:

- **crossing**, where both loads are seen for long enough to settle: the crossing is computed anew
  without each pair of runs, and how much it moves gives its standard error (the jackknife) and, by
  Student's law, the interval. What both loads have in common, their seeds, drops out.
- **bracket**, where they are not, since the objective breaks near the limit of stability: then the
  interval goes from a load that is sure to keep the objective to one that is sure to miss it. What
  is not settled yet has begun empty, so it would miss it in longer runs all the more.

Where both ways lead somewhere, the narrower interval is told.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from reports.planning.evidence import Evidence, Rules
from reports.planning.record import Capacity, Estimate, estimate
from reports.statistics import Interval, Numbers, jackknife_error, student

_REACH: Final = 1.25
"""A line through two loads is believed so far beyond them."""
_OUTSIDE: Final = 0.5
"""A crossing may lie outside both loads by this share of their distance."""
_STEP: Final = 1.1
"""How far to go on where two loads are both too low, or too high, and no line tells more."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two loads of which the lower one is expected to keep the objective and the higher to miss."""

    low: Evidence
    high: Evidence
    rules: Rules

    @property
    def about(self) -> float:
        """About where the percentile crosses the limit."""
        low, high = self.low.load, self.high.load
        if self.low.pace <= self.high.pace:
            both = self.low.keeps + self.high.keeps
            return {0: low / _STEP, 2: high * _STEP}.get(both, math.sqrt(low * high))
        found = float(self._crossing(np.array(self.low.pace), np.array(self.high.pace)))
        return min(max(found, low / _REACH), high * _REACH, self._saturation)

    @property
    def _saturation(self) -> float:
        """The load that saturates a resource, where one is known to limit the scripts."""
        known = [each.saturation for each in (self.high, self.low) if each.needed is not None]
        return known[0] if known else math.inf

    @property
    def close(self) -> bool:
        """Whether both loads are close enough to each other, and to the capacity."""
        low, high, precision = self.low.load, self.high.load, self.rules.precision
        widest = (1.0 + precision) / (1.0 - precision) * low
        slack = _OUTSIDE * (high - low)
        above = high if self._saturated else high + slack
        return high <= widest and low - slack <= self.about <= above

    @property
    def within_reach(self) -> bool:
        """Whether the capacity is not far from both loads."""
        return self.low.load / _REACH < self.about < self.high.load * _REACH

    @property
    def _saturated(self) -> bool:
        """Whether a resource is saturated before the percentile gets to its limit."""
        return self.about == self._saturation

    def _crossing(self, low: Numbers, high: Numbers) -> Numbers:
        """Where the line through the paces of both loads meets that of the limit."""
        aim = 1.0 / self.rules.objective.limit_ns
        share = (low - aim) / (low - high)
        crossing: Numbers = self.low.load + share * (self.high.load - self.low.load)
        return crossing

    @property
    def interval(self) -> Interval | None:
        """That of the crossing; None where one of both loads has not settled."""
        about = self.about
        if not (self.low.settled and self.high.settled and self.close) or self._saturated:
            return None
        left, right = self.low.paces_without_each(), self.high.paces_without_each()
        count = len(left)
        if list(left) != list(right) or count < 2:
            return None
        low, high = np.array(list(left.values())), np.array(list(right.values()))
        if np.any(low <= high):
            return None
        error = jackknife_error(self._crossing(low, high))
        half = student(self.rules.level, count - 1) * error
        return Interval(about, about - half, about + half, self.rules.level, count)

    @property
    def sure(self) -> bool:
        """Whether the lower load is sure to keep the objective and the higher one to miss it."""
        return self.low.answer == "kept" and self.high.answer in ("missed", "unstable")

    @property
    def bracket(self) -> Interval:
        """From the lower load to the higher one."""
        low, high = self.low.load, self.high.load
        return Interval((low + high) / 2.0, low, high, self.rules.level, self.low.runs)

    @property
    def more_wanted(self) -> int:
        """How many more runs of both loads to make; 0: enough, or they would tell nothing."""
        if self.low.hopeless:
            return 0
        runs, precision = self.low.runs, self.rules.precision
        found = self.interval
        narrow = found is not None and found.relative <= precision
        if narrow or (self.sure and self.bracket.relative <= precision):
            return 0
        return min(max(runs // 3, 1), max(self.rules.runs_max - runs, 0))


def sure_ends(tried: Mapping[float, Evidence]) -> tuple[float | None, float | None]:
    """The highest load that is sure to keep the objective, and the lowest that is sure to miss."""
    missed = [load for load in sorted(tried) if tried[load].answer in ("missed", "unstable")]
    high = missed[0] if missed else None
    kept = [load for load in tried if tried[load].answer == "kept" and load < (high or math.inf)]
    return (max(kept) if kept else None, high)


def capacity(pair: Pair, tried: Mapping[float, Evidence]) -> Capacity:
    """What was found around the two loads that tell it, once no more is tried."""
    found, rules = pair.interval, pair.rules
    if found is not None and not (pair.sure and pair.bracket.relative < found.relative):
        load, by = estimate(found), "crossing"
    else:
        low, high = sure_ends(tried)
        about = min(max(pair.about, low or 0.0), high or math.inf)
        if low is not None and high is not None:
            # All that is known is that it lies between: in the middle the error is least.
            about = (low + high) / 2.0
        load, by = Estimate(value=about, low=low, high=high), "bracket"
    result = Capacity(found="found", load=load, by=by)
    half, cure = result.half_width, "make runs longer (`stop`) or allow more of them (`plan.runs`)"
    if half is None:
        sure = "keep" if load.low is None else "miss"
        why = f"about {about:.4g}/s, but no load that was tried is sure to {sure} it: {cure}"
        return result.model_copy(update={"found": "unclear", "reason": why})
    if half > rules.precision:
        asked = f"plan.precision asks for {100 * rules.precision:.3g} %"
        why = f"known within {100 * half:.3g} %, where {asked}"
        return result.model_copy(update={"reason": f"{why}: {cure}"})
    return result


def capacity_at_end(evidence: Evidence, rules: Rules, *, below: bool) -> Capacity:
    """Where not even the lowest load keeps the objective, or every load does."""
    nothing = Estimate(value=None, low=None, high=None)
    probe, text = evidence.probe(), rules.objective.text
    name = "lowest" if below else "highest"
    sure = ("missed", "unstable") if below else ("kept",)
    if probe.answer not in sure:
        because = f": {probe.reason}" if probe.reason else ""
        why = f"at {probe.load:g}/s, the {name} load asked for, nobody can tell{because}"
        return Capacity(found="unclear", load=nothing, reason=why)
    if below:
        because = f": {probe.reason}" if probe.reason else ""
        why = f"even {probe.load:g}/s, the lowest load asked for, does not keep {text}{because}"
        return Capacity(found="below", load=nothing, reason=why)
    why = f"{probe.load:g}/s, the highest load asked for, still keeps {text}"
    return Capacity(found="above", load=nothing, reason=why)
