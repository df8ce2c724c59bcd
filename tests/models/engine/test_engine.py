"""The engine: requests, the order of the loop, loss of leadership, deadlines, what is counted."""

import pytest

from models.audit.wire import ledger_verdict
from models.engine.engine import Engine
from models.engine.readers import Readers
from models.engine.requests import DeadlineExceeded, NotLeader
from models.engine.sites import ROUNDS, Site, new_tally
from models.network.rules import DROP, PASS, Verdict
from models.raft.messages import AppendResponse, Heartbeat, HeartbeatResponse
from sim.kernel import Event
from sim.units import ms, us
from tests.models.engine.rig import COSTS, Rig, Waiter
from tests.models.worlds import mutant

ROUND_TRIP = us(1000)


def test_a_read_takes_a_round_trip_and_the_service_times_on_its_way() -> None:
    """Loop at the leader, one way, loop at the follower, one way, loop at the leader."""
    rig = Rig()
    tally = new_tally()
    read = rig.verify(tally=tally)
    rig.run_for(ms(5))
    assert read.ended_ns == ROUND_TRIP + COSTS.read + 2 * COSTS.message
    assert tally[Site.STRING_READ] == 1
    assert tally[ROUNDS] == 1


def test_a_follower_refuses_at_once() -> None:
    """The answer of the modelled engine, after its turn in the loop and without any message."""
    rig = Rig()
    read = rig.verify(rig.engines[2])
    rig.run_for(ms(1))
    assert isinstance(read.error, NotLeader)
    assert str(read.error) == "etcd raft engine is not leader"
    assert read.ended_ns == COSTS.read
    assert rig.engines[2].messages_sent == 0


def test_a_step_down_fails_everything_pending_at_once() -> None:
    """Reads and proposals alike, without waiting for acknowledgements on their way."""
    rig = Rig()
    read = rig.verify()
    proposal = rig.wait(rig.leader.propose(lambda: "x"))
    rig.run_for(us(300))
    rig.leader.step_down()
    rig.run_for(us(100))
    assert isinstance(read.error, NotLeader)
    assert isinstance(proposal.error, NotLeader)
    assert read.ended_ns == us(300)


def test_the_callers_deadline_ends_a_waiting_fence() -> None:
    """At the very instant, though no quorum ever answers."""
    rig = Rig()
    rig.rules.append(lambda *_: DROP)
    fence = rig.wait(rig.leader.linearizable_read(Site.SCRIPT_START, new_tally(), deadline=ms(3)))
    rig.run_for(ms(10))
    assert isinstance(fence.error, DeadlineExceeded)
    assert fence.ended_ns == ms(3)
    assert str(fence.error) == "context deadline exceeded"


def test_a_lost_acknowledgement_is_made_good_by_a_later_one() -> None:
    """An acknowledgement of a later context releases the reads before it as well."""
    rig = Rig()
    first_contexts: list[int] = []

    def lose_the_first(source: int, target: int, message: object, now: int) -> Verdict:
        context = message.context if isinstance(message, HeartbeatResponse) else None
        if context is None or (first_contexts and context != first_contexts[0]):
            return PASS
        first_contexts.append(context)
        return DROP

    rig.rules.append(lose_the_first)
    first = rig.verify()
    rig.run_for(ms(3))
    assert first.ended_ns is None
    second = rig.verify()
    rig.run_for(ms(3))
    assert first.ended_ns == second.ended_ns
    assert first.error is None
    assert len(first_contexts) == 2  # one of each follower


def test_the_periodic_heartbeat_recovers_a_read_whose_heartbeats_were_lost() -> None:
    """It carries the last pending context: after 200 ms in production settings."""
    rig = Rig()
    lost: list[object] = []

    def lose_reads(source: int, target: int, message: object, now: int) -> Verdict:
        if isinstance(message, Heartbeat) and message.context is not None and now < ms(100):
            lost.append(message)
            return DROP
        return PASS

    rig.rules.append(lose_reads)
    read = rig.verify()
    rig.run_for(ms(300))
    assert len(lost) == 2
    assert read.ended_ns is not None
    assert ms(200) < read.ended_ns < ms(202)


def test_a_committed_proposal_resolves_to_what_applying_it_gave() -> None:
    """On the proposing node, after a quorum has it; the others apply it too."""
    rig = Rig(fsync_ns=us(20))
    proposal = rig.wait(rig.leader.propose(lambda: "x"))
    rig.run_for(ms(5))
    assert proposal.value == "applied x"
    assert proposal.ended_ns is not None
    assert proposal.ended_ns > ROUND_TRIP
    assert rig.applied == {1: ["x"], 2: ["x"], 3: ["x"]}


def test_a_payload_is_made_when_its_place_in_the_log_is_decided() -> None:
    """Not when it is asked for: a busy loop must not give two proposals the wrong order."""
    rig = Rig()
    made: list[int] = []
    rig.leader.stall(ms(2))
    rig.wait(rig.leader.propose(lambda: made.append(rig.kernel.now)))
    rig.run_for(ms(5))
    assert made == [ms(2) + COSTS.proposal]


def test_an_fsync_delays_every_read_behind_it() -> None:
    """Persisting is done on the loop."""
    rig = Rig(fsync_ns=ms(16))
    rig.leader.propose(lambda: "x")
    read = rig.verify()
    rig.run_for(ms(100))
    assert read.ended_ns is not None
    assert read.ended_ns >= ms(16) + ROUND_TRIP


def test_a_stall_holds_the_loop() -> None:
    """Nothing is handled while it lasts."""
    rig = Rig()
    rig.leader.stall(ms(50))
    read = rig.verify()
    rig.run_for(ms(100))
    assert read.ended_ns == ms(50) + ROUND_TRIP + COSTS.read + 2 * COSTS.message


def test_a_log_read_is_an_entry_of_its_own() -> None:
    """Counted once, at the node that proposed it, when it is applied there."""
    rig = Rig()
    tally = new_tally()
    read = rig.wait(rig.leader.log_read(Site.SCRIPT_START, tally))
    rig.run_for(ms(10))
    assert read.error is None
    assert tally[Site.SCRIPT_START] == 1
    assert tally[ROUNDS] == 1
    assert rig.leader.counters["rounds.log"] == 1
    assert rig.engines[2].counters["rounds.log"] == 0
    assert rig.applied[2] == []


def test_a_single_node_confirms_by_itself() -> None:
    """Nobody has to be asked, and nothing is sent."""
    rig = Rig(nodes=1)
    read = rig.verify()
    rig.run_for(ms(1))
    assert read.ended_ns == COSTS.read
    assert rig.leader.messages_sent == 0


def test_a_full_inbound_queue_drops_and_counts() -> None:
    """A peer's message finds no room; the sender is not told."""
    rig = Rig()
    follower = rig.engines[2]
    follower.stall(ms(50))
    for _ in range(1100):
        follower.receive(AppendResponse(1, 1, 0))
    assert follower.counters["inbound.dropped"] == 1100 - 1024


def test_an_idle_group_costs_almost_no_events() -> None:
    """No event per tick: a minute of three idle nodes is a few events per heartbeat."""
    rig = Rig()
    rig.run_for(ms(60_000))
    heartbeats = 60_000 // 200
    ticks = 3 * 60_000 // 10
    assert rig.kernel.events < 12 * heartbeats < ticks


def test_leadership_passes_to_the_node_it_is_handed_to() -> None:
    """A transfer is over within a few round trips, and the old leader knows it."""
    rig = Rig()
    rig.leader.transfer(2)
    rig.run_for(ms(20))
    assert [engine.is_leader for engine in rig.engines.values()] == [False, True, False]
    assert rig.engines[1].counters["leadership.lost"] == 1
    read = rig.verify(rig.engines[2])
    rig.run_for(ms(5))
    assert read.error is None


# -- what is counted must be what was sent -------------------------------------------------------


def _ledger(rig: Rig, counted: int, rounds: int | None = None) -> str:
    engines = rig.engines.values()
    return ledger_verdict(
        counted=counted,
        rounds=rig.leader.rounds_sent if rounds is None else rounds,
        begun=sum(engine.rounds_sent for engine in engines),
        shared=sum(engine.counters["rounds.shared"] for engine in engines),
        unclaimed=sum(engine.counters["rounds.unclaimed"] for engine in engines),
        log_reads=sum(engine.counters["rounds.log"] for engine in engines),
        tap=rig.tap,
    ).verdict


def _ten_reads(rig: Rig) -> int:
    tally = new_tally()
    waiters = [rig.verify(tally=tally) for _ in range(10)]
    rig.run_for(ms(10))
    assert all(waiter.error is None and waiter.ended_ns is not None for waiter in waiters)
    return sum(tally[: len(Site)])


def test_the_ledger_agrees_with_an_honest_engine() -> None:
    """Ten reads counted, ten contexts confirmed on the wire."""
    rig = Rig()
    assert _ledger(rig, _ten_reads(rig)) == "ok"


def test_the_ledger_catches_a_mutant_that_counts_without_sending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A verification that is answered at once from local state is no verification."""

    def answer_locally(self: Engine, event: Event) -> None:
        self._item.tally[self._item.site] += 1
        self._item.resolve(self.raft.commit_index)
        self._carry_on()

    monkeypatch.setattr(Engine, "_serve_read", answer_locally)
    rig = Rig()
    assert _ledger(rig, _ten_reads(rig)) == "violated"


def test_the_ledger_catches_a_mutant_that_sends_without_counting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The store's fences ran for weeks without anybody counting them."""
    uncounted = mutant(Readers._grant, ("read.tally[read.site] += 1", "pass"))
    monkeypatch.setattr(Readers, "_grant", uncounted)
    rig = Rig()
    assert _ledger(rig, _ten_reads(rig)) == "violated"


def test_a_confirmation_nobody_waits_for_any_more_is_told_apart() -> None:
    """A read whose deadline passed is confirmed later: on the wire, but counted for nobody."""
    rig = Rig()
    tally = new_tally()
    late: Waiter = rig.wait(rig.leader.verify_leader(Site.SCRIPT_START, tally, us(600)))
    rig.run_for(ms(5))
    assert isinstance(late.error, DeadlineExceeded)
    assert tally[Site.SCRIPT_START] == 0
    assert rig.leader.counters["rounds.unclaimed"] == 1
    assert _ledger(rig, 0) == "ok"
