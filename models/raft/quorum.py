"""The one quorum rule: what a majority has agreed on.

Commits, votes and read confirmations all ask it, so there is one place where a majority could be
miscounted, and one test that compares it with a counting twin.
"""

from collections.abc import Iterable


def agreed(values: Iterable[int]) -> int:
    """The greatest value that a majority of the voters has reached, one value per voter.

    For indexes in the log it is the index that is on a majority of the logs; for zeros and ones it
    is 1 exactly when a majority says 1. In ascending order, the value at place (n - 1) // 2 has
    n // 2 others at or above it, which with itself makes n // 2 + 1: a majority.
    """
    ascending = sorted(values)
    return ascending[(len(ascending) - 1) // 2]
