"""Stability: a queue that grows is told from one that is merely long, and from too short a look."""

import numpy as np
import pytest

from reports.planning.stability import BATCHES, Course, Stability, stability
from reports.statistics import Numbers
from sim.units import SECOND, ms

RATE = 1_000
"""Scripts per second that come."""


def course(
    utilisation: float, *, scripts: int = 20_000, seed: int = 1, left_out: int = 0
) -> Course:
    """Scripts that pass one server with exponential service, by Lindley's recursion."""
    chance = np.random.default_rng(seed)
    gaps = chance.exponential(SECOND / RATE, scripts)
    services = chance.exponential(utilisation * SECOND / RATE, scripts)
    walk = np.concatenate([[0.0], np.cumsum(services[:-1] - gaps[1:])])
    latencies = walk - np.minimum.accumulate(walk) + services
    starts = np.cumsum(gaps)
    starts, latencies = starts[left_out:], latencies[left_out:]
    ends = starts + latencies
    completed = int(np.count_nonzero(ends <= starts[-1]))
    return Course(starts, latencies, len(starts), completed)


def flat(backlog: Numbers, *, arrived: int | None = None, completed: int | None = None) -> Course:
    """A course with just this backlog, a value per millisecond."""
    at = ms(1) * np.arange(len(backlog))
    arrived = len(backlog) if arrived is None else arrived
    return Course(at, backlog, arrived, arrived if completed is None else completed)


def judged(*courses: Course) -> Stability:
    """The verdict at the usual level."""
    return stability(courses, level=0.95)


@pytest.mark.parametrize("utilisation", [0.3, 0.6, 0.8])
def test_a_queue_that_keeps_up_is_stable(utilisation: float) -> None:
    """Under every seed of twenty, or unknown now and then, but never unstable."""
    words = [judged(course(utilisation, seed=seed)).verdict for seed in range(20)]
    assert words.count("stable") >= 18 and "unstable" not in words


@pytest.mark.parametrize("utilisation", [1.05, 1.3, 3.0])
def test_an_overloaded_queue_is_unstable(utilisation: float) -> None:
    """Under every seed of twenty, and so is one that only just cannot keep up."""
    words = [judged(course(utilisation, seed=seed)).verdict for seed in range(20)]
    assert words == ["unstable"] * 20


def test_the_share_that_piles_up_is_measured() -> None:
    """At 125 % of what a server can do, a quarter of the load becomes backlog."""
    slow = course(1.25)
    found = judged(flat(slow.backlog_ns))
    assert found.verdict == "unstable" and found.piling is not None
    assert found.piling.covers(0.25) and found.piling.half_width < 0.1
    assert found.reason.startswith("the queue grows: the backlog went from ")


def test_more_runs_tell_what_one_cannot() -> None:
    """At 93 %, one short run wanders too much to tell; forty under forty seeds agree."""
    runs = [course(0.93, scripts=2_000, seed=seed, left_out=500) for seed in range(40)]
    assert [judged(run).verdict for run in runs].count("unknown") >= 20
    assert judged(*runs).verdict == "stable"


def test_work_left_undone_is_enough() -> None:
    """However flat the latency of those that got through."""
    found = judged(flat(np.full(1_000, 5e6), arrived=1_000, completed=800))
    assert (found.verdict, found.piling) == ("unstable", None)
    assert found.reason == (
        "of 1,000 scripts that came, 800 were done: 20.0% of the load is left behind"
    )


def test_what_chance_leaves_undone_is_not() -> None:
    """Up to four standard errors of the number that came, or 1 % of it."""
    quiet = np.full(1_000, 5e6)
    assert judged(flat(quiet, completed=1_000 - 126)).verdict == "stable"
    assert judged(flat(quiet, completed=1_000 - 127)).verdict == "unstable"
    many = judged(flat(quiet, arrived=1_000_000, completed=989_000))
    assert many.verdict == "unstable"


def test_growth_that_matters_to_nobody_is_not_instability() -> None:
    """Certain, but a ten-thousandth of the load and little beside the backlog there is."""
    creeping = ms(50) + 1e-4 * ms(1) * np.arange(10_000)
    assert judged(flat(creeping)).verdict == "stable"
    from_nothing = 1e-4 * ms(1) * np.arange(10_000)
    assert judged(flat(from_nothing)).verdict == "unstable"


def test_too_few_values_are_unknown() -> None:
    """With how many are needed; ten for each stretch."""
    found = judged(flat(np.full(10 * BATCHES - 1, 1e6)))
    assert found.verdict == "unknown"
    assert found.reason == "199 values are too few to see whether the queue grows: 200 needed"


def test_a_short_look_at_a_wandering_queue_is_unknown() -> None:
    """Neither word would be honest."""
    chance = np.random.default_rng(3)
    walk = 1e8 + np.cumsum(chance.normal(0, 1e6, 2_000))
    assert judged(flat(walk)).verdict == "unknown"
