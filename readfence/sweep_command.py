"""The command `readfence sweep`: what it asks, what it prints, what it leaves behind."""

import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from readfence.console import err, out, point_progress, print_json
from readfence.executors import PointRunner, make_executor
from readfence.exits import EnvironmentFailed, Exit
from readfence.options import (
    ExecutorOption,
    JsonOption,
    QuietOption,
    ScenarioArgument,
    SchedulerOption,
    SeedOption,
    SetOption,
    WorkersOption,
    path_typed,
)
from readfence.runs import make_folder
from readfence.store import PointStore
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
    folder: Annotated[
        Path | None,
        typer.Option(
            "--out",
            parser=path_typed,
            metavar="DIR",
            help="Where results go. Default: `out/SCENARIO`.",
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help=f"Run more than {ASK_ABOVE:,} points without asking.")
    ] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    plots: Annotated[bool, typer.Option(help="Draw the pictures.")] = True,
) -> Exit:
    """Run a scenario with every combination of the settings under `sweep:`.

    Leaves a Parquet file with a row per combination, variant and seed, pictures, and Markdown.
    Finished points are kept: after an interruption, the same command runs what is missing.

    Examples:
    - `readfence sweep sweep_rtt_calls`

    - `readfence sweep my.yaml --workers 4 --out /tmp/wide`

    - `readfence sweep my.yaml --executor dask --scheduler tcp://10.0.0.1:8786`

    """
    plan = plan_sweep(scenario, assignments or (), seed)
    _ask(plan, yes=yes)
    plan.check()
    folder = folder or Path("out") / plan.loaded.name
    make_folder(folder)
    store = PointStore(folder / "points", err.print)
    with make_executor(executor, workers=workers, scheduler=scheduler, tell=err.print) as running:
        runner = PointRunner(running, store)
        swept = _run(plan, runner, quiet=quiet or as_json)
    written = _write(swept, folder, plots=plots)
    counts = {"total": plan.total, "from_store": runner.from_store, "ran": runner.ran}
    if as_json:
        files = [str(path) for path in written]
        print_json({**sweep_json(swept), "points": counts, "files": files})
    elif not quiet:
        out.print(sweep_view(swept))
        out.print(f"\n{runner.ran:,} points run, {runner.from_store:,} from the store")
        for path in written:
            if path.suffix != ".svg":
                out.print(str(path), soft_wrap=True)
    return _status(swept)


def _ask(plan: SweepPlan, *, yes: bool) -> None:
    """Have a great sweep confirmed. Raises `InputError` when it is not."""
    if yes or plan.total <= ASK_ABOVE:
        return
    size = (
        f"{plan.total:,} points ({plan.combinations:,} combinations, {plan.variants} variants, "
        f"{plan.seeds} seeds)"
    )
    if not _somebody_there():
        raise InputError(f"{plan.loaded.path}: the sweep has {size}; to run it, add --yes")
    if not typer.confirm(f"The sweep has {size}. Run it?", err=True):
        raise InputError("not run")


def _somebody_there() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _run(plan: SweepPlan, runner: PointRunner, *, quiet: bool) -> Sweep:
    with point_progress(plan.total, quiet=quiet) as show:
        try:
            return plan.run(runner, lambda: show(runner.ran, runner.from_store, runner.running))
        except (KeyboardInterrupt, EnvironmentFailed):
            done = runner.ran + runner.from_store
            err.print(
                f"{done:,} of {plan.total:,} points are done and kept; "
                "the same command goes on from there"
            )
            raise


def _write(swept: Sweep, folder: Path, *, plots: bool) -> list[Path]:
    """The files of a sweep. Raises `EnvironmentFailed` when they cannot be written."""
    # Here, since both take longer to import than most commands take to run.
    from reports.sweeping.parquet import write_parquet  # noqa: PLC0415

    parquet, page = folder / "sweep.parquet", folder / "sweep.md"
    try:
        write_parquet(swept, parquet)
        page.write_text(sweep_markdown(swept), encoding="utf-8")
        return [parquet, page, *(_draw(swept, folder) if plots else [])]
    except OSError as error:
        raise EnvironmentFailed(
            f"{folder}: cannot be written: {error.strerror or error}; finished points are kept"
        ) from error


def _draw(swept: Sweep, folder: Path) -> Any:
    from reports.plots.sweep import write_sweep_plots  # noqa: PLC0415

    try:
        return write_sweep_plots(swept, folder)
    except InputError as error:  # the folder could be written a moment ago
        raise EnvironmentFailed(str(error)) from error


def _status(swept: Sweep) -> Exit:
    """A crash is a bug; a point that met a limit leaves its question open."""
    if swept.statuses["error"]:
        return Exit.BUG
    if swept.statuses["limit"] or swept.statuses["stalled"]:
        return Exit.INCONCLUSIVE
    return Exit.OK
