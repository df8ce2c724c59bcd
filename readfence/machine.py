"""The machine's clock, for those who serve real clients; nothing else needs it."""

import time
from typing import Final

from sim.units import NS_PER

_US: Final = NS_PER["us"]


def wall_ns() -> int:
    """Nanoseconds since 1970."""
    return time.time_ns()


def wall_us() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // _US


def steady_ns() -> int:
    """Nanoseconds since some instant; never goes back."""
    return time.monotonic_ns()


def steady_s() -> float:
    """The same in seconds."""
    return time.monotonic()
