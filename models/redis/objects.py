"""OBJECT: how Redis would keep a value. Replies are those of Redis 7.

Answered from what the key holds now, see `encodings`: Redis would go on showing a larger form that
the key has had since it was made. No access is noted, so no key is ever idle.
"""

from collections.abc import Callable
from typing import Final

from models.redis import reads
from models.redis.arguments import as_integer
from models.redis.command import Subcommands
from models.redis.context import Context
from models.redis.encodings import is_compact, is_compact_zset, is_integers
from models.redis.refused import Refused
from models.redis.state import Key
from models.replies import ErrorReply, Reply, Status

_EMBEDDED_MAX: Final = 44
"""Bytes of the longest string that Redis keeps in one piece with its header."""
_SHARED: Final = 10_000
"""Integers below it are there once, for all keys."""
_MANY: Final = 2**31 - 1
"""References that a shared object is said to have."""
_NO_FREQUENCY: Final = ErrorReply(
    b"ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that "
    b"when switching between policies at runtime LRU and LFU data will take some time to adjust."
)
_HELP: Final = (
    b"OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    b"ENCODING <key>",
    b"    Return the kind of internal representation used in order to store the value",
    b"    associated with a <key>.",
    b"FREQ <key>",
    b"    Return the access frequency index of the <key>. The returned integer is",
    b"    proportional to the logarithm of the recent access frequency of the key.",
    b"IDLETIME <key>",
    b"    Return the idle time of the <key>, that is the approximated number of",
    b"    seconds elapsed since the last access to the key.",
    b"REFCOUNT <key>",
    b"    Return the number of references of the value associated with the specified",
    b"    <key>.",
    b"HELP",
    b"    Prints this help.",
)


def _of_string(context: Context, key: Key) -> bytes:
    data = context.load_string(key).data or b""
    if as_integer(data) is not None:
        return b"int"
    return b"embstr" if len(data) <= _EMBEDDED_MAX else b"raw"


_ENCODING: Final[dict[bytes, Callable[[Context, Key], bytes]]] = {
    reads.STRING: _of_string,
    reads.LIST: lambda context, key: b"quicklist",
    reads.HASH: lambda context, key: (
        b"listpack" if is_compact(context.load_hash(key).data) else b"hashtable"
    ),
    reads.SET: lambda context, key: (
        b"intset" if is_integers(context.load_set(key).data) else b"hashtable"
    ),
    reads.ZSET: lambda context, key: (
        b"listpack" if is_compact_zset(context.load_zset(key).data) else b"skiplist"
    ),
    reads.STREAM: lambda context, key: b"stream",
}


def _encoding(context: Context, args: list[bytes]) -> Reply:
    """OBJECT ENCODING key."""
    key = context.key(args[2])
    kind = context.key_type(key)
    return None if kind is reads.NONE else _ENCODING[kind](context, key)


def _refcount(context: Context, args: list[bytes]) -> Reply:
    """OBJECT REFCOUNT key."""
    key = context.key(args[2])
    kind = context.key_type(key)
    if kind is not reads.STRING:
        return None if kind is reads.NONE else 1
    number = as_integer(context.load_string(key).data or b"")
    return _MANY if number is not None and 0 <= number < _SHARED else 1


def _idletime(context: Context, args: list[bytes]) -> Reply:
    """OBJECT IDLETIME key."""
    return 0 if context.exists(context.key(args[2])) else None


def _freq(context: Context, args: list[bytes]) -> Reply:
    """OBJECT FREQ key: nothing is evicted, so nothing is counted."""
    if context.exists(context.key(args[2])):
        raise Refused(_NO_FREQUENCY)
    return None


def _help(context: Context, args: list[bytes]) -> Reply:
    """OBJECT HELP."""
    return [Status(line) for line in _HELP]


OBJECT: Final[Subcommands] = {
    b"ENCODING": (_encoding, 3),
    b"REFCOUNT": (_refcount, 3),
    b"IDLETIME": (_idletime, 3),
    b"FREQ": (_freq, 3),
    b"HELP": (_help, 2),
}
