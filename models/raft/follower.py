"""What a follower does with what its leader sends: merge entries, move the commit index, answer.

Functions over the `State` of a node, which `core` puts into the table of handlers. They change
neither role nor term. The checks are those of inputs that only a bug can cause; each stands before
anything is changed.
"""

from models.raft.messages import Append, AppendResponse, Heartbeat, HeartbeatResponse, Message
from models.raft.state import State


def on_heartbeat(state: State, message: Heartbeat, tick: int) -> None:
    """Answer with the context, which tells the leader that it still led when the answer left."""
    term, sender, commit, context = message
    if commit > state.commit_index:
        check_heartbeat(state, message)
    if sender != state.leader:
        check_leader(state, message)
        state.set_leader(sender)
    if commit > state.commit_index:
        state.commit_index = commit
    state.election_start = tick
    state.next_tick = tick + state.timeout
    state.outbox.append((sender, HeartbeatResponse(term, state.id, context)))


def on_append(state: State, message: Append, tick: int) -> None:
    """Merge the entries, if the logs agree where they begin."""
    check_append(state, message)
    if message.sender != state.leader:
        check_leader(state, message)
        state.set_leader(message.sender)
    state.election_start = tick
    state.next_tick = tick + state.timeout
    state.outbox.append((message.sender, _merge(state, message)))


def _merge(state: State, message: Append) -> AppendResponse:
    """Take over what follows an entry that agrees; reject the rest (Raft paper 5.3)."""
    previous, log = message.previous_index, state.log
    if previous < state.commit_index:
        return AppendResponse(state.term, state.id, state.commit_index)
    if not log.agrees(previous, message.previous_term):
        hint = log.conflict_hint(previous, message.previous_term)
        return AppendResponse(state.term, state.id, previous, rejected=True, hint=hint)
    if log.merge(message.entries):
        state.must_sync = True
    agreed_index = previous + len(message.entries)
    # No further than the message reaches: what stands behind it here may not be the leader's.
    state.commit_index = max(state.commit_index, min(message.commit, agreed_index))
    return AppendResponse(state.term, state.id, agreed_index)


def check_sender(state: State, message: Message) -> None:
    """The sender is another member."""
    assert message.sender in state.voters and message.sender != state.id, (
        f"node {state.id} got a message from {message.sender}, which is no peer of it: {message}"
    )


def check_leader(state: State, message: Append | Heartbeat) -> None:
    """The sender is the first to claim this term."""
    check_sender(state, message)
    assert state.leader is None, (
        f"two leaders in term {state.term}: {state.leader} and {message.sender}"
    )


def check_heartbeat(state: State, message: Heartbeat) -> None:
    """The leader commits here no more than is here."""
    assert message.commit <= state.log.last_index, (
        f"commit {message.commit} is beyond the last index {state.log.last_index}"
    )


def check_append(state: State, message: Append) -> None:
    """The leader has what is committed here (leader completeness, Raft paper 5.4)."""
    previous, log = message.previous_index, state.log
    if log.compacted_index <= previous <= state.commit_index:
        assert log.agrees(previous, message.previous_term), (
            f"entry {previous} is committed with term {log.term_at(previous)}, but the leader "
            f"{message.sender} has term {message.previous_term}"
        )
