"""Readers of one engine: who waits for which read context, and for what to be applied.

Raft confirms contexts; here it is known whom each is for. A verification is counted when a quorum
has confirmed its context and its reader still waits for it (`confirm`), or when the entry of a
fence through the log is applied (`Engine._apply_committed`), and nowhere else.
"""

from collections.abc import Callable

from models.audit.wire import WireTap
from models.engine.requests import NotLeader, ReadRequest
from models.engine.sharing import SharedRounds
from models.engine.sites import ROUNDS
from models.raft.core import Raft


class Readers:
    """Reads between being asked and being answered."""

    def __init__(
        self,
        raft: Raft,
        tap: WireTap,
        counters: dict[str, int],
        shared: SharedRounds | None,
        begin_round: Callable[[], None],
    ) -> None:
        """`shared` is None when each read has a round of its own; else `begin_round` has the loop
        call `ask_shared`.
        """
        self._raft = raft
        self._tap = tap
        self._counters = counters
        self._shared = shared
        self._begin_round = begin_round
        self._next_context = 1
        self._asked: dict[int, ReadRequest] = {}
        self.unapplied: list[tuple[int, ReadRequest]] = []
        """Who waits only for an index to be applied."""
        self.rounds_sent = 0
        """Read contexts given to Raft."""
        self.rounds_confirmed = 0

    def join(self, read: ReadRequest) -> None:
        """A reader that may share a round comes."""
        assert self._shared is not None, "rounds are not shared"
        read.asked = self._tap.asked()
        if self._shared.join(read):
            self._begin_round()

    def ask_shared(self, tick: int) -> None:
        """Begin a round for all who wait for one."""
        assert self._shared is not None, "rounds are not shared"
        read = self._shared.begin()
        if read is not None:
            self.ask(read, tick)

    def ask(self, read: ReadRequest, tick: int) -> None:
        """Begin a round for a reader and those who share it."""
        context = self._next_context
        if self._raft.read_index(context, tick):
            self._next_context = context + 1
            self._asked[context] = read
            if not self._tap.alone:  # then nothing goes over the wire
                read.tally[ROUNDS] += 1
            self.rounds_sent += 1
            return
        for each in (read, *read.sharers):
            each.fail(NotLeader())
        self._round_over()

    def confirm(self, applied: int) -> None:
        """A quorum has confirmed contexts: the place where verifications count."""
        states, self._raft.read_states = self._raft.read_states, []
        for context, index in states:
            read = self._asked.pop(context)
            self.rounds_confirmed += 1
            claimed = int(self._grant(read, context, index, applied))
            for each in read.sharers:
                claimed += self._grant(each, context, index, applied)
            if not claimed:
                self._counters["rounds.unclaimed"] += 1
            elif claimed > 1:
                self._counters["rounds.shared"] += claimed - 1
            if self._shared is not None:
                self._round_over()

    def _grant(self, read: ReadRequest, context: int, index: int, applied: int) -> bool:
        """Give a reader its confirmation, unless it has given up."""
        if read.done:
            return False
        if read.asked:
            self._tap.granted(self._raft.id, context, read.asked)
        read.tally[read.site] += 1
        if read.wait_applied and applied < index:
            self.unapplied.append((index, read))
        else:
            read.resolve(index)
        return True

    def release(self, applied: int) -> None:
        """Answer those who have only waited for this to be applied."""
        waiting, self.unapplied = self.unapplied, []
        for index, read in waiting:
            if applied < index:
                self.unapplied.append((index, read))
            elif not read.done:
                read.resolve(index)

    def lose(self) -> list[ReadRequest]:
        """Leadership is lost: nothing that was asked will be confirmed. Whoever still waits."""
        lost = [each for read in self._asked.values() for each in (read, *read.sharers)]
        lost += [read for _, read in self.unapplied]
        under_way = bool(self._asked)
        self._asked.clear()
        self.unapplied.clear()
        if under_way:
            self._round_over()
        return lost

    def _round_over(self) -> None:
        if self._shared is not None and self._shared.over():
            self._begin_round()
