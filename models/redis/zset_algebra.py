"""Commands on several sorted sets: union, intersection, difference. Replies are those of Redis 7.

A set counts as a sorted set of scores 1.
"""

from collections.abc import Callable
from math import isnan
from typing import Final

from models.redis import reads
from models.redis.arguments import NOT_AN_INTEGER, SYNTAX, key_count, positive, score
from models.redis.context import Context
from models.redis.encodings import is_compact_zset
from models.redis.refused import Refused
from models.redis.sorted_set import SortedSet
from models.redis.zsets import flat
from models.replies import ErrorReply, FlatPairs, Reply

Scores = dict[bytes, float]
_NO_WEIGHT: Final = ErrorReply(b"ERR weight value is not a float")


def _sum(one: float, other: float) -> float:
    total = one + other
    return 0.0 if isnan(total) else total


_AGGREGATES: Final[dict[bytes, Callable[[float, float], float]]] = {
    b"SUM": _sum,
    b"MIN": min,
    b"MAX": max,
}


class _Query:
    """`numkeys key [key ...] [WEIGHTS ...] [AGGREGATE ...] [WITHSCORES]`."""

    def __init__(
        self, context: Context, args: list[bytes], at: int, *, plain: bool, storing: bool
    ) -> None:
        """`args[at]` is the number of keys; `plain`: neither weights nor aggregate (ZDIFF)."""
        none = b"ERR at least 1 input key is needed for '" + args[0].lower() + b"' command"
        after = (
            at
            + 1
            + key_count(args[at], args, at + 1, none=ErrorReply(none), no_integer=NOT_AN_INTEGER)
        )
        names = args[at + 1 : after]
        sources = [_load(context, name) for name in names]
        weights = [1.0] * len(names)
        self.aggregate: Callable[[float, float], float] = _sum
        self.with_scores = False
        rest = args[after:]
        while rest:
            word = rest[0].upper()
            if word == b"WEIGHTS" and not plain and len(rest) > len(names):
                weights = [score(text, _NO_WEIGHT) for text in rest[1 : len(names) + 1]]
                rest = rest[len(names) + 1 :]
            elif word == b"AGGREGATE" and not plain and len(rest) > 1:
                if rest[1].upper() not in _AGGREGATES:
                    raise Refused(SYNTAX)
                self.aggregate = _AGGREGATES[rest[1].upper()]
                rest = rest[2:]
            elif word == b"WITHSCORES" and not storing:
                self.with_scores = True
                rest = rest[1:]
            else:
                raise Refused(SYNTAX)
        self.sources = list(zip(sources, weights, strict=True))


def _load(context: Context, name: bytes) -> Scores:
    key = context.key(name)
    if context.key_type(key) is reads.SET:
        return dict.fromkeys(context.load_set(key).data, 1.0)
    scores: Scores = context.load_zset(key).data.scores
    return scores


def _weighted(value: float, weight: float) -> float:
    product = value * weight
    return 0.0 if isnan(product) else product


def _union(query: _Query) -> Scores:
    total: Scores = {}
    for scores, weight in query.sources:
        for member, value in scores.items():
            own = _weighted(value, weight)
            old = total.get(member)
            total[member] = own if old is None else query.aggregate(old, own)
    return total


def _intersection(query: _Query) -> Scores:
    # From the smallest on, as Redis: floating-point sums depend on the order.
    (first, weight), *others = sorted(query.sources, key=lambda source: len(source[0]))
    total: Scores = {}
    for member, value in first.items():
        if all(member in scores for scores, _ in others):
            result = _weighted(value, weight)
            for scores, other in others:
                result = query.aggregate(result, _weighted(scores[member], other))
            total[member] = result
    return total


def _difference(query: _Query) -> Scores:
    (first, _), *others = query.sources
    return {
        member: value
        for member, value in first.items()
        if not any(member in scores for scores, _ in others)
    }


def _answer(context: Context, args: list[bytes], combine: Callable[[_Query], Scores]) -> Reply:
    query = _Query(context, args, 1, plain=combine is _difference, storing=False)
    order = SortedSet(combine(query)).order
    return FlatPairs(flat(order)) if query.with_scores else [member for _, member in order]


def _store(context: Context, args: list[bytes], combine: Callable[[_Query], Scores]) -> Reply:
    query = _Query(context, args, 2, plain=combine is _difference, storing=True)
    total = SortedSet(combine(query))
    if is_compact_zset(total):  # which loses the sign of a negative zero
        total = SortedSet({member: value + 0.0 for member, value in total.scores.items()})
    context.replace(args[1], "zset", total)
    return len(total)


def zunion(context: Context, args: list[bytes]) -> Reply:
    """ZUNION numkeys key [key ...] [WEIGHTS ...] [AGGREGATE ...] [WITHSCORES]."""
    return _answer(context, args, _union)


def zinter(context: Context, args: list[bytes]) -> Reply:
    """ZINTER numkeys key [key ...] [WEIGHTS ...] [AGGREGATE ...] [WITHSCORES]."""
    return _answer(context, args, _intersection)


def zdiff(context: Context, args: list[bytes]) -> Reply:
    """ZDIFF numkeys key [key ...] [WITHSCORES]."""
    return _answer(context, args, _difference)


def zunionstore(context: Context, args: list[bytes]) -> Reply:
    """ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS ...] [AGGREGATE ...]."""
    return _store(context, args, _union)


def zinterstore(context: Context, args: list[bytes]) -> Reply:
    """ZINTERSTORE destination numkeys key [key ...] [WEIGHTS ...] [AGGREGATE ...]."""
    return _store(context, args, _intersection)


def zdiffstore(context: Context, args: list[bytes]) -> Reply:
    """ZDIFFSTORE destination numkeys key [key ...]."""
    return _store(context, args, _difference)


def zintercard(context: Context, args: list[bytes]) -> Reply:
    """ZINTERCARD numkeys key [key ...] [LIMIT limit]."""
    none = ErrorReply(b"ERR at least 1 input key is needed for 'zintercard' command")
    after = 2 + key_count(args[1], args, 2, none=none, no_integer=NOT_AN_INTEGER)
    sources = [_load(context, name) for name in args[2:after]]
    limit = 0
    rest = iter(args[after:])
    for option in rest:
        text = next(rest, None)
        if option.upper() != b"LIMIT" or text is None:
            raise Refused(SYNTAX)
        limit = positive(text, ErrorReply(b"ERR LIMIT can't be negative"))
    smallest, *others = sorted(sources, key=len)
    count = sum(all(member in scores for scores in others) for member in smallest)
    return min(count, limit) if limit else count
