"""Commands on lists: pushes and pops at the ends, loaded lazily. Replies are those of Redis 7."""

from models.redis.arguments import integer
from models.redis.context import Context, Refused
from models.redis.state import Key, ListValue
from models.replies import ErrorReply, Reply


def lpush(context: Context, args: list[bytes]) -> Reply:
    """LPUSH key element [element ...]: the length afterwards."""
    return _push_left(context, context.key(args[1]), args[2:])


def rpush(context: Context, args: list[bytes]) -> Reply:
    """RPUSH key element [element ...]: the length afterwards."""
    key = context.key(args[1])
    value = _opened(context, key)
    (value.values if value.materialized else value.right).extend(args[2:])
    return len(value)


def _push_left(context: Context, key: Key, elements: list[bytes]) -> int:
    value = _opened(context, key)
    (value.values if value.materialized else value.left)[:0] = reversed(elements)
    return len(value)


def _opened(context: Context, key: Key) -> ListValue:
    """The list to push to, made if it is not there."""
    value = context.load_list(key)
    if not value.exists:
        value.exists = True
        value.reset()
    value.dirty = True
    context.write(key)
    return value


def lpop(context: Context, args: list[bytes]) -> Reply:
    """LPOP key [count]: the first element, or with a count the first ones as an array."""
    return _pop(context, args, left=True)


def rpop(context: Context, args: list[bytes]) -> Reply:
    """RPOP key [count]: the last element, or with a count the last ones as an array."""
    return _pop(context, args, left=False)


def _pop(context: Context, args: list[bytes], *, left: bool) -> Reply:
    if len(args) > 2:
        context.diverged = True  # The modelled system pops one element, whatever the count.
    count = None if context.as_modelled else _count(args)
    key = context.key(args[1])
    value = context.load_list(key)
    if not value.exists:
        return None
    if count is None:
        return _take(context, key, value, left=left)
    popped: list[Reply] = []
    while len(popped) < count and value.exists:
        popped.append(_take(context, key, value, left=left))
    return popped


def _count(args: list[bytes]) -> int | None:
    if len(args) == 2:
        return None
    if len(args) > 3:
        name = args[0].lower()
        raise Refused(ErrorReply(b"ERR wrong number of arguments for '" + name + b"' command"))
    count = integer(args[2], refusal := ErrorReply(b"ERR value is out of range, must be positive"))
    if count < 0:
        raise Refused(refusal)
    return count


def _take(context: Context, key: Key, value: ListValue, *, left: bool) -> bytes:
    """Take an element off a list that is there."""
    element = (_first if left else _last)(context, key, value)
    _close(key, value)
    return element


def _first(context: Context, key: Key, value: ListValue) -> bytes:
    if value.materialized:
        return value.values.pop(0)
    if value.left:
        return value.left.pop(0)
    if value.stored():
        (element,) = context.list_items(key, value.span.head + value.left_trim, 1)
        value.left_trim += 1
        return element
    return value.right.pop(0)


def _last(context: Context, key: Key, value: ListValue) -> bytes:
    if value.materialized:
        return value.values.pop()
    if value.right:
        return value.right.pop()
    if value.stored():
        end = value.span.head + value.span.length
        (element,) = context.list_items(key, end - value.right_trim - 1, 1)
        value.right_trim += 1
        return element
    return value.left.pop()


def _close(key: Key, value: ListValue) -> None:
    """Note that something was taken off; an empty list is gone."""
    value.dirty = key.touched = True
    if len(value) == 0:
        value.exists = False
        value.reset()
        key.emptied()


def rpoplpush(context: Context, args: list[bytes]) -> Reply:
    """RPOPLPUSH source destination: nothing happens when the destination is no list.

    The modelled system pops before it looks at the destination, and what it has popped is lost.
    """
    source, target = context.key(args[1]), context.key(args[2])
    value = context.load_list(source)
    if not value.exists:
        return None
    if context.as_modelled:
        element = _take(context, source, value, left=False)
        _push_left(context, target, [element])
        return element
    if source is target:
        context.diverged = True  # The modelled system removes a list of one, and makes another.
    try:
        context.load_list(target)
    except Refused:
        context.diverged = True
        raise
    element = _last(context, source, value)
    _push_left(context, target, [element])
    _close(source, value)
    return element
