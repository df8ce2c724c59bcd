"""Stale reads in whole runs: which fences let them through; mutants that the judge must catch."""

from typing import Any

import pytest

from models.cluster import Cluster
from models.network.rules import DROP, PASS, Verdict
from models.raft.messages import Append, Heartbeat
from models.service import Service
from models.world import World
from sim.record import VariantRecord
from sim.units import SECOND, ms
from tests.models.worlds import NETWORK, let_pass, mutant, outcomes_of, run

WRITE = "return redis.call('SET', KEYS[1], ARGV[1])"
READ = "return redis.call('GET', KEYS[1])"
COUNTERS = {"counter": {"count": 4, "state": "str_new", "value": "0"}}
FAR = {"base": "4ms", "jitter": {"law": "exponential", "mean": "1ms"}}
KEYS = {"keys": [{"from": "counter"}]}
WRITER = {"lua": WRITE, "argv": ["{id}"], **KEYS}


def safety(record: VariantRecord) -> str:
    """What the judge says."""
    return record.verdicts["safety"].verdict


# -- a deposed leader goes on serving --------------------------------------------------------------


def stepped_down(fence: str, **settings: Any) -> VariantRecord:
    """Readers stay with n1, which hands over to n2 after 100 ms; writers follow."""
    _, record = run(
        fence=fence,
        network=NETWORK
        | {"one_way": {"base": "4ms", "jitter": {"law": "exponential", "mean": "1ms"}}},
        data=COUNTERS,
        workload=[
            {"name": "writers", "clients": 3, "think": "5ms", "scripts": [WRITER]},
            {
                "name": "readers",
                "attach": "n1",
                "clients": 3,
                "think": "5ms",
                "scripts": [{"lua": READ, **KEYS}],
            },
        ],
        events=[{"at": "100ms", "transfer_to": "n2"}],
        stop={"time": "400ms"},
        **settings,
    )
    assert record.counters["leadership.lost"] == 1
    return record


def test_a_deposed_leader_without_a_fence_serves_stale_values() -> None:
    """The judge names what was read, and what had been acknowledged before."""
    record = stepped_down("none")
    verdict = record.verdicts["safety"]
    assert (verdict.verdict, len(verdict.examples)) == ("violated", 5)
    assert verdict.violations > 10
    assert verdict.examples[0].startswith("stale read of 'counter:")
    assert "readers #" in verdict.examples[0]
    assert "writers #" in verdict.examples[0]
    assert "acknowledged" in verdict.examples[0]


@pytest.mark.parametrize("fence", ["one_fence", "log_read", "per_call", "as_merged", "before"])
def test_a_deposed_leader_with_a_fence_says_so(fence: str) -> None:
    """Its readers get errors and no stale value; who got an error is not held to have read."""
    record = stepped_down(fence)
    assert safety(record) == "ok"
    assert record.verdicts["ledger"].verdict == "ok"
    refused = [text for text in outcomes_of(record) if "etcd raft engine is not leader" in text]
    assert sum(outcomes_of(record)[text] for text in refused) > 10


# -- a fresh leader has not applied all that is acknowledged ---------------------------------------


def fresh_leader(fence: str) -> VariantRecord:
    """n2 takes over while it does not know yet that the last writes are committed.

    From 50 ms on it is told nothing but the entries themselves. It wins the election, holding them,
    and until its own first entry is committed, its store lacks the last write.
    """

    def hide_commits(world: World) -> None:
        def hide(source: int, target: int, message: object, now: int) -> Verdict:
            if (source, target) != (1, 2) or not ms(50) < now < ms(110):
                return PASS
            silent = isinstance(message, Heartbeat) or (
                isinstance(message, Append) and not message.entries
            )
            return DROP if silent else PASS

        world.cluster.rules.append(hide)

    _, record = run(
        prepare=hide_commits,
        fence=fence,
        data={"counter": {"keys": ["c"], "state": "str_new"}},
        workload=[
            {"name": "writer", "clients": 1, "think": "3ms", "scripts": [WRITER]},
            {
                "name": "readers",
                "attach": "n2",
                "clients": 3,
                "think": "100us",
                "scripts": [{"lua": READ, **KEYS}],
            },
        ],
        events=[{"at": "100ms", "transfer_to": "n2"}],
        stop={"time": "150ms"},
    )
    assert record.counters["elections.won"] == 1
    return record


@pytest.mark.parametrize("fence", ["one_fence", "log_read", "as_merged"])
def test_a_fence_before_the_timestamp_waits_for_what_is_committed(fence: str) -> None:
    """Linearizable reads begin once the own first entry is committed and all before it applied."""
    record = fresh_leader(fence)
    assert safety(record) == "ok"
    assert outcomes_of(record)["ok"] > 10


@pytest.mark.parametrize("fence", ["per_call", "before", "none"])
def test_verifying_after_the_timestamp_was_taken_is_too_late(fence: str) -> None:
    """Each read is verified, and the value is stale: the snapshot was chosen before."""
    verdict = fresh_leader(fence).verdicts["safety"]
    assert verdict.verdict == "violated"
    assert "stale read of 'c': readers #" in verdict.examples[0]


# -- mutants ---------------------------------------------------------------------------------------

TAKEN = "start_ts = outcome.start_ts = store.last_commit_ts"


def test_a_timestamp_taken_before_the_fence_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fence and read timestamp in the wrong order: counts and latency stay, values go stale."""
    swapped = mutant(
        Service._attempt,
        ("tally = new_tally()", "tally, early = new_tally(), store.last_commit_ts"),
        (TAKEN, "start_ts = outcome.start_ts = early"),
    )
    monkeypatch.setattr(Service, "_attempt", swapped)
    record = fresh_leader("one_fence")
    verdict = record.verdicts["safety"]
    assert verdict.verdict == "violated"
    assert "stale read of 'c': readers #" in verdict.examples[0]
    assert record.verdicts["ledger"].verdict == "ok"


def test_the_fences_index_as_the_timestamp_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """An index of the log is no timestamp: everybody reads the distant past."""
    confused = mutant(
        Service._attempt,
        ("yield self._engine.linearizable_read(", "index = yield self._engine.linearizable_read("),
        (TAKEN, "start_ts = outcome.start_ts = index"),
    )
    monkeypatch.setattr(Service, "_attempt", confused)
    verdict = stepped_down("one_fence").verdicts["safety"]
    assert verdict.verdict == "violated"
    assert verdict.violations > 10


def test_without_the_mutants_nothing_is_found() -> None:
    """The same two runs, unchanged."""
    assert safety(fresh_leader("one_fence")) == safety(stepped_down("one_fence")) == "ok"


# -- what must not be taken for a violation --------------------------------------------------------


def stalled_leader() -> tuple[World, VariantRecord]:
    """n1 stands still for 5 s with commits under way; another takes over and commits them."""
    return run(
        data={"counter": {"count": 20, "state": "str_new"}},
        workload=[
            {"name": "writers", "clients": 30, "think": "3ms", "scripts": [WRITER]},
            {
                "name": "readers",
                "arrivals": {"rate": "100/s"},
                "scripts": [{"lua": READ, **KEYS}],
            },
        ],
        events=[{"at": "50ms", "stall": "n1", "lasting": "5s"}],
        stop={"time": "5100ms"},
    )


def test_a_commit_that_its_proposer_learns_of_late_is_no_changed_past() -> None:
    """The others saw it when the first node had applied it, long before n1 woke up and said so."""
    world, record = stalled_leader()
    late = [
        latency
        for latency, code in zip(
            record.columns["latency_ns"], record.columns["outcome"], strict=True
        )
        if latency > 4 * SECOND and code == 0
    ]
    assert late, "n1 acknowledged something after its stall"
    assert record.counters["elections.won"] == 1
    assert safety(record) == "ok"
    let_pass(world.kernel, ms(300))
    assert world.cluster._applied_first == {}, "nothing is remembered that all have applied"


def test_the_instant_of_a_commit_is_that_of_the_first_node() -> None:
    """Taken from the proposer alone, it would accuse those who read in between."""
    honest = Cluster._visible_since
    late = mutant(honest, ("return first", "return self._kernel.now"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Cluster, "_visible_since", late)
        _, record = stalled_leader()
    assert "changed past of 'counter:" in record.verdicts["safety"].examples[0]
