"""Pictures of a sweep: the p99 along each setting, and over the two settings that move it most."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from reports.plots.canvas import (
    GRID,
    clean,
    colour,
    dash,
    drawing,
    duration,
    log_durations,
    marker,
    save,
)
from reports.sweeping.rows import Axis, Sweep
from reports.sweeping.sensitivity import ranking

PANELS_MAX: Final = 6
"""Settings that are drawn, those that move most."""
_CELLS_WRITTEN_MAX: Final = 12
"""Up to so many columns, each cell of a heat map says its value."""
_WIDTH: Final = 11.0


def write_sweep_plots(sweep: Sweep, folder: Path) -> list[Path]:
    """Draw the pictures as PNG and SVG. Raises `OSError` when they cannot be written.

    None where no point has a p99; no heat map of fewer than two settings, or of no grid.
    """
    if not any(sweep.of(variant) for variant in sweep.variants):
        return []
    pictures: dict[str, Callable[[Sweep], Figure]] = {"sweep_curves": curves}
    if len(sweep.axes) > 1 and sweep.design == "grid":
        pictures["sweep_heat"] = heat
    with drawing():
        return [path for name, draw in pictures.items() for path in save(draw(sweep), folder, name)]


def curves(sweep: Sweep) -> Figure:
    """The p99 along each setting: the geometric mean over all else, and from least to greatest."""
    paths = ranking(sweep)[:PANELS_MAX]
    columns = min(3, len(paths))
    lines = -(-len(paths) // columns)
    height = 1.0 + 3.3 * lines
    figure = Figure(figsize=(_WIDTH, height))
    grid = figure.subplots(lines, columns, squeeze=False, sharey=True)
    _title(figure, sweep, height, "lines: geometric mean over all else; bands: least to greatest")
    values = [row.value or 1 for variant in sweep.variants for row in sweep.of(variant)]
    low, high = 0.8 * max(1, min(values)), 1.25 * max(values)
    for number, axes in enumerate(grid.flat):
        if number >= len(paths):
            axes.set_axis_off()
            continue
        axes.set_yscale("log")
        axes.set_ylim(low, high)
        log_durations(axes.yaxis, low, high, most=8)
        axes.grid(color=GRID, linewidth=0.6)
        _curve(axes, sweep, list(sweep.paths).index(paths[number]))
        if number % columns == 0:
            axes.set_ylabel("latency p99 (log scale)")
    handles, labels = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower right", ncols=len(labels), frameon=False)
    figure.subplots_adjust(
        left=0.08, right=0.98, top=1 - 0.75 / height, bottom=0.95 / height, hspace=0.45
    )
    return figure


def _curve(axes: Axes, sweep: Sweep, place: int) -> None:
    axis = sweep.axes[place]
    known = sweep.values(place)
    at, is_log = _positions(sweep, place)
    for index, variant in enumerate(sweep.variants):
        found: dict[Any, list[float]] = {}
        for row in sweep.of(variant):
            found.setdefault(axis.read(row.settings[place]), []).append(float(row.value or 1))
        chosen = [value for value in known if axis.read(value) in found]
        xs = [at[axis.read(value)] for value in chosen]
        groups = [np.maximum(found[axis.read(value)], 1.0) for value in chosen]
        if sweep.design != "grid" and axis.kind != "text":
            axes.plot(
                np.repeat(xs, [len(group) for group in groups]), np.concatenate(groups or [[]]),
                linestyle="", marker=marker(index), markersize=4, color=colour(index),
                label=clean(variant, 30),
            )  # fmt: skip
            continue
        middle = [float(np.exp(np.mean(np.log(group)))) for group in groups]
        axes.plot(
            xs, middle, color=colour(index), linestyle=dash(index), marker=marker(index),
            markersize=5, linewidth=1.8, label=clean(variant, 30),
        )  # fmt: skip
        low, high = [g.min() for g in groups], [g.max() for g in groups]
        axes.fill_between(xs, low, high, color=colour(index), alpha=0.12, linewidth=0)
    if is_log:
        axes.set_xscale("log")
        axes.minorticks_off()
    ticks = known if len(known) <= 6 else [known[i * (len(known) - 1) // 4] for i in range(5)]
    axes.set_xticks(
        [at[axis.read(value)] for value in ticks],
        [_label(axis, value) for value in ticks],
    )
    axes.set_xlabel(clean(axis.path, 48))


def _positions(sweep: Sweep, place: int) -> tuple[dict[Any, float], bool]:
    """Where each value of a setting stands, and whether on a log scale."""
    axis = sweep.axes[place]
    known = [axis.read(value) for value in sweep.values(place)]
    if axis.kind == "text":
        return {value: float(number) for number, value in enumerate(known)}, False
    numbers = [float(value) for value in known]
    return dict(zip(known, numbers, strict=True)), min(numbers) > 0 and max(numbers) > 20 * min(
        numbers
    )


def heat(sweep: Sweep) -> Figure:
    """The p99 over the two settings that move it most, a map per variant on one scale."""
    across, down = (list(sweep.paths).index(path) for path in ranking(sweep)[:2])
    columns, lines = sweep.values(across), sweep.values(down)
    count = len(sweep.variants)
    height = 1.6 + min(6.0, max(2.4, 0.42 * len(lines)))
    figure = Figure(figsize=(_WIDTH, height))
    grid = figure.subplots(1, count, squeeze=False, sharey=True)
    _title(figure, sweep, height, "p99 in colour, on one log scale: geometric mean over all else")
    maps = [_cells(sweep, variant, across, down) for variant in sweep.variants]
    low = min(float(np.nanmin(cells)) for cells in maps if not np.isnan(cells).all())
    high = max(float(np.nanmax(cells)) for cells in maps if not np.isnan(cells).all())
    norm = LogNorm(low, max(high, 1.01 * low))
    for axes, variant, cells in zip(grid.flat, sweep.variants, maps, strict=True):
        axes.imshow(cells, norm=norm, cmap="viridis", aspect="auto", origin="lower")
        axes.set_title(clean(variant, 30), loc="left", fontsize=10)
        axes.set_xticks(range(len(columns)), _shown(sweep, across))
        axes.set_yticks(range(len(lines)), _shown(sweep, down))
        axes.tick_params(axis="x", rotation=45 if len(columns) > 5 else 0)
        axes.set_xlabel(clean(sweep.paths[across], 48))
        if len(columns) * count <= _CELLS_WRITTEN_MAX:
            _write_cells(axes, cells, norm)
    grid.flat[0].set_ylabel(clean(sweep.paths[down], 40))
    figure.subplots_adjust(left=0.1, right=0.98, top=1 - 0.95 / height, bottom=0.75 / height)
    return figure


def _shown(sweep: Sweep, place: int) -> list[str]:
    return [_label(sweep.axes[place], value) for value in sweep.values(place)]


def _label(axis: Axis, value: Any) -> str:
    read = axis.read(value)
    is_duration = axis.kind == "ns" and not isinstance(read, str)
    return clean(duration(float(read)) if is_duration else axis.shown(value), 14)


def _cells(sweep: Sweep, variant: str, across: int, down: int) -> Any:
    """The geometric means, line by line; nan where nothing is known."""
    first, second = sweep.axes[across], sweep.axes[down]
    found: dict[Any, list[float]] = {}
    for row in sweep.of(variant):
        key = (second.read(row.settings[down]), first.read(row.settings[across]))
        found.setdefault(key, []).append(float(np.log(max(1.0, float(row.value or 1)))))
    return np.array(
        [
            [
                np.exp(np.mean(found.get((second.read(y), first.read(x)), [np.nan])))
                for x in sweep.values(across)
            ]
            for y in sweep.values(down)
        ]
    )


def _write_cells(axes: Axes, cells: Any, norm: LogNorm) -> None:
    for (line, column), value in np.ndenumerate(cells):
        if not np.isnan(value):
            shade = "white" if float(norm(value)) < 0.6 else "black"
            axes.text(
                column, line, duration(float(value)), ha="center", va="center", size=7.5,
                color=shade,
            )  # fmt: skip


def _title(figure: Figure, sweep: Sweep, height: float, told: str) -> None:
    figure.text(0.02, 1 - 0.25 / height, clean(f"{sweep.name}: {sweep.title}"), weight="bold")
    figure.text(0.02, 1 - 0.5 / height, told, size=8.5, va="center")
