"""What an executor is: somebody who runs points, and hands over their results as they come."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from readfence.points import Point, PointResult


class Executor(ABC):
    """Runs points. A context manager: leaving it ends all that it started, at once."""

    @abstractmethod
    def submit(self, index: int, point: Point) -> None:
        """Have a point run. `index` names it among those whose results have not come yet."""

    @abstractmethod
    def completed(self) -> Iterator[tuple[int, PointResult]]:
        """Results as they come, until all that was submitted has come.

        More may be submitted meanwhile. Raises `EnvironmentFailed` when it cannot go on.
        """

    @property
    @abstractmethod
    def running(self) -> int:
        """How many points are being run now, as far as is known here."""

    @abstractmethod
    def close(self) -> None:
        """End all that was started."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
