"""Replies: what RESP3 has a richer type for is its RESP2 form, and says more."""

from math import inf

import pytest
from lupa.lua51 import LuaRuntime

from models.replies import (
    NULL_ARRAY,
    Boolean,
    Double,
    ErrorReply,
    FlatMap,
    FlatPairs,
    PairMap,
    Reply,
    SetReply,
    Status,
    quoted,
)
from models.script.convert import as_table


@pytest.mark.parametrize(
    ("reply", "resp2"),
    [
        (Double.of(1.5), b"1.5"), (Double.of(7350000000000001.0), b"7350000000000001"),
        (Double.of(-inf), b"-inf"), (Boolean(True), 1), (SetReply([b"a"]), [b"a"]),
        (FlatMap([b"f", b"v"]), [b"f", b"v"]), (PairMap([[b"k", 1]]), [[b"k", 1]]),
        (FlatPairs([b"m", Double.of(2.0)]), [b"m", b"2"]),
    ],
)  # fmt: skip
def test_a_richer_type_is_its_resp2_form(reply: Reply, resp2: Reply) -> None:
    """Whoever does not care for RESP3 may compare and send it as if there were none."""
    assert reply == resp2
    assert isinstance(reply, type(resp2))


def test_lua_sees_the_resp2_form() -> None:
    """Arrays become tables, doubles strings, and both nulls false."""
    runtime = LuaRuntime(encoding=None)
    table = as_table(runtime, FlatPairs([b"m", Double.of(2.5), NULL_ARRAY, None, Status(b"OK")]))
    kinds = runtime.eval(
        "function(t) return type(t[1]), t[2], type(t[2]), t[3], t[4], t[5].ok, #t end"
    )(table)
    assert kinds == (b"string", b"2.5", b"string", False, False, b"OK", 5)


def test_a_quoted_word_stays_on_one_line() -> None:
    """Up to its first NUL, without line ends, as C prints it."""
    assert quoted(b"a\r\nb\x00c") == b"a  b"
    assert ErrorReply(b"ERR " + quoted(b"x")) == ErrorReply(b"ERR x")
    assert repr(NULL_ARRAY) == "NULL_ARRAY"
