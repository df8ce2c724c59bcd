"""Which keys a script gets: drawn in blocks, the same for script k whatever the fence."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.rng import BLOCK

_CELLS: Final = 1 << 20
"""How many numbers a race draws at once, at most."""


def draw_names(
    generator: np.random.Generator, names: Sequence[bytes], *, count: int, exponent: float
) -> Iterator[list[bytes]]:
    """Endless lists of `count` different names, drawn as `draw_ranks` draws their places."""
    table = np.array(names, dtype=object)
    for block in draw_ranks(generator, size=len(names), count=count, exponent=exponent):
        yield from table[block].tolist()


def draw_ranks(
    generator: np.random.Generator, *, size: int, count: int, exponent: float
) -> Iterator[NDArray[np.int64]]:
    """Endless blocks of rows of `count` different ranks out of 0..size-1, shape (BLOCK, count).

    Rank r is drawn with a weight of 1/(r+1)^exponent; exponent 0 is uniform. The first rank of a
    row has these weights, each further one has them among those that the row does not hold yet.
    """
    assert 1 <= count <= size, f"{count} different keys out of {size}"
    weights = np.arange(1, size + 1, dtype=np.float64) ** -exponent
    cumulative = np.cumsum(weights / weights.sum())

    def draw(number: int) -> NDArray[np.int64]:
        if exponent == 0:
            return generator.integers(0, size, number, dtype=np.int64)
        ranks = np.searchsorted(cumulative, generator.random(number), side="right")
        return np.minimum(ranks, size - 1).astype(np.int64)

    # Share of the weight that is left for the last rank of a row when it is least.
    least_left = 1.0 if count == 1 else float(weights[count - 1 :].sum() / weights.sum())
    if count <= size * least_left:
        while True:
            yield _drawn_again(draw, count)
    handicaps = exponent * np.log(np.arange(1, size + 1))
    while True:
        yield _raced(generator, handicaps, count)


def _drawn_again(draw: Callable[[int], NDArray[np.int64]], count: int) -> NDArray[np.int64]:
    """A block in which a rank that stands in its row already is drawn again: quick if few do."""
    block = draw(BLOCK * count).reshape(BLOCK, count)
    if count > 1:
        repeated = _repeated(block)
        while repeated.any():
            block[repeated] = draw(int(repeated.sum()))
            repeated = _repeated(block)
    return block


def _repeated(block: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which ranks stand further left in their row, too."""
    order = np.argsort(block, axis=1, kind="stable")
    ordered = np.take_along_axis(block, order, axis=1)
    repeated = np.zeros(block.shape, dtype=np.bool_)
    np.put_along_axis(repeated, order[:, 1:], ordered[:, 1:] == ordered[:, :-1], axis=1)
    return repeated


def _raced(
    generator: np.random.Generator, handicaps: NDArray[np.float64], count: int
) -> NDArray[np.int64]:
    """A block in which each row holds the first of all ranks to arrive.

    A rank arrives after an exponential time with its weight as the rate, which makes the same law;
    compared are the logarithms of these times. `handicaps` are the logarithms of 1/weight.
    """
    size = len(handicaps)
    rows_max = max(1, _CELLS // size)
    parts = []
    for begun in range(0, BLOCK, rows_max):
        rows = min(rows_max, BLOCK - begun)
        arrivals = handicaps - generator.gumbel(size=(rows, size))
        parts.append(np.argsort(arrivals, axis=1, kind="stable")[:, :count])
    return np.concatenate(parts).astype(np.int64)
