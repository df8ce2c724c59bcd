"""A world from its start to its record: what is run, what is measured, where it is stopped."""

import io
import json
import random
from typing import Any

import pytest

from models.engine.sites import FIELDS
from models.recorder import COLUMNS
from models.world import World
from sim.errors import LimitReached, Stalled
from sim.record import VariantRecord
from sim.trace import Trace
from sim.units import SECOND, ms
from tests.models.worlds import make_system, outcomes_of, partition, run

ONE = {"lua": "return redis.call('GET', KEYS[1])", "keys": [{"from": "session"}]}
DATA = {"session": {"count": 20, "state": "str_bare"}}


def clients(count: int = 2, **changes: Any) -> dict[str, Any]:
    """A closed loop of GETs."""
    return {"clients": count, "scripts": [ONE], **changes}


LOOPS = [clients(3), {"arrivals": {"rate": "500/s"}, "scripts": [ONE]}]


def starts(record: VariantRecord) -> list[int]:
    """When each measured script was sent."""
    return record.columns["start_ns"]


# -- how much --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "workload", [clients(3), {"arrivals": {"rate": "500/s"}, "scripts": [ONE]}]
)
def test_a_number_of_scripts_is_measured_after_the_warm_up(workload: dict[str, Any]) -> None:
    """Numbered on from those of the warm-up; all are answered at the end."""
    _, record = run(data=DATA, workload=workload, warmup={"scripts": 7}, stop={"scripts": 20})
    assert sorted(record.columns["id"]) == list(range(7, 27))
    assert record.verdicts["safety"].checked == 27
    assert record.measured_ns == record.virtual_ns - min(starts(record))


@pytest.mark.parametrize(
    "workload", [clients(3), {"arrivals": {"rate": "500/s"}, "scripts": [ONE]}]
)
def test_a_stretch_of_time_is_measured_after_the_warm_up(workload: dict[str, Any]) -> None:
    """All that is sent in it, and what was begun is finished."""
    _, record = run(data=DATA, workload=workload, warmup={"time": "20ms"}, stop={"time": "100ms"})
    assert ms(20) <= min(starts(record)) <= max(starts(record)) <= ms(120)
    assert max(starts(record)) > ms(100)
    ids = sorted(record.columns["id"])
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    assert record.verdicts["safety"].checked == ids[-1] + 1


def test_every_group_runs_its_own_number() -> None:
    """A fast one does not use up what a slow one has to run."""
    groups = [clients(1, name="slow", think="10ms"), clients(4, name="fast")]
    _, record = run(data=DATA, workload=groups, stop={"scripts": 15})
    loads = [record.labels["load"][code] for code in record.columns["load"]]
    assert (loads.count("slow"), loads.count("fast")) == (15, 15)
    assert sorted(record.columns["id"]) == sorted([*range(15), *range(15)])


def test_a_run_of_nothing_ends() -> None:
    """No script, no figure, and verdicts over none."""
    _, record = run(stop={"scripts": 0})
    assert record.columns == {name: [] for name in COLUMNS}
    assert record.histograms["attempts"].rows == []
    assert (record.virtual_ns, record.measured_ns) == (0, 0)


@pytest.mark.parametrize("stop", [{"scripts": 30}, {"time": "1us"}])
def test_scripts_that_take_no_time_end_all_the_same(stop: dict[str, Any]) -> None:
    """Or meet a limit: time stands still, but the kernel counts its events."""
    free = {"script": {"start": "0", "call": "0"}, "fence": "none", "stop": stop}
    groups = [clients(2, name="a"), clients(2, name="b")]
    settings = free | {"workload": groups, "data": DATA, "store": {"point_read": "0", "scan": "0"}}
    if "scripts" in stop:
        _, record = run(**settings)
        assert outcomes_of(record) == {"ok": 60}
        assert record.virtual_ns == 0
    else:
        with pytest.raises(LimitReached, match=r"limits.events is 5,000"):
            run(**settings, limits={"events": 5000})


def test_progress_can_be_told_in_advance() -> None:
    """When it is a number of scripts."""
    made = make_system(workload=[clients(name="a"), clients(name="b")], data=DATA,
                       warmup={"scripts": 3}, stop={"scripts": 10})  # fmt: skip
    assert World(made, seed=1, lua_files={}).tickets_in_all() == 26
    timed = make_system(stop={"time": "1s"})
    assert World(timed, seed=1, lua_files={}).tickets_in_all() is None


# -- what is sent ----------------------------------------------------------------------------------


def test_scripts_are_named_for_people() -> None:
    """By the name given, the file, or the command."""
    scripts = [
        {"name": "given", "lua": "return 1"},
        {"lua_file": "sub/file.lua"},
        {"command": ["get"], "keys": ["k"]},
        {"lua": "return 2"},
    ]
    made = make_system(workload={"clients": 1, "scripts": scripts}, stop={"scripts": 40})
    files = {"sub/file.lua": "return redis.call('EXISTS', 'x')"}
    record = World(made, seed=1, lua_files=files).run("v", {})
    assert record.labels["script"] == ["given", "sub/file", "GET", "script"]
    assert set(record.columns["script"]) == {0, 1, 2, 3}
    assert outcomes_of(record) == {"ok": 40}


@pytest.mark.parametrize("send", ["eval", "evalsha"])
def test_a_hash_that_no_node_knows_costs_nothing(send: str) -> None:
    """Clients fall back to the body, once per node, and no attempt is counted for it."""
    script = {**ONE, "send": send}
    world, record = run(data=DATA, workload={"clients": 2, "scripts": [script]},
                        stop={"scripts": 10})  # fmt: skip
    assert record.columns["attempts"] == [1] * 10
    assert record.counters["rounds.sent"] == 10
    assert len(world.cluster.node("n1").service.scripts) == 1
    _, other = run(data=DATA, workload={"clients": 2, "scripts": [ONE]}, stop={"scripts": 10})
    assert record.digest == other.digest


def test_a_kind_of_script_may_have_a_fence_of_its_own() -> None:
    """Beside others under the variant's."""
    scripts = [{**ONE, "name": "fenced"}, {**ONE, "name": "bare", "fence": "none"}]
    _, record = run(data=DATA, workload={"clients": 1, "scripts": scripts}, stop={"scripts": 40})
    kinds = record.columns["script"]
    counted = {
        row[FIELDS.index("script_start")]: row[-1] for row in record.histograms["attempts"].rows
    }
    assert counted == {1: kinds.count(0), 0: kinds.count(1)}
    assert record.verdicts["ledger"].verdict == "ok"


def test_clients_attached_to_a_node_stay_with_it() -> None:
    """A follower refuses them under a fence, while the others are served."""
    groups = [clients(1, name="all"), clients(1, name="stubborn", attach="n2", think="1ms")]
    _, record = run(data=DATA, workload=groups, stop={"scripts": 10})
    refused = [
        record.labels["load"][load]
        for load, code in zip(record.columns["load"], record.columns["outcome"], strict=True)
        if code
    ]
    assert refused == ["stubborn"] * 10


# -- what is left behind ---------------------------------------------------------------------------


def test_the_record_is_whole() -> None:
    """Columns of equal length, verdicts, counters and labels by name."""
    world, record = run(data=DATA, workload=clients(), stop={"scripts": 12}, timelines=5)
    assert tuple(record.columns) == COLUMNS
    assert {len(column) for column in record.columns.values()} == {12}
    assert record.histograms["attempts"].fields == list(FIELDS)
    assert sorted(record.verdicts) == ["ledger", "safety"]
    assert record.events == world.kernel.events
    assert (
        record.virtual_ns
        == world.kernel.now
        == max(
            start + latency
            for start, latency in zip(starts(record), record.columns["latency_ns"], strict=True)
        )
    )
    assert VariantRecord.model_validate_json(record.model_dump_json()) == record


def test_equal_seeds_leave_equal_records_and_others_others() -> None:
    """In one process; `tests/test_determinism.py` has the rest."""
    settings: dict[str, Any] = {
        "data": DATA,
        "network": {"one_way": {"law": "exponential", "mean": "1ms"}},
        "workload": {"arrivals": {"rate": "300/s"}, "scripts": [ONE]},
        "stop": {"scripts": 30},
    }
    first, again, other = (run(seed=seed, **settings)[1] for seed in (1, 1, 2))
    assert first == again
    assert first.digest != other.digest


@pytest.mark.parametrize("fence", ["one_fence", "per_call", "log_read"])
def test_a_trace_changes_nothing(fence: str) -> None:
    """It tells of every script and every message, in order."""
    settings: dict[str, Any] = {
        "fence": fence,
        "data": DATA,
        "workload": clients(),
        "stop": {"scripts": 10},
    }
    file = io.StringIO()
    traced = World(make_system(**settings), seed=1, lua_files={}, trace=Trace(file, "v"))
    assert traced.run(fence, {}) == run(**settings)[1]
    lines = [json.loads(line) for line in file.getvalue().splitlines()]
    assert [line["t_ns"] for line in lines] == sorted(line["t_ns"] for line in lines)
    assert sum(line["what"] == "answered" for line in lines) == 10
    assert {"load #3", "n1->n2", "n3->n1"} <= {line["where"] for line in lines}


@pytest.mark.parametrize("seed", range(3))
def test_no_verdict_depends_on_the_order_within_an_instant(seed: int) -> None:
    """Events of one instant in a drawn order: the same scripts, counts and verdicts."""
    chance = random.Random(seed)
    settings: dict[str, Any] = {
        "fence": "as_merged",
        "data": DATA | {"counter": {"count": 2, "value": "0"}},
        "workload": [
            clients(4, name="read"),
            {
                "name": "write",
                "clients": 4,
                "scripts": [
                    {"lua": "return redis.call('INCR', KEYS[1])", "keys": [{"from": "counter"}]}
                ],
            },
        ],
        "stop": {"scripts": 20},
    }
    shuffled = World(
        make_system(**settings), seed=1, lua_files={}, tie_break=lambda: chance.randrange(1 << 30)
    ).run("v", {})
    _, plain = run(**settings)
    assert (
        {name: verdict.verdict for name, verdict in shuffled.verdicts.items()}
        == {name: verdict.verdict for name, verdict in plain.verdicts.items()}
        == {"safety": "ok", "ledger": "ok"}
    )
    for record in (shuffled, plain):
        scripts = zip(record.columns["load"], record.columns["id"], strict=True)
        assert sorted(scripts) == [(load, id) for load in (0, 1) for id in range(20)]
        assert outcomes_of(record) == {"ok": 40}


# -- limits ----------------------------------------------------------------------------------------


def test_a_run_without_progress_is_stalled() -> None:
    """And says who waits for what."""

    def cut(world: World) -> None:
        world.cluster.rules.append(partition(1))

    with pytest.raises(Stalled) as error:
        run(
            prepare=cut,
            engine={"election": "1h"},
            script={"deadline": "1h"},
            limits={"stall": "30s"},
        )
    text = str(error.value)
    assert text.startswith("no script ended in ")
    assert text.endswith("\n  load client 0 waits for a quorum (script_start)")


def test_virtual_time_is_limited() -> None:
    """With the instant and the setting."""
    with pytest.raises(LimitReached, match=r"^stopped at t=1 s \(limits.virtual_time\)"):
        run(limits={"virtual_time": "1s"}, stop={"time": "1h"},
            workload={"clients": 1, "think": "10ms", "scripts": [{"lua": "return 1"}]})  # fmt: skip


def test_events_are_limited() -> None:
    """A run that never ends is stopped."""
    with pytest.raises(LimitReached, match=r"limits.events is 20,000"):
        run(limits={"events": 20_000}, stop={"time": "1h"})


def test_a_reason_from_outside_ends_a_run() -> None:
    """Such as wall time."""
    world = World(make_system(stop={"time": "1h"}), seed=1, lua_files={})
    with pytest.raises(LimitReached, match="enough"):
        world.run("v", {}, lambda: "enough")
    assert world.kernel.now < SECOND
