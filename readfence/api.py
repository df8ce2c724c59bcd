"""readfence from Python, for tests that would rather assert than keep a gate in YAML.

from readfence.api import figure, simulate

def test_one_fence_per_script() -> None:
    run = simulate("verify_storm", settings=["stop.scripts=100"])
    assert figure(run, "one_fence", "verifications.per_script.min") == 1
    assert figure(run, "one_fence", "verifications.per_script.max") == 1
"""

from collections.abc import Sequence

from readfence.runs import run_all
from readfence.scenarios import load
from reports.figures import Figures, counters_of, find, names, nearest
from reports.quantity import Quantity, in_units
from reports.sample import NoData
from sim.errors import InputError
from sim.record import RunRecord

__all__ = ["NoData", "figure", "simulate"]


def simulate(scenario: str, *, settings: Sequence[str] = (), seed: int | None = None) -> RunRecord:
    """Run a scenario, by path or by the name of a shipped one.

    `settings` are overrides as on the command line ("cluster.nodes=5"). Raises `InputError` when
    the scenario is wrong, `LimitReached` or `Stalled` when a limit ends the run.
    """
    return run_all(load(scenario, settings, seed)).record


def figure(run: RunRecord, variant: str, name: str) -> int | float | str:
    """A figure of one variant: durations in ns, rates per second, verdicts as their word.

    The names are those of `expect:` lines. A figure that was counted for every attempt needs its
    `.min`, `.mean` or `.max`. Raises `InputError` for an unknown name, `NoData` when the run gives
    the figure no value.
    """
    known = [record.name for record in run.variants]
    if variant not in known:
        raise InputError(f"expected one of the variants {', '.join(known)}, got {variant!r}")
    counters = counters_of(run)
    if find(name, counters) is None:
        raise InputError(f"unknown figure {name!r}{nearest(name, names(counters))}")
    value = Figures(run.variant(variant)).value(name)
    if not isinstance(value, Quantity):
        return value
    if not value.is_point:
        raise InputError(f"{name} spans all attempts; say {name}.min, .mean or .max")
    return in_units(value.low, value.power)
