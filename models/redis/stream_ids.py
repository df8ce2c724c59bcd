"""Ids of stream entries as commands take and give them. Replies are those of Redis 7."""

from typing import Final

from models.redis.arguments import unsigned
from models.redis.refused import Refused
from models.redis.stream import LAST, PART_MAX, ZERO, Entry, StreamId
from models.replies import NULL_ARRAY, ErrorReply, Reply

BAD_ID: Final = ErrorReply(b"ERR Invalid stream ID specified as stream command argument")
_BYTES_MAX: Final = 127


def parse_id(text: bytes, missing: int = 0) -> StreamId:
    """An id; `missing` is the sequence number of one that has none. No `-` and `+`."""
    if text in (b"-", b"+"):
        raise Refused(BAD_ID)
    return _parse(text, missing)


def _parse(text: bytes, missing: int) -> StreamId:
    if text == b"-":
        return ZERO
    if text == b"+":
        return LAST
    if len(text) > _BYTES_MAX:
        raise Refused(BAD_ID)
    first, dash, second = text.partition(b"\0")[0].partition(b"-")
    ms = _part(first)
    return ms, _part(second) if dash else missing


def parse_new_id(text: bytes) -> tuple[int, int | None]:
    """The id of an entry to be added; no sequence number for `ms-*`."""
    first, dash, second = text.partition(b"-")
    if dash and second == b"*" and len(text) <= _BYTES_MAX:
        return _part(first), None
    return parse_id(text)


def parse_lenient_id(text: bytes) -> StreamId:
    """An id, or `-` and `+` for the lowest and the highest."""
    return _parse(text, 0)


def _part(text: bytes) -> int:
    """One half of an id. A negative number wraps only where it is not written plainly."""
    value = unsigned(text)
    plainly_negative = text[:1] == b"-" and text[1:2] not in (b"0", b"")
    if value is None or plainly_negative:
        raise Refused(BAD_ID)
    return value


def parse_interval(start: bytes, end: bytes) -> tuple[StreamId, StreamId]:
    """The ends of an interval, both included; written with `(` they are not."""
    first = _parse_end(start, 0, +1, ErrorReply(b"ERR invalid start ID for the interval"))
    return first, _parse_end(end, PART_MAX, -1, ErrorReply(b"ERR invalid end ID for the interval"))


def _parse_end(text: bytes, missing: int, step: int, refusal: ErrorReply) -> StreamId:
    if text[:1] != b"(" or len(text) == 1:
        return _parse(text, missing)
    inside = parse_id(text[1:], missing)
    return _next(inside, refusal) if step > 0 else _previous(inside, refusal)


def next_id(id: StreamId) -> StreamId:
    """The lowest id above another; from the highest on, the lowest of all."""
    return ZERO if id == LAST else _next(id, BAD_ID)


def _next(id: StreamId, refusal: ErrorReply) -> StreamId:
    if id == LAST:
        raise Refused(refusal)
    return (id[0] + 1, 0) if id[1] == PART_MAX else (id[0], id[1] + 1)


def _previous(id: StreamId, refusal: ErrorReply) -> StreamId:
    if id == ZERO:
        raise Refused(refusal)
    return (id[0] - 1, PART_MAX) if id[1] == 0 else (id[0], id[1] - 1)


def format_id(id: StreamId) -> bytes:
    """An id as Redis prints it."""
    return b"%d-%d" % id


def entry_reply(entry: Entry) -> Reply:
    """An entry: its id, and fields and values in turn."""
    return [b"%d-%d" % entry.id, list(entry.fields)]


def gone_reply(id: StreamId) -> Reply:
    """An entry that is pending and there no more."""
    return [b"%d-%d" % id, NULL_ARRAY]
