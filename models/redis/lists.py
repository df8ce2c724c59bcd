"""Commands on lists: pushes and pops at the ends, loaded lazily. Replies are those of Redis 7."""

from typing import Final

from models.redis.arguments import NOT_POSITIVE, SYNTAX, key_count, positive, wrong_count
from models.redis.context import Context
from models.redis.refused import Refused
from models.redis.state import Key, ListValue
from models.replies import NULL_ARRAY, ErrorReply, Reply

NO_KEYS: Final = ErrorReply(b"ERR numkeys should be greater than 0")
_NO_COUNT: Final = ErrorReply(b"ERR count should be greater than 0")


def lpush(context: Context, args: list[bytes]) -> Reply:
    """LPUSH key element [element ...]: the length afterwards."""
    return _push_left(context, context.key(args[1]), args[2:])


def rpush(context: Context, args: list[bytes]) -> Reply:
    """RPUSH key element [element ...]: the length afterwards."""
    return _push_right(context, context.key(args[1]), args[2:])


def lpushx(context: Context, args: list[bytes]) -> Reply:
    """LPUSHX key element [element ...]: only to a list that is there."""
    key = context.key(args[1])
    return _push_left(context, key, args[2:]) if context.load_list(key).exists else 0


def rpushx(context: Context, args: list[bytes]) -> Reply:
    """RPUSHX key element [element ...]: only to a list that is there."""
    key = context.key(args[1])
    return _push_right(context, key, args[2:]) if context.load_list(key).exists else 0


def _push_right(context: Context, key: Key, elements: list[bytes]) -> int:
    value = _opened(context, key)
    (value.values if value.materialized else value.right).extend(elements)
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
    if len(args) > 3:
        raise wrong_count(args[0])
    if len(args) > 2:
        context.diverged = True  # The modelled system pops one element, whatever the count.
    count = None if len(args) == 2 or context.as_modelled else positive(args[2], NOT_POSITIVE)
    key = context.key(args[1])
    value = context.load_list(key)
    if not value.exists:
        return None if count is None else NULL_ARRAY
    if count is None:
        return _take(context, key, value, left=left)
    return _take_some(context, key, value, count, left=left)


def _take_some(
    context: Context, key: Key, value: ListValue, count: int, *, left: bool
) -> list[Reply]:
    popped: list[Reply] = []
    while len(popped) < count and value.exists:
        popped.append(_take(context, key, value, left=left))
    return popped


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
    """RPOPLPUSH source destination, and BRPOPLPUSH: nothing happens if the latter is no list."""
    return _move(context, args[1], args[2], from_left=False, to_left=True)


def lmove(context: Context, args: list[bytes]) -> Reply:
    """LMOVE source destination LEFT|RIGHT LEFT|RIGHT, and BLMOVE."""
    return _move(context, args[1], args[2], from_left=_side(args[3]), to_left=_side(args[4]))


def check_sides(args: list[bytes]) -> None:
    """Refuse a BLMOVE that names other sides than left and right."""
    _side(args[3])
    _side(args[4])


def _side(word: bytes) -> bool:
    """Whether it is the left one."""
    side = word.upper()
    if side not in (b"LEFT", b"RIGHT"):
        raise Refused(SYNTAX)
    return side == b"LEFT"


def _move(
    context: Context, source_name: bytes, target_name: bytes, *, from_left: bool, to_left: bool
) -> Reply:
    source, target = context.key(source_name), context.key(target_name)
    value = context.load_list(source)
    if not value.exists:
        return None
    if context.as_modelled:
        # It pops before it looks at the target, and what it has popped is lost.
        element = _take(context, source, value, left=from_left)
        (_push_left if to_left else _push_right)(context, target, [element])
        return element
    if source is target:
        context.diverged = True  # The modelled system removes a list of one, and makes another.
    try:
        context.load_list(target)
    except Refused:
        context.diverged = True
        raise
    element = (_first if from_left else _last)(context, source, value)
    (_push_left if to_left else _push_right)(context, target, [element])
    _close(source, value)
    return element


def lmpop(context: Context, args: list[bytes]) -> Reply:
    """LMPOP numkeys key [key ...] LEFT|RIGHT [COUNT count]: from the first list that is there."""
    names, left, count = parse_lmpop(args)
    for name in names:
        key = context.key(name)
        value = context.load_list(key)
        if value.exists:
            return [name, _take_some(context, key, value, count, left=left)]
    return NULL_ARRAY


def parse_lmpop(args: list[bytes]) -> tuple[list[bytes], bool, int]:
    """The keys, whether to pop on the left, and how many elements."""
    side_at = 2 + key_count(args[1], args, 2, none=NO_KEYS)
    if side_at >= len(args):
        raise Refused(SYNTAX)
    return args[2:side_at], _side(args[side_at]), many_count(args[side_at + 1 :])


def many_count(options: list[bytes]) -> int:
    """`[COUNT count]` of LMPOP and ZMPOP, which may stand once."""
    if not options:
        return 1
    if len(options) == 1 or options[0].upper() != b"COUNT":
        raise Refused(SYNTAX)
    count = positive(options[1], _NO_COUNT)
    if count == 0:
        raise Refused(_NO_COUNT)
    if len(options) > 2:
        raise Refused(SYNTAX)
    return count


def first_popped(context: Context, names: list[bytes], *, left: bool) -> Reply:
    """The key and an element of the first list that is there (BLPOP, BRPOP)."""
    for name in names:
        key = context.key(name)
        value = context.load_list(key)
        if value.exists:
            return [name, _take(context, key, value, left=left)]
    return NULL_ARRAY
