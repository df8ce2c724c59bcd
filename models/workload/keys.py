"""Which keys a script gets: drawn in blocks, the same for script k whatever the fence."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sim.rng import BLOCK


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

    Rank r is drawn with a weight of 1/(r+1)^exponent; exponent 0 is uniform. A row that holds a
    rank twice is drawn again, so with several keys the weights hold for the first one exactly.
    """
    assert 1 <= count <= size, f"{count} different keys out of {size}"
    if count == size:
        while True:
            yield generator.permuted(np.tile(np.arange(size), (BLOCK, 1)), axis=1)
    weights = np.arange(1, size + 1, dtype=np.float64) ** -exponent
    cumulative = np.cumsum(weights / weights.sum())

    def draw(rows: int) -> NDArray[np.int64]:
        if exponent == 0:
            return generator.integers(0, size, (rows, count), dtype=np.int64)
        ranks = np.searchsorted(cumulative, generator.random((rows, count)), side="right")
        return np.minimum(ranks, size - 1).astype(np.int64)

    while True:
        block = draw(BLOCK)
        if count > 1:
            twice = _repeats(block)
            while twice.any():
                block[twice] = draw(int(twice.sum()))
                twice = _repeats(block)
        yield block


def _repeats(block: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which rows hold a rank twice."""
    ordered = np.sort(block, axis=1)
    repeats: NDArray[np.bool_] = (ordered[:, 1:] == ordered[:, :-1]).any(axis=1)
    return repeats
