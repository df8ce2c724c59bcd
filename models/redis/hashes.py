"""Commands on hashes. Replies are those of Redis 7, fields in order of their first setting."""

from models.redis.context import Context, Refused
from models.replies import ErrorReply, Reply


def hget(context: Context, args: list[bytes]) -> Reply:
    """HGET key field."""
    value: bytes | None = context.load_hash(context.key(args[1])).data.get(args[2])
    return value


def hset(context: Context, args: list[bytes]) -> Reply:
    """HSET key field value [field value ...]: how many fields are new."""
    if len(args) % 2:
        raise Refused(ErrorReply(b"ERR wrong number of arguments for 'hset' command"))
    key = context.key(args[1])
    value = context.load_hash(key)
    before = len(value.data)
    value.data.update(zip(args[2::2], args[3::2], strict=True))
    value.exists = True
    context.write(key)
    return len(value.data) - before


def hgetall(context: Context, args: list[bytes]) -> Reply:
    """HGETALL key: fields and values in turn."""
    return [part for pair in context.load_hash(context.key(args[1])).data.items() for part in pair]
