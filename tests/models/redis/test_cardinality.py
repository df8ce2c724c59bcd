"""HyperLogLog: the same counts as Redis, from the same bytes."""

import random

import pytest

from models.redis import table
from models.redis.hyperloglog import HyperLogLog
from tests.models.redis.resp2 import Client
from tests.models.redis.scenes import empty_context


@pytest.mark.parametrize("step", [1, 3, 40, 1000])
def test_strings_grow_alike(client: Client, step: int) -> None:
    """Runs are split and joined alike, and given up at the same element."""
    rng = random.Random(step)
    context = empty_context()
    for _ in range(60):
        elements = [b"%d" % rng.getrandbits(40) * rng.randrange(1, 3) for _ in range(step)]
        for command in ([b"PFADD", b"k", *elements], [b"PFADD", b"k", elements[0]], [b"GET", b"k"],
                        [b"PFCOUNT", b"k"], [b"GETRANGE", b"k", b"0", b"20"]):  # fmt: skip
            assert table.call(context, command) == client.ask(*command), command[:2]


@pytest.mark.parametrize("sizes", [(0, 3), (5, 900), (900, 900, 5), (20_000, 10), (10, 20_000)])
def test_merging(client: Client, sizes: tuple[int, ...]) -> None:
    """Of sparse and dense ones, into one that is there and one that is not."""
    rng = random.Random(sizes[0])
    context = empty_context()
    names = [b"k%d" % n for n in range(len(sizes))]
    commands = [
        [b"PFADD", name, *(b"%d" % rng.randrange(30_000) for _ in range(size))]
        for name, size in zip(names, sizes, strict=True)
    ]
    commands += [[b"PFCOUNT", *names], [b"PFMERGE", b"new", *names], [b"GET", b"new"],
                 [b"PFCOUNT", b"new"], [b"PFMERGE", *names], [b"GET", names[0]],
                 [b"PFMERGE", b"none"], [b"PFMERGE", b"none", names[0]], [b"GET", b"none"],
                 [b"PFCOUNT", b"none", names[0]]]  # fmt: skip
    for command in commands:
        assert table.call(context, command) == client.ask(*command), command[:3]


REFUSED = (b"", b"HYLL", b"HYLX" + bytes(12), b"HYLL\x02" + bytes(30), b"HYLL" + bytes(30), b"7")


@pytest.mark.parametrize("text", REFUSED)
def test_other_strings_are_refused(client: Client, text: bytes) -> None:
    """What is no HyperLogLog is told from one as by Redis, and stays as it was."""
    context = empty_context()
    for command in ([b"SET", b"k", text], [b"PFADD", b"k", b"a"], [b"PFADD", b"k"],
                    [b"PFCOUNT", b"k"], [b"PFCOUNT", b"k", b"none"], [b"PFMERGE", b"new", b"k"],
                    [b"EXISTS", b"new"], [b"GET", b"k"]):  # fmt: skip
        assert table.call(context, command) == client.ask(*command), command


def test_damage(client: Client) -> None:
    """A damaged string is refused when the damage is met, and what was added before stays."""
    rng = random.Random(3)
    context = empty_context()
    for _ in range(150):
        length = rng.choice([5, 30, 400])
        elements = [b"%d" % rng.getrandbits(20) for _ in range(length)]
        at = b"%d" % rng.randrange(4, 20 + length)
        byte = bytes([rng.getrandbits(8)])
        for command in ([b"SET", b"k", HyperLogLog(None).text()], [b"PFADD", b"k", *elements],
                        [b"SETRANGE", b"k", at, byte], [b"PFADD", b"k"], [b"PFCOUNT", b"k"],
                        [b"PFADD", b"k", b"a", b"b", b"c"], [b"GET", b"k"], [b"PFCOUNT", b"k"],
                        [b"PFMERGE", b"k", b"none"], [b"GET", b"k"]):  # fmt: skip
            assert table.call(context, command) == client.ask(*command), (at, byte, command[:2])
