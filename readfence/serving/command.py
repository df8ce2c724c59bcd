"""The command `readfence serve`: what it asks, what it prints, what it leaves behind."""

from pathlib import Path
from typing import Annotated, Final

import typer

from readfence.console import out
from readfence.options import QuietOption, SeedOption, SetOption
from readfence.runs import Result, make_folder, save
from readfence.scenarios import Loaded, Variant, load
from reports.text import summary_view
from sim.errors import InputError

SPEED_MIN: Final = 1e-6
"""A second of virtual time then takes eleven days."""


def serve(
    scenario: Annotated[
        str,
        typer.Argument(
            metavar="SCENARIO",
            help="Whose cluster and data to serve; its workload is left out. Default: an empty "
            "store.",
        ),
    ] = "empty",
    assignments: SetOption = None,
    seed: SeedOption = None,
    variant: Annotated[
        str | None, typer.Option(help="Which variant to serve. Default: the first.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 6380,
    listen: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Others than this machine need --requirepass.")
    ] = "127.0.0.1",
    requirepass: Annotated[
        str, typer.Option(metavar="PASSWORD", help="What clients must AUTH with.")
    ] = "",
    speed: Annotated[
        str,
        typer.Option(
            metavar="FACTOR",
            help="How fast virtual time passes: 1 is real time; `max`: latencies are recorded, not "
            "waited for.",
        ),
    ] = "1",
    metrics: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a JSON snapshot every second.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Default: `out/SCENARIO`.")
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Serve a simulated cluster to Redis clients; Ctrl-C ends it and writes the session's record.

    `READFENCE.CLOCK SET <microseconds>` stops the nodes' wall clock there, for exact replays.

    Examples:
    - `readfence serve --port 6380`

    - `readfence serve verify_storm --variant per_call --speed max`

    """
    # Here, since asyncio takes longer to import than most commands take to run.
    from readfence.serving.serve import Options, serve_until_stopped  # noqa: PLC0415

    loaded = load(scenario, assignments or (), seed)
    folder = folder or Path("out") / loaded.name
    make_folder(folder)
    options = Options(listen, port, requirepass, _speed(speed), metrics, quiet)

    def keep(result: Result) -> None:
        save(result, folder)
        if not quiet:
            if result.record.variants[0].columns["id"]:
                out.print(summary_view(result.record, wall_s=result.wall_s, width=out.width))
            out.print(f"\nrecord    {folder / 'run.json'}", soft_wrap=True)
            out.file.flush()

    serve_until_stopped(loaded, _variant(loaded, variant), options, keep)


def _speed(text: str) -> float | None:
    """A speed; None for `max`."""
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not SPEED_MIN <= speed < float("inf"):
        raise InputError(f"--speed {text}: expected a factor from {SPEED_MIN:g} on, or max")
    return speed


def _variant(loaded: Loaded, name: str | None) -> Variant:
    if name is None:
        return loaded.variants[0]
    for variant in loaded.variants:
        if variant.name == name:
            return variant
    names = ", ".join(variant.name for variant in loaded.variants)
    raise InputError(f"--variant {name}: expected one of {names}")
