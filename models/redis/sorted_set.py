"""A sorted set: members with scores, in the order of (score, member).

A dict for the scores and, from the first question about order on, a plain list kept sorted by
bisection. A list of pairs is copied and shifted at memory speed, which beats trees and chunked
lists up to far more members than a sorted set of the modelled system may have (100,000).
"""

from bisect import bisect_left, insort
from typing import TypeAlias

Entry: TypeAlias = tuple[float, bytes]


class SortedSet:
    """Members with scores. Once it lies in the store it is never changed, only copied."""

    __slots__ = ("_order", "scores")

    def __init__(self, scores: dict[bytes, float] | None = None) -> None:
        self.scores = {} if scores is None else scores
        """By member, for reading."""
        self._order: list[Entry] | None = None

    def __len__(self) -> int:
        return len(self.scores)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SortedSet) and self.scores == other.scores

    __hash__ = None  # type: ignore[assignment]

    def copy(self) -> "SortedSet":
        """Another one with the same members."""
        copy = SortedSet(dict(self.scores))
        if self._order is not None:
            copy._order = self._order.copy()
        return copy

    @property
    def order(self) -> list[Entry]:
        """All (score, member) from the lowest on, for reading."""
        if self._order is None:
            self._order = sorted([(score, member) for member, score in self.scores.items()])
        return self._order

    def put(self, member: bytes, score: float) -> None:
        """Add a member, or move it to another score."""
        order = self._order
        if order is not None:
            old = self.scores.get(member)
            if old is not None:
                del order[bisect_left(order, (old, member))]
            insort(order, (score, member))
        self.scores[member] = score

    def discard(self, member: bytes) -> bool:
        """Take a member out; whether it was there."""
        score = self.scores.pop(member, None)
        if score is None:
            return False
        if self._order is not None:
            del self._order[bisect_left(self._order, (score, member))]
        return True

    def rank(self, member: bytes) -> int:
        """Position of a member that is there."""
        return bisect_left(self.order, (self.scores[member], member))

    def cut(self, first: int, end: int) -> list[Entry]:
        """Take out the members at positions from `first` up to `end`."""
        gone = self.order[first:end]
        del self.order[first:end]
        for _, member in gone:
            del self.scores[member]
        return gone
