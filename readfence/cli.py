"""The command line: what is typed, what is printed, what the exit status says."""

import os
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.table import Table
from rich.text import Text

from models.spec import Scenario
from readfence.console import err, out, print_json, progress
from readfence.exits import EnvironmentFailed, Exit, ends_in_status
from readfence.monitor import Imported, events_of, lines_of
from readfence.recordings import load_recording
from readfence.runs import Result, make_folder, run_all, save
from readfence.scenarios import Loaded, Variant, load, shipped, shipped_folder
from readfence.traffic import summarize
from reports import check_output as told
from reports.check import Check, Gate, check_run
from reports.text import summary, summary_view
from sim.errors import InputError, LimitReached, Stalled
from sim.record import RunRecord

app = typer.Typer(
    add_completion=False,
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
    int | None,
    typer.Option("--seed", metavar="NUMBER", min=0, help="Another seed than the scenario's."),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no table.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


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
    3 a bug in readfence · 4 a limit ended the run · 5 the machine failed · 130 interrupted.
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
    folder: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Where results go. Default: `out/SCENARIO`."),
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
    loaded = load(scenario, assignments or (), seed)
    folder = folder or Path("out") / loaded.name
    make_folder(folder)
    result = _run(loaded, folder, quiet=quiet or as_json, trace=trace)
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
) -> Exit:
    """Run a scenario and hold it against its `expect:` lines; exit 1 if one is broken.

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
    verdict = check_run(result.record, gates)
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
    scenarios = [load(name) for name in shipped()]
    if as_json:
        print_json([_listed(loaded) for loaded in scenarios])
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("scenario", "what it shows", "variants"):
        table.add_column(heading)
    for loaded in scenarios:
        names = ", ".join(variant.name for variant in loaded.variants)
        table.add_row(Text(loaded.name), Text(loaded.scenario.title), Text(names))
    out.print(table)
    told_where = f"\nThey lie in {shipped_folder()}; run one with: readfence run NAME"
    out.print(told_where, soft_wrap=True)


def _listed(loaded: Loaded) -> dict[str, str | list[str]]:
    return {
        "name": loaded.name,
        "title": loaded.scenario.title,
        "variants": [variant.name for variant in loaded.variants],
    }


@app.command()
@ends_in_status
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
    from readfence.serving.serve import Options, serve as serve_until_stopped  # noqa: PLC0415

    loaded = load(scenario, assignments or (), seed)
    folder = folder or Path("out") / loaded.name
    make_folder(folder)
    options = Options(listen, port, requirepass, _speed(speed), metrics, quiet)
    result = serve_until_stopped(loaded, _variant(loaded, variant), options)
    save(result, folder)
    if not quiet:
        if result.record.variants[0].columns["id"]:
            out.print(summary_view(result.record, wall_s=result.wall_s, width=out.width))
        out.print(f"\nrecord    {folder / 'run.json'}", soft_wrap=True)


@app.command()
@ends_in_status
def record(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the recording goes, JSONL.")],
    upstream: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="The Redis that answers.")
    ] = "127.0.0.1:6379",
    listen: Annotated[
        str, typer.Option(metavar="[HOST:]PORT", help="Where clients connect.")
    ] = "127.0.0.1:6381",
    hash_values: Annotated[
        bool, typer.Option("--hash-values", help="Write hashes instead of values.")
    ] = False,
) -> None:
    """Record what clients send to a Redis, and what it answers, by standing in between.

    Example: `readfence record traffic.jsonl --listen 6381 --upstream localhost:6379`
    """
    from readfence.serving.record import record as record_until_stopped  # noqa: PLC0415

    commands = record_until_stopped(
        file,
        listen=_address(listen, "--listen"),
        upstream=_address(upstream, "--upstream"),
        hash_values=hash_values,
    )
    out.print(f"{commands:,} commands recorded in {file}", soft_wrap=True)


@app.command("import")
@ends_in_status
def import_monitor(
    log: Annotated[Path, typer.Argument(metavar="LOG", help="Output of `redis-cli MONITOR`.")],
    file: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Default: LOG with `.jsonl`.")
    ] = None,
) -> None:
    """Turn the output of `redis-cli MONITOR` into a recording that can be replayed.

    It holds no replies, and not the calls of scripts, which a replay makes itself.

    Example: `redis-cli monitor > monitor.log`, later `readfence import monitor.log`
    """
    file = file or log.with_suffix(".jsonl")
    told = Imported()
    try:
        with log.open("rb") as lines, file.open("w", encoding="utf-8") as text:
            for line in lines_of(events_of(lines, str(log), told), file.stem):
                text.write(line + "\n")
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}") from error
    out.print(
        f"{told.commands:,} commands of {len(told.connections):,} connections in {file}; left out: "
        f"{told.script_calls:,} calls of scripts, {told.other_databases:,} commands to other "
        "databases than 0",
        soft_wrap=True,
    )


@app.command("summary")
@ends_in_status
def summary_of(
    recording: Annotated[Path, typer.Argument(metavar="RECORDING", help="A recording, JSONL.")],
    as_json: JsonOption = False,
) -> None:
    """Tell what a recording holds: scripts with calls per run, commands, undeclared keys.

    It is replayed once, without a fence, to see what its scripts call.

    Example: `readfence summary traffic.jsonl`
    """
    told = summarize(load_recording(recording))
    if as_json:
        print_json(told.as_json())
    else:
        out.print(told.view())


def _address(text: str, option: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdigit() or int(port) > 65535:
        raise InputError(f"{option} {text}: expected HOST:PORT")
    return host or "127.0.0.1", int(port)


def _speed(text: str) -> float | None:
    """A speed; None for `max`."""
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise InputError(f"--speed {text}: expected a factor above 0, or max")
    return speed


def _variant(loaded: Loaded, name: str | None) -> Variant:
    if name is None:
        return loaded.variants[0]
    for variant in loaded.variants:
        if variant.name == name:
            return variant
    names = ", ".join(variant.name for variant in loaded.variants)
    raise InputError(f"--variant {name}: expected one of {names}")


# -- running ------------------------------------------------------------------------------------


def _run(loaded: Loaded, folder: Path | None, *, quiet: bool, trace: Path | None) -> Result:
    """Run all variants, with progress; what is finished is saved even if the rest is not."""
    finished: list[str] = []

    def keep(result: Result) -> None:
        if folder is not None:
            save(result, folder)
            finished[:] = [variant.name for variant in result.record.variants]

    file = None if trace is None else _opened(trace)
    try:
        with progress(quiet=quiet) as show:
            return run_all(loaded, progress=show, keep=keep, trace=file)
    except (KeyboardInterrupt, LimitReached, Stalled):
        if finished and folder is not None:
            err.print(f"finished before that: {', '.join(finished)} (in {folder / 'run.json'})")
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

    try:
        return write_plots(record, folder)
    except OSError as error:
        raise EnvironmentFailed(f"{folder}: cannot be written: {error.strerror}") from error


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
    try:
        with path.open(mode, encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise EnvironmentFailed(f"{path}: cannot be written: {error.strerror}") from error


def main() -> None:
    """Run the command line and exit with the status that `Exit` documents."""
    app()
