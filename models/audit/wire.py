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
        self._asked = 0
        self._left: dict[int, deque[tuple[int, int]]] = {}
        """Per leader: contexts that left, oldest first, and how many readers had asked by then."""
        self.sent = 0
        """Contexts that have left a leader."""
        self.confirmed = 0
        """Contexts that a quorum has confirmed."""
        self.late = 0
        """Readers who were served by a round that had left before they asked."""

    def asked(self) -> int:
        """A reader that may share a round asks now; its number, from 1."""
        self._asked += 1
        return self._asked

    def granted(self, leader: int, context: int, asked: int) -> None:
        """A leader gives the confirmation of a context to the reader of that number."""
        if self.alone:
            return
        left = self._left.get(leader, deque())
        while left and left[0][0] < context:
            left.popleft()
        if not left or left[0][0] != context or left[0][1] < asked:
            self.late += 1

    def heartbeat_sent(self, leader: int, context: int) -> None:
        """A leader hands a heartbeat with a read context to a lane."""
        if context > self._last_sent.get(leader, 0):
            self._last_sent[leader] = context
            if self._asked:
                self._left.setdefault(leader, deque()).append((context, self._asked))
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


def ledger_verdict(
    *,
    counted: int,
    rounds: int,
    begun: int,
    unclaimed: int,
    shared: int,
    log_reads: int,
    tap: WireTap | None,
    under_way: int = 0,
) -> Verdict:
    """Whether every confirmation counted was one, and every one was counted.

    `counted`: confirmations in all tallies (V + F + L + C). `rounds`: rounds in all tallies; one
    that was shared is told of the reader that began it. `begun`: read contexts that Raft was asked
    to confirm; not all leave a leader that is deposed. `unclaimed`: confirmations whose requester
    had given up. `shared`: those of `counted` beyond the first of their round. `log_reads`: those
    that were an entry in the Raft log, which has its own quorum. `tap` is
    None where no messages are sent. `under_way`: requests that the record cuts off, whose tallies
    are not in yet.
    """
    if under_way:
        reason = f"cut off in the middle of {under_way:,} requests, which are in no tally yet"
        return Verdict(verdict="unknown", checked=0, reason=reason)
    if tap is None:
        reason = "fidelity rounds sends no messages: nothing on the wire to hold the counts against"
        return Verdict(verdict="unknown", checked=0, reason=reason)
    if tap.alone:
        reason = "a single node confirms by itself: nothing on the wire to hold the counts against"
        return Verdict(verdict="unknown", checked=0, reason=reason)
    texts, differences = [], [0]
    expected = tap.confirmed - unclaimed + shared + log_reads
    if counted != expected:
        differences.append(abs(counted - expected))
        texts.append(
            f"{counted:,} verifications were counted, but a quorum confirmed {expected:,} "
            f"({tap.confirmed:,} read contexts on the wire, {unclaimed:,} of them given up, "
            f"{shared:,} readers sharing another's, {log_reads:,} log entries)"
        )
    if rounds != begun + log_reads or begun < tap.sent:
        differences.append(max(abs(rounds - begun - log_reads), tap.sent - begun))
        texts.append(
            f"{rounds:,} rounds were counted, but {begun + log_reads:,} were begun, of which "
            f"{tap.sent + log_reads:,} were on the wire"
        )
    if tap.late:
        differences.append(tap.late)
        texts.append(
            f"{tap.late:,} readers were served by a round that had left before they asked for it"
        )
    return Verdict(
        verdict="violated" if texts else "ok",
        checked=tap.confirmed + log_reads,
        # A round that was hidden is missing in more sums than one.
        violations=max(differences),
        examples=texts,
    )
