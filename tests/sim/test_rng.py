"""Random streams: by seed and name alone, in every process."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from sim.dist import Constant, Exponential, Uniform
from sim.rng import BLOCK, Streams
from sim.units import ms

SCRIPT = """
import json
from sim.dist import Exponential
from sim.rng import Streams
streams = Streams(7)
sample = streams.sampler("network/n1->n2", Exponential(1_000_000))
keys = streams.generator("keys").integers(0, 99, 5).tolist()
print(json.dumps([[sample() for _ in range(5)], keys]))
"""


def first(streams: Streams, name: str, count: int = 5) -> list[int]:
    """The first draws of a stream."""
    sample = streams.sampler(name, Exponential(ms(1)))
    return [sample() for _ in range(count)]


def elsewhere(hash_seed: str) -> Any:
    """What `SCRIPT` prints in another process."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_a_stream_depends_on_seed_and_name_alone() -> None:
    """Other streams, made before or drawn from in between, change none of its draws."""
    alone = first(Streams(7), "network/n1->n2")
    among = Streams(7)
    first(among, "clients/1", 100)
    sample = among.sampler("network/n1->n2", Exponential(ms(1)))
    other = among.sampler("network/n2->n1", Exponential(ms(1)))
    mixed = []
    for _ in range(5):
        other()
        mixed.append(sample())
    assert mixed == alone


def test_names_and_seeds_tell_streams_apart() -> None:
    """Another name or another seed gives other draws; neither can be traded for the other."""
    streams = Streams(7)
    draws = [first(streams, "a"), first(streams, "b"), first(Streams(8), "a"),
             first(Streams(71), "/a"), first(Streams(7), "1//a")]  # fmt: skip
    assert len({tuple(each) for each in draws}) == len(draws)


def test_another_process_draws_the_same() -> None:
    """Whatever its hash seed: names are hashed by SHA-256, not by Python."""
    here = Streams(7)
    expected = [
        first(here, "network/n1->n2"),
        here.generator("keys").integers(0, 99, 5).tolist(),
    ]
    assert elsewhere("1") == elsewhere("2") == expected


def test_a_name_has_one_owner() -> None:
    """Asked for twice, a stream would make its owners depend on who draws first."""
    streams = Streams(7)
    streams.generator("a")
    with pytest.raises(AssertionError, match="the stream 'a' has an owner already"):
        streams.generator("a")
    with pytest.raises(AssertionError, match="the stream 'a' has an owner already"):
        streams.sampler("a", Exponential(1))


def test_a_sampler_hands_out_the_blocks_of_its_law() -> None:
    """One by one, over the end of a block: what numpy draws in blocks of the same size."""
    law = Uniform(0, 10**6)
    sample = Streams(7).sampler("a", law)
    generator = Streams(7).generator("a")
    blocks = [*law.draw(generator, BLOCK).tolist(), *law.draw(generator, BLOCK).tolist()]
    drawn = [sample() for _ in range(2 * BLOCK)]
    assert drawn == blocks
    assert {type(value) for value in drawn} == {int}


def test_a_constant_law_draws_nothing() -> None:
    """It is the value every time, and leaves the stream to whoever wants it."""
    streams = Streams(7)
    sample = streams.sampler("a", Constant(5))
    assert [sample() for _ in range(3)] == [5, 5, 5]
    streams.generator("a")
