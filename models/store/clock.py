"""The clock that issues commit timestamps.

A hybrid logical clock reduced to what a simulation without clock skew needs: later than anything
issued or seen, near the physical instant, never the same on two nodes.
"""

_NODES = 1 << 6
"""Room for node numbers in the low bits of a timestamp."""


class CommitClock:
    """Issues the commit timestamps of one node."""

    def __init__(self, node: int) -> None:
        assert 0 <= node < _NODES, f"node number {node} does not fit into a timestamp"
        self._node = node
        self._last = 0

    def next(self, now: int, seen: int) -> int:
        """A timestamp later than any issued here and than `seen`; `now` in ns."""
        tick = max(now, seen // _NODES, self._last // _NODES) + 1
        self._last = tick * _NODES + self._node
        return self._last
