"""The command line: what is typed, what is printed, what the exit status says."""

import os
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.table import Table
from rich.text import Text

from models.spec import Scenario
from readfence.console import err, out, print_json, progress
from readfence.exits import Exit, ended, ends_in_status, process_status, writing
from readfence.options import (
    JsonOption,
    OutOption,
    PlotsOption,
    QuietOption,
    ScenarioArgument,
    SeedOption,
    SetOption,
    path_typed,
)
from readfence.plan_command import plan, plan_for_check
from readfence.recordings.commands import import_monitor, record
from readfence.recordings.commands import summary as traffic_summary
from readfence.runs import Result, make_folder, run_all, run_in, save
from readfence.scenarios import Loaded, load, shipped, shipped_folder, title_and_variants
from readfence.serving.command import serve
from readfence.sweep_command import sweep
from reports import check_output as told
from reports.check import Check, Gate, check_run
from reports.plain import summary
from reports.text import failures, summary_view
from reports.writing import printable
from sim.errors import InputError, LimitReached, Stalled
from sim.record import RunRecord

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _readfence(
    context: typer.Context,
    show_version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Simulate what read fences cost a replicated store that runs Lua scripts.

    Runs a scenario under several fences in virtual time, shows latencies and verification counts,
    and checks that they stay what they are.

    Start with: `readfence run verify_storm`

    Exit status: 0 done, all expectations kept · 1 an expectation broken · 2 the input is wrong ·
    3 a bug in readfence · 4 a limit ended the run · 5 the machine failed · 130 interrupted ·
    141 nobody read the output.
    """
    if show_version:
        out.print(f"readfence {version('readfence')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
@ends_in_status
def run(
    scenario: ScenarioArgument,
    assignments: SetOption = None,
    seed: SeedOption = None,
    folder: OutOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    plots: PlotsOption = True,
    trace: Annotated[
        Path | None,
        typer.Option(
            parser=path_typed,
            metavar="FILE",
            help="Write every message and script, a JSON line each.",
        ),
    ] = None,
) -> None:
    """Run a scenario: a table, pictures, and the record of the run.

    Examples:
    - `readfence run verify_storm`

    - `readfence run my.yaml --set network.one_way=5ms --seed 7 --out /tmp/slow`

    - `readfence run verify_storm --json --no-plots | jq '.variants'`

    """
    loaded = load(scenario, assignments or (), seed)
    folder = folder or Path("out") / loaded.name
    make_folder(folder)
    before = run_in(folder)
    result = _run(loaded, folder, quiet=quiet or as_json, trace=trace)
    if not quiet:
        for line in failures(result.record):
            err.print(f"warning: {printable(line)}")
        if before is not None and before != result.record.told:
            err.print(f"{folder} held {before}, which this run replaced; --out keeps both")
    pictures = _draw(result.record, folder) if plots else []
    if as_json:
        print_json(summary(result.record, wall_s=result.wall_s))
    elif not quiet:
        out.print(summary_view(result.record, wall_s=result.wall_s, width=out.width))
        out.print(f"\nrecord    {folder / 'run.json'}", soft_wrap=True)
        for picture in pictures:
            if picture.suffix == ".png":
                out.print(f"picture   {picture}", soft_wrap=True)


@app.command()
@ends_in_status
def check(
    scenario: ScenarioArgument,
    assignments: SetOption = None,
    seed: SeedOption = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--out", parser=path_typed, metavar="DIR", help="Keep the record of the run there."
        ),
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    junit: Annotated[
        Path | None,
        typer.Option(parser=path_typed, metavar="FILE", help="Write JUnit XML, one case per line."),
    ] = None,
    markdown: Annotated[
        Path | None,
        typer.Option(parser=path_typed, metavar="FILE", help="Write Markdown for a pull request."),
    ] = None,
) -> Exit:
    """Run a scenario and hold it against its `expect:` lines; exit 1 if one is broken.

    A line on `plan.VARIANT.capacity` has the plan made as well; finished runs of it are kept.

    Under GitHub Actions, broken lines become annotations and the table goes to the job summary.

    Examples:
    - `readfence check verify_storm`

    - `readfence check scenarios/must_fail/as_merged.yaml --junit report.xml`

    - `readfence check my.yaml --markdown comment.md --out artifacts`

    """
    loaded = load(scenario, assignments or (), seed)
    if not loaded.scenario.expect:
        raise InputError(f"{loaded.path}: expected lines under `expect:` to check, got none")
    for needed in (folder, *(file.parent for file in (junit, markdown) if file is not None)):
        if needed is not None:
            make_folder(needed)
    result = _run(loaded, folder, quiet=quiet or as_json, trace=None)
    shown = _as_repository_names(loaded.path)
    gates = [
        Gate(text, shown, line)
        for text, line in zip(loaded.scenario.expect, loaded.expectation_lines, strict=True)
    ]
    planned = None
    if loaded.needs_plan:
        planned = plan_for_check(loaded, folder, quiet=quiet or as_json)
    verdict = check_run(result.record, gates, planned)
    _write_reports(verdict, junit=junit, markdown=markdown)
    _annotate(verdict, on_stderr=as_json)
    if as_json:
        print_json(told.check_json(verdict))
    elif not quiet:
        out.print(told.check_view(verdict))
    return Exit.OK if verdict.kept else Exit.BROKEN


@app.command()
@ends_in_status
def validate(scenario: ScenarioArgument, assignments: SetOption = None) -> None:
    """Check a scenario without running it: settings, Lua syntax, expectations.

    Example: `readfence validate my.yaml`
    """
    loaded = load(scenario, assignments or ())
    names = ", ".join(variant.name for variant in loaded.variants)
    count = len(loaded.scenario.expect)
    out.print(f"{loaded.path}: valid; variants: {names}; expectations: {count}", soft_wrap=True)


@app.command()
@ends_in_status
def schema() -> None:
    """Print the JSON Schema of scenario files.

    Editors complete from it. With the YAML language server, put this line first in a scenario:

    `# yaml-language-server: $schema=readfence.schema.json`

    Example: `readfence schema > readfence.schema.json`
    """
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    print_json(dialect | Scenario.model_json_schema(by_alias=True))


@app.command("list")
@ends_in_status
def list_scenarios(as_json: JsonOption = False) -> None:
    """List the shipped scenarios.

    Example: `readfence list`
    """
    scenarios = [_listed(name) for name in shipped()]
    if as_json:
        print_json(scenarios)
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("scenario", "what it shows", "variants"):
        table.add_column(heading)
    for listed in scenarios:
        names = ", ".join(listed["variants"])
        table.add_row(Text(listed["name"]), Text(listed["title"]), Text(names))
    out.print(table)
    told_where = f"\nThey lie in {shipped_folder()}; run one with: readfence run NAME"
    out.print(told_where, soft_wrap=True)


app.command()(ends_in_status(sweep))
app.command()(ends_in_status(serve))
app.command()(ends_in_status(record))
app.command("import")(ends_in_status(import_monitor))
app.command("summary")(ends_in_status(traffic_summary))
app.command()(ends_in_status(plan))


def _listed(name: str) -> dict[str, Any]:
    """What a list tells of a shipped scenario, whether or not the packages it needs are there."""
    title, variants = title_and_variants(name)
    return {"name": name, "title": title, "variants": variants}


# -- running ------------------------------------------------------------------------------------


def _run(loaded: Loaded, folder: Path | None, *, quiet: bool, trace: Path | None) -> Result:
    """Run all variants, with progress; what is finished is saved even if the rest is not."""
    finished: list[str] = []
    file = None if trace is None else _opened(trace)

    def keep(result: Result) -> None:
        if folder is not None:
            save(result, folder)
            finished[:] = [variant.name for variant in result.record.variants]

    def tell_finished() -> None:
        if finished and folder is not None:
            err.print(f"finished before that: {', '.join(finished)} (in {folder / 'run.json'})")

    def give_up(error: KeyboardInterrupt | LimitReached) -> Exit:
        err.show_cursor()  # the bar hides it
        tell_finished()
        if file is not None:
            file.flush()
        return ended(error)

    try:
        with progress(quiet=quiet) as show:
            return run_all(loaded, progress=show, keep=keep, trace=file, give_up=give_up)
    except (KeyboardInterrupt, LimitReached, Stalled):
        tell_finished()
        raise
    finally:
        if file is not None:
            file.close()


def _opened(trace: Path) -> TextIO:
    try:
        return trace.open("w", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{trace}: cannot write there: {error.strerror}") from error


def _draw(record: RunRecord, folder: Path) -> list[Path]:
    # Here, since matplotlib takes longer to import than most commands take to run.
    from reports.plots.write import write_plots  # noqa: PLC0415

    with writing(folder):
        return write_plots(record, folder)


# -- telling ------------------------------------------------------------------------------------


def _as_repository_names(path: Path) -> str:
    """A scenario's path as annotations need it: from the root of the repository, in CI."""
    root = os.environ.get("GITHUB_WORKSPACE")
    absolute = path.resolve()
    if root is None or not absolute.is_relative_to(Path(root).resolve()):
        return str(path)
    return str(absolute.relative_to(Path(root).resolve()))


def _write_reports(verdict: Check, *, junit: Path | None, markdown: Path | None) -> None:
    if junit is not None:
        _write(junit, told.check_junit(verdict), mode="w")
    if markdown is not None:
        _write(markdown, told.check_markdown(verdict), mode="w")
    job_summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if job_summary and _under_github_actions():
        _write(Path(job_summary), told.check_markdown(verdict), mode="a")


def _annotate(verdict: Check, *, on_stderr: bool) -> None:
    """Print annotations; to stderr, which GitHub reads as well, where stdout is all JSON."""
    if _under_github_actions():
        for line in told.check_annotations(verdict):
            typer.echo(line, err=on_stderr)


def _under_github_actions() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"


def _write(path: Path, text: str, *, mode: str) -> None:
    with writing(path), path.open(mode, encoding="utf-8") as file:
        file.write(text)


def command_line() -> int:
    """Run what was typed; returns the status that `Exit` documents."""
    return process_status(app)
