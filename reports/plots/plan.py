"""Pictures of a plan: latency, utilisation and verifications against the offered load.

Loads that are unstable have no latency: they stand as crosses at the upper edge. Nothing is
smoothed: lines go from one load that was tried to the next. Loads tried by a single run have no
interval and are left out.
"""

from collections import Counter
from collections.abc import Callable
from math import ceil
from pathlib import Path
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from reports.planning.record import PlanRecord, Probe, VariantPlan
from reports.planning.tables import bottleneck_text, capacity_text, rate
from reports.plots.canvas import (
    ALARM,
    FAINT,
    GRID,
    INK,
    clean,
    colour,
    dash,
    drawing,
    duration,
    log_durations,
    log_ticks,
    marker,
    new_figure,
    place,
    save,
)

RESOURCES_MAX: Final = 4
"""Resources drawn of a variant, those that are busiest."""
_ALIKE: Final = 0.03
"""Utilisations that never differ by more share a line, such as those of the lanes to two peers."""
_COLUMNS: Final = 3
_PANEL: Final = 2.6
"""Inches from one line of panels to the next."""


def write_plan_plots(record: PlanRecord, folder: Path) -> list[Path]:
    """Draw every picture as PNG and SVG. Raises `OSError` when they cannot be written."""
    pictures: dict[str, Callable[[PlanRecord], Figure]] = {
        "plan_latency": latency,
        "plan_utilisation": utilisation,
        "plan_verifications": verifications,
    }
    with drawing():
        return [
            path for name, draw in pictures.items() for path in save(draw(record), folder, name)
        ]


# -- latency --------------------------------------------------------------------------------------


def latency(record: PlanRecord) -> Figure:
    """The percentile of the objective against the load, with its limit, knees and intervals."""
    told = (
        f"p{record.percent:g} of latency against the offered load. Bands: {record.level:.0%} "
        "intervals. Crosses at the top: the queue grows."
    )
    figure = new_figure(record, _latency_title(record), height=6.0, subtitle=told)
    axes = place(figure, 0.85, 0.95, 8.05, 4.3)
    _load_axis(axes, record)
    _latency_axis(axes, record)
    for index, variant in enumerate(record.variants):
        _curve(axes, index, variant)
    _limit(axes, record)
    _names(axes, record)
    if record.today is not None:
        _vertical(axes, record.today, f"today {rate(record.today)}")
    return figure


def _latency_title(record: PlanRecord) -> str:
    """What the best fence carries, and how many times the worst it is; both of those that verify.

    A variant that verifies nothing carries most, and is no alternative.
    """
    known = [v for v in record.variants if v.healthy.capacity.load.value is not None]
    known = [v for v in known if _per_script(v.healthy.nearest) > 0] or known
    if not known:
        return f"{record.name}: no capacity with {record.objective}"
    loads = {variant.name: variant.healthy.capacity.load.value or 0.0 for variant in known}
    best, worst = (pick(loads, key=lambda name: loads[name]) for pick in (max, min))
    title = f"{record.name}: {clean(best, 24)} carries {rate(loads[best])} at {record.objective}"
    if best == worst:
        return title
    return f"{title}, {loads[best] / loads[worst]:,.3g} times as much as {clean(worst, 24)}"


def _load_axis(axes: Axes, record: PlanRecord) -> None:
    loads = [probe.load for variant in record.variants for probe in variant.healthy.probes]
    low, high = 0.85 * min(loads), 1.15 * max(loads)
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    _log_rates(axes.xaxis, low, high)
    axes.set_xlabel("offered load, scripts per second (log scale)")
    axes.grid(color=GRID, linewidth=0.6)


def _log_rates(axis: Axis, low: float, high: float, most: int = 10) -> None:
    axis.set_major_locator(FixedLocator(log_ticks(low, high, most=most)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))


def _latency_axis(axes: Axes, record: PlanRecord) -> None:
    values = [
        end
        for variant in record.variants
        for probe in variant.healthy.probes
        if probe.answer != "unstable" and probe.objective.low is not None
        for end in (probe.objective.value, probe.objective.low)
        if end is not None
    ]
    low = min([*values, record.limit_ns]) / 1.5
    # Far above the limit the exact latency tells nothing, and would press the rest together.
    high = min(max([*values, 2 * record.limit_ns]) * 1.5, 20.0 * record.limit_ns)
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    log_durations(axes.yaxis, low, high, most=8)
    axes.set_ylabel(f"latency p{record.percent:g} (log scale)")


def _curve(axes: Axes, index: int, variant: VariantPlan) -> None:
    stable = [
        probe
        for probe in variant.healthy.probes
        if probe.answer != "unstable" and probe.objective.low is not None
    ]
    loads = [probe.load for probe in stable]
    values = [probe.objective.value or 1.0 for probe in stable]
    top = axes.get_ylim()[1]
    low = [probe.objective.low or value for probe, value in zip(stable, values, strict=True)]
    high = [top * 2 if probe.objective.high is None else probe.objective.high for probe in stable]
    axes.fill_between(loads, low, high, color=colour(index), alpha=0.15, linewidth=0)
    axes.plot(
        loads, values, color=colour(index), linestyle=dash(index), marker=marker(index),
        markersize=4, linewidth=1.6,
    )  # fmt: skip
    unstable = [probe.load for probe in variant.healthy.probes if probe.answer == "unstable"]
    axes.plot(
        unstable, [top / 1.08] * len(unstable), linestyle="none", marker="x", markersize=7,
        markeredgewidth=1.8, color=colour(index), clip_on=False,
    )  # fmt: skip


def _limit(axes: Axes, record: PlanRecord) -> None:
    limit = float(record.limit_ns)
    axes.axhline(limit, color=ALARM, linewidth=1.2)
    axes.text(
        0.004, limit * 1.03, f"limit {duration(limit)}", color=ALARM, va="bottom", size=8,
        transform=axes.get_yaxis_transform(),
    )  # fmt: skip
    for index, variant in enumerate(record.variants):
        load = variant.healthy.capacity.load
        if load.value is None:
            continue
        low, high = load.low or load.value, load.high or load.value
        axes.plot([low, high], [limit, limit], color=colour(index), linewidth=5, alpha=0.55)
        axes.plot(
            [load.value], [limit], marker=marker(index), color=colour(index), markersize=9,
            markeredgecolor="white", markeredgewidth=1.2,
        )  # fmt: skip


def _names(axes: Axes, record: PlanRecord) -> None:
    """The variants with their capacities, in the margin, in their order at the limit."""
    named = sorted(
        enumerate(record.variants),
        key=lambda item: item[1].healthy.capacity.load.value or 0.0,
        reverse=True,
    )
    for line, (index, variant) in enumerate(named):
        y = 0.97 - 0.115 * line
        load = variant.healthy.capacity.load
        interval = ""
        if load.value is not None:
            low, high = (
                "?" if end is None else rate(end).removesuffix("/s")
                for end in (load.low, load.high)
            )
            interval = f"\n{low} to {high}"
        axes.plot(
            [1.015, 1.05], [y, y], color=colour(index), linestyle=dash(index), clip_on=False,
            marker=marker(index), markersize=5, transform=axes.transAxes,
        )  # fmt: skip
        text = f"{clean(variant.name, 20)}: {capacity_text(variant.healthy.capacity)}{interval}"
        axes.text(
            1.06, y + 0.015, text, transform=axes.transAxes, va="top", size=8, color=colour(index),
            weight="bold", linespacing=1.3,
        )  # fmt: skip


def _vertical(axes: Axes, load: float, text: str) -> None:
    low, high = axes.get_xlim()
    if not low <= load <= high:
        return
    axes.axvline(load, color=FAINT, linewidth=1, linestyle=(0, (4, 3)))
    axes.text(
        load, 0.02, f" {text}", transform=axes.get_xaxis_transform(), size=8, color=INK, va="bottom"
    )


# -- utilisation ----------------------------------------------------------------------------------


def utilisation(record: PlanRecord) -> Figure:
    """How busy each variant's busiest resources are, against the load; a panel per variant."""
    columns = min(_COLUMNS, len(record.variants))
    lines = ceil(len(record.variants) / columns)
    height = 1.7 + _PANEL * lines
    told = (
        "Share of time that each resource is busy; +3: so many others alike. Dashed: the capacity."
    )
    figure = new_figure(record, _utilisation_title(record), height=height, subtitle=told)
    names = _drawn_resources(record)
    width = (9.95 - 0.65 * (columns - 1)) / columns
    for index, variant in enumerate(record.variants):
        left = 0.8 + (index % columns) * (width + 0.65)
        axes = place(figure, left, 1.15 + _PANEL * (index // columns), width, 1.85)
        _panel(axes, variant, names)
        if index % columns == 0:
            axes.set_ylabel("busy")
        if index >= len(record.variants) - columns:
            axes.set_xlabel("offered load per second (log scale)")
    handles = [
        axes.plot([], [], **_style(names.index(name)), label=clean(name, 30))[0] for name in names
    ]
    figure.legend(
        handles=handles, loc="lower left", ncols=min(5, max(1, len(names))), frameon=False,
        bbox_to_anchor=(0.03, 0.2 / height), fontsize=8,
    )  # fmt: skip
    return figure


def _style(index: int) -> dict[str, Any]:
    return {
        "color": colour(index), "linestyle": dash(index), "marker": marker(index),
        "markersize": 3.5, "linewidth": 1.6,
    }  # fmt: skip


def _utilisation_title(record: PlanRecord) -> str:
    """The commonest bottleneck, as one of those that limit a variant alike."""
    under = Counter(
        name
        for variant in record.variants
        if variant.healthy.capacity.load.value is not None
        for name in sorted(variant.healthy.nearest.busiest)
    )
    if not under:
        return f"{record.name}: how busy its resources are"
    name = max(under, key=lambda name: under[name])  # of several, the first there was
    where = f"{under[name]} of {len(record.variants)} variants"
    if under[name] == len(record.variants):
        where = "every variant"
    return f"{record.name}: {clean(name, 30)} limits {where}"


def _busiest(variant: VariantPlan) -> list[str]:
    """The resources to draw: those that are ever busy, and of several that are busy alike one."""
    busy: dict[str, list[float]] = {}
    for name in variant.healthy.nearest.resources:
        uses = [probe.resources.get(name) for probe in variant.healthy.probes]
        busy[name] = [use.utilisation if use else 0.0 for use in uses]
    chosen: list[str] = []
    for name in sorted(busy, key=lambda name: -round(max(busy[name]), 1)):
        alike = any(
            max(abs(a - b) for a, b in zip(busy[name], busy[other], strict=True)) < _ALIKE
            for other in chosen
        )
        if max(busy[name]) >= _ALIKE and not alike:
            chosen.append(name)
    return chosen[:RESOURCES_MAX]


def _drawn_resources(record: PlanRecord) -> list[str]:
    return list(dict.fromkeys(name for variant in record.variants for name in _busiest(variant)))


def _panel(axes: Axes, variant: VariantPlan, names: list[str]) -> None:
    probes = variant.healthy.probes
    low, high = 0.85 * probes[0].load, 1.15 * probes[-1].load
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    _log_rates(axes.xaxis, low, high, most=5)
    axes.set_ylim(0, 1.05)
    axes.yaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
    axes.grid(color=GRID, linewidth=0.6)
    for name in _busiest(variant):
        used = [(probe.load, probe.resources[name].utilisation) for probe in probes
                if name in probe.resources]  # fmt: skip
        loads, shares = zip(*used, strict=True)
        axes.plot(loads, shares, **_style(names.index(name)))
    capacity = variant.healthy.capacity.load.value
    if capacity is not None:
        axes.axvline(capacity, color=FAINT, linewidth=1.2, linestyle=(0, (4, 3)))
    name, bottleneck = clean(variant.name, 16), clean(bottleneck_text(variant.healthy.nearest), 24)
    title = f"{name}: {capacity_text(variant.healthy.capacity)}, {bottleneck}"
    axes.set_title(title, size=9, weight="bold", loc="left")


# -- verifications --------------------------------------------------------------------------------


def verifications(record: PlanRecord) -> Figure:
    """Verifications of reads per second against the load."""
    told = "Verifications of reads per second against the offered load, up to and beyond capacity."
    figure = new_figure(record, _verifications_title(record), height=5.6, subtitle=told)
    axes = place(figure, 0.85, 0.95, 8.05, 3.95)
    _load_axis(axes, record)
    drawn = [
        (index, variant, [probe for probe in variant.healthy.probes if _verified(probe)])
        for index, variant in enumerate(record.variants)
    ]
    rates = [_verified(probe) for _, _, probes in drawn for probe in probes]
    if not rates:
        axes.text(0.5, 0.5, "nothing was verified", transform=axes.transAxes, ha="center")
        return figure
    low, high = min(rates) / 1.4, max(rates) * 1.4
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    _log_rates(axes.yaxis, low, high, most=9)
    axes.set_ylabel("verifications per second (log scale)")
    ends = []
    for index, variant, probes in drawn:
        if probes:
            loads = [probe.load for probe in probes]
            axes.plot(loads, [_verified(probe) for probe in probes], **_style(index))
        ends.append((index, variant))
    for line, (index, variant) in enumerate(ends):
        y = 0.97 - 0.07 * line
        axes.plot(
            [1.015, 1.05], [y, y], color=colour(index), linestyle=dash(index), clip_on=False,
            marker=marker(index), markersize=5, transform=axes.transAxes,
        )  # fmt: skip
        text = f"{clean(variant.name, 20)}: {_per_script(variant.healthy.nearest):.3g} a script"
        axes.text(1.06, y, text, transform=axes.transAxes, va="center", size=8,
                  color=colour(index), weight="bold")  # fmt: skip
    return figure


def _verified(probe: Probe) -> float:
    return probe.verifications_per_s


def _per_script(probe: Probe) -> float:
    return probe.verifications_per_s / probe.throughput if probe.throughput else 0.0


def _verifications_title(record: PlanRecord) -> str:
    counts = {v.name: _per_script(v.healthy.nearest) for v in record.variants}
    most = max(counts, key=lambda name: counts[name])
    some = {name: count for name, count in counts.items() if count > 0}
    if not some:
        return f"{record.name}: no fence verifies anything"
    least = min(some, key=lambda name: some[name])
    if some[least] == some[most]:
        plural = "" if some[most] == 1 else "s"
        return f"{record.name}: {some[most]:.3g} verification{plural} a script"
    return (
        f"{record.name}: {clean(most, 24)} verifies {some[most]:.3g} times a script, "
        f"{clean(least, 24)} {some[least]:.3g}"
    )
