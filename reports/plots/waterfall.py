"""The waterfall: where one median script of each variant spent its time, on one time axis.

The picture that explains the project. Each panel is a variant, each row a step of its script (the
fence, a call, the commit), each block a stretch of time; blocks in the colour of alarm are waits
for a quorum. What would be too short to read on the common axis is enlarged beside itself.
"""

from dataclasses import dataclass
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Polygon
from matplotlib.ticker import NullLocator

from reports.figures import Figures, figures_of
from reports.plots.canvas import (
    ALARM,
    BLUE,
    FAINT,
    GREEN,
    GREY,
    GRID,
    INK,
    PURPLE,
    VERMILLION,
    WIDTH,
    YELLOW,
    clean,
    duration,
    linear_durations,
    new_figure,
    place,
)
from reports.plots.rows import Row, Typical, attempt_starts, rows_of, typical_script, waits_of
from sim.record import RunRecord, Timeline


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind of span is drawn and called."""

    colour: str
    hatch: str
    name: str


KINDS: Final = {
    "round": Kind(VERMILLION, "", "waiting for a quorum, a block per round"),
    "log": Kind(PURPLE, "////", "waiting for the Raft log"),
    "local": Kind(BLUE, "", "local reads and CPU"),
    "lua": Kind(GREEN, "....", "Lua"),
    "queue": Kind(GREY, "\\\\\\\\", "waiting for a worker"),
    "backoff": Kind(YELLOW, "xxxx", "back-off after a conflict"),
}
"""The kinds of a timeline; any other is drawn in black."""
_OTHER: Final = Kind(INK, "", "other")

_LEFT, _RIGHT = 1.95, 1.65
_HEAD, _FOOT = 1.02, 0.62
_ROW, _TITLE, _GAP = 0.19, 0.36, 0.16
_TOLD_BELOW: Final = 0.6
"""A panel that is done before this part of the axis says so in the room that is left."""
_ENLARGED_BELOW: Final = 0.02
"""One that is done before this part of it cannot be read, and is enlarged in that room."""
_ENLARGED_LEFT: Final = 0.45
_TWO_LINES: Final = 3
"""Rows that a note of two lines takes."""
_NARROW: Final = 1.5
"""Pixels: a row whose bars are narrower altogether gets a tick, or it might show nothing at all."""
_EDGE_MAX: Final = 0.8
_EDGE_PART: Final = 0.06
"""Width in points of the white edges that tell blocks apart: at most, and per pixel of a block's
own width, since a narrow block must not vanish under its edges."""


@dataclass(frozen=True, slots=True)
class _Panel:
    name: str
    figures: Figures
    typical: Typical | None
    rows: list[Row]

    @property
    def timeline(self) -> Timeline | None:
        return None if self.typical is None else self.typical.timeline

    @property
    def latency_ns(self) -> int:
        return 0 if self.timeline is None else self.timeline.end_ns - self.timeline.start_ns

    @property
    def rounds(self) -> int:
        return sum(row.rounds for row in self.rows)

    @property
    def asked(self) -> bool:
        """Whether it waited for a majority at all, by a round or through the log."""
        return any(bar.kind in ("round", "log") for row in self.rows for bar in row.bars)

    @property
    def is_safe(self) -> bool:
        safety = self.figures.sample.variant.verdicts.get("safety")
        return safety is None or safety.verdict != "violated"

    @property
    def ended_ok(self) -> bool:
        return self.typical is not None and self.typical.ended_ok

    @property
    def slots(self) -> int:
        return max(2, len(self.rows))


def waterfall(record: RunRecord) -> Figure:
    """The waterfall of a run; to be called, and its figure saved, within `canvas.drawing`."""
    drawn = record.scenario.get("drawn")
    panels = [_panel(name, figures, drawn) for name, figures in figures_of(record).items()]
    height = _HEAD + _FOOT + sum(_ROW * panel.slots + _TITLE + _GAP for panel in panels)
    which = "one median script" if drawn is None else "a script"
    title = f"{record.name}: where {which} spends its time"
    figure = new_figure(record, title, height=height, subtitle=_story(panels))
    slowest = max(panels, key=lambda panel: panel.latency_ns)
    top = _HEAD
    for panel in panels:
        top += _TITLE
        axes = place(figure, _LEFT, top, WIDTH - _LEFT - _RIGHT, _ROW * panel.slots)
        _draw_panel(axes, panel, slowest)
        top += _ROW * panel.slots + _GAP
    _common_axis(axes, slowest.latency_ns, below=15 if axes.child_axes else 0)
    _legend(figure, panels, height)
    return figure


def _panel(name: str, figures: Figures, drawn: int | None) -> _Panel:
    typical = typical_script(figures.sample, drawn)
    return _Panel(name, figures, typical, rows_of(typical.timeline) if typical else [])


def _story(panels: list[_Panel]) -> str:
    """The most telling variant, or pair of variants, in a sentence."""
    verified = [panel for panel in panels if panel.rounds and panel.ended_ok]
    if not verified:
        return ""
    slow = max(verified, key=lambda panel: panel.latency_ns)
    fast = min(verified, key=lambda panel: panel.latency_ns)
    told = [
        f"{clean(panel.name, 24)} waits for a quorum {_times(panel.rounds)}: "
        f"{duration(panel.latency_ns)}"
        for panel in (slow, fast)
    ]
    sooner = _sooner(fast, slow)
    if not sooner:
        return f"{told[0]}."
    return f"{told[0]}.  {told[1]}, {_but_p99(fast, slow) or sooner}."


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _sooner(fast: _Panel, slow: _Panel) -> str:
    """How much sooner, in words; empty where it is hardly any."""
    times = slow.latency_ns / max(1, fast.latency_ns)
    if times < 1.2:
        return ""
    return f"{times:,.0f} times sooner" if times >= 9.95 else f"{times:.1f} times sooner"


def _but_p99(fast: _Panel, slow: _Panel) -> str:
    """Why the median must not be praised; empty where the tail agrees with it."""
    first, second = (panel.figures.quantity("latency.p99") for panel in (fast, slow))
    if first is None or second is None or first.low <= second.low:
        return ""
    return f"but its p99 is {duration(float(first.low))} against {duration(float(second.low))}"


def _draw_panel(axes: Axes, panel: _Panel, slowest: _Panel) -> None:
    longest = max(1, slowest.latency_ns)
    axes.set_xlim(0, longest * 1.005)
    axes.set_ylim(panel.slots - 0.5, -0.5)
    axes.set_yticks(range(len(panel.rows)), [clean(row.label, 27) for row in panel.rows], size=8.5)
    axes.spines["bottom"].set_visible(False)
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    linear_durations(axes.xaxis, longest)
    axes.tick_params(axis="both", length=0, labelbottom=False)
    _title(axes, panel)
    if panel.timeline is None:
        nothing = "no script was sampled"
        axes.text(0.01, 0.5, nothing, transform=axes.transAxes, va="center", color=FAINT)
        return
    _bars(axes, panel.rows, axes.get_position().width)
    _attempts(axes, panel.timeline, panel.rows)
    _columns(axes, panel.rows)
    if panel.latency_ns < _ENLARGED_BELOW * longest:
        _enlarge(axes, panel, panel.timeline, longest)
    elif panel.latency_ns < _TOLD_BELOW * longest and panel.is_safe and panel.ended_ok:
        _tell(axes, panel, slowest)


def _common_axis(axes: Axes, longest: int, *, below: int) -> None:
    """The time axis of all panels, under the last one, `below` points lower than its bars."""
    unit = linear_durations(axes.xaxis, max(1, longest))
    axes.spines["bottom"].set_visible(True)
    axes.spines["bottom"].set_position(("outward", below))
    axes.tick_params(axis="x", length=3, labelbottom=True)
    axes.set_xlabel(f"time since the script arrived ({unit})")


def _title(axes: Axes, panel: _Panel) -> None:
    title = clean(panel.name, 40)
    if panel.typical is not None:
        how = "" if panel.typical.ended_ok else "failed after "
        waits = waits_of(panel.typical.timeline)
        title += f": {waits}, {how}{duration(panel.latency_ns)}"
        axes.annotate(
            clean(panel.typical.about, 60), (1.19, 1), (0, 5), "axes fraction",
            textcoords="offset points", ha="right", size=7.5, color=FAINT,
        )  # fmt: skip
    told = axes.annotate(
        title, (0, 1), (0, 5), "axes fraction", textcoords="offset points", weight="bold",
        size=11,
    )  # fmt: skip
    if not panel.is_safe:
        axes.annotate(
            "  serves stale reads", (1, 1), xycoords=told, va="top", color=ALARM, weight="bold",
            size=11,
        )  # fmt: skip


def _bars(axes: Axes, rows: list[Row], width: float) -> None:
    """A collection per row and kind, with the kind as its label; `width` in parts of the figure."""
    low, high = axes.get_xlim()
    pixels_per_ns = width * WIDTH * 100 / (high - low)
    for slot, row in enumerate(rows):
        for name in dict.fromkeys(bar.kind for bar in row.bars):
            kind = KINDS.get(name, _OTHER)
            bars = [bar for bar in row.bars if bar.kind == name]
            lengths = [bar.end_ns - bar.start_ns for bar in bars]
            axes.broken_barh(
                [(bar.start_ns, length) for bar, length in zip(bars, lengths, strict=True)],
                (slot - 0.38, 0.76),
                facecolor=kind.colour,
                hatch=kind.hatch or None,
                edgecolor="white",
                linewidths=[min(_EDGE_MAX, _EDGE_PART * n * pixels_per_ns) for n in lengths],
                label=name,
            )
        if (row.bars[-1].end_ns - row.bars[0].start_ns) * pixels_per_ns < _NARROW:
            kind = KINDS.get(max(row.bars, key=lambda bar: bar.end_ns - bar.start_ns).kind, _OTHER)
            axes.plot(
                [row.bars[0].start_ns], [slot], marker="|", color=kind.colour, markersize=10.4,
                markeredgewidth=1.1,
            )  # fmt: skip


def _attempts(axes: Axes, timeline: Timeline, rows: list[Row]) -> None:
    slots = [n for n, row in enumerate(rows) if any(bar.kind == "backoff" for bar in row.bars)]
    for number, start in enumerate(attempt_starts(timeline), start=2):
        axes.axvline(start, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
        axes.text(
            start, slots[0], f" attempt {number}", size=7.5, va="center_baseline"
        )  # fmt: skip


def _columns(axes: Axes, rows: list[Row]) -> None:
    """What each row cost, in numbers, right of the bars."""
    style: dict[str, Any] = {
        "size": 8.5, "va": "center_baseline", "ha": "right", "transform": axes.get_yaxis_transform()
    }  # fmt: skip
    for slot, row in enumerate(rows):
        if row.rounds:
            waited = f"{row.rounds} round{'' if row.rounds == 1 else 's'}"
            axes.text(1.105, slot, waited, weight="bold", **style)
        axes.text(1.19, slot, duration(row.total_ns), **style)


def _tell(axes: Axes, panel: _Panel, slowest: _Panel) -> None:
    """How much sooner a panel is done, where the eye goes after its last bar.

    What asks no quorum is not praised for being soon, nor what is late more often.
    """
    between = ",\n" if panel.slots >= _TWO_LINES else ", "  # else it would cover the time axis
    told = f"{between}{_sooner(panel, slowest)} than {clean(slowest.name, 40)}"
    if not panel.asked:
        told = f"{between}without asking a quorum"
    elif _but_p99(panel, slowest):
        told = ""
    axes.annotate(
        f"done after {duration(panel.latency_ns)}{told}",
        (panel.latency_ns, (len(panel.rows) - 1) / 2), (10, 0), textcoords="offset points",
        size=10.5, va="center", linespacing=1.4, color=INK if panel.asked else ALARM,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 2.0},
    )  # fmt: skip


def _enlarge(axes: Axes, panel: _Panel, timeline: Timeline, longest: int) -> None:
    """The same bars on an axis of their own, framed and paler, in the room that they leave."""
    width = 1 - _ENLARGED_LEFT
    inset = axes.inset_axes((_ENLARGED_LEFT, 0, width, 1))
    inset.set_xlim(0, max(1, panel.latency_ns) * 1.01)
    inset.set_ylim(axes.get_ylim())
    inset.yaxis.set_major_locator(NullLocator())
    for spine in inset.spines.values():
        spine.set(visible=True, color=FAINT, linestyle=(0, (3, 3)), linewidth=0.8)
    unit = linear_durations(inset.xaxis, max(1, panel.latency_ns), ticks=4)
    inset.tick_params(axis="x", length=2, labelsize=7.5, pad=1.5, colors=FAINT)
    _bars(inset, panel.rows, axes.get_position().width * width)
    for bars in inset.collections:
        bars.set_alpha(0.55)
    _attempts(inset, timeline, panel.rows)
    times = longest * 1.005 * width / (max(1, panel.latency_ns) * 1.01)
    inset.text(
        0.99, _freest(panel), f"enlarged {times:,.0f} times, in {unit}", size=9, ha="right",
        va="center_baseline", style="italic", transform=inset.get_yaxis_transform(),
    )  # fmt: skip
    widest = max(range(len(panel.rows)), key=lambda slot: panel.rows[slot].total_ns)
    tip = (panel.latency_ns / (longest * 1.005), 1 - (widest + 0.5) / panel.slots)
    beam = Polygon(
        [tip, (_ENLARGED_LEFT, 0), (_ENLARGED_LEFT, 1)], transform=axes.transAxes,
        facecolor="#F0F0F0", edgecolor="none", zorder=0.6,
    )  # fmt: skip
    axes.add_patch(beam)


def _freest(panel: _Panel) -> int:
    """The slot whose bars end first."""
    ends = [max(bar.end_ns for bar in row.bars) for row in panel.rows]
    ends += [0] * (panel.slots - len(ends))
    return ends.index(min(ends))


def _legend(figure: Figure, panels: list[_Panel], height: float) -> None:
    found = dict.fromkeys(bar.kind for panel in panels for row in panel.rows for bar in row.bars)
    kinds = [kind for name, kind in KINDS.items() if name in found]
    if any(name not in KINDS for name in found):
        kinds.append(_OTHER)
    handles = [
        Patch(facecolor=kind.colour, hatch=kind.hatch or None, edgecolor="white", label=kind.name)
        for kind in kinds
    ]
    if handles:
        figure.legend(
            handles=handles, loc="upper left", ncols=len(handles), borderaxespad=0,
            bbox_to_anchor=(0.012, 1 - 0.76 / height), handlelength=1.4, columnspacing=1.6,
            fontsize=8.5,
        )  # fmt: skip
