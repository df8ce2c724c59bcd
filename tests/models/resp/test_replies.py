"""Replies on the wire, in both protocols, and as recordings hold them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.replies import (
    NULL_ARRAY,
    BigNumber,
    Boolean,
    Double,
    ErrorReply,
    FlatMap,
    FlatPairs,
    PairMap,
    Push,
    Reply,
    SetReply,
    Status,
    Verbatim,
)
from models.resp.replies import encode
from models.resp.typed import NotAReply, parse, text_from_json, text_to_json


@pytest.mark.parametrize(
    ("reply", "resp2", "resp3"),
    [
        (b"ab", b"$2\r\nab\r\n", b"$2\r\nab\r\n"),
        (7, b":7\r\n", b":7\r\n"),
        (None, b"$-1\r\n", b"_\r\n"),
        (NULL_ARRAY, b"*-1\r\n", b"_\r\n"),
        (Status(b"OK"), b"+OK\r\n", b"+OK\r\n"),
        (ErrorReply(b"ERR no"), b"-ERR no\r\n", b"-ERR no\r\n"),
        (Boolean(True), b":1\r\n", b"#t\r\n"),
        (Double(b"1.5"), b"$3\r\n1.5\r\n", b",1.5\r\n"),
        (BigNumber(b"12"), b"$2\r\n12\r\n", b"(12\r\n"),
        (Verbatim.of(b"x", b"txt"), b"$1\r\nx\r\n", b"=5\r\ntxt:x\r\n"),
        ([1, [None]], b"*2\r\n:1\r\n*1\r\n$-1\r\n", b"*2\r\n:1\r\n*1\r\n_\r\n"),
        (SetReply([b"a"]), b"*1\r\n$1\r\na\r\n", b"~1\r\n$1\r\na\r\n"),
        (FlatMap([b"a", 1]), b"*2\r\n$1\r\na\r\n:1\r\n", b"%1\r\n$1\r\na\r\n:1\r\n"),
        (PairMap([[b"a", 1]]), b"*1\r\n*2\r\n$1\r\na\r\n:1\r\n", b"%1\r\n$1\r\na\r\n:1\r\n"),
        (FlatPairs([b"a", 1]), b"*2\r\n$1\r\na\r\n:1\r\n", b"*1\r\n*2\r\n$1\r\na\r\n:1\r\n"),
        (Push([b"m"]), b"*1\r\n$1\r\nm\r\n", b">1\r\n$1\r\nm\r\n"),
    ],
)
def test_each_kind_of_reply_has_its_form(reply: Reply, resp2: bytes, resp3: bytes) -> None:
    """What RESP2 has no type for goes out as its base."""
    assert encode(reply, 2) == resp2
    assert encode(reply, 3) == resp3
    for wire in (resp2, resp3):
        found = parse(wire + b"rest")
        assert found is not None
        assert found[1] == len(wire)
        assert all(parse(wire[:cut]) is None for cut in range(len(wire)))


@given(st.binary())
def test_texts_of_recordings_come_back(text: bytes) -> None:
    """As JSON, valid UTF-8 or not."""
    assert text_from_json(text_to_json(text)) == text


@pytest.mark.parametrize("wire", [b"?\r\n", b":x\r\n", b"$x\r\n", b"*x\r\n"])
def test_what_is_no_reply_is_refused(wire: bytes) -> None:
    """Rather than waited for."""
    with pytest.raises(NotAReply):
        parse(wire)


@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    """Nothing else is raised."""
    try:
        found = parse(data)
    except NotAReply:
        found = None
    assert found is None or found[1] <= len(data)
