"""Pairs: how much longer the same scripts took in another variant than in the first.

What script k sends depends on the seed and on k alone, so the variants of a run are compared script
by script: what they have in common, such as arrivals and keys, drops out of the differences.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np

from reports.sample import Sample
from reports.statistics import Interval, Ordered, pooled_percentile_interval
from sim.record import RunRecord, VariantRecord

LEVEL: Final = 0.95
_BATCHES: Final = 20
"""Neighbours share a queue, so their differences are alike; 10 to 30 batches that are long beside
that are usual (Schmeiser, Operations Research 30, 1982)."""
_SENT: Final = ("workload", "data")
"""Settings that make a script of the same number another one."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The latency of the scripts of a variant, less that of the same scripts in the first."""

    median: Interval
    """Of the differences (ns), which is not the difference of the medians."""
    pairs: int
    """Scripts that ended ok in both, and have a row in both."""


def differences(record: RunRecord) -> dict[str, Difference]:
    """By name, each variant after the first that ran the same scripts."""
    first, *others = record.variants
    found = {}
    for other in others:
        if _same_scripts(first, other):
            difference = _difference(Sample(first), Sample(other))
            if difference is not None:
                found[other.name] = difference
    return found


def _same_scripts(first: VariantRecord, other: VariantRecord) -> bool:
    return all(first.settings.get(name) == other.settings.get(name) for name in _SENT)


def _difference(first: Sample, other: Sample) -> Difference | None:
    groups = 1 + max(int(each.of_ok("load").max(initial=0)) for each in (first, other))
    one, two = (each.of_ok("id") * groups + each.of_ok("load") for each in (first, other))
    _, left, right = np.intersect1d(one, two, return_indices=True)
    if left.size < _BATCHES:
        return None
    rises = other.of_ok("latency_ns")[right] - first.of_ok("latency_ns")[left]
    batches = [Ordered(batch) for batch in np.array_split(rises, _BATCHES)]
    median = pooled_percentile_interval(batches, Ordered(rises), Fraction(50), level=LEVEL)
    return Difference(median, int(left.size))
