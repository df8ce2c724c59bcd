"""Commands on keys of any type. Replies are those of Redis 7."""

import math
from collections.abc import Callable
from typing import Final

from models.redis import reads
from models.redis.arguments import in_range, integer
from models.redis.context import Context, Refused
from models.redis.state import Key, ListValue, Value
from models.replies import OK, ErrorReply, Reply, Status, quoted
from sim.units import NS_PER

_NO_SUCH_KEY: Final = ErrorReply(b"ERR no such key")
_NEVER: Final = math.inf
"""Later than any expiry: what a key without one is compared by."""


def delete(context: Context, args: list[bytes]) -> Reply:
    """DEL key [key ...]."""
    count = 0
    for name in args[1:]:
        key = context.key(name)
        if context.exists(key):
            context.delete(key)
            count += 1
    return count


def exists(context: Context, args: list[bytes]) -> Reply:
    """EXISTS key [key ...]: a key named twice counts twice."""
    return sum(context.exists(context.key(name)) for name in args[1:])


def type_(context: Context, args: list[bytes]) -> Reply:
    """TYPE key."""
    return Status(context.key_type(context.key(args[1])))


def pttl(context: Context, args: list[bytes]) -> Reply:
    """PTTL key: ms to live, -1 without an expiry, -2 when missing."""
    key = context.key(args[1])
    if not context.exists(key):
        return -2
    ttl = context.ttl(key)
    return -1 if ttl is None else max((ttl - context.now) // NS_PER["ms"], 0)


def pexpire(context: Context, args: list[bytes]) -> Reply:
    """PEXPIRE key ms [NX | XX | GT | LT]."""
    key = context.key(args[1])
    exists = context.exists(key)
    options = args[3:]
    if options:
        context.diverged = True  # The modelled system does not look at them.
        options = [] if context.as_modelled else options
    conditions = _conditions(options)
    amount = integer(args[2])
    until = in_range(context.now + amount * NS_PER["ms"], b"pexpire")
    if not exists:
        return 0
    if conditions and not _allowed(conditions, context.ttl(key), until):
        return 0
    if amount <= 0:
        context.delete(key)
    else:
        key.touched = True
        key.set_ttl(until)
    return 1


def _conditions(options: list[bytes]) -> dict[bytes, None]:
    chosen: dict[bytes, None] = {}
    for option in options:
        word = option.upper()
        if word not in (b"NX", b"XX", b"GT", b"LT"):
            raise Refused(ErrorReply(b"ERR Unsupported option " + quoted(option)))
        chosen[word] = None
    if b"NX" in chosen and len(chosen) > 1:
        raise Refused(
            ErrorReply(b"ERR NX and XX, GT or LT options at the same time are not compatible")
        )
    if b"GT" in chosen and b"LT" in chosen:
        raise Refused(ErrorReply(b"ERR GT and LT options at the same time are not compatible"))
    return chosen


def _allowed(conditions: dict[bytes, None], current: int | None, until: int) -> bool:
    if b"NX" in conditions:
        return current is None
    if b"XX" in conditions and current is None:
        return False
    if b"GT" in conditions:
        return until > (_NEVER if current is None else current)
    if b"LT" in conditions:
        return until < (_NEVER if current is None else current)
    return True


def rename(context: Context, args: list[bytes]) -> Reply:
    """RENAME key newkey: loads the whole value and writes it anew under the other name."""
    source, target = context.key(args[1]), context.key(args[2])
    kind = context.key_type(source)
    if kind is reads.NONE:
        raise Refused(_NO_SUCH_KEY)
    if source is target and not context.as_modelled:
        context.diverged = True  # The modelled system moves the value, then deletes the key.
        return OK
    ttl = context.ttl(source)
    _MOVE[kind](context, source, target)
    context.delete(source)
    target.set_ttl(ttl)
    return OK


def _move_string(context: Context, source: Key, target: Key) -> None:
    value = context.load_string(source)
    context.delete(target)
    context.write_string(target, value.data if value.exists else b"")


def _move_list(context: Context, source: Key, target: Key) -> None:
    values = list(context.all_items(source))
    context.delete(target)
    target.list = ListValue(exists=True, dirty=True, materialized=True, values=values)
    context.write(target)


def _mover(load: Callable[[Context, Key], Value], slot: str) -> Callable[[Context, Key, Key], None]:
    def move(context: Context, source: Key, target: Key) -> None:
        data = load(context, source).data
        context.delete(target)
        copy = dict(data) if isinstance(data, dict) else data
        setattr(target, slot, Value(True, copy))
        context.write(target)

    return move


_MOVE: Final[dict[bytes, Callable[[Context, Key, Key], None]]] = {
    reads.STRING: _move_string,
    reads.LIST: _move_list,
    reads.HASH: _mover(Context.load_hash, "hash"),
    reads.SET: _mover(Context.load_set, "set"),
    reads.ZSET: _mover(Context.load_zset, "zset"),
    reads.STREAM: _mover(Context.load_stream, "stream"),
}
