"""What becomes of a command: refused, queued by a transaction, or carried out.

The order of the checks is Redis's (`processCommand`).
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from models.redis.command import Command as DataCommand
from models.redis.commands import COMMANDS as DATA_COMMANDS
from models.redis.refused import Refused
from models.replies import ErrorReply, Reply, Status, quoted
from models.server import admin, clients, functions, pubsub, scripting, transactions
from models.server.blocking import block_unless_served
from models.server.command import ANY, Command, InTransaction
from models.server.server import Server
from models.server.session import Answer, Queued, Session, wrong_count
from models.service import Request
from sim.kernel import Steps

_NO_PASSWORD: Final = ErrorReply(b"NOAUTH Authentication required.")
_QUEUED: Final = Status(b"QUEUED")
_ATTACKS: Final = (b"POST", b"HOST:")
"""What a browser begins with that was lured here: the connection is ended, unanswered."""
_NAMED_MAX: Final = 128


def _command_request(server: Server, args: list[bytes]) -> Request:
    return Request([], [], command=args)


def _of_data(command: DataCommand) -> Command:
    least, most = abs(command.arity), command.arity if command.arity > 0 else ANY
    waiting = None if command.wait is None else block_unless_served
    return Command(command.name, least, most, request=_command_request, waiting=waiting)


COMMANDS: Final = {command.name: _of_data(command) for command in DATA_COMMANDS.values()} | {
    command.name: command
    for module in (admin, clients, functions, pubsub, scripting, transactions)
    for command in module.COMMANDS
}
"""By name, in capitals; subcommands as `CLIENT|ID`."""
_CONTAINERS: Final = {name.partition(b"|")[0] for name in COMMANDS if b"|" in name}


def execute(server: Server, session: Session, args: list[bytes]) -> Steps:
    """Carry out one command of a session, and answer it."""
    server.commands += 1
    name = args[0].upper()
    if name in _ATTACKS:
        session.closing = True
        return
    command = COMMANDS.get(name)
    if name in _CONTAINERS and (command is None or len(args) > 1):
        command, refusal = _subcommand(name, args)
    else:
        refusal = _unknown(args) if command is None else _count(command, args, name)
    session.last_command = name.lower()
    session.active_ns = server.clock.read()
    if refusal is None:
        assert command is not None
        refusal = _forbidden(session, command)
    if refusal is not None or command is None:
        assert refusal is not None, f"{name!r} is unknown, and not refused"
        session.spoilt = session.queue is not None
        session.reply(_discarded(session, refusal) if name == b"EXEC" else refusal)
    elif session.queue is not None and command.in_transaction is InTransaction.QUEUED:
        session.reply(_queue(server, session, command, args))
    else:
        try:
            if command.waiting is not None:
                reply = yield from command.waiting(server, session, args)
            elif command.action is not None:
                reply = command.action(server, session, args)
            else:
                assert command.request is not None, f"{name!r} does nothing"
                request = command.request(server, args)
                outcome = yield from server.perform(request, _label(name, request))
                reply = outcome.reply
        except Refused as refused:
            reply = refused.reply
        session.reply(reply)
    if session.skip:
        session.skip -= 1


def _discarded(session: Session, refusal: ErrorReply) -> ErrorReply:
    """The refusal of an EXEC, which ends its transaction."""
    session.end_transaction()
    why = refusal.text.removeprefix(b"ERR ")
    return ErrorReply(b"EXECABORT Transaction discarded because of: " + why)


def _label(name: bytes, request: Request) -> str:
    if request.command is not None:
        return name.decode()
    if request.function is not None:
        return "function " + request.digest()
    return "script " + request.digest()[:12]


def _queue(server: Server, session: Session, command: Command, args: list[bytes]) -> Reply:
    assert session.queue is not None
    if command.request is not None:
        try:
            session.queue.append(Queued(command.request(server, args), None))
        except Refused as refused:
            session.queue.append(Queued(None, partial(_say, refused.reply)))
    else:
        assert command.action is not None, f"{command.name!r} cannot be queued"
        session.queue.append(Queued(None, partial(_act, command.action, server, session, args)))
    return _QUEUED


def _say(reply: Reply) -> Reply:
    return reply


def _act(action: Callable[..., Answer], *words: object) -> Answer:
    try:
        return action(*words)
    except Refused as refused:
        return refused.reply


def _subcommand(name: bytes, args: list[bytes]) -> tuple[Command | None, ErrorReply | None]:
    if len(args) == 1:
        return None, wrong_count(name)
    full = name + b"|" + args[1].upper()
    command = COMMANDS.get(full)
    if command is None:
        text = b"ERR unknown subcommand '%b'. Try %b HELP."
        return None, ErrorReply(text % (quoted(args[1])[:_NAMED_MAX], name))
    return command, _count(command, args, full)


def _count(command: Command, args: list[bytes], name: bytes) -> ErrorReply | None:
    return None if command.args_min <= len(args) <= command.args_max else wrong_count(name)


def _forbidden(session: Session, command: Command) -> ErrorReply | None:
    if not session.trusted and not command.to_strangers:
        return _NO_PASSWORD
    listening = session.protocol == 2 and (session.subscriptions or session.shard_channels)
    if listening and not command.while_subscribed:
        text = (
            b"ERR Can't execute '%b': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / "
            b"RESET are allowed in this context"
        )
        return ErrorReply(text % command.name.lower())
    return None


def _unknown(args: list[bytes]) -> ErrorReply:
    named = b""
    for arg in args[1:]:
        if len(named) >= _NAMED_MAX:
            break
        named += b"'" + arg.partition(b"\0")[0][: _NAMED_MAX - len(named)] + b"' "
    name = args[0].partition(b"\0")[0][:_NAMED_MAX]
    return ErrorReply(
        b"ERR " + quoted(b"unknown command '%b', with args beginning with: %b" % (name, named))
    )
