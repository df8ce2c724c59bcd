"""Timelines of whole runs: in every script the spans touch and add up, and change nothing."""

from collections import Counter
from functools import cache
from typing import Any

import pytest

from models.spec import System
from models.world import World
from readfence.scenarios import load
from sim.record import Timeline, VariantRecord
from sim.units import SECOND, ms, us
from tests.models.worlds import NETWORK, outcomes_of, run

FENCES = ("per_call", "one_fence", "as_merged", "before", "log_read", "none")
DATA = {
    "bare": {"count": 30, "state": "str_bare"},
    "counter": {"count": 1, "value": "0"},
    "list": {"count": 2, "state": "list_meta"},
}
ONE_KEY = {"keys": [{"from": "bare"}]}
SCRIPTS = [
    {"lua": "return 1"},
    {"lua": "return redis.call('GET', KEYS[1])", **ONE_KEY},
    {"lua": "return redis.call('INCR', KEYS[1])", "keys": [{"from": "counter"}]},
    {"lua": "return redis.call('INCR', KEYS[1])", "keys": [{"from": "list"}]},
    {"lua": "redis.pcall('INCR', KEYS[1]) error('no')", "keys": [{"from": "list"}]},
    {"lua": "redis.call('SETEX', KEYS[1], 9, 'v') return redis.status_reply('OK')", **ONE_KEY},
    {"command": ["EXISTS"], **ONE_KEY},
    {"command": ["SETEX", "9", "v"], **ONE_KEY},
]
"""Without calls, reading, conflicting, failing, writing blind; a script or a single command."""
LOADS: dict[str, dict[str, Any]] = {
    "closed loop": {"workload": {"clients": 6, "scripts": SCRIPTS}},
    "closed loop with pauses": {
        "workload": {
            "clients": 6,
            "think": {"law": "exponential", "mean": "500us"},
            "scripts": SCRIPTS,
        },
    },
    "open loop": {"workload": {"arrivals": {"rate": "3000/s"}, "scripts": SCRIPTS}},
    "bursts on one worker": {
        "workload": {
            "arrivals": {"rate": "1000/s", "pattern": "bursts"},
            "scripts": SCRIPTS,
        },
        "script": {"workers": 1},
    },
    "short deadline": {
        "workload": {"arrivals": {"rate": "1000/s"}, "scripts": SCRIPTS},
        "script": {"deadline": "4ms", "workers": 4},
        "network": NETWORK | {"one_way": {"law": "exponential", "mean": "900us"}},
    },
    "step-down": {
        "workload": {"clients": 6, "think": "10ms", "scripts": SCRIPTS},
        "events": [{"at": "15ms", "step_down": "n1"}],
    },
}
COUNT = 80


@cache
def recorded(fence: str, load_name: str, timelines: int) -> VariantRecord:
    """A run of which so many scripts are recorded span by span."""
    settings = {"data": DATA, "stop": {"scripts": COUNT}, **LOADS[load_name]}
    _, record = run(fence=fence, timelines=timelines, **settings)
    return record


def assert_true(timeline: Timeline, start_ns: int, latency_ns: int) -> None:
    """The spans begin at the arrival, touch, and end with the answer."""
    at = start_ns
    for span in timeline.spans:
        assert span.start_ns == at
        assert span.end_ns > at
        at = span.end_ns
    assert at - start_ns == latency_ns
    assert (timeline.start_ns, timeline.end_ns) == (start_ns, at)


@pytest.mark.parametrize("load_name", LOADS)
@pytest.mark.parametrize("fence", FENCES)
def test_spans_add_up_in_every_script(fence: str, load_name: str) -> None:
    """To the nanosecond, whatever befell it."""
    record = recorded(fence, load_name, COUNT)
    columns = record.columns
    assert [timeline.id for timeline in record.timelines] == columns["id"]
    assert len(columns["id"]) == COUNT
    for timeline, start, latency in zip(
        record.timelines, columns["start_ns"], columns["latency_ns"], strict=True
    ):
        assert_true(timeline, start, latency)


def test_the_loads_hold_what_they_are_for() -> None:
    """Conflicts, errors, queueing, deadlines and a lost leader did occur under `one_fence`."""
    kinds: dict[str, Counter[str]] = {}
    ended: dict[str, dict[str, int]] = {}
    for name in LOADS:
        record = recorded("one_fence", name, COUNT)
        kinds[name] = Counter(s.kind for timeline in record.timelines for s in timeline.spans)
        ended[name] = outcomes_of(record)
    assert kinds["closed loop"]["backoff"] > 3
    assert kinds["bursts on one worker"]["queue"] > 30
    assert ended["short deadline"]["context deadline exceeded"] > 3
    assert ended["step-down"]["etcd raft engine is not leader"] > 10
    for name in LOADS:
        assert any(text.startswith("WRONGTYPE") for text in ended[name])


@pytest.mark.parametrize("load_name", LOADS)
@pytest.mark.parametrize("fence", FENCES)
def test_recording_spans_changes_no_figure(fence: str, load_name: str) -> None:
    """None or all: the same counters, columns, attempts and verdicts, by one digest."""
    none, every = (recorded(fence, load_name, timelines) for timelines in (0, COUNT))
    assert none.timelines == []
    assert none.digest == every.digest
    assert (none.events, none.virtual_ns) == (every.events, every.virtual_ns)


# -- what the spans say ----------------------------------------------------------------------------


def only(lua: str, fence: str, **settings: Any) -> list[tuple[str, str, int]]:
    """Kind, label and length of each span of one script on bare keys a and b."""
    _, record = run(
        fence=fence,
        timelines=1,
        data={"keys": {"keys": ["a", "b"], "state": "str_bare"}},
        workload={"clients": 1, "scripts": [{"lua": lua}]},
        **settings,
    )
    (timeline,) = record.timelines
    return [(span.kind, span.label, span.end_ns - span.start_ns) for span in timeline.spans]


ROUND = 2 * us(500) + 3 * us(5)


def test_a_script_of_one_fence() -> None:
    """One round for the fence, then local time only."""
    spans = only("redis.call('GET', 'a') redis.call('GET', 'b')", "one_fence")
    assert [(kind, label) for kind, label, _ in spans] == [
        ("round", "fence"), ("local", "1 GET a"), ("local", "2 GET b"),
    ]  # fmt: skip
    assert spans[0][2] == ROUND
    # 16 point reads, 7 scans and the call itself; the first also pays for the start of Lua.
    assert spans[2][2] == 16 * us(10) + 7 * us(20) + us(1)
    assert spans[1][2] == spans[2][2] + 59_255


def test_a_script_that_verifies_per_call() -> None:
    """Each verification is a round of its call, with the local time in between."""
    spans = only("redis.call('GET', 'a') redis.call('GET', 'b')", "per_call")
    rounds = [(label, length) for kind, label, length in spans if kind == "round"]
    assert rounds == [("1 GET a", ROUND)] * 3 + [("2 GET b", ROUND)] * 3


def test_a_script_that_writes() -> None:
    """The commit's guard is a round, its entry is the log."""
    spans = only("redis.call('SETEX', 'a', 9, 'v')", "one_fence")
    assert [(kind, label) for kind, label, _ in spans] == [
        ("round", "fence"), ("local", "1 SETEX a"), ("local", "commit"), ("round", "commit"),
        ("log", "commit"),
    ]  # fmt: skip


def test_a_script_without_calls() -> None:
    """Its start is its own."""
    assert only("return 1", "one_fence") == [("round", "fence", ROUND), ("local", "script", 59_255)]


def test_a_verification_that_fails_was_a_wait_for_a_round() -> None:
    """Not local time."""
    spans = only(
        "redis.call('GET', 'a')",
        "per_call",
        network=NETWORK | {"one_way": "50ms"},
        events=[{"at": "20ms", "step_down": "n1"}],
    )
    (wait,) = (length for kind, _, length in spans if kind == "round")
    assert ms(19) < wait < ms(20)


def test_a_fence_through_the_log_is_a_wait_for_the_log() -> None:
    """No round of heartbeats; pictures tell the two apart."""
    spans = only("return 1", "log_read")
    assert [(kind, label) for kind, label, _ in spans] == [("log", "fence"), ("local", "script")]


def test_calls_that_are_refused_are_on_the_timeline() -> None:
    """They take the time of a call, and wait for nobody."""
    spans = only(
        "redis.pcall('GET', 'a') redis.pcall('GET', 'b') redis.pcall('SET', 'b', 'x')",
        "per_call",
        network=NETWORK | {"one_way": "50ms"},
        events=[{"at": "20ms", "step_down": "n1"}],
    )
    assert spans[-2:] == [("local", "2 GET b", us(1)), ("local", "3 SET b", us(1))]


def test_timelines_are_spread_over_the_run_and_no_more_than_asked_for() -> None:
    """Every part of the run is among them."""
    for scripts in (5, 64, 65, 127, 128, 129, 200, 1000):
        _, record = run(
            workload={"clients": 2, "scripts": [{"lua": "return 1"}]},
            timelines=64,
            stop={"scripts": scripts},
        )
        ids = [timeline.id for timeline in record.timelines]
        assert min(scripts, 32) <= len(set(ids)) == len(ids) <= 64
        quarters = Counter(4 * id // scripts for id in ids)
        assert len(quarters) == 4
        assert max(quarters.values()) <= 2 * min(quarters.values())


def test_what_is_not_measured_has_no_timeline() -> None:
    """The warm-up."""
    _, record = run(timelines=10, warmup={"scripts": 5}, stop={"scripts": 3})
    assert [timeline.id for timeline in record.timelines] == [5, 6, 7]


# -- coordinated omission --------------------------------------------------------------------------


def stalled(variant: str) -> list[int]:
    """Sorted latencies of a variant of `open_loop`: 400/s, a stall of 1 s, cut to 12 s."""
    (chosen,) = (each for each in load("open_loop").variants if each.name == variant)
    system: System = chosen.system.model_copy(update={"timelines": 0})
    system = system.model_copy(
        update={"stop": system.stop.model_copy(update={"time": 12 * SECOND})}
    )
    record = World(system, seed=1, lua_files={}).run(variant, {})
    assert outcomes_of(record) == {"ok": len(record.columns["id"])}
    return sorted(record.columns["latency_ns"])


def test_a_stall_shows_in_the_open_loop() -> None:
    """Everybody who arrived in that second is late: one in twelve, so the p99 is near a second."""
    latencies = stalled("open")
    assert 500 * ms(1) < latencies[len(latencies) * 99 // 100] < SECOND + ms(500)
    late = sum(latency > ms(20) for latency in latencies)
    assert 300 < late < 700


def test_the_same_stall_hides_in_the_closed_loop() -> None:
    """Four clients wait, four scripts are late, and the p99 does not notice."""
    latencies = stalled("closed")
    assert latencies[len(latencies) * 99 // 100] < ms(20)
    assert sum(latency > ms(500) for latency in latencies) == 4
    assert latencies[-1] > ms(900)
