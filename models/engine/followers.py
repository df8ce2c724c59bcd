"""What a leader asks its followers for under `fidelity: rounds`, and the followers as queues."""

from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias

from models.engine.costs import LoopCosts
from models.engine.foreseen import Foreseen
from models.engine.requests import ReadRequest
from models.engine.ways import HEARTBEATS, OTHERS, Way
from sim.kernel import Future, Kernel


class Round(ReadRequest):
    """A read that has a quorum round of its own."""

    __slots__ = ("arrivals", "index", "missing")

    arrivals: list[int]
    """Known arrivals of acknowledgements, ascending."""
    index: int
    """The commit index when it was served."""
    missing: int
    """Acknowledgements that are missing for a quorum."""


class SharedRound:
    """A quorum round that is begun before it is known who will share it."""

    __slots__ = ("arrivals", "index", "missing", "read", "sent")

    arrivals: list[int]
    index: int
    missing: int
    read: ReadRequest
    """Whom it is counted for."""
    sent: bool
    """Whether its heartbeats were handed over before it was known who shares it."""


class Entry(Future):
    """A proposal and its entry in the log."""

    __slots__ = ("arrivals", "index", "make", "payload", "result")

    def __init__(self, make: Callable[[], Any], index: int) -> None:
        super().__init__("an entry to be committed")
        self.make = make
        self.index = index
        self.payload: Any = None
        self.result: Any = None
        self.arrivals: list[int] = []


Quorum: TypeAlias = Round | SharedRound | Entry
Message: TypeAlias = tuple[Quorum | None, int, int, bool]
"""For whom an answer counts, the last index of an append (0: a heartbeat), the commit index it
tells, and whether it carries an entry."""
Answer: TypeAlias = "tuple[Follower, Quorum | None, int]"
"""Who answers, for whom it counts, and up to which index an append is held (0: a heartbeat)."""


class Follower(Foreseen):
    """A peer as a queue: its loop serves what its leader sends, and the answers go back."""

    __slots__ = (
        "_costs", "_fsync", "applied", "back", "behind", "disk", "heard", "match", "message_ns",
        "name", "to",
    )  # fmt: skip

    def __init__(
        self, kernel: Kernel, name: str, *, costs: LoopCosts, fsync: Callable[[], int]
    ) -> None:
        super().__init__(kernel, 1)
        self.name = name
        self.disk = Foreseen(kernel, 1)
        self.to: Way
        """The connection that its leader has opened to it."""
        self.back: Way
        """The one that it has opened to its leader."""
        self.message_ns = costs.message
        self.applied = 0
        """Entries applied."""
        self.match = 1
        """The last entry its leader knows to be here."""
        self.heard = False
        """Since its leader last checked for a quorum."""
        self.behind: deque[tuple[int, int]] = deque()
        """Entries that are committed and not known to be so here: index, and mutations."""
        self._costs = costs
        self._fsync = fsync

    def take(self, arrival: int, message: Message) -> None:
        """A message arrives: its turn in the loop, the answer, and what is then applied."""
        asked, index, commit, carries_entry = message
        answered = self.serve(arrival, self.message_ns)
        if carries_entry:
            pause = self._fsync()
            self.disk.add(pause)
            self.prolong(pause)
            answered += pause
        self.back.send(OTHERS if index else HEARTBEATS, answered, (self, asked, index))
        if self.behind:
            self.learn(commit)

    def learn(self, commit: int) -> None:
        """Apply what is committed, on the loop."""
        behind, costs = self.behind, self._costs
        while behind and behind[0][0] <= commit:
            _, mutations = behind.popleft()
            self.prolong(costs.apply_entry + mutations * costs.apply_mutation)
            self.applied += 1
