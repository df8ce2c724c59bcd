"""MULTI, EXEC, DISCARD, WATCH, UNWATCH.

The data commands of a transaction are carried out in one attempt, as a script's calls are. What
concerns the session or the server is done when they have been committed, so that a write conflict
repeats nothing of it. Scripts and functions that a transaction loads are therefore not there yet
for its own calls.
"""

from collections.abc import Iterator
from typing import Final

from models.replies import OK, ErrorReply, Reply
from models.server.command import Command, InTransaction
from models.server.server import Server
from models.server.session import Answer, NoReply, Queued, Session
from models.service import Request
from sim.kernel import Steps

_NESTED: Final = ErrorReply(b"ERR MULTI calls can not be nested")
_NOT_BEGUN: Final = "ERR %s without MULTI"
_WATCH_INSIDE: Final = ErrorReply(b"ERR WATCH inside MULTI is not allowed")
_SPOILT: Final = ErrorReply(b"EXECABORT Transaction discarded because of previous errors.")


def multi(server: Server, session: Session, args: list[bytes]) -> Reply:
    """MULTI."""
    if session.queue is not None:
        return _NESTED
    session.queue = []
    return OK


def discard(server: Server, session: Session, args: list[bytes]) -> Reply:
    """DISCARD."""
    if session.queue is None:
        return ErrorReply(b"ERR DISCARD without MULTI")
    session.end_transaction()
    return OK


def watch(server: Server, session: Session, args: list[bytes]) -> Reply:
    """WATCH key ..."""
    if session.queue is not None:
        return _WATCH_INSIDE
    service = server.leader()
    for key in args[1:]:
        if key not in session.watched:
            session.watched[key] = service.watch(key)
    return OK


def unwatch(server: Server, session: Session, args: list[bytes]) -> Reply:
    """UNWATCH."""
    session.watched.clear()
    return OK


def execute(server: Server, session: Session, args: list[bytes]) -> Steps:
    """EXEC."""
    queue, watched, spoilt = session.queue, dict(session.watched), session.spoilt
    if queue is None:
        return ErrorReply(b"ERR EXEC without MULTI")
    session.end_transaction()
    if spoilt:
        return _SPOILT
    parts = [queued.request for queued in queue if queued.request is not None]
    replies: list[Reply] = []
    if parts or watched:
        request = Request([], [], parts=parts, watched=watched, keeps_writes=True)
        outcome = yield from server.perform(request, "EXEC")
        if not isinstance(outcome.reply, list):
            refused: Answer = outcome.reply
            return refused
        replies = outcome.reply
    return _in_order(session, queue, iter(replies))


def _in_order(session: Session, queue: list[Queued], replies: Iterator[Reply]) -> Answer:
    answers: list[Reply] = []
    session.held = answers
    for queued in queue:
        reply = next(replies) if queued.action is None else queued.action()
        if not isinstance(reply, NoReply):
            answers.append(reply)
    session.held = None
    return answers


COMMANDS: Final = (
    Command(b"MULTI", 1, 1, action=multi, in_transaction=InTransaction.AT_ONCE),
    Command(b"DISCARD", 1, 1, action=discard, in_transaction=InTransaction.AT_ONCE),
    Command(b"EXEC", 1, 1, waiting=execute, in_transaction=InTransaction.AT_ONCE),
    Command(b"WATCH", 2, 1 << 30, action=watch, in_transaction=InTransaction.AT_ONCE),
    Command(b"UNWATCH", 1, 1, action=unwatch),
)
