"""What the table says of one command."""

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from models.redis.blocking import Wait
from models.redis.context import Context
from models.redis.refused import Refused
from models.replies import ErrorReply, Reply, quoted

Handler: TypeAlias = Callable[[Context, list[bytes]], Reply]
Waits: TypeAlias = Callable[[Context, list[bytes]], Wait | None]
Subcommands: TypeAlias = dict[bytes, tuple[Handler, int]]

NOTHING: Final = b""
"""What a command costs that reads no row."""

UNKNOWN_IN_SCRIPT: Final = ErrorReply(b"ERR Unknown Redis command called from script")
_WRONG_COUNT_IN_SCRIPT: Final = ErrorReply(
    b"ERR Wrong number of args calling Redis command from script"
)


class Keys(NamedTuple):
    """Which arguments are keys, as COMMAND INFO tells: positions from 1, the last one counted from
    the end when negative; all 0 where it depends on the other arguments, or there are none.
    """

    first: int
    last: int
    step: int


class Command(NamedTuple):
    """One command."""

    name: bytes
    handler: Handler
    arity: int
    """Words, its name included; negative for at least so many."""
    keys: Keys
    costs_as: bytes | None
    """None for a command of the modelled revision. Another one is `unsupported by the modelled
    revision`, and costs as the command named here, its nearest relative, or as `NOTHING`."""
    write: bool
    in_scripts: bool
    """Whether scripts may call it."""
    wait: Waits | None
    """Of a blocking command that has found nothing: what it would wait for."""
    subcommands: Subcommands | None = None

    def takes(self, words: int) -> bool:
        """Whether it may be called with so many words."""
        return words == self.arity or words >= -self.arity > 0


def modelled(
    name: bytes, handler: Handler, arity: int, keys: Keys, *, write: bool = False
) -> Command:
    """A command that the modelled revision has."""
    return Command(name, handler, arity, keys, None, write, True, None)


def beyond(
    name: bytes,
    handler: Handler,
    arity: int,
    keys: Keys,
    *,
    costs_as: bytes,
    write: bool = False,
    in_scripts: bool = True,
    wait: Waits | None = None,
) -> Command:
    """A command that the modelled revision refuses. It is noted when it is used."""

    def noting(context: Context, args: list[bytes]) -> Reply:
        context.unsupported.append(name)
        return handler(context, args)

    return Command(name, noting, arity, keys, costs_as, write, in_scripts, wait)


def container(
    name: bytes, subcommands: Subcommands, keys: Keys, *, costs_as: bytes, write: bool = False
) -> Command:
    """A command that has subcommands, which the modelled revision refuses."""

    def handler(context: Context, args: list[bytes]) -> Reply:
        return subcommand(context, name, subcommands, args)(context, args)

    command = beyond(name, handler, -2, keys, costs_as=costs_as, write=write)
    return command._replace(subcommands=subcommands)


def subcommand(
    context: Context, name: bytes, subcommands: Subcommands, args: list[bytes]
) -> Handler:
    """The subcommand that is asked for. Raises `Refused` if there is none of that name, or it takes
    another number of words.
    """
    found = subcommands.get(args[1].upper())
    if found is None:
        raise Refused(UNKNOWN_IN_SCRIPT if context.from_script else _unknown_sub(name, args))
    handler, arity = found
    if len(args) != arity and not len(args) >= -arity > 0:
        raise Refused(wrong_number(context, name + b"|" + args[1]))
    return handler


def _unknown_sub(name: bytes, args: list[bytes]) -> ErrorReply:
    word = quoted(args[1])[:128]
    return ErrorReply(b"ERR unknown subcommand '" + word + b"'. Try " + name + b" HELP.")


def wrong_number(context: Context, name: bytes) -> ErrorReply:
    """The refusal of a command called with too few or too many words."""
    if context.from_script:
        return _WRONG_COUNT_IN_SCRIPT
    return ErrorReply(b"ERR wrong number of arguments for '" + name.lower() + b"' command")
