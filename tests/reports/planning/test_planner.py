"""The planner, on queues in numpy: capacities, figures, and which runs it asks for."""

import math
from collections.abc import Generator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import pytest

from reports.planning.evidence import RUNS_MIN
from reports.planning.findings import Replication
from reports.planning.planner import Trial, together
from reports.planning.search import significant
from sim.units import SECOND, ms
from tests.reports.planning.systems import OBJECTIVE, SYSTEMS, Driven, Queue, drive, question


@pytest.fixture(scope="module")
def driven() -> Driven:
    """Both systems, planned once."""
    return drive(SYSTEMS, question())


def true_p99(system: Queue, load: float) -> float:
    """The percentile of a very long run."""
    chance = np.random.default_rng(99)
    starts = np.cumsum(chance.exponential(SECOND / load, 1_000_000))
    work = system.visits * system.service_ns
    walk = np.concatenate([[0.0], np.cumsum(work - np.diff(starts))])
    waits = walk - np.minimum.accumulate(walk)
    return float(np.percentile(waits + work + system.path_ns, 99))


def true_capacity(system: Queue) -> float:
    """The load whose percentile is the limit, by bisection over very long runs."""
    low, high = 0.1 * system.capacity, 0.999 * system.capacity
    for _ in range(12):
        middle = math.sqrt(low * high)
        low, high = (
            (middle, high) if true_p99(system, middle) < OBJECTIVE.limit_ns else (low, middle)
        )
    return low


@dataclass(frozen=True)
class Reseeded(Queue):
    """The same queue under other seeds."""

    offset: int = 0

    def run(self, trial: Trial) -> Replication:
        """See `Queue`."""
        return super().run(replace(trial, run=trial.run + self.offset))


@dataclass(frozen=True)
class Cliff(Queue):
    """Nothing waits below some load; from there on the backlog grows, for no known resource."""

    grows_from: float = 272.0
    scripts: int = 600

    def run(self, trial: Trial) -> Replication:
        """See `Queue`."""
        starts = np.cumsum(np.random.default_rng(trial.run).exponential(1.0, self.scripts))
        starts *= SECOND / trial.load
        growth = max(trial.load / self.grows_from - 1.0, 0.0)
        latencies = ms(2) + starts * (0.05 + growth if growth else 0.0)
        at, count = starts.astype(np.int64), self.scripts
        length = int(starts[-1])
        return Replication(at, latencies.astype(np.int64), count, 0, length, 0, 0, {})


@pytest.mark.slow
@pytest.mark.parametrize("visits", [1, 6])
def test_the_interval_of_a_capacity_is_honest(visits: int) -> None:
    """It covers the truth in 90 % of 30 plans or more; most are narrow, and the others say so.

    So neither intervals that are too wide to miss anything pass, nor ones that are too narrow.
    """
    asked = question(today=None, conditions=("healthy",))
    truth, hits, narrow = true_capacity(Queue(visits=visits)), 0, 0
    for number in range(30):
        system = Reseeded(visits=visits, offset=1_000 * number, scripts=8_000)
        capacity = drive({"x": system}, asked).plans[0].healthy.capacity
        load, half = capacity.load, capacity.half_width
        assert load.low is not None and load.high is not None and half is not None
        hits += load.low <= truth <= load.high
        narrow += half <= 0.075
        assert half <= asked.rules.precision or capacity.reason.startswith("known within ")
    assert hits >= 27 and narrow >= 24, (hits, narrow)


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_capacity_is_that_of_a_very_long_run(driven: Driven, name: str) -> None:
    """Its interval covers it, and the likeliest load is within 5 %."""
    plan = next(plan for plan in driven.plans if plan.name == name)
    load = plan.healthy.capacity.load
    truth = true_capacity(SYSTEMS[name])
    assert load.value is not None and load.low is not None and load.high is not None
    assert load.low <= truth <= load.high
    assert load.value == pytest.approx(truth, rel=0.05)


def test_a_slow_follower_takes_its_share(driven: Driven) -> None:
    """Service half as long again costs a third of the load or more; a lost one costs nothing."""
    for plan in driven.plans:
        capacities = [each.capacity.load.value for each in plan.situations]
        healthy, lost, slow = (value or 0.0 for value in capacities)
        assert lost == pytest.approx(healthy, rel=0.05)
        assert 0.4 * healthy < slow < 0.72 * healthy


def test_tables_have_their_loads(driven: Driven) -> None:
    """Shares of the capacity and steps from today's load, with figures and not only answers."""
    for plan in driven.plans:
        assert list(plan.shares)[:2] == ["50 %", "80 %"]
        assert plan.headroom == {"now": 80, "+25 %": 100, "+50 %": 120, "+100 %": 160}
        high = plan.healthy.capacity.load.high or math.inf
        for load in [*plan.shares.values(), *plan.headroom.values()]:
            probe = plan.healthy.at(load)
            assert (probe is None) == (load > high)
            assert probe is None or probe.runs >= RUNS_MIN


def test_no_run_is_asked_for_twice(driven: Driven) -> None:
    """Of one variant, condition and load, each number once, from 0 on."""
    assert len(set(driven.trials)) == len(driven.trials)
    loads: dict[tuple[str, str, float], list[int]] = {}
    for trial in driven.trials:
        loads.setdefault((trial.variant, trial.condition, trial.load), []).append(trial.run)
    assert all(numbers == list(range(len(numbers))) for numbers in loads.values())


def test_the_same_results_give_the_same_plan(driven: Driven) -> None:
    """So an interrupted plan asks again what it asked before."""
    assert drive(SYSTEMS, question()).plans == driven.plans


def test_a_variant_is_planned_as_if_alone(driven: Driven) -> None:
    """Whoever else is planned beside it."""
    alone = drive({"one_fence": SYSTEMS["one_fence"]}, question())
    assert alone.plans == driven.plans[1:]


def test_an_objective_out_of_reach_is_told() -> None:
    """Even the lowest load misses it; nothing else is tried but the lowest and the headroom."""
    (plan,) = drive({"x": Queue(path_ns=1e9)}, question(today=None)).plans
    assert plan.healthy.capacity.found == "below"
    assert plan.healthy.capacity.reason == (
        "even 10/s, the lowest load asked for, does not keep latency.p99 < 50ms"
    )
    assert [probe.load for probe in plan.healthy.probes] == [10]


def test_an_objective_that_every_load_keeps_is_told() -> None:
    """The highest load was tried."""
    (plan,) = drive({"x": Queue()}, question(highest=300, today=None)).plans
    assert plan.healthy.capacity.found == "above"
    assert plan.healthy.capacity.reason == (
        "300/s, the highest load asked for, still keeps latency.p99 < 50ms"
    )


def test_failures_beyond_the_percentile_miss_at_every_load() -> None:
    """Of 2 % of failures there is no p99, and so no number of runs that it wants."""
    failing = Queue(failed=lambda load: 0.02)
    (plan,) = drive({"x": failing}, question(lowest=100, conditions=("healthy",))).plans
    assert plan.healthy.capacity.found == "below"
    (plan,) = drive({"x": failing}, question(lowest=50, conditions=("healthy",))).plans
    assert plan.headroom["now"] == 80 and plan.healthy.at(80) is None


@pytest.mark.parametrize("grows_from", [12, 272, 300, 15_000])
def test_a_cliff_lies_inside_its_bracket(grows_from: float) -> None:
    """A backlog that grows from some load on, for no resource that is known: the plan ends, tells
    the middle of what it knows, and asks for loads as a user can type them.
    """
    driven = drive({"x": Cliff(grows_from=grows_from)}, question(conditions=("healthy",)))
    healthy = driven.plans[0].healthy
    load, half = healthy.capacity.load, healthy.capacity.half_width
    assert load.low is not None and load.high is not None and load.value is not None
    assert load.low <= grows_from <= load.high and load.low < load.value < load.high
    assert half is not None
    assert half == pytest.approx(max(load.high / load.value - 1.0, 1.0 - load.low / load.value))
    assert healthy.nearest.load <= load.value and healthy.nearest.answer == "kept"
    for trial in driven.trials:
        assert trial.load == significant(trial.load)
        assert 10 <= trial.load <= 20_000 or trial.load in driven.plans[0].shares.values()


def test_the_share_just_below_is_below() -> None:
    """The highest load up to the capacity that had runs, wherever the settled loads lie."""
    for offset in range(12):
        system = Reseeded(visits=1 + offset % 3, offset=1_000 * offset, scripts=1_500)
        (plan,) = drive({"x": system}, question(today=None, conditions=("healthy",))).plans
        reached, below = plan.healthy.capacity.load.value, list(plan.shares.values())[-1]
        assert reached is not None and 0.8 * reached < below <= reached
        assert below == plan.healthy.nearest.load


def test_several_courses_share_a_wave_and_get_their_own_replies() -> None:
    """One that ends early leaves the others going; results come in the order of the courses."""

    def count(name: str, waves: int) -> Generator[list[Trial], list[Replication], list[int]]:
        seen = []
        for wave in range(waves):
            replies = yield [Trial(name, "healthy", 1.0, wave)] * (wave + 1)
            seen += [reply.scripts for reply in replies]
        return seen

    steps = together([count("a", 2), count("b", 0), count("c", 3)])
    asked, wanted = [], next(steps)
    try:
        while True:
            asked.append([trial.variant for trial in wanted])
            wanted = steps.send([_numbered(ord(trial.variant)) for trial in wanted])
    except StopIteration as end:
        assert end.value == [[97] * 3, [], [99] * 6]
    assert asked == [["a", "c"], ["a", "a", "c", "c"], ["c", "c", "c"]]


def _numbered(number: int) -> Replication:
    nothing = np.zeros(0, dtype=np.int64)
    return Replication(nothing, nothing, number, 0, 0, 0, 0, {})


def test_the_percentile_is_the_one_of_the_objective() -> None:
    """A p50 keeps far more load than a p99."""
    loads = {}
    for percent in (50, 99):
        asked = question(today=None, conditions=("healthy",))
        objective = type(OBJECTIVE)("x", Fraction(percent), 10_000_000)
        rules = type(asked.rules)(objective, 0.05, 0.95, 20)
        (plan,) = drive({"x": Queue()}, question(
            today=None, conditions=("healthy",), rules=rules)).plans  # fmt: skip
        loads[percent] = plan.healthy.capacity.load.value or 0.0
    assert 700 < loads[99] < 0.9 * loads[50]
