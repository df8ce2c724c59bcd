"""Whom a node votes for: the same rules in every role.

Functions over the `State` of a node, as in `follower`.
"""

from models.raft.follower import check_sender
from models.raft.messages import VoteRequest, VoteResponse
from models.raft.state import State


def hears_leader(state: State, tick: int) -> bool:
    """Whether a leader was heard within the last election timeout; a leader hears itself.

    While this holds, a campaign is not even looked at, unless the leader asked for it: a node that
    was cut off must not unseat a leader that the others hear. Lease reads rest on the same rule.
    """
    if state.is_leader:
        return True
    silence = tick - state.election_start
    return state.leader is not None and silence < state.config.election_ticks


def on_vote_request(state: State, message: VoteRequest, tick: int) -> None:
    """One vote per term, to who asks first with a log no older than ours (paper 5.2, 5.4.1).

    A vote that is only asked about (PreVote) binds nobody, so a node may say yes to several.
    """
    check_sender(state, message)
    free = (
        state.voted_for == message.sender
        or (state.voted_for is None and state.leader is None)
        or (message.is_pre and message.term > state.term)
    )
    log = state.log
    current = (message.last_term, message.last_index) >= (log.last_term, log.last_index)
    granted = free and current
    if granted and not message.is_pre:
        if state.voted_for is None:
            state.voted_for = message.sender
            state.must_sync = True
        state.election_start = tick
        state.next_tick = tick + state.timeout
    term = message.term if granted else state.term
    response = VoteResponse(term, state.id, message.is_pre, granted)
    state.outbox.append((message.sender, response))
