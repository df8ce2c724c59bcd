"""Combinations of settings: a full grid, or a Latin hypercube. Pure: nothing is run here."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from math import prod

from sim.rng import Streams
from sim.sweep_spec import RangeSpec, SweepSpec, Value

Combination = dict[str, Value]
"""A value for each setting, by its path."""


def combinations_in_all(spec: SweepSpec) -> int:
    """How many combinations there are, without making them."""
    if spec.samples is not None:
        return spec.samples
    return prod(len(values_of(values)) for values in spec.settings.values())


def combinations(spec: SweepSpec, seed: int) -> Iterator[Combination]:
    """All combinations, in an order that depends on the spec and the scenario's seed alone.

    In a grid the last setting varies fastest.
    """
    if spec.samples is not None:
        return _latin_hypercube(spec, seed, spec.samples)
    values = [values_of(each) for each in spec.settings.values()]
    return (dict(zip(spec.settings, chosen, strict=True)) for chosen in product(*values))


def seeds_of(spec: SweepSpec, seed: int) -> list[int]:
    """The seeds under which each combination is run."""
    if isinstance(spec.seeds, int):
        return list(range(seed, seed + spec.seeds))
    return spec.seeds


def values_of(values: list[Value] | RangeSpec) -> list[Value]:
    """The values of a setting in a grid."""
    return values.values() if isinstance(values, RangeSpec) else values


def _latin_hypercube(spec: SweepSpec, seed: int, samples: int) -> Iterator[Combination]:
    # Here, since scipy.stats takes longer to import than most commands take to run.
    from scipy.stats import qmc  # noqa: PLC0415

    generator = Streams(seed).generator("sweep/latin_hypercube")
    shares = qmc.LatinHypercube(d=len(spec.settings), rng=generator).random(samples)
    for row in shares.tolist():
        yield {
            path: values.at(Fraction(share))
            if isinstance(values, RangeSpec)
            else values[int(share * len(values))]
            for (path, values), share in zip(spec.settings.items(), row, strict=True)
        }
