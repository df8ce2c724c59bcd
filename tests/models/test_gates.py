"""Gates over runs: the leak and the missing quorum are caught, and so is who counts wrongly."""

from collections.abc import Iterator

import pytest

from models.attempt import Attempt
from models.engine.engine import Engine
from models.engine.sites import ROUNDS, Site, Tally, new_tally
from reports.check import Check, Gate, check_run
from sim.kernel import Future
from sim.record import VariantRecord
from tests.models.worlds import record_of, run

ONE = Gate("verifications.per_script == 1")
SEVEN_GETS = "for _, key in ipairs(KEYS) do redis.call('GET', key) end"


def gets(fence: str, state: str = "str_bare") -> VariantRecord:
    """Twenty scripts of seven GETs, by three clients."""
    _, record = run(
        fence=fence,
        data={"session": {"count": 100, "state": state}},
        workload={
            "clients": 3,
            "scripts": [{"lua": SEVEN_GETS, "keys": [{"from": "session", "count": 7}]}],
        },
        stop={"scripts": 20},
    )
    return record


def check(record: VariantRecord, *gates: Gate) -> Check:
    """The gates, over a run of this variant alone."""
    return check_run(record_of(record), gates)


def test_one_fence_passes() -> None:
    """Exactly one verification per script, and the ledger agrees."""
    assert check(gets("one_fence"), ONE, Gate("ledger == ok"), Gate("errors == 0")).kept


def test_the_leak_is_caught_and_its_call_site_named() -> None:
    """As merged: one fence on top, and 161 store reads below it that each asked a quorum."""
    (finding,) = check(gets("as_merged"), ONE).findings
    assert finding.line.verdict == "broken"
    assert finding.line.value == "162"
    (cause,) = finding.line.causes
    assert "store reads 161 (F: point reads 112, range scans 49)" in cause
    assert "script start 1 (L)" in cause


def test_no_quorum_at_all_is_caught() -> None:
    """A count of 0 is as wrong as a count of 2, though nothing bad has happened."""
    record = gets("none")
    (finding,) = check(record, ONE).findings
    assert finding.line.verdict == "broken"
    assert finding.line.value == "0"
    assert record.verdicts["safety"].verdict == record.verdicts["ledger"].verdict == "ok"


def test_no_quorum_is_seen_on_the_wire_too() -> None:
    """No read context leaves the leader, so nothing could have been confirmed."""
    record = gets("none")
    assert record.counters["rounds.sent"] == record.counters["rounds.confirmed"] == 0


def test_a_leak_does_not_hide_behind_an_error_that_the_script_raises() -> None:
    """The attempt was through, so it counts, though its latency does not."""
    fails = {
        "lua": SEVEN_GETS + " error('not found')",
        "keys": [{"from": "session", "count": 7}],
    }
    _, record = run(
        fence="as_merged",
        data={"session": {"count": 100, "state": "str_bare"}},
        workload={"clients": 3, "scripts": [fails, {"lua": "return 1"}]},
        stop={"scripts": 20},
    )
    (finding,) = check(record, ONE).findings
    assert finding.line.verdict == "broken"
    assert "162" in finding.line.value


# -- mutants ---------------------------------------------------------------------------------------


def _ledger(record: VariantRecord) -> tuple[str, int]:
    verdict = record.verdicts["ledger"]
    return verdict.verdict, verdict.violations


@pytest.fixture
def patched() -> Iterator[pytest.MonkeyPatch]:
    """Patches that end with the test."""
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def test_an_adapter_that_counts_for_itself_is_caught(patched: pytest.MonkeyPatch) -> None:
    """It claims a verification per call, and asks nobody."""

    def charge(self: Attempt) -> None:
        honest(self)
        self.tally[Site.STRING_READ] += 1

    honest = Attempt.charge
    patched.setattr(Attempt, "charge", charge)
    record = gets("none")
    assert _ledger(record) == ("violated", 20)
    (finding,) = check(record, ONE).findings
    assert finding.line.verdict == "unknown", "the count is 1, but proves nothing"
    assert "the ledger of none does not balance" in finding.line.reason


def test_a_store_that_fences_uncounted_is_caught(patched: pytest.MonkeyPatch) -> None:
    """How the leak stayed unseen: the count per script is 1, the wire carries 162 rounds."""

    def linearizable_read(
        self: Engine, site: Site, tally: Tally, deadline: int | None = None
    ) -> Future:
        return honest(self, site, tally if site is Site.SCRIPT_START else new_tally(), deadline)

    honest = Engine.linearizable_read
    patched.setattr(Engine, "linearizable_read", linearizable_read)
    record = gets("as_merged")
    assert record.histograms["attempts"].rows == [[0, 0, 0, 1, 0, 1, 7, 112, 49, 20]]
    assert record.counters["rounds.confirmed"] == 20 * 162
    assert _ledger(record) == ("violated", 20 * 161)
    (finding,) = check(record, ONE).findings
    assert finding.line.verdict == "unknown"
    assert not check(record, Gate("ledger == ok")).kept


def test_an_engine_that_answers_by_itself_is_caught(patched: pytest.MonkeyPatch) -> None:
    """A fence answered from what the node believes, and counted as if a quorum had been asked."""

    def linearizable_read(
        self: Engine, site: Site, tally: Tally, deadline: int | None = None
    ) -> Future:
        tally[site] += 1
        tally[ROUNDS] += 1
        answer = Future("nobody")
        answer.resolve(self.raft.commit_index)
        return answer

    patched.setattr(Engine, "linearizable_read", linearizable_read)
    assert _ledger(gets("one_fence")) == ("violated", 20)


def test_a_single_node_has_no_ledger() -> None:
    """It confirms by itself: nothing on the wire could contradict what is counted."""
    _, record = run(cluster={"nodes": 1}, stop={"scripts": 3})
    verdict = record.verdicts["ledger"]
    assert verdict.verdict == "unknown"
    assert verdict.reason == (
        "a single node confirms by itself: nothing on the wire to hold the counts against"
    )
    assert not check(record, Gate("ledger == ok")).kept
    assert check(record, ONE).kept
