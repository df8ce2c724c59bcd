"""Chance: named random streams from one seed.

A stream is found by its name, so what it yields depends on (seed, name) alone: adding a client, a
link or a variant changes no draw of any other stream. That is what makes two variants of a scenario
comparable script by script (common random numbers).

Draws are made in numpy blocks and handed out one by one: a single draw from numpy costs about a
microsecond, one from a block about a tenth of it.
"""

import hashlib
from collections.abc import Callable, Iterator
from itertools import chain, count, repeat
from typing import TypeVar

import numpy as np

from sim.dist import Law

Number = TypeVar("Number")

BLOCK = 1024
"""Draws made at once. Part of the meaning of a seed: changing it changes every run."""


class Streams:
    """All the random streams of one run."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._taken: dict[str, None] = {}

    def generator(self, name: str) -> np.random.Generator:
        """The numpy generator of the stream `name`.

        A name is given out once: two owners of one stream would make each other's draws depend on
        who draws first.
        """
        assert name not in self._taken, f"the stream {name!r} has an owner already"
        self._taken[name] = None
        digest = hashlib.sha256(f"{self.seed}/{name}".encode()).digest()
        return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))

    def sampler(self, name: str, law: Law) -> Callable[[], int]:
        """A function that yields the next draw of `law`, in nanoseconds, from the stream `name`."""
        if law.constant is not None:
            return repeat(law.constant).__next__
        generator = self.generator(name)
        return _one_by_one(law.draw(generator, BLOCK).tolist() for _ in count())

    def unit(self, name: str) -> Callable[[], float]:
        """A function that yields the next number in [0, 1) from the stream `name`."""
        generator = self.generator(name)
        return _one_by_one(generator.random(BLOCK).tolist() for _ in count())


def _one_by_one(blocks: Iterator[list[Number]]) -> Callable[[], Number]:
    """A function that yields what the blocks hold; each is drawn when the last one is used up."""
    return chain.from_iterable(blocks).__next__
