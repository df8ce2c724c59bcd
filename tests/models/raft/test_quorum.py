"""What a majority agrees on, beside a dumb twin."""

import random
from itertools import combinations

from models.raft.quorum import agreed


def counted(values: list[int]) -> int:
    """The same, deliberately dumb: try every majority, take the best that all of it has reached."""
    majority = next(size for size in range(len(values) + 1) if 2 * size > len(values))
    return max(min(group) for group in combinations(values, majority))


def test_it_agrees_with_a_dumb_twin_on_random_values() -> None:
    """Sorting finds in 50,000 random cases what trying every majority finds."""
    rng = random.Random(7)
    for _ in range(50_000):
        values = [rng.randrange(8) for _ in range(rng.randint(1, 7))]
        assert agreed(values) == counted(values), values


def test_two_of_three_make_a_majority() -> None:
    """Of three voters two are enough, in any order, and one is not."""
    assert agreed([5, 3, 4]) == 4
    assert agreed([1, 0, 1]) == 1
    assert agreed([1, 0, 0]) == 0


def test_half_is_no_majority() -> None:
    """Two of four voters decide nothing; three do."""
    assert agreed([1, 1, 0, 0]) == 0
    assert agreed([1, 0, 1, 1]) == 1


def test_one_voter_agrees_with_itself() -> None:
    """A single voter's value is the majority's."""
    assert agreed([9]) == 9
