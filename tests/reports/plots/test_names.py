"""Names beside curves."""

import numpy as np
import pytest
from matplotlib.axes import Axes

from reports.plots.canvas import drawing, new_figure, place
from reports.plots.names import NAME_SIZE, Path, in_points, places_of
from tests.reports.records import make_record, make_variant


def panel() -> Axes:
    """Axes of 5 by 4 inches, 0.5 inches from the left and the lower edge, from 0 to 1."""
    with drawing():
        figure = new_figure(make_record(make_variant("one_fence")), "title", height=5)
        axes = place(figure, 0.5, 0.5, 5, 4)
        axes.set(xlim=(0, 1), ylim=(0, 1))
    return axes


def curve(axes: Axes, *corners: tuple[float, float], steps: str = "default") -> Path:
    """A curve through these corners, in points."""
    (line,) = axes.plot(*zip(*corners, strict=True), drawstyle=steps)
    return in_points(axes, line)


def test_a_curve_is_looked_at_as_it_is_drawn() -> None:
    """Steps are steps, and no two places are far apart."""
    path = curve(panel(), (0, 0), (1, 1), steps="steps-post")
    assert path[[0, -1]].round(6).tolist() == [[36, 36], [396, 324]]
    assert np.abs(np.diff(path, axis=0)).max() <= 2
    assert (path.round(6) == [396, 36]).sum(axis=0).min() > 100


def test_names_cover_neither_curves_nor_each_other() -> None:
    """Where there is room, as beside three curves that lie close together."""
    axes = panel()
    shapes = [[(0.4 + d, 0), (0.45 + d, 0.5), (0.8 + d, 1)] for d in (0, 0.03, 0.2)]
    paths = [curve(axes, *shape) for shape in shapes]
    names = ["one", "another", "third"]
    boxes = []
    for (x, y, side), name in zip(places_of(axes, paths, names), names, strict=True):
        width = len(name) * NAME_SIZE * 0.6
        left = x if side == "left" else x - width
        boxes.append((left, left + width, y - NAME_SIZE / 2, y + NAME_SIZE / 2))
    for left, right, bottom, top in boxes:
        assert left >= 36 and right <= 396 and bottom >= 36 and top <= 324
        for path in paths:
            xs, ys = path.T
            assert not ((left < xs) & (xs < right) & (bottom < ys) & (ys < top)).any()
    assert len({round(bottom) for _, _, bottom, _ in boxes} | {x for x, *_ in boxes}) > 3


@pytest.mark.parametrize("name", ["x", "a name that is wider than its picture " * 5])
def test_a_curve_without_extent_has_a_name_too(name: str) -> None:
    """One script is a point, and there is a place whatever the length of its name."""
    axes = panel()
    ((x, y, _),) = places_of(axes, [curve(axes, (0.5, 0.5))], [name])
    assert np.isfinite([x, y]).all()
