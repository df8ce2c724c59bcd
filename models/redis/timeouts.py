"""How long a blocking command may wait, as it is written. Refusals are those of Redis 7."""

from math import ceil
from typing import Final

from models.redis import extended
from models.redis.arguments import INT_MAX, integer
from models.redis.refused import Refused
from models.replies import ErrorReply

_NO_INTEGER: Final = ErrorReply(b"ERR timeout is not an integer or out of range")
_NO_FLOAT: Final = ErrorReply(b"ERR timeout is not a float or out of range")
_NEGATIVE: Final = ErrorReply(b"ERR timeout is negative")


def timeout_ms(text: bytes) -> int:
    """A timeout in whole milliseconds (XREAD BLOCK); 0 is for ever."""
    value = integer(text, _NO_INTEGER)
    if value < 0:
        raise Refused(_NEGATIVE)
    return value


def timeout_seconds(text: bytes) -> int:
    """A timeout in seconds with a fraction (BLPOP and its like), in ms; 0 is for ever."""
    seconds = extended.parse(text, _NO_FLOAT)
    if seconds is None or not 0 <= seconds * 1000 <= INT_MAX:
        raise Refused(_NEGATIVE)  # what C cannot convert becomes negative
    return ceil(seconds * 1000)
