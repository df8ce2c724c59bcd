"""Call sites: who asked for a quorum, and the tally of one attempt.

The four letters are those of the modelled system's description (system.md, short forms): V explicit
verification by the adapter, F fence of the store wrapper, L fence at script start, C guard of a
commit.
"""

from enum import IntEnum
from typing import Final


class Site(IntEnum):
    """A place that asks for a quorum; its value is its place in a tally."""

    STRING_READ = 0
    """V: the adapter verifies leadership before it reads a row of a string."""
    STORE_POINT = 1
    """F: the store wrapper fences a point read."""
    STORE_SCAN = 2
    """F: the store wrapper fences a range scan."""
    SCRIPT_START = 3
    """L: one fence before the script's read timestamp is taken."""
    COMMIT_GUARD = 4
    """C: leadership is verified before a commit is proposed."""


ROUNDS: Final = 5
CALLS: Final = 6
POINT_READS: Final = 7
SCANS: Final = 8
FIELDS: Final = (*(site.name.lower() for site in Site), "rounds", "calls", "point_reads", "scans")
"""Fields of a tally, in order: confirmations per site, then rounds on the wire, redis.call count,
point reads and range scans."""

Tally = list[int]
"""Counts of one attempt, one per field of `FIELDS`."""


def new_tally() -> Tally:
    """All zero."""
    return [0] * len(FIELDS)
