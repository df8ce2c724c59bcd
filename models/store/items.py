"""The items of a list: many rows, of which a writer copies few."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

_BITS: Final = 8
"""Of an item's number, those that tell its place in its block."""


class Items:
    """Items by their numbers, as one version of a list has them; never changed after it is made.

    A dict would be copied whole by every push, and lists grow long. (`immutables.Map` would do it,
    but has to be compiled where its latest Python is newer than its last release.)
    """

    __slots__ = ("_blocks", "_count")

    def __init__(self, items: Iterable[tuple[int, bytes]] = ()) -> None:
        blocks: dict[int, dict[int, bytes]] = {}
        for number, item in sorted(items):
            blocks.setdefault(number >> _BITS, {})[number] = item
        self._blocks = blocks
        """Those of a block in the order of their numbers."""
        self._count = sum(map(len, blocks.values()))

    def __getitem__(self, number: int) -> bytes:
        return self._blocks[number >> _BITS][number]

    def __contains__(self, number: int) -> bool:
        return number in self._blocks.get(number >> _BITS, ())

    def __iter__(self) -> Iterator[int]:
        return chain.from_iterable(self._blocks.values())

    def __len__(self) -> int:
        return self._count

    def between(self, first: int, end: int) -> list[bytes]:
        """The items from number `first` to before `end`, all of which must be there."""
        found: list[bytes] = []
        while first < end:
            block = self._blocks[first >> _BITS]
            stop = min(end, ((first >> _BITS) + 1) << _BITS)
            if len(block) == stop - first and first in block and stop - 1 in block:
                found += block.values()
            else:
                found += [block[number] for number in range(first, stop)]
            first = stop
        return found

    def put(self, number: int, item: bytes) -> "Items":
        """These with one more, or another in its place."""
        place = number >> _BITS
        before = self._blocks.get(place, {})
        if not before or number in before or number > next(reversed(before)):
            block = {**before, number: item}
        elif number < next(iter(before)):
            block = {number: item, **before}
        else:
            block = dict(sorted({**before, number: item}.items()))
        return self._with(place, block, self._count + (number not in before))

    def without(self, number: int) -> "Items":
        """These without one, if it is there."""
        if number not in self:
            return self
        place = number >> _BITS
        block = self._blocks[place].copy()
        del block[number]
        return self._with(place, block, self._count - 1)

    def _with(self, place: int, block: dict[int, bytes], count: int) -> "Items":
        after = Items.__new__(Items)
        blocks = after._blocks = self._blocks.copy()
        after._count = count
        if block:
            blocks[place] = block
        else:
            del blocks[place]
        return after
