"""Requests: cut anywhere, too large, garbled; never a crash, never a hang."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.resp.requests import INLINE_MAX, Requests

COMMANDS = st.lists(st.lists(st.binary(max_size=1200), min_size=1, max_size=12), max_size=6)


def encoded(words: list[bytes]) -> bytes:
    """A command as clients send it."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(w), w) for w in words)


def taken(requests: Requests) -> list[list[bytes]]:
    """All commands that are there."""
    commands = []
    while (command := requests.next()) is not None:
        commands.append(command)
    return commands


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """The bytes, cut at these places."""
    bounds = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(bounds)]


@given(COMMANDS, st.lists(st.integers(min_value=0), max_size=20))
def test_commands_come_out_as_they_went_in(commands: list[list[bytes]], places: list[int]) -> None:
    """However the bytes are cut."""
    requests = Requests()
    found = []
    for piece in cut(b"".join(map(encoded, commands)), places):
        requests.feed(piece)
        found += taken(requests)
    assert found == commands
    assert requests.error is None
    assert requests.waiting_bytes == 0


BYTES = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from(
            [b"*1\r\n", b"*2\r\n", b"$3\r\n", b"$0\r\n\r\n", b"*0\r\n", b"*-1\r\n", b"\r\n", b"\n",
             b"$", b"*", b"GET a\r\n", b'"', b"'", b"\\x4", b"\0", b"*1\r\n$99999999999\r\n"]
        ),
    ),
    max_size=12,
).map(b"".join)  # fmt: skip


@given(BYTES, st.lists(st.integers(min_value=0), max_size=8))
def test_any_bytes_are_read_alike_however_they_are_cut(data: bytes, places: list[int]) -> None:
    """Same commands, same error, and reading ends."""
    whole = Requests()
    whole.feed(data)
    expected = taken(whole)
    pieces = Requests()
    found = []
    for piece in cut(data, places):
        pieces.feed(piece)
        found += taken(pieces)
    assert found == expected
    assert pieces.error == whole.error
    assert all(expected)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"*01\r\n", b"invalid multibulk length"),
        (b"*2147483648\r\n", b"invalid multibulk length"),
        (b"*1\r\n$01\r\n", b"invalid bulk length"),
        (b"*1\r\n$536870913\r\n", b"invalid bulk length"),
        (b"*1\r\nx", None),
        (b"*1\r\nx\r\n", b"expected '$', got 'x'"),
        (b"x" * INLINE_MAX, None),
        (b"x" * (INLINE_MAX + 1), b"too big inline request"),
        (b"*-7\r\n", None),
    ],
)
def test_refusals_are_those_of_redis(sent: bytes, said: bytes | None) -> None:
    """At their very limits."""
    requests = Requests()
    requests.feed(sent)
    assert requests.next() is None
    if said is None:
        assert requests.error is None
    else:
        assert requests.error is not None
        assert requests.error.text == b"ERR Protocol error: " + said


def test_commands_before_an_error_are_handed_out() -> None:
    """And none after it."""
    requests = Requests()
    requests.feed(b"PING\r\n*1\r\n?\r\nPING\r\n")
    assert taken(requests) == [[b"PING"]]
    assert requests.error is not None
    requests.feed(b"PING\r\n")
    assert taken(requests) == []


def test_strangers_may_send_little() -> None:
    """Ten arguments of 16 kB, until they have given the password."""
    for sent in (b"*11\r\n", b"*1\r\n$16385\r\n"):
        requests = Requests()
        requests.trusted = False
        requests.feed(sent)
        assert requests.next() is None
        assert requests.error is not None
        assert b"unauthenticated" in requests.error.text


def test_a_large_argument_in_small_pieces_is_copied_few_times() -> None:
    """16 MB in pieces of 1 kB: time linear in the size."""
    requests = Requests()
    data = encoded([b"SET", b"k", b"x" * (16 << 20)])
    for at in range(0, len(data), 1024):
        requests.feed(data[at : at + 1024])
        command = requests.next()
    assert command is not None
    assert len(command[2]) == 16 << 20
