"""Points on all cores of this machine: a pool of processes, one point at a time each.

Made of bare processes and pipes rather than of `concurrent.futures`, whose pool breaks as a whole
when a process dies and cannot say which of its tasks was to blame. Here each process has a pipe of
its own: when one dies (killed, out of memory, a crash in C), its pipe ends, the point it held is
run again elsewhere, and the others do not notice.
"""

import gc
import signal
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Final

from readfence.executor import Executor
from readfence.exits import EnvironmentFailed
from readfence.points import Point, PointResult, crashed, run_text

DEATHS_MAX: Final = 3
"""A point that was under way when so many processes died is not run again."""
_REFUSED: Final = b"refused: "
"""What a process sends before the words of an error, in place of a result."""
_PATIENCE_S: Final = 5.0
"""How long a process that was asked to end may take before it is killed."""


@dataclass(slots=True)
class _Worker:
    process: SpawnProcess
    pipe: Connection
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

    def submit(self, index: int, point: Point) -> None:
        """See `Executor`."""
        assert index not in self._points, f"point {index} is under way"
        self._points[index] = point
        self._waiting.append(index)

    def completed(self) -> Iterator[tuple[int, PointResult]]:
        """See `Executor`."""
        while self._points:
            self._hand_out()
            busy = {worker.pipe: worker for worker in self._workers if worker.index is not None}
            for pipe in wait(list(busy)):
                assert isinstance(pipe, Connection)
                result = self._receive(busy[pipe])
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
        """Give every idle process a point, as long as there are any."""
        idle = [worker for worker in self._workers if worker.index is None]
        while self._waiting and (idle or len(self._workers) < self._workers_max):
            worker = idle.pop() if idle else self._start()
            index = self._waiting.popleft()
            try:
                worker.pipe.send_bytes(self._points[index].model_dump_json().encode())
                worker.index = index
            except OSError:
                self._lost(worker)  # it died while it had nothing to do: no fault of the point
                self._waiting.appendleft(index)

    def _receive(self, worker: _Worker) -> tuple[int, PointResult] | None:
        """The result that a process has sent; None when it died, and its point waits again."""
        index = worker.index
        assert index is not None
        try:
            text = worker.pipe.recv_bytes()
        except (EOFError, OSError):
            self._lost(worker)
            return self._died(index, worker.process.exitcode)
        if text.startswith(_REFUSED):
            raise EnvironmentFailed(text.removeprefix(_REFUSED).decode())
        worker.index = None
        del self._points[index]
        return index, PointResult.model_validate_json(text)

    def _died(self, index: int, status: int | None) -> tuple[int, PointResult] | None:
        self._deaths[index] += 1
        if self._deaths[index] < DEATHS_MAX:
            self._waiting.appendleft(index)
            return None
        point = self._points.pop(index)
        del self._deaths[index]
        end = f"exit status {status}"
        if status is not None and status < 0:
            end = signal.Signals(-status).name
        return index, crashed(point, f"its process died {DEATHS_MAX} times, at last by {end}")

    def _start(self) -> _Worker:
        context = get_context("spawn")  # fork would copy whatever locks and threads are there
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs,), daemon=True)
        with _interrupts_blocked():
            process.start()
        theirs.close()  # so that the pipe ends when the process does
        worker = _Worker(process, ours)
        self._workers.append(worker)
        return worker

    def _lost(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        _bury(worker)


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
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _work(pipe: Connection) -> None:
    """Run what comes through the pipe until it ends, which it does with the parent as well."""
    # What is there now stays: looking through it for garbage takes longer than a small run.
    gc.freeze()
    while True:
        try:
            text = pipe.recv_bytes().decode()
        except EOFError:
            return
        try:
            answer = run_text(text).encode()
        except EnvironmentFailed as error:  # the code was changed since the sweep began
            answer = _REFUSED + str(error).encode()
        try:
            pipe.send_bytes(answer)
        except BrokenPipeError:
            return
