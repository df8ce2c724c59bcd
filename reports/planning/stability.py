"""Stability: whether a system keeps up with its load, or its queue grows as long as one looks.

A mean or a percentile of a queue that grows says nothing but how long one looked, so a plan asks
here first. The answer has three values, and both `stable` and `unstable` have to be shown; a queue
near its limit takes long to settle, and until it has, drift and chance look alike: `unknown`.

**Unstable**, by any of three signs:

- work is left undone: in the second half of the run fewer scripts ended than came, beyond what
  chance explains;
- the backlog grows by more than a hundredth of the load, as surely as the level asks;
- the limiting resource would need more than all its time for the scripts that are offered, and the
  backlog does grow.

**Stable**, by either of two:

- growth is excluded: a queue at its very limit is a random walk held above zero, which grows with
  the root of time, so that its last third lies 0.79 of its mean above its first; a system is stable
  if the interval of the rise ends below 0.5 of the mean;
- the limiting resource has time to spare: what it would need for the offered scripts, load times
  its time per script (the utilisation law), is below all of its time, as surely as the level asks.

Runs are looked at from their beginning: what fills up there is what one has to see.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final, Literal

import numpy as np

from reports.statistics import Interval, Numbers, mean_interval

_VALUES_MIN: Final = 100
"""Scripts of a run below which nothing is told."""
_PILING: Final = 0.01
"""A share of the load that has to pile up before a queue is said to grow."""
_SIGMAS: Final = 4.0
"""Beyond so many standard errors it is not chance."""
_RISE: Final = 0.5
"""From the first third to the last, as a share of the mean: less than this is no growth. At the
limit of stability it is 0.79: backlogs go with the root of time, of which the mean over the last
third less that over the first is (1 - (2/3)^1.5 - (1/3)^1.5) * 3 times the mean."""


@dataclass(frozen=True, slots=True)
class Stability:
    """Whether a system keeps up."""

    verdict: Literal["stable", "unstable", "unknown"]
    reason: str
    """For the user, in words with numbers."""
    settled: bool = False
    """Whether growth is excluded by the backlog itself, so that what the runs show is what longer
    ones would: a system may have time to spare and still need longer to settle than it was seen."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """How the backlog went in one run."""

    at_ns: Numbers
    """Instants, rising."""
    waiting_ns: Numbers
    """What the script that came then had to wait for, or the number in flight divided by the
    offered load."""
    arrived: int
    completed: int
    """Scripts of one window; one that gave up waiting was not completed."""

    def thirds(self) -> tuple[float, float, float]:
        """The mean of the first third, that of the last, and the time between their middles."""
        third = self.at_ns.size // 3
        first, last = slice(0, third), slice(self.at_ns.size - third, None)
        apart = float(self.at_ns[last].mean() - self.at_ns[first].mean())
        return float(self.waiting_ns[first].mean()), float(self.waiting_ns[last].mean()), apart


def stability(backlogs: Sequence[Backlog], needed: Numbers | None, *, level: float) -> Stability:
    """Judge a system by runs under different seeds.

    `needed` is the share of its time that the limiting resource would need for all scripts that are
    offered, by run; None where no resource is known to limit it.
    """
    assert backlogs, "no runs"
    arrived = sum(backlog.arrived for backlog in backlogs)
    missing = arrived - sum(backlog.completed for backlog in backlogs)
    if missing > max(_PILING * arrived, _SIGMAS * sqrt(arrived)):
        share = f"{missing / arrived:.1%} of the load is left behind"
        done = f"of {arrived:,} scripts that came, {arrived - missing:,} were done"
        return Stability("unstable", f"{done}: {share}")
    fewest = min(backlog.at_ns.size for backlog in backlogs)
    if fewest < _VALUES_MIN:
        few = f"{fewest} scripts are too few to see whether the queue grows: {_VALUES_MIN} needed"
        return Stability("unknown", few)
    thirds = np.array([backlog.thirds() for backlog in backlogs])
    means = np.array([backlog.waiting_ns.mean() for backlog in backlogs])
    return _of_thirds(thirds, means, _share(needed, level), level)


def _share(needed: Numbers | None, level: float) -> Interval | None:
    return None if needed is None else mean_interval(needed, level=level)


def _of_thirds(thirds: Numbers, means: Numbers, share: Interval | None, level: float) -> Stability:
    """The verdict on the backlogs of the first and the last third of each run."""
    first, last, apart = thirds.T
    rise = mean_interval(last - first, level=level)
    piling = mean_interval((last - first) / apart, level=level)
    seen = f"the backlog went from {_ms(first.mean())} to {_ms(last.mean())}"
    full = ""
    if share is not None:
        full = f"; what limits it would need {share.estimate:.1%} of its time"
    if piling.low > _PILING or (share is not None and share.low > 1.0 and rise.low > 0.0):
        return Stability("unstable", f"the queue grows: {seen}{full}")
    steady = mean_interval(last - first - _RISE * means, level=level)
    settled = steady.high <= 0.0
    if settled or (share is not None and share.high < 1.0):
        return Stability("stable", f"the queue does not grow: {seen}{full}", settled)
    few = "one run tells nothing of" if len(means) == 1 else "too short a run to tell"
    return Stability("unknown", f"{few} whether the queue grows: {seen}{full}")


def _ms(nanoseconds: float) -> str:
    return f"{nanoseconds / 1e6:,.3g} ms"
