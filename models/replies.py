"""Replies of Redis commands, as the adapter hands them to a script or a client.

`bytes` is a bulk string, `int` an integer, `None` the nil reply, a `list` an array; the two that
Python has no type for are here.
"""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Status:
    """A status reply (`+OK`)."""

    text: bytes


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """An error reply (`-ERR ...`); `text` begins with the code word and holds no leading dash."""

    text: bytes


def quoted(word: bytes) -> bytes:
    """A client's word as Redis puts it into an error: up to its first NUL, and on one line."""
    return word.partition(b"\0")[0].replace(b"\r", b" ").replace(b"\n", b" ")


Reply: TypeAlias = "bytes | int | Status | ErrorReply | list[Reply] | None"

OK = Status(b"OK")
WRONG_TYPE = ErrorReply(b"WRONGTYPE Operation against a key holding the wrong kind of value")
