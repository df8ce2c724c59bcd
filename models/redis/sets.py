"""Commands on sets. Replies are those of Redis 7."""

from models.redis.context import Context
from models.replies import Reply


def sadd(context: Context, args: list[bytes]) -> Reply:
    """SADD key member [member ...]: how many are new; with none new, nothing is written."""
    key = context.key(args[1])
    value = context.load_set(key)
    before = len(value.data)
    value.data.update(dict.fromkeys(args[2:], b""))
    added = len(value.data) - before
    if added:
        value.exists = True
        context.write(key)
    return added
