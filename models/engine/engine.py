"""The Raft engine of one node in virtual time: one event loop, lanes to the peers, fsync, timers.

Requests and messages wait in one queue and are handled one at a time, each with a service time.
After each, in this order and on the same loop: persist entries and hard state, send messages, apply
committed entries, hand out confirmed reads. So a slow fsync or apply delays every read and every
heartbeat. Source: system.md 3.1.

The Raft rules themselves are in `models/raft`; this module turns their effects into time. Who waits
for which read, and where verifications are counted, is in `readers`.
"""

from collections.abc import Callable, Collection
from functools import partial
from typing import Any, Final

from models.audit.wire import WireTap
from models.engine.costs import LoopCosts
from models.engine.lanes import Lane
from models.engine.loop import Loop
from models.engine.readers import Readers
from models.engine.requests import WAITING, DeadlineExceeded, LogRead, NotLeader, ReadRequest
from models.engine.sharing import SharedRounds
from models.engine.sites import Site, Tally
from models.raft.core import Raft
from models.raft.messages import (
    Heartbeat,
    HeartbeatResponse,
    Message,
    TimeoutNow,
    VoteRequest,
    VoteResponse,
)
from sim.deadlines import Deadlines
from sim.kernel import Event, Future, Kernel
from sim.resources import Measured, Meter

URGENT: Final = (Heartbeat, HeartbeatResponse, VoteRequest, VoteResponse, TimeoutNow)
"""Messages that take the heartbeats' lane."""
LOG_KEPT: Final = 10_000
"""Applied entries that stay in the log for peers that lag behind."""
_NEVER: Final = 1 << 62
_QUEUED: Final = -1
"""For an armed tick: it has rung and waits for its turn in the loop."""


COUNTERS: Final = (
    "rounds.unclaimed",
    "rounds.shared",
    "rounds.log",
    "messages.dropped",
    "heartbeats.dropped",
    "inbound.dropped",
    "entries.applied",
    "elections.won",
    "leadership.lost",
)


class Engine(Loop):
    """One node's engine. Build it, `connect` its lanes, then `start`."""

    def __init__(
        self,
        kernel: Kernel,
        raft: Raft,
        *,
        costs: LoopCosts,
        fsync: Callable[[], int],
        tick_ns: int,
        inbound_capacity: int,
        apply: Callable[[Any], tuple[Any, int]],
        tap: WireTap,
        share_reads: bool,
        lost: Collection[int],
    ) -> None:
        """`apply` carries out a committed payload: its result and how many mutations it held.

        `share_reads`: one round is outstanding at a time (see `sharing`), else each read has its
        own. `lost` are nodes that will never ask for an entry of the log.
        """
        super().__init__(kernel)
        self.raft = raft
        self._costs = costs
        self._message_ns = costs.message
        self._fsync = fsync
        self._disk = Meter(kernel, 1)
        self._tick_ns = tick_ns
        self._inbound_capacity = inbound_capacity
        self._apply = apply
        self._tap = tap
        self._share_reads = share_reads
        self._lost = lost
        self._urgent: dict[int, Lane] = {}
        self._others: dict[int, Lane] = {}
        self._message_served = Event(self._serve_message)
        self._read_served = Event(self._serve_read)
        self._round_served = Event(self._serve_round)
        self._proposal_served = Event(self._serve_proposal)
        self._tick_served = Event(self._serve_tick)
        self._script_served = Event(self._serve_script)
        self._persisted = Event(self._synced)
        self._applied = Event(self._applied_all)
        self._armed_tick = _NEVER
        self._proposals: dict[tuple[int, int], Future] = {}
        self._results: list[tuple[Future, Any]] = []
        self._deadlines = Deadlines(kernel, DeadlineExceeded)
        self._led = False
        self._compacted = 0
        self.applied = raft.commit_index
        self.messages_sent = 0
        self.counters = dict.fromkeys(COUNTERS, 0)
        shared = SharedRounds() if share_reads else None
        self.readers = Readers(raft, tap, self.counters, shared, self._begin_round)

    def connect(self, peer: int, *, heartbeats: Lane, others: Lane) -> None:
        """Lanes to a peer."""
        self._urgent[peer] = heartbeats
        self._others[peer] = others

    def start(self, leadership_changed: Callable[[], None] = lambda: None) -> None:
        """Arm the timers; `leadership_changed` is called when this node wins or loses it."""
        self._leadership_changed = leadership_changed
        self._led = self.raft.is_leader
        self._arm()

    @property
    def rounds_sent(self) -> int:
        """Read contexts given to Raft."""
        return self.readers.rounds_sent

    @property
    def rounds_confirmed(self) -> int:
        """Those that a quorum has confirmed."""
        return self.readers.rounds_confirmed

    def resources(self) -> dict[str, Measured]:
        """What can saturate here, by name: the loop, the disk, the lanes."""
        name = f"n{self.raft.id}"
        found: dict[str, Measured] = {f"{name}.loop": self, f"{name}.fsync": self._disk}
        for kind, lanes in (("heartbeats", self._urgent), ("others", self._others)):
            for peer, lane in lanes.items():
                if lane.limited:
                    found[f"{name}->n{peer}.{kind}"] = lane
        return found

    @property
    def is_leader(self) -> bool:
        """Whether this node believes that it leads; that needs no quorum."""
        return self.raft.is_leader

    # -- requests -------------------------------------------------------------------------------

    def verify_leader(self, site: Site, tally: Tally, deadline: int | None = None) -> Future:
        """As `Asked.verify_leader`."""
        return self._read(ReadRequest(site, tally, False), deadline)

    def linearizable_read(self, site: Site, tally: Tally, deadline: int | None = None) -> Future:
        """As `Asked.linearizable_read`."""
        return self._read(ReadRequest(site, tally, True), deadline)

    def propose(self, make: Callable[[], Any], deadline: int | None = None) -> Future:
        """As `Asked.propose`."""
        future = Future("an entry to be committed")
        self._enqueue(self._proposal_served, (make, future), self._costs.proposal)
        if deadline is not None:
            self._deadlines.add(future, deadline)
        return future

    def log_read(self, site: Site, tally: Tally, deadline: int | None = None) -> Future:
        """As `Asked.log_read`."""
        future = self.propose(lambda: LogRead(site, tally), deadline)
        future.what = WAITING[site]
        return future

    def receive(self, message: Message) -> None:
        """A message arrives from a peer; without room in the queue it is dropped and counted."""
        if len(self._queue) < self._inbound_capacity:
            self._enqueue(self._message_served, message, self._message_ns)
        else:
            self.counters["inbound.dropped"] += 1

    def step_down(self) -> None:
        """A scripted step-down: this node stops leading; no successor is named."""
        self._enqueue(self._script_served, self.raft.step_down, 0)

    def stall(self, lasting_ns: int) -> None:
        """A scripted pause: the loop does nothing else for so long."""
        self._enqueue(self._script_served, lambda _: None, lasting_ns)

    def transfer(self, to: int) -> None:
        """A scripted hand-over of leadership to a peer."""
        self._enqueue(self._script_served, partial(self.raft.transfer_leadership, to), 0)

    def _read(self, read: ReadRequest, deadline: int | None) -> Future:
        if self._share_reads:
            self.readers.join(read)
        else:
            self._enqueue(self._read_served, read, self._costs.read)
        if deadline is not None:
            self._deadlines.add(read, deadline)
        return read

    def _begin_round(self) -> None:
        self._enqueue(self._round_served, None, self._costs.read)

    # -- the loop -------------------------------------------------------------------------------
    #
    # Each kind of item has an event, which carries it out and ends in `_carry_on`.

    def _carry_on(self) -> None:
        """One item has been served: persist, send, apply, hand out, take the next."""
        raft = self.raft
        if raft.must_sync:
            self._disk.take()
            self._kernel.again(self._fsync(), self._persisted)
            return
        if raft.outbox:
            self._send()
        if raft.commit_index > self.applied:
            self._apply_committed()
            return
        if raft.read_states or self._results or raft.is_leader is not self._led:
            self._hand_out()
        self._take_next()
        if raft.next_tick < self._armed_tick:
            self._arm()

    def _synced(self, event: Event) -> None:
        self._disk.give_back()
        self.raft.stable()
        self._carry_on()

    def _applied_all(self, event: Event) -> None:
        self._hand_out()
        self._carry_on()

    def _hand_out(self) -> None:
        """Hand out what is done: results of proposals, confirmed reads, reads now applied."""
        if self.raft.is_leader is not self._led:
            self._note_leadership()
        if self._results:
            results, self._results = self._results, []
            for future, result in results:
                if not future.done:
                    future.resolve(result)
        if self.raft.read_states:
            self.readers.confirm(self.applied)
        if self.readers.unapplied:
            self.readers.release(self.applied)

    # -- servers --------------------------------------------------------------------------------

    def _serve_message(self, event: Event) -> None:
        message: Message = self._item
        raft = self.raft
        raft.step(message, self._kernel.now // self._tick_ns)
        if type(message) is HeartbeatResponse and message.context is not None:
            self._tap.acknowledged(raft.id, message.sender, message.context)
        self._carry_on()

    def _serve_read(self, event: Event) -> None:
        read: ReadRequest = self._item
        if not read.done:
            self.readers.ask(read, self._kernel.now // self._tick_ns)
        self._carry_on()

    def _serve_round(self, event: Event) -> None:
        self.readers.ask_shared(self._kernel.now // self._tick_ns)
        self._carry_on()

    def _serve_proposal(self, event: Event) -> None:
        make, future = self._item
        if not future.done:
            place = None
            if self.raft.is_leader:
                place = self.raft.propose(make(), self._kernel.now // self._tick_ns)
            if place is None:
                future.fail(NotLeader())
            else:
                self._proposals[place] = future
        self._carry_on()

    def _serve_tick(self, event: Event) -> None:
        self._armed_tick = _NEVER
        self.raft.tick(self._kernel.now // self._tick_ns)
        self._carry_on()

    def _serve_script(self, event: Event) -> None:
        """What a scenario has happen: the item is called with the tick."""
        self._item(self._kernel.now // self._tick_ns)
        self._carry_on()

    # -- effects --------------------------------------------------------------------------------

    def _send(self) -> None:
        outbox, self.raft.outbox = self.raft.outbox, []
        seen: int | None = None
        for peer, message in outbox:
            if type(message) is Heartbeat:
                if message.context is not None and message.context != seen:
                    seen = message.context
                    self._tap.heartbeat_sent(self.raft.id, seen)
                if not self._urgent[peer].send(message):
                    self.counters["heartbeats.dropped"] += 1
                    self.counters["messages.dropped"] += 1
            elif not (self._urgent if type(message) in URGENT else self._others)[peer].send(
                message
            ):
                self.counters["messages.dropped"] += 1
        self.messages_sent += len(outbox)

    def _apply_committed(self) -> None:
        """Apply what is committed, which takes its time on the loop."""
        raft = self.raft
        costs = self._costs
        pause = 0
        for index, term, payload in raft.entries_between(self.applied, raft.commit_index):
            result = None
            pause += costs.apply_entry
            future = self._proposals.pop((index, term), None)
            if type(payload) is LogRead:
                if future is not None and not future.done:
                    payload.note()
                    self.counters["rounds.log"] += 1
            elif payload is not None:
                result, mutations = self._apply(payload)
                pause += mutations * costs.apply_mutation
            if future is not None:
                self._results.append((future, result))
        self.counters["entries.applied"] += raft.commit_index - self.applied
        self.applied = raft.commit_index
        if self.applied - self._compacted > 2 * LOG_KEPT:
            held = [match for id, match in raft.matches().items() if id not in self._lost]
            self._compacted = min([self.applied - LOG_KEPT, *held])
            raft.compact(self._compacted)
        self._kernel.again(pause, self._applied)

    def _note_leadership(self) -> None:
        leads = self.raft.is_leader
        if leads == self._led:
            return
        self._led = leads
        self._leadership_changed()
        if leads:
            self.counters["elections.won"] += 1
            return
        self.counters["leadership.lost"] += 1
        self._tap.leadership_lost(self.raft.id)
        pending: list[Future] = [*self.readers.lose(), *self._proposals.values()]
        self._proposals.clear()
        for future in pending:
            if not future.done:
                future.fail(NotLeader())

    # -- timers ---------------------------------------------------------------------------------

    def _arm(self) -> None:
        """Have an event at the next instant at which a tick would do something."""
        self._armed_tick = self.raft.next_tick
        due = self._armed_tick * self._tick_ns
        # A busy loop may be late for its own timer.
        self._kernel.after(max(due - self._kernel.now, 0), self._ring, self._armed_tick)

    def _ring(self, event: Event) -> None:
        if event.argument != self._armed_tick:
            return  # armed for an earlier tick since
        if self.raft.next_tick * self._tick_ns <= self._kernel.now:
            self._armed_tick = _QUEUED
            self._enqueue(self._tick_served, None, self._costs.tick)
        else:
            self._arm()
