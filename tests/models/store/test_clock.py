"""The clock that issues commit timestamps."""

import random

import pytest

from models.store.clock import CommitClock


def test_timestamps_rise_and_are_unique() -> None:
    """However physical time and the newest timestamp seen jump about, a node's timestamps rise, lie
    above what was seen, and are never another node's.
    """
    rng = random.Random(1)
    clocks = [CommitClock(node) for node in range(5)]
    issued: list[list[int]] = [[] for _ in clocks]
    seen = 0
    for _ in range(2000):
        node = rng.randrange(5)
        ts = clocks[node].next(rng.randrange(100), seen)
        assert ts > seen
        issued[node].append(ts)
        if rng.random() < 0.5:
            seen = max(seen, ts)
    assert all(timestamps == sorted(set(timestamps)) for timestamps in issued)
    together = [ts for timestamps in issued for ts in timestamps]
    assert len(together) == len(set(together)) == 2000


def test_a_node_number_must_fit() -> None:
    """A node number that has no room in a timestamp is a mistake of the caller."""
    with pytest.raises(AssertionError, match="node number 64 does not fit"):
        CommitClock(64)
