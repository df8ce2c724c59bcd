"""Drawing elements by chance, for SRANDMEMBER, HRANDFIELD, ZRANDMEMBER and SPOP."""

from typing import Final

from models.redis.arguments import INT_MAX, SYNTAX, within
from models.redis.context import Context
from models.redis.refused import Refused
from models.replies import ErrorReply

_OUT_OF_RANGE: Final = ErrorReply(b"ERR value is out of range")
REPEATED_MAX: Final = 1_000_000
"""Elements that one command may draw with repetition. Redis goes on until its memory is full."""
_TOO_MANY: Final = ErrorReply(
    f"ERR value is out of range, at most {REPEATED_MAX:,} elements are drawn at once".encode()
)


def draw_count(text: bytes) -> int:
    """How many elements to draw; negative for draws with repetition."""
    count = within(text, INT_MAX)
    if count < -REPEATED_MAX:
        raise Refused(_TOO_MANY)
    return count


def draw_options(args: list[bytes], word: bytes) -> tuple[int | None, bool]:
    """`[count [word]]` after the key: the count, None without one, and whether the word stands."""
    if len(args) == 2:
        return None, False
    count = draw_count(args[2])
    if len(args) > 4 or (len(args) == 4 and args[3].upper() != word):
        raise Refused(SYNTAX)
    if len(args) == 4 and not -(INT_MAX // 2) <= count <= INT_MAX // 2:
        raise Refused(_OUT_OF_RANGE)
    return count, len(args) == 4


def draw(context: Context, names: list[bytes], count: int | None) -> list[bytes]:
    """Some of the names: one without a count, distinct ones up to `count`, or `-count` draws."""
    below = context.surroundings.draw
    if not names:
        return []
    if count is None:
        return [names[below(len(names))]]
    if count < 0:
        return [names[below(len(names))] for _ in range(-count)]
    if count >= len(names):
        return names
    left = list(names)
    return [left.pop(below(len(left))) for _ in range(count)]
