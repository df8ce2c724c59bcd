"""Rows of whole numbers, evenly thinned once there are more of them than fit.

Each row has a number of its own, counted up. It is kept while the fractional part of its number
times the golden ratio lies below a bound, which is halved whenever there are too many rows. Such
parts fill the unit interval evenly (Knuth, The Art of Computer Programming 6.4, theorem S), so the
rows that stay lie at nearly even distances, and never at those of something periodic, such as
clients taking turns. Which stay depends on their numbers alone.
"""

from array import array
from collections.abc import Sequence
from typing import Final

import numpy as np

EVERY: Final = 1 << 32
"""The bound below which all numbers lie."""
_GOLDEN: Final = 2_654_435_769
"""2^32 over the golden ratio."""
_MASK: Final = EVERY - 1


def keeps(number: int, below: int) -> bool:
    """Whether a number lies below a bound, of `EVERY` for all; what a bound keeps, all above do."""
    return (number * _GOLDEN & _MASK) < below


class Thinned:
    """Columns of numbers; a row is added at a time."""

    __slots__ = ("_below", "_cells", "_names", "_numbers", "_room", "at_most")

    def __init__(self, names: Sequence[str], at_most: int) -> None:
        """`at_most` is how many rows are kept: from half of it on once that many have come."""
        assert at_most >= 1, f"at_most {at_most}"
        self.at_most = at_most
        self._names = names
        self._cells = array("q")
        """Row by row; one flat array is the smallest there is."""
        self._numbers = array("q")
        self._below = EVERY
        self._room = at_most

    def add(self, number: int, row: tuple[int, ...]) -> None:
        """Add a row with a number that no other has."""
        if (number * _GOLDEN & _MASK) < self._below:
            self._numbers.append(number)
            self._cells.extend(row)
            self._room -= 1
            if self._room < 0:
                self._thin()

    def columns(self) -> dict[str, list[int]]:
        """The rows that are kept, column by column, in the order in which they came."""
        width = len(self._names)
        return {name: self._cells[i::width].tolist() for i, name in enumerate(self._names)}

    def _thin(self) -> None:
        numbers = np.array(self._numbers, dtype=np.int64)
        cells = np.array(self._cells, dtype=np.int64).reshape(len(numbers), len(self._names))
        places = (numbers.astype(np.uint64) * np.uint64(_GOLDEN)) & np.uint64(_MASK)
        while len(numbers) > self.at_most:
            self._below >>= 1
            kept = places < self._below
            numbers, places, cells = numbers[kept], places[kept], cells[kept]
        self._numbers = array("q", numbers.tobytes())
        self._cells = array("q", cells.tobytes())
        self._room = self.at_most - len(numbers)
