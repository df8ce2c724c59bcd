"""Commands on sets. Replies are those of Redis 7; sets of integers come in numerical order."""

from collections.abc import Mapping
from typing import Final

from models.redis.arguments import NOT_POSITIVE, SYNTAX, key_count, positive
from models.redis.context import Context
from models.redis.draws import draw, draw_count
from models.redis.encodings import set_members
from models.redis.refused import Refused
from models.replies import ErrorReply, Reply, SetReply

_NO_KEYS: Final = ErrorReply(b"ERR numkeys should be greater than 0")
_MANY_KEYS: Final = ErrorReply(b"ERR Number of keys can't be greater than number of args")


def sadd(context: Context, args: list[bytes]) -> Reply:
    """SADD key member [member ...]: how many are new; with none new, nothing is written."""
    key = context.key(args[1])
    value = context.load_set(key)
    new = [name for name in dict.fromkeys(args[2:]) if name not in value.data]
    if new:
        value.own().update(dict.fromkeys(new, b""))
        value.exists = True
        context.write(key)
    return len(new)


def srem(context: Context, args: list[bytes]) -> Reply:
    """SREM key member [member ...]: how many were there."""
    return _remove(context, args[1], args[2:])


def _remove(context: Context, name: bytes, members: list[bytes]) -> int:
    key = context.key(name)
    value = context.load_set(key)
    there = [member for member in dict.fromkeys(members) if member in value.data]
    if there:
        data = value.own()
        for member in there:
            del data[member]
        context.changed(key, value)
    return len(there)


def scard(context: Context, args: list[bytes]) -> Reply:
    """SCARD key."""
    return len(context.load_set(context.key(args[1])).data)


def smembers(context: Context, args: list[bytes]) -> Reply:
    """SMEMBERS key."""
    return SetReply(set_members(context.load_set(context.key(args[1])).data))


def sismember(context: Context, args: list[bytes]) -> Reply:
    """SISMEMBER key member."""
    return int(args[2] in context.load_set(context.key(args[1])).data)


def smismember(context: Context, args: list[bytes]) -> Reply:
    """SMISMEMBER key member [member ...]."""
    members = context.load_set(context.key(args[1])).data
    return [int(name in members) for name in args[2:]]


def spop(context: Context, args: list[bytes]) -> Reply:
    """SPOP key [count]: members taken out by chance."""
    if len(args) > 3:
        raise Refused(SYNTAX)
    count = positive(args[2], NOT_POSITIVE) if len(args) == 3 else None
    members = list(context.load_set(context.key(args[1])).data)
    taken = draw(context, members, count)
    _remove(context, args[1], taken)
    if count is None:
        return taken[0] if taken else None
    return SetReply(taken)


def srandmember(context: Context, args: list[bytes]) -> Reply:
    """SRANDMEMBER key [count]."""
    if len(args) > 3:
        raise Refused(SYNTAX)
    count = draw_count(args[2]) if len(args) == 3 else None
    members = list(context.load_set(context.key(args[1])).data)
    chosen: list[Reply] = [*draw(context, members, count)]
    if count is None:
        return chosen[0] if chosen else None
    return chosen


def smove(context: Context, args: list[bytes]) -> Reply:
    """SMOVE source destination member: 1 if the source had it."""
    source, target = context.key(args[1]), context.key(args[2])
    value = context.load_set(source)
    if not value.exists:
        return 0
    into = context.load_set(target)
    if args[3] not in value.data:
        return 0
    if source is not target:
        _remove(context, args[1], [args[3]])
        into.own()[args[3]] = b""
        context.changed(target, into)
    return 1


# -- several sets ---------------------------------------------------------------------------------


def _load(context: Context, names: list[bytes]) -> list[Mapping[bytes, bytes]]:
    return [context.load_set(context.key(name)).data for name in names]


def _intersection(sets: list[Mapping[bytes, bytes]]) -> dict[bytes, bytes]:
    smallest, *others = sorted(sets, key=len)
    return {name: b"" for name in smallest if all(name in other for other in others)}


def _union(sets: list[Mapping[bytes, bytes]]) -> dict[bytes, bytes]:
    return {name: b"" for members in sets for name in members}


def _difference(sets: list[Mapping[bytes, bytes]]) -> dict[bytes, bytes]:
    first, *others = sets
    return {name: b"" for name in first if not any(name in other for other in others)}


def sinter(context: Context, args: list[bytes]) -> Reply:
    """SINTER key [key ...]."""
    return SetReply(set_members(_intersection(_load(context, args[1:]))))


def sunion(context: Context, args: list[bytes]) -> Reply:
    """SUNION key [key ...]."""
    return SetReply(set_members(_union(_load(context, args[1:]))))


def sdiff(context: Context, args: list[bytes]) -> Reply:
    """SDIFF key [key ...]."""
    return SetReply(set_members(_difference(_load(context, args[1:]))))


def _store(context: Context, name: bytes, members: dict[bytes, bytes]) -> int:
    context.replace(name, "set", members)
    return len(members)


def sinterstore(context: Context, args: list[bytes]) -> Reply:
    """SINTERSTORE destination key [key ...]: how many members it has."""
    return _store(context, args[1], _intersection(_load(context, args[2:])))


def sunionstore(context: Context, args: list[bytes]) -> Reply:
    """SUNIONSTORE destination key [key ...]: how many members it has."""
    return _store(context, args[1], _union(_load(context, args[2:])))


def sdiffstore(context: Context, args: list[bytes]) -> Reply:
    """SDIFFSTORE destination key [key ...]: how many members it has."""
    return _store(context, args[1], _difference(_load(context, args[2:])))


def sintercard(context: Context, args: list[bytes]) -> Reply:
    """SINTERCARD numkeys key [key ...] [LIMIT limit]."""
    after = 2 + key_count(args[1], args, 2, none=_NO_KEYS, too_many=_MANY_KEYS)
    limit = 0
    rest = iter(args[after:])
    for option in rest:
        text = next(rest, None)
        if option.upper() != b"LIMIT" or text is None:
            raise Refused(SYNTAX)
        limit = positive(text, ErrorReply(b"ERR LIMIT can't be negative"))
    count = len(_intersection(_load(context, args[2:after])))
    return min(count, limit) if limit else count
