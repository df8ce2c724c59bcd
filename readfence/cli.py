"""The command line: what is typed, what is printed, what the exit status says."""

import json
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Final

import click
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from models.spec import Scenario
from readfence.exits import EnvironmentFailed, Exit
from readfence.runs import Result, make_folder, run_all, save
from readfence.scenarios import Loaded, load, shipped, shipped_folder
from reports import check_output as told
from reports.check import Check, Gate, check_run
from reports.plots.write import write_plots
from reports.text import summary, summary_view
from sim.errors import InputError, LimitReached, ReadfenceError, Stalled
from sim.record import RunRecord

WIDTH_MIN: Final = 100
"""Columns for tables where the output is no terminal."""

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)

ScenarioArgument = Annotated[
    str,
    typer.Argument(
        metavar="SCENARIO", help="A scenario file, or the name of a shipped one (`readfence list`)."
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Override a setting, such as `--set cluster.nodes=5`; may be given several times.",
    ),
]
SeedOption = Annotated[
    int | None, typer.Option("--seed", min=0, help="Another seed than the scenario's.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no table.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

out = Console(width=None if sys.stdout.isatty() else WIDTH_MIN, soft_wrap=False, highlight=False)
err = Console(stderr=True, highlight=False, soft_wrap=True)


@app.callback(invoke_without_command=True)
def _readfence(
    context: typer.Context,
    show_version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Simulate what read fences cost a replicated store that runs Lua scripts.

    Runs a scenario under several fences in virtual time, shows latencies and verification counts,
    and checks that they stay what they are.

    Exit status: 0 done, all expectations kept · 1 an expectation broken · 2 the input is wrong ·
    3 a bug in readfence · 4 a limit ended the run · 5 the machine failed · 130 interrupted.
    """
    if show_version:
        out.print(f"readfence {version('readfence')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        out.print(context.get_help(), markup=False)


@app.command()
def run(
    scenario: ScenarioArgument,
    assignments: SetOption = None,
    seed: SeedOption = None,
    folder: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Where results go. Default: out/<scenario>."),
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    plots: Annotated[bool, typer.Option(help="Draw the pictures.")] = True,
    trace: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write every message and script, a JSON line each."),
    ] = None,
) -> None:
    """Run a scenario: a table, pictures, and the record of the run.

    Examples:
    - `readfence run verify_storm`

    - `readfence run my.yaml --set network.one_way=5ms --seed 7 --out /tmp/slow`

    - `readfence run verify_storm --json --no-plots | jq '.variants'`

    """
    loaded = load(scenario, assignments, seed)
    folder = folder or Path("out") / loaded.name
    make_folder(folder)
    result = _run(loaded, folder, quiet=quiet or as_json, trace=trace)
    pictures = _draw(result.record, folder) if plots else []
    if as_json:
        _print_json(summary(result.record, wall_s=result.wall_s))
    elif not quiet:
        out.print(summary_view(result.record, wall_s=result.wall_s, width=out.width))
        out.print(f"\nrecord    {folder / 'run.json'}", markup=False)
        for picture in pictures:
            if picture.suffix == ".png":
                out.print(f"picture   {picture}", markup=False)


@app.command()
def check(
    scenario: ScenarioArgument,
    assignments: SetOption = None,
    seed: SeedOption = None,
    folder: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Keep the record of the run there."),
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write JUnit XML, one case per line.")
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write Markdown for a pull request.")
    ] = None,
) -> None:
    """Run a scenario and hold it against its `expect:` lines; exit 1 if one is broken.

    Under GitHub Actions, broken lines become annotations and the table goes to the job summary.

    Examples:
    - `readfence check verify_storm`

    - `readfence check scenarios/must_fail/as_merged.yaml --junit report.xml`

    - `readfence check my.yaml --markdown comment.md --out artifacts`

    """
    loaded = load(scenario, assignments, seed)
    if not loaded.scenario.expect:
        raise InputError(f"{loaded.path}: there is no `expect:`, so there is nothing to check")
    if folder is not None:
        make_folder(folder)
    result = _run(loaded, folder, quiet=quiet or as_json, trace=None)
    gates = [
        Gate(text, str(loaded.path), line)
        for text, line in zip(loaded.scenario.expect, loaded.expectation_lines, strict=True)
    ]
    verdict = check_run(result.record, gates)
    _tell(verdict, as_json=as_json, quiet=quiet, junit=junit, markdown=markdown)
    raise typer.Exit(Exit.OK if verdict.kept else Exit.BROKEN)


@app.command()
def validate(scenario: ScenarioArgument, assignments: SetOption = None) -> None:
    """Check a scenario without running it: settings, Lua syntax, expectations.

    Example: `readfence validate my.yaml`
    """
    loaded = load(scenario, assignments)
    names = ", ".join(variant.name for variant in loaded.variants)
    count = len(loaded.scenario.expect)
    out.print(f"{loaded.path}: valid; variants: {names}; expectations: {count}", markup=False)


@app.command()
def schema() -> None:
    """Print the JSON Schema of scenario files.

    Editors complete from it. With the YAML language server, put this line first in a scenario:

    `# yaml-language-server: $schema=readfence.schema.json`

    Example: `readfence schema > readfence.schema.json`
    """
    _print_json(Scenario.model_json_schema(by_alias=True))


@app.command("list")
def list_scenarios(as_json: JsonOption = False) -> None:
    """List the shipped scenarios.

    Example: `readfence list`
    """
    rows = [
        {
            "name": name,
            "title": loaded.scenario.title,
            "variants": [variant.name for variant in loaded.variants],
        }
        for name, loaded in ((name, load(name)) for name in shipped())
    ]
    if as_json:
        _print_json(rows)
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("scenario", "what it shows", "variants"):
        table.add_column(heading)
    for row in rows:
        table.add_row(row["name"], row["title"], ", ".join(row["variants"]))  # type: ignore[arg-type]
    out.print(table)
    out.print(f"\nThey lie in {shipped_folder()}; run one with: readfence run NAME", markup=False)


# -- helpers ------------------------------------------------------------------------------------


def _run(loaded: Loaded, folder: Path | None, *, quiet: bool, trace: Path | None) -> Result:
    """Run all variants, with progress; what is finished is saved even if the rest is not."""
    finished: list[str] = []

    def keep(result: Result) -> None:
        if folder is not None:
            save(result, folder)
        finished[:] = [variant.name for variant in result.record.variants]

    file = None
    try:
        file = None if trace is None else _opened(trace)
        with _progress(quiet) as show:
            return run_all(loaded, progress=show, keep=keep, trace=file)
    except (KeyboardInterrupt, LimitReached, Stalled):
        if finished and folder is not None:
            err.print(
                f"finished before that: {', '.join(finished)} (in {folder / 'run.json'})",
                markup=False,
            )
        raise
    finally:
        if file is not None:
            file.close()


def _opened(path: Path) -> Any:
    try:
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot write there: {error.strerror}") from error


@contextmanager
def _progress(quiet: bool) -> Iterator[Any]:
    """A function to report progress to: a bar on a terminal, a line per variant elsewhere."""
    if quiet:
        yield lambda name, done, total: None
        return
    if not err.is_terminal:
        seen: dict[str, None] = {}

        def line(name: str, done: int, total: int | None) -> None:
            if name not in seen:
                seen[name] = None
                err.print(f"running {name} ...", markup=False)

        yield line
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,} scripts"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def show(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=done, total=total)

        yield show


def _draw(record: RunRecord, folder: Path) -> list[Path]:
    try:
        return write_plots(record, folder)
    except OSError as error:
        raise EnvironmentFailed(f"{folder}: cannot be written: {error.strerror}") from error


def _tell(
    verdict: Check, *, as_json: bool, quiet: bool, junit: Path | None, markdown: Path | None
) -> None:
    if as_json:
        _print_json(told.check_json(verdict))
    elif not quiet:
        out.print(told.check_view(verdict))
    if junit is not None:
        _write(junit, told.check_junit(verdict))
    if markdown is not None:
        _write(markdown, told.check_markdown(verdict))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for line in told.check_annotations(verdict):
            sys.stdout.write(line + "\n")
        job_summary = os.environ.get("GITHUB_STEP_SUMMARY")
        if job_summary:
            with Path(job_summary).open("a", encoding="utf-8") as file:
                file.write(told.check_markdown(verdict))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise EnvironmentFailed(f"{path}: cannot be written: {error.strerror}") from error


def _print_json(content: Any) -> None:
    sys.stdout.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def main() -> None:
    """Run the command line and exit with the status that `Exit` documents."""
    sys.exit(_status())


def _status() -> int:
    try:
        status = app(standalone_mode=False)
        sys.stdout.flush()
        return int(status or Exit.OK)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as error:
        error.show()
        return Exit.INPUT
    except (KeyboardInterrupt, click.Abort):
        err.print("interrupted")
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; nothing is left to be said, not even by the interpreter.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except ReadfenceError as error:
        err.print(f"readfence: {error}", markup=False)
        return _status_of(error)
    except Exception:  # the last resort: a bug must be told apart from a broken expectation
        err.print("readfence: this is a bug in readfence; please report what follows")
        err.print(traceback.format_exc(), markup=False)
        return Exit.BUG


def _status_of(error: ReadfenceError) -> Exit:
    if isinstance(error, LimitReached | Stalled):
        return Exit.INCONCLUSIVE
    return Exit.ENVIRONMENT if isinstance(error, EnvironmentFailed) else Exit.INPUT
