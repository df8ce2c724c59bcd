"""FCALL, FCALL_RO and FUNCTION: Redis functions."""

from typing import Final

from models.carrying import NO_FUNCTION
from models.redis.glob import matcher
from models.redis.refused import Refused
from models.replies import OK, ErrorReply, FlatMap, Reply, SetReply, Status, quoted
from models.script.functions import BadLibrary, Function, Library
from models.server.command import ANY, Command
from models.server.scripting import keys_and_arguments, kill
from models.server.server import Server
from models.server.session import Session
from models.service import Request

_BAD_COUNT: Final = ErrorReply(b"ERR Bad number of keys provided")
_FLUSH_MODE: Final = ErrorReply(b"ERR FUNCTION FLUSH only supports SYNC|ASYNC option")
_BAD_FLUSH: Final = ErrorReply(
    b"ERR unknown subcommand or wrong number of arguments for 'FLUSH'. Try FUNCTION HELP."
)
_NO_LIBRARY: Final = ErrorReply(b"ERR Library not found")
_NO_NAME: Final = ErrorReply(b"ERR library name argument was not given")


def function_request(server: Server, args: list[bytes]) -> Request:
    """The request that an FCALL comes to. Raises `Refused`."""
    try:
        keys, argv = keys_and_arguments(args, _BAD_COUNT)
    except Refused:
        if server.leader().functions.find(args[1]) is None:
            raise Refused(NO_FUNCTION) from None  # which Redis finds out first
        raise
    read_only = args[0].upper().endswith(b"_RO")
    return Request(keys, argv, read_only=read_only, keeps_writes=True, function=args[1])


def load(server: Server, session: Session, args: list[bytes]) -> Reply:
    """FUNCTION LOAD [REPLACE] text: the library's name; every node knows it afterwards."""
    for word in args[2:-1]:
        if word.upper() != b"REPLACE":
            raise Refused(ErrorReply(b"ERR Unknown option given: " + quoted(word)))
    try:
        library = server.leader().library(args[-1], replace=len(args) > 3)
    except BadLibrary as bad:
        return ErrorReply(bad.text)
    for service in server.services:
        service.functions.add(library)
    return library.name


def delete(server: Server, session: Session, args: list[bytes]) -> Reply:
    """FUNCTION DELETE name."""
    known = [service.functions.remove(args[2]) for service in server.services]
    return OK if any(known) else _NO_LIBRARY


def flush(server: Server, session: Session, args: list[bytes]) -> Reply:
    """FUNCTION FLUSH [SYNC | ASYNC]."""
    if len(args) > 3:
        return _BAD_FLUSH
    if len(args) == 3 and args[2].upper() not in (b"SYNC", b"ASYNC"):
        return _FLUSH_MODE
    for service in server.services:
        service.functions.clear()
    return OK


def list_libraries(server: Server, session: Session, args: list[bytes]) -> Reply:
    """FUNCTION LIST [LIBRARYNAME pattern] [WITHCODE]."""
    pattern, with_code = None, False
    words = iter(args[2:])
    for word in words:
        option = word.upper()
        if option == b"WITHCODE" and not with_code:
            with_code = True
        elif option == b"LIBRARYNAME" and pattern is None:
            pattern = next(words, None)
            if pattern is None:
                return _NO_NAME
        else:
            return ErrorReply(b"ERR Unknown argument " + quoted(word))
    matches = matcher(b"*" if pattern is None else pattern.lower())
    return [
        _shown(library, with_code=with_code)
        for library in server.leader().functions.libraries()
        if matches(library.name.lower())
    ]


def _shown(library: Library, *, with_code: bool) -> Reply:
    functions = [_shown_function(function) for function in library.functions]
    shown = FlatMap(
        [b"library_name", library.name, b"engine", b"LUA", b"functions", functions],
    )
    if with_code:
        shown += [b"library_code", library.code]
    return shown


def _shown_function(function: Function) -> Reply:
    name, description, flags, _ = function
    flags_shown = SetReply(map(Status, flags))
    return FlatMap([b"name", name, b"description", description, b"flags", flags_shown])


def stats(server: Server, session: Session, args: list[bytes]) -> Reply:
    """FUNCTION STATS: none runs between two commands."""
    libraries = list(server.leader().functions.libraries())
    functions = sum(len(library.functions) for library in libraries)
    counts = FlatMap([b"libraries_count", len(libraries), b"functions_count", functions])
    return FlatMap([b"running_script", None, b"engines", FlatMap([b"LUA", counts])])


COMMANDS: Final = (
    Command(b"FCALL", 3, ANY, request=function_request),
    Command(b"FCALL_RO", 3, ANY, request=function_request),
    Command(b"FUNCTION|LOAD", 3, ANY, action=load),
    Command(b"FUNCTION|DELETE", 3, 3, action=delete),
    Command(b"FUNCTION|FLUSH", 2, ANY, action=flush),
    Command(b"FUNCTION|LIST", 2, ANY, action=list_libraries),
    Command(b"FUNCTION|STATS", 2, 2, action=stats),
    Command(b"FUNCTION|KILL", 2, 2, action=kill),
)
