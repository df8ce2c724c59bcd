"""Stability: a queue that grows is told from one that is merely long, and from too short a look."""

import numpy as np
import pytest

from reports.planning.stability import Backlog, Stability, stability
from reports.statistics import Numbers
from sim.units import SECOND, ms

RATE = 1_000
"""Scripts per second that come."""
KNOWN = pytest.mark.parametrize("known", [True, False], ids=["resource known", "backlog alone"])


def one_server(
    utilisation: float, *, scripts: int, seed: int, constant: bool = False
) -> tuple[Backlog, float]:
    """Scripts that pass one server, by Lindley's recursion, and the share of time they need."""
    chance = np.random.default_rng([seed, scripts])
    starts = np.cumsum(chance.exponential(SECOND / RATE, scripts))
    services = np.full(scripts, utilisation * SECOND / RATE)
    if not constant:
        services *= chance.exponential(1.0, scripts)
    walk = np.concatenate([[0.0], np.cumsum(services[:-1] - np.diff(starts))])
    latencies = walk - np.minimum.accumulate(walk) + services
    completed = int(np.count_nonzero(starts + latencies <= starts[-1]))
    needed = float(services.mean()) * RATE / SECOND
    return Backlog(starts, latencies - latencies.min(), scripts, completed), needed


def verdicts(
    utilisation: float,
    *,
    runs: int = 5,
    scripts: int = 5_000,
    constant: bool = False,
    known: bool = True,
    plans: int = 100,
) -> dict[str, float]:
    """How often each word is said, over plans under seeds of their own."""
    said = {"stable": 0.0, "unstable": 0.0, "unknown": 0.0}
    for plan in range(plans):
        seen = [
            one_server(utilisation, scripts=scripts, seed=runs * plan + run, constant=constant)
            for run in range(runs)
        ]
        needed = np.array([share for _, share in seen]) if known else None
        said[stability([backlog for backlog, _ in seen], needed, level=0.95).verdict] += 1 / plans
    return said


def flat(backlog: Numbers, *, arrived: int | None = None, completed: int | None = None) -> Backlog:
    """A run with just this backlog, a value per millisecond."""
    at = ms(1) * np.arange(len(backlog))
    arrived = len(backlog) if arrived is None else arrived
    return Backlog(at, backlog, arrived, arrived if completed is None else completed)


def judged(*backlogs: Backlog, needed: Numbers | None = None) -> Stability:
    """The verdict at the usual level."""
    return stability(backlogs, needed, level=0.95)


@KNOWN
@pytest.mark.parametrize("scripts", [1_000, 5_000])
@pytest.mark.parametrize("constant", [False, True], ids=["M/M/1", "M/D/1"])
@pytest.mark.parametrize("utilisation", [1.0, 1.01])
def test_a_queue_at_its_limit_is_not_called_stable(
    utilisation: float, constant: bool, scripts: int, known: bool
) -> None:
    """But in the few cases that the level leaves to chance, in runs as long as a plan's."""
    said = verdicts(utilisation, scripts=scripts, constant=constant, known=known, plans=200)
    assert said["stable"] <= 0.05


@pytest.mark.slow
@KNOWN
@pytest.mark.parametrize("runs", [3, 5, 12])
@pytest.mark.parametrize("constant", [False, True], ids=["M/M/1", "M/D/1"])
def test_nor_is_it_over_a_thousand_plans(constant: bool, runs: int, known: bool) -> None:
    """However many runs it has."""
    said = verdicts(1.0, runs=runs, constant=constant, known=known, plans=1_000)
    assert said["stable"] <= 0.04


@pytest.mark.parametrize("constant", [False, True], ids=["M/M/1", "M/D/1"])
def test_a_queue_that_keeps_up_is_stable(constant: bool) -> None:
    """At 90 % of what its server can do, in runs as long as a plan's."""
    said = verdicts(0.9, constant=constant)
    assert said["stable"] >= 0.95 and said["unstable"] == 0.0
    assert verdicts(0.6, scripts=1_000, constant=constant)["stable"] >= 0.99


def test_time_to_spare_is_not_yet_settled() -> None:
    """Short runs near the limit keep up, and still show too little of the long queues."""
    seen = [one_server(0.95, scripts=1_000, seed=seed) for seed in range(5)]
    found = judged(*(backlog for backlog, _ in seen), needed=np.full(5, 0.95))
    assert found.verdict == "stable" and not found.settled
    seen = [one_server(0.5, scripts=5_000, seed=seed) for seed in range(5)]
    assert judged(*(backlog for backlog, _ in seen)).settled


def test_the_backlog_alone_tells_it_too() -> None:
    """Only later: more or longer runs are needed near the limit."""
    assert verdicts(0.7, known=False)["stable"] >= 0.95
    assert verdicts(0.9, known=False)["stable"] < verdicts(0.9, known=False, runs=12)["stable"]


@KNOWN
@pytest.mark.parametrize("utilisation", [1.05, 1.3, 3.0])
def test_an_overloaded_queue_is_unstable(utilisation: float, known: bool) -> None:
    """Nearly always, and never stable."""
    said = verdicts(utilisation, known=known)
    assert said["unstable"] >= 0.98 and said["stable"] == 0.0


def test_a_resource_beside_the_way_does_not_make_it_unstable() -> None:
    """One that would need more than all its time, where no script waits the longer for it."""
    runs = [flat(quiet) for quiet in np.random.default_rng(2).exponential(1e6, (5, 2_000))]
    assert judged(*runs, needed=np.full(5, 1.4)).verdict == "stable"


def test_work_left_undone_is_enough() -> None:
    """However flat the latency of those that got through."""
    found = judged(flat(np.full(1_000, 5e6), arrived=1_000, completed=800))
    assert found.verdict == "unstable"
    assert found.reason == (
        "of 1,000 scripts that came, 800 were done: 20.0% of the load is left behind"
    )


def test_what_chance_leaves_undone_is_not() -> None:
    """Up to four standard errors of the number that came, or 1 % of it."""
    quiet = np.full(1_000, 5e6)
    assert judged(flat(quiet, completed=1_000 - 126)).verdict == "unknown"
    assert judged(flat(quiet, completed=1_000 - 127)).verdict == "unstable"
    many = judged(flat(quiet, arrived=1_000_000, completed=989_000))
    assert many.verdict == "unstable"


def test_growth_of_less_than_half_the_backlog_is_none() -> None:
    """At the limit it is 0.79 of it, from the first third to the last."""
    noise = np.random.default_rng(1).normal(0, 1e5, (5, 9_000))
    limit = 1e6 * np.sqrt(np.arange(9_000.0))
    slight = 1e8 + 1e3 * np.arange(9_000.0)
    assert judged(*(flat(slight + each) for each in noise)).verdict == "stable"
    assert judged(*(flat(limit + each) for each in noise)).verdict != "stable"


def test_too_few_values_are_unknown() -> None:
    """With how many are needed."""
    found = judged(flat(np.full(99, 1e6)))
    assert found.verdict == "unknown"
    assert found.reason == "99 scripts are too few to see whether the queue grows: 100 needed"


def test_a_single_run_is_unknown() -> None:
    """It shows no spread by which to tell growth from chance."""
    found = judged(flat(np.full(1_000, 1e6)))
    assert found.verdict == "unknown"
    assert found.reason.startswith("one run tells nothing of whether the queue grows")
