"""Latency laws: distributions of a duration, in whole nanoseconds, never negative."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Law(Protocol):
    """A distribution of durations."""

    @property
    def constant(self) -> int | None:
        """The only value of the law in ns, or None when it has more than one."""

    def draw(self, generator: np.random.Generator, count: int) -> NDArray[np.int64]:
        """`count` independent draws in ns, shape (count,), each 0 or more."""


@dataclass(frozen=True, slots=True)
class Constant:
    """Always the same duration."""

    value: int

    @property
    def constant(self) -> int | None:
        """The value itself."""
        return self.value

    def draw(self, generator: np.random.Generator, count: int) -> NDArray[np.int64]:
        """The value, `count` times; nothing is drawn."""
        del generator
        return np.full(count, self.value, dtype=np.int64)
