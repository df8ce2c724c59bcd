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
from typing import Any, Final, TypeAlias

from models.engine.costs import LoopCosts
from models.engine.engine import COUNTERS
from models.engine.lanes import LaneLimits
from models.engine.requests import WAITING, DeadlineExceeded, LogRead, ReadRequest
from models.engine.sites import ROUNDS, Site, Tally
from models.engine.ways import HEARTBEATS, OTHERS, Way
from models.raft.quorum import agreed
from sim.deadlines import Deadlines
from sim.errors import LimitReached
from sim.kernel import Event, Future, Kernel
from sim.units import human_duration

WOULD_DROP: Final = "messages.would_drop"


class _Round(ReadRequest):
    """A read and its quorum."""

    __slots__ = ("arrivals", "index", "missing")

    def __init__(self, site: Site, tally: Tally) -> None:
        # A leader that stays has applied what it has committed before it serves the next read.
        super().__init__(site, tally, False)
        self.arrivals: list[int] = []
        """Known arrivals of acknowledgements, ascending."""
        self.index = 0
        """The commit index when it was served."""
        self.missing = 0
        """Acknowledgements that are missing for a quorum."""


class _Entry(Future):
    """A proposal and its entry in the log."""

    __slots__ = ("arrivals", "index", "make", "payload", "result")

    def __init__(self, make: Callable[[], Any], index: int) -> None:
        super().__init__("an entry to be committed")
        self.make = make
        self.index = index
        self.payload: Any = None
        self.result: Any = None
        self.arrivals: list[int] = []


_Message: TypeAlias = tuple[_Round | _Entry | None, int, int, bool]
"""What it asks a quorum for, the last index of an append (0: a heartbeat), the commit index it
tells, and whether it carries an entry."""


class Follower:
    """A peer as a queue: its loop serves what its leader sends, and the answers go back."""

    __slots__ = (
        "_behind", "_fsync", "_message_ns", "applied", "back", "busy_ns", "free_at", "heard",
        "match", "name", "to",
    )  # fmt: skip

    def __init__(self, name: str, *, message_ns: int, fsync: Callable[[], int]) -> None:
        self.name = name
        self.to: Way
        """The connection that its leader has opened to it."""
        self.back: Way
        """The one that it has opened to its leader."""
        self.free_at = 0
        self.busy_ns = 0
        self.applied = 0
        """Entries applied."""
        self.match = 1
        """The last entry its leader knows to be here."""
        self.heard = False
        """Since its leader last checked for a quorum."""
        self._message_ns = message_ns
        self._fsync = fsync
        self._behind: deque[tuple[int, int]] = deque()
        """Entries that are committed and not known to be here: index, and the time to apply it."""

    def committed(self, index: int, apply_ns: int) -> None:
        """Its leader has committed an entry."""
        self._behind.append((index, apply_ns))

    def serve(self, arrival: int, message: _Message) -> None:
        """A message arrives: its turn in the loop, the answer, and what is then applied."""
        asked, index, commit, carries_entry = message
        service = self._message_ns
        if carries_entry:
            service += self._fsync()
        answered = max(arrival, self.free_at) + service
        self.busy_ns += service
        self.free_at = answered
        self.back.send(OTHERS if index else HEARTBEATS, answered, (asked, index))
        if self._behind:
            self.learn(commit)

    def learn(self, commit: int) -> None:
        """Apply what is committed, on the loop."""
        behind = self._behind
        while behind and behind[0][0] <= commit:
            _, pause = behind.popleft()
            self.free_at += pause
            self.busy_ns += pause
            self.applied += 1


class RoundsEngine:
    """The leader's engine. Build it, `connect` its followers, then `start`."""

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
    ) -> None:
        """`apply` carries out a committed payload; `mutations` says how many it holds."""
        self._kernel = kernel
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
        self._free_at = 0
        self._last_index = 1
        self._commit_index = 1
        self._uncommitted: deque[_Entry] = deque()
        self._deadlines = Deadlines(kernel, DeadlineExceeded)
        self._busy_ns = 0
        self._sent = 0
        self.rounds_sent = 0
        self.rounds_confirmed = 0
        self._unclaimed = 0
        self._log_reads = 0
        self._inbound_would_drop = 0
        self._applied = 0

    def connect(
        self,
        peer: int,
        *,
        fsync: Callable[[], int],
        heartbeats: LaneLimits,
        others: LaneLimits,
        delays: Callable[[int, int], tuple[Callable[[], int], Callable[[], int]]],
    ) -> None:
        """Make the follower with the id `peer`, and the ways to it and back.

        `delays(source, target)` gives what draws the time of a message on the connection that
        `source` has opened to `target`, and of a return on it.
        """
        follower = Follower(f"n{peer}", message_ns=self._message_ns, fsync=fsync)

        def way(source: int, target: int, deliver: Callable[[int, Any], None]) -> Way:
            delay, back = delays(source, target)
            return Way(
                delay=delay,
                back=back,
                heartbeats=heartbeats,
                others=others,
                deliver=deliver,
                wake=self._flush_at,
            )

        def answered(arrival: int, answer: tuple[_Round | _Entry | None, int]) -> None:
            self._answered(follower, arrival, *answer)

        follower.to = way(self._node, peer, follower.serve)
        follower.back = way(peer, self._node, answered)
        self._followers.append(follower)
        self._needed = (len(self._followers) + 1) // 2

    def start(self, leadership_changed: Callable[[], None] = lambda: None) -> None:
        """Arm the timer."""
        del leadership_changed  # it never does
        assert self._followers, "a single node has no quorum rounds"
        self._direct = all(f.to.direct and f.back.direct for f in self._followers)
        self._set_timer(0)

    # -- requests -------------------------------------------------------------------------------

    def verify_leader(self, site: Site, tally: Tally, deadline: int | None = None) -> Future:
        """As `Engine.verify_leader`; it never fails with `NotLeader`."""
        now = self._kernel.now
        if self._agenda[0][0] <= now:
            self._catch_up(now)
        free = self._free_at
        self._free_at = served = (now if now > free else free) + self._read_ns
        self._busy_ns += self._read_ns
        read = _Round(site, tally)
        if deadline is not None:
            self._deadlines.add(read, deadline)
            if deadline < served:
                return read  # given up while it waits for the loop: nothing is sent
        tally[ROUNDS] += 1
        self.rounds_sent += 1
        read.index = self._commit_index
        read.missing = self._needed
        self._send_heartbeats(served, read)
        return read

    def linearizable_read(self, site: Site, tally: Tally, deadline: int | None = None) -> Future:
        """As `Engine.linearizable_read`.

        A leader that stays applies what it commits before it serves anything else, so what was
        committed when a read is served has been applied when the read is confirmed.
        """
        return self.verify_leader(site, tally, deadline)

    def propose(self, make: Callable[[], Any], deadline: int | None = None) -> Future:
        """As `Engine.propose`."""
        now = self._kernel.now
        if self._agenda[0][0] <= now:
            self._catch_up(now)
        served = max(now, self._free_at) + self._costs.proposal
        self._free_at = served
        self._busy_ns += self._costs.proposal
        entry = _Entry(make, self._last_index + 1)
        if deadline is not None:
            self._deadlines.add(entry, deadline)
            if deadline < served:
                return entry
        self._last_index = entry.index
        self._uncommitted.append(entry)
        self._due.append((served, self._make, entry))
        self._arm_due(now)
        pause = self._fsync()
        self._busy_ns += pause
        self._free_at = persisted = served + pause
        for follower in self._followers:
            self._append(follower, persisted, entry)
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
            free = self._free_at
            if at > free:
                free = at
            elif free - at > self._backlog_max:
                self._inbound_would_drop += 1
            self._free_at = served = free + message_ns
            self._busy_ns += message_ns
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
                    self._due.append((served, self._confirm, asked))

    def _tick(self, at: int) -> None:
        """The timer is due: heartbeats, and whether a quorum was heard of."""
        self._free_at = served = max(at, self._free_at) + self._costs.tick
        self._busy_ns += self._costs.tick
        tick = served // self._tick_ns
        if tick >= self._quorum_at:
            self._quorum_at = tick + self._election_ticks
            if not agreed([True, *(follower.heard for follower in self._followers)]):
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
        index = agreed([self._last_index, *(follower.match for follower in self._followers)])
        if index <= self._commit_index:
            return
        self._commit_index = index
        entries: list[_Entry] = []
        pause = 0
        uncommitted, costs = self._uncommitted, self._costs
        while uncommitted and uncommitted[0].index <= index:
            entry = uncommitted.popleft()
            entries.append(entry)
            apply_ns = costs.apply_entry
            if not isinstance(entry.payload, LogRead):
                apply_ns += self._mutations(entry.payload) * costs.apply_mutation
            pause += apply_ns
            for follower in self._followers:
                follower.committed(entry.index, apply_ns)
        for follower in self._followers:
            self._append(follower, at, None)
        self._busy_ns += pause
        self._free_at = at + pause
        self._due.append((at, self._apply_all, entries))
        self._due.append((at + pause, self._hand_out, entries))

    # -- what is sent ---------------------------------------------------------------------------

    def _send_heartbeats(self, at: int, read: _Round | None) -> None:
        """A heartbeat to each follower, and when its acknowledgement arrives."""
        commit = self._commit_index
        followers = self._followers
        self._sent += 2 * len(followers)
        if not self._direct:
            for follower in followers:
                known = min(follower.match, commit)
                follower.to.send(HEARTBEATS, at, (read, 0, known, False))
            return
        # The same as `Way.send` and `Follower.serve`, written out: this is what a run is made of.
        agenda, message_ns = self._agenda, self._message_ns
        sequence = self._sequence
        arrivals = []
        for follower in followers:
            way = follower.to
            arrival = at + way.delay()
            if arrival > way.last_arrival:
                way.last_arrival = arrival
            else:
                arrival = way.last_arrival
            free = follower.free_at
            follower.free_at = answered = (arrival if arrival > free else free) + message_ns
            follower.busy_ns += message_ns
            way = follower.back
            arrival = answered + way.delay()
            if arrival > way.last_arrival:
                way.last_arrival = arrival
            else:
                arrival = way.last_arrival
            sequence += 1
            heappush(agenda, (arrival, sequence, follower, read, 0))
            arrivals.append(arrival)
            if follower._behind:
                follower.learn(min(follower.match, commit))
        self._sequence = sequence
        if read is not None:
            arrivals.sort()
            self._wake_at(arrivals[self._needed - 1])

    def _append(self, follower: Follower, at: int, entry: _Entry | None) -> None:
        """An append: with an entry, or only to tell the commit index."""
        self._sent += 2
        message = (entry, self._last_index, self._commit_index, entry is not None)
        follower.to.send(OTHERS, at, message)

    def _answered(
        self, follower: Follower, arrival: int, asked: _Round | _Entry | None, index: int
    ) -> None:
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
        free = self._free_at
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

    def _confirm(self, read: _Round) -> None:
        """A quorum has confirmed: the one place where verifications count."""
        self.rounds_confirmed += 1
        if read.done:
            self._unclaimed += 1
            return
        read.tally[read.site] += 1
        read.resolve(read.index)

    def _make(self, entry: _Entry) -> None:
        """The place of a proposal in the log is decided."""
        entry.payload = entry.make()

    def _apply_all(self, entries: Sequence[_Entry]) -> None:
        for entry in entries:
            if isinstance(entry.payload, LogRead):
                self._log_reads += entry.payload.applied_at(self._node)
            else:
                entry.result, _ = self._apply(entry.payload)
        self._applied += len(entries)

    def _hand_out(self, entries: Sequence[_Entry]) -> None:
        for entry in entries:
            if not entry.done:
                entry.resolve(entry.result)

    # -- the record -----------------------------------------------------------------------------

    def counters(self) -> dict[str, int]:
        """The counters of the cluster, by the names of `Engine`, and `WOULD_DROP`."""
        now = self._kernel.now
        self._catch_up(now)
        followers = self._followers
        would_drop = sum(each.to.would_drop + each.back.would_drop for each in followers)
        busy = {follower.name: follower.busy_ns for follower in followers}
        busy[f"n{self._node}"] = self._busy_ns - max(self._free_at - now, 0)
        return {
            **dict.fromkeys(COUNTERS, 0),
            "rounds.unclaimed": self._unclaimed,
            "rounds.log": self._log_reads,
            "entries.applied": self._applied + sum(follower.applied for follower in followers),
            "messages.sent": self._sent,
            "rounds.sent": self.rounds_sent,
            "rounds.confirmed": self.rounds_confirmed,
            **{f"{name}.loop.busy_ns": busy_ns for name, busy_ns in sorted(busy.items())},
            WOULD_DROP: would_drop + self._inbound_would_drop,
        }
