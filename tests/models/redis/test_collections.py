"""The containers behind sorted sets, streams and scans, each against a dumb twin."""

import random
import re

import pytest

from models.redis import extended
from models.redis.glob import matcher
from models.redis.listpack import EMPTY_BYTES, integer_bytes, text_bytes
from models.redis.refused import Refused
from models.redis.sorted_set import SortedSet
from models.redis.stream import LAST, NODE_ENTRIES, ZERO, Stream
from models.replies import ErrorReply
from tests.models.redis.resp2 import Client

REFUSAL = ErrorReply(b"no")


def test_a_sorted_set_stays_sorted() -> None:
    """Whatever is put, moved, discarded and cut, order and ranks are those of sorting anew."""
    rng = random.Random(1)
    members = SortedSet()
    twin: dict[bytes, float] = {}
    for step in range(4000):
        member = b"%d" % rng.randrange(40)
        score = rng.choice([0.0, -0.0, 1.0, 2.5, -1.0, float("inf")])
        kind = rng.random()
        if kind < 0.6:
            members.put(member, score)
            twin[member] = score
        elif kind < 0.9:
            assert members.discard(member) == (twin.pop(member, None) is not None)
        elif twin:
            for _, gone in members.cut(0, 2):
                del twin[gone]
        if step % 7 == 0:
            members = members.copy()
        assert members.order == sorted((value, name) for name, value in twin.items())
        if member in twin:
            assert members.order[members.rank(member)][1] == member
    assert members == SortedSet(twin)


def test_a_copy_is_its_own() -> None:
    """Changing a copy leaves the original as it was, ordered or not."""
    original = SortedSet({b"a": 1.0})
    for ordered in (False, True):
        if ordered:
            assert original.order == [(1.0, b"a")]
        copy = original.copy()
        copy.put(b"b", 2.0)
        copy.discard(b"a")
        assert (original.scores, original.order) == ({b"a": 1.0}, [(1.0, b"a")])
        assert copy != original


def test_a_stream_finds_its_entries() -> None:
    """Ranges in both directions and single entries are those of going through all of them."""
    rng = random.Random(2)
    stream = Stream()
    for number in range(1, 700):
        stream.append((number // 3, number), (b"f", b"x" * rng.randrange(60)))
    everything = list(stream.between(ZERO, LAST))
    for id in rng.sample([entry.id for entry in everything], 300):
        assert stream.delete(id)
        assert not stream.delete(id)
    left = list(stream.between(ZERO, LAST))
    assert len(left) == stream.length == 399
    assert max(len(node.entries) for node in stream.nodes) <= NODE_ENTRIES
    for _ in range(300):
        start, end = sorted((rng.randrange(240), rng.randrange(700)) for _ in range(2))
        expected = [entry for entry in left if start <= entry.id <= end]
        assert list(stream.between(start, end)) == expected
        assert list(stream.between_backwards(start, end)) == expected[::-1]
        assert stream.get(start) == next((e for e in left if e.id == start), None)


def test_a_trim_leaves_no_more_than_asked() -> None:
    """An exact trim to the entry; an approximate one to the node, and never too much."""
    for length in (0, 1, 99, 100, 101, 250):
        for approximate in (False, True):
            stream = Stream()
            for number in range(1, 301):
                stream.append((number, 0), (b"f", b"v"))
            removed = stream.trim(length=length, below=None, approximate=approximate, limit=0)
            assert stream.length == 300 - removed == len(list(stream.between(ZERO, LAST)))
            assert 0 <= stream.length - length < (NODE_ENTRIES if approximate else 1)


@pytest.mark.parametrize(
    ("text", "size"),
    [(b"0", 2), (b"127", 2), (b"128", 3), (b"-4096", 3), (b"4096", 4), (b"-32768", 4),
     (b"8388607", 5), (b"2147483647", 6), (b"2147483648", 10), (b"01", 4), (b"", 2),
     (b"x" * 63, 65), (b"x" * 64, 67), (b"x" * 4095, 4099), (b"x" * 4096, 4103)],
)  # fmt: skip
def test_bytes_in_a_listpack(text: bytes, size: int) -> None:
    """A number takes as little as it can, text a header and its own length behind it."""
    assert text_bytes(text) == size
    assert EMPTY_BYTES == 7
    assert integer_bytes(-1) == 3


@pytest.mark.parametrize(
    ("first", "second", "total"),
    [("0.1", "0.2", "0.3"), ("3.0e3", "200", "3200"), ("10.5", "0.1", "10.6"), ("5", "-5", "0"),
     ("1e-20", "0", "0"), ("-1e-18", "0", "0"), ("0x10", "0x.8p1", "17"),
     ("18446744073709551616", "1", "18446744073709551616"), ("1e18", "0.1",
     "1000000000000000000.125")],
)  # fmt: skip
def test_extended_sums(redis_server: int, first: str, second: str, total: str) -> None:
    """Sums are those of 64 bits of mantissa, as a real server says."""
    one, other = (extended.parse(text.encode(), REFUSAL) for text in (first, second))
    assert one is not None
    assert other is not None
    ours = extended.add(one, other)
    assert ours is not None
    client = Client(redis_server)
    client.ask(b"SET", b"k", first.encode())
    theirs = client.ask(b"INCRBYFLOAT", b"k", second.encode())
    client.close()
    assert extended.text_of(ours) == theirs
    assert theirs == total.encode() or first == "1e18"


@pytest.mark.parametrize("text", [b"", b"x", b"1e5000", b"1e-5000", b"1e999999999", b"0x", b" 1"])
def test_extended_refusals(text: bytes) -> None:
    """No numbers, and numbers out of range, are refused at once."""
    with pytest.raises(Refused):
        extended.parse(text, REFUSAL)
    assert extended.parse(b"-inf", REFUSAL) is None


def test_patterns(redis_server: int) -> None:
    """A pattern matches what it matches on a real server, brackets and backslashes too."""
    rng = random.Random(3)
    client = Client(redis_server)
    names = [b"a", b"b", b"ab", b"aXb", b"a]b", b"-", b"a-b", b"^", b"\\", b"[", b"a\nb", b"*"]
    client.ask(b"FLUSHALL")
    client.pipeline([[b"SET", name, b""] for name in names])
    patterns = [
        bytes(rng.choice(b"ab*?[]^-\\X") for _ in range(rng.randrange(1, 7))) for _ in range(3000)
    ]
    replies = client.pipeline([[b"KEYS", pattern] for pattern in patterns])
    client.ask(b"FLUSHALL")
    client.close()
    for pattern, reply in zip(patterns, replies, strict=True):
        matches = matcher(pattern)
        assert isinstance(reply, list)
        assert [n for n in sorted(names) if matches(n)] == sorted(reply), pattern
    assert len(re.findall(rb"\[", b"".join(patterns))) > 500
