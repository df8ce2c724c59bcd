"""Commands on sorted sets. Replies are those of Redis 7."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import isnan

from models.redis.arguments import SYNTAX, format_score, score
from models.redis.context import Context, Refused
from models.replies import ErrorReply, Reply


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


def _parse(args: list[bytes]) -> tuple[_AddOptions, Iterable[tuple[float, bytes]]]:
    """The options, and scores with members; a bad score is refused when its turn comes."""
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
    return options, (
        (score(text), member) for text, member in zip(rest[::2], rest[1::2], strict=True)
    )


def zadd(context: Context, args: list[bytes]) -> Reply:
    """ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...].

    Written back whether anything changed or not, as the modelled system does. It also makes the
    sorted set before it reads the scores: one that gets no member is there all the same.
    """
    options, pairs = _parse(args)
    if not context.as_modelled:
        pairs = _checked(context, pairs)
    key = context.key(args[1])
    value = context.load_zset(key)
    value.exists = value.exists or context.as_modelled
    if options.increment:
        ((by, member),) = pairs
        reply = _increment(value.data, options, by, member)
    else:
        reply = _add(value.data, options, pairs)
    if value.data or context.as_modelled:
        value.exists = True
        context.write(key)
    else:
        context.diverged = True
    return reply


def _checked(
    context: Context, pairs: Iterable[tuple[float, bytes]]
) -> Iterable[tuple[float, bytes]]:
    """All the scores, so that nothing is written when one is bad."""
    try:
        return list(pairs)
    except Refused:
        context.diverged = True
        raise


def _add(
    scores: dict[bytes, float], options: _AddOptions, pairs: Iterable[tuple[float, bytes]]
) -> Reply:
    added = changed = 0
    for new, member in pairs:
        old = scores.get(member)
        if options.allow(old, new):
            added += old is None
            changed += old is not None and old != new
            scores[member] = _stored(new)
    return added + changed if options.changed else added


def _increment(scores: dict[bytes, float], options: _AddOptions, by: float, member: bytes) -> Reply:
    old = scores.get(member)
    new = by if old is None else old + by
    if isnan(new):
        raise Refused(ErrorReply(b"ERR resulting score is not a number (NaN)"))
    if not options.allow(old, new):
        return None
    scores[member] = _stored(new)
    return format_score(new)


def _stored(score: float) -> float:
    """The score as it is kept: a small sorted set loses the sign of a negative zero."""
    return score + 0.0


def zcard(context: Context, args: list[bytes]) -> Reply:
    """ZCARD key."""
    return len(context.load_zset(context.key(args[1])).data)
