"""Numbers as Redis takes and prints them; compared with a real server in `test_differential.py`."""

from math import inf

import pytest

from models.redis.arguments import (
    INT_MAX,
    INT_MIN,
    NOT_A_FLOAT,
    NOT_AN_INTEGER,
    expiry,
    format_score,
    integer,
    score,
)
from models.redis.refused import Refused
from models.replies import ErrorReply

SECOND = 10**9


@pytest.mark.parametrize("value", [0, 7, -7, 10**18, INT_MAX, INT_MIN])
def test_integers(value: int) -> None:
    """The plain decimal of every 64-bit number is an integer."""
    assert integer(b"%d" % value) == value


@pytest.mark.parametrize(
    "text",
    [b"", b"-", b"+1", b"01", b"-0", b" 1", b"1 ", b"1.0", b"1e3", b"0x1", b"one", b"1\x00",
     b"9223372036854775808", b"-9223372036854775809", b"1" * 30],
)  # fmt: skip
def test_no_integers(text: bytes) -> None:
    """Any other spelling is refused, and so is a number of more than 64 bits."""
    with pytest.raises(Refused) as refused:
        integer(text)
    assert refused.value.reply == NOT_AN_INTEGER


@pytest.mark.parametrize(
    ("text", "value"),
    [(b"1", 1.0), (b"-1.5", -1.5), (b".5", 0.5), (b"1.", 1.0), (b"+3", 3.0), (b"1e3", 1000.0),
     (b"0x10", 16.0), (b"0x1p-1", 0.5), (b"5e-324", 5e-324), (b"0e-999", 0.0), (b"inf", inf),
     (b"-INF", -inf), (b"+Infinity", inf)],
)  # fmt: skip
def test_scores(text: bytes, value: float) -> None:
    """A score is what C's strtod reads."""
    assert score(text) == value


@pytest.mark.parametrize(
    "text",
    [b"", b"nan", b"one", b" 1", b"1 ", b"1_0", b"1e", b"--1", b"1e400", b"-1e400", b"1e-400",
     b"0x1p-2000", b"0x1p2000", b"0x", b"1\x00", b"\xff"],
)  # fmt: skip
def test_no_scores(text: bytes) -> None:
    """Not a number, and numbers that a double cannot hold, are refused."""
    with pytest.raises(Refused) as refused:
        score(text)
    assert refused.value.reply == NOT_A_FLOAT


@pytest.mark.parametrize(
    ("value", "text"),
    [(3.0, b"3"), (0.1, b"0.10000000000000001"), (7350000000000001.0, b"7350000000000001"),
     (1e22, b"1e+22"), (inf, b"inf"), (-inf, b"-inf"), (-0.0, b"-0")],
)  # fmt: skip
def test_format_score(value: float, text: bytes) -> None:
    """Scores are printed with 17 significant digits, integers as integers."""
    assert format_score(value) == text


def test_expiries() -> None:
    """A time to live counts from now, an instant does not; what Redis could not hold is refused."""
    assert expiry(b"5", SECOND, now=7, absolute=False, command=b"set") == 5 * SECOND
    assert expiry(b"5", SECOND, now=7, absolute=True, command=b"set") == 5 * SECOND
    for text in (b"0", b"-1", b"9223372036854776"):
        with pytest.raises(Refused) as refused:
            expiry(text, SECOND, now=7, absolute=False, command=b"set")
        assert refused.value.reply == ErrorReply(b"ERR invalid expire time in 'set' command")
