"""Every figure of a run as plain data: what `--json` prints, and what a point of a sweep keeps."""

from collections.abc import Mapping
from typing import Any

from reports.figures import CATALOGUE, Figures, figures_of
from reports.pairs import Difference, differences
from reports.quantity import in_units, unit_name
from reports.resources import ASPECTS, busiest
from reports.sample import NoData
from sim.record import RunRecord


def summary(record: RunRecord, *, wall_s: Mapping[str, float] | None = None) -> dict[str, Any]:
    """Every figure of every variant as plain data, ready for `json.dumps`.

    Stable: within version 1 keys are only ever added. A figure is a number, a word, null where the
    run gives it no value, or for figures that span attempts an object of `min`, `mean` and `max`;
    `units` says what the numbers are in (durations are ns).
    """
    pairs = differences(record)
    return {
        "format": "readfence/summary",
        "version": 1,
        "scenario": record.name,
        "seed": record.seed,
        "title": record.title,
        "overrides": list(record.overrides),
        "readfence": record.readfence,
        "digest": record.digest,
        "units": {
            figure.name: "word" if figure.power is None else unit_name(figure.power)
            for figure in CATALOGUE
        },
        "variants": {
            name: {
                "against_first": _against_first(pairs.get(name)),
                "figures": plain_figures(figures),
                "counters": dict(figures.sample.variant.counters),
                "resources": _resources(figures),
                "busiest": (busiest(figures.sample.variant) or (None,))[0],
                "errors": figures.sample.errors(),
                "wall_s": (wall_s or {}).get(name),
            }
            for name, figures in figures_of(record).items()
        },
    }


def plain_figures(figures: Figures) -> dict[str, Any]:
    """Every figure of the catalogue as plain data, as in `summary`."""
    return {figure.name: _plain(figures, figure.name) for figure in CATALOGUE}


def _against_first(difference: Difference | None) -> dict[str, Any] | None:
    if difference is None:
        return None
    median = difference.median
    return {
        "median_ns": median.estimate,
        "low_ns": median.low,
        "high_ns": median.high,
        "level": median.level,
        "pairs": difference.pairs,
    }


def _plain(figures: Figures, name: str) -> Any:
    try:
        value = figures.value(name)
    except NoData:
        return None
    if isinstance(value, str):
        return value
    if value.mean is None:
        return in_units(value.low, value.power)
    ends = {"min": value.low, "mean": value.mean, "max": value.high}
    return {aspect: in_units(number, value.power) for aspect, number in ends.items()}


def _resources(figures: Figures) -> dict[str, dict[str, Any]]:
    return {
        name: {aspect: _plain(figures, f"{name}.{aspect}") for aspect in ASPECTS}
        for name in figures.sample.variant.resources
    }
