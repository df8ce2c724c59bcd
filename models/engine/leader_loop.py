"""The leader's loop under `fidelity: rounds`: what comes to it, what it sends, what is seen of it.

Loops, lanes and links are queues that serve in the order of arrival, so when something is done
follows from when it came and what came before it: Lindley's recursion. A follower's queues are fed
by the leader alone; a round is thus known to the last acknowledgement as soon as its heartbeats
have been handed over.

Only the leader's own loop is fed from several sides. Acknowledgements on their way to it lie in the
`_agenda` and join its queue when time is there: whenever somebody asks the engine for something, or
at the earliest instant at which a quorum may be complete. So whatever nobody waits for, such as the
heartbeats of an idle cluster, costs no event.

What is served is in the order of the loop; what outsiders see of it (a payload that is built, an
entry that is applied, a read that is confirmed) waits in `_due` for its instant, in the same order.
"""

from abc import ABC, abstractmethod
from bisect import insort
from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any, Final

from models.engine.costs import LoopCosts
from models.engine.followers import Answer, Entry, Follower, Round, SharedRound
from models.engine.foreseen import Foreseen
from models.engine.lanes import LaneLimits
from models.engine.ways import HEARTBEATS, OTHERS, Way
from models.raft.quorum import agreed
from sim.errors import LimitReached
from sim.kernel import Event, Kernel
from sim.units import human_duration


class LeaderLoop(Foreseen, ABC):
    """A leader's loop and its followers. `connect` the followers, then `start`."""

    __slots__ = (
        "_agenda", "_armed", "_backlog_max", "_commit_index", "_costs", "_direct", "_due",
        "_election_ticks", "_followers", "_heartbeat_at", "_heartbeat_ticks",
        "_inbound_would_drop", "_last_index", "_lost", "_message_ns", "_needed", "_node",
        "_quorum_at", "_sent", "_sequence", "_tick_ns", "_wake", "only_heartbeats",
    )  # fmt: skip

    is_leader: Final = True

    def __init__(
        self,
        kernel: Kernel,
        *,
        node: int,
        costs: LoopCosts,
        tick_ns: int,
        heartbeat_ticks: int,
        election_ticks: int,
        inbound_capacity: int,
        lost: int,
    ) -> None:
        """`lost` is how many followers there are that never answer."""
        super().__init__(kernel, 1)
        self.only_heartbeats = False
        """Whether nothing will be proposed: what waits in the lanes need not wait for what else
        might come. Set it before the start."""
        self._node = node
        self._costs = costs
        self._message_ns = costs.message
        self._tick_ns = tick_ns
        self._heartbeat_ticks = self._heartbeat_at = heartbeat_ticks
        self._election_ticks = self._quorum_at = election_ticks
        self._backlog_max = inbound_capacity * costs.message
        self._lost = lost
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
        self._sent = 0
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
                flushing=self._flush,
                wake=self._flush_at,
                horizon_ns=self._tick_ns,
            )

        follower.to = way(self._node, peer, follower.take)
        follower.back = way(peer, self._node, self._answered)
        self._followers.append(follower)
        self._needed = (len(self._followers) + self._lost + 1) // 2

    def start(self, leadership_changed: Callable[[], None] = lambda: None) -> None:
        """Arm the timer."""
        del leadership_changed  # it never does
        assert self._followers, "a single node has no quorum rounds"
        self._direct = all(f.to.direct and f.back.direct for f in self._followers)
        self._set_timer(0)

    @abstractmethod
    def _commit(self, at: int) -> None:
        """A follower is known to hold more than before."""

    @abstractmethod
    def _confirmed(self, asked: Any) -> None:
        """A quorum has acknowledged a round; called when the loop has served the last answer."""

    # -- what comes --------------------------------------------------------------------------------

    def _catch_up(self, now: int) -> None:
        """Serve what has arrived by now, in the order of arrival."""
        due = self._due
        if due and due[0][0] <= now:
            self._tell(now)
        agenda, message_ns, backlog_max = self._agenda, self._message_ns, self._backlog_max
        answers = waited = longest = 0
        while agenda[0][0] <= now:
            at, _, follower, asked, index = heappop(agenda)
            if follower is None:
                asked(at)
                continue
            answers += 1
            served = self.free_at
            if served > at:
                wait = served - at
                waited += wait
                if wait > longest:
                    longest = wait
                if wait > backlog_max:
                    self._inbound_would_drop += 1
                served += message_ns
            else:
                served = at + message_ns
            self.free_at = served
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
                    due.append((served, self._confirmed, asked))
        self.arrived += answers
        self.busy_ns += answers * message_ns
        if waited:
            self.waited_ns += waited
            if longest > self.longest_wait_ns:
                self.longest_wait_ns = longest

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

    def _voters(self, answering: list[int]) -> list[int]:
        """A value per voter; nothing is known of those that are lost."""
        return answering + [0] * self._lost

    def _on_agenda(self, at: int, follower: Follower | None, what: Any, index: int) -> None:
        self._sequence += 1
        heappush(self._agenda, (at, self._sequence, follower, what, index))

    # -- what is sent ------------------------------------------------------------------------------

    def _send_heartbeats(self, at: int, asked: Round | SharedRound | None) -> None:
        """A heartbeat to each follower, and when its acknowledgement arrives."""
        commit = self._commit_index
        followers = self._followers
        self._sent += 2 * len(followers) + self._lost
        if asked is not None:
            asked.index = commit
            asked.missing = self._needed
        if not self._direct:
            self._send_through_lanes(at, asked)
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

    def _send_through_lanes(self, at: int, asked: Round | SharedRound | None) -> None:
        """The same, where heartbeats may have to wait."""
        arrivals: list[int] = []
        if asked is not None:
            asked.arrivals = arrivals
        foreseen = False
        for follower in self._followers:
            arrival = follower.to.foresee(at) if self.only_heartbeats else None
            if arrival is None:
                known = min(follower.match, self._commit_index)
                follower.to.send(HEARTBEATS, at, (asked, 0, known, False))
                continue
            answered = follower.serve(arrival, follower.message_ns)
            arrival = follower.back.foresee(answered)
            if arrival is None:
                follower.back.send(HEARTBEATS, answered, (follower, asked, 0))
                continue
            self._sequence += 1
            heappush(self._agenda, (arrival, self._sequence, follower, asked, 0))
            insort(arrivals, arrival)
            foreseen = True
        if foreseen and asked is not None and len(arrivals) >= self._needed:
            self._wake_at(arrivals[self._needed - 1])

    def _append_to_all(self, at: int, entry: Entry | None) -> None:
        for follower in self._followers:
            self._append(follower, at, entry)
        self._sent += self._lost

    def _append(self, follower: Follower, at: int, entry: Entry | None) -> None:
        """An append: with an entry, or only to tell the commit index."""
        self._sent += 2
        assert not self.only_heartbeats, "something is proposed after all"
        message = (entry, self._last_index, self._commit_index, entry is not None)
        follower.to.send(OTHERS, at, message)

    def _answered(self, arrival: int, answer: Answer) -> None:
        """It is known when an answer arrives."""
        follower, asked, index = answer
        self._sequence += 1
        heappush(self._agenda, (arrival, self._sequence, follower, asked, index))
        if asked is not None:
            arrivals, needed = asked.arrivals, self._needed
            insort(arrivals, arrival)
            if len(arrivals) >= needed and arrival <= arrivals[needed - 1]:
                self._wake_at(arrivals[needed - 1])

    def _flush_at(self, at: int, flushing: Event) -> None:
        """A way has something to send when a call on it has returned."""
        kernel = self._kernel
        now = kernel.now
        if at > now:
            kernel.again(at - now, flushing)
        else:
            self._on_agenda(at, None, flushing.argument, 0)

    def _flush(self, flushing: Event) -> None:
        """The call has returned."""
        now = self._kernel.now
        if self._agenda[0][0] <= now:
            self._catch_up(now)
        flushing.argument(now)

    # -- what outsiders see ------------------------------------------------------------------------

    def _wake_at(self, arrival: int) -> None:
        """What may complete a quorum arrives then; look when it has been served at the earliest."""
        free = self.free_at
        served = (arrival if arrival > free else free) + self._message_ns
        self._kernel.again(served - self._kernel.now, self._wake)

    def _awake(self, event: Event) -> None:
        now = self._kernel.now
        if self._agenda[0][0] <= now:
            self._catch_up(now)
        if self._due:
            self._tell(now)

    def _tell(self, now: int) -> None:
        """Show what is due by now."""
        due = self._due
        while due and due[0][0] <= now:
            _, show, what = due.popleft()
            show(what)
        if due:
            self._arm_due(now)

    def _arm_due(self, now: int) -> None:
        """Have an event at the instant of what is due next."""
        at = self._due[0][0]
        if not now < self._armed <= at:
            self._armed = at
            self._kernel.again(at - now, self._wake)
