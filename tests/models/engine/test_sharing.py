"""Readers that share a round: who with whom, how it is counted, and what must not be shared."""

import pytest

from models.audit.wire import ledger_verdict
from models.engine.readers import Readers
from models.engine.requests import DeadlineExceeded, NotLeader
from models.engine.sharing import SharedRounds
from models.engine.sites import ROUNDS, Site, Tally, new_tally
from sim.record import Verdict
from sim.units import ms, us
from tests.models.engine.rig import Rig, Waiter
from tests.models.worlds import mutant, run

ROUND = us(1000 + 5 + 5 + 5)
"""Read, two hops, and the loops of both ends."""


def ledger(rig: Rig, tallies: list[Tally]) -> Verdict:
    """What the ledger says of these reads."""
    engine = rig.leader
    return ledger_verdict(
        counted=sum(sum(tally[: len(Site)]) for tally in tallies),
        rounds=sum(tally[ROUNDS] for tally in tallies),
        begun=engine.rounds_sent,
        unclaimed=engine.counters["rounds.unclaimed"],
        shared=engine.counters["rounds.shared"],
        log_reads=0,
        tap=rig.tap,
    )


def ask_at(rig: Rig, *instants: int) -> tuple[list[Waiter], list[Tally]]:
    """Readers that ask at these instants, rising, and their tallies."""
    waiters, tallies = [], [new_tally() for _ in instants]
    for instant, tally in zip(instants, tallies, strict=True):
        if instant > rig.kernel.now:
            rig.run_for(instant - rig.kernel.now)
        waiters.append(rig.verify(tally=tally))
    return waiters, tallies


def test_who_comes_during_a_round_waits_for_the_next_and_shares_it() -> None:
    """One reader begins at once; three that come meanwhile are answered together by the second."""
    rig = Rig(share_reads=True)
    waiters, tallies = ask_at(rig, 0, us(100), us(500), us(900))
    rig.run_for(ms(5))
    assert waiters[0].ended_ns == ROUND
    # The second round is begun when the first is confirmed, and waits for the other follower's
    # answer to be served.
    ends = [waiter.ended_ns for waiter in waiters[1:]]
    assert len(set(ends)) == 1 and 2 * ROUND <= (ends[0] or 0) <= 2 * ROUND + us(10)
    assert [tally[ROUNDS] for tally in tallies] == [1, 1, 0, 0]
    assert [tally[Site.STRING_READ] for tally in tallies] == [1, 1, 1, 1]
    assert rig.leader.rounds_sent == rig.tap.sent == 2
    assert rig.leader.counters["rounds.shared"] == 2
    assert ledger(rig, tallies).verdict == "ok"


def test_who_comes_before_the_loop_has_begun_a_round_shares_it() -> None:
    """The request waits its turn in the loop; until then, the round has not begun."""
    rig = Rig(share_reads=True)
    waiters, tallies = ask_at(rig, 0, us(4))
    rig.run_for(ms(5))
    assert [waiter.ended_ns for waiter in waiters] == [ROUND, ROUND]
    assert rig.leader.rounds_sent == 1
    assert ledger(rig, tallies).verdict == "ok"


def test_without_sharing_each_reader_has_a_round() -> None:
    """The modelled engine, for comparison: the last is answered a round after it asked."""
    rig = Rig(share_reads=False)
    waiters, tallies = ask_at(rig, 0, us(100), us(500), us(900))
    rig.run_for(ms(5))
    assert waiters[3].ended_ns is not None and waiters[3].ended_ns < us(900) + ROUND + us(30)
    assert [tally[ROUNDS] for tally in tallies] == [1, 1, 1, 1]
    assert ledger(rig, tallies).verdict == "ok"


def test_a_round_goes_on_for_those_who_have_not_given_up() -> None:
    """The reader that began it gives up: the others are confirmed, and none is counted for it."""
    rig = Rig(share_reads=True)
    tallies = [new_tally(), new_tally()]
    first = rig.wait(rig.leader.verify_leader(Site.SCRIPT_START, tallies[0], us(600)))
    second = rig.verify(tally=tallies[1])
    rig.run_for(ms(5))
    assert isinstance(first.error, DeadlineExceeded) and second.ended_ns == ROUND
    assert [tally[Site.SCRIPT_START] + tally[Site.STRING_READ] for tally in tallies] == [0, 1]
    assert ledger(rig, tallies).verdict == "ok"


def test_when_all_have_given_up_the_confirmation_is_nobodys_and_the_next_round_begins() -> None:
    """Unclaimed on the wire, and later readers are not held up."""
    rig = Rig(share_reads=True)
    tallies = [new_tally(), new_tally()]
    late = rig.wait(rig.leader.verify_leader(Site.SCRIPT_START, tallies[0], us(600)))
    rig.run_for(us(700))
    later = rig.verify(tally=tallies[1])
    rig.run_for(ms(5))
    assert isinstance(late.error, DeadlineExceeded)
    assert later.ended_ns is not None and later.error is None
    assert rig.leader.counters["rounds.unclaimed"] == 1
    assert ledger(rig, tallies).verdict == "ok"


def test_readers_who_give_up_before_their_round_begins_need_none() -> None:
    """Nothing is sent for them."""
    rig = Rig(share_reads=True)
    tallies = [new_tally(), new_tally()]
    rig.verify(tally=tallies[0])
    rig.run_for(us(100))
    rig.wait(rig.leader.verify_leader(Site.SCRIPT_START, tallies[1], us(600)))
    rig.run_for(ms(5))
    assert rig.leader.rounds_sent == 1
    again = rig.verify(tally=tallies[0])
    rig.run_for(ms(5))
    assert again.error is None and again.ended_ns is not None


def test_a_leader_that_steps_down_fails_all_readers_and_those_who_come() -> None:
    """Of the round, of the next, and whoever asks later: nobody is left hanging."""
    rig = Rig(share_reads=True)
    waiters, _ = ask_at(rig, 0, us(1), us(100), us(200))
    rig.leader.step_down()
    rig.run_for(us(100))
    waiters.append(rig.verify())
    rig.run_for(us(100))
    assert [type(waiter.error) for waiter in waiters] == [NotLeader] * 5


def test_the_ledger_catches_a_mutant_that_lets_late_readers_share(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever waits when a round is confirmed is answered by it, though it began before."""
    granting = mutant(
        Readers.confirm,
        (
            "for each in read.sharers:",
            "assert self._shared is not None\n        "
            "more, self._shared._waiting = self._shared._waiting, []\n        "
            "for each in [*read.sharers, *more]:",
        ),
    )
    monkeypatch.setattr(Readers, "confirm", granting)
    rig = Rig(share_reads=True)
    _, tallies = ask_at(rig, 0, us(100), us(500))
    rig.run_for(ms(5))
    verdict = ledger(rig, tallies)
    assert verdict.verdict == "violated"
    assert verdict.examples == [
        "2 readers were served by a round that had left before they asked for it"
    ]


def test_the_ledger_catches_a_mutant_that_counts_a_shared_round_for_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One round on the wire, three in the tallies."""
    counting = mutant(
        Readers.ask,
        ("read.tally[ROUNDS] += 1", "for each in (read, *read.sharers): each.tally[ROUNDS] += 1"),
    )
    monkeypatch.setattr(Readers, "ask", counting)
    rig = Rig(share_reads=True)
    _, tallies = ask_at(rig, 0, us(1), us(2))
    rig.run_for(ms(5))
    assert ledger(rig, tallies).verdict == "violated"


def test_the_ledger_catches_a_mutant_that_forgets_the_sharers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are answered, and counted by nobody."""
    forgetting = mutant(
        Readers.confirm,
        ("claimed += self._grant(each, context, index, applied)", "each.resolve(index)"),
    )
    monkeypatch.setattr(Readers, "confirm", forgetting)
    rig = Rig(share_reads=True)
    _, tallies = ask_at(rig, 0, us(1), us(2))
    rig.leader.counters["rounds.shared"] = 2
    rig.run_for(ms(5))
    assert ledger(rig, tallies).verdict == "violated"


def test_more_rounds_than_one_are_never_outstanding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under any load; a mutant that begins one per reader is noticed."""
    settings = {
        "engine": {"read_sharing": "one_outstanding"},
        "workload": {"clients": 16, "scripts": [{"lua": "return 1"}]},
        "stop": {"scripts": 400},
    }
    _, record = run(**settings)
    per_second = record.counters["rounds.confirmed"] * 10**9 / record.measured_ns
    assert 900 < per_second < 1000  # a round takes a little over 1 ms
    assert record.counters["rounds.shared"] == 400 - record.counters["rounds.confirmed"]
    assert record.verdicts["ledger"].verdict == "ok"
    always = mutant(SharedRounds.join, ("return not began", "return True"))
    monkeypatch.setattr(SharedRounds, "join", always)
    _, record = run(**settings)
    assert record.counters["rounds.confirmed"] * 10**9 / record.measured_ns > 1100


def test_sixteen_clients_wait_for_two_rounds_as_measured_in_etcd() -> None:
    """Each comes while a round is under way: its own answer needs the rest of it and the next."""
    common = {
        "workload": {"clients": 16, "scripts": [{"lua": "return 1"}]}, "stop": {"scripts": 800},
        "script": {"start": "50us"},
    }  # fmt: skip
    _, shared = run(engine={"read_sharing": "one_outstanding"}, **common)
    _, alone = run(**common)
    median = [sorted(each.columns["latency_ns"])[400] for each in (shared, alone)]
    assert 1.7 < median[0] / median[1] < 2.1
