"""Stability: whether a system keeps up with its load, or its queue grows as long as one looks.

A mean or a percentile of a queue that grows says nothing but how long one looked, so a plan asks
here first and then tells a word instead of a number. Two signs, either of which is enough:

- **Work is left undone.** Fewer scripts ended than came, beyond what chance explains.
- **The backlog grows.** Each script finds a backlog: the time that it takes, or the number in
  flight divided by the load offered. In a stable queue it wanders; in one that is overloaded it
  rises, at a rate that is the share of the load that piles up (0.05 s per second: 5 %).

The answer has three values. A queue near its limit takes long to settle, and until it has, drift
and chance look alike: then the word is `unknown`, and a longer run may tell.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from reports.statistics import Interval, Numbers, mean_interval

BATCHES: Final = 20
"""Stretches whose mean backlogs are compared."""
_VALUES_MIN: Final = 10 * BATCHES
_PILING: Final = 0.01
"""A share of the load that is small enough to pass for none. What piles up less than that would
take a hundred times the length of the run to double it."""
_SIGMAS: Final = 4.0
"""Beyond so many standard errors it is not chance."""
_RUNS_MIN: Final = 4
"""So many runs tell more by how they differ than by their own wandering."""


@dataclass(frozen=True, slots=True)
class Stability:
    """Whether a system keeps up."""

    verdict: Literal["stable", "unstable", "unknown"]
    reason: str
    """For the user, in words with numbers."""
    piling: Interval | None
    """The share of the load that piles up, where the backlog was looked at."""


@dataclass(frozen=True, slots=True)
class Course:
    """How the backlog went in one run, after its warm-up."""

    at_ns: Numbers
    """Instants, rising."""
    backlog_ns: Numbers
    """What is found at each of them: the latency of the script that came then, or the number in
    flight divided by the offered load."""
    arrived: int
    completed: int
    """Scripts of one window; one that gave up waiting was not completed."""

    def stretches(self) -> tuple[Numbers, Numbers]:
        """Mean instants and mean backlogs of consecutive stretches."""
        times, backlogs = (
            np.array([batch.mean() for batch in np.array_split(values, BATCHES)])
            for values in (self.at_ns, self.backlog_ns)
        )
        return times, backlogs


def stability(courses: Sequence[Course], *, level: float) -> Stability:
    """Judge a system by runs under different seeds; one run will do, more tell sooner."""
    assert courses, "no runs"
    arrived = sum(course.arrived for course in courses)
    completed = sum(course.completed for course in courses)
    missing = arrived - completed
    if missing > max(_PILING * arrived, _SIGMAS * math.sqrt(arrived)):
        return Stability(
            "unstable",
            f"of {arrived:,} scripts that came, {completed:,} were done: "
            f"{missing / arrived:.1%} of the load is left behind",
            None,
        )
    fewest = min(course.at_ns.size for course in courses)
    if fewest < _VALUES_MIN:
        return Stability(
            "unknown",
            f"{fewest} values are too few to see whether the queue grows: {_VALUES_MIN} needed",
            None,
        )
    return _of_drift([course.stretches() for course in courses], level)


def _of_drift(runs: Sequence[tuple[Numbers, Numbers]], level: float) -> Stability:
    """The verdict on the backlogs of consecutive stretches of each run."""
    piling = _drift(runs, level)
    backlogs = np.mean([backlogs for _, backlogs in runs], axis=0)
    rise = float(backlogs[-1] - backlogs[0])
    seen = f"the backlog went from {_ms(backlogs[0])} to {_ms(backlogs[-1])}"
    share = f"{piling.estimate:.2%} of the load piles up ({piling.low:.2%} to {piling.high:.2%})"
    # Growth that is certain but tiny is no queue: it must matter beside the load or the backlog.
    if piling.low > _PILING or (piling.low > 0.0 and rise > float(backlogs.mean())):
        return Stability("unstable", f"the queue grows: {seen}; {share}", piling)
    if piling.high < _PILING:
        return Stability("stable", f"the queue does not grow: {seen}", piling)
    return Stability(
        "unknown", f"too short a run to tell whether the queue grows: {seen}; {share}", piling
    )


def _drift(runs: Sequence[tuple[Numbers, Numbers]], level: float) -> Interval:
    """The drift of the backlog per unit of time.

    Runs are independent of each other, so from `_RUNS_MIN` of them on their drifts give the
    interval. Fewer give it by their steps from one stretch to the next: the queue of an overloaded
    system is a random walk with a drift, whose steps are independent. In a queue that has settled
    each step up is followed by one down, so that their sum is nearer to 0 than the interval allows
    for: it is on the safe side. A straight line fitted by least squares would take the wandering of
    a walk for a trend.
    """
    if len(runs) >= _RUNS_MIN:
        drifts = [(each[-1] - each[0]) / (times[-1] - times[0]) for times, each in runs]
        return mean_interval(np.array(drifts), level=level)
    steps = [np.diff(each) * (BATCHES - 1) / (times[-1] - times[0]) for times, each in runs]
    return mean_interval(np.concatenate(steps), level=level)


def _ms(nanoseconds: float) -> str:
    return f"{nanoseconds / 1e6:,.3g} ms"
