"""Values between Python and Lua."""

from math import inf, nan

import pytest
from lupa.lua51 import LuaRuntime

from models.replies import ErrorReply, Reply, Status
from models.script.convert import (
    BAD_ARGUMENTS,
    INTEGER_MAX,
    INTEGER_MIN,
    LuaFailure,
    argument_texts,
    as_table,
    error_reply,
    error_text,
    integer_reply,
    number_text,
    reply_bytes,
    reply_from_tokens,
    status_reply,
)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, b"0"),
        (-3, b"-3"),
        (10**17 - 16, b"99999999999999984"),
        (10**17, b"1e+17"),
        (-(10**17), b"-1e+17"),
        (0.1, b"0.10000000000000001"),
        (1.5, b"1.5"),
        (2.0**63, b"9.2233720368547758e+18"),
        (inf, b"inf"),
        (-inf, b"-inf"),
        (nan, b"nan"),
        (-nan, b"-nan"),
    ],
)
def test_a_number_is_written_with_seventeen_digits(number: float, text: bytes) -> None:
    """As C's %.17g does."""
    assert number_text(number) == text


@pytest.mark.parametrize("value", [None, True, False, object(), [b"x"]])
def test_an_argument_that_is_neither_text_nor_number_is_refused(value: object) -> None:
    """Booleans are no numbers here."""
    with pytest.raises(LuaFailure) as refusal:
        argument_texts([b"GET", value])
    assert refusal.value.text == BAD_ARGUMENTS


@pytest.mark.parametrize(
    ("number", "integer"),
    [
        (3.99, 3),
        (-3.99, -3),
        (2.0**62, 2**62),
        (2.0**63, INTEGER_MIN),
        (-(2.0**63), INTEGER_MIN),
        (1e300, INTEGER_MIN),
        (nan, INTEGER_MIN),
        (-inf, INTEGER_MIN),
    ],
)
def test_a_returned_number_is_cut_towards_zero(number: float, integer: int) -> None:
    """What does not fit is the smallest integer, as on the processors Redis runs on."""
    assert integer_reply(number) == integer


def test_statuses_and_errors_are_one_line_up_to_the_first_zero_byte() -> None:
    """Only an error loses the line ends at its end."""
    assert status_reply(b"a\r\nb\n\0c") == Status(b"a  b ")
    assert error_reply(b"A b\r\nc\r\n\0d") == ErrorReply(b"A b  c")


def test_a_commands_error_of_one_word_gets_a_code() -> None:
    """A script always sees a code word first."""
    assert error_text(ErrorReply(b"EXECABORT")) == b"ERR EXECABORT"
    assert error_text(ErrorReply(b"WRONGTYPE no\r\n")) == b"WRONGTYPE no"


@pytest.mark.parametrize(
    ("tokens", "reply"),
    [
        ([None, b"[", None, b"]"], []),
        ([None, b"[", 1, b"[", True, False, 2.5, None, b"]"], [1, b"[", 1, None, 2]),
        ([None, b"[", None, b"[", b"x", None, b"]", 5, None, b"]"], [[b"x"], 5]),
        ([None, b"[", None, b"+", b"OK", None, b"-", b"E x", None, b"]"],
         [Status(b"OK"), ErrorReply(b"E x")]),
        ([None, b",", 3.1], b"3.1000000000000001"),
        ([None, b"(", b"1\n2"], b"1 2"),
    ],
)  # fmt: skip
def test_tokens_become_the_reply_they_were_taken_from(tokens: list[object], reply: Reply) -> None:
    """Marks are announced by None, so a string that looks like one is a string."""
    assert reply_from_tokens(tokens) == reply


REPLIES: list[Reply] = [
    [],
    [b"a", b"b"],
    [b"a", None, 5, [b"x", [None]]],
    Status(b"OK"),
    [Status(b"OK"), ErrorReply(b"ERR x")],
    [b"x" * 1000] * 100,
    list(range(1000)),
]


@pytest.mark.parametrize("reply", REPLIES)
def test_the_estimate_of_memory_is_not_below_what_a_reply_takes(reply: Reply) -> None:
    """Handing over more than there is room for would hang the process."""
    runtime = LuaRuntime(encoding=None, max_memory=1 << 24)
    # The registry is larger than any reply needs it.
    places = [runtime.table() for _ in range(64)]
    del places
    runtime.gccollect()
    before = runtime.get_memory_used()
    with runtime.nogc():
        table = as_table(runtime, reply)
        assert runtime.get_memory_used() - before <= reply_bytes(reply)
    del table


def test_what_is_no_reply_is_refused_with_its_value() -> None:
    """A bug of whoever answers; the message must show it."""
    runtime = LuaRuntime(encoding=None)
    for value in (1.5, "text", True, INTEGER_MAX + 1, b"a".decode):
        with pytest.raises(TypeError, match="must be a Reply, got"):
            as_table(runtime, value)  # type: ignore[arg-type]
