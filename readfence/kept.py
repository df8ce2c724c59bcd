"""What commands that run points share: finished points are kept in the folder of the results.

So whatever ends such a command, the same command goes on from there.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from readfence.console import err, out
from readfence.executors import Name, make_executor
from readfence.exits import EnvironmentFailed, Exit, ended
from readfence.runner import PointRunner
from readfence.store import PointStore
from sim.errors import LimitReached


@contextmanager
def points_kept(
    folder: Path,
    *,
    executor: Name,
    workers: int | None,
    scheduler: str | None,
    done: Callable[[int], str],
) -> Iterator[PointRunner]:
    """Who runs points, and keeps them in a folder; says so when it is ended before they are done.

    `done` puts a number of finished points into words, such as "3 of 12 points".
    """

    def tell_kept(error: BaseException) -> None:
        # What met its limit here would meet it again.
        more = "" if isinstance(error, LimitReached) else "; the same command goes on from there"
        err.print(f"{done(runner.kept)} are done and kept{more}")

    def give_up(error: KeyboardInterrupt | LimitReached) -> Exit:
        err.show_cursor()  # the bar hides it
        tell_kept(error)
        return ended(error)

    store = PointStore(folder / "points", err.print)
    with make_executor(
        executor, workers=workers, scheduler=scheduler, tell=err.print, give_up=give_up
    ) as running:
        runner = PointRunner(running, store)
        try:
            yield runner
        except (KeyboardInterrupt, EnvironmentFailed, LimitReached) as error:
            tell_kept(error)
            raise


def tell_written(runner: PointRunner, noun: str, files: Sequence[Path]) -> None:
    """Print where points came from and what was written, each picture once."""
    out.print(f"\n{runner.ran:,} {noun}, {runner.from_store:,} from the store")
    for path in files:
        if path.suffix != ".svg":
            out.print(str(path), soft_wrap=True)
