"""Canvas: what all pictures share: size, type, colours, time axes, and files with stable bytes.

Figures are made as objects and never through pyplot, whose state is global. Every setting is fixed
here for the time of a drawing, whatever the user's own matplotlib settings are, and files carry no
date and no version, so that equal records give equal bytes.

Nothing is told by colour alone: the colours are those of Okabe and Ito, which people with colour
blindness can tell apart, and each line or bar also has a dash, marker, hatch or name of its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from math import ceil, floor, log10
from pathlib import Path
from typing import Any, Final, Protocol

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from reports.writing import printable, shortened
from sim.units import human_duration

_FOOT_MAX: Final = 150
"""Characters at the foot of a picture that say which run it shows."""
WIDTH: Final = 11.0
"""Inches; every picture is as wide."""
INK: Final = "#222222"
FAINT: Final = "#767676"
GRID: Final = "#DDDDDD"
ALARM: Final = "#B00020"

ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILLION, PURPLE, GREY = (
    "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#999999",
)  # fmt: skip
_COLOURS: Final = (VERMILLION, BLUE, GREEN, PURPLE, ORANGE, SKY, "#000000", GREY)
_DASHES: Final[tuple[Any, ...]] = (
    "-", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1.5, 2)), (0, (9, 3)), (0, (1, 1)),
    (0, (6, 2, 1, 2, 1, 2)), (0, (4, 4)),
)  # fmt: skip
_MARKERS: Final = "osD^vPX*"

_SETTINGS: Final[dict[str, Any]] = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib, so text is the same on every machine
    "font.size": 9.0,
    "text.color": INK,
    "text.parse_math": False,  # a key may hold $
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "figure.dpi": 100,
    "savefig.dpi": 130,
    "svg.hashsalt": "readfence",
    "path.simplify": True,
}


@contextmanager
def drawing() -> Iterator[None]:
    """Draw and save with the settings of readfence; those of the user come back afterwards."""
    with mpl.rc_context():
        mpl.rcdefaults()
        settings: Any = _SETTINGS  # matplotlib's own type lists every name there is
        mpl.rcParams.update(settings)
        yield


class Recorded(Protocol):
    """What the foot of a picture tells of a record."""

    @property
    def title(self) -> str:
        """What the scenario shows, in a line; may be empty."""

    @property
    def told(self) -> str:
        """Which run or plan it is."""

    @property
    def readfence(self) -> str:
        """The version that made the record."""


def new_figure(record: Recorded, title: str, *, height: float, subtitle: str = "") -> Figure:
    """An empty figure (`height` in inches) with its title, and the run it shows at its foot."""
    figure = Figure(figsize=(WIDTH, height))
    FigureCanvasAgg(figure)
    figure.text(0.02, 1 - 0.16 / height, clean(title), size=14, weight="bold", va="top")
    if subtitle:
        figure.text(0.02, 1 - 0.48 / height, clean(subtitle), size=11, va="top", color=INK)
    named = f"scenario {record.told}" + (f": {record.title}" if record.title else "")
    foot = f"{shortened(named, _FOOT_MAX)} · virtual time · readfence {record.readfence}"
    figure.text(0.98, 0.08 / height, clean(foot), size=7.5, color=FAINT, ha="right", va="bottom")
    return figure


def place(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes at a place in inches from the upper left corner of the figure."""
    whole_width, whole_height = figure.get_size_inches()
    return figure.add_axes(
        (
            left / whole_width,
            1 - (top + height) / whole_height,
            width / whole_width,
            height / whole_height,
        )
    )


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write a figure as PNG and SVG. Raises `OSError` when the folder cannot be written."""
    metadata: dict[str, dict[str, Any]] = {
        "png": {"Software": None},
        "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
    }
    paths = []
    for kind, said in metadata.items():
        path = folder / f"{name}.{kind}"
        figure.savefig(path, format=kind, metadata=said, facecolor="white")
        paths.append(path)
    return paths


def colour(index: int) -> str:
    """The colour of the variant at this place in the record."""
    return _COLOURS[index % len(_COLOURS)]


def dash(index: int) -> Any:
    """Its line style."""
    return _DASHES[index % len(_DASHES)]


def marker(index: int) -> str:
    """Its marker."""
    return _MARKERS[index % len(_MARKERS)]


def clean(text: str, length: int = 200) -> str:
    """A text that can be drawn: on one line, not too long, of characters that the font has."""
    known = _characters()
    drawn = "".join(char if ord(char) in known else "\ufffd" for char in printable(text))
    return shortened(drawn, length)


@cache
def _characters() -> frozenset[int]:
    font = get_font(findfont(FontProperties(family=["DejaVu Sans"])))
    return frozenset(font.get_charmap())


def duration(nanoseconds: float) -> str:
    """A duration for people, as pictures write it."""
    return human_duration(nanoseconds).replace(" us", " µs")


def duration_unit(longest: float) -> tuple[str, int]:
    """The unit to read a linear axis in that goes up to `longest` ns, and its length in ns."""
    for unit, size in (("s", 10**9), ("ms", 10**6), ("µs", 10**3)):
        if longest >= size:
            return unit, size
    return "ns", 1


def linear_durations(axis: Axis, longest: float, *, ticks: int = 8) -> str:
    """Make an axis of ns read in the unit that fits; returns the unit, for the label."""
    unit, size = duration_unit(longest)
    axis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / size:,.10g}"))
    return unit


def log_durations(axis: Axis, low: float, high: float, *, most: int) -> None:
    """Make a logarithmic axis of ns, from `low` to `high`, whose ticks carry their unit."""
    ticks = log_ticks(low, high, most=most)
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: duration(value)))


def log_ticks(low: float, high: float, *, most: int) -> list[float]:
    """Round numbers from `low` to `high`: 1, 2, 5 per decade, or fewer when that were too many."""
    first, last = floor(log10(low)), ceil(log10(high))
    for steps in ((1, 1.5, 2, 3, 4, 5, 7), (1, 2, 5), (1, 3), (1,)):
        ticks = [step * 10.0**decade for decade in range(first, last + 1) for step in steps]
        inside = [tick for tick in ticks if low <= tick <= high]
        if len(inside) <= most:
            return inside
    return inside[:: -(-len(inside) // most)]
