"""Latency of a script: its distribution and its tail, every variant in one picture.

Of scripts that ended ok, as in `reports.figures`; failed ones are named, not drawn. The curves go
through latencies that occurred, without smoothing or interpolation. Of a long run not every script
is drawn, but the slowest always are.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from reports.figures import figures_of
from reports.plots.canvas import (
    ALARM,
    FAINT,
    GRID,
    clean,
    colour,
    dash,
    duration,
    log_durations,
    marker,
    new_figure,
    place,
)
from reports.plots.names import NAME_SIZE, in_points, places_of
from reports.sample import Sample
from sim.record import RunRecord

POINTS_MAX: Final = 1_200
"""Points of each way in which a curve is thinned, at most."""
TAIL: Final = 300
"""So many of the slowest scripts are always drawn, one by one."""
_MARKED: Final = (Fraction(50), Fraction(90), Fraction(99), Fraction("99.9"))


@dataclass(frozen=True, slots=True)
class _Curve:
    """The latencies of a variant, thinned, each with its place among all (from 1)."""

    index: int
    name: str
    sample: Sample
    values: npt.NDArray[np.int64]
    ranks: npt.NDArray[np.int64]

    @property
    def count(self) -> int:
        return self.sample.scripts_ok

    def at(self, percent: Fraction) -> int:
        """A percentile of all its latencies."""
        return self.sample.percentile(percent)

    def at_rank(self, rank: int) -> int:
        """One of all its latencies, by its place among them."""
        return int(self.sample.at_ranks(np.array([rank]))[0])


def latency(record: RunRecord) -> Figure:
    """The picture; to be called, and its figure saved, within `canvas.drawing`."""
    told = (
        "Left: the share of scripts that were as fast. Right: the share that was at least as slow."
    )
    figure = new_figure(record, f"{record.name}: latency of a script", height=5.3, subtitle=told)
    left = place(figure, 0.75, 0.95, 4.55, 3.55)
    right = place(figure, 6.4, 0.95, 4.15, 3.55)
    figure.text(0.02, 0.26 / 5.3, _failed(record), size=7.5, color=ALARM, va="bottom")
    curves = _curves(record)
    if not curves:
        for axes in (left, right):
            axes.text(0.5, 0.5, "no script ended ok", transform=axes.transAxes, ha="center")
            axes.set_axis_off()
        return figure
    _axes(left, curves)
    _axes(right, curves)
    _distribution(left, curves)
    _tail(right, curves)
    return figure


def _curves(record: RunRecord) -> list[_Curve]:
    curves = []
    for index, (name, figures) in enumerate(figures_of(record).items()):
        if figures.sample.scripts_ok:
            ranks = drawn_ranks(figures.sample.scripts_ok)
            values = np.maximum(figures.sample.at_ranks(ranks), 1)  # 0 has no logarithm
            curves.append(_Curve(index, name, figures.sample, values, ranks))
    return sorted(curves, key=lambda curve: (curve.at(Fraction(50)), curve.index))


def drawn_ranks(count: int) -> npt.NDArray[np.int64]:
    """Which of `count` latencies are drawn, by their place from 1, ascending.

    Even steps for the left picture, steps that shrink towards the slowest for the right one, and
    the slowest `TAIL` one by one.
    """
    points = min(count, POINTS_MAX)
    even = np.linspace(1, count, points).round().astype(np.int64)
    shrinking = count + 1 - np.geomspace(1, count, points).round().astype(np.int64)
    slowest = np.arange(max(1, count - TAIL + 1), count + 1, dtype=np.int64)
    return np.unique(np.concatenate([even, shrinking, slowest]))


def _failed(record: RunRecord) -> str:
    failed = [
        f"{clean(name, 30)} {figures.sample.scripts - figures.sample.scripts_ok:,} of "
        f"{figures.sample.scripts:,}"
        for name, figures in figures_of(record).items()
        if figures.sample.scripts > figures.sample.scripts_ok
    ]
    return f"failed and not drawn: {', '.join(failed)}" if failed else ""


def _axes(axes: Axes, curves: list[_Curve]) -> None:
    low = min(int(curve.values[0]) for curve in curves)
    high = max(int(curve.values[-1]) for curve in curves)
    room = (high / low) ** 0.06 if high > 1.5 * low else 1.5
    axes.set_xscale("log")
    axes.set_xlim(low / room, high * room)
    log_durations(axes.xaxis, low / room, high * room, most=7)
    axes.set_xlabel("latency, from intended arrival to reply (log scale)")
    axes.grid(color=GRID, linewidth=0.6)


def _draw(axes: Axes, curve: _Curve, points: list[tuple[float, float]], steps: str) -> None:
    axes.plot(
        [x for x, _ in points], [y for _, y in points], drawstyle=steps,
        color=colour(curve.index), linestyle=dash(curve.index), linewidth=1.8, label=curve.name,
    )  # fmt: skip


def _mark(axes: Axes, curve: _Curve, x: int, share: float) -> None:
    axes.plot(
        [max(1, x)], [share], marker=marker(curve.index), color=colour(curve.index), markersize=5.5
    )


def _distribution(axes: Axes, curves: list[_Curve]) -> None:
    for curve in curves:
        shares = (curve.ranks / curve.count).tolist()
        points = [(float(curve.values[0]), 0.0), *zip(curve.values.tolist(), shares, strict=True)]
        _draw(axes, curve, points, "steps-post")
    axes.set_ylim(0, 1.02)
    axes.yaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
    axes.set_ylabel("share of scripts as fast")
    for curve in curves:
        _mark(axes, curve, curve.at(Fraction(50)), 0.5)
    names = []
    for curve in curves:
        numbers = f"p50 {duration(curve.at(Fraction(50)))}, p99 {duration(curve.at(Fraction(99)))}"
        names.append(f"{clean(curve.name, 24)}\n{numbers}")
    _name(axes, curves, names)


def _name(axes: Axes, curves: list[_Curve], names: list[str]) -> None:
    """The name of each variant beside its curve, where it covers least."""
    lines = [line for line in axes.get_lines() if line.get_label() in {c.name for c in curves}]
    paths = [in_points(axes, line) for line in lines]
    for curve, (x, y, side), text in zip(curves, places_of(axes, paths, names), names, strict=True):
        axes.annotate(
            text, (x, y), xycoords="figure points", va="center", ha=side, weight="bold",
            size=NAME_SIZE, color=colour(curve.index),
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
        )  # fmt: skip


def _tail(axes: Axes, curves: list[_Curve]) -> None:
    most = max(curve.count for curve in curves)
    bottom = min(0.05, 0.7 / most)
    axes.set_yscale("log")
    axes.set_ylim(bottom, 1.3)
    for curve in curves:
        shares = ((curve.count - curve.ranks + 1) / curve.count).tolist()
        points = [*zip(curve.values.tolist(), shares, strict=True), (curve.values[-1], bottom)]
        _draw(axes, curve, points, "steps-pre")
        for percent in _MARKED:
            if curve.count * (100 - percent) >= 100:
                _mark(axes, curve, curve.at(percent), float(1 - percent / 100))
    _name(axes, curves, [clean(curve.name, 24) for curve in curves])
    axes.yaxis.set_major_locator(FixedLocator([10.0**-n for n in range(8) if 10**n <= 2 * most]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(_share))
    axes.set_ylabel("share of scripts as slow (log scale)")
    across = axes.get_yaxis_transform()
    for percent in _MARKED:
        if most * (100 - percent) >= 100:
            share = float(1 - percent / 100)
            axes.axhline(share, color=FAINT, linewidth=0.7, linestyle=(0, (1, 3)))
            axes.text(1.01, share, f"p{float(percent):g}", transform=across, va="center", size=8)


def _share(share: float, _: object) -> str:
    return f"{100 * share:.6g} %"
