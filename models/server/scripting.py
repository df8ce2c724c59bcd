"""EVAL, EVALSHA, their read-only forms, and SCRIPT."""

from hashlib import sha1
from typing import Final

from models.redis.arguments import NOT_AN_INTEGER, integer
from models.redis.refused import Refused
from models.replies import OK, ErrorReply, Reply
from models.server.command import ANY, Command
from models.server.server import Server
from models.server.session import Session
from models.service import Request

_TOO_MANY_KEYS: Final = ErrorReply(b"ERR Number of keys can't be greater than number of args")
_NEGATIVE_KEYS: Final = ErrorReply(b"ERR Number of keys can't be negative")
_FLUSH_MODE: Final = ErrorReply(b"ERR SCRIPT FLUSH only support SYNC|ASYNC option")
_DEBUG_MODE: Final = ErrorReply(b"ERR Use SCRIPT DEBUG YES/SYNC/NO")
_NO_DEBUGGER: Final = ErrorReply(b"ERR readfence serve has no debugger of scripts")
_NOT_BUSY: Final = ErrorReply(b"NOTBUSY No scripts in execution right now.")


def keys_and_arguments(args: list[bytes], no_count: ErrorReply) -> tuple[list[bytes], list[bytes]]:
    """What follows `EVAL script` or the like: the number of keys, the keys, arguments. Raises
    `Refused`, with `no_count` if the number is none.
    """
    count = integer(args[2], no_count)
    if count > len(args) - 3:
        raise Refused(_TOO_MANY_KEYS)
    if count < 0:
        raise Refused(_NEGATIVE_KEYS)
    return args[3 : 3 + count], args[3 + count :]


def script_request(server: Server, args: list[bytes]) -> Request:
    """The request that an EVAL or EVALSHA comes to. Raises `Refused`."""
    keys, argv = keys_and_arguments(args, NOT_AN_INTEGER)
    name = args[0].upper()
    by_sha = name.startswith(b"EVALSHA")
    return Request(
        keys,
        argv,
        body=b"" if by_sha else args[1],
        sha=args[1] if by_sha else None,
        read_only=name.endswith(b"_RO"),
        keeps_writes=True,
    )


def load(server: Server, session: Session, args: list[bytes]) -> Reply:
    """SCRIPT LOAD text: its digest; every node knows it afterwards."""
    problem = server.leader().compile(args[2])
    if problem is not None:
        return problem
    for service in server.services:
        service.scripts.load(args[2])
    return sha1(args[2], usedforsecurity=False).hexdigest().encode()


def exists(server: Server, session: Session, args: list[bytes]) -> Reply:
    """SCRIPT EXISTS digest ..."""
    scripts = server.leader().scripts
    return [int(scripts.find(sha) is not None) for sha in args[2:]]


def flush(server: Server, session: Session, args: list[bytes]) -> Reply:
    """SCRIPT FLUSH [SYNC | ASYNC]."""
    if len(args) > 3 or (len(args) == 3 and args[2].upper() not in (b"SYNC", b"ASYNC")):
        return _FLUSH_MODE
    for service in server.services:
        service.scripts.clear()
    return OK


def kill(server: Server, session: Session, args: list[bytes]) -> Reply:
    """SCRIPT KILL, FUNCTION KILL: none runs between two commands."""
    return _NOT_BUSY


def debug(server: Server, session: Session, args: list[bytes]) -> Reply:
    """SCRIPT DEBUG YES | SYNC | NO: there is none."""
    mode = args[2].upper()
    if mode not in (b"YES", b"SYNC", b"NO"):
        return _DEBUG_MODE
    return OK if mode == b"NO" else _NO_DEBUGGER


COMMANDS: Final = (
    Command(b"EVAL", 3, ANY, request=script_request),
    Command(b"EVAL_RO", 3, ANY, request=script_request),
    Command(b"EVALSHA", 3, ANY, request=script_request),
    Command(b"EVALSHA_RO", 3, ANY, request=script_request),
    Command(b"SCRIPT|LOAD", 3, 3, action=load),
    Command(b"SCRIPT|EXISTS", 3, ANY, action=exists),
    Command(b"SCRIPT|FLUSH", 2, ANY, action=flush),
    Command(b"SCRIPT|DEBUG", 3, 3, action=debug),
    Command(b"SCRIPT|KILL", 2, 2, action=kill),
)
