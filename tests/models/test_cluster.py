"""The cluster: keys on every node, elections, links of their own, scripted events."""

from typing import Any

import pytest

from models.cluster import counter_names
from models.redis.context import Context
from models.redis.key_states import STATES
from models.redis.table import call
from models.replies import Reply, Status
from models.store.rows import KeyView
from sim.units import NS_PER, SECOND, ms, us
from tests.models.worlds import NETWORK, Stage, command, run, script

TYPES = {"str": b"string", "hll": b"string", "missing": b"none"}


def answer(stage: Stage, node: str, *words: str) -> Reply:
    """What a node's store answers to a command now."""
    store = stage.node(node).store
    context = Context(store, store.last_commit_ts)
    context.now = stage.kernel.now
    return call(context, [word.encode() for word in words])


# -- data ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
def test_every_key_state_is_installed_on_every_node(state: str) -> None:
    """Of the right type, with the right expiry, the same rows everywhere."""
    stage = Stage(data={"set": {"count": 2, "state": state}})
    family = state.split("_", maxsplit=1)[0]
    expected = b"none" if state.endswith("_expired") else TYPES.get(family, family.encode())
    views: list[KeyView] = []
    for node in ("n1", "n2", "n3"):
        for key in ("set:0", "set:1"):
            assert answer(stage, node, "TYPE", key) == Status(expected)
            remaining = answer(stage, node, "PTTL", key)
            assert remaining == (
                -2 if expected == b"none" else 3_600_000 if state.endswith("_ttl") else -1
            )
            views.append(stage.node(node).store.view(key.encode(), 1))
    assert all(view.rows == views[0].rows for view in views)


def test_content_is_what_the_scenario_says() -> None:
    """Of each type."""
    stage = Stage(
        data={
            "s": {"keys": ["s"], "value": "forty"},
            "l": {"keys": ["l"], "state": "list_delta", "value": ["x", "y"]},
            "h": {"keys": ["h"], "state": "hash_blob", "value": {"f": "1", "g": 2.5}},
            "m": {"keys": ["m"], "state": "set_wide", "value": ["a"]},
            "z": {"keys": ["z"], "state": "zset_delta", "value": {"a": 1, "b": 2.5}},
        }
    )
    assert answer(stage, "n2", "GET", "s") == b"forty"
    assert answer(stage, "n2", "LPOP", "l") == b"x"
    assert answer(stage, "n2", "HGETALL", "h") == [b"f", b"1", b"g", b"2.5"]
    assert answer(stage, "n2", "SADD", "m", "a") == 0
    assert answer(stage, "n2", "ZCARD", "z") == 2


def test_keys_expire_when_the_scenario_says() -> None:
    """In virtual time, for who reads behind it."""
    stage = Stage(data={"k": {"keys": ["k"], "state": "str_new_ttl", "expires": "50ms"}})
    assert stage.ask(script("return redis.call('GET', 'k')")).reply == b"1"
    stage.pass_time(ms(50))
    assert stage.ask(script("return redis.call('GET', 'k')")).reply is None


# -- leadership ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["n1", "n2", "n3"])
def test_the_named_node_leads_from_the_start(name: str) -> None:
    """In term 1, without an election."""
    stage = Stage(cluster={"leader": name})
    assert stage.cluster.leader.name == name
    assert [node.engine.is_leader for node in stage.cluster.nodes.values()] == [
        f"n{id}" == name for id in (1, 2, 3)
    ]
    assert stage.cluster.leader.engine.raft.term == 1
    assert stage.ask(script("return 1"), to=name).reply == 1


@pytest.mark.parametrize("seed", range(5))
def test_an_election_takes_place_in_virtual_time(seed: int) -> None:
    """After a timeout of 2 to 4 s; whoever wins is found, and serves."""
    stage = Stage(seed=seed, cluster={"leader": "elect"})
    assert not any(node.engine.is_leader for node in stage.cluster.nodes.values())
    stage.pass_time(2 * SECOND - 1)
    assert not stage.cluster.leader.engine.is_leader
    stage.pass_time(2 * SECOND + ms(50))
    leader = stage.cluster.leader
    assert leader.engine.is_leader
    assert sum(node.engine.counters["elections.won"] for node in stage.cluster.nodes.values()) == 1
    assert stage.ask(script("return 1"), to=leader.name).reply == 1


def test_elections_of_different_seeds_have_different_winners() -> None:
    """The timeouts are drawn."""
    winners = set()
    for seed in range(8):
        stage = Stage(seed=seed, cluster={"leader": "elect"})
        stage.pass_time(5 * SECOND)
        winners.add(stage.cluster.leader.name)
    assert len(winners) > 1


def test_clients_wait_for_the_first_election() -> None:
    """They start when somebody leads, and warm-up and stop count from then."""
    settings: dict[str, Any] = {
        "cluster": {"leader": "elect"},
        "warmup": {"time": "10ms"},
        "stop": {"time": "50ms"},
    }
    _, record = run(**settings)
    starts = record.columns["start_ns"]
    assert record.labels["outcome"] == ["ok"]
    assert starts[0] > 2 * SECOND
    assert ms(48) < starts[-1] - starts[0] < ms(50)
    assert ms(49) < record.measured_ns < ms(52)


def test_the_leader_is_found_again_after_a_hand_over() -> None:
    """As soon as the new one has won."""
    stage = Stage(events=[{"at": "10ms", "transfer_to": "n3"}])
    stage.pass_time(ms(9))
    assert stage.cluster.leader.name == "n1"
    stage.pass_time(ms(10))
    assert stage.cluster.leader.name == "n3"
    assert stage.ask(command("SET k v"), to="n3").reply == Status(b"OK")


def test_the_leader_is_found_again_after_a_step_down() -> None:
    """Until then nobody leads, and the one who did is asked in vain."""
    stage = Stage(events=[{"at": "10ms", "step_down": "n1"}])
    stage.pass_time(ms(20))
    assert not any(node.engine.is_leader for node in stage.cluster.nodes.values())
    stage.pass_time(10 * SECOND)
    assert stage.cluster.leader.engine.is_leader
    assert stage.cluster.leader.engine.raft.term > 1


def test_a_stall_holds_one_node_only() -> None:
    """A quorum of three needs one of the two followers."""
    stage = Stage(events=[{"at": "0", "stall": "n2", "lasting": "100ms"}])
    stage.pass_time(us(1))
    assert stage.ask(script("return 1")).latency_ns < ms(2)
    stage = Stage(events=[{"at": "0", "stall": "n1", "lasting": "100ms"}])
    stage.pass_time(us(1))
    assert stage.ask(script("return 1")).latency_ns > ms(100)


# -- links -----------------------------------------------------------------------------------------


def fence_ns(**network: Any) -> int:
    """How long a fence takes over such a network, without anybody's service time."""
    free = {"read": "0", "message": "0"}
    stage = Stage(network=NETWORK | network, engine=free, script={"start": "0"})
    return stage.ask(script("return 1")).latency_ns


def test_a_fence_takes_the_round_trip_to_the_nearer_follower() -> None:
    """A quorum of three is the leader and one more."""
    far = {"n1->n2": "40ms", "n2->n1": "40ms"}
    assert fence_ns(one_way="3ms") == fence_ns(one_way="3ms", links=far) == ms(6)


def test_each_direction_may_have_a_law_of_its_own() -> None:
    """A slow way back is as bad as a slow way there; other directions keep the common one."""
    assert fence_ns(one_way="3ms", links={"n1->n2": "1ms"}) == ms(4)
    assert fence_ns(one_way="3ms", links={"n3->n1": "1ms"}) == ms(4)
    assert fence_ns(one_way="3ms", links={"n1->n2": "1ms", "n2->n1": "1ms"}) == ms(2)
    assert fence_ns(one_way="3ms", links={"n2->n3": "1ms"}) == ms(6)


def test_five_nodes_need_the_second_nearest() -> None:
    """The leader and two more."""
    links = {f"n1->n{id}": f"{id}ms" for id in range(2, 6)}
    free = {"read": "0", "message": "0"}
    stage = Stage(
        cluster={"nodes": 5},
        network=NETWORK | {"one_way": "1ms", "links": links},
        engine=free,
        script={"start": "0"},
    )
    assert stage.ask(script("return 1")).latency_ns == ms(3) + ms(1)


def test_a_serial_lane_carries_one_call_per_round_trip() -> None:
    """The modelled system's lanes: the second of two fences at once waits for the first's call."""
    serial = {"heartbeats": {"capacity": 64, "in_flight": 1}, "others": {"capacity": 256}}
    free = {"read": "0", "message": "0"}
    stage = Stage(network={"one_way": "1ms", "lanes": serial}, engine=free, script={"start": "0"})
    sent = [stage.send(script("return 1")) for _ in range(3)]
    stage.wait(*sent)
    assert [each.latency_ns for each in sent] == [ms(2), ms(4), ms(6)]


def test_counters_of_all_nodes_are_summed_and_busy_time_is_per_node() -> None:
    """By names that a gate may use."""
    stage = Stage()
    stage.ask(command("SET k v"))
    counters = stage.cluster.counters()
    assert sorted(counters) == sorted(counter_names(3))
    assert counters["rounds.sent"] == counters["rounds.confirmed"] == 2
    assert counters["entries.applied"] >= 1
    assert counters["n1.loop.busy_ns"] > counters["n2.loop.busy_ns"] > 0
    assert NS_PER["s"] > counters["n1.loop.busy_ns"]
