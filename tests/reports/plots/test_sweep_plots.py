"""Pictures of a sweep: what is drawn, whatever the settings are, and equal bytes."""

from pathlib import Path

import matplotlib.colors
import numpy as np
import pytest

from reports.plots.canvas import drawing
from reports.plots.sweep import curves, heat, write_sweep_plots
from reports.sweeping.rows import Sweep
from tests.reports.sweeping.sweeps import sweep

MADE = sweep(
    lambda way, nodes: {"1ms": 2e6, "64ms": 128e6}[way] * nodes,
    variants=("one_fence", "none"),
    **{"network.one_way": ["1ms", "64ms"], "cluster.nodes": [3, 5]},
)


def test_curves_go_through_the_means() -> None:
    """A panel per setting, a line per variant; a wide range is on a log scale."""
    with drawing():
        first, second = curves(MADE).axes
    assert first.get_xlabel() == "network.one_way" and first.get_xscale() == "log"
    assert second.get_xlabel() == "cluster.nodes" and second.get_xscale() == "linear"
    line, _ = first.get_lines()
    assert list(line.get_xdata()) == [1e6, 64e6]
    assert list(line.get_ydata()) == pytest.approx([2e6 * 15**0.5, 128e6 * 15**0.5])
    assert [text.get_text() for text in first.get_xticklabels()] == ["1 ms", "64 ms"]


def test_a_heat_map_has_a_cell_per_pair() -> None:
    """Each with its value, on one scale over all variants."""
    with drawing():
        axes, other = heat(MADE).axes
    assert axes.get_xlabel() == "network.one_way" and axes.get_ylabel() == "cluster.nodes"
    cells = np.asarray(axes.images[0].get_array())
    assert cells.ravel().tolist() == pytest.approx([6e6, 384e6, 10e6, 640e6])
    assert [text.get_text() for text in axes.texts] == ["6 ms", "384 ms", "10 ms", "640 ms"]
    norm = other.images[0].norm
    assert isinstance(norm, matplotlib.colors.LogNorm)
    assert (norm.vmin, norm.vmax) == pytest.approx((6e6, 640e6))


@pytest.mark.parametrize(
    ("made", "names"),
    [
        (MADE, ["sweep_curves", "sweep_heat"]),
        (sweep(lambda a: 5.0, a=[1]), ["sweep_curves"]),
        (sweep(lambda a, b: 0.0, a=["x", "ÿ\n\u0001"], b=[{"law": 1}, "y"]),
         ["sweep_curves", "sweep_heat"]),
        (sweep(lambda a, b: None if a == b else 1e9, a=[1, 2], b=[1, 2]),
         ["sweep_curves", "sweep_heat"]),
        (sweep(lambda a, b: a * 1e6, design="latin_hypercube", a=[0.1, 5.0], b=["1ms", "2s"]),
         ["sweep_curves"]),
        (sweep(lambda *bits: 1e6 * sum(bits), **{name: [0, 1] for name in "abcdefgh"}),
         ["sweep_curves", "sweep_heat"]),
        (sweep(lambda a: None, a=[1, 2]), []),
    ],
    ids=["two", "one point", "words", "holes", "hypercube", "eight settings", "nothing"],
)  # fmt: skip
def test_whatever_the_settings_are(made: Sweep, names: list[str], tmp_path: Path) -> None:
    """Two files each, of equal bytes every time."""
    written = write_sweep_plots(made, tmp_path)
    assert sorted({path.stem for path in written}) == names
    before = [path.read_bytes() for path in written]
    assert [path.read_bytes() for path in write_sweep_plots(made, tmp_path)] == before
