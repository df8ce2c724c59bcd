"""Commands on the members of sorted sets. Replies are those of Redis 7."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import isnan
from typing import Final

from models.redis.arguments import NOT_POSITIVE, SYNTAX, key_count, positive, score
from models.redis.context import Context
from models.redis.draws import draw, draw_options
from models.redis.encodings import is_compact_zset
from models.redis.lists import NO_KEYS, many_count
from models.redis.refused import Refused
from models.redis.sorted_set import Entry, SortedSet
from models.redis.state import Key, Value
from models.replies import NULL_ARRAY, Double, ErrorReply, FlatPairs, Reply


@dataclass(slots=True)
class _AddOptions:
    if_missing: bool = False
    if_present: bool = False
    greater: bool = False
    less: bool = False
    changed: bool = False
    increment: bool = False

    def allow(self, old: float | None, new: float) -> bool:
        """Whether a member with score `old` (None: missing) may get the score `new`."""
        if old is None:
            return not self.if_present
        if self.if_missing:
            return False
        return not (self.greater and new <= old) and not (self.less and new >= old)


_OPTIONS = {
    b"NX": "if_missing",
    b"XX": "if_present",
    b"GT": "greater",
    b"LT": "less",
    b"CH": "changed",
    b"INCR": "increment",
}


_NO_OPTIONS: Final = _AddOptions()


def _parse(args: list[bytes]) -> tuple[_AddOptions, list[bytes]]:
    """The options, and what follows them: scores and members."""
    if args[2].upper() not in _OPTIONS:
        if len(args) % 2:
            raise Refused(SYNTAX)
        return _NO_OPTIONS, args[2:]
    options = _AddOptions()
    first = 2
    while first < len(args) and args[first].upper() in _OPTIONS:
        setattr(options, _OPTIONS[args[first].upper()], True)
        first += 1
    rest = args[first:]
    if not rest or len(rest) % 2:
        raise Refused(SYNTAX)
    if options.if_missing and options.if_present:
        raise Refused(ErrorReply(b"ERR XX and NX options at the same time are not compatible"))
    if options.greater + options.less + options.if_missing > 1:
        raise Refused(
            ErrorReply(b"ERR GT, LT, and/or NX options at the same time are not compatible")
        )
    if options.increment and len(rest) > 2:
        raise Refused(ErrorReply(b"ERR INCR option supports a single increment-element pair"))
    return options, rest


def zadd(context: Context, args: list[bytes]) -> Reply:
    """ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...].

    Written back whether anything changed or not, as the modelled system does. It also makes the
    sorted set before it reads the scores: one that gets no member is there all the same.
    """
    options, rest = _parse(args)
    return _write(context, args[1], options, rest)


def zincrby(context: Context, args: list[bytes]) -> Reply:
    """ZINCRBY key increment member: the new score."""
    return _write(context, args[1], _AddOptions(increment=True), args[2:])


def _write(context: Context, name: bytes, options: _AddOptions, rest: list[bytes]) -> Reply:
    pairs = _lazily(rest) if context.as_modelled else _checked(context, rest)
    key = context.key(name)
    value = context.load_zset(key)
    value.exists = value.exists or context.as_modelled
    members = value.own()
    if options.increment:
        ((by, member),) = pairs
        reply = _increment(members, options, by, member)
    else:
        reply = _add(members, options, pairs)
    if members or context.as_modelled:
        value.exists = True
        context.write(key)
    else:
        context.diverged = True
    return reply


def _lazily(rest: list[bytes]) -> Iterable[tuple[float, bytes]]:
    """Scores with members; a bad score is refused when its turn comes."""
    return ((score(text), member) for text, member in zip(rest[::2], rest[1::2], strict=True))


def _checked(context: Context, rest: list[bytes]) -> Iterable[tuple[float, bytes]]:
    """All of them, so that nothing is written when one is bad."""
    try:
        if len(rest) == 2:
            return ((score(rest[0]), rest[1]),)
        return list(_lazily(rest))
    except Refused:
        context.diverged = True
        raise


def _add(members: SortedSet, options: _AddOptions, pairs: Iterable[tuple[float, bytes]]) -> Reply:
    added = changed = 0
    for new, member in pairs:
        old = members.scores.get(member)
        if options.allow(old, new):
            added += old is None
            changed += old is not None and old != new
            _put(members, member, new)
    return added + changed if options.changed else added


def _increment(members: SortedSet, options: _AddOptions, by: float, member: bytes) -> Reply:
    old = members.scores.get(member)
    new = by if old is None else old + by
    if isnan(new):
        raise Refused(ErrorReply(b"ERR resulting score is not a number (NaN)"))
    if not options.allow(old, new):
        return None
    _put(members, member, new)
    return Double.of(new)


def _put(members: SortedSet, member: bytes, score: float) -> None:
    """Set a score. A small sorted set loses the sign of a negative zero."""
    if score == 0 and is_compact_zset(members):
        score = 0.0
    if members.scores.get(member) != score:
        members.put(member, score)


def zrem(context: Context, args: list[bytes]) -> Reply:
    """ZREM key member [member ...]: how many were there."""
    key = context.key(args[1])
    value = context.load_zset(key)
    there = [member for member in dict.fromkeys(args[2:]) if member in value.data.scores]
    if there:
        members = value.own()
        for member in there:
            members.discard(member)
        context.changed(key, value)
    return len(there)


def _scores(context: Context, name: bytes) -> dict[bytes, float]:
    scores: dict[bytes, float] = context.load_zset(context.key(name)).data.scores
    return scores


def zcard(context: Context, args: list[bytes]) -> Reply:
    """ZCARD key."""
    return len(_scores(context, args[1]))


def _double(value: float | None) -> Reply:
    return None if value is None else Double.of(value)


def zscore(context: Context, args: list[bytes]) -> Reply:
    """ZSCORE key member."""
    return _double(_scores(context, args[1]).get(args[2]))


def zmscore(context: Context, args: list[bytes]) -> Reply:
    """ZMSCORE key member [member ...]."""
    scores = _scores(context, args[1])
    return [_double(scores.get(member)) for member in args[2:]]


def zrank(context: Context, args: list[bytes]) -> Reply:
    """ZRANK key member."""
    members = context.load_zset(context.key(args[1])).data
    if args[2] not in members.scores:
        return None
    rank: int = members.rank(args[2])
    return rank


def zrevrank(context: Context, args: list[bytes]) -> Reply:
    """ZREVRANK key member."""
    members: SortedSet = context.load_zset(context.key(args[1])).data
    if args[2] not in members.scores:
        return None
    return len(members) - 1 - members.rank(args[2])


def zrandmember(context: Context, args: list[bytes]) -> Reply:
    """ZRANDMEMBER key [count [WITHSCORES]]."""
    count, with_scores = draw_options(args, b"WITHSCORES")
    members = context.load_zset(context.key(args[1])).data
    chosen: list[Reply] = [*draw(context, [member for _, member in members.order], count)]
    if count is None:
        return chosen[0] if chosen else None
    if with_scores:
        scores = members.scores
        return FlatPairs([part for name in chosen for part in (name, Double.of(scores[name]))])
    return chosen


# -- pops -----------------------------------------------------------------------------------------


def flat(entries: list[Entry]) -> list[bytes]:
    """Members, each with its score behind it."""
    return [part for score, member in entries for part in (member, Double.of(score))]


def zpopmin(context: Context, args: list[bytes]) -> Reply:
    """ZPOPMIN key [count]: members with the lowest scores, each with its score."""
    return _pop(context, args, lowest=True)


def zpopmax(context: Context, args: list[bytes]) -> Reply:
    """ZPOPMAX key [count]: members with the highest scores, each with its score."""
    return _pop(context, args, lowest=False)


def _pop(context: Context, args: list[bytes], *, lowest: bool) -> Reply:
    if len(args) > 3:
        raise Refused(SYNTAX)
    count = 1 if len(args) == 2 else positive(args[2], NOT_POSITIVE)
    key = context.key(args[1])
    popped = flat(_take(context, key, context.load_zset(key), count, lowest=lowest))
    return list(popped) if len(args) == 2 else FlatPairs(popped)


def _take(context: Context, key: Key, value: Value, count: int, *, lowest: bool) -> list[Entry]:
    """Take out up to `count` members, the outermost first."""
    size = len(value.data)
    if not size or not count:
        return []
    count = min(count, size)
    members = value.own()
    taken: list[Entry] = members.cut(0, count) if lowest else members.cut(size - count, size)
    context.changed(key, value)
    return taken if lowest else taken[::-1]


def zmpop(context: Context, args: list[bytes]) -> Reply:
    """ZMPOP numkeys key [key ...] MIN|MAX [COUNT count]: from the first one that is there."""
    names, lowest, count = parse_zmpop(args)
    for name in names:
        key = context.key(name)
        value = context.load_zset(key)
        if value.exists:
            taken = _take(context, key, value, count, lowest=lowest)
            return [name, [[member, Double.of(score)] for score, member in taken]]
    return NULL_ARRAY


def parse_zmpop(args: list[bytes]) -> tuple[list[bytes], bool, int]:
    """The keys, whether to pop the lowest, and how many members."""
    side_at = 2 + key_count(args[1], args, 2, none=NO_KEYS)
    if side_at >= len(args) or args[side_at].upper() not in (b"MIN", b"MAX"):
        raise Refused(SYNTAX)
    count = many_count(args[side_at + 1 :])
    return args[2:side_at], args[side_at].upper() == b"MIN", count


def first_popped(context: Context, names: list[bytes], *, lowest: bool) -> Reply:
    """The key, member and score from the first one that is there (BZPOPMIN, BZPOPMAX)."""
    for name in names:
        key = context.key(name)
        value = context.load_zset(key)
        if value.exists:
            return [name, *flat(_take(context, key, value, 1, lowest=lowest))]
    return NULL_ARRAY
