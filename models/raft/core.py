"""Raft: one node as a pure object. Messages and ticks in; messages, entries and reads out.

No clock, no network, no thread: for the same inputs it always does the same. The rules are those of
the Raft paper (sections 5.1 to 5.4) and of chapter 6.4 of the thesis (ReadIndex), in the manner of
etcd raft 3.6 with PreVote and CheckQuorum on. Left out: snapshots, changes of membership, learners,
forwarding of proposals and reads by followers, limits on the size and number of appends.

**Inputs** are `step`, `propose`, `read_index`, `tick`, `step_down`, `transfer_leadership`,
`restart`. Each carries the number of the current tick, which never falls. Nothing happens between
inputs: `next_tick` is the tick at which a timer is due, and a driver that calls `tick` then and
only then gets the same outputs as one that calls it at every tick. `next_tick` moves with every
input, later when a leader is heard, so re-arm lazily: when an armed timer rings too early, look
again.

**Outputs** are taken after each input, in this order, which is the one that keeps promises made to
others true after a crash:

1. *Persist.* If `must_sync`: write the term, `voted_for` and the last `unstable_count` entries of
   the log, then call `stable()`, which may commit and add to the outbox. Without `must_sync` there
   is nothing to write and nothing to call.
2. *Send.* Take `outbox` (set it to a new list), hand each (receiver, message) to the network.
3. *Apply* `entries_between(applied, commit_index)`; remember the new applied index.
4. *Hand out reads.* Take `read_states` (set it to a new list): each (context, index) is confirmed,
   and may be served from a state machine that has applied up to `index`.

Then compare `leader_changes` (or `is_leader`) with what it was: on a loss of leadership, reads
not handed out by then never will be, and proposals may or may not be committed by somebody else.

Refusals that are part of the game return None or False and change nothing. An input that can only
come from a bug raises `AssertionError`, with the numbers, and changes nothing either.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

from models.raft.follower import (
    check_append,
    check_heartbeat,
    check_sender,
    on_append,
    on_heartbeat,
)
from models.raft.leader import Leader
from models.raft.messages import (
    Append,
    AppendResponse,
    Entry,
    Heartbeat,
    HeartbeatResponse,
    Message,
    TimeoutNow,
    VoteRequest,
    VoteResponse,
)
from models.raft.quorum import agreed
from models.raft.state import Config, Role, State
from models.raft.voter import hears_leader, on_vote_request

Handlers: TypeAlias = dict[type, Callable[[Any, int], None]]


class Raft(State):
    """One node, of the given voters.

    `random_ticks(low, high)` draws a tick count from `low` to `high` - 1; it is asked for each new
    election timeout. A node starts as a follower of term 0 with an empty log, unless `leader` is
    given, on every node alike: then the cluster starts in term 1 as if that node had been elected
    and its no-op, entry 1, committed everywhere, with nothing left to send or persist. A driver
    then counts entry 1 as applied.
    """

    __slots__ = (
        "_candidate_handlers",
        "_follower_handlers",
        "_handlers",
        "_leading",
        "_random_ticks",
        "_votes",
    )

    def __init__(
        self,
        id: int,
        voters: tuple[int, ...],
        config: Config,
        random_ticks: Callable[[int, int], int],
        *,
        leader: int | None = None,
        tick: int = 0,
    ) -> None:
        super().__init__(id, voters, config, tick)
        self._random_ticks = random_ticks
        self._leading: Leader | None = None
        self._votes: dict[int, bool] = {}
        common: Handlers = {
            VoteRequest: partial(on_vote_request, self),
            VoteResponse: _ignore,
            AppendResponse: _ignore,
            HeartbeatResponse: _ignore,
            TimeoutNow: _ignore,
        }
        self._follower_handlers = common | {
            Append: partial(on_append, self),
            Heartbeat: partial(on_heartbeat, self),
            TimeoutNow: self._on_timeout_now,
        }
        self._candidate_handlers = common | {
            Append: self._yield,
            Heartbeat: self._yield,
            VoteResponse: self._on_vote_response,
        }
        self._handlers = self._follower_handlers
        self._restart_election_timer(tick)
        if leader is not None:
            self._bootstrap(leader, tick)

    # -- inputs ---------------------------------------------------------------------------------

    def step(self, message: Message, tick: int) -> None:
        """Take a message from a peer."""
        assert tick >= self.last_tick, f"tick {tick} after tick {self.last_tick}"
        if message.term == self.term or self._settle_term(message, tick):
            self._handlers[type(message)](message, tick)
        self.last_tick = tick

    def tick(self, tick: int) -> None:
        """Do what is due at `tick`, if anything is."""
        self._pass_time(tick)
        if tick < self.next_tick:
            return
        if self._leading is None:
            self._campaign(tick)
        elif not self._leading.on_timer(tick):
            self._become_follower(self.term, tick)

    def propose(self, payload: Any, tick: int) -> tuple[int, int] | None:
        """Append `payload` to the log, if this node leads and is not handing the leadership over.

        Returns its (index, term), or None. It is committed when `commit_index` has reached the
        index and the entry there has this term; another term there means that it was lost.
        """
        self._pass_time(tick)
        if self._leading is None:
            return None
        entry = self._leading.propose(payload)
        return None if entry is None else (entry.index, entry.term)

    def read_index(self, context: int, tick: int) -> bool:
        """Ask a quorum to confirm a read, which comes out in `read_states` with this context.

        False when this node does not lead. A context may be used again only after it has come out
        or the leadership was lost.
        """
        assert tick >= self.last_tick, f"tick {tick} after tick {self.last_tick}"
        if self._leading is None:
            return False
        self._leading.read_index(context)
        self.last_tick = tick
        return True

    def step_down(self, tick: int) -> bool:
        """Stop leading, as scripted: a follower of the same term that knows no leader.

        False when this node does not lead.
        """
        self._pass_time(tick)
        if self._leading is None:
            return False
        self._become_follower(self.term, tick)
        return True

    def transfer_leadership(self, to: int, tick: int) -> bool:
        """Begin to hand the leadership to node `to`; False when not leading or `to` is no peer."""
        self._pass_time(tick)
        return self._leading is not None and self._leading.transfer(to, tick)

    def restart(self, tick: int) -> None:
        """Come back after a crash: a follower with the term, vote, log and commit index it had.

        A write under way at the crash counts as done, which is allowed since nobody was told about
        it. Messages and reads not taken yet are lost.
        """
        self._pass_time(tick)
        self._become_follower(self.term, tick)
        self.outbox = []
        self.read_states = []
        self.must_sync = False
        self.log.stable_index = self.log.last_index

    def _pass_time(self, tick: int) -> None:
        assert tick >= self.last_tick, f"tick {tick} after tick {self.last_tick}"
        self.last_tick = tick

    # -- outputs --------------------------------------------------------------------------------

    @property
    def unstable_count(self) -> int:
        """How many entries at the end of the log have yet to be persisted."""
        return self.log.last_index - self.log.stable_index

    def stable(self) -> None:
        """Term, vote and all entries are persisted. A leader may commit now: look at the outbox."""
        self.must_sync = False
        self.log.stable_index = self.log.last_index
        if self._leading is not None:
            self._leading.on_stable()

    def entries_between(self, after: int, up_to: int) -> list[Entry]:
        """Committed entries after `after`, up to and including `up_to`, for the state machine.

        Raises `LogCompacted` when the first of them was dropped.
        """
        assert up_to <= self.commit_index, (
            f"entry {up_to} is beyond the commit index {self.commit_index}"
        )
        return self.log.between(after, up_to)

    def compact(self, to_index: int) -> None:
        """Drop entries up to `to_index`, which every state machine that needs them has applied.

        A peer that lags behind cannot be helped any more: its rejection raises `LogCompacted`.
        """
        assert to_index <= self.commit_index, (
            f"entry {to_index} is beyond the commit index {self.commit_index}"
        )
        self.log.compact(to_index)

    def matches(self) -> dict[int, int]:
        """At a leader: the last entry known to be persisted on each voter. Else empty."""
        return {} if self._leading is None else self._leading.matches()

    @property
    def transferee(self) -> int | None:
        """Who this leader is handing over to, if it is; proposals are refused meanwhile."""
        return None if self._leading is None else self._leading.transferee

    # -- terms and roles ------------------------------------------------------------------------

    def _settle_term(self, message: Message, tick: int) -> bool:
        """Deal with a term that is not ours; whether to go on with the message (paper 5.1)."""
        if message.term < self.term:
            self._answer_old_term(message)
            return False
        if type(message) is VoteRequest:
            if not message.is_transfer and hears_leader(self, tick):
                return False
            if message.is_pre:
                return True  # a campaign that may never be held moves nobody's term
        elif type(message) is VoteResponse and message.is_pre and message.granted:
            return True  # it names the term campaigned for, in which nobody is yet
        self._check(message)
        self._become_follower(message.term, tick)
        return True

    def _answer_old_term(self, message: Message) -> None:
        """Tell a sender that is behind about our term where silence could lock it out for good.

        A leader that was cut off and comes back has followers that campaigned meanwhile: they
        ignore it, and with PreVote nothing else brings it their term.
        """
        check_sender(self, message)
        if type(message) in (Append, Heartbeat):
            # A rejection of nothing: it carries the term, and moves no leader's view of this log.
            rejection = AppendResponse(self.term, self.id, index=0, rejected=True)
            self.outbox.append((message.sender, rejection))
        elif type(message) is VoteRequest and message.is_pre:
            refusal = VoteResponse(self.term, self.id, is_pre=True, granted=False)
            self.outbox.append((message.sender, refusal))

    def _become_follower(self, term: int, tick: int) -> None:
        """Follow nobody yet: who leads the term says so by its first heartbeat or append."""
        self._set_role(Role.FOLLOWER, self._follower_handlers)
        if term != self.term:
            self._enter_term(term, None)
        self.set_leader(None)
        self._restart_election_timer(tick)

    def _lead(self, tick: int) -> Leader:
        """Take over the current term; the last entry of the log is this leader's no-op."""
        leading = Leader(self, tick)
        handlers = self._follower_handlers | {
            Append: self._on_rival,
            Heartbeat: self._on_rival,
            TimeoutNow: _ignore,
        }
        self._set_role(Role.LEADER, handlers | leading.handlers(), leading)
        self.set_leader(self.id)
        return leading

    def _bootstrap(self, leader: int, tick: int) -> None:
        assert leader in self.voters, f"node {leader} is no voter: {self.voters}"
        self.log.append(1, None)
        self.log.stable_index = 1
        self.term = 1
        self.voted_for = leader
        self.commit_index = 1
        if leader == self.id:
            self._lead(tick).assume_replicated()
        else:
            self.set_leader(leader)

    def _set_role(self, role: Role, handlers: Handlers, leading: Leader | None = None) -> None:
        self.role = role
        self.is_leader = role is Role.LEADER
        self._handlers = handlers
        self._leading = leading
        self._votes = {}

    def _enter_term(self, term: int, vote: int | None) -> None:
        self.term = term
        self.voted_for = vote
        self.must_sync = True

    def _restart_election_timer(self, tick: int) -> None:
        """From now on, and with a new timeout: a timeout kept would tie the same nodes again."""
        low = self.config.election_ticks
        self.timeout = self._random_ticks(low, 2 * low)
        assert low <= self.timeout < 2 * low, f"drew {self.timeout} from {low} to {2 * low}"
        self.election_start = tick
        self.next_tick = tick + self.timeout

    # -- elections ------------------------------------------------------------------------------

    def _campaign(self, tick: int) -> None:
        """The election timer is due: ask who would vote, without touching the term (PreVote)."""
        self._set_role(Role.PRE_CANDIDATE, self._candidate_handlers)
        self.set_leader(None)
        self.election_start = tick
        self.next_tick = tick + self.timeout
        self._ask_for_votes(tick, is_pre=True, is_transfer=False)

    def _stand(self, tick: int, *, is_transfer: bool) -> None:
        """Open a new term as a candidate and vote for oneself (paper 5.2)."""
        self._set_role(Role.CANDIDATE, self._candidate_handlers)
        self._enter_term(self.term + 1, self.id)
        self.set_leader(None)
        self._restart_election_timer(tick)
        self._ask_for_votes(tick, is_pre=False, is_transfer=is_transfer)

    def _ask_for_votes(self, tick: int, *, is_pre: bool, is_transfer: bool) -> None:
        request = VoteRequest(
            term=self.term + 1 if is_pre else self.term,
            sender=self.id,
            last_index=self.log.last_index,
            last_term=self.log.last_term,
            is_pre=is_pre,
            is_transfer=is_transfer,
        )
        self.outbox += [(voter, request) for voter in self.voters if voter != self.id]
        self._count_vote(self.id, True, tick)

    def _count_vote(self, voter: int, granted: bool, tick: int) -> None:
        votes = self._votes
        votes.setdefault(voter, granted)
        if agreed([votes.get(each, False) for each in self.voters]):
            if self.role is Role.PRE_CANDIDATE:
                self._stand(tick, is_transfer=False)
            else:
                self.log.append(self.term, None)
                self.must_sync = True
                self._lead(tick).broadcast_append()
        elif not agreed([votes.get(each, True) for each in self.voters]):
            self._become_follower(self.term, tick)

    def _on_vote_response(self, message: VoteResponse, tick: int) -> None:
        check_sender(self, message)
        if message.is_pre == (self.role is Role.PRE_CANDIDATE):
            self._count_vote(message.sender, message.granted, tick)

    def _on_timeout_now(self, message: TimeoutNow, tick: int) -> None:
        check_sender(self, message)
        self._stand(tick, is_transfer=True)

    # -- two leaders ----------------------------------------------------------------------------

    def _yield(self, message: Append | Heartbeat, tick: int) -> None:
        """Somebody else won this term: a campaign for it is over (paper 5.2)."""
        self._check(message)
        self._become_follower(self.term, tick)
        self._handlers[type(message)](message, tick)

    def _check(self, message: Message) -> None:
        """What its handler would check, before a change of role that comes first."""
        check_sender(self, message)
        if type(message) is Append:
            check_append(self, message)
        elif type(message) is Heartbeat:
            check_heartbeat(self, message)

    def _on_rival(self, message: Append | Heartbeat, tick: int) -> None:
        del tick
        raise AssertionError(f"two leaders in term {self.term}: {self.id} and {message.sender}")


def _ignore(message: Message, tick: int) -> None:
    """Too late to matter: an answer to a question of a role since left."""
    del message, tick
