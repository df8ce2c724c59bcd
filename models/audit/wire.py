"""The wire tap: counts quorum rounds from the messages alone.

It sees which read contexts a leader sends and which acknowledgements it processes, and works out by
itself which contexts a quorum has confirmed. What the engine and the adapter count must agree with
it: a count without a round, and a round without a count, are both found (`ledger`).
"""

from collections import deque

from sim.record import Verdict


class WireTap:
    """Watches the heartbeats of all nodes."""

    def __init__(self, voters: int) -> None:
        self.alone = voters == 1
        """Whether the only node confirms by itself, so that there is nothing to see."""
        self._needed = voters // 2
        """Acknowledgements that make a quorum together with the leader itself."""
        self._open: dict[int, deque[tuple[int, dict[int, None]]]] = {}
        """Per leader: contexts sent and not confirmed, with who has acknowledged them."""
        self._last_sent: dict[int, int] = {}
        self.sent = 0
        """Contexts that have left a leader."""
        self.confirmed = 0
        """Contexts that a quorum has confirmed."""

    def heartbeat_sent(self, leader: int, context: int) -> None:
        """A leader hands a heartbeat with a read context to a lane."""
        if context > self._last_sent.get(leader, 0):
            self._last_sent[leader] = context
            self._open.setdefault(leader, deque()).append((context, {}))
            self.sent += 1

    def acknowledged(self, leader: int, peer: int, context: int) -> None:
        """A leader processes a peer's acknowledgement of a context."""
        pending = self._open.get(leader)
        if not pending or context < pending[0][0]:
            return
        for sent, acks in pending:
            if sent == context:
                acks[peer] = None
                if len(acks) < self._needed:
                    return
                break
        else:
            return
        while pending and pending[0][0] <= context:
            pending.popleft()
            self.confirmed += 1

    def leadership_lost(self, leader: int) -> None:
        """A leader steps down: nothing it has sent can be confirmed any more."""
        self._open.pop(leader, None)


def ledger_verdict(*, counted: int, unclaimed: int, log_reads: int, tap: WireTap | None) -> Verdict:
    """Whether every confirmation counted was one, and every one was counted.

    `counted`: confirmations in all tallies (V + F + L + C). `unclaimed`: confirmations whose
    requester had given up. `log_reads`: those of `counted` that were an entry in the Raft log,
    which has its own quorum. `tap` is None where no messages are sent.
    """
    if tap is None:
        reason = "fidelity rounds sends no messages: nothing on the wire to hold the counts against"
        return Verdict(verdict="unknown", checked=0, reason=reason)
    if tap.alone:
        reason = "a single node confirms by itself: nothing on the wire to hold the counts against"
        return Verdict(verdict="unknown", checked=0, reason=reason)
    expected = tap.confirmed - unclaimed + log_reads
    if counted == expected:
        return Verdict(verdict="ok", checked=tap.confirmed + log_reads)
    text = (
        f"{counted:,} verifications were counted, but a quorum confirmed {expected:,} "
        f"({tap.confirmed:,} read contexts on the wire, {unclaimed:,} of them given up, "
        f"{log_reads:,} log entries)"
    )
    return Verdict(
        verdict="violated",
        checked=tap.confirmed + log_reads,
        violations=abs(counted - expected),
        examples=[text],
    )
