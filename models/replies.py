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


Reply: TypeAlias = "bytes | int | Status | ErrorReply | list[Reply] | None"

OK = Status(b"OK")
WRONG_TYPE = ErrorReply(b"WRONGTYPE Operation against a key holding the wrong kind of value")
