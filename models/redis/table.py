"""Carrying out a command within an attempt: finding it, counting its words, answering refusals."""

from contextlib import suppress
from typing import Final

from models.redis.blocking import Wait
from models.redis.command import UNKNOWN_IN_SCRIPT, Command, subcommand, wrong_number
from models.redis.commands import COMMANDS, NOT_IN_SCRIPTS
from models.redis.context import Context
from models.redis.reads import Reads
from models.redis.refused import Refused
from models.replies import ErrorReply, Reply, quoted

_NOT_ALLOWED: Final = ErrorReply(b"ERR This Redis command is not allowed from script")
_READ_ONLY: Final = ErrorReply(b"ERR Write commands are not allowed from read-only scripts.")
_MAY_REPLICATE: Final = (b"PFCOUNT", b"PUBLISH", b"SPUBLISH")
"""What is no write, yet changes something: a cached count, what subscribers have heard."""
_ANY: Final = 1 << 30
_NAMED_MAX: Final = 128
"""How much of an unknown command the refusal repeats."""

_by_spelling = {
    name: (
        command.handler,
        abs(command.arity),
        command.arity if command.arity > 0 else _ANY,
        command.in_scripts,
    )
    for name, command in COMMANDS.items()
}
"""Handler, how few and how many words, and whether scripts may call it, by the name as spelled."""


def call(context: Context, args: list[bytes]) -> Reply:
    """Carry out one command within an attempt; what it refuses comes back as an `ErrorReply`.

    The reply is Redis's. The reads noted are those that the modelled system makes for the command,
    given what it believes of the keys by then.
    """
    context.calls += 1
    try:
        found = _by_spelling[args[0]]
    except KeyError:
        command = COMMANDS.get(args[0].upper())
        if command is None:
            return _unknown(context, args)
        found = _by_spelling[args[0]] = _by_spelling[command.name]
    handler, words_min, words_max, in_scripts = found
    if not words_min <= len(args) <= words_max:
        return wrong_number(context, args[0])
    if not in_scripts and context.from_script:
        return _NOT_ALLOWED
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


def wait_of(context: Context, args: list[bytes]) -> Wait | None:
    """What a command that has found nothing would wait for; None if it is not of that kind."""
    command = COMMANDS.get(args[0].upper())
    if command is None or command.wait is None:
        return None
    return command.wait(context, args)


def changes(command: Command) -> bool:
    """Whether a command may change something."""
    return command.write or command.name in _MAY_REPLICATE


def refused_as_write(context: Context, args: list[bytes]) -> ErrorReply | None:
    """The refusal of a command that changes something, in a script that may not; None for what
    reads, and for what `call` refuses anyway, which Redis finds out first.
    """
    command = COMMANDS.get(args[0].upper())
    if command is None or not changes(command):
        return None
    if not command.in_scripts or not command.takes(len(args)):
        return None
    if command.subcommands is not None:
        with suppress(Refused):
            subcommand(context, command.name, command.subcommands, args)
            return None if args[1].upper() == b"HELP" else _READ_ONLY
        return None
    return _READ_ONLY


def _unknown(context: Context, args: list[bytes]) -> ErrorReply:
    """The refusal of a command that is not there."""
    if context.from_script:
        return _NOT_ALLOWED if args[0].upper() in NOT_IN_SCRIPTS else UNKNOWN_IN_SCRIPT
    named = b""
    for arg in args[1:]:
        if len(named) >= _NAMED_MAX:
            break
        named += b"'" + arg.partition(b"\0")[0][: _NAMED_MAX - len(named)] + b"' "
    name = args[0].partition(b"\0")[0][:_NAMED_MAX]
    text = b"unknown command '" + name + b"', with args beginning with: " + named
    return ErrorReply(b"ERR " + quoted(text))
