"""The quicksort with which Redis sorts no more than the stretch of a list that it is to show.

Bentley and McIlroy's, as the BSD systems have it. It is not stable: which of several equal items
come first, and which are within the stretch at all, follows from its every step.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")

_INSERTED_BELOW = 7
"""Fewer are sorted by insertion."""
_NINE_ABOVE = 40
"""Of more, the pivot is a median of medians."""


def sort_stretch(
    items: list[Item], compare: Callable[[Item, Item], int], first: int, last: int
) -> None:
    """Sort in place, so far that what lies from `first` to `last` is in order."""
    _Sort(items, compare, first, last).block(0, len(items))


class _Sort(Generic[Item]):
    def __init__(
        self, items: list[Item], compare: Callable[[Item, Item], int], first: int, last: int
    ) -> None:
        self._items = items
        self._compare = compare
        self._first = first
        self._last = last

    def block(self, start: int, end: int) -> None:
        """Sort the items from `start` up to `end`."""
        while True:
            if end - start < _INSERTED_BELOW:
                self._insert(start, end)
                return
            self._swap(start, self._pivot(start, end))
            below, above = self._partition(start, end)
            if below > 1 and self._is_shown(start, start + below):
                self.block(start, start + below)
            start = end - above
            if above < 2 or not self._is_shown(start, end):
                return

    def _is_shown(self, start: int, end: int) -> bool:
        return start <= self._last and self._first < end

    def _cmp(self, one: int, other: int) -> int:
        return self._compare(self._items[one], self._items[other])

    def _swap(self, one: int, other: int) -> None:
        items = self._items
        items[one], items[other] = items[other], items[one]

    def _swap_blocks(self, one: int, other: int, count: int) -> None:
        for i in range(count):
            self._swap(one + i, other + i)

    def _insert(self, start: int, end: int) -> None:
        for top in range(start + 1, end):
            at = top
            while at > start and self._cmp(at - 1, at) > 0:
                self._swap(at, at - 1)
                at -= 1

    def _pivot(self, start: int, end: int) -> int:
        count = end - start
        low, middle, high = start, start + count // 2, end - 1
        if count == _INSERTED_BELOW:
            return middle
        if count > _NINE_ABOVE:
            step = count // 8
            low = self._median(low, low + step, low + 2 * step)
            middle = self._median(middle - step, middle, middle + step)
            high = self._median(high - 2 * step, high - step, high)
        return self._median(low, middle, high)

    def _median(self, a: int, b: int, c: int) -> int:
        if self._cmp(a, b) < 0:
            return b if self._cmp(b, c) < 0 else c if self._cmp(a, c) < 0 else a
        return b if self._cmp(b, c) > 0 else a if self._cmp(a, c) < 0 else c

    def _partition(self, start: int, end: int) -> tuple[int, int]:
        """Around the item at `start`: how many less come first, how many greater come last."""
        equal_low = low = start + 1
        equal_high = high = end - 1
        while True:
            while low <= high and (sign := self._cmp(low, start)) <= 0:
                if sign == 0:
                    self._swap(equal_low, low)
                    equal_low += 1
                low += 1
            while low <= high and (sign := self._cmp(high, start)) >= 0:
                if sign == 0:
                    self._swap(high, equal_high)
                    equal_high -= 1
                high -= 1
            if low > high:
                break
            self._swap(low, high)
            low += 1
            high -= 1
        less, greater = low - equal_low, equal_high - high
        count = min(equal_low - start, less)
        self._swap_blocks(start, low - count, count)
        count = min(greater, end - equal_high - 1)
        self._swap_blocks(low, end - count, count)
        return less, greater
