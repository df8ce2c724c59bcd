"""The Raft engine by recursion: one event per quorum round instead of one per message.

For millions of scripts. It offers what `models.engine.engine` offers to who reads and proposes, for
a cluster whose leader is known and stays: what `models.raft` would send is known beforehand then,
and all that is left of it is time, which `models.engine.leader_loop` works out.

Not here: elections, hand-over, dropped messages, faults. Messages that would have found their queue
full are counted; a run in which there are some is not what the other engine would have shown.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from models.engine.costs import LoopCosts
from models.engine.engine import COUNTERS
from models.engine.followers import Entry, Round, SharedRound
from models.engine.foreseen import Foreseen
from models.engine.leader_loop import LeaderLoop
from models.engine.requests import WAITING, DeadlineExceeded, LogRead
from models.engine.sharing import SharedRounds
from models.engine.sites import ROUNDS, Site, Tally
from models.engine.ways import HEARTBEATS, OTHERS
from models.raft.quorum import agreed
from sim.deadlines import Deadlines
from sim.kernel import Future, Kernel
from sim.resources import Measured

WOULD_DROP: Final = "messages.would_drop"


class RoundsEngine(LeaderLoop):
    """The leader's engine. Build it, `connect` its followers, then `start`."""

    __slots__ = (
        "_apply", "_counters", "_deadlines", "_disk", "_fsync", "_mutations", "_read_ns",
        "_shared", "_uncommitted", "rounds_confirmed", "rounds_sent",
    )  # fmt: skip

    def __init__(
        self,
        kernel: Kernel,
        *,
        fsync: Callable[[], int],
        apply: Callable[[Any], tuple[Any, int]],
        mutations: Callable[[Any], int],
        share_reads: bool,
        costs: LoopCosts,
        **loop: int,
    ) -> None:
        """`apply` carries out a committed payload; `mutations` says how many it holds.

        `share_reads` as for `Engine`; `loop` is what `LeaderLoop` takes besides.
        """
        super().__init__(kernel, costs=costs, **loop)
        self._read_ns = costs.read
        self._fsync = fsync
        self._disk = Foreseen(kernel, 1)
        self._apply = apply
        self._mutations = mutations
        self._shared = SharedRounds() if share_reads else None
        self._uncommitted: deque[Entry] = deque()
        self._deadlines = Deadlines(kernel, DeadlineExceeded)
        self.rounds_sent = 0
        self.rounds_confirmed = 0
        self._counters = dict.fromkeys(COUNTERS, 0)

    # -- requests ----------------------------------------------------------------------------------

    def verify_leader(self, site: Site, tally: Tally, deadline: int | None = None) -> Future:
        """As `Asked.verify_leader`; it never fails with `NotLeader`."""
        # A leader that stays has applied what it has committed before it serves the next read.
        read = Round(site, tally, False, deadline)
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
        future = self.propose(lambda: LogRead(site, tally), deadline)
        future.what = WAITING[site]
        return future

    # -- reads -------------------------------------------------------------------------------------

    def _confirmed(self, asked: Any) -> None:
        """Verifications count here, or where rounds are shared, below."""
        if self._shared is not None:
            self._confirm_shared(asked, self._shared)
            return
        read: Round = asked
        self.rounds_confirmed += 1
        if read.done:
            self._counters["rounds.unclaimed"] += 1
            return
        read.tally[read.site] += 1
        read.resolve(read.index)

    def _begin_shared(self) -> None:
        """Begin a round for all who will have asked for one when the loop has served it."""
        assert self._shared is not None
        now = self._kernel.now
        if self._agenda[0][0] <= now:
            self._catch_up(now)
        served = self.serve(now, self._read_ns)
        shared = SharedRound()
        self._due.append((served, self._board, shared))
        self._arm_due(now)
        shared.sent = self._shared.will_wait(served)
        if shared.sent:
            self._send_heartbeats(served, shared)

    def _board(self, shared: SharedRound) -> None:
        """The loop has served a round: who has asked by now shares it."""
        assert self._shared is not None
        first = self._shared.begin()
        if first is None:
            return  # all have given up
        shared.read = first
        first.tally[ROUNDS] += 1
        self.rounds_sent += 1
        if not shared.sent:
            # All who waited when it was begun have given up, but somebody has come since.
            self._send_heartbeats(self._kernel.now, shared)

    def _confirm_shared(self, shared: SharedRound, rounds: SharedRounds) -> None:
        first = shared.read
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
        if rounds.over():
            self._begin_shared()

    # -- the log -----------------------------------------------------------------------------------

    def _make(self, entry: Entry) -> None:
        """The place of a proposal in the log is decided."""
        entry.payload = entry.make()

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
            if type(entry.payload) is not LogRead:
                mutations = self._mutations(entry.payload)
            pause += costs.apply_entry + mutations * costs.apply_mutation
            for follower in self._followers:
                follower.behind.append((entry.index, mutations))
        self._append_to_all(at, None)
        self.prolong(pause)
        self._due.append((at, self._apply_all, entries))
        self._due.append((at + pause, self._hand_out, entries))

    def _apply_all(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            if type(entry.payload) is LogRead:
                if not entry.done:
                    entry.payload.note()
                    self._counters["rounds.log"] += 1
            else:
                entry.result, _ = self._apply(entry.payload)
        self._counters["entries.applied"] += len(entries)

    def _hand_out(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            if not entry.done:
                entry.resolve(entry.result)

    # -- the record --------------------------------------------------------------------------------

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
