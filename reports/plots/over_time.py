"""Latency over virtual time: how it went, variant by variant.

The time of a script is its *intended* arrival: in an open loop a script that had to queue behind a
stall is drawn where it should have begun, with all of its waiting. Lines are the median and the p99
of each window; dots are single scripts, thinned; crosses are scripts that failed.
"""

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.plots.canvas import (
    ALARM,
    BLUE,
    GREY,
    GRID,
    VERMILLION,
    WIDTH,
    clean,
    duration,
    linear_durations,
    log_durations,
    new_figure,
    place,
)
from reports.sample import OK, percentile
from sim.record import RunRecord, VariantRecord
from sim.units import SECOND

DOTS_MAX: Final = 1_200
"""Scripts of a variant that are drawn one by one, at most."""
SLOWEST: Final = 100
"""So many of the slowest are always among them."""
CROSSES_MAX: Final = 300
WINDOWS_MAX: Final = 48
PER_WINDOW: Final = 25
"""Scripts that a window should hold at least, on average."""
_COLUMNS_FROM: Final = 5
"""From so many variants on, panels stand in two columns."""
_HEAD, _FOOT, _PANEL, _GAP = 1.05, 0.1, 1.35, 0.85

Times = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Windows:
    """Median and p99 of the scripts that arrived in each window."""

    width_ns: int
    middles: list[float]
    medians: list[float]
    p99s: list[float]
    """Not a number where no script of the window ended ok."""


@dataclass(frozen=True, slots=True)
class _Course:
    name: str
    starts: Times
    latencies: Times
    failed_starts: Times
    failed_latencies: Times

    @property
    def arrivals(self) -> Times:
        return np.sort(np.concatenate([self.starts, self.failed_starts]))

    @property
    def all_latencies(self) -> Times:
        return np.concatenate([self.latencies, self.failed_latencies])


def over_time(record: RunRecord) -> Figure:
    """The picture; to be called, and its figure saved, within `canvas.drawing`."""
    courses = [_course(variant) for variant in record.variants]
    columns = 1 if len(courses) < _COLUMNS_FROM else 2
    lines = -(-len(courses) // columns)
    height = _HEAD + lines * (_PANEL + _GAP) + _FOOT
    drawn = [course for course in courses if len(course.arrivals)]
    one_time = _alike([int(course.arrivals[-1]) for course in drawn], 3)
    one_scale = _alike([int(np.median(course.all_latencies)) for course in drawn], 20)
    scales = [drawn] if one_scale else [[course] for course in drawn]
    is_log = any(high > 8 * low for low, high in (_range(scale) for scale in scales if scale))
    told = _reading_aid(one_time=one_time, one_scale=one_scale)
    figure = new_figure(record, f"{record.name}: latency over time", height=height, subtitle=told)
    width = (WIDTH - 0.9 - 0.75 - (columns - 1) * 1.35) / columns
    for index, course in enumerate(courses):
        line, column = divmod(index, columns)
        left = 0.9 + column * (width + 1.35)
        axes = place(figure, left, _HEAD + line * (_PANEL + _GAP), width, _PANEL)
        if not len(course.arrivals):
            axes.text(0.5, 0.5, "no script was measured", transform=axes.transAxes, ha="center")
            axes.set_axis_off()
            continue
        _time_axis(axes, drawn if one_time else [course])
        _latency_axis(axes, drawn if one_scale else [course], is_log=is_log)
        _draw(axes, course)
    return figure


def _alike(values: list[int], ratio: int) -> bool:
    """Whether one axis serves them all."""
    return not values or max(values) <= ratio * max(1, min(values))


def _reading_aid(*, one_time: bool, one_scale: bool) -> str:
    told = "A dot is a script at its intended arrival, a cross a failed one; lines are per window."
    differing = [
        name for name, is_one in (("time", one_time), ("latency", one_scale)) if not is_one
    ]
    return f"{told} Mind: the {' and '.join(differing)} axes differ." if differing else told


def _course(variant: VariantRecord) -> _Course:
    columns = {
        name: np.asarray(variant.columns.get(name, ()), dtype=np.int64)
        for name in ("start_ns", "latency_ns", "outcome")
    }
    order = np.argsort(columns["start_ns"], kind="stable")
    starts, latencies = columns["start_ns"][order], np.maximum(columns["latency_ns"][order], 1)
    ok = columns["outcome"][order] == OK
    return _Course(variant.name, starts[ok], latencies[ok], starts[~ok], latencies[~ok])


def windows_of(starts: Times, latencies: Times) -> Windows:
    """Median and p99 per window; the arrivals ascend, and there is one at least."""
    wanted = min(WINDOWS_MAX, max(1, len(starts) // PER_WINDOW))
    width = round_width((int(starts[-1]) - int(starts[0])) / wanted)
    first, last = int(starts[0]) // width, int(starts[-1]) // width
    middles, medians, p99s = [], [], []
    edges = np.searchsorted(starts, [width * number for number in range(first, last + 2)])
    for number, (low, high) in enumerate(pairwise(edges), start=first):
        ascending = np.sort(latencies[low:high])
        middles.append(width * (number + 0.5))
        medians.append(percentile(ascending, Fraction(50)) if high > low else float("nan"))
        p99s.append(percentile(ascending, Fraction(99)) if high > low else float("nan"))
    return Windows(width, middles, medians, p99s)


def round_width(least: float) -> int:
    """The least of 1, 2, 5, 10, 20, ... ns that is not below `least`."""
    size = 1
    while True:
        for step in (1, 2, 5):
            if step * size >= least:
                return step * size
        size *= 10


def _thinned(count: int, most: int) -> npt.NDArray[np.int64]:
    return np.linspace(0, count - 1, min(count, most)).round().astype(np.int64)


def _time_axis(axes: Axes, together: list[_Course]) -> None:
    first = min(int(course.arrivals[0]) for course in together)
    last = max(int(course.arrivals[-1]) for course in together)
    room = (last - first) // 60 if last > first else SECOND // 2
    axes.set_xlim(max(0, first - room), last + room)
    unit = linear_durations(axes.xaxis, last + room)
    axes.set_xlabel(f"intended arrival, virtual time ({unit})", size=8.5)
    axes.grid(color=GRID, linewidth=0.6)


def _draw(axes: Axes, course: _Course) -> None:
    count = len(course.starts)
    title = clean(course.name, 40)
    if count:
        slowest = np.argsort(course.latencies, kind="stable")[-SLOWEST:]
        dots = np.unique(np.concatenate([_thinned(count, DOTS_MAX), slowest]))
        axes.plot(
            course.starts[dots], course.latencies[dots], linestyle="none", marker=".",
            markersize=2.5 if count > 200 else 5, color=GREY, zorder=1.5,
            clip_on=False,
        )  # fmt: skip
    if count == 1 and not len(course.failed_starts):
        axes.annotate(
            f"one script: {duration(int(course.latencies[0]))}",
            (course.starts[0], course.latencies[0]), (9, 0), textcoords="offset points",
            va="center", size=9,
        )  # fmt: skip
    if count >= 2 * PER_WINDOW and course.starts[-1] > course.starts[0]:
        windows = windows_of(course.starts, course.latencies)
        _lines(axes, windows)
        title += f"   windows of {duration(windows.width_ns)}"
    if len(course.failed_starts):
        crosses = _thinned(len(course.failed_starts), CROSSES_MAX)
        low, high = axes.get_ylim()
        axes.plot(
            course.failed_starts[crosses], np.clip(course.failed_latencies[crosses], low, high),
            linestyle="none", marker="x", markersize=5, color=ALARM, clip_on=False,
        )  # fmt: skip
        axes.set_title(f"× {len(course.failed_starts):,} failed", loc="right", color=ALARM, size=10)
    axes.set_title(title, loc="left", weight="bold", size=10)


def _lines(axes: Axes, windows: Windows) -> None:
    lines = (
        ("p99", windows.p99s, VERMILLION, (0, (5, 1.5)), "^", 5.5),
        ("median", windows.medians, BLUE, "-", "o", -5.5),
    )
    for name, values, colour, dash, marker, lift in lines:
        axes.plot(
            windows.middles, values, color=colour, linestyle=dash, linewidth=1.6, marker=marker,
            markersize=3, label=name,
        )  # fmt: skip
        axes.annotate(
            name, (1, values[-1]), (5, lift), xycoords=axes.get_yaxis_transform(),
            textcoords="offset points", color=colour, weight="bold", size=8.5, va="center",
        )  # fmt: skip


def _latency_axis(axes: Axes, together: list[_Course], *, is_log: bool) -> None:
    low, high = _range(together)
    if is_log:
        axes.set_yscale("log")
        axes.set_ylim(low / 1.5, high * 1.5)
        log_durations(axes.yaxis, low / 1.5, high * 1.5, most=6)
        axes.set_ylabel("latency, log scale")
    else:
        axes.set_ylim(0, high * 1.08)
        axes.set_ylabel(f"latency ({linear_durations(axes.yaxis, high, ticks=5)})")


def _range(together: list[_Course]) -> tuple[int, int]:
    """Least and greatest latency of the scripts that ended ok: the axis is theirs.

    A failed script may be answered at once or after its deadline; one that does not fit is drawn at
    the edge. Where none ended ok, the axis is that of the failed ones.
    """
    shown = [course.latencies if len(course.latencies) else course.all_latencies
             for course in together]  # fmt: skip
    return min(int(each.min()) for each in shown), max(int(each.max()) for each in shown)
