"""Where a command's words go: results to stdout, everything else to stderr.

Text is printed as it is. rich would read `[x]` as a style, and the line number in `a.yaml:100:` as
the name of an emoji.
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Any, Final, TypeAlias

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

WIDTH: Final = 100
"""Columns of tables where the output is no terminal."""

Show: TypeAlias = Callable[[str, int, int | None], None]
"""Shows progress: a variant, how many of its scripts are answered, of how many if that is known."""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise  # noqa: PLE0704  (rich calls this where it caught the error, and would exit with 1)


for _stream in (sys.stdout, sys.stderr):
    if isinstance(_stream, TextIOWrapper):  # a test runner has others
        _stream.reconfigure(errors="replace")  # an encoding that lacks a character of a scenario

out = _Console(
    width=None if sys.stdout.isatty() else WIDTH, highlight=False, markup=False, emoji=False
)
err = _Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


def print_json(content: Any) -> None:
    """Print JSON to stdout."""
    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    sys.stdout.write(json.dumps(content, indent=2, ensure_ascii=not unicode) + "\n")


@contextmanager
def progress(*, quiet: bool) -> Iterator[Show]:
    """Something to report progress to: a bar on a terminal, a line per variant elsewhere."""
    if quiet:
        yield lambda name, done, total: None
    elif sys.stderr.isatty():
        with _bars() as bars:
            yield _bar_per_variant(bars)
    else:
        yield _line_per_variant()


def _line_per_variant() -> Show:
    seen: dict[str, None] = {}

    def show(name: str, done: int, total: int | None) -> None:
        if name not in seen:
            seen[name] = None
            err.print(f"running {name} ...")

    return show


def _bars() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,} scripts"),
        TimeElapsedColumn(),
        console=err,
        transient=True,
    )


def _bar_per_variant(bars: Progress) -> Show:
    tasks: dict[str, TaskID] = {}

    def show(name: str, done: int, total: int | None) -> None:
        if name not in tasks:
            tasks[name] = bars.add_task(name, total=total)
        bars.update(tasks[name], completed=done, total=total)

    return show
