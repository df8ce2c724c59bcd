"""Resources of whole systems: each saturates where arithmetic says, and what is measured of it."""

from fractions import Fraction
from typing import Any

import pytest

from models.cluster import Cluster, _slowed, resource_names
from models.engine.engine import Engine
from models.engine.lanes import Lane
from models.engine.loop import Loop
from models.workload.clients import Group
from sim.record import VariantRecord
from sim.units import SECOND, ms, us
from tests.models.worlds import NETWORK, make_system, mutant, run

TWO_CALLS = "redis.call('GET', KEYS[1]) return redis.call('GET', KEYS[1])"
SERIAL = {"one_way": "500us"}
"""Lanes as in the modelled system: one message per round trip."""


def open_loop(rate: str, **changes: Any) -> dict[str, Any]:
    """Arrivals on a fixed beat."""
    arrivals = {"rate": rate, "pattern": "constant"}
    return {"arrivals": arrivals, "scripts": [{"lua": "return 1"}], **changes}


def utilisation(record: VariantRecord, name: str) -> float:
    """The share of its time in which a resource was busy."""
    share = record.resources[name].utilisation
    assert share is not None
    return float(share)


def test_a_record_has_a_window_for_each_limited_resource() -> None:
    """As long as what is measured, and under the names that are promised before the run."""
    settings = {
        "network": SERIAL,
        "workload": open_loop("100/s", connections=4),
        "warmup": {"scripts": 3},
        "stop": {"scripts": 20},
    }
    _, record = run(**settings)
    assert sorted(record.resources) == sorted(resource_names(make_system(**settings)))
    assert "load.connections" in record.resources and "n3->n2.others" in record.resources
    assert {window.length_ns for window in record.resources.values()} == {record.measured_ns}


def test_what_is_unlimited_is_no_resource() -> None:
    """Nothing ever waits there, and there is no share of it."""
    settings = {"network": NETWORK, "cluster": {"cores": "unlimited"}, "stop": {"scripts": 5}}
    _, record = run(**settings)
    names = [f"n{id}.{kind}" for id in (1, 2, 3) for kind in ("fsync", "loop", "workers")]
    assert sorted(record.resources) == names == sorted(resource_names(make_system(**settings)))


# -- cores ----------------------------------------------------------------------------------------


def cores_run(cores: Any, clients: int, **settings: Any) -> VariantRecord:
    """Scripts of 1 ms of local work and no fence, with nothing between them."""
    _, record = run(
        fence="none",
        cluster={"cores": cores},
        script={"start": "1ms", "call": "0"},
        workload={"clients": clients, "scripts": [{"lua": "return 1"}]},
        stop={"scripts": 400},
        **settings,
    )
    return record


@pytest.mark.parametrize(("cores", "clients"), [(1, 4), (2, 4), (4, 4), (4, 3)])
def test_scripts_share_the_cores(cores: int, clients: int) -> None:
    """Closed: each takes clients/cores ms, and no more than so many a second end."""
    record = cores_run(cores, clients)
    used = min(cores, clients)
    assert record.measured_ns == 400 // used * ms(1) + (ms(1) if 400 % used else 0)
    window = record.resources["n1.cores"]
    assert (window.count, window.served, window.busy_ns) == (cores, 400, 400 * ms(1))
    assert max(record.columns["latency_ns"]) <= -(-clients // used) * ms(1)
    assert window.longest_queue == max(0, clients - cores)


def test_unlimited_cores_make_nobody_wait() -> None:
    """The same load: every script takes its 1 ms."""
    assert {*cores_run("unlimited", 32).columns["latency_ns"]} == {ms(1)}


def test_waiting_for_a_core_is_in_the_timeline() -> None:
    """It is told apart from the work, and the spans still add up to the latency."""
    record = cores_run(1, 3, timelines=400)
    line = record.timelines[10]
    spent = {span.label: span.end_ns - span.start_ns for span in line.spans}
    assert spent["wait for a core"] == ms(2)
    assert line.end_ns - line.start_ns == ms(3)


# -- workers and connections ----------------------------------------------------------------------


def test_workers_are_held_while_a_script_waits_for_its_round() -> None:
    """One worker and a round of 1.015 ms: two clients are served in turn."""
    _, record = run(
        script={"workers": 1, "start": "0"},
        workload={"clients": 2, "scripts": [{"lua": "return 1"}]},
        stop={"scripts": 100},
    )
    assert utilisation(record, "n1.workers") == 1
    window = record.resources["n1.workers"]
    assert window.longest_queue == 1 and window.queue_mean is not None
    assert 0.98 < window.queue_mean <= 1


def test_an_open_loop_waits_for_a_free_connection() -> None:
    """Arrivals every 1 ms, service 3 ms, one connection: the k-th waits for 2k ms, from arrival."""
    _, record = run(
        fence="none",
        script={"start": "3ms"},
        workload=open_loop("1000/s", connections=1),
        stop={"scripts": 50},
    )
    assert record.columns["latency_ns"] == [ms(3) + k * ms(2) for k in range(50)]
    window = record.resources["load.connections"]
    assert (window.count, window.served, window.busy_ns) == (1, 50, 50 * ms(3))
    assert window.wait_mean_ns == Fraction(sum(k * ms(2) for k in range(50)), 50)
    assert record.resources["n1.workers"].longest_queue == 0


def test_waiting_for_a_connection_is_in_the_timeline() -> None:
    """Before everything else."""
    _, record = run(
        fence="none", script={"start": "3ms"}, workload=open_loop("1000/s", connections=1),
        stop={"scripts": 10}, timelines=10,
    )  # fmt: skip
    first = record.timelines[5].spans[0]
    assert (first.label, first.end_ns - first.start_ns) == ("wait for a connection", 5 * ms(2))


def test_a_connection_that_is_never_given_back_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant's second script waits for ever, and the kernel says for what."""
    leaking = mutant(Group._send, ("connections.give_back()", "pass"))
    monkeypatch.setattr(Group, "_send", leaking)
    with pytest.raises(Exception, match="one of load's connections"):
        run(workload=open_loop("1000/s", connections=1), stop={"scripts": 2})


# -- loop, disk and lanes -------------------------------------------------------------------------


def writes(**settings: Any) -> VariantRecord:
    """One client that writes, one script after the other."""
    _, record = run(
        workload={"clients": 1, "scripts": [{"command": ["SET", "k", "v"]}]},
        stop={"scripts": 50},
        **settings,
    )
    return record


def test_the_disk_is_part_of_the_loops_time_and_told_apart() -> None:
    """A sync of 100 us per entry on each node: 50 entries, 5 ms of disk, inside the loop's."""
    record = writes(engine={"fsync": "100us"})
    for node in ("n1", "n2", "n3"):
        disk, loop = record.resources[f"{node}.fsync"], record.resources[f"{node}.loop"]
        assert abs(disk.busy_ns - 50 * us(100)) <= us(100)
        assert disk.busy_ns < loop.busy_ns < record.measured_ns
    slow, fast = writes(engine={"fsync": "100us"}), writes(engine={"fsync": "0"})
    difference = slow.resources["n1.loop"].busy_ns - fast.resources["n1.loop"].busy_ns
    assert abs(difference - 50 * us(100)) < us(100)


def test_the_loop_saturates_at_its_service_time() -> None:
    """200 us per read alone: with enough clients less than 5000 scripts a second, and a queue."""
    _, record = run(
        engine={"read": "200us", "message": "0"},
        workload={"clients": 64, "scripts": [{"lua": "return 1"}]},
        stop={"scripts": 2000},
        warmup={"scripts": 200},
    )
    assert 4900 < 2000 * SECOND / record.measured_ns < 5100
    window = record.resources["n1.loop"]
    assert utilisation(record, "n1.loop") > 0.97
    # Behind each read wait those of the other clients, and up to two answers for each.
    assert window.queue_mean is not None and 60 < window.queue_mean < 130
    assert 64 < window.longest_queue < 3 * 64


def test_a_serial_lane_carries_one_heartbeat_per_round_trip() -> None:
    """Eight clients: 1000 rounds a second, the lane always busy, the rest waiting in it."""
    _, record = run(
        network=SERIAL,
        workload={"clients": 8, "scripts": [{"lua": "return 1"}]},
        stop={"scripts": 1000},
        warmup={"scripts": 100},
    )
    assert 980 < 1000 * SECOND / record.measured_ns <= 1000
    lane = record.resources["n1->n2.heartbeats"]
    assert utilisation(record, "n1->n2.heartbeats") > 0.98
    assert lane.queue_mean is not None and 5.5 < lane.queue_mean < 8
    assert utilisation(record, "n2->n3.heartbeats") == 0
    assert utilisation(record, "n1->n2.others") == 0


def test_littles_law_holds_for_every_resource() -> None:
    """Jobs waiting on average = arrivals per time x mean wait, by how both are measured."""
    _, record = run(
        network=SERIAL,
        workload=[open_loop("300/s", connections=3), open_loop("200/s", name="other")],
        stop={"scripts": 200},
    )
    for window in record.resources.values():
        if window.arrived:
            assert window.wait_mean_ns is not None and window.queue_mean is not None
            rate = Fraction(window.arrived, window.length_ns)
            assert rate * window.wait_mean_ns == window.queue_mean


@pytest.mark.parametrize(
    ("owner", "method", "change"),
    [
        (Loop, "_take_next", ("self._waited_ns += kernel.now", "pass")),
        (Loop, "_take_next", ("self._busy_ns += kernel.now", "pass")),
        (Lane, "_returned", ("self._held_ns += now", "pass")),
        (Lane, "_returned", ("self._waited_ns += now", "pass")),
        (Engine, "_synced", ("self._disk.give_back()", "pass")),
    ],
)
def test_a_resource_that_forgets_an_end_is_refused_by_the_record(
    monkeypatch: pytest.MonkeyPatch, owner: Any, method: str, change: tuple[str, str]
) -> None:
    """Times that do not begin and end alike come out below 0, or longer than there was time."""
    monkeypatch.setattr(owner, method, mutant(getattr(owner, method), change))
    with pytest.raises((ValueError, AssertionError)):
        run(
            network=SERIAL,
            workload={"clients": 8, "scripts": [{"command": ["SET", "k", "{id}"]}]},
            stop={"scripts": 300},
            warmup={"scripts": 50},
        )


# -- a node less, a node slow ---------------------------------------------------------------------


def test_a_lost_follower_leaves_the_other_to_confirm_alone() -> None:
    """Rounds go on; with the slower of two links there is no choice left between answers."""
    network = {"one_way": "500us", "links": {"n1->n3": "2ms"}, "lanes": NETWORK["lanes"]}
    latencies = {}
    for lost in ([], ["n3"], ["n2"]):
        _, record = run(network=network, cluster={"lost": lost}, stop={"scripts": 20})
        latencies[tuple(lost)] = min(record.columns["latency_ns"])
        assert record.verdicts["ledger"].verdict == "ok"
        assert not [name for name in record.resources if name.split("-")[0].split(".")[0] in lost]
    assert latencies["n3",] == latencies[()]
    assert latencies["n2",] == latencies[()] + ms(1) + us(500)


def test_a_lost_node_takes_no_part_and_writes_are_committed_without_it() -> None:
    """It applies nothing; the lane to it fills up, which is part of what its loss costs."""
    world, record = run(
        network=SERIAL,
        cluster={"lost": ["n3"]},
        workload={"clients": 4, "scripts": [{"command": ["SET", "k", "{id}"]}]},
        stop={"scripts": 200},
    )
    assert {*record.columns["outcome"]} == {0}
    assert record.verdicts["safety"].verdict == "ok"
    assert record.counters["elections.won"] == 0
    nodes = world.cluster.nodes
    assert nodes[3].engine.applied < 2 < nodes[2].engine.applied
    assert record.counters["heartbeats.dropped"] > 0
    assert utilisation(record, "n1->n3.heartbeats") > 0.9
    assert len(world.cluster._applied_first) < 3, "commits wait for a node that never applies"


def test_the_log_does_not_wait_for_a_lost_node(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the others have applied is dropped; else memory would grow with the run."""
    monkeypatch.setattr("models.engine.engine.LOG_KEPT", 20)
    settings: dict[str, Any] = {
        "workload": {"clients": 1, "scripts": [{"command": ["SET", "k", "v"]}]},
        "stop": {"scripts": 300},
    }
    world, _ = run(cluster={"lost": ["n3"]}, **settings)
    assert world.cluster.nodes[1].engine.raft.log.compacted_index > 200


@pytest.mark.parametrize("times", [10, 2.5])
def test_a_slow_follower_takes_so_many_times_as_long(times: float) -> None:
    """Of two followers the other answers first; alone, its hops and its loop are that slow."""
    one = {"cluster": {"slow": {"n2": times}, "lost": ["n3"]}, "script": {"start": "0"}}
    _, record = run(**one, stop={"scripts": 5})
    # Read and acknowledgement on the leader's loop, the heartbeat on the follower's.
    assert {*record.columns["latency_ns"]} == {us(5) + us(5) + int(times * (us(5) + ms(1)))}
    _, record = run(cluster={"slow": {"n2": times}}, script={"start": "0"}, stop={"scripts": 5})
    assert min(record.columns["latency_ns"]) == us(15) + ms(1)


def test_a_slow_leader_is_slow_in_its_local_work_too() -> None:
    """Ten times the Lua and the reads."""
    lua = {"clients": 1, "scripts": [{"lua": TWO_CALLS, "keys": ["k"]}]}
    latencies = []
    for slow in ({}, {"n1": 10}):
        _, record = run(
            fence="none", cluster={"slow": slow}, workload=lua, data={"k": {"keys": ["k"]}}
        )
        latencies.append(record.columns["latency_ns"][0])
    assert latencies[1] == 10 * latencies[0] > 0


def test_a_slow_disk_draws_what_the_quick_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Common random numbers: the same draws, times ten; a mutant that forgets one is noticed."""
    law = {"law": "exponential", "mean": "1ms"}
    quick = writes(engine={"fsync": law}, cluster={"slow": {}})
    slow = writes(engine={"fsync": law}, cluster={"slow": {"n3": 10}})
    means = [each.resources["n3.fsync"].service_mean_ns for each in (quick, slow)]
    assert means[0] is not None and means[1] is not None and 6 < means[1] / means[0] < 14
    draws = iter([10, 25, 3])
    slowed = _slowed(draws.__next__, 2.5)
    assert [slowed() for _ in range(3)] == [25, 62, 8]
    monkeypatch.setattr(Cluster, "_slowness", lambda self, *ids: 1.0)
    twin = writes(engine={"fsync": law}, cluster={"slow": {"n3": 10}})
    assert twin.resources["n3.fsync"].busy_ns == quick.resources["n3.fsync"].busy_ns
