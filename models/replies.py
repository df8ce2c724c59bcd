"""Replies of Redis commands, as the adapter hands them to a script or a client.

A handler returns one value, from which RESP2, RESP3 and the conversion to Lua follow. What it
returns *is* its RESP2 form: `bytes` is a bulk string, `int` an integer, `None` the nil reply, a
`list` an array. What RESP3 has a richer type for is a subclass that says so (`Double` is the text
that RESP2 sends, `FlatMap` the flat array); whoever does not care sees the base class.
"""

from dataclasses import dataclass
from typing import Any, Final, TypeAlias


@dataclass(frozen=True, slots=True)
class Status:
    """A status reply (`+OK`)."""

    text: bytes


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """An error reply (`-ERR ...`); `text` begins with the code word and holds no leading dash."""

    text: bytes


class NullArray:
    """The null array: `*-1` in RESP2; in RESP3 and in Lua the same as nil."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "NULL_ARRAY"


NULL_ARRAY: Final = NullArray()
"""The only one there is."""


class Double(bytes):
    """A floating-point number, as the text that RESP2 carries in a bulk string."""

    __slots__ = ()

    @classmethod
    def of(cls, value: float) -> "Double":
        """The number with 17 significant digits."""
        return cls(b"%.17g" % value)


class Boolean(int):
    """True or false; an integer in RESP2."""


class BigNumber(bytes):
    """An integer of any size, as text; a bulk string in RESP2."""

    __slots__ = ()


class Verbatim(bytes):
    """A text to be shown as it is; a bulk string in RESP2."""

    format: bytes
    """Three letters: `txt`, `mkd`."""

    @classmethod
    def of(cls, text: bytes, format: bytes) -> "Verbatim":
        """The text; of its format the first three bytes, filled up with spaces."""
        verbatim = cls(text)
        verbatim.format = format[:3].ljust(3)
        return verbatim


class SetReply(list[Any]):
    """An unordered set; an array in RESP2."""


class FlatMap(list[Any]):
    """A map, written key, value, key, value: so it is an array in RESP2."""


class PairMap(list[Any]):
    """A map, written as a list of pairs: so it is an array of arrays in RESP2."""


class FlatPairs(list[Any]):
    """Pairs in order, written flat; an array of pairs in RESP3 (scores beside their members)."""


class Push(list[Any]):
    """What a client gets without having asked: a message; in RESP2 an array like any other."""


def quoted(word: bytes) -> bytes:
    """A client's word as Redis puts it into an error: up to its first NUL, and on one line."""
    return word.partition(b"\0")[0].replace(b"\r", b" ").replace(b"\n", b" ")


Reply: TypeAlias = "bytes | int | Status | ErrorReply | list[Reply] | NullArray | None"

OK = Status(b"OK")
WRONG_TYPE = ErrorReply(b"WRONGTYPE Operation against a key holding the wrong kind of value")
