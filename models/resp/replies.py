"""Replies on their way to a client: RESP2 or RESP3 bytes."""

from collections.abc import Callable
from typing import Any, Final

from models.replies import (
    BigNumber,
    Boolean,
    Double,
    ErrorReply,
    FlatMap,
    FlatPairs,
    NullArray,
    PairMap,
    Push,
    Reply,
    SetReply,
    Status,
    Verbatim,
)

_Encoder = Callable[[Any, list[bytes]], None]


def encode(reply: Reply, protocol: int) -> bytes:
    """A reply as the bytes that a client gets who speaks protocol 2 or 3."""
    parts: list[bytes] = []
    (_RESP3 if protocol == 3 else _RESP2)[type(reply)](reply, parts)
    return b"".join(parts)


def _bulk(reply: bytes, parts: list[bytes]) -> None:
    parts.append(b"$%d\r\n%b\r\n" % (len(reply), reply))


def _integer(reply: int, parts: list[bytes]) -> None:
    parts.append(b":%d\r\n" % reply)


def _status(reply: Status, parts: list[bytes]) -> None:
    parts.append(b"+%b\r\n" % reply.text)


def _error(reply: ErrorReply, parts: list[bytes]) -> None:
    parts.append(b"-%b\r\n" % reply.text)


def _nil2(reply: None, parts: list[bytes]) -> None:
    parts.append(b"$-1\r\n")


def _nil3(reply: None, parts: list[bytes]) -> None:
    parts.append(b"_\r\n")


def _null_array2(reply: NullArray, parts: list[bytes]) -> None:
    parts.append(b"*-1\r\n")


def _boolean3(reply: Boolean, parts: list[bytes]) -> None:
    parts.append(b"#t\r\n" if reply else b"#f\r\n")


def _double3(reply: Double, parts: list[bytes]) -> None:
    parts.append(b",%b\r\n" % reply)


def _verbatim3(reply: Verbatim, parts: list[bytes]) -> None:
    parts.append(b"=%d\r\n%b:%b\r\n" % (len(reply) + 4, reply.format, reply))


def _big_number3(reply: BigNumber, parts: list[bytes]) -> None:
    parts.append(b"(%b\r\n" % reply)


def _elements(
    mark: bytes, per_entry: int, encoders: Callable[[], dict[type, _Encoder]]
) -> _Encoder:
    """Encodes all elements of a list one behind the other, counted as so many per entry."""

    def encode_all(reply: list[Any], parts: list[bytes]) -> None:
        parts.append(b"%b%d\r\n" % (mark, len(reply) // per_entry))
        table = encoders()
        for element in reply:
            if type(element) is bytes:
                parts.append(b"$%d\r\n%b\r\n" % (len(element), element))
            else:
                table[type(element)](element, parts)

    return encode_all


def _pair_map3(reply: PairMap, parts: list[bytes]) -> None:
    parts.append(b"%%%d\r\n" % len(reply))
    for pair in reply:
        for element in pair:
            _RESP3[type(element)](element, parts)


def _pairs3(reply: FlatPairs, parts: list[bytes]) -> None:
    parts.append(b"*%d\r\n" % (len(reply) // 2))
    for place, element in enumerate(reply):
        if place % 2 == 0:
            parts.append(b"*2\r\n")
        _RESP3[type(element)](element, parts)


_array2: Final = _elements(b"*", 1, lambda: _RESP2)
_array3: Final = _elements(b"*", 1, lambda: _RESP3)
_RESP2: Final[dict[type, _Encoder]] = {
    bytes: _bulk,
    int: _integer,
    bool: _integer,
    type(None): _nil2,
    list: _array2,
    Status: _status,
    ErrorReply: _error,
    NullArray: _null_array2,
    Boolean: _integer,
    Double: _bulk,
    Verbatim: _bulk,
    BigNumber: _bulk,
    SetReply: _array2,
    FlatMap: _array2,
    PairMap: _array2,
    FlatPairs: _array2,
    Push: _array2,
}
_RESP3: Final[dict[type, _Encoder]] = {
    bytes: _bulk,
    int: _integer,
    bool: _integer,
    type(None): _nil3,
    list: _array3,
    Status: _status,
    ErrorReply: _error,
    NullArray: _nil3,
    Boolean: _boolean3,
    Double: _double3,
    Verbatim: _verbatim3,
    BigNumber: _big_number3,
    SetReply: _elements(b"~", 1, lambda: _RESP3),
    FlatMap: _elements(b"%", 2, lambda: _RESP3),
    PairMap: _pair_map3,
    FlatPairs: _pairs3,
    Push: _elements(b">", 1, lambda: _RESP3),
}
