"""The command `readfence plan`: what it asks, what it prints, what it leaves behind."""

from pathlib import Path

import typer

from readfence.console import err, out, plan_progress
from readfence.executors import Name
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
from readfence.planning import check_plan, make_plan
from readfence.runner import PointRunner
from readfence.runs import make_folder
from readfence.scenarios import Loaded, load
from reports.planning.record import PlanRecord, plan_text, write_plan
from reports.planning.tables import CONDITION_NAMES
from reports.planning.text import plan_markdown, plan_view


def plan(
    scenario: ScenarioArgument,
    assignments: SetOption = None,
    seed: SeedOption = None,
    executor: ExecutorOption = "processes",
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    folder: OutOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    plots: PlotsOption = True,
) -> Exit:
    """Find the highest load that keeps the objective under `plan:`, for every variant.

    Tells the capacity with its interval, what saturates first, the headroom from today's load, and
    what a lost or slow follower does to it. Leaves `plan.json`, Markdown and pictures. Finished
    runs are kept: after an interruption, the same command goes on from there. Expectations such as
    `plan.one_fence.capacity >= 700/s` are judged by `readfence check`.

    Examples:
    - `readfence plan capacity_fences`

    - `readfence plan my.yaml --set plan.precision=10% --out /tmp/rough`

    - `readfence plan my.yaml --set plan.slo='latency.p99.9 < 200ms' --json`

    """
    loaded = load(scenario, assignments or (), seed)
    check_plan(loaded)
    folder = folder or Path("out") / loaded.name
    make_folder(folder)
    record, runner = run_plan(
        loaded, folder, quiet=quiet or as_json, executor=executor, workers=workers,
        scheduler=scheduler,
    )  # fmt: skip
    written = write_results(record, folder, plots=plots)
    if as_json:
        typer.echo(plan_text(record), nl=False)
    elif not quiet:
        out.print(plan_view(record))
        tell_written(runner, "runs made", written)
    for line in warnings(record):
        err.print(f"readfence: {line}")
    if loaded.needs_plan and not quiet:
        err.print("readfence: what is under `expect:` is judged by `readfence check`, not here")
    return Exit.OK if record.conclusive else Exit.INCONCLUSIVE


def run_plan(
    loaded: Loaded,
    folder: Path,
    *,
    quiet: bool,
    executor: Name = "processes",
    workers: int | None = None,
    scheduler: str | None = None,
) -> tuple[PlanRecord, PointRunner]:
    """Make the plan of a scenario; finished runs are kept in the folder, and are not run again."""
    names = [variant.name for variant in loaded.variants]
    with (
        points_kept(
            folder, executor=executor, workers=workers, scheduler=scheduler,
            done=lambda done: f"{done:,} runs",
        ) as runner,
        plan_progress(names, quiet=quiet) as show,
    ):  # fmt: skip
        return make_plan(loaded, runner, show), runner


def plan_for_check(loaded: Loaded, folder: Path | None, *, quiet: bool) -> PlanRecord:
    """The plan that expectations ask for; written only where a folder was named."""
    check_plan(loaded)
    kept = folder or Path("out") / loaded.name
    make_folder(kept)
    record, _ = run_plan(loaded, kept, quiet=quiet)
    if folder is not None:
        write_results(record, folder, plots=True)
    return record


def write_results(record: PlanRecord, folder: Path, *, plots: bool) -> list[Path]:
    """The files of a plan. Raises `EnvironmentFailed` when they cannot be written."""
    content, page = folder / "plan.json", folder / "plan.md"
    with writing(folder, "; finished runs are kept"):
        write_plan(record, content)
        page.write_text(plan_markdown(record), encoding="utf-8")
        return [content, page, *(_draw(record, folder) if plots else [])]


def _draw(record: PlanRecord, folder: Path) -> list[Path]:
    # Here, since matplotlib takes longer to import than most commands take to run.
    from reports.plots.plan import write_plan_plots  # noqa: PLC0415

    return write_plan_plots(record, folder)


def warnings(record: PlanRecord) -> list[str]:
    """What was not found, or not as well as asked for, in words: a line each."""
    return [
        f"{variant.name} ({CONDITION_NAMES[situation.condition]}): {situation.capacity.reason}"
        for variant in record.variants
        for situation in variant.situations
        if situation.capacity.reason
    ]
