"""Drawing elements by chance, for SRANDMEMBER, HRANDFIELD, ZRANDMEMBER and SPOP."""

from typing import Final

from models.redis.arguments import INT_MAX, SYNTAX, within
from models.redis.context import Context
from models.redis.refused import Refused
from models.replies import ErrorReply

_OUT_OF_RANGE: Final = ErrorReply(b"ERR value is out of range")


def draw_options(args: list[bytes], word: bytes) -> tuple[int | None, bool]:
    """`[count [word]]` after the key: the count, None without one, and whether the word stands.

    The count is negative for draws with repetition.
    """
    if len(args) == 2:
        return None, False
    count = within(args[2], INT_MAX)
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
