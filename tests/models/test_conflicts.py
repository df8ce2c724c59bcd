"""Write conflicts: counters count, attempts, back-off, and updates lost by early timestamps."""

from typing import Any

import pytest

from models.engine.sites import FIELDS, Site
from models.redis.context import Context
from models.redis.table import call
from models.replies import ErrorReply
from models.store.versions import Commit, Store
from models.world import World
from readfence.scenarios import load, shipped_folder
from sim.record import VariantRecord
from sim.trail import Trail
from sim.units import ms
from tests.models.worlds import Stage, command, data_of, let_pass, outcomes_of, run, script

COUNTERS = [f"counter:{n}".encode() for n in range(4)]
INCREMENT = {"lua": "return redis.call('INCR', KEYS[1])", "keys": [{"from": "counter"}]}


def counted(world: World, node: str) -> list[int]:
    """What the counters of a node hold."""
    store = world.cluster.node(node).store
    values = [call(Context(store, store.last_commit_ts), [b"GET", key]) for key in COUNTERS]
    return [int(value) for value in values if isinstance(value, bytes)]


def shipped(name: str, variant: str, **changes: Any) -> tuple[World, VariantRecord]:
    """Run one variant of a shipped scenario."""
    loaded = load(str(shipped_folder() / f"{name}.yaml"))
    (chosen,) = (each for each in loaded.variants if each.name == variant)
    system = chosen.system.model_copy(update={"timelines": 0, **changes})
    world = World(system, seed=loaded.scenario.seed, lua_files={})
    return world, world.run(variant, {})


# -- counters --------------------------------------------------------------------------------------


@pytest.mark.parametrize("fence", ["one_fence", "per_call"])
def test_counters_hold_what_was_added(fence: str) -> None:
    """Each successful INCR counts once, on the leader and, a heartbeat later, on every node."""
    world, record = shipped("contended", fence)
    assert record.labels["outcome"] == ["ok"]
    assert len(record.columns["id"]) == sum(counted(world, "n1")) == 1000
    let_pass(world.kernel, ms(300))
    assert counted(world, "n2") == counted(world, "n3") == counted(world, "n1")
    assert record.verdicts["safety"].verdict == "ok"


def test_attempts_and_the_fences_of_each_are_counted() -> None:
    """A retry runs the fence again: one verification and one guard per attempt, not per script."""
    _, record = shipped("contended", "one_fence")
    attempts = record.columns["attempts"]
    assert record.counters["conflicts"] == sum(attempts) - len(attempts) > 500
    rows = record.histograms["attempts"].rows
    assert sum(row[-1] for row in rows) == sum(attempts)
    assert (
        {row[Site.SCRIPT_START] for row in rows} == {row[Site.COMMIT_GUARD] for row in rows} == {1}
    )
    assert record.counters["rounds.confirmed"] == 2 * sum(attempts)


def test_an_update_that_a_client_gave_up_may_count_once_and_not_twice() -> None:
    """Across a step-down: successes are a lower bound, successes and unsettled ones an upper."""
    world, record = run(
        data={"counter": {"count": 4, "value": "0"}},
        workload={"clients": 6, "think": "1ms", "scripts": [INCREMENT]},
        events=[{"at": "50ms", "step_down": "n1"}],
        stop={"time": "5s"},
    )
    let_pass(world.kernel, ms(300))
    ended = outcomes_of(record)
    total = sum(counted(world, world.cluster.leader.name))
    assert record.counters["elections.won"] == 1
    assert ended["ok"] <= total <= ended["ok"] + 6
    assert record.verdicts["safety"].verdict == "ok"


# -- updates lost by early timestamps --------------------------------------------------------------


def _lost(timestamps: str) -> tuple[int, int, VariantRecord]:
    """Successful increments and what the counters hold, with commits' timestamps taken then."""
    loaded = load(str(shipped_folder() / "must_fail" / "lost_update.yaml"))
    system = loaded.variants[0].system
    store = system.store.model_copy(update={"commit_timestamp": timestamps})
    changed = system.model_copy(update={"store": store, "timelines": 0})
    world = World(changed, seed=loaded.scenario.seed, lua_files={})
    record = world.run("v", {})
    return outcomes_of(record)["ok"], sum(counted(world, "n1")), record


def test_timestamps_before_the_plan_lose_updates() -> None:
    """Clients were told of more increments than the counters hold, and the judge says why."""
    successes, total, record = _lost("before_plan")
    assert successes == 1000
    assert total < successes
    verdict = record.verdicts["safety"]
    assert verdict.verdict == "violated"
    assert any(text.startswith("changed past of 'counter:") for text in verdict.examples)


def test_timestamps_in_the_order_of_the_log_lose_none() -> None:
    """The same load, with timestamps that are given when the place in the log is."""
    successes, total, record = _lost("at_proposal")
    assert successes == total == 1000
    assert record.verdicts["safety"].verdict == "ok"


# -- back-off --------------------------------------------------------------------------------------


class Refusing:
    """Stores refuse every commit to the key `k`, as if somebody else always came first."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(Store, "conflict", self._conflict)

    @staticmethod
    def _conflict(store: Store, commit: Commit) -> bytes | None:
        return b"k" if b"k" in commit.writes else None


def stage(**settings: Any) -> Stage:
    """A cluster with the key `k`."""
    return Stage(data=data_of({"k": "str_new"}), **settings)


def pauses(trail: Trail) -> list[int]:
    """The back-offs of a script, in ns."""
    spans = trail.timeline().spans
    return [span.end_ns - span.start_ns for span in spans if span.kind == "backoff"]


@pytest.mark.parametrize(("drawn", "extra"), [(0.0, 0.0), (0.5, 0.25), (1 - 1e-12, 0.5)])
def test_back_off(monkeypatch: pytest.MonkeyPatch, drawn: float, extra: float) -> None:
    """1, 2, 4, 8, 10, 10, ... ms and at most half of it on top; 51 executions, then an error."""
    Refusing(monkeypatch)
    refusing = stage()
    service = refusing.node().service
    monkeypatch.setattr(service, "_jitter", lambda: drawn)
    trail = Trail(0, 0)
    sent = refusing.send(command("SET k v"), trail=trail)
    refusing.wait(sent)
    assert sent.reply == ErrorReply(b"redis txn retry limit exceeded: write conflict")
    assert sent.outcome.failed
    assert sent.outcome.attempts == service.conflicts == 51
    bases = [ms(base) for base in (1, 2, 4, 8, *[10] * 46)]
    assert pauses(trail) == pytest.approx([base * (1 + extra) for base in bases], abs=2)


def test_every_execution_pays_its_fence_and_its_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempt by attempt, in the tallies of the script."""
    Refusing(monkeypatch)
    sent = stage().ask(command("SET k v"))
    expected = dict.fromkeys(FIELDS, 0) | {
        "script_start": 1, "commit_guard": 1, "rounds": 2, "calls": 1,
        "point_reads": 31, "scans": 24,
    }  # fmt: skip
    assert [dict(zip(FIELDS, tally, strict=True)) for tally in sent.outcome.tallies] == [
        expected
    ] * 51


def test_jitter_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pause lies between its base and half as much again, and they differ."""
    Refusing(monkeypatch)
    refusing = stage()
    trail = Trail(0, 0)
    refusing.wait(refusing.send(command("SET k v"), trail=trail))
    longest = pauses(trail)[4:]
    assert all(ms(10) <= pause <= ms(15) for pause in longest)
    assert len(set(longest)) == len(longest)
    assert ms(12) < sum(longest) / len(longest) < ms(13)


def test_limits_of_the_scenario_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Executions, first and longest pause are settings."""
    Refusing(monkeypatch)
    limits = {"executions": 5, "first": "3ms", "longest": "7ms"}
    refusing = stage(script={"retry": limits})
    monkeypatch.setattr(refusing.node().service, "_jitter", lambda: 0.0)
    trail = Trail(0, 0)
    sent = refusing.send(command("SET k v"), trail=trail)
    refusing.wait(sent)
    assert sent.outcome.attempts == 5
    assert pauses(trail) == [ms(3), ms(6), ms(7), ms(7)]


def test_a_deadline_during_back_off_returns_the_last_conflict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not the deadline's error, and at the instant of the deadline."""
    Refusing(monkeypatch)
    sent = stage(script={"deadline": "20ms"}).ask(command("SET k v"))
    assert sent.reply == ErrorReply(b"write conflict")
    assert sent.latency_ns == ms(20)
    assert 1 < sent.outcome.attempts < 10


def test_a_retry_reads_afresh() -> None:
    """The second of two INCRs of one value meets a conflict, then adds to what the first left."""
    both = stage()
    sent = [both.send(script("return redis.call('INCR', 'k')")) for _ in range(2)]
    both.wait(*sent)
    assert [each.reply for each in sent] == [2, 3]
    assert [each.outcome.attempts for each in sent] == [1, 2]
    first, second = (each.outcome for each in sent)
    assert second.start_ts == first.commit_ts < second.commit_ts


def test_scripts_on_different_keys_do_not_meet() -> None:
    """No conflict, however many at once."""
    many = Stage(data=data_of({f"k{n}": "str_new" for n in range(8)}))
    sent = [many.send(command(f"INCR k{n}")) for n in range(8)]
    many.wait(*sent)
    assert [each.outcome.attempts for each in sent] == [1] * 8


def test_an_error_inside_the_script_is_not_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a conflict at commit is."""
    Refusing(monkeypatch)
    sent = stage().ask(script("redis.call('SET', 'k', 'v') error('no')"))
    assert sent.outcome.attempts == 1
    assert sent.outcome.failed
