"""Commands on lists: pushes and pops at the ends, loaded lazily. Replies are those of Redis 7."""

from models.redis.arguments import integer
from models.redis.context import Context, Refused
from models.redis.state import Key, ListValue
from models.replies import ErrorReply, Reply


def lpush(context: Context, args: list[bytes]) -> Reply:
    """LPUSH key element [element ...]: the length afterwards."""
    return _push_left(context, context.key(args[1]), args[2:])


def _push_left(context: Context, key: Key, elements: list[bytes]) -> int:
    value = context.load_list(key)
    if not value.exists:
        value.exists = True
        value.reset()
    if value.materialized:
        value.values[:0] = reversed(elements)
    else:
        value.left[:0] = reversed(elements)
    value.loaded = value.dirty = True
    context.write(key)
    return len(value)


def rpop(context: Context, args: list[bytes]) -> Reply:
    """RPOP key [count]: the last element, or with a count the last ones as an array."""
    if len(args) == 2:
        return _pop_right(context, context.key(args[1]))
    if len(args) > 3:
        raise Refused(ErrorReply(b"ERR wrong number of arguments for 'rpop' command"))
    count = integer(args[2], refusal := ErrorReply(b"ERR value is out of range, must be positive"))
    if count < 0:
        raise Refused(refusal)
    key = context.key(args[1])
    value = context.load_list(key)
    if not value.exists:
        return None
    popped: list[Reply] = []
    while len(popped) < count and (element := _pop_right(context, key)) is not None:
        popped.append(element)
    return popped


def _pop_right(context: Context, key: Key) -> bytes | None:
    value = context.load_list(key)
    if not value.exists:
        return None
    element = _last(context, key, value)
    _popped(key, value)
    return element


def _popped(key: Key, value: ListValue) -> None:
    value.dirty = key.touched = True
    if len(value) == 0:
        value.exists = False
        value.reset()
        key.emptied()


def _last(context: Context, key: Key, value: ListValue) -> bytes:
    if value.materialized:
        return value.values.pop()
    if value.right:
        return value.right.pop()
    if value.stored():
        span = value.span
        (element,) = context.list_items(key, span.head + span.length - value.right_trim - 1, 1)
        value.right_trim += 1
        return element
    return value.left.pop()


def rpoplpush(context: Context, args: list[bytes]) -> Reply:
    """RPOPLPUSH source destination: nothing happens when the destination is no list."""
    source, target = context.key(args[1]), context.key(args[2])
    value = context.load_list(source)
    if not value.exists:
        return None
    context.load_list(target)
    element = _last(context, source, value)
    _push_left(context, target, [element])
    _popped(source, value)
    return element
