"""Statistics of simulated runs: when it has warmed up, how sure a figure is, whether it is stable.

Everything is a pure function of numbers, without chance of its own: the intervals come from order
statistics and Student's law, so nothing is resampled.

What a simulation yields is correlated: a script that waits long has neighbours that do. An interval
that takes the scripts of one run for independent is far too narrow, hence:

1. replications, which are runs of their own seeds: `mean_interval` over a figure of each, and
   `pooled_percentile_interval` for a percentile of all their scripts together. The p99 of a short
   run is biased, and so is the mean of many of them; that of the pool is not.
2. one long run cut into batches much longer than the correlation, which then stand for
   replications.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Numbers: TypeAlias = NDArray[np.float64] | NDArray[np.int64]

MSER_BATCH: Final = 5
"""Values that MSER-5 averages before it looks."""
_BATCHES_LEFT: Final = 5
"""Batches that a cut must leave: the variance of fewer says nothing."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and between which values it lies, at a level such as 0.95 (two-sided)."""

    estimate: float
    low: float
    """`-inf` when so few values tell nothing on that side."""
    high: float
    """`inf` when so few values tell nothing on that side."""
    level: float
    count: int
    """How many independent pieces it rests on."""

    @property
    def half_width(self) -> float:
        """Half of what lies between both ends."""
        return (self.high - self.low) / 2.0

    @property
    def relative(self) -> float:
        """The half-width as a share of the estimate; `inf` when that has no bound, or is 0 and the
        width is not.
        """
        if self.half_width == 0.0:
            return 0.0
        known = self.estimate and math.isfinite(self.estimate)
        return self.half_width / abs(self.estimate) if known else math.inf

    def covers(self, value: float) -> bool:
        """Whether the value lies inside."""
        return self.low <= value <= self.high


class Ordered:
    """Values in order, of which one can ask the n-th and how many are at most so much."""

    def __init__(self, values: Numbers) -> None:
        self._values = np.sort(values)

    @property
    def count(self) -> int:
        """How many they are."""
        return int(self._values.size)

    def at_rank(self, rank: int) -> float:
        """The value of a rank, 1 for the least."""
        return float(self._values[rank - 1])

    def up_to(self, value: float) -> int:
        """How many are at most `value`."""
        return int(np.searchsorted(self._values, value, side="right"))


# -- intervals ------------------------------------------------------------------------------------


def student(level: float, freedom: int) -> float:
    """The quantile of Student's law that leaves (1 - level) / 2 beyond it."""
    return float(stdtrit(freedom, (1.0 + level) / 2.0))


def mean_interval(values: Numbers, *, level: float) -> Interval:
    """Mean of independent values, such as one figure of each replication, by Student's law.

    Nearly normal values are enough; means and percentiles of runs that are long against their
    correlation are. A single value has an interval without ends.
    """
    count = int(values.size)
    assert count, "no values"
    mean = float(np.mean(values))
    if count == 1:
        return Interval(mean, -math.inf, math.inf, level, 1)
    half = student(level, count - 1) * float(np.std(values, ddof=1)) / math.sqrt(count)
    return Interval(mean, mean - half, mean + half, level, count)


def rank_of(percent: Fraction, count: int) -> int:
    """The nearest rank: that of the least value that `percent` % of all do not exceed."""
    assert 0 < percent <= 100, f"a percentile of {percent} %"
    return math.ceil(percent * count / 100)


def pooled_percentile_interval(
    groups: Sequence[Ordered], pool: Ordered, percent: Fraction, *, level: float
) -> Interval:
    """Percentile of all values of independent groups: replications, or long batches of one run.

    `pool` holds all their values. Inside a group, values may be correlated as they like. What
    varies from group to group is the share of its values up to the percentile; its standard error,
    by Student's law, says which ranks of the pool bound it (Woodruff, Journal of the American
    Statistical Association 47, 1952; groups as clusters).
    """
    count, total = len(groups), pool.count
    estimate = pool.at_rank(rank_of(percent, total))
    if count == 1:
        return Interval(float(estimate), -math.inf, math.inf, level, 1)
    sizes = np.array([group.count for group in groups], dtype=np.float64)
    below = np.array([group.up_to(estimate) for group in groups], dtype=np.float64)
    off = below - sizes * (below.sum() / total)
    error = math.sqrt(float(np.sum(off**2)) * count / (count - 1)) / total
    half = student(level, count - 1) * error
    share = float(percent) / 100.0
    low = math.floor((share - half) * total)
    high = max(math.ceil((share + half) * total), rank_of(percent, total))
    return _between(pool, percent, low, high, level, count)


def percentiles_without_each(groups: Sequence[Numbers], percent: Fraction) -> Numbers:
    """The percentile of all values but those of one group, for each of them."""
    pool = np.concatenate(groups)
    order = np.argsort(pool, kind="stable")
    whose = np.repeat(np.arange(len(groups)), [group.size for group in groups])[order]
    ordered = pool[order]
    left = [ordered[whose != number] for number in range(len(groups))]
    return np.array([rest[rank_of(percent, rest.size) - 1] for rest in left])


def jackknife_error(without: Numbers) -> float:
    """The standard error of a figure from its values without each group in turn.

    What leaving one out changes tells how the figure varies (Efron, The Jackknife, SIAM 1982).
    """
    count = without.size
    return math.sqrt((count - 1) / count * float(np.sum((without - without.mean()) ** 2)))


def jackknife_bound(groups: Sequence[Numbers], percent: Fraction, *, level: float) -> float:
    """An upper bound of a percentile of all values of independent groups, for want of a better one.

    Where `pooled_percentile_interval` finds no upper end, since the groups differ by more than the
    share beyond the percentile. The jackknife of its logarithm says little of what no group has
    seen, so a careful caller asks at a higher level.
    """
    count = len(groups)
    assert count > 1, "a single group"
    pool = np.concatenate(groups)
    everything = float(
        np.partition(pool, rank_of(percent, pool.size) - 1)[rank_of(percent, pool.size) - 1]
    )
    error = jackknife_error(np.log(np.maximum(percentiles_without_each(groups, percent), 1)))
    return everything * math.exp(student(level, count - 1) * error)


def _between(
    values: Ordered, percent: Fraction, low: int, high: int, level: float, count: int
) -> Interval:
    return Interval(
        float(values.at_rank(rank_of(percent, values.count))),
        float(values.at_rank(low)) if low >= 1 else -math.inf,
        float(values.at_rank(high)) if high <= values.count else math.inf,
        level,
        count,
    )


# -- warm-up --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WarmUp:
    """Where a run has warmed up."""

    cut: int | None
    """How many values to leave out at the beginning; None when no cut was found."""
    reason: str
    """Why none was found, for the user; empty when one was."""


def mser5(series: Numbers) -> WarmUp:
    """The warm-up of a series, in order of time, by the rule MSER-5.

    In means of 5 values each, the cut is where the standard error of what is left is least: cutting
    more loses data, cutting less keeps the transient (White, Simulation 69(6), 1997; White, Cobb
    and Spratt, Winter Simulation Conference 2000). A cut in the second half means that the run is
    too short to tell. The last 5 means are no candidates, since so few may agree by chance.
    """
    batches = series.size // MSER_BATCH
    if batches < 4 * _BATCHES_LEFT:
        needed = 4 * _BATCHES_LEFT * MSER_BATCH
        return WarmUp(None, f"{series.size} values are too few to find a warm-up: {needed} needed")
    means = series[: batches * MSER_BATCH].reshape(batches, MSER_BATCH).mean(axis=1)
    means -= means.mean()  # squares of what is large and nearly equal would lose their digits
    left = np.arange(batches, 0, -1)
    sums, squares = (np.cumsum(each[::-1])[::-1] for each in (means, means**2))
    errors = np.maximum(squares - sums**2 / left, 0.0) / left**2.0
    best = int(np.argmin(errors[: batches - _BATCHES_LEFT + 1]))
    if best > batches // 2:
        return WarmUp(
            None,
            f"no warm-up found: the run still drifts in its second half, after "
            f"{best * MSER_BATCH} of {series.size} values; it is too short, or not stable",
        )
    return WarmUp(best * MSER_BATCH, "")
