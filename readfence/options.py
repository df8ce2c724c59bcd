"""Arguments and options that several commands take."""

from typing import Annotated

import typer

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
