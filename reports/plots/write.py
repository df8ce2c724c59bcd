"""All pictures of a run, as files."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from matplotlib.figure import Figure

from reports.plots.call_sites import call_sites
from reports.plots.canvas import drawing, save
from reports.plots.latency import latency
from reports.plots.over_time import over_time
from reports.plots.waterfall import waterfall
from sim.record import RunRecord

PICTURES: Final[dict[str, Callable[[RunRecord], Figure]]] = {
    "waterfall": waterfall,
    "latency": latency,
    "latency_over_time": over_time,
    "verifications": call_sites,
}
"""Every picture, by the name of its files; the one that explains most comes first."""


def write_plots(record: RunRecord, folder: Path) -> list[Path]:
    """Draw every picture as PNG and SVG into a folder, which is made if it does not exist.

    Equal records give equal bytes, with the same version of matplotlib. Raises `OSError` when
    the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with drawing():
        return [
            path for name, draw in PICTURES.items() for path in save(draw(record), folder, name)
        ]
