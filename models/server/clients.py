"""HELLO, AUTH, CLIENT and what else a client says about itself or about its connection."""

from collections.abc import Callable
from itertools import chain
from typing import Final

from models.redis.arguments import integer, positive
from models.redis.refused import Refused
from models.redis.timeouts import timeout_ms
from models.replies import OK, ErrorReply, FlatMap, Reply, SetReply, Status, Verbatim
from models.server.command import ANY, Command, InTransaction
from models.server.information import VERSION
from models.server.server import UNBLOCKED, Server
from models.server.session import NO_REPLY, Answer, Session
from sim.units import SECOND

_SYNTAX: Final = ErrorReply(b"ERR syntax error")
_NO_PROTOCOL: Final = ErrorReply(b"NOPROTO unsupported protocol version")
_NO_VERSION: Final = ErrorReply(b"ERR Protocol version is not an integer or out of range")
_STRANGER: Final = ErrorReply(
    b"NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO "
    b"<proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP "
    b"protocol version at the same time"
)
_WRONG_PASSWORD: Final = ErrorReply(
    b"WRONGPASS invalid username-password pair or user is disabled."
)
_NO_PASSWORD: Final = ErrorReply(
    b"ERR AUTH <password> called without any password configured for the default user. "
    b"Are you sure your configuration is correct?"
)
_BAD_NAME: Final = ErrorReply(
    b"ERR Client names cannot contain spaces, newlines or special characters."
)
_NO_SUCH_CLIENT: Final = ErrorReply(b"ERR No such client")
_OUT_OF_RANGE: Final = ErrorReply(b"ERR DB index is out of range")
_GREATER_ZERO: Final = ErrorReply(b"ERR client-id should be greater than 0")
_BAD_ID: Final = ErrorReply(b"ERR Invalid client ID")
_PAUSE_MODE: Final = ErrorReply(b"ERR CLIENT PAUSE mode must be WRITE or ALL")
_KINDS: Final = (b"normal", b"pubsub", b"master", b"replica", b"slave")
_PRINTABLE: Final = range(ord("!"), ord("~") + 1)


def hello(server: Server, session: Session, args: list[bytes]) -> Reply:
    """HELLO [protocol [AUTH user password] [SETNAME name]]."""
    protocol = session.protocol
    if len(args) > 1:
        try:
            protocol = integer(args[1], _NO_VERSION)
        except Refused as refused:
            return refused.reply
        if protocol not in (2, 3):
            return _NO_PROTOCOL
    name = None
    at = 2
    while at < len(args):
        option, left = args[at].upper(), len(args) - at - 1
        if option == b"AUTH" and left >= 2:
            if not _authenticate(server, session, args[at + 1], args[at + 2]):
                return _WRONG_PASSWORD
            at += 3
        elif option == b"SETNAME" and left >= 1:
            name = args[at + 1]
            if not _is_name(name):
                return _BAD_NAME
            at += 2
        else:
            text = b"ERR Syntax error in HELLO option '%b'" % args[at].partition(b"\0")[0]
            return ErrorReply(text)
    if not session.trusted:
        return _STRANGER
    session.protocol = protocol
    if name is not None:
        session.name = name
    about = {
        b"server": b"redis",
        b"version": VERSION.encode(),
        b"proto": protocol,
        b"id": session.id,
        b"mode": b"standalone",
        b"role": b"master",
        b"modules": [],
    }
    return FlatMap(chain.from_iterable(about.items()))


def auth(server: Server, session: Session, args: list[bytes]) -> Reply:
    """AUTH [user] password."""
    if len(args) > 3:
        return _SYNTAX
    if len(args) == 2 and not server.settings.password:
        return _NO_PASSWORD
    user = args[1] if len(args) == 3 else b"default"
    return OK if _authenticate(server, session, user, args[-1]) else _WRONG_PASSWORD


def _authenticate(server: Server, session: Session, user: bytes, password: bytes) -> bool:
    wanted = server.settings.password
    # Without a password the default user is let in with any.
    if user != b"default" or (wanted and password != wanted):
        return False
    session.trusted = True
    return True


def ping(server: Server, session: Session, args: list[bytes]) -> Reply:
    """PING [message]."""
    if session.protocol == 2 and (session.subscriptions or session.shard_channels):
        return [b"pong", args[1] if len(args) > 1 else b""]
    return args[1] if len(args) > 1 else Status(b"PONG")


def echo(server: Server, session: Session, args: list[bytes]) -> Reply:
    """ECHO message."""
    return args[1]


def select(server: Server, session: Session, args: list[bytes]) -> Reply:
    """SELECT 0: there is one database."""
    return OK if integer(args[1]) == 0 else _OUT_OF_RANGE


def quit_(server: Server, session: Session, args: list[bytes]) -> Reply:
    """QUIT."""
    session.closing = True
    return OK


def reset(server: Server, session: Session, args: list[bytes]) -> Reply:
    """RESET: as if newly connected."""
    session.end_transaction()
    server.channels.forget(session)
    session.protocol = 2
    session.name = b""
    session.silent = False
    session.skip = 0
    session.no_evict = False
    session.trusted = not server.settings.password
    return Status(b"RESET")


# -- CLIENT ---------------------------------------------------------------------------------------


def _is_name(name: bytes) -> bool:
    return all(byte in _PRINTABLE for byte in name)


def client_id(server: Server, session: Session, args: list[bytes]) -> Reply:
    """CLIENT ID."""
    return session.id


def client_setname(server: Server, session: Session, args: list[bytes]) -> Reply:
    """CLIENT SETNAME name."""
    if not _is_name(args[2]):
        return _BAD_NAME
    session.name = args[2]
    return OK


def client_getname(server: Server, session: Session, args: list[bytes]) -> Reply:
    """CLIENT GETNAME."""
    return session.name or None


def client_list(server: Server, session: Session, args: list[bytes]) -> Reply:
    """CLIENT LIST [TYPE type] [ID id ...]."""
    sessions = list(server.sessions.values())
    if len(args) > 3 and args[2].upper() == b"ID":
        wanted = [integer(word, _BAD_ID) for word in args[3:]]
        sessions = [found for found in sessions if found.id in wanted]
    elif len(args) == 4 and args[2].upper() == b"TYPE":
        kind = _known_kind(args[3])
        sessions = [found for found in sessions if _kind(found) == kind]
    elif len(args) > 2:
        return _SYNTAX
    text = b"".join(_described(server, found) + b"\n" for found in sessions)
    return Verbatim.of(text, b"txt")


def _known_kind(text: bytes) -> bytes:
    if text.lower() not in _KINDS:
        raise Refused(ErrorReply(b"ERR Unknown client type '%b'" % text))
    return text.lower()


def _kind(session: Session) -> bytes:
    return b"pubsub" if session.subscriptions or session.shard_channels else b"normal"


def client_info(server: Server, session: Session, args: list[bytes]) -> Reply:
    """CLIENT INFO."""
    return Verbatim.of(_described(server, session) + b"\n", b"txt")


def _described(server: Server, session: Session) -> bytes:
    now = server.clock.read()
    flags = b"P" if _kind(session) == b"pubsub" else b""
    flags += b"x" if session.queue is not None else b""
    flags += b"b" if session.waiting is not None else b""
    queued = -1 if session.queue is None else len(session.queue)
    values: tuple[tuple[bytes, object], ...] = (
        (b"id", session.id), (b"addr", session.address), (b"laddr", f"127.0.0.1:{server.port}"),
        (b"fd", session.id + 7), (b"name", session.name),
        (b"age", max(now - session.since_ns, 0) // SECOND),
        (b"idle", max(now - session.active_ns, 0) // SECOND), (b"flags", flags or b"N"), (b"db", 0),
        (b"sub", len(session.channels)), (b"psub", len(session.patterns)),
        (b"ssub", len(session.shard_channels)), (b"multi", queued), (b"qbuf", 0),
        (b"qbuf-free", 0), (b"argv-mem", 0), (b"multi-mem", 0), (b"rbs", 1024), (b"rbp", 0),
        (b"obl", 0), (b"oll", 0), (b"omem", 0), (b"tot-mem", 0), (b"events", b"r"),
        (b"cmd", session.last_command), (b"user", b"default"), (b"redir", -1),
        (b"resp", session.protocol),
    )  # fmt: skip
    return b" ".join(
        name + b"=" + (value if isinstance(value, bytes) else str(value).encode())
        for name, value in values
    )


def client_reply(server: Server, session: Session, args: list[bytes]) -> Answer:
    """CLIENT REPLY ON|OFF|SKIP."""
    mode = args[2].upper()
    if mode == b"ON":
        session.silent = False
        session.skip = 0
        return OK
    if mode == b"OFF":
        session.silent = True
    elif mode == b"SKIP":
        if not session.silent:
            session.skip = 2
    else:
        return _SYNTAX
    return NO_REPLY


def client_no_evict(server: Server, session: Session, args: list[bytes]) -> Reply:
    """CLIENT NO-EVICT ON|OFF: nothing is evicted here anyway."""
    if args[2].upper() not in (b"ON", b"OFF"):
        return _SYNTAX
    session.no_evict = args[2].upper() == b"ON"
    return OK


def client_unblock(server: Server, session: Session, args: list[bytes]) -> Reply:
    """CLIENT UNBLOCK id [TIMEOUT | ERROR]."""
    mode = args[3].upper() if len(args) > 3 else b"TIMEOUT"
    if mode not in (b"TIMEOUT", b"ERROR"):
        return ErrorReply(b"ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
    other = server.sessions.get(integer(args[2]))
    if other is None or other.waiting is None or other.waiting.claimed:
        return 0
    server.wake(other.waiting, UNBLOCKED if mode == b"ERROR" else other.waiting.nothing)
    return 1


def client_kill(server: Server, session: Session, args: list[bytes]) -> Reply:
    """CLIENT KILL address, or CLIENT KILL [ID id] [ADDR address] [TYPE type] [SKIPME yes|no]."""
    if len(args) == 3:
        found = [other for other in server.sessions.values() if other.address.encode() == args[2]]
        if not found:
            return _NO_SUCH_CLIENT
        _kill(server, found[0])
        return OK
    if len(args) % 2:
        return _SYNTAX
    skip_me = True
    wanted = []
    for word, value in zip(args[2::2], args[3::2], strict=True):
        if word.upper() != b"SKIPME":
            wanted.append(_filter(word.upper(), value))
        elif value.lower() in (b"yes", b"no"):
            skip_me = value.lower() == b"yes"
        else:
            return _SYNTAX
    chosen = [
        other
        for other in server.sessions.values()
        if not (skip_me and other is session) and all(fits(other) for fits in wanted)
    ]
    for other in chosen:
        _kill(server, other)
    return len(chosen)


def _filter(word: bytes, value: bytes) -> Callable[[Session], bool]:
    """Which clients one condition of CLIENT KILL means. Raises `Refused`."""
    if word == b"ID":
        number = positive(value, _GREATER_ZERO)
        if number == 0:
            raise Refused(_GREATER_ZERO)
        return lambda other: other.id == number
    if word == b"TYPE":
        kind = _known_kind(value)
        return lambda other: _kind(other) == kind
    if word == b"USER":
        if value != b"default":
            raise Refused(ErrorReply(b"ERR No such user '%b'" % value))
        return lambda other: True
    if word == b"ADDR":
        return lambda other: other.address.encode() == value
    if word == b"LADDR":
        return lambda other: False
    raise Refused(_SYNTAX)


def _kill(server: Server, session: Session) -> None:
    session.closing = True
    server.hang_up(session)


def client_pause(server: Server, session: Session, args: list[bytes]) -> Reply:
    """CLIENT PAUSE timeout [WRITE | ALL]: accepted, of no effect."""
    timeout_ms(args[2])
    if len(args) > 3 and args[3].upper() not in (b"WRITE", b"ALL"):
        return _PAUSE_MODE
    return OK


def client_accepted(server: Server, session: Session, args: list[bytes]) -> Reply:
    """CLIENT UNPAUSE, TRACKING OFF: accepted, of no effect."""
    return OK


def client_getredir(server: Server, session: Session, args: list[bytes]) -> Reply:
    """CLIENT GETREDIR, when nothing is tracked."""
    return -1


def client_trackinginfo(server: Server, session: Session, args: list[bytes]) -> Reply:
    """CLIENT TRACKINGINFO, likewise."""
    return FlatMap((b"flags", SetReply([b"off"]), b"redirect", -1, b"prefixes", []))


COMMANDS: Final = (
    Command(b"HELLO", 1, ANY, action=hello, to_strangers=True),
    Command(b"AUTH", 2, ANY, action=auth, to_strangers=True),
    Command(b"PING", 1, 2, action=ping, while_subscribed=True),
    Command(b"ECHO", 2, 2, action=echo),
    Command(b"SELECT", 2, 2, action=select),
    Command(
        b"QUIT", 1, ANY, action=quit_,
        in_transaction=InTransaction.AT_ONCE, to_strangers=True, while_subscribed=True,
    ),
    Command(
        b"RESET", 1, 1, action=reset,
        in_transaction=InTransaction.AT_ONCE, to_strangers=True, while_subscribed=True,
    ),
    Command(b"CLIENT|ID", 2, 2, action=client_id),
    Command(b"CLIENT|SETNAME", 3, 3, action=client_setname),
    Command(b"CLIENT|GETNAME", 2, 2, action=client_getname),
    Command(b"CLIENT|LIST", 2, ANY, action=client_list),
    Command(b"CLIENT|INFO", 2, 2, action=client_info),
    Command(b"CLIENT|REPLY", 3, 3, action=client_reply),
    Command(b"CLIENT|NO-EVICT", 3, 3, action=client_no_evict),
    Command(b"CLIENT|UNBLOCK", 3, 4, action=client_unblock),
    Command(b"CLIENT|KILL", 3, ANY, action=client_kill),
    Command(b"CLIENT|PAUSE", 3, 4, action=client_pause),
    Command(b"CLIENT|UNPAUSE", 2, 2, action=client_accepted),
    Command(b"CLIENT|TRACKING", 3, ANY, action=client_accepted),
    Command(b"CLIENT|TRACKINGINFO", 2, 2, action=client_trackinginfo),
    Command(b"CLIENT|GETREDIR", 2, 2, action=client_getredir),
)  # fmt: skip
