"""XCLAIM and XAUTOCLAIM: entries pending for one consumer become another's. Replies as Redis 7."""

from dataclasses import dataclass
from typing import Final

from models.redis.arguments import INT_MAX, SYNTAX, integer
from models.redis.context import Context
from models.redis.refused import Refused
from models.redis.stream import ZERO, Group, Pending, Stream, StreamId
from models.redis.stream_groups import find_group
from models.redis.stream_ids import entry_reply, format_id, parse_id, parse_interval
from models.replies import ErrorReply, Reply, quoted
from sim.units import NS_PER

_BAD_IDLE: Final = ErrorReply(b"ERR Invalid min-idle-time argument for XCLAIM")
_BAD_IDLE_AUTO: Final = ErrorReply(b"ERR Invalid min-idle-time argument for XAUTOCLAIM")
_BAD_OPTION_IDLE: Final = ErrorReply(b"ERR Invalid IDLE option argument for XCLAIM")
_BAD_TIME: Final = ErrorReply(b"ERR Invalid TIME option argument for XCLAIM")
_BAD_RETRIES: Final = ErrorReply(b"ERR Invalid RETRYCOUNT option argument for XCLAIM")
_BAD_COUNT: Final = ErrorReply(b"ERR COUNT must be > 0")
_COUNT: Final = 100
_LOOKS_PER_ENTRY: Final = 10
"""XAUTOCLAIM looks at so many pending entries per one that it may claim."""


@dataclass(slots=True)
class _Claim:
    """The options of XCLAIM."""

    delivered_ms: int
    retries: int | None = None
    force: bool = False
    just_ids: bool = False
    last_id: StreamId = ZERO


def _parse(args: list[bytes], now_ms: int) -> tuple[list[StreamId], _Claim]:
    at = 5
    ids = []
    while at < len(args):
        try:
            ids.append(parse_id(args[at]))
        except Refused:
            break
        at += 1
    claim = _Claim(now_ms)
    while at < len(args):
        word = args[at].upper()
        more = at + 1 < len(args)
        if word == b"FORCE":
            claim.force = True
        elif word == b"JUSTID":
            claim.just_ids = True
        elif word == b"IDLE" and more:
            claim.delivered_ms = now_ms - integer(args[at + 1], _BAD_OPTION_IDLE)
            at += 1
        elif word == b"TIME" and more:
            claim.delivered_ms = integer(args[at + 1], _BAD_TIME)
            at += 1
        elif word == b"RETRYCOUNT" and more:
            retries = integer(args[at + 1], _BAD_RETRIES)
            claim.retries = None if retries < 0 else retries
            at += 1
        elif word == b"LASTID" and more:
            claim.last_id = parse_id(args[at + 1])
            at += 1
        else:
            raise Refused(ErrorReply(b"ERR Unrecognized XCLAIM option '" + quoted(args[at]) + b"'"))
        at += 1
    if not 0 <= claim.delivered_ms <= now_ms:
        claim.delivered_ms = now_ms
    return ids, claim


def xclaim(context: Context, args: list[bytes]) -> Reply:
    """XCLAIM key group consumer min-idle id ... [IDLE ms] [TIME ms] [RETRYCOUNT n] [FORCE] ..."""
    now_ms = context.now // NS_PER["ms"]
    key, value = find_group(context, args[1], args[2])
    min_idle = max(integer(args[4], _BAD_IDLE), 0)
    ids, claim = _parse(args, now_ms)
    stream: Stream = value.own()
    group = stream.groups[args[2]]
    before = group.last_id, len(group.pending)
    group.last_id = max(group.last_id, claim.last_id)
    taker = _Taker(stream, group, args[3], claim)
    replies: list[Reply] = []
    for id in ids:
        pending = group.pending.get(id)
        if stream.get(id) is None:
            if pending is not None:
                del group.pending[id]
            continue
        if pending is None:
            if not claim.force:
                continue
        elif min_idle and now_ms - pending.delivered_ms < min_idle:
            continue
        replies.append(taker.take(id, now_ms))
    if replies or before != (group.last_id, len(group.pending)):
        context.write(key)
    return replies


class _Taker:
    """Who claims, and how."""

    def __init__(self, stream: Stream, group: Group, consumer: bytes, claim: _Claim) -> None:
        self._stream = stream
        self._group = group
        self._consumer = consumer
        self._claim = claim

    def take(self, id: StreamId, now_ms: int) -> Reply:
        """Make an entry the consumer's; what the command says of it."""
        group, claim = self._group, self._claim
        group.consumers[self._consumer] = now_ms
        pending = group.pending.get(id)
        count = 1 if pending is None else pending.times
        if claim.retries is not None:
            count = claim.retries
        elif not claim.just_ids:
            count += 1
        group.pending[id] = Pending(self._consumer, claim.delivered_ms, count)
        if claim.just_ids:
            return format_id(id)
        entry = self._stream.get(id)
        assert entry is not None, "only what is there is claimed"
        return entry_reply(entry)


def xautoclaim(context: Context, args: list[bytes]) -> Reply:
    """XAUTOCLAIM key group consumer min-idle start [COUNT n] [JUSTID]: where to go on, what was
    claimed, and what is pending but there no more.
    """
    now_ms = context.now // NS_PER["ms"]
    min_idle = max(integer(args[4], _BAD_IDLE_AUTO), 0)
    start, _ = parse_interval(args[5], b"+")
    count, just_ids = _COUNT, False
    rest = iter(args[6:])
    for option in rest:
        word = option.upper()
        if word == b"COUNT" and (text := next(rest, None)) is not None:
            count = integer(text, _BAD_COUNT)
            if not 1 <= count <= INT_MAX // 16:
                raise Refused(_BAD_COUNT)
        elif word == b"JUSTID":
            just_ids = True
        else:
            raise Refused(SYNTAX)
    key, value = find_group(context, args[1], args[2])
    stream: Stream = value.own()
    group = stream.groups[args[2]]
    taker = _Taker(stream, group, args[3], _Claim(now_ms, just_ids=just_ids))
    looks = count * _LOOKS_PER_ENTRY
    claimed: list[Reply] = []
    gone: list[Reply] = []
    ahead = iter([id for id in sorted(group.pending) if id >= start])
    for id in ahead:
        looks -= 1
        if stream.get(id) is None:
            del group.pending[id]
            gone.append(format_id(id))
            count -= 1
        elif now_ms - group.pending[id].delivered_ms >= min_idle:
            claimed.append(taker.take(id, now_ms))
            count -= 1
        if not looks or not count:
            break
    if claimed or gone:
        context.write(key)
    return [format_id(next(ahead, ZERO)), claimed, gone]
