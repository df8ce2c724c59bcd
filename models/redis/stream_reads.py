"""XREAD and XREADGROUP. Replies are those of Redis 7."""

from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from models.redis.arguments import SYNTAX, integer
from models.redis.context import Context
from models.redis.refused import Refused
from models.redis.state import Value
from models.redis.stream import LAST, UNKNOWN, Entry, Group, Pending, Stream, StreamId, signed64
from models.redis.stream_ids import entry_reply, gone_reply, next_id, parse_id
from models.redis.timeouts import timeout_ms
from models.replies import NULL_ARRAY, ErrorReply, PairMap, Reply, quoted
from sim.units import NS_PER

_NEW: Final = b">"
_UNBALANCED: Final = ErrorReply(
    b"ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified."
)
_MEANINGLESS: Final = ErrorReply(
    b"ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of "
    b"this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would "
    b"just return an empty result set."
)
_ONLY_IN_GROUPS: Final = ErrorReply(
    b"ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> "
    b"<consumer> option."
)


@dataclass(slots=True)
class Arguments:
    """What XREAD or XREADGROUP was asked."""

    in_group: bool
    count: int | None = None
    timeout_ms: int | None = None
    """Of BLOCK; 0 for ever, None without."""
    group: bytes = b""
    consumer: bytes = b""
    acknowledged: bool = False
    names: list[bytes] = field(default_factory=list)
    ids: list[bytes] = field(default_factory=list)


def parse(context: Context, args: list[bytes]) -> Arguments:
    """The arguments of either command."""
    in_group = args[0].upper() == b"XREADGROUP"
    parsed = Arguments(in_group)
    grouped = False
    at = 1
    while at < len(args):
        more = len(args) - at - 1
        word = args[at].upper()
        if word == b"BLOCK" and more:
            if context.from_script:
                text = b" command is not allowed with BLOCK option from scripts"
                raise Refused(ErrorReply(b"ERR " + args[0] + text))
            parsed.timeout_ms = timeout_ms(args[at + 1])
            at += 2
        elif word == b"COUNT" and more:
            parsed.count = max(integer(args[at + 1]), 0) or None
            at += 2
        elif word == b"STREAMS" and more:
            _parse_streams(parsed, args[at + 1 :])
            break
        elif word == b"GROUP" and more >= 2:
            _in_group_only(in_group, b"GROUP")
            grouped = True
            parsed.group, parsed.consumer = args[at + 1 : at + 3]
            at += 3
        elif word == b"NOACK":
            _in_group_only(in_group, b"NOACK")
            parsed.acknowledged = True
            at += 1
        else:
            raise Refused(SYNTAX)
    if not parsed.names:
        raise Refused(SYNTAX)
    if in_group and not grouped:
        raise Refused(ErrorReply(b"ERR Missing GROUP option for XREADGROUP"))
    return parsed


def _parse_streams(parsed: Arguments, words: list[bytes]) -> None:
    if len(words) % 2:
        raise Refused(_UNBALANCED)
    half = len(words) // 2
    parsed.names, parsed.ids = words[:half], words[half:]


def _in_group_only(in_group: bool, option: bytes) -> None:
    if not in_group:
        text = b" option is only supported by XREADGROUP. You called XREAD instead."
        raise Refused(ErrorReply(b"ERR The " + option + text))


def xread(context: Context, args: list[bytes]) -> Reply:
    """XREAD [COUNT count] [BLOCK ms] STREAMS key [key ...] id [id ...]."""
    parsed = parse(context, args)
    streams = [context.load_stream(context.key(name)).data for name in parsed.names]
    after = [_after(stream, text) for stream, text in zip(streams, parsed.ids, strict=True)]
    found = PairMap()
    for name, stream, id in zip(parsed.names, streams, after, strict=True):
        if stream.length and stream.top_id > id:
            entries = islice(stream.between(next_id(id), LAST), parsed.count)
            found.append([name, [entry_reply(entry) for entry in entries]])
    return found or NULL_ARRAY


def _after(stream: Stream, text: bytes) -> StreamId:
    if text == b"$":
        return stream.last_id
    if text == _NEW:
        raise Refused(_ONLY_IN_GROUPS)
    return parse_id(text)


def resolved(context: Context, args: list[bytes]) -> list[bytes]:
    """An XREAD with each `$` replaced by the id that it means now, to be asked again later."""
    parsed = parse(context, args)
    ids = [
        b"%d-%d" % context.load_stream(context.key(name)).data.last_id if text == b"$" else text
        for name, text in zip(parsed.names, parsed.ids, strict=True)
    ]
    return [*args[: len(args) - len(ids)], *ids]


def xreadgroup(context: Context, args: list[bytes]) -> Reply:
    """XREADGROUP GROUP group consumer [COUNT n] [BLOCK ms] [NOACK] STREAMS key ... id ..."""
    parsed = parse(context, args)
    wanted = [
        _wanted(context, parsed, name, text)
        for name, text in zip(parsed.names, parsed.ids, strict=True)
    ]
    found = PairMap()
    for name, id in zip(parsed.names, wanted, strict=True):
        key = context.key(name)
        value = context.load_stream(key)
        group: Group = value.data.groups[parsed.group]
        if id is None and not (value.data.length and value.data.top_id > group.last_id):
            continue
        stream, group = _see(context, value, parsed)
        if id is None:
            entries = list(islice(stream.between(next_id(group.last_id), LAST), parsed.count))
            _deliver(context, stream, group, entries, parsed)
            replies = [entry_reply(entry) for entry in entries]
        else:
            replies = _history(context, stream, group, id, parsed)
        context.write(key)
        found.append([name, replies])
    return found or NULL_ARRAY


def _wanted(context: Context, parsed: Arguments, name: bytes, text: bytes) -> StreamId | None:
    """The id after which a consumer wants its history, None for what is new."""
    value = context.load_stream(context.key(name))
    if not value.exists or parsed.group not in value.data.groups:
        raise Refused(
            ErrorReply(
                b"NOGROUP No such key '" + quoted(name) + b"' or consumer group '"
                + quoted(parsed.group) + b"' in XREADGROUP with GROUP option"
            )
        )  # fmt: skip
    if text == b"$":
        raise Refused(_MEANINGLESS)
    return None if text == _NEW else parse_id(text)


def _see(context: Context, value: Value, parsed: Arguments) -> tuple[Stream, Group]:
    """The stream and the group to be changed; the consumer is there from now on."""
    stream: Stream = value.own()
    group = stream.groups[parsed.group]
    group.consumers[parsed.consumer] = context.now // NS_PER["ms"]
    return stream, group


def _deliver(
    context: Context, stream: Stream, group: Group, entries: list[Entry], parsed: Arguments
) -> None:
    now_ms = context.now // NS_PER["ms"]
    for entry in entries:
        if group.read != UNKNOWN and not stream.has_holes_after(entry.id):
            group.read = signed64(group.read + 1)
        elif stream.added:
            group.read = stream.position(entry.id)
        group.last_id = entry.id
        if not parsed.acknowledged:
            group.pending[entry.id] = Pending(parsed.consumer, now_ms, 1)


def _history(
    context: Context, stream: Stream, group: Group, after: StreamId, parsed: Arguments
) -> list[Reply]:
    """What is pending for the consumer after an id, delivered once more."""
    now_ms = context.now // NS_PER["ms"]
    start = next_id(after)
    replies: list[Reply] = []
    for id in group.of(parsed.consumer):
        if id < start:
            continue
        if len(replies) == parsed.count:
            break
        entry = stream.get(id)
        if entry is None:
            replies.append(gone_reply(id))
            continue
        group.pending[id] = Pending(parsed.consumer, now_ms, group.pending[id].times + 1)
        replies.append(entry_reply(entry))
    return replies
