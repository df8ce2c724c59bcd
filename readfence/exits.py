"""Exit status of the command line, and how each way for a command to end comes to its status.

A traceback is shown for a bug in readfence, and for nothing else.
"""

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum
from functools import wraps
from pathlib import Path
from typing import ParamSpec

import typer

from readfence.console import err
from sim.errors import LimitReached, ReadfenceError, Stalled

Parameters = ParamSpec("Parameters")


class Exit(IntEnum):
    """What a command's exit status tells."""

    OK = 0
    """Done; for `check`: every expectation is kept."""
    BROKEN = 1
    """An expectation is broken, or could not be decided."""
    INPUT = 2
    """The input is wrong: scenario, option, expectation, script, output folder."""
    BUG = 3
    """A bug in readfence."""
    INCONCLUSIVE = 4
    """A limit ended the run, or it stalled."""
    ENVIRONMENT = 5
    """The machine failed: no space or memory left, a file that cannot be written."""
    INTERRUPTED = 130
    """Ctrl-C."""
    UNREAD = 141
    """Who read the output went away, as in `readfence list | head -1`: the status that shells show
    for a tool that a closed pipe ended."""


class EnvironmentFailed(ReadfenceError):
    """The machine failed, not the input."""


@contextmanager
def writing(path: Path, beside: str = "") -> Iterator[None]:
    """Have what cannot be written at a path be a failure of the machine; `beside` ends its text."""
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        raise EnvironmentFailed(f"{path}: cannot be written: {why}{beside}") from error


def ends_in_status(
    function: Callable[Parameters, Exit | None],
) -> Callable[Parameters, None]:
    """`function` as a command of typer: it ends with its status, errors are told on stderr."""

    @wraps(function)
    def command(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        # typer must not see what goes wrong: it has statuses of its own for some of it.
        raise typer.Exit(_status(lambda: function(*args, **kwargs)))

    return command


def process_status(command: Callable[[], object]) -> int:
    """The status of a whole process that runs a `command` of typer, its help and usage included."""

    def called() -> int:
        try:
            command()
        except SystemExit as end:
            # typer and rich exit with 1 when nobody reads their help; 1 means a broken gate here.
            if isinstance(end.__context__, BrokenPipeError):
                raise end.__context__ from None
            return end.code if isinstance(end.code, int) else Exit.OK
        return Exit.OK

    return _status(called)


def _status(action: Callable[[], int | None]) -> int:
    """The status in which `action` ends. Raises nothing, whatever happens."""
    try:
        return _tried(action)
    except OSError as error:
        _fall_silent(error)
        return Exit.UNREAD if isinstance(error, BrokenPipeError) else Exit.ENVIRONMENT


def _tried(action: Callable[[], int | None]) -> int:
    """`_status`, as long as it can be told. Raises `OSError` when the machine fails."""
    try:
        status = action()
        sys.stdout.flush()
        return status or Exit.OK
    except (KeyboardInterrupt, ReadfenceError) as error:
        return ended(error)
    except MemoryError:
        err.print("readfence: no memory left")
        return Exit.ENVIRONMENT
    except OSError:
        raise
    except Exception:  # the last resort: a bug must be told apart from a broken expectation
        err.print("readfence: this is a bug in readfence; please report what follows")
        err.print(traceback.format_exc())
        return Exit.BUG


def ended(error: KeyboardInterrupt | ReadfenceError) -> Exit:
    """Say on stderr what ended a command; returns its status."""
    if isinstance(error, KeyboardInterrupt):
        err.print("interrupted")
        return Exit.INTERRUPTED
    err.print(f"readfence: {error}")
    if isinstance(error, LimitReached | Stalled):
        return Exit.INCONCLUSIVE
    return Exit.ENVIRONMENT if isinstance(error, EnvironmentFailed) else Exit.INPUT


def _fall_silent(error: OSError) -> None:
    """Say what failed, if anybody hears it; the interpreter then writes nothing more at its end."""
    if not isinstance(error, BrokenPipeError):
        with suppress(OSError):
            err.print(f"readfence: the machine failed: {error.strerror or error}")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # a stream that is no file
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
