"""Search: which load to try next, to find the highest one that keeps an objective.

Without any input or output: it is asked for a load, told whether that load keeps the objective, and
asked again. It bisects between the highest load known to keep it and the lowest known to miss it,
in equal ratios; where a hint says about where the end must be, it begins there and strides out,
each stride twice as far as the one before, since a load far beyond tells little.
"""

import math
from collections.abc import Sequence
from typing import Final, Literal

_STRIDE: Final = 1.15
"""The first stride from a hint, as a ratio of loads."""
_LEAP: Final = 4.0
"""The first stride without a hint."""
_DIGITS: Final = 3
"""Loads have so many significant digits: a user can type them, and two searches meet."""


class Search:
    """One search between two loads (scripts per second)."""

    def __init__(self, lowest: float, highest: float, *, ratio: float) -> None:
        """It ends when the load that misses is at most `ratio` times the one that keeps."""
        assert 0 < lowest < highest and ratio > 1, f"{lowest} to {highest}, ratio {ratio}"
        self._lowest = lowest
        self._highest = highest
        self._ratio = ratio
        self._kept: float | None = None
        self._missed: float | None = None
        self._hint: float | None = None
        self._stride = _LEAP

    def hint(self, load: float) -> None:
        """Say about where the end may be; a hint that is wrong costs a probe or two."""
        self._hint = significant(load)
        self._stride = _STRIDE

    @property
    def outcome(self) -> Literal["found", "below", "above"] | None:
        """What came of it: an end, not even the lowest load, every load; None: go on."""
        if self._missed == self._lowest:
            return "below"
        if self._kept == self._highest:
            return "above"
        return "found" if self.wanted() is None else None

    def wanted(self) -> float | None:
        """The load to try next, None at the end."""
        kept, missed = self._kept, self._missed
        if kept is None:
            return self._lowest if missed is None else None
        if missed is None:
            return None if kept == self._highest else self._upwards(kept)
        if missed <= kept * self._ratio:
            return None
        load = significant(self._between(kept, missed))
        return load if kept < load < missed else None

    def _upwards(self, kept: float) -> float:
        aim = self._hint if self._hint is not None and self._hint > kept else kept * self._stride
        return min(max(significant(aim), significant(kept * self._ratio)), self._highest)

    def _between(self, kept: float, missed: float) -> float:
        if self._hint is not None and kept < self._hint < missed:
            return self._hint
        return max(math.sqrt(kept * missed), missed / self._stride)

    def tell(self, load: float, *, keeps: bool) -> None:
        """Say whether the load that was wanted keeps the objective."""
        assert load == self.wanted(), f"asked for {self.wanted()}, told of {load}"
        if self._kept is not None and load != self._hint:
            self._stride = min(self._stride**2.0, self._highest / self._lowest)
        if keeps:
            self._kept = load
        else:
            self._missed = load


def significant(load: float, digits: int = _DIGITS) -> float:
    """The load with so many significant digits."""
    return float(f"{load:.{digits}g}")


def crossing(loads: Sequence[float], values: Sequence[float], limit: float) -> float | None:
    """The load at which a rising curve through these points passes the limit; None: it does not.

    Between two points the logarithm of the value is taken for straight. Where a value is infinite,
    as that of an unstable load, there is no line to draw: then it is the last load before.
    """
    over = next((at for at, value in enumerate(values) if value > limit), None)
    if over is None or over == 0:
        return None
    left, right = loads[over - 1], loads[over]
    below, above = values[over - 1], values[over]
    if below <= 0 or math.isinf(above):
        return left
    return left + (right - left) * math.log(limit / below) / math.log(above / below)
