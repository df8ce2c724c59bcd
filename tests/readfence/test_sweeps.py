"""From the `sweep:` of a scenario to points: which there are, and what is refused."""

from pathlib import Path

import pytest

from readfence.executors import Inline
from readfence.points import Point
from readfence.runner import PointRunner
from readfence.sweeps import SweepPlan, plan_sweep
from reports.sweeping.rows import Sweep
from sim.errors import InputError
from tests.readfence.front_door import RECORDINGS, small

TWO = "{settings: {network.one_way: [1ms, 3ms], workload.clients: [1, 2]}}"


def plan(sweep: str = TWO, *replacements: tuple[str, str]) -> SweepPlan:
    """The plan of the small scenario with that sweep."""
    Path("s.yaml").write_text(small(*replacements) + f"sweep: {sweep}\n")
    return plan_sweep("s.yaml")


def ran(planned: SweepPlan) -> Sweep:
    """The sweep, run in this process."""
    return planned.run(PointRunner(Inline(), None), lambda: None)


def complaint(sweep: str, *replacements: tuple[str, str]) -> str:
    """What is said of a sweep that is refused."""
    with pytest.raises(InputError) as error:
        list(plan(sweep, *replacements).read())
    return str(error.value)


def test_rows_are_combinations_by_variants_by_seeds() -> None:
    """In that order, whatever order the points ended in; settings as they are written."""
    planned = plan("{settings: {network.one_way: [1ms, 3ms]}, seeds: 2}")
    assert planned.total == 8
    rows = ran(planned).rows
    assert [(row.settings, row.variant, row.seed) for row in rows] == [
        ((way,), variant, seed)
        for way in ("1ms", "3ms")
        for variant in ("one_fence", "none")
        for seed in (1, 2)
    ]
    assert all(row.status == "ok" for row in rows)


def test_points_are_handed_out_bit_by_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A million of them would not fit in memory; the rows are the same, and none is missing."""
    expected = ran(plan()).rows
    monkeypatch.setattr("readfence.sweeps.AHEAD", 2)
    most = 0

    class Watching(PointRunner):
        def submit(self, index: int, point: Point) -> None:
            nonlocal most
            super().submit(index, point)
            most = max(most, len(self._waiting))

    runner = Watching(Inline(), None)
    assert plan().run(runner, lambda: None).rows == expected
    assert most == 2


def test_a_setting_takes_effect() -> None:
    """A round takes two ways: nothing else is between 1 and 3 ms one way."""
    slow = {row.settings: row.value for row in ran(plan()).rows if row.variant == "one_fence"}
    assert slow[("1ms", 1)] is not None
    assert 2e6 < slow[("1ms", 1)] < 3e6 and 6e6 < (slow[("3ms", 1)] or 0) < 7e6


def test_a_variant_can_be_swept_alone() -> None:
    """The points of the others are the same, so they are run once."""
    planned = plan("{settings: {variants.none.network.one_way: [1ms, 2ms, 3ms]}}")
    runner = PointRunner(Inline(), None)
    swept = planned.run(runner, lambda: None)
    assert len(swept.rows) == 6
    assert runner.ran in (2, 3, 4)
    assert len({row.value for row in swept.rows if row.variant == "one_fence"}) == 1


def test_a_setting_of_the_one_variant() -> None:
    """Without variants, the fence itself can be swept; it names them."""
    replaced = [("variants:\n  one_fence: {fence: one_fence}\n  none: {fence: none}\n", "")]
    planned = plan("{settings: {fence: [one_fence, none]}}", *replaced)
    assert [row.variant for row in ran(planned).rows] == ["one_fence", "none"]


@pytest.mark.parametrize(
    ("sweep", "message"),
    [
        ("{settings: {network.one_wy: [1ms]}}",
         "s.yaml:19: sweep.settings: network.one_wy=1ms: network.one_wy: unknown key; did you mean "
         "'one_way'?"),
        ("{settings: {cluster.nodes: [3, 17]}}",
         "s.yaml:19: sweep.settings: cluster.nodes=17: cluster.nodes: expected 9 or less, got 17"),
        ("{settings: {workload.7.clients: [3]}}",
         "s.yaml:19: sweep.settings: workload.7.clients=3: workload.7: unknown key"),
        ("{settings: {title.x: [3]}}",
         "s.yaml:19: sweep.settings.title.x: expected a setting of a variant, such as "
         "cluster.nodes"),
        ("{settings: {seed: [3]}}",
         "s.yaml:19: sweep.settings.seed: expected a setting of a variant, such as cluster.nodes"),
        ("{settings: {variants.none: [3]}}",
         "s.yaml:19: sweep.settings.variants.none: expected a setting of a variant, such as "
         "cluster.nodes"),
        ("{settings: {cluster..nodes: [3]}}",
         "s.yaml:19: sweep.settings.cluster..nodes: expected a path such as cluster.nodes, got "
         "'cluster..nodes'"),
        ("{settings: {fence: [none]}}",
         "s.yaml:19: sweep.settings.fence: expected a setting that no variant sets itself, but "
         "one_fence does; sweep variants.one_fence.fence, or leave it out there"),
        ("{settings: {data.k.count: [5, 0]}}",
         "s.yaml:19: sweep.settings: data.k.count=0: data.k.count: expected 1 or more, got 0"),
        ("{settings: {cluster.nodes: []}}",
         "s.yaml:19: sweep.settings.cluster.nodes: expected at least one entry, got []"),
        ("{settings: {}}", "s.yaml:19: sweep.settings: expected at least one entry, got {}"),
        ("{settings: {cluster.nodes: {from: 3, to: 1ms, steps: 2}}}",
         "s.yaml:19: sweep.settings.cluster.nodes: expected ends of one kind, such as 1ms and 5ms, "
         "got 3 and '1ms'"),
    ],
)  # fmt: skip
def test_a_sweep_that_is_wrong(sweep: str, message: str) -> None:
    """File, line, setting, what was expected and what came."""
    assert complaint(sweep).splitlines()[0].startswith(message)


def test_what_is_wrong_with_all_variants_is_told_once() -> None:
    """And what is wrong with some of them of each, by its name."""
    unknown = complaint("{settings: {network.one_wy: [1ms], cluster.nodes: [17]}}")
    assert unknown.splitlines() == [
        "s.yaml:19: sweep.settings: cluster.nodes=17: cluster.nodes: expected 9 or less, got 17",
        "s.yaml:19: sweep.settings: network.one_wy=1ms: network.one_wy: unknown key; did you mean "
        "'one_way'?",
    ]
    of_one = complaint("{settings: {variants.none.network.one_wy: [1ms]}}")
    place = "s.yaml:19: sweep.settings: variants.none.network.one_wy=1ms"
    assert of_one == (
        f"{place}: variants.none.network.one_wy: unknown key; did you mean 'one_way'?"
    )


def test_an_unknown_variant_is_not_invented() -> None:
    """A slip in its name would otherwise run as one variant more."""
    said = complaint("{settings: {variants.nobody.fence: [none]}}")
    assert said.endswith("expected one of the variants one_fence, none, got 'nobody'")


def test_values_that_do_not_fit_each_other_are_refused() -> None:
    """Before anything is run, though each is valid alone."""
    text = complaint("{settings: {data.k.count: [5, 10], workload.scripts.keys.0.count: [2, 7]}}")
    assert text.startswith("s.yaml:") and "7" in text


def test_a_scenario_without_a_sweep() -> None:
    """It says what is missing."""
    Path("s.yaml").write_text(small())
    with pytest.raises(InputError, match=r"^s.yaml: expected settings to vary under `sweep:`"):
        plan_sweep("s.yaml")


def test_a_replay_is_refused() -> None:
    """Its traffic is what it is; and before anything is run."""
    recorded = RECORDINGS / "session.jsonl"
    Path("s.yaml").write_text(
        f"workload: {{replay: {recorded}}}\nsweep: {{settings: {{cluster.nodes: [3, 5]}}}}\n"
    )
    expected = "s.yaml:1: workload.replay: expected clients with scripts in a sweep, got a replay"
    with pytest.raises(InputError, match=f"^{expected} in variant "):
        list(plan_sweep("s.yaml").read())
