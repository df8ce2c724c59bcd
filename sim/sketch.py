"""Sketch: the distribution of any number of durations in bounded memory, with a stated error.

Up to `exact_max` values it holds them all and is exact. Beyond, it counts them in buckets: values
below 2^8 each have their own, and every octave above is cut into 2^7 buckets of one width. A value
told by the middle of its bucket is off by half a width at most, which is `ERROR` (0.39 %) of it.
Count, sum, least and greatest value stay exact. Values are whole numbers from 0 to 2^62.

Considered: DDSketch, HDR histogram and t-digest as packages. The first two are for one value at a
time in Python (0.6 and 0.9 us each, against 0.14 here and 0.01 in arrays), count in floats or write
a binary form alone; merged t-digests depend on the order. Ranks here are those of `reports.sample`.

Two sketches merge into exactly that of all their values: which bucket a value falls into is integer
arithmetic and depends on nothing else, counts add up, and whether values are held depends on their
number alone. So neither the order of merges nor who ran what shows in the result.
"""

from array import array
from collections.abc import Iterable
from fractions import Fraction
from math import ceil
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sim.errors import InputError

BITS: Final = 7
"""Every octave has 2^BITS buckets."""
ERROR: Final = Fraction(1, 2 << BITS)
"""How far a value told may be off, relative to the value."""
EXACT_MAX: Final = 1 << 16
"""How many values a sketch usually holds before it counts in buckets: 512 KiB."""
_GREATEST: Final = 1 << 62
_BUCKETS: Final = ((62 - BITS) << BITS) + (1 << BITS) + 1
_FORMAT: Final = "readfence/sketch/1"


def bucket_of(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """The number of the bucket of each value: its leading BITS + 1 bits, and how many follow."""
    lengths = np.frexp(values.astype(np.float64))[1]
    # From 2^53 on, the float may be rounded up to the next power of two, and the length is 1 too
    # much; the formula then yields the same number, since buckets are numbered without a gap.
    shifts = np.maximum(lengths - (BITS + 1), 0).astype(np.int64)
    numbers: NDArray[np.int64] = (shifts << BITS) + (values >> shifts)
    return numbers


def bucket_bounds(bucket: int) -> tuple[int, int]:
    """The least and the greatest value of a bucket."""
    shift = max((bucket >> BITS) - 1, 0)
    low = (bucket - (shift << BITS)) << shift
    return low, low + (1 << shift) - 1


class Sketch:
    """A distribution of whole numbers, such as the latencies (ns) of a run."""

    __slots__ = (
        "_append",
        "_bucketed",
        "_counts",
        "_held",
        "_high",
        "_low",
        "_room",
        "_sum",
        "exact_max",
    )

    def __init__(self, exact_max: int = EXACT_MAX) -> None:
        """`exact_max` is how many values it holds before it counts in buckets."""
        assert exact_max >= 1, f"exact_max {exact_max}"
        self.exact_max = exact_max
        self._held = array("q")
        """Values not counted in buckets: all of them while it is exact, then the newest."""
        self._append = self._held.append
        self._counts: NDArray[np.int64] | None = None
        self._bucketed = 0
        self._sum = 0
        self._low = _GREATEST
        self._high = 0
        self._room = exact_max

    def add(self, value: int) -> None:
        """Add one value."""
        self._append(value)
        self._room -= 1
        if self._room < 0:
            self._spill()

    def add_many(self, values: NDArray[np.int64]) -> None:
        """Add all values of an array."""
        if values.size <= self._room:
            self._held.frombytes(np.ascontiguousarray(values, dtype=np.int64).tobytes())
            self._room -= values.size
        else:
            self._spill()
            self._put(values)

    def merge(self, other: "Sketch") -> None:
        """Add all values of another sketch, which stays as it is."""
        assert other.exact_max == self.exact_max, "two kinds of sketches"
        if other._counts is not None:
            self._spill()
            assert self._counts is not None
            self._counts += other._counts
            self._bucketed += other._bucketed
            self._sum += other._sum
            self._low = min(self._low, other._low)
            self._high = max(self._high, other._high)
        self.add_many(other._values())

    @property
    def exact(self) -> bool:
        """Whether it still holds every value."""
        return self._counts is None

    @property
    def count(self) -> int:
        """How many values were added."""
        return self._bucketed + len(self._held)

    @property
    def sum(self) -> int:
        """Their sum, exact."""
        return self._sum + _sum(self._values())

    @property
    def mean(self) -> Fraction:
        """Their mean, exact; there must be a value."""
        return Fraction(self.sum, self.count)

    @property
    def low(self) -> int:
        """The least value; there must be one."""
        return min(self._low, int(self._values().min())) if self._held else self._checked(self._low)

    @property
    def high(self) -> int:
        """The greatest value; there must be one."""
        values = self._values()
        return max(self._high, int(values.max())) if self._held else self._checked(self._high)

    def at_rank(self, rank: int) -> int:
        """The value of that rank, 1 for the least: exact, or within `ERROR`."""
        assert 1 <= rank <= self.count, f"rank {rank} of {self.count}"
        if self.exact:
            return int(np.partition(self._values(), rank - 1)[rank - 1])
        self._spill()
        assert self._counts is not None
        bucket = int(np.searchsorted(np.cumsum(self._counts), rank))
        low, high = bucket_bounds(bucket)
        return min(max((low + high) // 2, self._low), self._high)

    def percentile(self, percent: Fraction) -> int:
        """Nearest rank: the least value that at least `percent` % of all do not exceed."""
        assert 0 < percent <= 100, f"a percentile of {percent} %"
        return self.at_rank(ceil(percent * self.count / 100))

    def up_to(self, value: int) -> int:
        """How many values are at most `value`: exact, or all of its bucket and those below."""
        if self.exact:
            return int(np.count_nonzero(self._values() <= value))
        self._spill()
        assert self._counts is not None
        if value < 0:
            return 0
        bucket = int(bucket_of(np.array([min(value, _GREATEST)], dtype=np.int64))[0])
        return int(self._counts[: bucket + 1].sum())

    def to_json(self) -> dict[str, Any]:
        """The sketch as JSON: equal sketches have equal text."""
        if self.exact:
            held = np.sort(self._values()).tolist()
            return {"format": _FORMAT, "exact_max": self.exact_max, "values": held}
        self._spill()
        assert self._counts is not None
        used = np.flatnonzero(self._counts)
        return {
            "format": _FORMAT,
            "exact_max": self.exact_max,
            "bits": BITS,
            "sum": self._sum,
            "low": self._low,
            "high": self._high,
            "buckets": used.tolist(),
            "counts": self._counts[used].tolist(),
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Sketch":
        """The sketch that `to_json` wrote; `InputError` when it is none, or of another make."""
        if content.get("format") != _FORMAT or content.get("bits", BITS) != BITS:
            raise InputError(f"expected a sketch {_FORMAT!r} with {BITS} bits")
        try:
            sketch = cls(int(content["exact_max"]))
            if "values" in content:
                sketch.add_many(_whole_numbers(content["values"]))
                return sketch
            buckets, counts = (_whole_numbers(content[key]) for key in ("buckets", "counts"))
            if buckets.size != counts.size or not counts.all() or np.any(np.diff(buckets) < 1):
                raise ValueError("buckets and counts do not fit")
            sketch._counts = np.zeros(_BUCKETS, dtype=np.int64)
            sketch._counts[buckets] = counts
            sketch._room = sketch.exact_max
            sketch._bucketed = int(counts.sum())
            sketch._sum, sketch._low, sketch._high = (
                int(content[key]) for key in ("sum", "low", "high")
            )
        except (KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
            raise InputError(f"a damaged sketch: {error}") from error
        return sketch

    def _values(self) -> NDArray[np.int64]:
        """The held values. A copy: an array that lends its buffer cannot grow."""
        return np.array(self._held, dtype=np.int64)

    def _checked(self, value: int) -> int:
        assert self._bucketed, "a sketch of nothing"
        return value

    def _spill(self) -> None:
        """Count the held values in buckets; from now on it is not exact."""
        values = self._values()
        del self._held[:]
        self._room = self.exact_max
        self._put(values)

    def _put(self, values: NDArray[np.int64]) -> None:
        if self._counts is None:
            self._counts = np.zeros(_BUCKETS, dtype=np.int64)
        if not values.size:
            return
        low, high = int(values.min()), int(values.max())
        assert low >= 0 and high <= _GREATEST, f"expected 0 to 2^62, got {low} and {high}"
        self._counts += np.bincount(bucket_of(values), minlength=_BUCKETS)
        self._bucketed += values.size
        self._sum += _sum(values)
        self._low = min(self._low, low)
        self._high = max(self._high, high)


def merged(sketches: Iterable[Sketch], exact_max: int = EXACT_MAX) -> Sketch:
    """One sketch of all their values; they must have been made with that `exact_max`."""
    whole = Sketch(exact_max)
    for sketch in sketches:
        whole.merge(sketch)
    return whole


def _sum(values: NDArray[np.int64]) -> int:
    """Their sum, which 64 bits may not hold."""
    return (int((values >> 32).sum()) << 32) + int((values & 0xFFFFFFFF).sum())


def _whole_numbers(values: Any) -> NDArray[np.int64]:
    numbers = np.asarray(values, dtype=np.int64)
    if numbers.ndim != 1 or (numbers.size and int(numbers.min()) < 0):
        raise ValueError("expected a list of whole numbers")
    return numbers
