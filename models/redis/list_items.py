"""Commands on the items of a list, which load them all. Replies are those of Redis 7."""

from typing import Final

from models.redis.arguments import (
    INT_MIN,
    NO_SUCH_KEY,
    SYNTAX,
    integer,
    positive,
    span,
)
from models.redis.context import Context
from models.redis.refused import Refused
from models.redis.state import Key
from models.replies import OK, ErrorReply, Reply

_NO_INDEX: Final = ErrorReply(b"ERR index out of range")
_NO_RANK: Final = ErrorReply(
    b"ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use "
    b"negative to start from the end of the list"
)


def llen(context: Context, args: list[bytes]) -> Reply:
    """LLEN key: loads no items."""
    return len(context.load_list(context.key(args[1])))


def lindex(context: Context, args: list[bytes]) -> Reply:
    """LINDEX key index."""
    items = context.all_items(context.key(args[1]))
    if not items:
        return None
    index = integer(args[2])
    return items[index] if -len(items) <= index < len(items) else None


def lrange(context: Context, args: list[bytes]) -> Reply:
    """LRANGE key start stop: both included, from -1 backwards."""
    start, stop = integer(args[2]), integer(args[3])
    items = context.all_items(context.key(args[1]))
    first, after = span(start, stop, len(items))
    return list(items[first:after])


def lset(context: Context, args: list[bytes]) -> Reply:
    """LSET key index element."""
    key = context.key(args[1])
    items = context.all_items(key)
    if not items:
        raise Refused(NO_SUCH_KEY)
    index = integer(args[2])
    if not -len(items) <= index < len(items):
        raise Refused(_NO_INDEX)
    items[index] = args[3]
    _changed(context, key)
    return OK


def linsert(context: Context, args: list[bytes]) -> Reply:
    """LINSERT key BEFORE|AFTER pivot element: the length afterwards, -1 without the pivot."""
    where = args[2].upper()
    if where not in (b"BEFORE", b"AFTER"):
        raise Refused(SYNTAX)
    key = context.key(args[1])
    items = context.all_items(key)
    if not items:
        return 0
    if args[3] not in items:
        return -1
    items.insert(items.index(args[3]) + (where == b"AFTER"), args[4])
    _changed(context, key)
    return len(items)


def lrem(context: Context, args: list[bytes]) -> Reply:
    """LREM key count element: the first `count` equal ones, negative from the end, 0 for all."""
    count = integer(args[2])
    key = context.key(args[1])
    items = context.all_items(key)
    places = [i for i, item in enumerate(items) if item == args[3]]
    if count:
        places = places[:count] if count > 0 else places[count:]
    for place in reversed(places):
        del items[place]
    if places:
        _changed(context, key)
    return len(places)


def ltrim(context: Context, args: list[bytes]) -> Reply:
    """LTRIM key start stop: what lies outside goes."""
    start, stop = integer(args[2]), integer(args[3])
    key = context.key(args[1])
    items = context.all_items(key)
    first, after = span(start, stop, len(items))
    if after - first < len(items):
        items[:] = items[first:after]
        _changed(context, key)
    return OK


def _changed(context: Context, key: Key) -> None:
    """Note that the items have changed; a list without items is gone."""
    value = context.load_list(key)
    value.dirty = True
    if value.values:
        context.write(key)
    else:
        key.touched = True
        value.exists = False
        value.reset()
        key.emptied()


def lpos(context: Context, args: list[bytes]) -> Reply:
    """LPOS key element [RANK rank] [COUNT count] [MAXLEN length]."""
    rank, count, length = 1, None, 0
    rest = iter(args[3:])
    for option in rest:
        text = next(rest, None)
        word = option.upper()
        if text is None:
            raise Refused(SYNTAX)
        if word == b"RANK":
            rank = integer(text)
            if rank == 0:
                raise Refused(_NO_RANK)
            if rank == INT_MIN:
                rank = -1  # its negative is itself in 64 bits, which any match is beyond
        elif word == b"COUNT":
            count = positive(text, ErrorReply(b"ERR COUNT can't be negative"))
        elif word == b"MAXLEN":
            length = positive(text, ErrorReply(b"ERR MAXLEN can't be negative"))
        else:
            raise Refused(SYNTAX)
    items = context.all_items(context.key(args[1]))
    places = list(range(len(items)))
    if rank < 0:
        places.reverse()
    looked_at = places[:length] if length else places
    found = [place for place in looked_at if items[place] == args[2]][abs(rank) - 1 :]
    if count is None:
        return found[0] if found else None
    return list(found[:count] if count else found)
