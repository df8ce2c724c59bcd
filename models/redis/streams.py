"""Commands on the entries of streams. Replies are those of Redis 7."""

from dataclasses import dataclass
from itertools import islice
from typing import Final

from models.redis.arguments import NO_SUCH_KEY, SYNTAX, integer, wrong_count
from models.redis.context import Context
from models.redis.refused import Refused
from models.redis.stream import LAST, NODE_ENTRIES, PART_MAX, ZERO, Stream, StreamId
from models.redis.stream_ids import (
    entry_reply,
    format_id,
    parse_id,
    parse_interval,
    parse_new_id,
)
from models.replies import NULL_ARRAY, OK, ErrorReply, Reply
from sim.units import NS_PER

_TOO_SMALL: Final = ErrorReply(
    b"ERR The ID specified in XADD is equal or smaller than the target stream top item"
)
_ZERO_ID: Final = ErrorReply(b"ERR The ID specified in XADD must be greater than 0-0")
_EXHAUSTED: Final = ErrorReply(
    b"ERR The stream has exhausted the last possible ID, unable to add more items"
)
_LIMIT_DEFAULT: Final = 100 * NODE_ENTRIES
"""How many entries an approximate trim removes at most, unless told."""


def _error(text: bytes) -> Refused:
    return Refused(ErrorReply(b"ERR " + text))


@dataclass(slots=True)
class _Trim:
    """MAXLEN or MINID with what belongs to them, and NOMKSTREAM."""

    length: int | None = None
    below: StreamId | None = None
    approximate: bool = False
    limit: int | None = None
    make: bool = True

    @property
    def wanted(self) -> bool:
        """Whether there is anything to trim by."""
        return self.length is not None or self.below is not None

    def carry_out(self, stream: Stream) -> int:
        """Trim the stream; how many entries went."""
        limit = self.limit if self.limit is not None else _LIMIT_DEFAULT * self.approximate
        return stream.trim(
            length=self.length, below=self.below, approximate=self.approximate, limit=limit
        )


def _parse_trim(args: list[bytes], *, adding: bool) -> tuple[_Trim, int]:
    """The options from the third argument on, and where the id stands."""
    trim = _Trim()
    at = 2
    while at < len(args):
        word = args[at].upper()
        more = at + 1 < len(args)
        if adding and args[at] == b"*":
            break
        if word in (b"MAXLEN", b"MINID") and more:
            at = _parse_strategy(trim, args, at, word == b"MAXLEN")
        elif word == b"LIMIT" and more:
            at += 1
            trim.limit = integer(args[at])
            if trim.limit < 0:
                raise _error(b"The LIMIT argument must be >= 0.")
        elif adding and word == b"NOMKSTREAM":
            trim.make = False
        elif adding:
            parse_new_id(args[at])
            break
        else:
            raise Refused(SYNTAX)
        at += 1
    if trim.limit and not trim.wanted:
        raise _error(b"syntax error, LIMIT cannot be used without specifying a trimming strategy")
    if not adding and not trim.wanted:
        raise _error(b"syntax error, XTRIM must be called with a trimming strategy")
    if trim.limit is not None and not trim.approximate:
        raise _error(b"syntax error, LIMIT cannot be used without the special ~ option")
    return trim, at


def _parse_strategy(trim: _Trim, args: list[bytes], at: int, by_length: bool) -> int:
    """MAXLEN or MINID, and where its argument stands."""
    if trim.wanted:
        raise _error(b"syntax error, MAXLEN and MINID options at the same time are not compatible")
    at += 1
    trim.approximate = False
    if at + 1 < len(args) and args[at] in (b"~", b"="):
        trim.approximate = args[at] == b"~"
        at += 1
    if by_length:
        trim.length = integer(args[at])
        if trim.length < 0:
            raise _error(b"The MAXLEN argument must be >= 0.")
    else:
        trim.below = parse_id(args[at])
    return at


def xadd(context: Context, args: list[bytes]) -> Reply:
    """XADD key [NOMKSTREAM] [MAXLEN | MINID [= | ~] bound [LIMIT n]] * | id field value ..."""
    trim, at = _parse_trim(args, adding=True)
    fields = args[at + 1 :]
    if len(fields) < 2 or len(fields) % 2:
        raise wrong_count(args[0])
    wanted = None if args[at] == b"*" else parse_new_id(args[at])
    if wanted == ZERO:
        raise Refused(_ZERO_ID)
    key = context.key(args[1])
    value = context.load_stream(key)
    if not value.exists and not trim.make:
        return None
    if value.data.last_id == LAST:
        raise Refused(_EXHAUSTED)
    id = _new_id(value.data.last_id, wanted, context.now // NS_PER["ms"])
    if id <= value.data.last_id:
        raise Refused(_TOO_SMALL)
    stream: Stream = value.own()
    stream.append(id, tuple(fields))
    if trim.wanted:
        trim.carry_out(stream)
    value.exists = True
    context.write(key)
    return format_id(id)


def _new_id(last: StreamId, wanted: tuple[int, int | None] | None, now_ms: int) -> StreamId:
    """The id of a new entry behind `last`, which may turn out to be no higher."""
    if wanted is None:
        if now_ms > last[0]:
            return now_ms, 0
        return (last[0] + 1, 0) if last[1] == PART_MAX else (last[0], last[1] + 1)
    ms, sequence = wanted
    if sequence is not None:
        return ms, sequence
    if ms != last[0]:
        return ms, 0
    return last if last[1] == PART_MAX else (ms, last[1] + 1)


def xtrim(context: Context, args: list[bytes]) -> Reply:
    """XTRIM key MAXLEN | MINID [= | ~] bound [LIMIT n]: how many entries went."""
    trim, _ = _parse_trim(args, adding=False)
    key = context.key(args[1])
    value = context.load_stream(key)
    if not value.exists:
        return 0
    removed = trim.carry_out(value.own())
    if removed:
        context.write(key)
    return removed


def xlen(context: Context, args: list[bytes]) -> Reply:
    """XLEN key."""
    length: int = context.load_stream(context.key(args[1])).data.length
    return length


def xrange(context: Context, args: list[bytes]) -> Reply:
    """XRANGE key start end [COUNT count]."""
    return _range(context, args, args[2], args[3], backwards=False)


def xrevrange(context: Context, args: list[bytes]) -> Reply:
    """XREVRANGE key end start [COUNT count]."""
    return _range(context, args, args[3], args[2], backwards=True)


def _range(
    context: Context, args: list[bytes], start: bytes, end: bytes, *, backwards: bool
) -> Reply:
    first, last = parse_interval(start, end)
    count = None
    rest = iter(args[4:])
    for option in rest:
        text = next(rest, None)
        if option.upper() != b"COUNT" or text is None:
            raise Refused(SYNTAX)
        given = integer(text)
        # -1 is how Redis notes that there is no COUNT.
        count = max(given, 0)
    value = context.load_stream(context.key(args[1]))
    if not value.exists:
        return []
    if count == 0:
        return NULL_ARRAY
    stream: Stream = value.data
    walk = stream.between_backwards if backwards else stream.between
    return [entry_reply(entry) for entry in islice(walk(first, last), count)]


def xdel(context: Context, args: list[bytes]) -> Reply:
    """XDEL key id [id ...]: how many entries went."""
    key = context.key(args[1])
    value = context.load_stream(key)
    if not value.exists:
        return 0
    ids = [parse_id(text) for text in args[2:]]
    there = [id for id in dict.fromkeys(ids) if value.data.get(id) is not None]
    if there:
        stream: Stream = value.own()
        for id in there:
            stream.delete(id)
        stream.max_deleted = max(stream.max_deleted, *there)
        context.write(key)
    return len(there)


def xsetid(context: Context, args: list[bytes]) -> Reply:
    """XSETID key last-id [ENTRIESADDED n] [MAXDELETEDID id]."""
    last = parse_id(args[2])
    added: int | None = None
    deleted = ZERO
    rest = iter(args[3:])
    for option in rest:
        text = next(rest, None)
        word = option.upper()
        if word == b"ENTRIESADDED" and text is not None:
            added = integer(text)
            if added < 0:
                raise _error(b"entries_added must be positive")
        elif word == b"MAXDELETEDID" and text is not None:
            deleted = parse_id(text)
            if last < deleted:
                raise _error(
                    b"The ID specified in XSETID is smaller than the provided max_deleted_entry_id"
                )
        else:
            raise Refused(SYNTAX)
    key = context.key(args[1])
    value = context.load_stream(key)
    if not value.exists:
        raise Refused(NO_SUCH_KEY)
    stream: Stream = value.data
    if stream.length:
        if last < stream.top_id:
            raise _error(b"The ID specified in XSETID is smaller than the target stream top item")
        if added is not None and stream.length > added:
            raise _error(
                b"The entries_added specified in XSETID is smaller than the target stream length"
            )
    stream = value.own()
    stream.last_id = last
    stream.added = stream.added if added is None else added
    stream.max_deleted = stream.max_deleted if deleted == ZERO else deleted
    context.write(key)
    return OK
