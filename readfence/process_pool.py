"""Points on all cores of this machine: a pool of processes, one point at a time each.

Made of bare processes and pipes rather than of `concurrent.futures`, whose pool breaks as a whole
when a process dies and cannot say which of its tasks was to blame. Here each process has a pipe of
its own: when one dies (killed, out of memory, a crash in C), its pipe ends, the point it held is
run again elsewhere, and the others do not notice. A run that answers to nobody takes its process
with it once its time is over (`readfence.watchdog`), which says so with its last breath.
"""

import gc
import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Final

from readfence.executor import Executor
from readfence.exits import EnvironmentFailed, Exit
from readfence.points import Point, PointResult, crashed, overdue, run_point
from sim.errors import LimitReached

DEATHS_MAX: Final = 3
"""A point that was under way when so many processes died is not run again; after so many that died
at their start, one after the other, no more are started."""
READY: Final = b"ready"
"""What a process sends when it has started: from then on, its death is the fault of its point."""
_REFUSED: Final = b"refused: "
"""What a process sends before the words of an error, in place of a result."""
_LAST: Final = b"last: "
"""What a process sends before a result with which it ends."""
_PATIENCE_S: Final = 5.0
"""How long a process that was asked to end may take before it is killed."""


@dataclass(slots=True)
class _Worker:
    process: SpawnProcess
    pipe: Connection
    ready: bool = False
    index: int | None = None
    """The point it runs."""


class ProcessPool(Executor):
    """So many processes, started when they are needed."""

    def __init__(self, workers: int) -> None:
        self._workers_max = workers
        self._workers: list[_Worker] = []
        self._points: dict[int, Point] = {}
        """Those without a result."""
        self._waiting: deque[int] = deque()
        self._deaths: Counter[int] = Counter()
        self._stillborn = 0
        """Processes that died at their start since one was ready."""

    def submit(self, index: int, point: Point) -> None:
        """See `Executor`."""
        assert index not in self._points, f"point {index} is under way"
        self._points[index] = point
        self._waiting.append(index)

    def completed(self) -> Iterator[tuple[int, PointResult]]:
        """See `Executor`."""
        while self._points:
            self._hand_out()
            heard = {worker.pipe: worker for worker in self._workers if not _idle(worker)}
            for pipe in wait(list(heard)):
                assert isinstance(pipe, Connection)
                result = self._receive(heard[pipe])
                self._hand_out()  # at once: who takes the result may take its time
                if result is not None:
                    yield result

    @property
    def running(self) -> int:
        """See `Executor`."""
        return min(self._workers_max, len(self._points))

    def close(self) -> None:
        """See `Executor`."""
        for worker in self._workers:
            worker.process.terminate()
        for worker in self._workers:
            _bury(worker)
        self._workers.clear()

    def _hand_out(self) -> None:
        """Give every idle process a point, as long as there are any; start more if there are few.

        A process gets its first point when it is ready: sending a large one takes as long as the
        other side takes to read it.
        """
        for worker in [worker for worker in self._workers if _idle(worker)]:
            if worker.pipe.poll():  # it died while it had nothing to do: no fault of a point
                self._lost(worker)
            elif self._waiting:
                self._send(worker, self._waiting.popleft())
        starting = sum(not worker.ready for worker in self._workers)
        room = self._workers_max - len(self._workers)
        for _ in range(min(room, len(self._waiting) - starting)):
            self._start()

    def _send(self, worker: _Worker, index: int) -> None:
        worker.index = index
        # What is wrong is told when the answer is read, which does not come then.
        with suppress(OSError):
            worker.pipe.send_bytes(self._points[index].model_dump_json().encode())

    def _receive(self, worker: _Worker) -> tuple[int, PointResult] | None:
        """The result that a process has sent.

        None when it is ready now; or when it died, and its point, if it had one, waits again.
        """
        try:
            text = worker.pipe.recv_bytes()
        except (EOFError, OSError):
            self._lost(worker)
            return self._died(worker)
        if text == READY:
            worker.ready, self._stillborn = True, 0
            return None
        if text.startswith(_REFUSED):
            raise EnvironmentFailed(text.removeprefix(_REFUSED).decode())
        if text.startswith(_LAST):
            self._lost(worker)
        index, worker.index = worker.index, None
        assert index is not None
        del self._points[index]
        return index, PointResult.model_validate_json(text.removeprefix(_LAST))

    def _died(self, worker: _Worker) -> tuple[int, PointResult] | None:
        index, status = worker.index, worker.process.exitcode
        end = f"exit status {status}"
        if status is not None and status < 0:
            end = signal.Signals(-status).name
        if index is None:
            self._stillborn += 1
            if self._stillborn < DEATHS_MAX:
                return None
            raise EnvironmentFailed(
                f"--executor processes: expected processes that start, got {DEATHS_MAX} that died "
                f"at their start, at last by {end}"
            )
        self._deaths[index] += 1
        if self._deaths[index] < DEATHS_MAX:
            self._waiting.appendleft(index)
            return None
        point = self._points.pop(index)
        del self._deaths[index]
        return index, crashed(point, f"its process died {DEATHS_MAX} times, at last by {end}")

    def _start(self) -> None:
        context = get_context("spawn")  # fork would copy whatever locks and threads are there
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs,), daemon=True)
        with _interrupts_blocked():
            process.start()
        theirs.close()  # so that the pipe ends when the process does
        self._workers.append(_Worker(process, ours))

    def _lost(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        _bury(worker)


def _idle(worker: _Worker) -> bool:
    return worker.ready and worker.index is None


def _bury(worker: _Worker) -> None:
    worker.pipe.close()
    worker.process.join(_PATIENCE_S)
    if worker.process.is_alive():
        worker.process.kill()
        worker.process.join()


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Have a process that is started not hear Ctrl-C from its first moment on.

    A terminal sends it to every process; only the parent is to act on it. The parent hears it when
    this is over.
    """
    resource_tracker.ensure_running()  # starting it would unblock what is blocked here
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# -- in a process of the pool ---------------------------------------------------------------------


def _work(pipe: Connection) -> None:
    """Run what comes through the pipe, until the parent ends."""
    # What is there now stays: looking through it for garbage takes longer than a small run.
    gc.freeze()
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    with suppress(EOFError, OSError):  # the parent is gone: nobody is there to be told
        pipe.send_bytes(READY)
        while True:
            pipe.send_bytes(_answer(pipe, Point.model_validate_json(pipe.recv_bytes())))


def _end_with_parent() -> None:
    """End this process when the parent has ended, in the middle of whatever it does."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(Exit.ENVIRONMENT)


def _answer(pipe: Connection, point: Point) -> bytes:
    """What is to be sent of a point."""

    def give_up(error: KeyboardInterrupt | LimitReached) -> Exit:
        pipe.send_bytes(_LAST + overdue(point, str(error)).to_text().encode())
        return Exit.INCONCLUSIVE

    try:
        return run_point(point, give_up=give_up).to_text().encode()
    except EnvironmentFailed as error:  # the code was changed since the sweep began
        return _REFUSED + str(error).encode()
