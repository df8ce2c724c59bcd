"""Verifications per script by call site: who asked the quorum, and how often.

Bars are means over attempts, on a linear axis, so that lengths can be compared. The commit guard is
no verification of a read; it stands apart, as an empty box behind the bar.
"""

from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, MaxNLocator

from reports.attempts import (
    COMMIT_GUARD,
    SCRIPT_START,
    STORE_POINT,
    STORE_SCAN,
    STRING_READ,
    VERIFICATIONS,
    VERIFYING,
    Attempts,
    Site,
)
from reports.figures import figures_of
from reports.plots.canvas import (
    ALARM,
    BLUE,
    FAINT,
    GREEN,
    GRID,
    INK,
    ORANGE,
    SKY,
    WIDTH,
    clean,
    new_figure,
    place,
)
from reports.quantity import NUMBER, show, show_number
from sim.record import RunRecord

_COLOURS: Final = {
    STRING_READ: (ORANGE, ""),
    STORE_POINT: (BLUE, "////"),
    STORE_SCAN: (SKY, "...."),
    SCRIPT_START: (GREEN, "xxxx"),
}
_DETAILS: Final = {STORE_POINT: " point", STORE_SCAN: " scan"}
_HEAD, _FOOT, _BAR = 1.25, 0.85, 0.62
_LEFT, _RIGHT = 1.95, 0.4
_LETTER: Final = 0.098
"""Inches of a letter of the totals, which are bold."""


def call_sites(record: RunRecord) -> Figure:
    """The picture; to be called, and its figure saved, within `canvas.drawing`."""
    counted = [(name, figures.sample.attempts) for name, figures in figures_of(record).items()]
    height = _HEAD + _FOOT + _BAR * len(counted)
    title = f"{record.name}: quorum verifications per script, by call site"
    told = "What one attempt of a script asks of the quorum, on average over all attempts."
    figure = new_figure(record, title, height=height, subtitle=told)
    axes = place(figure, _LEFT, _HEAD, WIDTH - _LEFT - _RIGHT, _BAR * len(counted))
    axes.set_ylim(len(counted) - 0.5, -0.5)
    axes.set_yticks(range(len(counted)), [clean(name, 24) for name, _ in counted])
    for label in axes.get_yticklabels():
        label.set(weight="bold", size=10)
    axes.tick_params(axis="y", length=0)
    width = WIDTH - _LEFT - _RIGHT
    longest, units = 0.0, 1.45
    for slot, (_, attempts) in enumerate(counted):
        end, letters = _draw(axes, slot, attempts)
        longest = max(longest, end)
        # Room for what stands behind the bar.
        units = max(units, end * width / max(1.0, width - letters * _LETTER - 0.15))
    axes.set_xlim(0, units)
    ticks = MaxNLocator(6, integer=True).tick_values(0, max(1.0, longest))
    axes.xaxis.set_major_locator(FixedLocator([tick for tick in ticks if tick <= longest + 1]))
    axes.set_xlabel("verifications per script (count)")
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    _legend(figure, height)
    return figure


def _draw(axes: Axes, slot: int, attempts: Attempts) -> tuple[float, int]:
    """The bar of a variant; returns where it ends, and how many letters stand behind it."""
    if not attempts.total:
        axes.text(0, slot, " no attempt ran its script to its end", va="center", color=FAINT)
        return 0.0, 0
    end = 0.0
    for site in VERIFYING:
        mean = attempts.sum((site.field,)) / attempts.total
        if mean:
            face, hatch = _COLOURS[site]
            axes.barh(
                slot, mean, 0.56, left=end, facecolor=face, hatch=hatch, edgecolor="white",
                linewidth=0.8, label=site.field,
            )  # fmt: skip
            end += mean
    guards = attempts.sum((COMMIT_GUARD.field,)) / attempts.total
    if guards:
        axes.barh(
            slot, guards, 0.56, left=end, facecolor="none", edgecolor=FAINT, linewidth=1.0,
            linestyle=(0, (3, 2)), label=COMMIT_GUARD.field,
        )  # fmt: skip
    total = attempts.spread(VERIFICATIONS)
    noun = "verification" if total.is_point and total.low == 1 else "verifications"
    told, sites = f"{show(total)} {noun}", _by_site(attempts)
    axes.annotate(
        told, (end + guards, slot), (6, 6), textcoords="offset points",
        va="center", weight="bold", size=11, color=INK if end else ALARM,
    )  # fmt: skip
    axes.annotate(
        sites, (end + guards, slot), (6, -8), textcoords="offset points", va="center",
        size=8, color=INK if end else ALARM,
    )  # fmt: skip
    return end + guards, max(len(told), round(len(sites) * 0.65))


def _by_site(attempts: Attempts) -> str:
    """The mean of each site that asked, short: the legend has the names."""
    told = [
        f"{site.letter}{_DETAILS.get(site, '')} {_mean(attempts, site)}"
        for site in (*VERIFYING, COMMIT_GUARD)
        if attempts.sum((site.field,))
    ]
    verified = any(attempts.sum((site.field,)) for site in VERIFYING)
    return " + ".join(told if verified else ["no read was verified by a quorum", *told])


def _mean(attempts: Attempts, site: Site) -> str:
    return show_number(attempts.spread((site.field,)).middle, NUMBER)


def _legend(figure: Figure, height: float) -> None:
    def named(site: Site) -> str:
        return f"{site.letter} {site.name}"

    handles = [
        Patch(facecolor=face, hatch=hatch, edgecolor="white", label=named(site))
        for site, (face, hatch) in _COLOURS.items()
    ]
    guard = f"{named(COMMIT_GUARD)} (no verification of a read)"
    handles.append(Patch(facecolor="none", edgecolor=FAINT, linestyle=(0, (3, 2)), label=guard))
    figure.legend(
        handles=handles, loc="upper left", ncols=len(handles), borderaxespad=0,
        bbox_to_anchor=(0.012, 1 - 0.78 / height), handlelength=1.6, columnspacing=1.6,
        fontsize=8.5,
    )  # fmt: skip
