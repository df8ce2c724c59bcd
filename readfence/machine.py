"""The machine's clock and room, for those who serve real clients; nothing else needs them."""

import resource
import time
from contextlib import suppress
from typing import Final

from sim.units import NS_PER

CLIENTS_MAX: Final = 10_000
"""Connections at once, if the machine lets a process open so many files."""
ONE_TOO_MANY: Final = b"-ERR max number of clients reached\r\n"
"""What another one is told."""
_US: Final = NS_PER["us"]
_OTHER_FILES: Final = 32
"""Files that are kept for what is no connection, as redis-server does it."""


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


def connections_max(wanted: int, *, files_each: int = 1) -> int:
    """How many connections this process may hold, `wanted` at most, each of which takes so many
    files; it asks for the files that it needs for them, up to the hard limit.
    """
    needed = wanted * files_each + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    if soft < needed:
        more = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (more, hard))
            soft = more
    return min(wanted, max((soft - _OTHER_FILES) // files_each, 1))
