"""The wire tap: which contexts a quorum has confirmed, from the messages alone."""

from models.audit.wire import WireTap, ledger_verdict


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
    assert ledger_verdict(counted=1, unclaimed=0, log_reads=0, tap=tap).verdict == "ok"
    assert ledger_verdict(counted=3, unclaimed=0, log_reads=2, tap=tap).verdict == "ok"
    verdict = ledger_verdict(counted=21, unclaimed=0, log_reads=0, tap=tap)
    assert verdict.verdict == "violated"
    assert verdict.violations == 20
    assert verdict.examples == [
        "21 verifications were counted, but a quorum confirmed 1 "
        "(1 read contexts on the wire, 0 of them given up, 0 log entries)"
    ]
