"""Whole runs under both fidelities: the same scripts, latencies, counts and use of resources."""

from typing import Any

import pytest

from models.engine.rounds import WOULD_DROP
from sim.record import VariantRecord
from tests.models.worlds import run

WIDE = {"capacity": 64, "in_flight": "unlimited"}
SERIAL = {"capacity": 10_000, "in_flight": 1}
TWO_AT_ONCE = {"capacity": 10_000, "in_flight": 2}
EXPIRING = {"key": {"count": 5000, "state": "str_new_ttl", "expires": "1s"}}
SCRIPTS = [
    {
        "name": "read",
        "weight": 4,
        "lua": "return redis.call('GET', KEYS[1])",
        "keys": [{"from": "key"}],
    },
    {
        "name": "write",
        "lua": "return redis.call('SET', KEYS[1], ARGV[1])",
        "keys": [{"from": "key"}],
        "argv": ["{id}"],
    },
]
READS = [
    {
        "lua": "#!lua flags=no-writes\nredis.call('GET', KEYS[1]) redis.pcall('DEL', KEYS[1])",
        "keys": [{"from": "key"}],
    },
    {"command": ["GET"], "keys": [{"from": "key"}]},
]
LOGNORMAL = {"law": "lognormal", "mean": "500us", "std": "150us"}


def both(
    *,
    rate: str,
    lane: dict[str, Any] = WIDE,
    scripts: list[dict[str, Any]] = SCRIPTS,
    **settings: Any,
) -> list[VariantRecord]:
    """The same under `messages` and under `rounds`."""
    settings = {
        "network": {"one_way": LOGNORMAL, "lanes": {"heartbeats": lane, "others": lane}},
        "data": {"key": {"count": 5000}},
        "workload": {"arrivals": {"rate": rate}, "scripts": scripts},
        "stop": {"scripts": 600},
        **settings,
    }
    return [run(fidelity=fidelity, **settings)[1] for fidelity in ("messages", "rounds")]


@pytest.mark.parametrize(
    ("fence", "settings"),
    [
        ("one_fence", {"rate": "4000/s"}),
        ("one_fence", {"rate": "400/s", "lane": SERIAL}),
        ("per_call", {"rate": "4000/s", "cluster": {"nodes": 5}}),
        ("per_call", {"rate": "300/s", "lane": SERIAL}),
        ("one_fence", {"rate": "600/s", "lane": SERIAL, "scripts": READS}),
        ("before", {"rate": "80/s", "lane": SERIAL, "scripts": READS, "data": EXPIRING}),
        ("per_call", {"rate": "900/s", "lane": TWO_AT_ONCE, "scripts": READS}),
        ("log_read", {"rate": "300/s", "lane": SERIAL, "scripts": READS}),
        ("as_merged", {"rate": "100/s", "stop": {"scripts": 60}}),
        ("log_read", {"rate": "3000/s"}),
        ("none", {"rate": "4000/s"}),
        ("one_fence", {"rate": "3000/s", "engine": {"read_sharing": "one_outstanding"}}),
        ("one_fence", {"rate": "2000/s", "cluster": {"slow": {"n2": 10}}}),
        ("one_fence", {"rate": "2000/s", "cluster": {"slow": {"n1": 2}}}),
        ("one_fence", {"rate": "2000/s", "cluster": {"nodes": 5, "lost": ["n4", "n5"]}}),
        ("one_fence", {"rate": "2000/s", "cluster": {"leader": "n3"}}),
    ],
    ids=str,
)
def test_scripts_see_no_difference(fence: str, settings: dict[str, Any]) -> None:
    """Each takes equally long, each attempt counts the same, and so does the engine."""
    messages, rounds = both(fence=fence, **settings)
    assert rounds.columns == messages.columns
    assert rounds.histograms == messages.histograms
    assert rounds.counters[WOULD_DROP] == 0
    for name in ("rounds.sent", "rounds.confirmed", "rounds.shared", "rounds.log", "conflicts"):
        assert rounds.counters[name] == messages.counters[name]
    assert rounds.verdicts["safety"].verdict == "ok"


@pytest.mark.parametrize(
    "settings",
    [
        {"rate": "6000/s"},
        {"rate": "400/s", "lane": SERIAL},
        {"rate": "900/s", "lane": SERIAL, "scripts": READS},
        {"rate": "1000/s", "cluster": {"slow": {"n3": 2}, "cores": "unlimited"}},
    ],
    ids=str,
)
def test_resources_are_used_alike(settings: dict[str, Any]) -> None:
    """All of them by name; what is on its way at the end makes a difference of a few jobs."""
    messages, rounds = both(fence="one_fence", **settings)
    assert list(rounds.resources) == list(messages.resources)
    for name, expected in messages.resources.items():
        got = rounds.resources[name]
        assert got.count == expected.count, name
        assert got.arrived == pytest.approx(expected.arrived, rel=0.02, abs=10), name
        assert got.busy_ns == pytest.approx(expected.busy_ns, rel=0.02, abs=50_000), name
        assert got.waited_ns == pytest.approx(expected.waited_ns, rel=0.02, abs=500_000), name


def test_the_ledger_is_unknown() -> None:
    """There is nothing on the wire to hold the counts against, and that is what the record says."""
    _, rounds = both(rate="1000/s", fence="one_fence")
    ledger = rounds.verdicts["ledger"]
    assert ledger.verdict == "unknown"
    assert ledger.reason.startswith("fidelity rounds sends no messages")


def test_only_the_leader_is_there() -> None:
    """The others are queues; nobody can be attached to them."""
    world, _ = run(fidelity="rounds", cluster={"leader": "n2"})
    assert [node.name for node in world.cluster.nodes.values()] == ["n2"]
    assert world.cluster.leader is world.cluster.node("n2")


def test_few_events_are_needed() -> None:
    """One per round, one for the local work, and now and then one for a busy loop."""
    settings: dict[str, Any] = {
        "workload": {"clients": 8, "scripts": [{"lua": "return redis.call('GET', 'key')"}]},
    }
    messages, rounds = both(rate="1/s", fence="one_fence", **settings)
    assert messages.events >= 10 * 600
    assert rounds.events < 2.5 * 600
