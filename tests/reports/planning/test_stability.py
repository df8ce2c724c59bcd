"""Stability: a word instead of a number where the queue grows."""

import numpy as np

from reports.planning.stability import stability

COUNT = 4000
AT_NS = np.arange(COUNT) * 1_000_000
NOISE = np.random.default_rng(1).exponential(2e6, COUNT)


def verdict(backlog_ns: np.ndarray, completed: int = COUNT) -> str:
    """The verdict on a run of four seconds with one script per ms."""
    return stability(AT_NS, backlog_ns, arrived=COUNT, completed=completed, level=0.95).verdict


def test_a_backlog_that_wanders_is_stable() -> None:
    """Chance alone is no growth."""
    assert verdict(NOISE) == "stable"


def test_a_backlog_that_rises_is_unstable() -> None:
    """A tenth of the load piles up."""
    assert verdict(NOISE + AT_NS * 0.1) == "unstable"


def test_work_left_undone_is_unstable() -> None:
    """Scripts that gave up would make the backlog look flat."""
    assert verdict(NOISE, completed=COUNT // 2) == "unstable"
