"""Running points: each once, whoever asks for it."""

from collections.abc import Iterator
from pathlib import Path

from readfence.executor import Executor
from readfence.executors import Inline
from readfence.points import Point, PointResult
from readfence.runner import PointRunner
from readfence.store import PointStore
from tests.readfence.points import points


class Counting(Executor):
    """Runs points in this process, and notes which."""

    def __init__(self) -> None:
        self.inline = Inline()
        self.ran: list[int] = []

    def submit(self, index: int, point: Point) -> None:
        self.ran.append(index)
        self.inline.submit(index, point)

    def completed(self) -> Iterator[tuple[int, PointResult]]:
        return self.inline.completed()

    @property
    def running(self) -> int:
        return self.inline.running

    def close(self) -> None:
        self.inline.close()


def store() -> PointStore:
    """A store in the current directory."""
    return PointStore(Path("points"), lambda text: None)


def test_a_finished_point_is_not_run_again() -> None:
    """Its result comes from the store, and says so."""
    first, second, third = points(3)
    runner = PointRunner(Inline(), store())
    runner.submit(0, second)
    (before,) = runner.completed()
    counting = Counting()
    runner = PointRunner(counting, store())
    for index, point in enumerate((first, second, third)):
        runner.submit(index, point)
    done = {finished.index: finished for finished in runner.completed()}
    assert counting.ran == [0, 2]
    assert [done[index].from_store for index in range(3)] == [False, True, False]
    assert done[1].result == before.result
    assert (runner.ran, runner.from_store) == (2, 1)


def test_equal_points_are_run_once() -> None:
    """Each who asked is told."""
    (point,) = points(1)
    counting = Counting()
    runner = PointRunner(counting, None)
    runner.submit(4, point)
    runner.submit(9, point)
    done = list(runner.completed())
    assert counting.ran == [4]
    assert [finished.index for finished in done] == [4, 9]
    assert done[0].result == done[1].result


def test_more_may_be_asked_for_meanwhile() -> None:
    """Whether it has been run before or not, all comes in one go."""
    first, second, third = points(3)
    runner = PointRunner(Inline(), store())
    runner.submit(0, first)
    seen = []
    for finished in runner.completed():
        seen.append((finished.index, finished.from_store))
        if finished.index < 3:
            runner.submit(finished.index + 1, (second, first, third)[finished.index])
    assert seen == [(0, False), (1, False), (2, True), (3, False)]


class Late(Counting):
    """Ends every run by a limit of this machine, whose results are not kept."""

    def completed(self) -> Iterator[tuple[int, PointResult]]:
        for index, result in self.inline.completed():
            yield index, result.model_copy(update={"status": "limit", "lasting": False})


def test_what_will_not_last_does_not_count_as_kept(tmp_path: Path) -> None:
    """It is run again next time."""
    kept = PointStore(tmp_path, lambda text: None)
    counts = []
    for executor in (Late(), Inline(), Inline()):
        runner = PointRunner(executor, kept)
        runner.submit(0, points(1)[0])
        assert len(list(runner.completed())) == 1
        counts.append((runner.ran, runner.from_store, runner.kept))
    assert counts == [(1, 0, 0), (1, 0, 1), (0, 1, 1)]
