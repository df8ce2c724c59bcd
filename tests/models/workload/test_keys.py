"""Keys: all different, drawn by their weights, the same for the same seed."""

from collections import Counter
from itertools import islice, permutations

import numpy as np
import pytest
from numpy.typing import NDArray

from models.workload.keys import draw_names, draw_ranks
from sim.rng import BLOCK, Streams

SHAPES = [
    (1, 1, 0.0), (1000, 1, 0.0), (1000, 7, 0.0), (60, 50, 0.0), (6, 6, 0.0), (2000, 1999, 0.0),
    (1000, 1, 1.0), (1000, 7, 1.0), (60, 50, 1.0), (6, 6, 1.0), (1000, 500, 3.0), (50, 9, 400.0),
]  # fmt: skip
"""Size, count, exponent: few of many, most of them, all of them, steep weights."""


def ranks(size: int, count: int, exponent: float, rows: int = BLOCK) -> NDArray[np.int64]:
    """That many rows, at least."""
    generator = Streams(1).generator("keys")
    blocks = draw_ranks(generator, size=size, count=count, exponent=exponent)
    return np.concatenate([next(blocks) for _ in range(-(-rows // BLOCK))])


def weights(size: int, exponent: float) -> NDArray[np.float64]:
    """What each rank is drawn with, in all 1."""
    each = np.arange(1, size + 1) ** -exponent
    shares: NDArray[np.float64] = each / each.sum()
    return shares


def assert_fits(observed: NDArray[np.int64], expected: NDArray[np.float64]) -> None:
    """Counts agree with expected ones: chi-square within 5 standard deviations of its mean."""
    freedom = len(expected) - 1
    statistic = float(((observed - expected) ** 2 / expected).sum())
    assert statistic < freedom + 5 * (2 * freedom) ** 0.5


@pytest.mark.parametrize(("size", "count", "exponent"), SHAPES)
def test_ranks_of_a_row_are_different_and_in_range(size: int, count: int, exponent: float) -> None:
    """Whatever the weights, and however many are asked for."""
    block = ranks(size, count, exponent)
    assert block.shape == (BLOCK, count)
    assert block.min() >= 0
    assert block.max() < size
    assert all(len(set(row)) == count for row in block.tolist())


@pytest.mark.parametrize(("size", "count"), [(50, 1), (50, 7), (50, 40), (8, 8)])
def test_uniform_ranks_are_equally_frequent_at_every_place(size: int, count: int) -> None:
    """Of a row, too: none is more often the first."""
    block = ranks(size, count, 0.0, rows=20 * BLOCK)
    for place in range(count):
        assert_fits(np.bincount(block[:, place], minlength=size), np.full(size, len(block) / size))


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("count", [1, 3, 18])
def test_the_first_rank_has_its_zipf_weight(exponent: float, count: int) -> None:
    """Exactly, whether one key is drawn or nearly all."""
    block = ranks(20, count, exponent, rows=40 * BLOCK)
    expected = len(block) * weights(20, exponent)
    assert_fits(np.bincount(block[:, 0], minlength=20), expected)


@pytest.mark.parametrize(("size", "count"), [(4, 2), (3, 2), (3, 3)])
def test_further_ranks_have_their_weights_among_those_left(size: int, count: int) -> None:
    """Each order of ranks is as frequent as drawing one after the other makes it."""
    share = weights(size, 1.0)
    rows = Counter(map(tuple, ranks(size, count, 1.0, rows=60 * BLOCK).tolist()))
    orders = list(permutations(range(size), count))
    chances = []
    for order in orders:
        chance, left = 1.0, 1.0
        for rank in order:
            chance *= share[rank] / left
            left -= share[rank]
        chances.append(chance)
    assert sum(chances) == pytest.approx(1)
    observed = np.array([rows[order] for order in orders])
    assert_fits(observed, rows.total() * np.array(chances))


def test_steep_weights_draw_the_first_rank() -> None:
    """And no overflow or division by nothing."""
    assert set(ranks(50, 1, 400.0)[:, 0].tolist()) == {0}
    assert set(map(tuple, ranks(50, 3, 400.0).tolist())) == {(0, 1, 2)}


def test_the_same_seed_draws_the_same() -> None:
    """And another name another."""
    names = [b"k%d" % n for n in range(100)]

    def drawn(seed: int, stream: str) -> list[list[bytes]]:
        generator = Streams(seed).generator(stream)
        return list(islice(draw_names(generator, names, count=3, exponent=1.0), 2000))

    assert drawn(1, "a") == drawn(1, "a")
    assert drawn(1, "a") != drawn(2, "a")
    assert drawn(1, "a") != drawn(1, "b")


def test_names_are_those_at_the_ranks() -> None:
    """In the order drawn."""
    names = [b"x", b"yy", b"zzz", b""]
    drawn = islice(draw_names(Streams(1).generator("n"), names, count=3, exponent=0.0), 50)
    expected = ranks_of(Streams(1), size=4)
    assert [[names[rank] for rank in row] for row in expected[:50]] == list(drawn)


def ranks_of(streams: Streams, size: int) -> list[list[int]]:
    """One block."""
    blocks = draw_ranks(streams.generator("n"), size=size, count=3, exponent=0.0)
    rows: list[list[int]] = next(blocks).tolist()
    return rows


def test_more_keys_than_there_are_is_a_bug() -> None:
    """The schema refuses it before."""
    with pytest.raises(AssertionError, match="5 different keys out of 4"):
        next(draw_ranks(Streams(1).generator("n"), size=4, count=5, exponent=0.0))
