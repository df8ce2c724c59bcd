"""Rows that are thinned: which stay, how many, and how evenly."""

from array import array
from itertools import pairwise

from sim.thinned import EVERY, Thinned, keeps


def filled(count: int, at_most: int) -> Thinned:
    """Rows 0, 1, ... with their square beside them."""
    rows = Thinned(("id", "square"), at_most)
    for number in range(count):
        rows.add(number, (number, number * number))
    return rows


def test_what_fits_is_kept_whole() -> None:
    """Every row, in the order in which it came."""
    rows = filled(100, 100)
    assert rows.columns() == {"id": [*range(100)], "square": [n * n for n in range(100)]}


def test_of_more_at_least_half_of_what_fits_stays() -> None:
    """And no more than fits, whole rows."""
    for count in (101, 150, 1000, 4321, 100_000):
        columns = filled(count, 100).columns()
        assert 45 <= len(columns["id"]) <= 100
        assert columns["square"] == [number * number for number in columns["id"]]


def test_what_stays_lies_at_nearly_even_distances() -> None:
    """Three different distances at most (the three-gap theorem), none far from the mean."""
    kept = filled(100_000, 1000).columns()["id"]
    distances = {late - early for early, late in pairwise(kept)}
    assert len(distances) <= 3
    assert max(distances) < 3 * 100_000 / len(kept)


def test_nothing_periodic_is_favoured() -> None:
    """Of clients that take turns, each keeps its share; a twin that keeps every n-th loses most."""
    kept = filled(64_000, 4000).columns()["id"]
    shares = [sum(number % 64 == client for number in kept) / len(kept) for client in range(64)]
    assert all(abs(share - 1 / 64) < 0.1 / 64 for share in shares)
    every_16th = [number for number in range(64_000) if number % 16 == 0]
    assert sum(number % 64 == 1 for number in every_16th) == 0


def test_which_stay_depends_on_their_numbers_alone() -> None:
    """In whichever order they come."""
    forth, back = Thinned(("id",), 50), Thinned(("id",), 50)
    for number in range(1000):
        forth.add(number, (number,))
        back.add(999 - number, (999 - number,))
    assert sorted(forth.columns()["id"]) == sorted(back.columns()["id"])


def test_bounds_are_nested() -> None:
    """What a lower bound keeps, every higher one does."""
    for number in range(1000):
        assert keeps(number, EVERY)
        if keeps(number, EVERY >> 4):
            assert keeps(number, EVERY >> 3)


def test_memory_does_not_grow_with_the_rows() -> None:
    """A flat array of what is kept, and nothing else."""
    rows = filled(200_000, 1000)
    assert isinstance(rows._cells, array) and len(rows._cells) <= 2 * 1000
