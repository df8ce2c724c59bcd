"""The command line."""

import typer

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""
Simulate what a read fence costs a replicated store that runs Lua scripts, compare fences, and keep
the result from coming undone.

A scenario is a YAML file; those that are shipped can be named without a path (see `readfence list`).

Exit status: 0 done and all expectations kept, 1 an expectation broken, 2 the input is wrong, 3 a
bug in readfence, 4 a limit ended the run, 5 the machine failed, 130 interrupted.
""",
)
