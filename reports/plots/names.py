"""Names beside curves: for each a place where it covers no curve and no other name, if possible.

Candidates lie along the curve, on either side of it. The one that covers least, and stands near no
other curve, is taken; of equal ones that nearest to the middle of the curve. In points of the
figure, whose size is fixed.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.cbook import STEP_LOOKUP_MAP
from matplotlib.lines import Line2D

NAME_SIZE: Final = 8.0
_LETTER: Final = 0.68 * NAME_SIZE
_LINE: Final = 1.3 * NAME_SIZE
_GAP: Final = 7.0
"""Between a curve and its name."""
_STEP: Final = 2.0
"""Points between two looks at a curve."""
_CANDIDATES: Final = 40
_AWAY: Final = 0.02
"""What it costs, in points of a curve covered, to stand a point away from the middle."""

Path = npt.NDArray[np.float64]
"""Places on a curve, a row each."""
Box = tuple[float, float, float, float]
"""Left, bottom, right, top."""


def in_points(axes: Axes, line: Line2D) -> Path:
    """The curve as it is drawn, steps and all, at places that lie close together."""
    steps = STEP_LOOKUP_MAP[line.get_drawstyle()](*np.asarray(line.get_xydata()).T)
    corners = line.get_transform().transform(np.column_stack(steps)) * _points(axes)
    corners = corners[np.isfinite(corners).all(axis=1)]
    moves = np.diff(corners, axis=0)
    counts = (np.hypot(moves[:, 0], moves[:, 1]) / _STEP).astype(np.int64) + 1
    which = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
    between = corners[which] + moves[which] * (within / counts[which])[:, None]
    return np.concatenate([between, corners[-1:]])


def places_of(
    axes: Axes, paths: Sequence[Path], names: Sequence[str]
) -> list[tuple[float, float, str]]:
    """For each name where it is anchored (x, y) and by which side: "left" or "right"."""
    low, high = axes.transAxes.transform([(0, 0), (1, 1)]) * _points(axes)
    frame: Box = (low[0], low[1], high[0], high[1])
    taken: list[Box] = []
    found: list[tuple[float, float, str]] = []
    for index, (path, name) in enumerate(zip(paths, names, strict=True)):
        others = np.concatenate([*paths[:index], *paths[index + 1 :], np.empty((0, 2))])
        *_, place, box = min(
            (
                _inside(box, path) + _inside(_wider(box), others) + _clash(box, taken) + away,
                number,
                place,
                box,
            )
            for number, (place, box, away) in enumerate(_candidates(path, name, frame))
        )
        taken.append(box)
        found.append(place)
    return found


def _points(axes: Axes) -> float:
    """Points of a pixel."""
    figure = axes.get_figure(root=True)
    assert figure is not None, "axes are part of a figure"
    return 72 / figure.dpi


def _candidates(
    path: Path, name: str, frame: Box
) -> Iterator[tuple[tuple[float, float, str], Box, float]]:
    """Places for a name, inside the frame, each with its box and how far out it is."""
    lines = name.split("\n")
    width, half = max(map(len, lines)) * _LETTER, len(lines) * _LINE / 2
    middle = path[len(path) // 2]
    left, bottom, right, top = frame
    picked = np.linspace(0, len(path) - 1, _CANDIDATES).round().astype(np.int64)
    for x, y in path[picked].tolist():
        height = min(max(y, bottom + half), top - half)
        away = _AWAY * float(np.hypot(x - middle[0], y - middle[1]))
        for side, start in (("left", x + _GAP), ("right", x - _GAP - width)):
            inside = max(left, min(start, right - width))
            box = (inside, height - half, inside + width, height + half)
            yield (inside if side == "left" else inside + width, height, side), box, away


def _wider(box: Box) -> Box:
    """With the room that keeps a name from being taken for that of another curve."""
    left, bottom, right, top = box
    return left - 2 * _GAP, bottom - _GAP, right + 2 * _GAP, top + _GAP


def _inside(box: Box, path: Path) -> int:
    """How many places of curves lie in a box."""
    left, bottom, right, top = box
    xs, ys = path[:, 0], path[:, 1]
    return int(np.count_nonzero((left < xs) & (xs < right) & (bottom < ys) & (ys < top)))


def _clash(box: Box, taken: Sequence[Box]) -> int:
    """What it costs to stand on other names: more than any curve."""
    left, bottom, right, top = box
    return 10_000 * sum(
        left < other[2] and other[0] < right and bottom < other[3] and other[1] < top
        for other in taken
    )
