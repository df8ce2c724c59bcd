"""Search: which load to try next, to come near the highest one that keeps an objective.

Without any input or output: it is asked for a load, told whether that load keeps the objective, and
asked again. Where nothing is known it strides out from its start, each stride twice as far as the
one before; between a load that keeps it and one that misses it, it bisects in equal ratios. A hint
says about where the end must be.
"""

import math
from typing import Final, Literal

_STRIDE: Final = 1.1
"""The first stride from a hint, as a ratio of loads."""
_LEAP: Final = 4.0
"""The first stride without a hint."""
_DIGITS: Final = 4
"""Loads have so many significant digits: a user can type them, and two searches meet."""


class Search:
    """One search between two loads (scripts per second)."""

    def __init__(
        self, lowest: float, highest: float, *, ratio: float, start: float | None = None
    ) -> None:
        """It ends when the load that misses is at most `ratio` times the one that keeps."""
        assert 0 < lowest < highest and ratio > 1, f"{lowest} to {highest}, ratio {ratio}"
        self._lowest = lowest
        self._highest = highest
        self._ratio = ratio
        self._start = lowest if start is None else min(max(start, lowest), highest)
        self._kept: float | None = None
        self._missed: float | None = None
        self._hint: float | None = None
        self._stride = _LEAP if start is None else _STRIDE

    def hint(self, load: float) -> None:
        """Say about where the end may be; a hint that is wrong costs a probe or two."""
        load = min(max(significant(load), self._lowest), self._highest)
        if self._hint is None or abs(math.log(load / self._hint)) > math.log(_STRIDE):
            self._hint, self._stride = load, _STRIDE

    @property
    def outcome(self) -> Literal["found", "below", "above"] | None:
        """What came of it: an end, not even the lowest load, every load; None: go on."""
        if self._missed == self._lowest:
            return "below"
        if self._kept == self._highest:
            return "above"
        return "found" if self.wanted() is None else None

    @property
    def bracket(self) -> tuple[float, float]:
        """The load that keeps it and the one that misses it, of a search that found its end."""
        assert self._kept is not None and self._missed is not None, "nothing was found"
        return self._kept, self._missed

    def wanted(self) -> float | None:
        """The load to try next, None at the end."""
        kept, missed = self._kept, self._missed
        if missed is None:
            if kept is None:
                return self._start
            return None if kept == self._highest else self._upwards(kept)
        if kept is None:
            return None if missed == self._lowest else self._downwards(missed)
        if missed <= kept * self._ratio:
            return None
        load = significant(self._between(kept, missed))
        return load if kept < load < missed else None

    def _upwards(self, kept: float) -> float:
        hinted = self._hint is not None and self._hint > kept
        aim = self._hint if hinted and self._hint else kept * self._stride
        return min(significant(aim), self._highest)

    def _downwards(self, missed: float) -> float:
        hinted = self._hint is not None and self._hint < missed
        aim = self._hint if hinted and self._hint else missed / self._stride
        return max(significant(aim), self._lowest)

    def _between(self, kept: float, missed: float) -> float:
        middle = math.sqrt(kept * missed)
        if self._hint is None:
            return middle
        if kept < self._hint < missed:
            return self._hint
        above = self._hint <= kept
        return min(middle, kept * self._stride) if above else max(middle, missed / self._stride)

    def tell(self, load: float, *, keeps: bool) -> None:
        """Say whether the load that was wanted keeps the objective."""
        assert load == self.wanted(), f"asked for {self.wanted()}, told of {load}"
        if load not in (self._start, self._hint):
            self._stride = min(self._stride**2.0, self._highest / self._lowest)
        if keeps:
            self._kept = load
        else:
            self._missed = load


def significant(load: float, digits: int = _DIGITS) -> float:
    """The load with so many significant digits."""
    return float(f"{load:.{digits}g}")
