"""Sensitivity: which setting moves the p99 most.

Of the logarithm of the p99, since settings multiply latencies rather than add to them. For each
setting: the share of all variance that the means at its values explain (the correlation ratio; in a
full grid this is the first-order Sobol index of a setting whose values are equally likely), and by
what factor the p99 differs from its best value to its worst, in geometric means over all else. What
no single setting explains is due to settings together and to the seeds.

In a Latin hypercube each value of a range occurs once; values are then grouped, in order, into
groups of equal size: as many as the root of their number, which leaves as many in each, and up to
`GROUPS_MAX`. Chance alone explains (groups - 1) / (rows - 1) of the variance, which is taken off
(Ezekiel's adjustment); in a grid, where a group is a value, nothing is. Settings of a hypercube
also go together by chance, so that its shares are estimates and need not add up to 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, isqrt, log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from reports.sweeping.rows import Axis, Row, Sweep

GROUPS_MAX: Final = 8
_METHOD: Final = (
    "Share: part of the variance of log p99 that the setting alone explains (first-order index). "
    "Factor: greatest over least geometric mean of p99 at its values. "
    "{rest}"
)
_REST: Final = {
    "grid": "The rest is due to settings together and to seeds.",
    "latin_hypercube": "Estimated from {count:,} combinations, in which settings go together by "
    "chance: shares need not add up.",
}


@dataclass(frozen=True, slots=True)
class Effect:
    """What one setting does to the p99 of one variant."""

    path: str
    share: float
    """Of the variance, from 0 to 1."""
    factor: float
    """Greatest over least mean, 1 or more."""
    trend: float | None
    """Rank correlation (Spearman) with the setting, from -1 to 1; None where it is no number."""


@dataclass(frozen=True, slots=True)
class Mean:
    """The geometric mean of the p99 where a setting had one value, or one of a group."""

    shown: str
    value_ns: float
    rows: int


def method(sweep: Sweep) -> str:
    """How the effects were found, for whoever reads them."""
    count = len({(row.variant, row.seed) for row in sweep.rows}) or 1
    rest = _REST[sweep.design].format(count=len(sweep.rows) // count)
    return _METHOD.format(rest=rest)


def effects(sweep: Sweep, variant: str) -> list[Effect]:
    """The effects of all settings, the one that moves most first; empty where nothing has a p99."""
    rows = sweep.of(variant)
    if not rows:
        return []
    found = [_effect(sweep, rows, place) for place in range(len(sweep.axes))]
    return sorted(found, key=lambda effect: (-effect.share, -effect.factor, effect.path))


def ranking(sweep: Sweep) -> list[str]:
    """The settings, the one first that moves some variant most."""
    shares = dict.fromkeys(sweep.paths, 0.0)
    for variant in sweep.variants:
        for effect in effects(sweep, variant):
            shares[effect.path] = max(shares[effect.path], effect.share)
    return sorted(shares, key=lambda path: -shares[path])


def means(sweep: Sweep, rows: Sequence[Row], place: int) -> list[Mean]:
    """The geometric means of the p99 over the values of a setting, or over groups of them."""
    logs = _logs(rows)
    return [
        Mean(shown, exp(float(logs[where].mean())), len(where))
        for shown, where in _groups(sweep, rows, place)
    ]


def _effect(sweep: Sweep, rows: Sequence[Row], place: int) -> Effect:
    axis, logs = sweep.axes[place], _logs(rows)
    groups = [where for _, where in _groups(sweep, rows, place)]
    total = float(np.sum((logs - logs.mean()) ** 2))
    between = sum(
        len(where) * (float(logs[where].mean()) - float(logs.mean())) ** 2 for where in groups
    )
    share = between / total if total > 1e-12 * len(rows) else 0.0
    if sweep.design != "grid" and len(rows) > len(groups):
        share = max(0.0, 1 - (1 - share) * (len(rows) - 1) / (len(rows) - len(groups)))
    heights = [float(logs[where].mean()) for where in groups]
    return Effect(
        axis.path, share, exp(max(heights) - min(heights)), _trend(axis, rows, place, logs)
    )


def _logs(rows: Sequence[Row]) -> NDArray[np.float64]:
    # A latency of 0 has no logarithm.
    return np.array([log(max(1.0, float(row.value or 0))) for row in rows])


def _groups(sweep: Sweep, rows: Sequence[Row], place: int) -> list[tuple[str, list[int]]]:
    """Which rows belong together: a value each, or where there are too many, stretches of them."""
    axis = sweep.axes[place]
    by_value: dict[int | float | str, list[int]] = {}
    for number, row in enumerate(rows):
        by_value.setdefault(axis.read(row.settings[place]), []).append(number)

    def shown(number: int) -> str:
        return axis.shown(rows[number].settings[place])

    if axis.kind == "text":
        return [(shown(where[0]), where) for where in by_value.values()]
    ordered = [by_value[value] for value in sorted(by_value)]
    count = min(GROUPS_MAX, max(2, isqrt(len(ordered))))
    if sweep.design == "grid" or len(ordered) <= count:
        return [(shown(where[0]), where) for where in ordered]
    parts = [part for part in np.array_split(np.arange(len(ordered)), count) if part.size]
    return [
        (
            _stretch(shown(ordered[part[0]][0]), shown(ordered[part[-1]][0])),
            [number for value in part for number in ordered[value]],
        )
        for part in parts
    ]


def _stretch(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


def _trend(axis: Axis, rows: Sequence[Row], place: int, logs: NDArray[np.float64]) -> float | None:
    if axis.kind == "text":
        return None
    numbers = np.array([float(axis.read(row.settings[place])) for row in rows])
    left, right = _ranks(numbers), _ranks(logs)
    if left.std() == 0 or right.std() == 0:
        return 0.0
    return float(np.corrcoef(left, right)[0, 1])


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks, equal values sharing their mean."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: NDArray[np.float64] = (last - (counts - 1) / 2)[places]
    return ranks
