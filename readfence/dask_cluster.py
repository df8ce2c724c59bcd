"""Points on a Dask cluster, whose scheduler and workers the user has started.

Dask runs a task again when its worker is lost, and gives up on one whose worker is lost again and
again. What is left to do here: send text, tell versions apart, and notice when nobody is there.
"""

import logging
import socket
import warnings
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import Any, Final

from readfence.executor import Executor
from readfence.exits import EnvironmentFailed
from readfence.points import Point, PointResult, crashed, run_text
from readfence.versions import SAME, build

_CONNECT_S: Final = 5
_LOST_S: Final = 15
"""How long a scheduler may be out of reach."""
_LOOK_S: Final = 1.0

try:
    import distributed
    from distributed.comm.addressing import parse_address, parse_host_port
    from distributed.comm.registry import get_backend
except ImportError as error:  # an optional group of dependencies
    raise EnvironmentFailed(
        "--executor dask: Dask is not installed here; install it with: "
        "pip install 'readfence[dask]'"
    ) from error


class DaskCluster(Executor):
    """The cluster of one scheduler."""

    def __init__(self, scheduler: str, tell: Callable[[str], None]) -> None:
        """Raises `EnvironmentFailed` when nobody answers, or workers have another readfence."""
        # What Dask logs about lost connections is told here, in other words.
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        self._scheduler = scheduler
        self._client = _connected(scheduler)
        self._points: dict[int, Point] = {}
        self._futures: dict[int, Any] = {}
        self._done: SimpleQueue[int] = SimpleQueue()
        try:
            self._check_workers(tell)
        except BaseException:
            self.close()
            raise

    def submit(self, index: int, point: Point) -> None:
        """See `Executor`."""
        assert index not in self._points, f"point {index} is under way"
        self._points[index] = point
        future = self._client.submit(run_text, point.model_dump_json(), pure=False)
        self._futures[index] = future
        future.add_done_callback(lambda _: self._done.put(index))

    def completed(self) -> Iterator[tuple[int, PointResult]]:
        """See `Executor`."""
        silent_s = 0.0
        while self._futures:
            try:
                index = self._done.get(timeout=_LOOK_S)
            except Empty:
                silent_s = 0.0 if self._client.status == "running" else silent_s + _LOOK_S
                if silent_s >= _LOST_S:
                    raise self._lost() from None
                continue
            yield index, self._result(self._futures.pop(index), self._points.pop(index))

    @property
    def running(self) -> int:
        """See `Executor`. As many as there are threads, since Dask does not tell at once."""
        return min(len(self._futures), sum(int(n) for n in self._client.nthreads().values()))

    def close(self) -> None:
        """Cancel what is not done, and leave."""
        futures = list(self._futures.values())
        self._futures.clear()
        if futures and self._client.status == "running":
            self._client.cancel(futures, force=True)
        self._client.close(timeout=_CONNECT_S)

    def _result(self, future: Any, point: Point) -> PointResult:
        if future.status == "finished":
            return PointResult.model_validate_json(future.result())
        if future.status != "error":
            raise self._lost()
        error = future.exception()
        if isinstance(error, distributed.KilledWorker):
            return crashed(point, "its worker was lost again and again (Dask: KilledWorker)")
        if isinstance(error, EnvironmentFailed):
            raise error
        raise EnvironmentFailed(
            f"a worker of {self._scheduler} cannot run points: {type(error).__name__}: {error}"
        )

    def _lost(self) -> EnvironmentFailed:
        return EnvironmentFailed(
            f"the Dask scheduler at {self._scheduler} is gone; finished points are kept"
        )

    def _check_workers(self, tell: Callable[[str], None]) -> None:
        """Refuse workers with another readfence; one that joins later refuses its first point."""

        def build_there() -> str | None:  # inside, so that it is sent as code and not as a name
            try:
                from readfence.versions import build  # noqa: PLC0415
            except ImportError:
                return None
            return build()

        answers = self._client.run(build_there)
        if not answers:
            tell(
                f"no workers at {self._scheduler} yet; start some with: "
                f"dask worker {self._scheduler} --nthreads 1"
            )
        for worker, answer in sorted(answers.items()):
            if answer is None:
                raise EnvironmentFailed(
                    f"the Dask worker {worker} has no readfence; install {build()} there"
                )
            if answer != build():
                raise EnvironmentFailed(
                    f"version mismatch: the Dask worker {worker} has readfence {answer}, this is "
                    f"{build()}; {SAME}"
                )


def _connected(scheduler: str) -> Any:
    try:
        _reach(scheduler)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # versions of other packages may differ
            client: Any = distributed.Client
            return client(scheduler, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise EnvironmentFailed(
            f"no Dask scheduler answers at {scheduler} within {_CONNECT_S} s; "
            "expected one started with `dask scheduler`"
        ) from error


def _reach(scheduler: str) -> None:
    """Open a connection, and close it. Raises `OSError` or `ValueError` when there is nobody.

    A client of Dask that cannot connect leaves threads behind, which complain when Python ends.
    """
    scheme, location = parse_address(scheduler, strict=True)
    get_backend(scheme)
    socket.create_connection(parse_host_port(location), timeout=_CONNECT_S).close()
