"""The table of commands: what a script may call, with how many arguments."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple, TypeAlias

from models.redis import generic, hashes, lists, sets, strings, zsets
from models.redis.context import Context, Refused
from models.redis.reads import Reads
from models.replies import ErrorReply, Reply, quoted

Handler: TypeAlias = Callable[[Context, list[bytes]], Reply]
_ANY: Final = 1 << 30


class Command(NamedTuple):
    """One command. The counts include the command's own name."""

    name: bytes
    handler: Handler
    args_min: int
    args_max: int


COMMANDS: Final = {
    name: Command(name, handler, args_min, args_max)
    for name, handler, args_min, args_max in (
        (b"DEL", generic.delete, 2, _ANY),
        (b"EXISTS", generic.exists, 2, _ANY),
        (b"GET", strings.get, 2, 2),
        (b"GETDEL", strings.getdel, 2, 2),
        (b"HGET", hashes.hget, 3, 3),
        (b"HGETALL", hashes.hgetall, 2, 2),
        (b"HSET", hashes.hset, 4, _ANY),
        (b"INCR", strings.incr, 2, 2),
        (b"LPOP", lists.lpop, 2, _ANY),
        (b"LPUSH", lists.lpush, 3, _ANY),
        (b"PEXPIRE", generic.pexpire, 3, _ANY),
        (b"PTTL", generic.pttl, 2, 2),
        (b"RENAME", generic.rename, 3, 3),
        (b"RPOP", lists.rpop, 2, _ANY),
        (b"RPOPLPUSH", lists.rpoplpush, 3, 3),
        (b"RPUSH", lists.rpush, 3, _ANY),
        (b"SADD", sets.sadd, 3, _ANY),
        (b"SET", strings.set_, 3, _ANY),
        (b"SETEX", strings.setex, 4, 4),
        (b"SETNX", strings.setnx, 3, 3),
        (b"TYPE", generic.type_, 2, 2),
        (b"ZADD", zsets.zadd, 4, _ANY),
        (b"ZCARD", zsets.zcard, 2, 2),
    )
}

_WRONG_COUNT: Final = ErrorReply(b"ERR Wrong number of args calling Redis command from script")
_by_spelling = {name: command[1:] for name, command in COMMANDS.items()}
"""Handler and argument counts by the name as scripts spell it."""


def call(context: Context, args: list[bytes]) -> Reply:
    """Carry out one command within an attempt; what it refuses comes back as an `ErrorReply`.

    The reply is Redis's. The reads noted are those that the modelled system makes for the command,
    given what it believes of the keys by then.
    """
    context.calls += 1
    found = _by_spelling.get(args[0])
    if found is None:
        command = COMMANDS.get(args[0].upper())
        if command is None:
            return ErrorReply(b"ERR unsupported command '" + quoted(args[0]) + b"'")
        found = _by_spelling[args[0]] = command[1:]
    handler, args_min, args_max = found
    if not args_min <= len(args) <= args_max:
        return _WRONG_COUNT
    if context.now != context.noted:
        context.noted = context.now
        context.history.append(context.now)
    context.history.append(args)
    first = len(context.reads)
    try:
        reply = handler(context, args)
    except Refused as refused:
        reply = refused.reply
    if context.diverged:
        context.reads[first:] = _reads_as_modelled(context, args)
    return reply


def _reads_as_modelled(context: Context, args: list[bytes]) -> list[Reads]:
    """What the modelled system reads for a command of an attempt that has diverged."""
    modelled = context.modelled
    if modelled is None:
        modelled = context.modelled = context.as_begun()
        for entry in context.history[:-1]:
            if isinstance(entry, int):
                modelled.now = entry
            else:
                _follow(modelled, entry)
    modelled.now = context.now
    _follow(modelled, args)
    return modelled.reads


def _follow(modelled: Context, args: list[bytes]) -> None:
    modelled.reads.clear()
    with suppress(Refused):
        _by_spelling[args[0]][0](modelled, args)
