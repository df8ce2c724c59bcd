"""The process pool: equal results, and processes that die."""

import os
import signal
import time
from pathlib import Path

import pytest

from readfence.executors import Inline
from readfence.exits import EnvironmentFailed
from readfence.process_pool import ProcessPool
from readfence.runner import PointRunner
from tests.readfence import points as deaths
from tests.readfence.points import points


def test_results_are_those_of_this_process() -> None:
    """Byte by byte, on however many processes; none is left over."""
    wanted = points(6, series=4)
    inline = Inline()
    for index, point in enumerate(wanted):
        inline.submit(index, point)
    expected = {index: result.to_text() for index, result in inline.completed()}
    with ProcessPool(2) as pool:
        for index, point in enumerate(wanted):
            pool.submit(index, point)
        found = {index: result.to_text() for index, result in pool.completed()}
        processes = [worker.process for worker in pool._workers]
        assert len(processes) == 2
        assert pool.running == 0
    assert found == expected
    assert not any(process.is_alive() for process in processes)


def test_no_more_processes_are_started_than_there_are_points() -> None:
    """A process costs about a second."""
    with ProcessPool(8) as pool:
        pool.submit(0, points(1)[0])
        assert len(list(pool.completed())) == 1
        assert len(pool._workers) == 1


def test_a_killed_process_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its point is run by another."""
    monkeypatch.setattr("readfence.process_pool._work", deaths.dies_once)
    runner = PointRunner(ProcessPool(2), None)
    with runner._executor:
        for index, point in enumerate(points(4)):
            runner.submit(index, point)
        done = sorted((finished.index, finished.result.status) for finished in runner.completed())
    assert Path("killed").exists()
    assert done == [(0, "ok"), (1, "ok"), (2, "ok"), (3, "ok")]


def test_a_point_that_kills_its_process_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """After three times, with its seed; its neighbours are not to blame."""
    monkeypatch.setattr("readfence.process_pool._work", deaths.dies_of_seed_2)
    with ProcessPool(2) as pool:
        for index, point in enumerate(points(6)):
            pool.submit(index, point)
        results = dict(pool.completed())
    assert [results[index].status for index in range(6)] == ["ok", "error", *["ok"] * 4]
    assert Path("deaths").read_text() == 3 * "one\n"
    assert results[1].seed == 2
    assert results[1].reason == "its process died 3 times, at last by SIGKILL"
    assert not results[1].lasting


def test_a_process_killed_while_it_is_idle_is_replaced() -> None:
    """Nobody's point is blamed."""
    first, second = points(2)
    with ProcessPool(1) as pool:
        pool.submit(0, first)
        assert [index for index, _ in pool.completed()] == [0]
        os.kill(pool._workers[0].process.pid or 0, signal.SIGKILL)
        pool._workers[0].process.join()
        pool.submit(1, second)
        assert [result.status for _, result in pool.completed()] == ["ok"]
        assert not pool._deaths


def test_processes_that_die_at_their_start_are_not_replaced_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However large the point that waits for them: it would not fit into the pipe."""
    monkeypatch.setattr("readfence.process_pool._work", deaths.dies_at_its_start)
    large = points(1)[0].model_copy(update={"lua_files": {"a.lua": "-" * 1_000_000}})
    expected = (
        "^--executor processes: expected processes that start, got 3 that died at their start, at "
        "last by exit status 7$"
    )
    with ProcessPool(2) as pool:
        for index in range(4):
            pool.submit(index, large)
        with pytest.raises(EnvironmentFailed, match=expected):
            list(pool.completed())
    assert 3 <= len(Path("starts").read_text().splitlines()) <= 4


def test_a_large_point_comes_through() -> None:
    """One that does not fit into the pipe is read while it is being sent."""
    (point,) = points(1)
    large = point.model_copy(update={"lua_files": {"a.lua": "-" * 1_000_000}})
    with ProcessPool(1) as pool:
        pool.submit(0, large)
        assert [result.status for _, result in pool.completed()] == ["ok"]


def test_ctrl_c_is_for_the_parent() -> None:
    """A terminal sends it to all processes; those that work go on."""
    with ProcessPool(1) as pool:
        pool.submit(0, points(1, ("scripts: 20", "scripts: 2000"))[0])
        results = pool.completed()
        pool._hand_out()
        process = pool._workers[0].process
        for _ in range(5):
            os.kill(process.pid or 0, signal.SIGINT)
            time.sleep(0.05)
        assert [result.status for _, result in results] == ["ok"]
        assert pool._workers[0].process is process


def test_leaving_ends_what_is_under_way() -> None:
    """At once, whatever the processes are doing."""
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt), ProcessPool(2) as pool:
        for index, point in enumerate(points(2, ("scripts: 20", "scripts: 10000000"))):
            pool.submit(index, point)
        pool._hand_out()
        processes = [worker.process for worker in pool._workers]
        raise KeyboardInterrupt
    assert not any(process.is_alive() for process in processes)
    assert time.monotonic() - began < 10


def test_a_point_of_another_version_is_refused() -> None:
    """As when the code is changed while a sweep runs: no death, but the words of the error."""
    foreign = points(1)[0].model_copy(update={"readfence": "0.0.9+abc"})
    expected = r"^version mismatch: a point of readfence 0\.0\.9"
    with ProcessPool(1) as pool:
        pool.submit(0, foreign)
        with pytest.raises(EnvironmentFailed, match=expected):
            list(pool.completed())


@pytest.mark.parametrize("how", [signal.SIG_BLOCK, signal.SIG_UNBLOCK], ids=["blocked", "heard"])
def test_ctrl_c_is_heard_as_before_once_processes_have_started(how: int) -> None:
    """It is blocked only while they start, and stays so where the caller wants it blocked."""
    mask = signal.pthread_sigmask(how, {signal.SIGINT})
    try:
        with ProcessPool(1) as pool:
            pool.submit(0, points(1)[0])
            assert len(list(pool.completed())) == 1
        is_blocked = signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())
        assert is_blocked == (how == signal.SIG_BLOCK)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
