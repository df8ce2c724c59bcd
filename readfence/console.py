"""Where a command's words go: results to stdout, everything else to stderr.

Text is printed as it is. rich would read `[x]` as a style, and the line number in `a.yaml:100:` as
the name of an emoji.
"""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Any, Final, TypeAlias, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, track

WIDTH: Final = 100
"""Columns of tables where the output is no terminal."""

_MANY: Final = 1_000
"""Combinations of a sweep whose reading takes long enough to be shown."""
Step = TypeVar("Step")

Show: TypeAlias = Callable[[str, int, int | None], None]
"""Shows progress: a variant, how many of its scripts are answered, of how many if that is known."""


ShowPoints: TypeAlias = Callable[[int, int, int], None]
"""Shows progress: points run, points that had been run before, points running now."""
ShowPlan: TypeAlias = Callable[[str, str, int], None]
"""Shows a plan: a variant, what is being tried of it, in words, and how many runs it had."""


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


@contextmanager
def point_progress(total: int, *, quiet: bool) -> Iterator[ShowPoints]:
    """Something to report finished points to: a bar on a terminal, else a line per tenth."""
    if quiet:
        yield lambda ran, from_store, running: None
    elif sys.stderr.isatty():
        bars = Progress(
            TextColumn("{task.completed:,.0f} of {task.total:,.0f} points"),
            BarColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=err,
            transient=True,
        )
        with bars:
            task = bars.add_task("", total=total)
            yield _bar_of_points(bars, task, _Estimate(total))
    else:
        yield _line_now_and_then(_Estimate(total))


def read_progress(steps: Iterable[Step], count: int, *, quiet: bool) -> Iterable[Step]:
    """The steps, with a bar on a terminal while they are gone through, if there are many."""
    return track(
        steps, "reading combinations", count, console=err, transient=True,
        disable=quiet or count < _MANY or not err.is_terminal,
    )  # fmt: skip


@contextmanager
def plan_progress(names: Iterable[str], *, quiet: bool) -> Iterator[ShowPlan]:
    """Something to report a plan to: a line per variant on a terminal, else a line per change."""
    if quiet:
        yield lambda name, words, runs: None
    elif sys.stderr.isatty():
        bars = Progress(
            TextColumn("{task.fields[name]}"),
            TextColumn("{task.completed:>6,.0f} runs"),
            TextColumn("{task.description}"),
            console=err,
            transient=True,
        )
        with bars:
            tasks = {name: bars.add_task("", total=None, name=name) for name in names}
            yield lambda name, words, runs: bars.update(
                tasks[name], description=words, completed=runs
            )
    else:
        yield _line_per_change()


def _line_per_change() -> ShowPlan:
    told: dict[str, str] = {}

    def show(name: str, words: str, runs: int) -> None:
        if told.get(name) != words:
            told[name] = words
            err.print(f"{name}: {words}")

    return show


class _Estimate:
    """How far it is, in words."""

    def __init__(self, total: int) -> None:
        self.total = total
        self._began = time.monotonic()

    def words(self, ran: int, from_store: int, running: int) -> str:
        """What is known: points from the store took no time, so the others tell what is left."""
        known = [f"{from_store:,} from the store"] if from_store else []
        known.append(f"{running:,} running")
        left = self.total - ran - from_store
        if ran and left:
            seconds = (time.monotonic() - self._began) * left / ran
            known.append(f"about {_clock(seconds)} left")
        return ", ".join(known)


def _clock(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def _bar_of_points(bars: Progress, task: TaskID, estimate: _Estimate) -> ShowPoints:
    def show(ran: int, from_store: int, running: int) -> None:
        words = estimate.words(ran, from_store, running)
        bars.update(task, completed=ran + from_store, description=words)

    return show


def _line_now_and_then(estimate: _Estimate) -> ShowPoints:
    """At the start, and whenever another tenth is done."""
    told = -1

    def show(ran: int, from_store: int, running: int) -> None:
        nonlocal told
        done = ran + from_store
        tenth = 10 * done // max(1, estimate.total)
        if tenth > told:
            told = tenth
            words = estimate.words(ran, from_store, running)
            err.print(f"{done:,} of {estimate.total:,} points, {words}")

    return show


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
