"""Plans of real scenarios, small: the points they ask for, and what comes back."""

from contextlib import nullcontext
from pathlib import Path

import pytest

from readfence.console import ShowPlan
from readfence.executors import Inline
from readfence.planning import check_plan, make_plan
from readfence.points import Point
from readfence.runner import PointRunner
from readfence.scenarios import load
from readfence.store import PointStore
from reports.planning.record import PlanRecord, plan_text
from sim.errors import InputError

SCENARIO = """\
title: a small plan
seed: 3
fidelity: rounds
network: {one_way: 500us}
data: {k: {count: 10, state: str_new}}
workload:
  - name: reads
    arrivals: {rate: 30/s}
    scripts:
      - name: get
        lua: return redis.call('GET', KEYS[1])
        keys: [{from: k}]
  - name: more
    arrivals: {rate: 10/s}
    scripts: [{command: [GET, k:0]}]
stop: {scripts: 300}
variants:
  one_fence: {fence: one_fence}
plan: {slo: latency.p99 < 20ms, load: 300/s..2000/s, today: 400/s, precision: 20%, runs: 5}
"""


class Asked(PointRunner):
    """A runner that remembers what it was asked for."""

    def __init__(self, store: PointStore | None) -> None:
        super().__init__(Inline(), store)
        self.points: list[Point] = []

    def submit(self, index: int, point: Point) -> None:
        """See `PointRunner`."""
        self.points.append(point)
        super().submit(index, point)


def scenario(text: str = SCENARIO) -> str:
    """The scenario as a file in the current folder."""
    Path("small.yaml").write_text(text)
    return "small.yaml"


def silent(name: str, words: str, runs: int) -> None:
    """Show nothing."""


def planned(runner: PointRunner, *settings: str, show: ShowPlan = silent) -> PlanRecord:
    """The plan of the scenario."""
    return make_plan(load(scenario(), settings), runner, show)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[PlanRecord, Asked, list[str]]:
    """One plan, what it asked for, and what was shown."""
    folder, shown = tmp_path_factory.mktemp("plan"), list[str]()
    path = folder / "small.yaml"
    path.write_text(SCENARIO)
    runner = Asked(PointStore(folder / "points", shown.append))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("readfence.runs.unhurried_collector", nullcontext)  # as in conftest
        record = make_plan(
            load(str(path)),
            runner,
            lambda name, words, runs: shown.append(f"{name} {words} {runs}"),
        )
    return record, runner, shown


def test_it_finds_a_capacity_and_its_bottleneck(
    made: tuple[PlanRecord, Asked, list[str]],
) -> None:
    """A lane of one round trip of 1 ms carries less than 1,000 rounds a second, and not much."""
    healthy = made[0].variants[0].healthy
    assert healthy.capacity.load.value is not None and 500 < healthy.capacity.load.value < 1_000
    assert (healthy.nearest.bottleneck or "").endswith(".heartbeats")


def test_open_groups_share_the_load_as_in_the_scenario(
    made: tuple[PlanRecord, Asked, list[str]],
) -> None:
    """Three quarters of each load to the one, a quarter to the other, and both to the end."""
    first = made[1].points[0].system
    assert [group["arrivals"]["rate"] for group in first["workload"]] == ["225/s", "75/s"]
    assert (first["timelines"], first["stop"]) == (0, {"time": "2s"})


def test_runs_have_seeds_of_their_own_and_conditions_their_nodes(
    made: tuple[PlanRecord, Asked, list[str]],
) -> None:
    """From the scenario's seed on; a follower is lost, or ten times slower, never the leader."""
    points = made[1].points
    assert {point.seed for point in points} == {3, 4, 5, 6, 7}
    clusters = [point.system["cluster"] for point in points]
    assert [] in [cluster["lost"] for cluster in clusters]
    assert {tuple(cluster["lost"]) for cluster in clusters} == {(), ("n2",)}
    assert {tuple(cluster["slow"].items()) for cluster in clusters} == {(), (("n2", 10.0),)}


def test_it_shows_what_is_tried(made: tuple[PlanRecord, Asked, list[str]]) -> None:
    """Loads, conditions, and the end."""
    shown = made[2]
    assert shown[0] == "one_fence 300/s 0" and shown[-1].startswith("one_fence done ")
    assert any("one follower lost: " in line for line in shown)


def test_a_plan_that_was_made_runs_nothing_again(
    made: tuple[PlanRecord, Asked, list[str]],
) -> None:
    """What the store holds answers for all of it, with the same bytes."""
    record, runner, _ = made
    again = PointRunner(Inline(), runner._store)
    assert plan_text(planned(again)) == plan_text(record)
    assert (again.ran, again.from_store) == (0, runner.ran)


class Interrupted(PointRunner):
    """A runner at which somebody presses Ctrl-C."""

    def __init__(self, store: PointStore, after: int) -> None:
        super().__init__(Inline(), store)
        self._left = after

    def submit(self, index: int, point: Point) -> None:
        """See `PointRunner`."""
        self._left -= 1
        if self._left < 0:
            raise KeyboardInterrupt
        super().submit(index, point)


def test_an_interrupted_plan_goes_on_where_it_stopped(
    made: tuple[PlanRecord, Asked, list[str]], tmp_path: Path
) -> None:
    """Only the missing runs are made, and the record is that of an undisturbed plan."""
    store = PointStore(tmp_path / "points", lambda text: None)
    broken = Interrupted(store, 20)
    with pytest.raises(KeyboardInterrupt):
        planned(broken)
    assert broken.ran > 0
    rest = PointRunner(Inline(), store)
    assert plan_text(planned(rest)) == plan_text(made[0])
    assert (rest.from_store, rest.ran) == (broken.ran, made[1].ran - broken.ran)


def test_the_follower_may_be_named() -> None:
    """One that is near, for the worst case; the leader is none."""
    loaded = load(scenario(), ["plan.follower=n3"])
    assert check_plan(loaded).follower == "n3"
    with pytest.raises(InputError, match=r"plan.follower: expected a node that does not lead"):
        check_plan(load(scenario(), ["plan.follower=n1"]))


def test_two_nodes_can_lose_none() -> None:
    """A majority of two is two."""
    record = planned(PointRunner(Inline(), None), "cluster.nodes=2", "plan.load=50/s..100/s")
    assert [each.condition for each in record.variants[0].situations] == ["healthy", "slow"]


def test_a_scenario_without_a_plan_is_refused() -> None:
    """With an example; so is one in which no load can be varied."""
    without = SCENARIO[: SCENARIO.index("plan:")]
    with pytest.raises(InputError, match="expected a section `plan:` with `slo` and `load`"):
        check_plan(load(scenario(without)))
    closed = SCENARIO.replace("arrivals: {rate: 30/s}", "clients: 3")
    closed = closed.replace("arrivals: {rate: 10/s}", "clients: 1")
    with pytest.raises(InputError, match="got only closed loops in variant one_fence"):
        check_plan(load(scenario(closed)))


def test_a_run_that_went_wrong_is_a_bug_with_its_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no property of the system that is planned."""

    def broken(*args: object, **kwargs: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr("readfence.points.run_variant", broken)
    with pytest.raises(RuntimeError, match="variant one_fence, seed 3: ZeroDivisionError: planted"):
        planned(PointRunner(Inline(), None))
