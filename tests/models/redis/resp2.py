"""A client as small as can be, for asking a real Redis server, in RESP2 or RESP3."""

import socket
from collections.abc import Sequence
from typing import Any

from models.replies import (
    NULL_ARRAY,
    Boolean,
    Double,
    ErrorReply,
    PairMap,
    Reply,
    SetReply,
    Status,
)


class Client:
    """One connection."""

    def __init__(self, port: int, *, resp3: bool = False) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")
        if resp3:
            self.ask(b"HELLO", b"3")

    def pipeline(self, commands: Sequence[Sequence[bytes]]) -> list[Reply]:
        """Send all commands at once and wait for all replies."""
        self._socket.sendall(b"".join(_encode(command) for command in commands))
        return [self._reply() for _ in commands]

    def ask(self, *command: bytes) -> Reply:
        """Send one command and wait for its reply."""
        (reply,) = self.pipeline([command])
        return reply

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self._socket.close()

    def _reply(self) -> Any:
        line = self._file.readline()
        assert line.endswith(b"\r\n"), f"the connection broke off after {line!r}"
        kind, text = line[:1], line[1:-2]
        if kind == b"+":
            return Status(text)
        if kind == b"-":
            return ErrorReply(text)
        if kind == b",":
            return Double(text)
        if kind == b"_":
            return None
        if kind == b"#":
            return Boolean(text == b"t")
        number = int(text)
        if kind == b":":
            return number
        if kind == b"*":
            return NULL_ARRAY if number < 0 else [self._reply() for _ in range(number)]
        if kind == b"~":
            return SetReply([self._reply() for _ in range(number)])
        if kind == b"%":
            return PairMap([[self._reply(), self._reply()] for _ in range(number)])
        assert kind == b"$", f"no reply: {line!r}"
        return None if number < 0 else self._file.read(number + 2)[:-2]


def _encode(command: Sequence[bytes]) -> bytes:
    parts = [b"*%d\r\n" % len(command)]
    parts += [b"$%d\r\n%s\r\n" % (len(part), part) for part in command]
    return b"".join(parts)
