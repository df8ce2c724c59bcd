"""XINFO. Replies are those of Redis 7."""

from collections.abc import Callable
from itertools import islice
from typing import Final

from models.redis.arguments import NO_SUCH_KEY, integer
from models.redis.context import Context
from models.redis.refused import Refused
from models.redis.stream import LAST, UNKNOWN, ZERO, Group, Stream
from models.redis.stream_ids import entry_reply, format_id
from models.replies import ErrorReply, FlatMap, Reply, Status, quoted
from sim.units import NS_PER

_ENTRIES: Final = 10
"""How many entries XINFO STREAM FULL shows unless told."""
_HELP: Final = (
    b"XINFO <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    b"CONSUMERS <key> <groupname>",
    b"    Show consumers of <groupname>.",
    b"GROUPS <key>",
    b"    Show the stream consumer groups.",
    b"STREAM <key> [FULL [COUNT <count>]",
    b"    Show information about the stream.",
    b"HELP",
    b"    Prints this help.",
)


def _stream(context: Context, name: bytes) -> Stream:
    value = context.load_stream(context.key(name))
    if not value.exists:
        raise Refused(NO_SUCH_KEY)
    stream: Stream = value.data
    return stream


def _bad_subcommand(args: list[bytes]) -> Refused:
    return Refused(
        ErrorReply(
            b"ERR unknown subcommand or wrong number of arguments for '" + quoted(args[1])
            + b"'. Try XINFO HELP."
        )
    )  # fmt: skip


def xinfo_stream(context: Context, args: list[bytes]) -> Reply:
    """XINFO STREAM key [FULL [COUNT count]]."""
    stream = _stream(context, args[2])
    shown = _ENTRIES
    full = len(args) > 3
    if full:
        if len(args) not in (4, 6) or args[3].upper() != b"FULL":
            raise _bad_subcommand(args)
        if len(args) == 6:
            if args[4].upper() != b"COUNT":
                raise _bad_subcommand(args)
            shown = integer(args[5])
            if shown < 0:
                shown = _ENTRIES
    info = FlatMap(
        [
            b"length", stream.length,
            b"radix-tree-keys", len(stream.nodes),
            b"radix-tree-nodes", stream.tree_nodes(),
            b"last-generated-id", format_id(stream.last_id),
            b"max-deleted-entry-id", format_id(stream.max_deleted),
            b"entries-added", stream.added,
            b"recorded-first-entry-id", format_id(stream.first_id),
        ]
    )  # fmt: skip
    if full:
        entries = islice(stream.between(ZERO, LAST), shown or None)
        info += [b"entries", [entry_reply(entry) for entry in entries]]
        groups = [_full_group(stream, name, shown) for name in sorted(stream.groups)]
        info += [b"groups", groups]
        return info
    first, last = (next(walk(ZERO, LAST), None) for walk in
                   (stream.between, stream.between_backwards))  # fmt: skip
    info += [b"groups", len(stream.groups)]
    info += [b"first-entry", None if first is None else entry_reply(first)]
    info += [b"last-entry", None if last is None else entry_reply(last)]
    return info


def _known(read: int) -> int | None:
    return None if read == UNKNOWN else read


def _full_group(stream: Stream, name: bytes, shown: int) -> Reply:
    group = stream.groups[name]
    pending: list[Reply] = [
        [format_id(id), entry.consumer, entry.delivered_ms, entry.times]
        for id, entry in islice(sorted(group.pending.items()), shown or None)
    ]
    return FlatMap(
        [
            b"name", name,
            b"last-delivered-id", format_id(group.last_id),
            b"entries-read", _known(group.read),
            b"lag", stream.lag(group),
            b"pel-count", len(group.pending),
            b"pending", pending,
            b"consumers", [_full_consumer(group, who, shown) for who in sorted(group.consumers)],
        ]
    )  # fmt: skip


def _full_consumer(group: Group, name: bytes, shown: int) -> Reply:
    ids = group.of(name)
    pending: list[Reply] = [
        [format_id(id), group.pending[id].delivered_ms, group.pending[id].times]
        for id in islice(ids, shown or None)
    ]
    return FlatMap(
        [
            b"name", name,
            b"seen-time", group.consumers[name],
            b"pel-count", len(ids),
            b"pending", pending,
        ]
    )  # fmt: skip


def xinfo_groups(context: Context, args: list[bytes]) -> Reply:
    """XINFO GROUPS key."""
    stream = _stream(context, args[2])
    return [
        FlatMap(
            [
                b"name", name,
                b"consumers", len(group.consumers),
                b"pending", len(group.pending),
                b"last-delivered-id", format_id(group.last_id),
                b"entries-read", _known(group.read),
                b"lag", stream.lag(group),
            ]
        )
        for name, group in sorted(stream.groups.items(), key=lambda item: item[0])
    ]  # fmt: skip


def xinfo_consumers(context: Context, args: list[bytes]) -> Reply:
    """XINFO CONSUMERS key group."""
    group = _stream(context, args[2]).groups.get(args[3])
    if group is None:
        raise Refused(
            ErrorReply(
                b"NOGROUP No such consumer group '" + quoted(args[3]) + b"' for key name '"
                + quoted(args[2]) + b"'"
            )
        )  # fmt: skip
    now_ms = context.now // NS_PER["ms"]
    return [
        FlatMap(
            [
                b"name", name,
                b"pending", len(group.of(name)),
                b"idle", max(now_ms - seen_ms, 0),
            ]
        )
        for name, seen_ms in sorted(group.consumers.items())
    ]  # fmt: skip


def xinfo_help(context: Context, args: list[bytes]) -> Reply:
    """XINFO HELP."""
    return [Status(line) for line in _HELP]


XINFO: Final[dict[bytes, tuple[Callable[[Context, list[bytes]], Reply], int]]] = {
    b"STREAM": (xinfo_stream, -3),
    b"GROUPS": (xinfo_groups, 3),
    b"CONSUMERS": (xinfo_consumers, 4),
    b"HELP": (xinfo_help, 2),
}
"""The subcommands, each with how many words it takes; negative for at least so many."""
