"""The command `readfence sweep`: what it asks, what it prints, what it leaves behind."""

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from readfence.console import out, point_progress, print_json, read_progress
from readfence.exits import Exit, writing
from readfence.kept import points_kept, tell_written
from readfence.options import (
    ExecutorOption,
    JsonOption,
    OutOption,
    PlotsOption,
    QuietOption,
    ScenarioArgument,
    SchedulerOption,
    SeedOption,
    SetOption,
    WorkersOption,
)
from readfence.runs import make_folder
from readfence.sweeps import SweepPlan, plan_sweep
from reports.sweeping.rows import Sweep
from reports.sweeping.text import sweep_json, sweep_markdown, sweep_view
from sim.errors import InputError

ASK_ABOVE: Final = 10_000
"""More points than this are not run before somebody has said yes."""


def sweep(
    scenario: ScenarioArgument,
    assignments: SetOption = None,
    seed: SeedOption = None,
    executor: ExecutorOption = "processes",
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    folder: OutOption = None,
    yes: Annotated[
        bool, typer.Option("--yes", help=f"Run more than {ASK_ABOVE:,} points without asking.")
    ] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    plots: PlotsOption = True,
) -> Exit:
    """Run a scenario with every combination of the settings under `sweep:`.

    Leaves a Parquet file with a row per combination, variant and seed, pictures, and Markdown.
    Finished points are kept: after an interruption, the same command runs what is missing.
    Expectations are judged by `readfence check`, not here.

    Examples:
    - `readfence sweep sweep_rtt_calls`

    - `readfence sweep my.yaml --workers 4 --out /tmp/wide`

    - `readfence sweep my.yaml --executor dask --scheduler tcp://10.0.0.1:8786`

    """
    plan = plan_sweep(scenario, assignments or (), seed)
    _ask(plan, yes=yes)
    for _ in read_progress(plan.read(), plan.combinations, quiet=quiet or as_json):
        pass  # so that a wrong one is found before the first point runs
    folder = folder or Path("out") / plan.loaded.name
    make_folder(folder)
    with (
        points_kept(
            folder, executor=executor, workers=workers, scheduler=scheduler,
            done=lambda done: f"{done:,} of {plan.total:,} points",
        ) as runner,
        point_progress(plan.total, quiet=quiet or as_json) as show,
    ):  # fmt: skip
        swept = plan.run(runner, lambda: show(runner.ran, runner.from_store, runner.running))
    written = _write(swept, folder, plots=plots)
    counts = {"total": plan.total, "from_store": runner.from_store, "ran": runner.ran}
    if as_json:
        files = [str(path) for path in written]
        print_json({**sweep_json(swept), "points": counts, "files": files})
    elif not quiet:
        out.print(sweep_view(swept))
        tell_written(runner, "points run", written)
    return _status(swept)


def _ask(plan: SweepPlan, *, yes: bool) -> None:
    """Have a great sweep confirmed. Raises `InputError` when it is not."""
    if yes or plan.total <= ASK_ABOVE:
        return
    size = (
        f"{plan.total:,} points ({plan.combinations:,} combinations, {plan.variants:,} variants, "
        f"{plan.seeds:,} seeds)"
    )
    if not _somebody_there():
        raise InputError(
            f"{plan.place}: expected at most {ASK_ABOVE:,} points, got {size}; to run them all the "
            "same, add --yes"
        )
    if not typer.confirm(f"The sweep has {size}. Run it?", err=True):
        raise InputError("not run")


def _somebody_there() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _write(swept: Sweep, folder: Path, *, plots: bool) -> list[Path]:
    """The files of a sweep. Raises `EnvironmentFailed` when they cannot be written."""
    # Here, since both take longer to import than most commands take to run.
    from reports.sweeping.parquet import write_parquet  # noqa: PLC0415

    parquet, page = folder / "sweep.parquet", folder / "sweep.md"
    with writing(folder, "; finished points are kept"):
        write_parquet(swept, parquet)
        page.write_text(sweep_markdown(swept), encoding="utf-8")
        return [parquet, page, *(_draw(swept, folder) if plots else [])]


def _draw(swept: Sweep, folder: Path) -> list[Path]:
    from reports.plots.sweep import write_sweep_plots  # noqa: PLC0415

    return write_sweep_plots(swept, folder)


def _status(swept: Sweep) -> Exit:
    """A crash is a bug; a point that met a limit leaves its question open."""
    if swept.statuses["error"]:
        return Exit.BUG
    if swept.statuses["limit"] or swept.statuses["stalled"]:
        return Exit.INCONCLUSIVE
    return Exit.OK
