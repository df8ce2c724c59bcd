"""Commands on stretches of sorted sets: by rank, score or member. Replies are those of Redis 7."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from math import isnan
from operator import itemgetter
from typing import Final, TypeAlias

from models.redis.arguments import SYNTAX, integer, number, span
from models.redis.context import Context
from models.redis.refused import Refused
from models.redis.sorted_set import Entry, SortedSet
from models.redis.zsets import flat
from models.replies import ErrorReply, FlatPairs, Reply

Stretch: TypeAlias = Callable[[Sequence[Entry]], tuple[int, int]]
"""Where a range lies in an order: first position, and the one after the last."""

_NO_FLOAT: Final = ErrorReply(b"ERR min or max is not a float")
_NO_ITEM: Final = ErrorReply(b"ERR min or max not valid string range item")
_NO_LIMIT: Final = ErrorReply(
    b"ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"
)
_NO_SCORES: Final = ErrorReply(
    b"ERR syntax error, WITHSCORES not supported in combination with BYLEX"
)
_score_of: Final = itemgetter(0)
_member_of: Final = itemgetter(1)


# -- ranges ---------------------------------------------------------------------------------------


def _by_rank(start: bytes, stop: bytes) -> Stretch:
    first, last = integer(start), integer(stop)
    return lambda order: span(first, last, len(order))


def _bound(text: bytes) -> tuple[float, bool]:
    """A bound on scores, and whether it is excluded."""
    excluded = text[:1] == b"("
    digits = (text[1:] if excluded else text).partition(b"\0")[0]
    value = number(digits) if digits else 0.0
    if value is None or isnan(value):
        raise Refused(_NO_FLOAT)
    return value, excluded


def _by_score(lowest: bytes, highest: bytes) -> Stretch:
    low, above = _bound(lowest)
    high, below = _bound(highest)
    begin = bisect_right if above else bisect_left
    end = bisect_left if below else bisect_right

    def stretch(order: Sequence[Entry]) -> tuple[int, int]:
        first = begin(order, low, key=_score_of)
        return first, max(end(order, high, key=_score_of), first)

    return stretch


class _LexBound:
    """A bound on members: `-`, `+`, `[member` or `(member`."""

    def __init__(self, text: bytes) -> None:
        if text not in (b"-", b"+") and text[:1] not in (b"[", b"("):
            raise Refused(_NO_ITEM)
        self.lowest, self.highest = text == b"-", text == b"+"
        self.excluded = text[:1] == b"("
        self.member = text[1:]

    def below(self, member: bytes) -> bool:
        """Whether a member passes this as the lower bound."""
        if self.lowest or self.highest:
            return self.lowest
        return member > self.member if self.excluded else member >= self.member

    def above(self, member: bytes) -> bool:
        """Whether a member passes this as the upper bound."""
        if self.lowest or self.highest:
            return self.highest
        return member < self.member if self.excluded else member <= self.member

    def is_empty_with(self, upper: "_LexBound") -> bool:
        """Whether nothing can lie between this and an upper bound."""
        if self.lowest or upper.highest:
            return False
        if self.highest or upper.lowest:
            return True
        excluded = self.excluded or upper.excluded
        return self.member > upper.member or (self.member == upper.member and excluded)


def _by_member(lowest: bytes, highest: bytes, *, backwards: bool = False) -> Stretch:
    """By member, which makes sense among equal scores only; Redis walks the order in any case."""
    low, high = _LexBound(lowest), _LexBound(highest)

    def stretch(order: Sequence[Entry]) -> tuple[int, int]:
        size = len(order)
        if not size or low.is_empty_with(high):
            return 0, 0
        if order[0][0] == order[-1][0]:
            first = bisect_left(order, True, key=lambda entry: low.below(entry[1]))
            after = bisect_left(order, True, key=lambda entry: not high.above(entry[1]))
            return first, max(first, after)
        members = [member for _, member in order]
        if not low.below(members[-1]) or not high.above(members[0]):
            return 0, 0
        if backwards:
            after = next((i for i in range(size, 0, -1) if high.above(members[i - 1])), 0)
            first = after
            while first and low.below(members[first - 1]):
                first -= 1
            return first, after
        first = next((i for i in range(size) if low.below(members[i])), size)
        after = first
        while after < size and high.above(members[after]):
            after += 1
        return first, after

    return stretch


# -- ZRANGE and its family ------------------------------------------------------------------------


class _Query:
    """The arguments of ZRANGE or one of its older forms, from the bounds on."""

    def __init__(
        self,
        bounds: list[bytes],
        options: list[bytes],
        *,
        by: bytes | None = None,
        backwards: bool | None = None,
        storing: bool = False,
    ) -> None:
        """`by` and `backwards` are given where the command's name says so."""
        self.with_scores = False
        self.offset, self.limit = 0, -1
        chosen, reverse = by, backwards
        rest = iter(options)
        for option in rest:
            word = option.upper()
            if word == b"WITHSCORES" and not storing:
                self.with_scores = True
            elif word == b"LIMIT":
                offset, limit = next(rest, None), next(rest, None)
                if offset is None or limit is None:
                    raise Refused(SYNTAX)
                self.offset, self.limit = integer(offset), integer(limit)
            elif word == b"REV" and backwards is None and not reverse:
                reverse = True
            elif word in (b"BYSCORE", b"BYLEX") and chosen is None:
                chosen = word
            else:
                raise Refused(SYNTAX)
        self.backwards = bool(reverse)
        if self.limit != -1 and chosen in (None, b"BYRANK"):
            raise Refused(_NO_LIMIT)
        if self.with_scores and chosen == b"BYLEX":
            raise Refused(_NO_SCORES)
        self.by_rank = chosen in (None, b"BYRANK")
        low, high = bounds if self.by_rank or not self.backwards else reversed(bounds)
        if self.by_rank:
            self.stretch = _by_rank(low, high)
        elif chosen == b"BYSCORE":
            self.stretch = _by_score(low, high)
        else:
            self.stretch = _by_member(low, high, backwards=self.backwards)

    def entries(self, members: SortedSet) -> list[Entry]:
        """What the query finds, in the order asked for."""
        order = members.order
        first, after = self.stretch(order)
        if self.by_rank:
            if self.backwards:
                size = len(order)
                return order[size - after : size - first][::-1]
            return order[first:after]
        if self.offset < 0:
            return []
        count = after - first - self.offset
        if self.limit >= 0:
            count = min(count, self.limit)
        if count <= 0:
            return []
        if self.backwards:
            end = after - self.offset
            return order[end - count : end][::-1]
        return order[first + self.offset : first + self.offset + count]


def _answer(context: Context, name: bytes, query: _Query) -> Reply:
    entries = query.entries(context.load_zset(context.key(name)).data)
    if query.with_scores:
        return FlatPairs(flat(entries))
    return [member for _, member in entries]


def zrange(context: Context, args: list[bytes]) -> Reply:
    """ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]."""
    return _answer(context, args[1], _Query(args[2:4], args[4:]))


def zrevrange(context: Context, args: list[bytes]) -> Reply:
    """ZREVRANGE key start stop [WITHSCORES]."""
    return _answer(context, args[1], _Query(args[2:4], args[4:], by=b"BYRANK", backwards=True))


def zrangebyscore(context: Context, args: list[bytes]) -> Reply:
    """ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]."""
    return _answer(context, args[1], _Query(args[2:4], args[4:], by=b"BYSCORE", backwards=False))


def zrevrangebyscore(context: Context, args: list[bytes]) -> Reply:
    """ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]."""
    return _answer(context, args[1], _Query(args[2:4], args[4:], by=b"BYSCORE", backwards=True))


def zrangebylex(context: Context, args: list[bytes]) -> Reply:
    """ZRANGEBYLEX key min max [LIMIT offset count]."""
    return _answer(context, args[1], _Query(args[2:4], args[4:], by=b"BYLEX", backwards=False))


def zrevrangebylex(context: Context, args: list[bytes]) -> Reply:
    """ZREVRANGEBYLEX key max min [LIMIT offset count]."""
    return _answer(context, args[1], _Query(args[2:4], args[4:], by=b"BYLEX", backwards=True))


def zrangestore(context: Context, args: list[bytes]) -> Reply:
    """ZRANGESTORE destination source min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]."""
    query = _Query(args[3:5], args[5:], storing=True)
    entries = query.entries(context.load_zset(context.key(args[2])).data)
    context.replace(args[1], "zset", SortedSet({member: score for score, member in entries}))
    return len(entries)


# -- counting and removing ------------------------------------------------------------------------


def _count(context: Context, name: bytes, stretch: Stretch) -> int:
    first, after = stretch(context.load_zset(context.key(name)).data.order)
    return after - first


def zcount(context: Context, args: list[bytes]) -> Reply:
    """ZCOUNT key min max."""
    return _count(context, args[1], _by_score(args[2], args[3]))


def zlexcount(context: Context, args: list[bytes]) -> Reply:
    """ZLEXCOUNT key min max."""
    return _count(context, args[1], _by_member(args[2], args[3]))


def _remove(context: Context, name: bytes, stretch: Stretch) -> int:
    key = context.key(name)
    value = context.load_zset(key)
    first, after = stretch(value.data.order)
    if after > first:
        value.own().cut(first, after)
        context.changed(key, value)
    return after - first


def zremrangebyrank(context: Context, args: list[bytes]) -> Reply:
    """ZREMRANGEBYRANK key start stop: how many were removed."""
    return _remove(context, args[1], _by_rank(args[2], args[3]))


def zremrangebyscore(context: Context, args: list[bytes]) -> Reply:
    """ZREMRANGEBYSCORE key min max: how many were removed."""
    return _remove(context, args[1], _by_score(args[2], args[3]))


def zremrangebylex(context: Context, args: list[bytes]) -> Reply:
    """ZREMRANGEBYLEX key min max: how many were removed."""
    return _remove(context, args[1], _by_member(args[2], args[3]))
