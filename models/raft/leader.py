"""What only a leader does: replicate, commit, confirm reads, hand over.

A `Leader` exists while its node leads, for one term, and is thrown away with all its unconfirmed
reads when that ends. It works on the `State` of its node and never changes role or term; that is
for `core` to do.
"""

from collections.abc import Callable
from typing import Any

from models.raft.log import LogCompacted
from models.raft.messages import (
    Append,
    AppendResponse,
    Entry,
    Heartbeat,
    HeartbeatResponse,
    TimeoutNow,
)
from models.raft.progress import Progress
from models.raft.quorum import agreed
from models.raft.read_only import PendingReads
from models.raft.state import State


class Leader:
    """Leadership of one node in one term, from `tick` on."""

    __slots__ = (
        "_heartbeat_at",
        "_match",
        "_noop_index",
        "_postponed",
        "_progress",
        "_quorum_at",
        "_reads",
        "_state",
        "transferee",
    )

    def __init__(self, state: State, tick: int) -> None:
        """The log must end with the no-op that this leader has just appended to it."""
        peers = [voter for voter in state.voters if voter != state.id]
        self._state = state
        self._progress = {
            peer: Progress(place=place, next_index=state.log.last_index)
            for place, peer in enumerate(peers, start=1)
        }
        self._noop_index = state.log.last_index
        self._match = state.log.stable_index
        self._reads = PendingReads(len(state.voters))
        self._postponed: dict[int, None] = {}
        self.transferee: int | None = None
        """Who is being handed the leadership; no proposal is taken meanwhile."""
        self._heartbeat_at = tick + state.config.heartbeat_ticks
        self._quorum_at = tick + state.config.election_ticks
        self._set_next_tick()

    def handlers(self) -> dict[type, Callable[[Any, int], None]]:
        """What a leader answers, by type of message."""
        return {
            AppendResponse: self._on_append_response,
            HeartbeatResponse: self._on_heartbeat_response,
        }

    def matches(self) -> dict[int, int]:
        """The last entry known to be persisted on each voter."""
        peers = {peer: progress.match for peer, progress in self._progress.items()}
        return {self._state.id: self._match, **peers}

    def assume_replicated(self) -> None:
        """Take every peer to hold the whole log: how a bootstrapped cluster starts."""
        for progress in self._progress.values():
            progress.acknowledge(self._state.log.last_index)

    # -- time -----------------------------------------------------------------------------------

    def on_timer(self, tick: int) -> bool:
        """What is due at `tick`; False when no quorum was heard of and the node must step down."""
        state = self._state
        if tick >= self._quorum_at:
            self._quorum_at = tick + state.config.election_ticks
            active = [1] + [progress.active for progress in self._progress.values()]
            if not agreed(active):
                return False
            for progress in self._progress.values():
                progress.active = False
            self.transferee = None  # it had an election timeout to take over
        if tick >= self._heartbeat_at:
            self._heartbeat_at = tick + state.config.heartbeat_ticks
            # The newest context confirms all earlier reads, so a lost heartbeat costs them one
            # heartbeat interval and no more.
            self._broadcast_heartbeat(self._reads.newest)
        self._set_next_tick()
        return True

    def _set_next_tick(self) -> None:
        self._state.next_tick = min(self._heartbeat_at, self._quorum_at)

    # -- replication ----------------------------------------------------------------------------

    def propose(self, payload: Any) -> Entry | None:
        """Append an entry and send it on, or None while leadership is being handed over."""
        if self.transferee is not None:
            return None
        state = self._state
        entry = state.log.append(state.term, payload)
        state.must_sync = True
        self.broadcast_append()
        return entry

    def on_stable(self) -> None:
        """The whole log is persisted here: only now does this node count for its own entries."""
        self._match = self._state.log.stable_index
        self._commit()

    def broadcast_append(self) -> None:
        """Send every peer what it lacks, or just the commit index."""
        shared: dict[int, Append] = {}
        for peer, progress in self._progress.items():
            if progress.paused:
                continue
            previous = self._previous_index(progress)
            append = shared.get(previous)
            if append is None:
                shared[previous] = append = self._make_append(previous)
            self._send(peer, progress, append)

    def _previous_index(self, progress: Progress) -> int:
        """The entry at which the next append to a peer joins its log.

        What was dropped here cannot be sent, but the peer may have it all the same, its answers
        being lost; so the question is put to it at the oldest entry that is still known.
        """
        least = self._state.log.compacted_index
        if progress.next_index <= least:
            progress.next_index = least + 1
        return progress.next_index - 1

    def _make_append(self, previous: int) -> Append:
        state, log = self._state, self._state.log
        return Append(
            term=state.term,
            sender=state.id,
            previous_index=previous,
            previous_term=log.term_at(previous),
            entries=tuple(log.between(previous, log.last_index)),
            commit=state.commit_index,
        )

    def _send(self, peer: int, progress: Progress, append: Append) -> None:
        self._state.outbox.append((peer, append))
        if append.entries:
            if progress.probing:
                progress.paused = True
            else:
                progress.next_index = append.entries[-1].index + 1

    def _send_append(self, peer: int, progress: Progress) -> None:
        if not progress.paused:
            self._send(peer, progress, self._make_append(self._previous_index(progress)))

    def _on_append_response(self, message: AppendResponse, tick: int) -> None:
        del tick
        last_index = self._state.log.last_index
        assert message.rejected or message.index <= last_index, (
            f"node {message.sender} acknowledges entry {message.index}, which is beyond the last "
            f"index {last_index}"
        )
        peer = message.sender
        progress = self._progress.get(peer) or self._stranger(message)
        progress.active = True
        if message.rejected:
            self._on_rejection(message, progress)
            return
        was_paused = progress.paused
        if not progress.acknowledge(message.index):
            return
        # A peer that was probed may lack entries proposed meanwhile, and was told no commit index.
        if not self._commit() and (was_paused or progress.next_index <= last_index):
            self._send_append(peer, progress)
        if peer == self.transferee and progress.match == last_index:
            self._state.outbox.append((peer, TimeoutNow(self._state.term, self._state.id)))

    def _on_rejection(self, message: AppendResponse, progress: Progress) -> None:
        log, was_probing = self._state.log, progress.probing
        if not progress.back_off(message.index, message.hint):
            return
        if was_probing and message.index <= log.compacted_index:
            raise LogCompacted(
                f"node {message.sender} needs entry {progress.next_index}, but the log of its "
                f"leader {self._state.id} begins at {log.compacted_index + 1}; snapshots are not "
                "modelled, so more of the log must be kept"
            )
        self._send_append(message.sender, progress)

    def _commit(self) -> bool:
        """Commit what a majority holds; whether that was news.

        Entries of earlier terms are committed only along with one of the own term, as a majority
        for them alone proves nothing (Raft paper 5.4.2, figure 8).
        """
        state = self._state
        index = agreed([self._match] + [progress.match for progress in self._progress.values()])
        if index <= state.commit_index or index < self._noop_index:
            return False
        state.commit_index = index
        if self._postponed:
            postponed, self._postponed = self._postponed, {}
            for context in postponed:
                self._ask_quorum(context)
        self.broadcast_append()
        return True

    # -- reads ----------------------------------------------------------------------------------

    def read_index(self, context: int) -> None:
        """Have a quorum confirm a read at the present commit index.

        Until an entry of the own term is committed, a leader does not know which entries are
        (Raft thesis 6.4, step 1); reads wait for that. A single voter needs no confirmation.
        """
        state = self._state
        assert context not in self._reads and context not in self._postponed, (
            f"read {context} is pending already"
        )
        if not self._progress:
            state.read_states.append((context, state.commit_index))
        elif state.commit_index < self._noop_index:
            self._postponed[context] = None
        else:
            self._ask_quorum(context)

    def _ask_quorum(self, context: int) -> None:
        self._reads.add(context, self._state.commit_index)
        self._broadcast_heartbeat(context)

    def _broadcast_heartbeat(self, context: int | None) -> None:
        state = self._state
        outbox, commit_index = state.outbox, state.commit_index
        sent: Heartbeat | None = None
        for peer, progress in self._progress.items():
            # A peer may hold entries that are not ours beyond those known to match.
            commit = progress.match if progress.match < commit_index else commit_index
            if sent is None or sent.commit != commit:
                sent = Heartbeat(state.term, state.id, commit, context)
            outbox.append((peer, sent))

    def _on_heartbeat_response(self, message: HeartbeatResponse, tick: int) -> None:
        peer = message.sender
        progress = self._progress.get(peer) or self._stranger(message)
        progress.active = True
        progress.paused = False
        state = self._state
        if progress.match < state.log.last_index or progress.probing:
            # Something may have been lost: an append, even an empty one, is rejected if so.
            self._send_append(peer, progress)
        context = message.context
        if context is not None:
            released = self._reads.acknowledge(context, progress.place)
            if released:
                state.read_states += released

    def _stranger(self, message: AppendResponse | HeartbeatResponse) -> Progress:
        raise AssertionError(
            f"node {self._state.id} got a message from {message.sender}, which is no peer of it: "
            f"{message}"
        )

    # -- hand-over ------------------------------------------------------------------------------

    def transfer(self, to: int, tick: int) -> bool:
        """Hand the leadership to a peer once it holds the whole log; False if `to` is no peer.

        It has an election timeout for that; then this leader goes on taking proposals.
        """
        progress = self._progress.get(to)
        if progress is None:
            return False
        if self.transferee == to:
            return True
        self.transferee = to
        self._quorum_at = tick + self._state.config.election_ticks
        self._set_next_tick()
        if progress.match == self._state.log.last_index:
            self._state.outbox.append((to, TimeoutNow(self._state.term, self._state.id)))
        else:
            self._send_append(to, progress)
        return True
