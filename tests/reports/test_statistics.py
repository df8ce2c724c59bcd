"""Statistics: intervals cover what they claim, warm-ups end where they do.

Coverage is measured on M/M/1, whose p99 is known: 1,000 experiments in the slow form (acceptance 5
of capacity planning), 200 in the quick one. The same judge refuses an interval that takes the
scripts of a run for independent.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import binom, t

from reports.statistics import (
    Interval,
    Numbers,
    Ordered,
    jackknife_bound,
    jackknife_error,
    mean_interval,
    mser5,
    percentiles_without_each,
    pooled_percentile_interval,
    rank_of,
    student,
)
from tests.sim.queueing_theory import mm1_response_quantile

P50, P99 = Fraction(50), Fraction(99)


# -- coverage -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class System:
    """An M/M/1 with a mean service time of 1, seen in replications."""

    utilisation: float = 0.5
    replications: int = 10
    scripts: int = 4_000

    @property
    def p99(self) -> float:
        """What the interval must cover."""
        return mm1_response_quantile(self.utilisation, 1.0, 0.99)

    def experiments(self, count: int) -> Iterator[Numbers]:
        """Response times, a column per replication, of each experiment under a seed of its own."""
        for seed in range(count):
            yield self._experiment(np.random.default_rng(seed))

    def _experiment(self, chance: np.random.Generator) -> Numbers:
        """Replications that begin in equilibrium, by Lindley's recursion without a loop.

        The wait is the walk of (service - gap) less its least value so far, or less the start.
        """
        shape = (self.scripts, self.replications)
        services, gaps = chance.exponential(1.0, shape), chance.exponential(1.0, shape)
        gaps /= self.utilisation
        in_equilibrium = chance.exponential(1.0 / (1.0 - self.utilisation), shape[1])
        waits_at_all = chance.random(shape[1]) < self.utilisation
        first = np.where(waits_at_all, in_equilibrium, 0.0)
        walk = np.zeros(shape)
        np.cumsum(services[:-1] - gaps[1:], axis=0, out=walk[1:])
        lowest = np.minimum.accumulate(np.minimum(walk, 0.0), axis=0)
        waits: Numbers = walk + np.maximum(first, -lowest)
        return waits + services


def of_replications(responses: Numbers) -> Interval:
    """The interval that plans use."""
    groups = [Ordered(column) for column in responses.T]
    return pooled_percentile_interval(groups, Ordered(responses.ravel()), P99, level=0.95)


def as_if_independent(responses: Numbers) -> Interval:
    """The interval that must not be used: neighbours in a queue wait together."""
    values = Ordered(responses.ravel())
    ranks = binom.ppf([0.025, 0.975], values.count, 0.99).astype(int)
    low, high = (values.at_rank(rank) for rank in ranks)
    return Interval(low, low, high, 0.95, values.count)


def of_short_runs(responses: Numbers) -> Interval:
    """Another one: the p99 of a short run is biased, and so is the mean of many."""
    runs = np.split(responses, len(responses) // 40)
    return mean_interval(np.array([np.percentile(run, 99) for run in runs]), level=0.95)


def covered(method: Callable[[Numbers], Interval], system: System, count: int) -> float:
    """The share of experiments whose interval covers the p99."""
    hits = sum(method(each).covers(system.p99) for each in system.experiments(count))
    return hits / count


def honest(share: float, count: int) -> bool:
    """The judge: 93 to 97 % of 1,000 experiments, and as much more as fewer leave to chance."""
    low, high = 0.93, 0.97
    if count < 1_000:
        low, high = (float(binom.ppf(q, count, 0.95)) / count for q in (0.001, 0.999))
    return low <= share <= high


def test_the_interval_of_replications_covers_the_p99_of_a_queue() -> None:
    """The quick form: 200 seeds, whatever 95 % may come to in 998 of 1,000 cases."""
    assert honest(covered(of_replications, System(scripts=2_000), 200), 200)


@pytest.mark.slow
@pytest.mark.parametrize("utilisation", [0.5, 0.7])
def test_it_covers_95_percent_of_1000_seeds(utilisation: float) -> None:
    """Between 93 and 97 %, at half load and where waits of neighbours are closely tied."""
    system = System(utilisation=utilisation)
    assert honest(covered(of_replications, system, 1_000), 1_000)


@pytest.mark.parametrize("method", [as_if_independent, of_short_runs])
def test_the_judge_refuses_intervals_that_promise_too_much(
    method: Callable[[Numbers], Interval],
) -> None:
    """Neither scripts taken for independent nor the mean of biased percentiles come near."""
    share = covered(method, System(scripts=1_000), 200)
    assert not honest(share, 200) and share < 0.8


def test_the_judge_refuses_an_interval_that_is_too_wide() -> None:
    """One that is always right tells nothing."""

    def too_wide(responses: Numbers) -> Interval:
        found = of_replications(responses)
        middle, half = (found.high + found.low) / 2, 2 * found.half_width
        return Interval(found.estimate, middle - half, middle + half, 0.95, found.count)

    assert not honest(covered(too_wide, System(), 200), 200)


# -- intervals ------------------------------------------------------------------------------------


def test_an_interval_tells_its_half_width_as_a_share() -> None:
    """Of the estimate; of an estimate of 0 there is no share, unless nothing is unsure."""
    assert Interval(100.0, 90.0, 110.0, 0.95, 5).relative == 0.1
    assert Interval(0.0, -1.0, 1.0, 0.95, 5).relative == math.inf
    assert Interval(0.0, 0.0, 0.0, 0.95, 5).relative == 0.0
    assert Interval(math.inf, 1.0, math.inf, 0.95, 5).relative == math.inf
    assert Interval(math.inf, math.inf, math.inf, 0.95, 5).relative == math.inf
    assert Interval(1.0, 1.0, 2.0, 0.95, 5).covers(1.0)
    assert not Interval(1.0, 1.0, 2.0, 0.95, 5).covers(2.1)


@pytest.mark.parametrize(("level", "freedom"), [(0.95, 1), (0.95, 9), (0.99, 30)])
def test_students_quantile_is_that_of_scipy(level: float, freedom: int) -> None:
    """Two-sided."""
    assert student(level, freedom) == pytest.approx(t.ppf((1 + level) / 2, freedom), rel=1e-9)


def test_the_mean_of_two_values_by_hand() -> None:
    """1 and 3: mean 2, standard error 1, t of one degree of freedom 12.706."""
    found = mean_interval(np.array([1.0, 3.0]), level=0.95)
    assert (found.estimate, found.count) == (2.0, 2)
    assert found.half_width == pytest.approx(12.7062, rel=1e-5)


def test_one_value_has_an_interval_without_ends() -> None:
    """A mean and a pooled percentile of one replication alike."""
    group = Ordered(np.arange(100))
    for found in (
        mean_interval(np.array([5.0]), level=0.95),
        pooled_percentile_interval([group], group, P50, level=0.95),
    ):
        assert (found.low, found.high) == (-math.inf, math.inf)
        assert found.relative == math.inf


def test_a_percentile_is_the_nearest_rank() -> None:
    """A value that occurred: p99 of 100 is the 99th, of 101 the 100th."""
    assert [rank_of(P99, count) for count in (1, 100, 101, 1_000)] == [1, 99, 100, 990]
    with pytest.raises(AssertionError):
        rank_of(Fraction(0), 5)


def test_the_jackknife_bounds_what_ranks_cannot() -> None:
    """Few groups that differ by much: the bound is finite, and above the p99 in most cases."""
    system, level = System(utilisation=0.7, replications=5, scripts=1_000), 0.99
    bounds, open_ends = [], 0
    for responses in system.experiments(200):
        groups = list(1e6 * responses.T)
        bounds.append(jackknife_bound(groups, P99, level=level) / 1e6)
        open_ends += math.isinf(of_replications(responses).high)
    assert open_ends > 100 and max(bounds) < math.inf
    assert np.mean(np.array(bounds) >= system.p99) > 0.9


def test_percentiles_without_each_group_are_those_of_the_rest() -> None:
    """Of groups of different sizes, by leaving them out."""
    chance = np.random.default_rng(6)
    groups = [chance.exponential(size=size) for size in (300, 500, 400)]
    rests = [np.concatenate(groups[:at] + groups[at + 1 :]) for at in range(3)]
    expected = [Ordered(rest).at_rank(rank_of(P99, rest.size)) for rest in rests]
    assert percentiles_without_each(groups, P99).tolist() == expected


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    """For which it is exact."""
    values = np.random.default_rng(7).normal(size=12)
    without = (values.sum() - values) / 11
    assert jackknife_error(without) == pytest.approx(values.std(ddof=1) / math.sqrt(12))


def test_equal_groups_leave_no_doubt() -> None:
    """What does not vary from replication to replication has an interval of one value."""
    group = Ordered(np.arange(1, 101))
    pool = Ordered(np.repeat(np.arange(1, 101), 4))
    found = pooled_percentile_interval([group] * 4, pool, P99, level=0.95)
    assert (found.low, found.estimate, found.high) == (99.0, 99.0, 99.0)


# -- warm-up --------------------------------------------------------------------------------------


def settled(count: int = 2_000, seed: int = 5) -> Numbers:
    """A series without a transient."""
    values: Numbers = np.random.default_rng(seed).exponential(1.0, count)
    return values


def test_a_transient_is_cut_and_little_else() -> None:
    """A start that is ten times too high for 300 values; the cut ends within 50 of it."""
    cuts = []
    for seed in range(20):
        series = settled(seed=seed)
        series[:300] *= np.linspace(10.0, 1.0, 300)
        cut = mser5(series).cut
        assert cut is not None and cut % 5 == 0
        cuts.append(cut)
    assert 150 < float(np.median(cuts)) <= 350


def test_a_series_that_begins_settled_keeps_most_of_itself() -> None:
    """The rule is known to cut a little by chance, not a half."""
    cuts = [mser5(settled(seed=seed)).cut for seed in range(20)]
    known = [cut for cut in cuts if cut is not None]
    assert len(known) == 20 and float(np.median(known)) < 200


def test_the_rule_is_the_formula_written_out() -> None:
    """Against the sum as White, Cobb and Spratt print it."""
    series = settled(600, seed=6)
    series[:100] += 3.0
    means = series.reshape(-1, 5).mean(axis=1)
    errors = [
        sum((x - means[d:].mean()) ** 2 for x in means[d:]) / (len(means) - d) ** 2
        for d in range(len(means) - 4)
    ]
    assert mser5(series).cut == 5 * int(np.argmin(errors))


def test_a_run_that_still_drifts_has_no_cut() -> None:
    """Its second half is not like its first: say so."""
    found = mser5(np.linspace(1.0, 100.0, 1_000))
    assert found.cut is None and "still drifts in its second half" in found.reason


def test_too_few_values_have_no_cut() -> None:
    """With how many are needed."""
    found = mser5(np.ones(99))
    assert (found.cut, found.reason) == (
        None,
        "99 values are too few to find a warm-up: 100 needed",
    )


def test_a_large_constant_does_not_drown_the_rule() -> None:
    """Squares of instants in ns would lose the digits that tell."""
    series = settled()
    series[:300] *= np.linspace(10.0, 1.0, 300)
    assert mser5(series + 1e12).cut == mser5(series).cut
