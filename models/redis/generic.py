"""Commands on keys of any type, and on all of them. Replies are those of Redis 7."""

from collections.abc import Callable
from typing import Final

from models.redis import reads
from models.redis.arguments import NO_SUCH_KEY, SYNTAX
from models.redis.context import Context
from models.redis.databases import check_database
from models.redis.refused import Refused
from models.redis.state import Key, ListValue, Value
from models.replies import OK, ErrorReply, Reply, Status


def delete(context: Context, args: list[bytes]) -> Reply:
    """DEL key [key ...], and UNLINK."""
    count = 0
    for name in args[1:]:
        key = context.key(name)
        if context.exists(key):
            context.delete(key)
            count += 1
    return count


def exists(context: Context, args: list[bytes]) -> Reply:
    """EXISTS key [key ...], and TOUCH: a key named twice counts twice."""
    return sum(context.exists(context.key(name)) for name in args[1:])


def type_(context: Context, args: list[bytes]) -> Reply:
    """TYPE key."""
    return Status(context.key_type(context.key(args[1])))


def rename(context: Context, args: list[bytes]) -> Reply:
    """RENAME key newkey: loads the whole value and writes it anew under the other name."""
    source, target = context.key(args[1]), context.key(args[2])
    kind = context.key_type(source)
    if kind is reads.NONE:
        raise Refused(NO_SUCH_KEY)
    if source is target and not context.as_modelled:
        context.diverged = True  # The modelled system moves the value, then deletes the key.
        return OK
    _move(context, kind, source, target)
    return OK


def renamenx(context: Context, args: list[bytes]) -> Reply:
    """RENAMENX key newkey: only when there is no such new key."""
    source, target = context.key(args[1]), context.key(args[2])
    kind = context.key_type(source)
    if kind is reads.NONE:
        raise Refused(NO_SUCH_KEY)
    if source is target or context.exists(target):
        return 0
    _move(context, kind, source, target)
    return 1


def _move(context: Context, kind: bytes, source: Key, target: Key) -> None:
    ttl = context.ttl(source)
    _COPY[kind](context, source, target)
    context.delete(source)
    target.set_ttl(ttl)


def copy(context: Context, args: list[bytes]) -> Reply:
    """COPY source destination [DB 0] [REPLACE]."""
    replace = False
    rest = iter(args[3:])
    for option in rest:
        if option.upper() == b"REPLACE":
            replace = True
        elif option.upper() == b"DB" and (number := next(rest, None)) is not None:
            check_database(number)
        else:
            raise Refused(SYNTAX)
    source, target = context.key(args[1]), context.key(args[2])
    if source is target:
        raise Refused(ErrorReply(b"ERR source and destination objects are the same"))
    kind = context.key_type(source)
    if kind is reads.NONE or (context.exists(target) and not replace):
        return 0
    ttl = context.ttl(source)
    _COPY[kind](context, source, target)
    target.set_ttl(ttl)
    return 1


def _copy_string(context: Context, source: Key, target: Key) -> None:
    value = context.load_string(source)
    context.delete(target)
    context.write_string(target, value.data if value.exists else b"")


def _copy_list(context: Context, source: Key, target: Key) -> None:
    values = list(context.all_items(source))
    context.delete(target)
    target.list = ListValue(exists=True, dirty=True, materialized=True, values=values)
    context.write(target)


def _copier(
    load: Callable[[Context, Key], Value], slot: str
) -> Callable[[Context, Key, Key], None]:
    def copy_to(context: Context, source: Key, target: Key) -> None:
        value = load(context, source)
        value.shared = True
        context.delete(target)
        setattr(target, slot, Value(True, value.data, shared=True))
        context.write(target)

    return copy_to


_COPY: Final[dict[bytes, Callable[[Context, Key, Key], None]]] = {
    reads.STRING: _copy_string,
    reads.LIST: _copy_list,
    reads.HASH: _copier(Context.load_hash, "hash"),
    reads.SET: _copier(Context.load_set, "set"),
    reads.ZSET: _copier(Context.load_zset, "zset"),
    reads.STREAM: _copier(Context.load_stream, "stream"),
}
"""Per type, how the value of one key becomes that of another."""


# -- all keys -------------------------------------------------------------------------------------


def dbsize(context: Context, args: list[bytes]) -> Reply:
    """DBSIZE: how many keys there are."""
    return len(context.names())


def randomkey(context: Context, args: list[bytes]) -> Reply:
    """RANDOMKEY."""
    names = context.names()
    return names[context.surroundings.draw(len(names))] if names else None


def flush(context: Context, args: list[bytes]) -> Reply:
    """FLUSHALL and FLUSHDB [ASYNC | SYNC]."""
    if len(args) > 2 or (args[1:] and args[1].upper() not in (b"ASYNC", b"SYNC")):
        raise Refused(SYNTAX)
    for name in context.names():
        context.delete(context.key(name))
    return OK
