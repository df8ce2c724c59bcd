"""Random systems with random mishaps: what must hold in every run, whatever happens.

Each seed draws a system, a load, events and lost messages. What is checked needs no knowledge of
what happened: the judges' verdicts, timelines that add up, counters that count, and nodes that
agree once it is quiet. A seed that fails reproduces by itself: `check(seed)`.
"""

import random
from typing import Any

import pytest

from models.network.rules import DROP, PASS, Rule, Verdict
from models.redis.context import Context
from models.redis.table import call
from models.world import World
from sim.record import VariantRecord
from sim.units import ms
from tests.models.worlds import let_pass, run

SEEDS = range(48)
STARTING = ("one_fence", "as_merged", "log_read")
"""Fences that ask before the read timestamp is taken; the others may serve stale values."""
SERIAL = {"capacity": 64, "in_flight": 1}
OPEN = {"capacity": 64, "in_flight": "unlimited"}
SCRIPTS: list[dict[str, Any]] = [
    {"name": "add", "lua": "return redis.call('INCR', KEYS[1])", "keys": [{"from": "counter"}]},
    {"name": "get", "lua": "return redis.call('GET', KEYS[1])", "keys": [{"from": "counter"}]},
    {
        "name": "caught",
        "lua": "redis.pcall('GET', KEYS[1]) return redis.pcall('SET', KEYS[2], ARGV[1])",
        "keys": [{"from": "session", "count": 2, "pick": "zipf"}],
        "argv": ["{id}"],
    },
    {"name": "wrong", "lua": "redis.call('HGET', KEYS[1], 'f')", "keys": [{"from": "session"}]},
    {
        "name": "list",
        "lua": "redis.call('LPUSH', KEYS[1], 'x') return redis.call('RPOP', KEYS[1])",
        "keys": [{"from": "queue"}],
    },
    {"command": ["SETEX", "9", "v"], "keys": [{"from": "session"}]},
]


def draw(chance: random.Random) -> tuple[dict[str, Any], Rule | None]:
    """A system, and what may happen to its messages."""
    nodes = chance.choice((2, 3, 3, 3, 5))

    def node() -> str:
        return f"n{chance.randint(1, nodes)}"

    def event() -> dict[str, Any]:
        kind = chance.choice(("step_down", "transfer_to", "stall"))
        lasting = {"lasting": f"{chance.choice((1, 50, 400))}ms"} if kind == "stall" else {}
        return {"at": f"{chance.randint(0, 300)}ms", kind: node(), **lasting}

    rule = chance.choice((None, None, _lossy(chance), _cut_off(chance)))
    # A lane that waits for the return of each call would be blocked for seconds by each loss.
    lanes = OPEN if rule else chance.choice((SERIAL, OPEN))
    loop = chance.choice(
        ({"clients": 6, "think": "2ms"}, {"clients": 2}, {"arrivals": {"rate": "500/s"}})
    )
    return {
        "fence": chance.choice((*STARTING, "per_call", "before", "none")),
        "cluster": {"nodes": nodes, "leader": chance.choice((node(), "elect"))},
        "network": {
            "one_way": chance.choice(("200us", {"law": "exponential", "mean": "800us"})),
            "lanes": {"heartbeats": lanes, "others": lanes},
        },
        "engine": {
            "fsync": chance.choice(("16.3us", {"law": "exponential", "mean": "1ms"})),
            "heartbeat": "50ms",
            "election": "200ms",
            "inbound": chance.choice((16, 1024)),
        },
        "script": {
            "workers": chance.choice((1, 4, 1024)),
            "deadline": chance.choice(("10s", "20ms")),
            "retry": {"executions": chance.choice((1, 3, 51))},
        },
        "data": {
            "counter": {"count": chance.choice((1, 4)), "value": "0"},
            "session": {"count": 20, "state": chance.choice(("str_bare", "str_legacy_ttl"))},
            "queue": {"count": 2, "state": chance.choice(("list_meta", "missing"))},
        },
        "workload": {
            "scripts": SCRIPTS,
            "attach": chance.choice(("leader", "leader", node())),
            **loop,
        },
        "events": [event() for _ in range(chance.choice((0, 1, 3)))],
        "stop": chance.choice(({"scripts": 100}, {"time": "250ms"})),
        "timelines": 100_000,
        "limits": {"events": 2_000_000},
    }, rule


def _lossy(chance: random.Random) -> Rule:
    share, drops = chance.choice((0.01, 0.1)), random.Random(chance.random())

    def lose(source: int, target: int, message: object, now: int) -> Verdict:
        return DROP if drops.random() < share else PASS

    return lose


def _cut_off(chance: random.Random) -> Rule:
    start, victim = ms(chance.randint(0, 200)), chance.randint(1, 3)
    end = start + ms(chance.choice((5, 100, 1000)))

    def cut(source: int, target: int, message: object, now: int) -> Verdict:
        return DROP if start < now < end and (source == victim) != (target == victim) else PASS

    return cut


def counters_of(world: World, count: int) -> list[int]:
    """What the counters add up to, on each node."""
    sums = []
    for node in world.cluster.nodes.values():
        context = Context(node.store, node.store.last_commit_ts)
        values = [call(context, [b"GET", b"counter:%d" % n]) for n in range(count)]
        sums.append(sum(int(value) for value in values if isinstance(value, bytes)))
    return sums


def check(seed: int) -> VariantRecord:
    """One run, and all that must hold of it."""
    settings, rule = draw(random.Random(seed))

    def prepare(world: World) -> None:
        if rule is not None:
            world.cluster.rules.append(rule)

    world, record = run(seed=seed, prepare=prepare, **settings)
    columns = record.columns
    fence = settings["fence"]
    if fence != "log_read":  # see test_requests_given_up.py
        assert record.verdicts["ledger"].verdict == "ok", record.verdicts["ledger"].examples
    if fence in STARTING:
        assert record.verdicts["safety"].verdict == "ok", record.verdicts["safety"].examples
    measured = zip(columns["id"], columns["start_ns"], columns["latency_ns"], strict=True)
    assert list(measured) == [
        (timeline.id, timeline.start_ns, timeline.end_ns - timeline.start_ns)
        for timeline in record.timelines
    ]

    world.cluster.rules.clear()
    let_pass(world.kernel, ms(20_000))
    for node in world.cluster.nodes.values():
        assert node.store._pins == {}
        assert node.service._workers.usage().in_service == 0
    sums = counters_of(world, settings["data"]["counter"]["count"])
    assert len(set(sums)) == 1, f"nodes disagree: {sums}"
    added = [
        code
        for kind, code in zip(columns["script"], columns["outcome"], strict=True)
        if record.labels["script"][kind] == "add"
    ]
    assert added.count(0) <= sums[0] <= len(added)
    return record


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_happens(seed: int) -> None:
    """The judges are content, no time is missing, no increment is lost or made up."""
    assert check(seed).columns["id"]


def test_the_seeds_hold_every_fence_and_many_mishaps() -> None:
    """Else the runs above would prove little."""
    drawn = [draw(random.Random(seed)) for seed in SEEDS]
    assert len({settings["fence"] for settings, _ in drawn}) == 6
    assert sum(rule is not None for _, rule in drawn) > 10
    kinds = [kind for settings, _ in drawn for event in settings["events"] for kind in event]
    assert all(kinds.count(kind) >= 5 for kind in ("step_down", "transfer_to", "stall"))
