"""The wire tap: which contexts a quorum has confirmed, from the messages alone."""

from models.audit.wire import WireTap, ledger_verdict
from sim.record import Verdict


def ledger(tap: WireTap, **changes: int) -> Verdict:
    """The verdict on one read, sent, confirmed and counted, unless changed."""
    counts = {"counted": 1, "rounds": 1, "begun": 1, "unclaimed": 0, "shared": 0, "log_reads": 0}
    return ledger_verdict(**counts | changes, tap=tap)


def test_one_acknowledgement_confirms_in_a_group_of_three() -> None:
    """The leader itself is the second of the majority."""
    tap = WireTap(3)
    tap.heartbeat_sent(1, 7)
    tap.heartbeat_sent(1, 7)  # to the second peer
    assert (tap.sent, tap.confirmed) == (1, 0)
    tap.acknowledged(1, 2, 7)
    tap.acknowledged(1, 3, 7)
    assert (tap.sent, tap.confirmed) == (1, 1)


def test_a_later_context_confirms_the_earlier_ones() -> None:
    """As ReadIndex does."""
    tap = WireTap(3)
    for context in (1, 2, 3, 4):
        tap.heartbeat_sent(1, context)
    tap.acknowledged(1, 3, 3)
    assert tap.confirmed == 3


def test_five_nodes_need_two_different_peers() -> None:
    """The same peer twice is one peer."""
    tap = WireTap(5)
    tap.heartbeat_sent(1, 1)
    tap.acknowledged(1, 2, 1)
    tap.acknowledged(1, 2, 1)
    assert tap.confirmed == 0
    tap.acknowledged(1, 4, 1)
    assert tap.confirmed == 1


def test_what_was_never_sent_is_never_confirmed() -> None:
    """An acknowledgement of a context that never left the leader is nobody's round."""
    tap = WireTap(3)
    tap.acknowledged(1, 2, 9)
    tap.heartbeat_sent(1, 10)
    tap.acknowledged(1, 2, 9)
    assert tap.confirmed == 0


def test_a_deposed_leaders_contexts_are_void() -> None:
    """Acknowledgements that come after the step-down confirm nothing."""
    tap = WireTap(3)
    tap.heartbeat_sent(1, 1)
    tap.leadership_lost(1)
    tap.acknowledged(1, 2, 1)
    assert tap.confirmed == 0


def test_the_ledger_names_both_sums_when_they_differ() -> None:
    """A count without a round, in words."""
    tap = WireTap(3)
    tap.heartbeat_sent(1, 1)
    tap.acknowledged(1, 2, 1)
    assert ledger(tap, counted=1).verdict == "ok"
    assert ledger(tap, counted=3, rounds=3, log_reads=2).verdict == "ok"
    verdict = ledger(tap, counted=21)
    assert verdict.verdict == "violated"
    assert verdict.violations == 20
    assert verdict.examples == [
        "21 verifications were counted, but a quorum confirmed 1 "
        "(1 read contexts on the wire, 0 of them given up, 0 readers sharing another's, 0 log "
        "entries)"
    ]


def test_the_ledger_holds_rounds_against_the_wire() -> None:
    """Three readers of one round are one round: counted for each of them, they are too many."""
    tap = WireTap(3)
    readers = [tap.asked() for _ in range(3)]
    tap.heartbeat_sent(1, 1)
    tap.acknowledged(1, 2, 1)
    for reader in readers:
        tap.granted(1, 1, reader)
    assert ledger(tap, counted=3, shared=2).verdict == "ok"
    each = ledger(tap, counted=3, shared=2, rounds=3)
    assert (each.verdict, each.violations) == ("violated", 2)
    assert each.examples == ["3 rounds were counted, but 1 were begun, of which 1 were on the wire"]
    assert ledger(tap, counted=1, shared=2).verdict == "violated"
    unseen = ledger(tap, counted=3, shared=2, rounds=0, begun=0)
    assert (unseen.verdict, unseen.violations) == ("violated", 1)


def test_a_round_that_never_left_a_deposed_leader_is_no_fault() -> None:
    """It was begun and counted for the script, and then the node stepped down."""
    tap = WireTap(3)
    tap.heartbeat_sent(1, 1)
    tap.acknowledged(1, 2, 1)
    assert ledger(tap, rounds=2, begun=2).verdict == "ok"


def test_a_reader_must_not_share_a_round_that_left_before_it_asked() -> None:
    """Its commit index may be older than a write that the reader knows of."""
    tap = WireTap(3)
    early = tap.asked()
    tap.heartbeat_sent(1, 1)
    late = tap.asked()
    tap.acknowledged(1, 2, 1)
    tap.granted(1, 1, early)
    assert ledger(tap).verdict == "ok"
    tap.granted(1, 1, late)
    verdict = ledger(tap, counted=2, shared=1)
    assert verdict.examples == [
        "1 readers were served by a round that had left before they asked for it"
    ]
