"""Arguments and options that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

from readfence.executors import Name


def path_typed(typed: str) -> Path:
    """A path as it was typed. Nothing at all would become the current folder."""
    if not typed:
        raise typer.BadParameter("expected a path, got an empty one")
    return Path(typed)


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
        help="Override a setting, such as `--set cluster.nodes=5`, or take it away with "
        "`KEY=null`; may be given several times.",
    ),
]
SeedOption = Annotated[
    int | None,
    typer.Option("--seed", metavar="NUMBER", min=0, help="Another seed than the scenario's."),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no table.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
ExecutorOption = Annotated[
    Name,
    typer.Option(
        "--executor",
        help="Who runs the points: `processes` of this machine, this process (`inline`), or a "
        "`dask` cluster that runs already. Results are the same.",
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option("--workers", metavar="NUMBER", min=1, help="Processes. Default: one per core."),
]
SchedulerOption = Annotated[
    str | None,
    typer.Option("--scheduler", metavar="ADDRESS", help="Of Dask, such as `tcp://host:8786`."),
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        parser=path_typed,
        metavar="DIR",
        help="Where results go. Default: `out/SCENARIO`.",
    ),
]
PlotsOption = Annotated[bool, typer.Option(help="Draw the pictures.")]
