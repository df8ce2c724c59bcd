"""The Raft engine by recursion: one event per quorum round instead of one per message.

For millions of scripts. It offers what `models.engine.engine` offers to who reads and proposes, for
a cluster whose leader is known and stays: what `models.raft` would send is known beforehand then,
and all that is left of it is time. Loops, lanes and links are queues that serve in the order of
arrival, so when something is done follows from when it came and what came before it: Lindley's
recursion. A follower's queues are fed by the leader alone; a round is thus known to the last
acknowledgement as soon as its heartbeats have been handed over.

Only the leader's own loop is fed from several sides. Acknowledgements on their way to it lie in the
`_agenda` and join its queue when time is there: whenever somebody asks the engine for something, or
at the earliest instant at which a quorum may be complete. So whatever nobody waits for, such as the
heartbeats of an idle cluster, costs no event.

What is served is in the order of the loop; what outsiders see of it (a payload that is built, an
entry that is applied, a read that is confirmed) waits in `_due` for its instant, in the same order.

Not here: elections, hand-over, dropped messages, faults. Messages that would have found their queue
full are counted; a run in which there are some is not what the other engine would have shown.
"""

from bisect import insort
from collections import deque
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import Any, Final

from models.engine.costs import LoopCosts
from models.engine.engine import COUNTERS
from models.engine.followers import Entry, Follower, Quorum, Round, SharedRound
from models.engine.foreseen import Foreseen
from models.engine.lanes import LaneLimits
from models.engine.requests import WAITING, DeadlineExceeded, LogRead
from models.engine.sharing import SharedRounds
from models.engine.sites import ROUNDS, Site, Tally
from models.engine.ways import HEARTBEATS, OTHERS, Way
from models.raft.quorum import agreed
from sim.deadlines import Deadlines
from sim.errors import LimitReached
from sim.kernel import Event, Future, Kernel
from sim.resources import Measured
from sim.units import human_duration

WOULD_DROP: Final = "messages.would_drop"


class RoundsEngine(Foreseen):
    """The leader's engine, and its loop. Build it, `connect` its followers, then `start`."""

    is_leader: Final = True

    def __init__(
        self,
        kernel: Kernel,
        *,
        node: int,
        costs: LoopCosts,
        fsync: Callable[[], int],
        tick_ns: int,
        heartbeat_ticks: int,
        election_ticks: int,
        inbound_capacity: int,
        apply: Callable[[Any], tuple[Any, int]],
        mutations: Callable[[Any], int],
        share_reads: bool,
        lost: int,
    ) -> None:
        """`apply` carries out a committed payload; `mutations` says how many it holds.

        `share_reads` as for `Engine`; `lost` is how many followers there are that never answer.
        """
        super().__init__(kernel, 1)
        self._node = node
        self._costs = costs
        self._read_ns = costs.read
        self._message_ns = costs.message
        self._fsync = fsync
        self._tick_ns = tick_ns
        self._heartbeat_ticks = self._heartbeat_at = heartbeat_ticks
        self._election_ticks = self._quorum_at = election_ticks
        self._backlog_max = inbound_capacity * costs.message
        self._apply = apply
        self._mutations = mutations
        self._shared = SharedRounds() if share_reads else None
        self._show_confirmed = self._confirm_shared if share_reads else self._confirm
        self._lost = lost
        self._disk = Foreseen(kernel, 1)
        self._followers: list[Follower] = []
        self._needed = 0
        self._agenda: list[tuple[int, int, Any, Any, int]] = []
        """A heap of what is on its way to the loop: instant, sequence, follower, what it
        acknowledges, index. Without a follower: a function to be called with the instant."""
        self._sequence = 0
        self._due: deque[tuple[int, Callable[[Any], None], Any]] = deque()
        self._armed = -1
        """The instant of `_due` for which an event is on its way."""
        self._wake = Event(self._awake)
        self._last_index = 1
        self._commit_index = 1
        self._uncommitted: deque[Entry] = deque()
        self._deadlines = Deadlines(kernel, DeadlineExceeded)
        self._sent = 0
        self.rounds_sent = 0
        self.rounds_confirmed = 0
        self._counters = dict.fromkeys(COUNTERS, 0)
        self._inbound_would_drop = 0

    def connect(
        self,
        peer: int,
        *,
        costs: LoopCosts,
        fsync: Callable[[], int],
        heartbeats: LaneLimits,
        others: LaneLimits,
        delays: Callable[[int, int], tuple[Callable[[], int], Callable[[], int]]],
    ) -> None:
        """Make the follower with the id `peer`, and the ways to it and back.

        `delays(source, target)` gives what draws the time of a message on the connection that
        `source` has opened to `target`, and of a return on it.
        """
        follower = Follower(self._kernel, f"n{peer}", costs=costs, fsync=fsync)

        def way(source: int, target: int, deliver: Callable[[int, Any], None]) -> Way:
            delay, back = delays(source, target)
            return Way(
                self._kernel,
                delay=delay,
                back=back,
                heartbeats=heartbeats,
                others=others,
                deliver=deliver,
                wake=self._flush_at,
            )

        def answered(arrival: int, answer: tuple[Quorum | None, int]) -> None:
            self._answered(follower, arrival, *answer)

        follower.to = way(self._node, peer, follower.take)
        follower.back = way(peer, self._node, answered)
        self._followers.append(follower)
        self._needed = (len(self._followers) + self._lost + 1) // 2

    def start(self, leadership_changed: Callable[[], None] = lambda: None) -> None:
        """Arm the timer."""
        del leadership_changed  # it never does
        assert self._followers, "a single node has no quorum rounds"
        self._direct = all(f.to.direct and f.back.direct for f in self._followers)
        self._set_timer(0)

    # -- requests -------------------------------------------------------------------------------

    def verify_leader(self, site: Site, tally: Tally, deadline: int | None = None) -> Future:
        """As `Asked.verify_leader`; it never fails with `NotLeader`."""
        read = Round(site, tally)
        if deadline is not None:
            self._deadlines.add(read, deadline)
        if self._shared is not None:
            if self._shared.join(read):
                self._begin_shared()
            return read
        now = self._kernel.now
        if self._agenda[0][0] <= now:
            self._catch_up(now)
        served = self.serve(now, self._read_ns)
        if deadline is None or deadline >= served:
            tally[ROUNDS] += 1
            self.rounds_sent += 1
            self._send_heartbeats(served, read)
        # Else given up while it waits for the loop: nothing is sent.
        return read

    def linearizable_read(self, site: Site, tally: Tally, deadline: int | None = None) -> Future:
        """As `Asked.linearizable_read`.

        A leader that stays applies what it commits before it serves anything else, so what was
        committed when a read is served has been applied when the read is confirmed.
        """
        return self.verify_leader(site, tally, deadline)

    def _begin_shared(self) -> None:
        """Begin a round for all who will have asked for one when the loop has served it."""
        now = self._kernel.now
        if self._agenda[0][0] <= now:
            self._catch_up(now)
        served = self.serve(now, self._read_ns)
        shared = SharedRound()
        self._due.append((served, self._board, shared))
        self._arm_due(now)
        self._send_heartbeats(served, shared)

    def propose(self, make: Callable[[], Any], deadline: int | None = None) -> Future:
        """As `Engine.propose`."""
        now = self._kernel.now
        if self._agenda[0][0] <= now:
            self._catch_up(now)
        served = self.serve(now, self._costs.proposal)
        entry = Entry(make, self._last_index + 1)
        if deadline is not None:
            self._deadlines.add(entry, deadline)
            if deadline < served:
                return entry
        self._last_index = entry.index
        self._uncommitted.append(entry)
        self._due.append((served, self._make, entry))
        self._arm_due(now)
        pause = self._fsync()
        self._disk.add(pause)
        self.prolong(pause)
        self._append_to_all(self.free_at, entry)
        return entry

    def log_read(self, site: Site, tally: Tally, deadline: int | None = None) -> Future:
        """As `Engine.log_read`."""
        future = self.propose(lambda: LogRead(site, tally, self._node), deadline)
        future.what = WAITING[site]
        return future

    # -- the loop -------------------------------------------------------------------------------

    def _catch_up(self, now: int) -> None:
        """Serve what has arrived by now, in the order of arrival."""
        if self._due and self._due[0][0] <= now:
            self._tell(now)
        agenda = self._agenda
        message_ns = self._message_ns
        while agenda[0][0] <= now:
            at, _, follower, asked, index = heappop(agenda)
            if follower is None:
                asked(at)
                continue
            served = self.free_at
            if served > at:
                self.waited_ns += served - at
                if served - at > self.longest_wait_ns:
                    self.longest_wait_ns = served - at
                if served - at > self._backlog_max:
                    self._inbound_would_drop += 1
                served += message_ns
            else:
                served = at + message_ns
            self.free_at = served
            self.arrived += 1
            self.busy_ns += message_ns
            follower.heard = True
            if index:
                if index > follower.match:
                    follower.match = index
                    self._commit(served)
                continue
            if follower.match < self._last_index:
                # Something may have been lost, as far as a leader knows: Raft asks at once.
                self._append(follower, served, None)
            if asked is not None:
                asked.missing -= 1
                if not asked.missing:
                    self._due.append((served, self._show_confirmed, asked))

    def _tick(self, at: int) -> None:
        """The timer is due: heartbeats, and whether a quorum was heard of."""
        served = self.serve(at, self._costs.tick)
        tick = served // self._tick_ns
        if tick >= self._quorum_at:
            self._quorum_at = tick + self._election_ticks
            if not agreed(self._voters([True, *(each.heard for each in self._followers)])):
                raise LimitReached(
                    f"the leader heard of no quorum for engine.election by "
                    f"t={human_duration(served)}: it would step down, which `fidelity: rounds` "
                    "does not know; use `messages`"
                )
            for follower in self._followers:
                follower.heard = False
        if tick >= self._heartbeat_at:
            self._heartbeat_at = tick + self._heartbeat_ticks
            self._send_heartbeats(served, None)
        self._set_timer(served)

    def _set_timer(self, now: int) -> None:
        due = min(self._heartbeat_at, self._quorum_at) * self._tick_ns
        self._on_agenda(max(due, now), None, self._tick, 0)

    def _commit(self, at: int) -> None:
        """A follower holds more than before: commit what a majority holds, tell it, apply it."""
        matches = [follower.match for follower in self._followers]
        index = agreed(self._voters([self._last_index, *matches]))
        if index <= self._commit_index:
            return
        self._commit_index = index
        entries: list[Entry] = []
        pause = 0
        uncommitted, costs = self._uncommitted, self._costs
        while uncommitted and uncommitted[0].index <= index:
            entry = uncommitted.popleft()
            entries.append(entry)
            mutations = 0
            if not isinstance(entry.payload, LogRead):
                mutations = self._mutations(entry.payload)
            pause += costs.apply_entry + mutations * costs.apply_mutation
            for follower in self._followers:
                follower.behind.append((entry.index, mutations))
        self._append_to_all(at, None)
        self.prolong(pause)
        self._due.append((at, self._apply_all, entries))
        self._due.append((at + pause, self._hand_out, entries))

    def _voters(self, answering: list[int]) -> list[int]:
        """A value per voter; nothing is known of those that are lost."""
        return answering + [0] * self._lost

    # -- what is sent ---------------------------------------------------------------------------

    def _send_heartbeats(self, at: int, asked: Round | SharedRound | None) -> None:
        """A heartbeat to each follower, and when its acknowledgement arrives."""
        commit = self._commit_index
        followers = self._followers
        self._sent += 2 * len(followers) + self._lost
        if asked is not None:
            asked.index = commit
            asked.missing = self._needed
        if not self._direct:
            for follower in followers:
                known = min(follower.match, commit)
                follower.to.send(HEARTBEATS, at, (asked, 0, known, False))
            return
        # The same as `Way.send` and `Follower.take`, written out: this is what a run is made of.
        agenda = self._agenda
        sequence = self._sequence
        arrivals = []
        for follower in followers:
            way = follower.to
            arrival = at + way.delay()
            if arrival > way.last_arrival:
                way.last_arrival = arrival
            else:
                arrival = way.last_arrival
            answered = follower.free_at
            if answered > arrival:
                follower.note_wait(answered - arrival)
                arrival = answered
            message_ns = follower.message_ns
            follower.free_at = answered = arrival + message_ns
            follower.arrived += 1
            follower.busy_ns += message_ns
            way = follower.back
            arrival = answered + way.delay()
            if arrival > way.last_arrival:
                way.last_arrival = arrival
            else:
                arrival = way.last_arrival
            sequence += 1
            heappush(agenda, (arrival, sequence, follower, asked, 0))
            arrivals.append(arrival)
            if follower.behind:
                follower.learn(min(follower.match, commit))
        self._sequence = sequence
        if asked is not None:
            arrivals.sort()
            self._wake_at(arrivals[self._needed - 1])

    def _append_to_all(self, at: int, entry: Entry | None) -> None:
        for follower in self._followers:
            self._append(follower, at, entry)
        self._sent += self._lost

    def _append(self, follower: Follower, at: int, entry: Entry | None) -> None:
        """An append: with an entry, or only to tell the commit index."""
        self._sent += 2
        message = (entry, self._last_index, self._commit_index, entry is not None)
        follower.to.send(OTHERS, at, message)

    def _answered(self, follower: Follower, arrival: int, asked: Quorum | None, index: int) -> None:
        """It is known when an answer arrives."""
        self._on_agenda(arrival, follower, asked, index)
        if asked is not None:
            arrivals, needed = asked.arrivals, self._needed
            insort(arrivals, arrival)
            if len(arrivals) >= needed and arrival <= arrivals[needed - 1]:
                self._wake_at(arrivals[needed - 1])

    def _flush_at(self, at: int, flush: Callable[[int], None]) -> None:
        """A way has something to send when a call on it has returned."""
        self._on_agenda(at, None, flush, 0)
        now = self._kernel.now
        if at > now:
            self._kernel.again(at - now, self._wake)

    def _on_agenda(self, at: int, follower: Follower | None, what: Any, index: int) -> None:
        self._sequence += 1
        heappush(self._agenda, (at, self._sequence, follower, what, index))

    # -- what outsiders see ---------------------------------------------------------------------

    def _wake_at(self, arrival: int) -> None:
        """What may complete a quorum arrives then; look when it has been served at the earliest."""
        free = self.free_at
        served = (arrival if arrival > free else free) + self._message_ns
        self._kernel.again(served - self._kernel.now, self._wake)

    def _awake(self, event: Event) -> None:
        now = self._kernel.now
        if self._agenda[0][0] <= now:
            self._catch_up(now)
        self._tell(now)

    def _tell(self, now: int) -> None:
        """Show what is due by now."""
        due = self._due
        while due and due[0][0] <= now:
            _, show, what = due.popleft()
            show(what)
        self._arm_due(now)

    def _arm_due(self, now: int) -> None:
        """Have an event at the instant of what is due next."""
        due = self._due
        if due and not now < self._armed <= due[0][0]:
            self._armed = due[0][0]
            self._kernel.again(self._armed - now, self._wake)

    def _confirm(self, read: Round) -> None:
        """A quorum has confirmed: verifications count here, or where rounds are shared, below."""
        self.rounds_confirmed += 1
        if read.done:
            self._counters["rounds.unclaimed"] += 1
            return
        read.tally[read.site] += 1
        read.resolve(read.index)

    def _board(self, shared: SharedRound) -> None:
        """The loop has served a round: who has asked by now shares it."""
        assert self._shared is not None
        shared.read = self._shared.begin()
        if shared.read is not None:
            shared.read.tally[ROUNDS] += 1
            self.rounds_sent += 1

    def _confirm_shared(self, shared: SharedRound) -> None:
        assert self._shared is not None
        first = shared.read
        if first is None:
            return  # all had given up when it began
        self.rounds_confirmed += 1
        claimed = 0
        for read in (first, *first.sharers):
            if not read.done:
                claimed += 1
                read.tally[read.site] += 1
                read.resolve(shared.index)
        if not claimed:
            self._counters["rounds.unclaimed"] += 1
        elif claimed > 1:
            self._counters["rounds.shared"] += claimed - 1
        if self._shared.over():
            self._begin_shared()

    def _make(self, entry: Entry) -> None:
        """The place of a proposal in the log is decided."""
        entry.payload = entry.make()

    def _apply_all(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            if isinstance(entry.payload, LogRead):
                self._counters["rounds.log"] += entry.payload.applied_at(self._node)
            else:
                entry.result, _ = self._apply(entry.payload)
        self._counters["entries.applied"] += len(entries)

    def _hand_out(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            if not entry.done:
                entry.resolve(entry.result)

    # -- the record -----------------------------------------------------------------------------

    def ahead(self, now: int) -> tuple[int, int]:
        """The loop works without a pause from now until it is free."""
        self._catch_up(now)
        return max(self.free_at - now, 0), int(self.free_at > now)

    def resources(self) -> dict[str, Measured]:
        """As `Engine.resources`, of the leader and of its followers, node after node."""
        leader = f"n{self._node}"
        found: dict[str, dict[str, Measured]] = {
            leader: {f"{leader}.loop": self, f"{leader}.fsync": self._disk}
        }
        for follower in self._followers:
            name = follower.name
            found[name] = {f"{name}.loop": follower, f"{name}.fsync": follower.disk}
        for number, kind in ((HEARTBEATS, "heartbeats"), (OTHERS, "others")):
            for follower in self._followers:
                name = follower.name
                for start, end, way in ((leader, name, follower.to), (name, leader, follower.back)):
                    if way.lanes[number].in_flight is not None:
                        found[start][f"{start}->{end}.{kind}"] = way.lanes[number]
        return {name: each for _, own in sorted(found.items()) for name, each in own.items()}

    def counters(self) -> dict[str, int]:
        """The counters of the cluster, by the names of `Engine`, and `WOULD_DROP`."""
        followers = self._followers
        busy = {follower.name: follower.usage().busy_ns for follower in followers}
        busy[f"n{self._node}"] = self.usage().busy_ns
        would_drop = sum(each.to.would_drop + each.back.would_drop for each in followers)
        applied = sum(follower.applied for follower in followers)
        return {
            **self._counters,
            "entries.applied": self._counters["entries.applied"] + applied,
            "messages.sent": self._sent,
            "rounds.sent": self.rounds_sent,
            "rounds.confirmed": self.rounds_confirmed,
            **{f"{name}.loop.busy_ns": busy_ns for name, busy_ns in sorted(busy.items())},
            WOULD_DROP: would_drop + self._inbound_would_drop,
        }
