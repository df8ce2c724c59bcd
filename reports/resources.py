"""Resources of a run and their figures: how busy each was, how many waited, and how long.

A resource is what jobs have to share: cores, workers, an engine's loop, a disk, lanes, connections.
Each has four figures, named like `n1.cores.utilisation`. What is unlimited is none, and nor are
those of a lost node.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from reports.quantity import DURATION, NUMBER, Quantity, point
from reports.sample import NoData
from sim.record import VariantRecord
from sim.usage import Window


@dataclass(frozen=True, slots=True)
class Aspect:
    """What can be told of every resource."""

    power: int
    """Its dimension (see `reports.quantity`)."""
    about: str
    read: Callable[[Window], Fraction | int | None]
    """None where nothing happened that it could be told of."""


ASPECTS: Final = {
    "utilisation": Aspect(
        NUMBER, "share of its time in which it was busy, 0 to 1", lambda window: window.utilisation
    ),
    "queue": Aspect(
        NUMBER, "jobs that waited for it, on average over time", lambda window: window.queue_mean
    ),
    "wait": Aspect(
        DURATION, "mean time that a job waited for it", lambda window: window.wait_mean_ns
    ),
    "longest_queue": Aspect(
        NUMBER, "the most jobs that waited for it at once", lambda window: window.longest_queue
    ),
}


def figure_names(resources: Iterable[str]) -> list[str]:
    """The figures of resources of these names."""
    return [f"{resource}.{aspect}" for resource in resources for aspect in ASPECTS]


def aspect_of(name: str) -> Aspect | None:
    """What a name is the figure of, going by its end; None when it is of no resource."""
    return ASPECTS.get(name.rpartition(".")[2])


def value(variant: VariantRecord, name: str) -> Quantity:
    """The value of a figure; `NoData` when the run has none."""
    resource, _, word = name.rpartition(".")
    aspect, window = ASPECTS[word], variant.resources.get(resource)
    if window is None:
        raise NoData(f"variant {variant.name} has no resource {resource!r}: it is not limited")
    number = aspect.read(window)
    if number is None:
        raise NoData(f"nothing happened at {resource} of variant {variant.name}")
    return point(number, aspect.power)


def busiest(variant: VariantRecord) -> tuple[str, Fraction] | None:
    """The resource that was busy for the greatest share of its time, and that share.

    Of equals the first that is recorded; None where no time passed, or nothing is limited.
    """
    shares = [(name, window.utilisation) for name, window in variant.resources.items()]
    told = [(name, share) for name, share in shares if share is not None]
    return max(told, key=lambda each: each[1], default=None)
