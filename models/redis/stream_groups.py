"""XGROUP, XACK and XPENDING. Replies are those of Redis 7."""

from collections.abc import Callable
from typing import Final

from models.redis.arguments import SYNTAX, integer
from models.redis.context import Context
from models.redis.refused import Refused
from models.redis.state import Key, Value
from models.redis.stream import UNKNOWN, Group, Stream, StreamId
from models.redis.stream_ids import format_id, parse_id, parse_interval, parse_lenient_id
from models.replies import NULL_ARRAY, OK, ErrorReply, Reply, Status, quoted
from sim.units import NS_PER

_NEEDS_KEY: Final = ErrorReply(
    b"ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to "
    b"use the MKSTREAM option to create an empty stream automatically."
)
_BUSY: Final = ErrorReply(b"BUSYGROUP Consumer Group name already exists")
_BAD_READ: Final = ErrorReply(b"ERR value for ENTRIESREAD must be positive or -1")
_HELP: Final = (
    b"XGROUP <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    b"CREATE <key> <groupname> <id|$> [option]",
    b"    Create a new consumer group. Options are:",
    b"    * MKSTREAM",
    b"      Create the empty stream if it does not exist.",
    b"    * ENTRIESREAD entries_read",
    b"      Set the group's entries_read counter (internal use).",
    b"CREATECONSUMER <key> <groupname> <consumer>",
    b"    Create a new consumer in the specified group.",
    b"DELCONSUMER <key> <groupname> <consumer>",
    b"    Remove the specified consumer.",
    b"DESTROY <key> <groupname>",
    b"    Remove the specified group.",
    b"SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
    b"    Set the current group ID and entries_read counter.",
    b"HELP",
    b"    Prints this help.",
)


def no_group(key: bytes, group: bytes) -> Refused:
    """The refusal of a group that is not there."""
    text = b"NOGROUP No such key '" + quoted(key) + b"' or consumer group '" + quoted(group) + b"'"
    return Refused(ErrorReply(text))


def find_group(context: Context, name: bytes, group: bytes) -> tuple[Key, Value]:
    """The stream that has the group. Raises `Refused` if there is none."""
    key = context.key(name)
    value = context.load_stream(key)
    if not value.exists or group not in value.data.groups:
        raise no_group(name, group)
    return key, value


# -- XGROUP ---------------------------------------------------------------------------------------


def _bad_subcommand(args: list[bytes]) -> Refused:
    return Refused(
        ErrorReply(
            b"ERR unknown subcommand or wrong number of arguments for '" + quoted(args[1])
            + b"'. Try XGROUP HELP."
        )
    )  # fmt: skip


def _options(args: list[bytes], *, making: bool) -> tuple[bool, int]:
    """MKSTREAM, and the argument of ENTRIESREAD."""
    make, read = False, UNKNOWN
    at = 5
    while at < len(args):
        word = args[at].upper()
        if making and word == b"MKSTREAM":
            make = True
            at += 1
        elif word == b"ENTRIESREAD" and at + 1 < len(args):
            read = integer(args[at + 1])
            if read < UNKNOWN:
                raise Refused(_BAD_READ)
            at += 2
        else:
            raise _bad_subcommand(args)
    return make, read


def _existing(context: Context, args: list[bytes], *, group: bool) -> tuple[Key, Value]:
    """The stream of an XGROUP, which must be there, with its group if that is needed."""
    key = context.key(args[2])
    value = context.load_stream(key)
    if not value.exists:
        raise Refused(_NEEDS_KEY)
    if group and args[3] not in value.data.groups:
        raise Refused(
            ErrorReply(
                b"NOGROUP No such consumer group '" + quoted(args[3]) + b"' for key name '"
                + quoted(args[2]) + b"'"
            )
        )  # fmt: skip
    return key, value


def xgroup_create(context: Context, args: list[bytes]) -> Reply:
    """XGROUP CREATE key group id|$ [MKSTREAM] [ENTRIESREAD n]."""
    make, read = _options(args, making=True)
    if make:
        key = context.key(args[2])
        value = context.load_stream(key)
    else:
        key, value = _existing(context, args, group=False)
    if len(args) > 8:
        raise _bad_subcommand(args)
    last = value.data.last_id if args[4] == b"$" else parse_id(args[4])
    busy = args[3] in value.data.groups
    if not busy or not value.exists:
        stream: Stream = value.own()
        stream.groups[args[3]] = Group(last, read)
        value.exists = True
        context.write(key)
    if busy:
        raise Refused(_BUSY)
    return OK


def xgroup_setid(context: Context, args: list[bytes]) -> Reply:
    """XGROUP SETID key group id|$ [ENTRIESREAD n]."""
    _, read = _options(args, making=False)
    key, value = _existing(context, args, group=True)
    if len(args) not in (5, 7):
        raise _bad_subcommand(args)
    last = value.data.last_id if args[4] == b"$" else parse_lenient_id(args[4])
    group = value.own().groups[args[3]]
    group.last_id, group.read = last, read
    context.write(key)
    return OK


def xgroup_destroy(context: Context, args: list[bytes]) -> Reply:
    """XGROUP DESTROY key group: 1 if it was there."""
    key, value = _existing(context, args, group=False)
    if args[3] not in value.data.groups:
        return 0
    del value.own().groups[args[3]]
    context.write(key)
    return 1


def xgroup_createconsumer(context: Context, args: list[bytes]) -> Reply:
    """XGROUP CREATECONSUMER key group consumer: 1 if it is new."""
    key, value = _existing(context, args, group=True)
    if args[4] in value.data.groups[args[3]].consumers:
        return 0
    value.own().groups[args[3]].consumers[args[4]] = context.now // NS_PER["ms"]
    context.write(key)
    return 1


def xgroup_delconsumer(context: Context, args: list[bytes]) -> Reply:
    """XGROUP DELCONSUMER key group consumer: how many entries were pending for it."""
    key, value = _existing(context, args, group=True)
    if args[4] not in value.data.groups[args[3]].consumers:
        return 0
    group: Group = value.own().groups[args[3]]
    del group.consumers[args[4]]
    gone = group.of(args[4])
    for id in gone:
        del group.pending[id]
    context.write(key)
    return len(gone)


def xgroup_help(context: Context, args: list[bytes]) -> Reply:
    """XGROUP HELP."""
    return [Status(line) for line in _HELP]


# -- XACK and XPENDING ----------------------------------------------------------------------------


def xack(context: Context, args: list[bytes]) -> Reply:
    """XACK key group id [id ...]: how many entries were pending."""
    key = context.key(args[1])
    value = context.load_stream(key)
    group: Group | None = value.data.groups.get(args[2])
    if group is None:
        return 0
    ids = [parse_id(text) for text in args[3:]]
    there = [id for id in dict.fromkeys(ids) if id in group.pending]
    if there:
        pending = value.own().groups[args[2]].pending
        for id in there:
            del pending[id]
        context.write(key)
    return len(there)


def xpending(context: Context, args: list[bytes]) -> Reply:
    """XPENDING key group [[IDLE ms] start end count [consumer]]."""
    if len(args) == 3:
        _, value = find_group(context, args[1], args[2])
        return _summary(value.data.groups[args[2]])
    idle = 0
    rest = args[3:]
    if len(rest) < 3 or len(rest) > 6:
        raise Refused(SYNTAX)
    if rest[0].upper() == b"IDLE":
        idle = integer(rest[1])
        if len(rest) < 5:
            raise Refused(SYNTAX)
        rest = rest[2:]
    count = max(integer(rest[2]), 0)
    first, last = parse_interval(rest[0], rest[1])
    consumer = rest[3] if len(rest) > 3 else None
    _, value = find_group(context, args[1], args[2])
    group: Group = value.data.groups[args[2]]
    if consumer is not None and consumer not in group.consumers:
        return []
    now_ms = context.now // NS_PER["ms"]

    def wanted(id: StreamId) -> bool:
        entry = group.pending[id]
        mine = consumer is None or entry.consumer == consumer
        return mine and first <= id <= last and now_ms - entry.delivered_ms >= idle

    found: list[Reply] = []
    for id in filter(wanted, sorted(group.pending)):
        if len(found) == count:
            break
        entry = group.pending[id]
        waited = max(now_ms - entry.delivered_ms, 0)
        found.append([format_id(id), entry.consumer, waited, entry.times])
    return found


def _summary(group: Group) -> Reply:
    """How many are pending, from which id to which, and per consumer."""
    if not group.pending:
        return [0, None, None, NULL_ARRAY]
    per_consumer: dict[bytes, int] = {}
    for entry in group.pending.values():
        per_consumer[entry.consumer] = per_consumer.get(entry.consumer, 0) + 1
    consumers: list[Reply] = [[name, b"%d" % count] for name, count in sorted(per_consumer.items())]
    bounds = format_id(min(group.pending)), format_id(max(group.pending))
    return [len(group.pending), *bounds, consumers]


XGROUP: Final[dict[bytes, tuple[Callable[[Context, list[bytes]], Reply], int]]] = {
    b"CREATE": (xgroup_create, -5),
    b"SETID": (xgroup_setid, -5),
    b"DESTROY": (xgroup_destroy, 4),
    b"CREATECONSUMER": (xgroup_createconsumer, 5),
    b"DELCONSUMER": (xgroup_delconsumer, 5),
    b"HELP": (xgroup_help, 2),
}
"""The subcommands, each with how many words it takes; negative for at least so many."""
