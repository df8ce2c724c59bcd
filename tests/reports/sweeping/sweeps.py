"""Made-up sweeps, whose causes are known."""

from collections.abc import Callable
from itertools import product
from typing import Any

from reports.sweeping.rows import Row, Sweep
from sim.usage import Window


def sweep(
    p99: Callable[..., float | None],
    *,
    design: str = "grid",
    variants: tuple[str, ...] = ("one_fence",),
    seeds: tuple[int, ...] = (1,),
    **axes: list[Any],
) -> Sweep:
    """A full grid over the axes, whose p99 (ns) is what the function makes of their values."""
    rows = [
        row(p99(*chosen), settings=chosen, variant=variant, seed=seed)
        for chosen in product(*axes.values())
        for variant in variants
        for seed in seeds
    ]
    return Sweep("made_up", "a title", "0.1.0+abc", design, list(axes), rows)


def row(p99: float | None, **parts: Any) -> Row:
    """A row with that p99; of a point that met a limit where there is none."""
    if p99 is None:
        return Row(status="limit", reason="too long", **parts)
    figures = {
        "latency.p99": p99,
        "scripts": 20,
        "safety": "ok",
        "verifications.per_script": {"min": 1, "mean": 1.5, "max": 2},
        "rounds.per_script": 1,
    }
    loop = Window(count=1, length_ns=100, arrived=0, served=0, busy_ns=25, waited_ns=0)
    return Row(
        status="ok",
        figures=figures,
        counters={"rounds.sent": 20, "x_ns": 5},
        resources={"n1.loop": loop},
        **parts,
    )
