"""The wall clock that served nodes read: it follows the machine, virtual time, or nobody."""

from collections.abc import Callable


class WallClock:
    """What the nodes' clocks say, in ns since 1970.

    It reads `follow` until it is stopped at an instant, which exact replays need.
    """

    def __init__(self, follow: Callable[[], int]) -> None:
        self._follow = follow
        self._stopped: int | None = None

    @property
    def is_stopped(self) -> bool:
        """Whether it stands where it was set."""
        return self._stopped is not None

    def read(self) -> int:
        """What it says."""
        return self._follow() if self._stopped is None else self._stopped

    def set(self, now_ns: int | None) -> None:
        """Stop it at this instant; None lets it go on."""
        self._stopped = now_ns
