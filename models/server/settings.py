"""CONFIG: the settings that clients ask for. Most are only remembered."""

from collections.abc import Callable
from typing import Final

from models.redis.arguments import as_integer
from models.redis.glob import matcher

_DEFAULTS: Final = {
    b"appendfsync": b"everysec",
    b"appendonly": b"no",
    b"bind": b"127.0.0.1",
    b"busy-reply-threshold": b"5000",
    b"client-output-buffer-limit": b"normal 0 0 0 slave 268435456 67108864 60 "
    b"pubsub 33554432 8388608 60",
    b"databases": b"1",
    b"dir": b"/",
    b"hash-max-listpack-entries": b"512",
    b"hash-max-listpack-value": b"64",
    b"hash-max-ziplist-entries": b"512",
    b"hash-max-ziplist-value": b"64",
    b"list-compress-depth": b"0",
    b"list-max-listpack-size": b"-2",
    b"list-max-ziplist-size": b"-2",
    b"lua-time-limit": b"5000",
    b"maxclients": b"10000",
    b"maxmemory": b"0",
    b"maxmemory-policy": b"noeviction",
    b"maxmemory-samples": b"5",
    b"notify-keyspace-events": b"",
    b"proto-max-bulk-len": b"536870912",
    b"save": b"",
    b"set-max-intset-entries": b"512",
    b"slowlog-log-slower-than": b"10000",
    b"slowlog-max-len": b"128",
    b"stream-node-max-bytes": b"4096",
    b"stream-node-max-entries": b"100",
    b"tcp-keepalive": b"300",
    b"timeout": b"0",
    b"zset-max-listpack-entries": b"128",
    b"zset-max-listpack-value": b"64",
    b"zset-max-ziplist-entries": b"128",
    b"zset-max-ziplist-value": b"64",
}
_POLICIES: Final = (
    b"volatile-lru volatile-lfu volatile-random volatile-ttl allkeys-lru allkeys-lfu "
    b"allkeys-random noeviction"
).split()
_NO_INTEGER: Final = b"argument couldn't be parsed into an integer"
_OUT_OF_RANGE: Final = b"argument must be between 1 and 4294967295 inclusive"
_NO_ROOM: Final = (
    b"The operating system is not able to handle the specified number of clients, try with %d"
)
_YES_NO: Final = [b"yes", b"no"]
_CHOICES: Final = {b"maxmemory-policy": _POLICIES, b"appendonly": _YES_NO}
_FIXED: Final = (b"bind", b"databases", b"port")


class Settings:
    """The settings of one server."""

    def __init__(self, password: bytes, *, port: int) -> None:
        """An empty password is none."""
        self.room: Callable[[int], int] = lambda wanted: wanted
        """How many of so many clients can be connected at once."""
        self._values = _DEFAULTS | {b"port": b"%d" % port, b"requirepass": password}

    @property
    def password(self) -> bytes:
        """What AUTH must bring; empty for none."""
        return self._values[b"requirepass"]

    @property
    def clients_max(self) -> int:
        """How many clients may be connected at once."""
        return int(self._values[b"maxclients"])

    def find(self, patterns: list[bytes]) -> list[bytes]:
        """Names and values, one behind the other, of what matches one of the patterns."""
        found = []
        for name in sorted(self._values):
            if any(matcher(pattern.lower())(name) for pattern in patterns):
                found += [name, self._values[name]]
        return found

    def knows(self, name: bytes) -> bool:
        """Whether there is a setting of this name."""
        return name.lower() in self._values

    def is_fixed(self, name: bytes) -> bool:
        """Whether the setting cannot be changed while the server runs."""
        return name.lower() in _FIXED

    def refusal(self, name: bytes, value: bytes) -> bytes | None:
        """Why the setting cannot have this value; None where it can."""
        if name.lower() == b"maxclients":
            return self._refusal_of_clients(as_integer(value))
        choices = _CHOICES.get(name.lower())
        if choices is None or value.lower() in choices:
            return None
        if choices is _YES_NO:
            return b"argument must be 'yes' or 'no'"
        return b"argument(s) must be one of the following: " + b", ".join(choices)

    def _refusal_of_clients(self, wanted: int | None) -> bytes | None:
        if wanted is None:
            return _NO_INTEGER
        if not 0 < wanted < 1 << 32:
            return _OUT_OF_RANGE
        room = self.room(wanted)
        return None if room == wanted else _NO_ROOM % room

    def change(self, name: bytes, value: bytes) -> None:
        """Change a setting that there is."""
        self._values[name.lower()] = value
