"""Carrying out a command within an attempt: finding it, counting its words, answering refusals."""

from typing import Final

from models.redis.blocking import Wait
from models.redis.command import UNKNOWN_IN_SCRIPT, Command, wrong_number
from models.redis.commands import COMMANDS, NOT_IN_SCRIPTS
from models.redis.context import Context
from models.redis.refused import Refused
from models.replies import ErrorReply, Reply, quoted

_NOT_ALLOWED: Final = ErrorReply(b"ERR This Redis command is not allowed from script")
_READ_ONLY: Final = ErrorReply(b"ERR Write commands are not allowed from read-only scripts.")
_ANY: Final = 1 << 30
_NAMED_MAX: Final = 128
"""How much of an unknown command the refusal repeats."""

_by_spelling = {
    name: (command.handler, abs(command.arity), command.arity if command.arity > 0 else _ANY)
    for name, command in COMMANDS.items()
    if command.in_scripts
}
"""Handler, and how few and how many words, by the name as it is spelled."""


def call(context: Context, args: list[bytes]) -> Reply:
    """Carry out one command within an attempt; what it refuses comes back as an `ErrorReply`."""
    context.calls += 1
    found = _by_spelling.get(args[0])
    if found is None:
        command = COMMANDS.get(args[0].upper())
        if command is None or not command.in_scripts:
            return _call_unusual(context, command, args)
        found = _by_spelling[args[0]] = _by_spelling[command.name]
    handler, words_min, words_max = found
    if not words_min <= len(args) <= words_max:
        return wrong_number(context, args[0])
    try:
        return handler(context, args)
    except Refused as refused:
        return refused.reply


def wait_of(context: Context, args: list[bytes]) -> Wait | None:
    """What a command that has found nothing would wait for; None if it is not of that kind."""
    command = COMMANDS.get(args[0].upper())
    if command is None or command.wait is None:
        return None
    return command.wait(context, args)


def refused_as_write(args: list[bytes]) -> ErrorReply | None:
    """The refusal of a command that writes, in a script that may not; None for what reads."""
    command = COMMANDS.get(args[0].upper())
    return _READ_ONLY if command is not None and command.write else None


def _call_unusual(context: Context, command: Command | None, args: list[bytes]) -> Reply:
    """A command that is not there, or not for scripts."""
    if command is None:
        if not context.from_script:
            return _unknown(args)
        forbidden = args[0].upper() in NOT_IN_SCRIPTS
        return _NOT_ALLOWED if forbidden else UNKNOWN_IN_SCRIPT
    if not command.takes(len(args)):
        return wrong_number(context, args[0])
    if context.from_script:
        return _NOT_ALLOWED
    try:
        return command.handler(context, args)
    except Refused as refused:
        return refused.reply


def _unknown(args: list[bytes]) -> ErrorReply:
    named = b""
    for arg in args[1:]:
        if len(named) >= _NAMED_MAX:
            break
        named += b"'" + arg.partition(b"\0")[0][: _NAMED_MAX - len(named)] + b"' "
    name = args[0].partition(b"\0")[0][:_NAMED_MAX]
    text = b"unknown command '" + name + b"', with args beginning with: " + named
    return ErrorReply(b"ERR " + quoted(text))
