"""Commands that go through names: KEYS, SCAN, HSCAN, SSCAN and ZSCAN. Replies are those of Redis 7.

What Redis keeps in one piece (a small hash, a set of integers, a small sorted set) it returns at
once and in order. Through a hash table it walks in an order of its own; here that is the order of
the names' checksums, and the cursor is the next checksum to be looked at: a walk meets everything
that is there from its beginning to its end, whatever else comes and goes.
"""

from collections.abc import Callable, Iterable
from typing import Final
from zlib import crc32

from models.redis.arguments import SYNTAX, format_score, integer, unsigned
from models.redis.context import Context
from models.redis.encodings import is_compact, is_compact_zset, is_integers, set_members
from models.redis.glob import matcher
from models.redis.refused import Refused
from models.replies import ErrorReply, Reply

_COUNT: Final = 10
_PACKED_MAX: Final = 2**62
_BAD_CURSOR: Final = ErrorReply(b"ERR invalid cursor")


class _Options:
    """What follows the cursor."""

    def __init__(self, args: list[bytes], *, types: bool) -> None:
        self.count = _COUNT
        self.matches: Callable[[bytes], bool] | None = None
        self.type: bytes | None = None
        rest = iter(args)
        for arg in rest:
            word = arg.upper()
            text = next(rest, None)
            if text is None:
                raise Refused(SYNTAX)
            if word == b"COUNT":
                self.count = integer(text)
                if self.count < 1:
                    raise Refused(SYNTAX)
            elif word == b"MATCH":
                self.matches = None if text == b"*" else matcher(text)
            elif word == b"TYPE" and types:
                self.type = text.lower()
            else:
                raise Refused(SYNTAX)

    def chosen(self, names: Iterable[bytes]) -> list[bytes]:
        """The names that match."""
        return list(names) if self.matches is None else [n for n in names if self.matches(n)]


def _cursor(text: bytes) -> int:
    value = 0 if text.partition(b"\0")[0] == b"" else unsigned(text)
    if value is None or text[:1].isspace():
        raise Refused(_BAD_CURSOR)
    return value


def _walk(names: Iterable[bytes], cursor: int, count: int) -> tuple[int, list[bytes]]:
    """The next names from a cursor on, all of one checksum together, and the next cursor."""
    ahead = sorted((sum_, name) for name in names if (sum_ := crc32(name)) >= cursor)
    if len(ahead) <= count:
        return 0, [name for _, name in ahead]
    bound = ahead[count][0]
    met = [name for sum_, name in ahead if sum_ < bound]
    if not met:  # more of one checksum than asked for, which is the first
        met = [name for sum_, name in ahead if sum_ == bound]
        bound += 1
    return bound, met


def keys(context: Context, args: list[bytes]) -> Reply:
    """KEYS pattern."""
    names = context.names()
    if args[1] == b"*":
        return list(names)
    matches = matcher(args[1])
    return [name for name in names if matches(name)]


def scan(context: Context, args: list[bytes]) -> Reply:
    """SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]."""
    cursor = _cursor(args[1])
    options = _Options(args[2:], types=True)
    after, names = _walk(context.names(), cursor, options.count)
    found = options.chosen(names)
    if options.type is not None:
        found = [n for n in found if context.key_type(context.key(n)) == options.type]
    return [b"%d" % after, list(found)]


def hscan(context: Context, args: list[bytes]) -> Reply:
    """HSCAN key cursor [MATCH pattern] [COUNT count]: fields and values in turn."""
    cursor = _cursor(args[2])
    fields = context.load_hash(context.key(args[1])).data
    after, names = _part(args, cursor, fields, whole=is_compact(fields))
    return [b"%d" % after, [part for name in names for part in (name, fields[name])]]


def sscan(context: Context, args: list[bytes]) -> Reply:
    """SSCAN key cursor [MATCH pattern] [COUNT count]."""
    cursor = _cursor(args[2])
    members = context.load_set(context.key(args[1])).data
    after, names = _part(args, cursor, set_members(members), whole=is_integers(members))
    return [b"%d" % after, list(names)]


def zscan(context: Context, args: list[bytes]) -> Reply:
    """ZSCAN key cursor [MATCH pattern] [COUNT count]: members and scores in turn."""
    cursor = _cursor(args[2])
    members = context.load_zset(context.key(args[1])).data
    in_order = [member for _, member in members.order]
    after, names = _part(args, cursor, in_order, whole=is_compact_zset(members))
    scores = members.scores
    text = _packed if is_compact_zset(members) else format_score
    return [b"%d" % after, [part for n in names for part in (n, text(scores[n]))]]


def _packed(score: float) -> bytes:
    """A score as a small sorted set keeps it: as an integer if it is one."""
    if abs(score) <= _PACKED_MAX and score == int(score):
        return b"%d" % int(score)
    return format_score(score)


def _part(
    args: list[bytes], cursor: int, names: Iterable[bytes], *, whole: bool
) -> tuple[int, list[bytes]]:
    """What one call returns of a collection."""
    listed = list(names)
    if not listed:
        return 0, []
    options = _Options(args[3:], types=False)
    after = 0
    if not whole:
        after, listed = _walk(listed, cursor, options.count)
    return after, options.chosen(listed)
