"""The commands on recordings: `readfence record`, `import` and `summary`."""

from pathlib import Path
from typing import Annotated

import typer

from readfence.addresses import Address
from readfence.console import out, print_json
from readfence.files import written_whole
from readfence.options import JsonOption
from readfence.recordings.files import load_recording
from readfence.recordings.monitor import Imported, events_of, lines_of
from readfence.recordings.traffic import summarize
from sim.errors import InputError


def record(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where the recording goes, JSONL; a new file.")
    ],
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
    from readfence.recordings.record import record_until_stopped  # noqa: PLC0415

    commands = record_until_stopped(
        file,
        listen=Address.read(listen, "--listen"),
        upstream=Address.read(upstream, "--upstream"),
        hash_values=hash_values,
    )
    out.print(f"{commands:,} commands recorded in {file}", soft_wrap=True)


def import_monitor(
    log: Annotated[Path, typer.Argument(metavar="LOG", help="Output of `redis-cli MONITOR`.")],
    file: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="Default: LOG with `.jsonl`; replaced if it exists."
        ),
    ] = None,
) -> None:
    """Turn the output of `redis-cli MONITOR` into a recording that can be replayed.

    It holds no replies, and not the calls of scripts, which a replay makes itself.

    Example: `redis-cli monitor > monitor.log`, later `readfence import monitor.log`
    """
    file = file or log.with_suffix(".jsonl")
    told = Imported()
    try:
        lines = log.open("rb")
    except OSError as error:
        raise InputError(f"{log}: cannot be read: {error.strerror}") from error
    with lines:
        if file.exists() and file.samefile(log):
            raise InputError(f"--out {file}: expected another file than LOG, got LOG itself")
        with written_whole(file) as text:
            for line in lines_of(events_of(lines, str(log), told), file.stem):
                text.write(line + "\n")
    out.print(
        f"{told.commands:,} commands of {len(told.connections):,} connections in {file}; left out: "
        f"{told.script_calls:,} calls of scripts, {told.other_databases:,} commands to other "
        "databases than 0",
        soft_wrap=True,
    )


def summary(
    recording: Annotated[Path, typer.Argument(metavar="RECORDING", help="A recording, JSONL.")],
    lua_packages: Annotated[
        list[str] | None,
        typer.Option("--lua-package", metavar="NAME", help="Holds scripts named by their SHA-1."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Tell what a recording holds: scripts with calls per run, commands, undeclared keys.

    It is replayed once, without a fence, to see what its scripts call.

    Example: `readfence summary traffic.jsonl`
    """
    told = summarize(load_recording(recording, lua_packages or ()))
    if as_json:
        print_json(told.as_json())
    else:
        out.print(told.view())
