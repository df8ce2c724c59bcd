"""Commands on hashes. Replies are those of Redis 7, fields in order of their first setting."""

from typing import Final

from models.redis import extended
from models.redis.arguments import INT_MAX, INT_MIN, NOT_A_FLOAT, OVERFLOW, integer, wrong_count
from models.redis.context import Context
from models.redis.draws import draw, draw_options
from models.redis.refused import Refused
from models.redis.text import add_float
from models.replies import OK, ErrorReply, FlatMap, FlatPairs, Reply

_NOT_AN_INTEGER: Final = ErrorReply(b"ERR hash value is not an integer")
_NOT_A_FLOAT: Final = ErrorReply(b"ERR hash value is not a float")


def hget(context: Context, args: list[bytes]) -> Reply:
    """HGET key field."""
    value: bytes | None = context.load_hash(context.key(args[1])).data.get(args[2])
    return value


def hmget(context: Context, args: list[bytes]) -> Reply:
    """HMGET key field [field ...]."""
    fields = context.load_hash(context.key(args[1])).data
    return [fields.get(name) for name in args[2:]]


def hset(context: Context, args: list[bytes]) -> Reply:
    """HSET key field value [field value ...]: how many fields are new."""
    if len(args) % 2:
        raise wrong_count(args[0])
    key = context.key(args[1])
    value = context.load_hash(key)
    fields = value.own()
    before = len(fields)
    fields.update(zip(args[2::2], args[3::2], strict=True))
    value.exists = True
    context.write(key)
    return len(fields) - before


def hmset(context: Context, args: list[bytes]) -> Reply:
    """HMSET key field value [field value ...]."""
    hset(context, args)
    return OK


def hsetnx(context: Context, args: list[bytes]) -> Reply:
    """HSETNX key field value: 1 if the field was not there."""
    key = context.key(args[1])
    value = context.load_hash(key)
    if args[2] in value.data:
        return 0
    value.own()[args[2]] = args[3]
    context.changed(key, value)
    return 1


def hgetall(context: Context, args: list[bytes]) -> Reply:
    """HGETALL key: fields and values in turn."""
    fields = context.load_hash(context.key(args[1])).data
    return FlatMap([part for pair in fields.items() for part in pair])


def hkeys(context: Context, args: list[bytes]) -> Reply:
    """HKEYS key."""
    return list(context.load_hash(context.key(args[1])).data)


def hvals(context: Context, args: list[bytes]) -> Reply:
    """HVALS key."""
    return list(context.load_hash(context.key(args[1])).data.values())


def hlen(context: Context, args: list[bytes]) -> Reply:
    """HLEN key."""
    return len(context.load_hash(context.key(args[1])).data)


def hstrlen(context: Context, args: list[bytes]) -> Reply:
    """HSTRLEN key field."""
    return len(context.load_hash(context.key(args[1])).data.get(args[2], b""))


def hexists(context: Context, args: list[bytes]) -> Reply:
    """HEXISTS key field."""
    return int(args[2] in context.load_hash(context.key(args[1])).data)


def hdel(context: Context, args: list[bytes]) -> Reply:
    """HDEL key field [field ...]: how many were there."""
    key = context.key(args[1])
    value = context.load_hash(key)
    there = [name for name in dict.fromkeys(args[2:]) if name in value.data]
    if there:
        fields = value.own()
        for name in there:
            del fields[name]
        context.changed(key, value)
    return len(there)


def hincrby(context: Context, args: list[bytes]) -> Reply:
    """HINCRBY key field increment: the new value."""
    amount = integer(args[3])
    key = context.key(args[1])
    value = context.load_hash(key)
    number = integer(value.data.get(args[2], b"0"), _NOT_AN_INTEGER) + amount
    if not INT_MIN <= number <= INT_MAX:
        raise Refused(OVERFLOW)
    value.own()[args[2]] = b"%d" % number
    context.changed(key, value)
    return number


def hincrbyfloat(context: Context, args: list[bytes]) -> Reply:
    """HINCRBYFLOAT key field increment: the new value."""
    if extended.parse(args[3], NOT_A_FLOAT) is None:
        raise Refused(ErrorReply(b"ERR value is NaN or Infinity"))
    key = context.key(args[1])
    value = context.load_hash(key)
    total = add_float(value.data.get(args[2], b"0"), args[3], _NOT_A_FLOAT)
    value.own()[args[2]] = total
    context.changed(key, value)
    return total


def hrandfield(context: Context, args: list[bytes]) -> Reply:
    """HRANDFIELD key [count [WITHVALUES]]."""
    count, with_values = draw_options(args, b"WITHVALUES")
    fields = context.load_hash(context.key(args[1])).data
    names = draw(context, list(fields), count)
    if count is None:
        return names[0] if names else None
    if with_values:
        return FlatPairs([part for name in names for part in (name, fields[name])])
    return list(names)
