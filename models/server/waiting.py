"""Who is blocked, and on which keys: first come, first served for each key.

Deadlines are instants of the wall clock. Whoever drives the server calls `expire` when time has
passed.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Final

from models.replies import Reply
from models.server.session import Session
from sim.kernel import Future

NEVER: Final = 1 << 100
"""A deadline that does not come."""


class Blocked:
    """One blocked client."""

    __slots__ = (
        "claimed", "deadline_ns", "keys", "nothing", "outcome", "patient",
        "session", "words",
    )  # fmt: skip

    def __init__(
        self,
        session: Session,
        *,
        keys: list[bytes],
        words: Callable[[bytes], list[bytes]],
        deadline_ns: int,
        nothing: Reply,
        patient: bool = False,
    ) -> None:
        """`words` makes the command that serves the client from one key. `nothing` is the reply
        when time is up. `patient`: if there is nothing for this client, there may be something for
        the next one (streams are read, not emptied).
        """
        self.session = session
        self.keys = list(dict.fromkeys(keys))
        self.words = words
        self.deadline_ns = deadline_ns
        self.nothing = nothing
        self.patient = patient
        self.outcome = Future(f"a push to {keys[0].decode(errors='replace')!r}")
        """Resolves to the reply."""
        self.claimed = False
        """Whether it is being served right now, so that its time cannot run out."""


class WaitingRoom:
    """All blocked clients."""

    def __init__(self) -> None:
        self._by_key: dict[bytes, dict[Blocked, None]] = {}
        self._deadlines: list[tuple[int, int, Blocked]] = []
        self._numbers = count()
        self.count = 0
        """How many are blocked."""

    def enter(self, blocked: Blocked) -> None:
        """A client is blocked."""
        self.count += 1
        blocked.session.waiting = blocked
        for key in blocked.keys:
            self._by_key.setdefault(key, {})[blocked] = None
        if blocked.deadline_ns < NEVER:
            heappush(self._deadlines, (blocked.deadline_ns, next(self._numbers), blocked))

    def leave(self, blocked: Blocked) -> None:
        """A client is blocked no longer."""
        self.count -= 1
        blocked.session.waiting = None
        for key in blocked.keys:
            queue = self._by_key[key]
            del queue[blocked]
            if not queue:
                del self._by_key[key]

    def at(self, key: bytes) -> list[Blocked]:
        """Who waits for a key, the longest first."""
        return list(self._by_key.get(key, ()))

    def next_deadline(self) -> int | None:
        """When the next one's time is up."""
        deadlines = self._deadlines
        while deadlines and deadlines[0][2].outcome.done:
            heappop(deadlines)
        return deadlines[0][0] if deadlines else None

    def due(self, now: int) -> list[Blocked]:
        """Whose time is up, and who is not being served; each is told once."""
        due, claimed = [], []
        while self._deadlines and self._deadlines[0][0] <= now:
            entry = heappop(self._deadlines)
            if entry[2].claimed:
                claimed.append(entry)
            elif not entry[2].outcome.done:
                due.append(entry[2])
        for entry in claimed:
            heappush(self._deadlines, entry)
        return due
