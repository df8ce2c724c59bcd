"""The replicated log of one node: entries with a term each, of which the oldest may be dropped.

Entries are numbered from 1. Index 0 is the place before the first and has term 0. What is persisted
is the driver's business; the log only knows up to where.

Invariants: `compacted_index` <= `stable_index` <= `last_index`, indexes have no gaps, terms never
fall.
"""

from collections.abc import Sequence
from typing import Any

from models.raft.messages import Entry
from sim.errors import ReadfenceError


class LogCompacted(ReadfenceError):
    """An entry is needed that was dropped; sending a snapshot instead is not modelled."""


class RaftLog:
    """Entries from `compacted_index` + 1 to `last_index`."""

    __slots__ = (
        "_entries",
        "compacted_index",
        "compacted_term",
        "last_index",
        "last_term",
        "stable_index",
    )

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self.compacted_index = 0
        """The last entry that was dropped; 0 when none was."""
        self.compacted_term = 0
        self.last_index = 0
        self.last_term = 0
        self.stable_index = 0
        """Entries up to this one are persisted."""

    def term_at(self, index: int) -> int:
        """The term of the entry at `index`, which must be there or be the last one dropped."""
        place = index - self.compacted_index - 1
        if place == -1:
            return self.compacted_term
        assert 0 <= place < len(self._entries), (
            f"entry {index} is not in the log, which holds {self.compacted_index + 1} to "
            f"{self.last_index}"
        )
        return self._entries[place].term

    def agrees(self, index: int, term: int) -> bool:
        """Whether the entry at `index` is here and has this term.

        By the log matching property all entries before it then agree, too (Raft paper 5.3).
        """
        return self.compacted_index <= index <= self.last_index and self.term_at(index) == term

    def between(self, after: int, up_to: int) -> list[Entry]:
        """Entries after `after`, up to and including `up_to`. Raises `LogCompacted`."""
        if after < self.compacted_index:
            raise LogCompacted(
                f"entry {after + 1} was dropped, the log begins at {self.compacted_index + 1}"
            )
        assert up_to <= self.last_index, f"entry {up_to} is beyond the last index {self.last_index}"
        return self._entries[after - self.compacted_index : up_to - self.compacted_index]

    def append(self, term: int, payload: Any) -> Entry:
        """Add an entry at the end, as a leader does."""
        assert term >= self.last_term, f"term {term} after term {self.last_term}"
        entry = Entry(self.last_index + 1, term, payload)
        self._entries.append(entry)
        self.last_index = entry.index
        self.last_term = term
        return entry

    def merge(self, entries: Sequence[Entry]) -> bool:
        """Take over a leader's entries, which follow an entry that agrees; whether any was new.

        Entries that are here already stay, and so does what follows them: an old message, arriving
        late, must not cut off what newer ones brought. The first one that differs goes, with all
        behind it (Raft paper 5.3).
        """
        for place, entry in enumerate(entries):
            if self.agrees(entry.index, entry.term):
                continue
            if entry.index <= self.last_index:
                del self._entries[entry.index - self.compacted_index - 1 :]
                self.stable_index = min(self.stable_index, entry.index - 1)
            self._entries += entries[place:]
            self.last_index = entries[-1].index
            self.last_term = entries[-1].term
            return True
        return False

    def conflict_hint(self, index: int, term: int) -> int:
        """Where the logs can agree at most, when the leader has `term` at `index` and we do not.

        Entries of a greater term than the leader has there cannot be the leader's, so they are
        skipped in one go.
        """
        hint = min(index, self.last_index)
        while hint > self.compacted_index and self.term_at(hint) > term:
            hint -= 1
        return hint

    def compact(self, to_index: int) -> None:
        """Drop the entries up to and including `to_index`; nothing when they are gone already."""
        if to_index <= self.compacted_index:
            return
        assert to_index <= self.stable_index, (
            f"entry {to_index} is not persisted yet, only those up to {self.stable_index}"
        )
        self.compacted_term = self.term_at(to_index)
        del self._entries[: to_index - self.compacted_index]
        self.compacted_index = to_index
