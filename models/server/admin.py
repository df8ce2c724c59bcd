"""INFO, CONFIG, COMMAND, DEBUG, WAIT and what else is asked of a server rather than of its data."""

from typing import Final

from models.redis.arguments import integer
from models.redis.command import Command as DataCommand
from models.redis.commands import COMMANDS as DATA_COMMANDS
from models.redis.glob import matcher
from models.redis.timeouts import timeout_ms, timeout_seconds
from models.replies import OK, ErrorReply, FlatMap, Reply, Status
from models.server.command import ANY, Command
from models.server.information import information
from models.server.server import Server
from models.server.session import NO_REPLY, Answer, Session, wrong_count
from sim.kernel import Steps
from sim.units import NS_PER, SECOND

_SYNTAX: Final = ErrorReply(b"ERR syntax error")
_NOT_SET: Final = b"ERR CONFIG SET failed (possibly related to argument '%b') - %b"
_OF_SCRIPTS: Final = (b"EVAL", b"EVALSHA", b"EVAL_RO", b"EVALSHA_RO", b"FCALL", b"FCALL_RO")
_NO_CONFIG_FILE: Final = ErrorReply(b"ERR The server is running without a config file")
_BAD_CLOCK: Final = ErrorReply(b"ERR the clock is set in microseconds since 1970, up to 2^53")
_CLOCK_MAX: Final = 2**53
_NO_SHUTDOWN: Final = ErrorReply(b"ERR No shutdown in progress.")
_DATA: Final = tuple(DATA_COMMANDS.values())


def config_get(server: Server, session: Session, args: list[bytes]) -> Reply:
    """CONFIG GET pattern ..."""
    return FlatMap(server.settings.find(args[2:]))


def config_set(server: Server, session: Session, args: list[bytes]) -> Reply:
    """CONFIG SET name value ..."""
    if len(args) % 2:
        return ErrorReply(b"ERR wrong number of arguments for 'config|set' command")
    for name in args[2::2]:
        if not server.settings.knows(name):
            text = b"ERR Unknown option or number of arguments for CONFIG SET - '%b'"
            return ErrorReply(text % name)
        if server.settings.is_fixed(name):
            return ErrorReply(_NOT_SET % (name, b"can't set immutable config"))
    for name, value in zip(args[2::2], args[3::2], strict=True):
        if (why := server.settings.refusal(name, value)) is not None:
            return ErrorReply(_NOT_SET % (name, why))
    for name, value in zip(args[2::2], args[3::2], strict=True):
        server.settings.change(name, value)
    return OK


def config_resetstat(server: Server, session: Session, args: list[bytes]) -> Reply:
    """CONFIG RESETSTAT."""
    server.commands = server.connections = server.rejected = 0
    return OK


def info(server: Server, session: Session, args: list[bytes]) -> Reply:
    """INFO [section ...]."""
    return information(server, [word.lower() for word in args[1:]])


# -- COMMAND --------------------------------------------------------------------------------------


def _described(command: DataCommand) -> Reply:
    flags: list[Reply] = []
    if command.subcommands is None:
        flags.append(Status(b"write" if command.write else b"readonly"))
    if command.wait is not None:
        flags.append(Status(b"blocking"))
    if not command.in_scripts:
        flags.append(Status(b"noscript"))
    keys = command.keys
    name = command.name.lower()
    first, last, step = keys.first, keys.last, keys.step
    return [name, command.arity, flags, first, last, step, [], [], [], []]


def command(server: Server, session: Session, args: list[bytes]) -> Reply:
    """COMMAND: every command of the data."""
    return [_described(entry) for entry in _DATA]


def command_count(server: Server, session: Session, args: list[bytes]) -> Reply:
    """COMMAND COUNT."""
    return len(_DATA)


def command_list(server: Server, session: Session, args: list[bytes]) -> Reply:
    """COMMAND LIST [FILTERBY PATTERN pattern]."""
    matches = matcher(b"*")
    if len(args) > 2:
        if [word.upper() for word in args[2:-1]] != [b"FILTERBY", b"PATTERN"]:
            return _SYNTAX
        matches = matcher(args[-1].lower())
    return [name for entry in _DATA if matches(name := entry.name.lower())]


def command_info(server: Server, session: Session, args: list[bytes]) -> Reply:
    """COMMAND INFO [name ...]."""
    if len(args) == 2:
        return command(server, session, args)
    found = [DATA_COMMANDS.get(name.upper()) for name in args[2:]]
    return [None if entry is None else _described(entry) for entry in found]


def command_docs(server: Server, session: Session, args: list[bytes]) -> Reply:
    """COMMAND DOCS [name ...]: there are none; clients then use their own."""
    return FlatMap()


def command_getkeys(server: Server, session: Session, args: list[bytes]) -> Reply:
    """COMMAND GETKEYS command [argument ...]."""
    words = args[2:]
    name = words[0].upper()
    if name in _OF_SCRIPTS and len(words) > 2:
        return list(words[3 : 3 + integer(words[2])])
    entry = DATA_COMMANDS.get(name)
    if entry is None:
        return ErrorReply(b"ERR Invalid command specified")
    first, last, step = entry.keys
    if not first:
        return ErrorReply(b"ERR The command has no key arguments")
    return list(words[first : (len(words) + last if last < 0 else last) + 1 : step])


# -- others ---------------------------------------------------------------------------------------


def wait(server: Server, session: Session, args: list[bytes]) -> Reply:
    """WAIT replicas timeout: there are no replicas of Redis's kind; a commit has its quorum."""
    integer(args[1])
    timeout_ms(args[2])
    return 0


def debug_sleep(server: Server, session: Session, args: list[bytes]) -> Steps:
    """DEBUG SLEEP seconds, in virtual time; others are served meanwhile."""
    yield timeout_seconds(args[2]) * NS_PER["ms"]
    return OK


def accepted(server: Server, session: Session, args: list[bytes]) -> Reply:
    """Accepted, of no effect."""
    return OK


def background_save(server: Server, session: Session, args: list[bytes]) -> Reply:
    """BGSAVE [SCHEDULE]: of no effect."""
    if len(args) > 1 and args[1].upper() != b"SCHEDULE":
        return _SYNTAX
    return Status(b"Background saving started")


def background_rewrite(server: Server, session: Session, args: list[bytes]) -> Reply:
    """BGREWRITEAOF: of no effect."""
    return Status(b"Background append only file rewriting scheduled")


def nothing(server: Server, session: Session, args: list[bytes]) -> Reply:
    """An empty list."""
    return []


def zero(server: Server, session: Session, args: list[bytes]) -> Reply:
    """Nothing was counted."""
    return 0


def role(server: Server, session: Session, args: list[bytes]) -> Reply:
    """ROLE."""
    return [b"master", 0, []]


def last_save(server: Server, session: Session, args: list[bytes]) -> Reply:
    """LASTSAVE: when the server was started."""
    return server.began_ns // SECOND


def who_am_i(server: Server, session: Session, args: list[bytes]) -> Reply:
    """ACL WHOAMI."""
    return b"default"


def cluster_refused(server: Server, session: Session, args: list[bytes]) -> Reply:
    """CLUSTER: one shard, no cluster of Redis's kind."""
    return ErrorReply(b"ERR This instance has cluster support disabled")


def shutdown(server: Server, session: Session, args: list[bytes]) -> Answer:
    """SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE]: a graceful stop."""
    words = {word.upper() for word in args[1:]}
    if words == {b"ABORT"}:
        return _NO_SHUTDOWN
    if not words <= {b"NOSAVE", b"SAVE", b"NOW", b"FORCE"} or words >= {b"NOSAVE", b"SAVE"}:
        return _SYNTAX
    session.closing = True
    server.stopping()
    return NO_REPLY


def clock_set(server: Server, session: Session, args: list[bytes]) -> Reply:
    """READFENCE.CLOCK SET microseconds: the wall clock stops there. RELEASE: it goes on. GET."""
    word = args[1].upper()
    if word == b"SET" and len(args) == 3:
        now_us = integer(args[2], _BAD_CLOCK)
        if not 0 <= now_us <= _CLOCK_MAX:
            return _BAD_CLOCK
        server.set_clock(now_us * NS_PER["us"])
        return OK
    if word == b"SET":
        return wrong_count(b"READFENCE.CLOCK|SET")
    if word == b"RELEASE" and len(args) == 2:
        server.set_clock(None)
        return OK
    if word == b"GET" and len(args) == 2:
        return server.clock.read() // NS_PER["us"]
    return _SYNTAX


def config_rewrite(server: Server, session: Session, args: list[bytes]) -> Reply:
    """CONFIG REWRITE: there is no file."""
    return _NO_CONFIG_FILE


def metrics(server: Server, session: Session, args: list[bytes]) -> Reply:
    """READFENCE.METRICS: a snapshot as JSON."""
    return server.metrics()


COMMANDS: Final = (
    Command(b"INFO", 1, ANY, action=info),
    Command(b"CONFIG|GET", 3, ANY, action=config_get),
    Command(b"CONFIG|SET", 4, ANY, action=config_set),
    Command(b"CONFIG|RESETSTAT", 2, 2, action=config_resetstat),
    Command(b"CONFIG|REWRITE", 2, 2, action=config_rewrite),
    Command(b"COMMAND", 1, 1, action=command),
    Command(b"COMMAND|COUNT", 2, 2, action=command_count),
    Command(b"COMMAND|LIST", 2, ANY, action=command_list),
    Command(b"COMMAND|INFO", 2, ANY, action=command_info),
    Command(b"COMMAND|DOCS", 2, ANY, action=command_docs),
    Command(b"COMMAND|GETKEYS", 4, ANY, action=command_getkeys),
    Command(b"WAIT", 3, 3, action=wait),
    Command(b"DEBUG|SLEEP", 3, 3, waiting=debug_sleep),
    Command(b"DEBUG|SET-ACTIVE-EXPIRE", 3, 3, action=accepted),
    Command(b"DEBUG|JMAP", 2, 2, action=accepted),
    Command(b"SAVE", 1, 1, action=accepted),
    Command(b"BGSAVE", 1, 2, action=background_save),
    Command(b"BGREWRITEAOF", 1, 1, action=background_rewrite),
    Command(b"SLOWLOG|GET", 2, 3, action=nothing),
    Command(b"SLOWLOG|LEN", 2, 2, action=zero),
    Command(b"SLOWLOG|RESET", 2, 2, action=accepted),
    Command(b"LATENCY|LATEST", 2, 2, action=nothing),
    Command(b"LATENCY|HISTORY", 3, 3, action=nothing),
    Command(b"LATENCY|RESET", 2, ANY, action=zero),
    Command(b"MODULE|LIST", 2, 2, action=nothing),
    Command(b"ROLE", 1, 1, action=role),
    Command(b"LASTSAVE", 1, 1, action=last_save),
    Command(b"ACL|WHOAMI", 2, 2, action=who_am_i),
    Command(b"CLUSTER", 1, ANY, action=cluster_refused),
    Command(b"READONLY", 1, 1, action=cluster_refused),
    Command(b"READWRITE", 1, 1, action=cluster_refused),
    Command(b"SHUTDOWN", 1, ANY, action=shutdown),
    Command(b"READFENCE.CLOCK", 2, 3, action=clock_set),
    Command(b"READFENCE.METRICS", 1, 1, action=metrics),
)
