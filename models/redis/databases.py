"""Commands on databases by number, of which there is one, 0. Replies are those of Redis 7."""

from typing import Final

from models.redis.arguments import NOT_AN_INTEGER, integer
from models.redis.context import Context
from models.redis.refused import Refused
from models.replies import OK, ErrorReply, Reply

_SAME: Final = ErrorReply(b"ERR source and destination objects are the same")
_NO_DATABASE: Final = ErrorReply(b"ERR DB index is out of range")
_LARGEST: Final = 2**31 - 1
_TOO_LARGE: Final = ErrorReply(
    b"ERR value is out of range, value must between -2147483648 and 2147483647"
)


def _index(text: bytes, no_integer: ErrorReply, too_large: ErrorReply) -> int:
    index = integer(text, no_integer)
    if not -_LARGEST - 1 <= index <= _LARGEST:
        raise Refused(too_large)
    return index


def check_database(text: bytes) -> None:
    """Refuse any number but 0."""
    if _index(text, NOT_AN_INTEGER, _TOO_LARGE) != 0:
        raise Refused(_NO_DATABASE)


def select(context: Context, args: list[bytes]) -> Reply:
    """SELECT 0."""
    check_database(args[1])
    return OK


def swapdb(context: Context, args: list[bytes]) -> Reply:
    """SWAPDB 0 0."""
    indexes = []
    for text, word in zip(args[1:], (b"first", b"second"), strict=True):
        refusal = ErrorReply(b"ERR invalid " + word + b" DB index")
        indexes.append(_index(text, refusal, refusal))
    if any(indexes):
        raise Refused(_NO_DATABASE)
    return OK


def move(context: Context, args: list[bytes]) -> Reply:
    """MOVE key database: there is none to move it to."""
    check_database(args[2])
    raise Refused(_SAME)
