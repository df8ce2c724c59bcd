"""Reads that wait for a quorum to confirm that their leader still leads (Raft thesis 6.4).

A read is a context (a number its caller chose) and the commit index of the moment it was asked for.
Peers acknowledge contexts. A majority for one context shows that the leader led after that read
was asked for, and so after every earlier one was: all of them are released.
"""

from collections.abc import Sequence

from models.raft.quorum import agreed


class PendingReads:
    """Unconfirmed reads of one leader, in the order in which they were asked for."""

    __slots__ = ("_pending", "_voters")

    def __init__(self, voters: int) -> None:
        self._voters = voters
        self._pending: dict[int, tuple[int, list[int]]] = {}

    def __contains__(self, context: int) -> bool:
        return context in self._pending

    @property
    def newest(self) -> int | None:
        """The context asked for last, or None when no read waits."""
        return next(reversed(self._pending)) if self._pending else None

    def add(self, context: int, index: int) -> None:
        """Remember a read at commit index `index`; the leader itself, at place 0, confirms it."""
        acknowledged = [0] * self._voters
        acknowledged[0] = 1
        self._pending[context] = (index, acknowledged)

    def acknowledge(self, context: int, place: int) -> Sequence[tuple[int, int]]:
        """Count the voter at `place`; the reads this releases as (context, index), oldest first.

        A context that is released or unknown changes nothing: its heartbeat went to every peer, and
        only the first answers were needed.
        """
        pending = self._pending.get(context)
        if pending is None:
            return ()
        acknowledged = pending[1]
        acknowledged[place] = 1
        if not agreed(acknowledged):
            return ()
        released = []
        for each, (index, _) in self._pending.items():
            released.append((each, index))
            if each == context:
                break
        for each, _ in released:
            del self._pending[each]
        return released
