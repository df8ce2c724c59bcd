"""Connections of real clients: bytes in and out of the sessions of a server."""

import asyncio
from typing import Final, cast

from models.replies import Reply
from models.resp.replies import encode
from models.resp.requests import Requests
from models.server.conversation import Conversation
from models.server.server import Server
from models.server.session import Session
from readfence.machine import ONE_TOO_MANY
from readfence.serving.pace import Pace

WAITING_MAX: Final = 1 << 20
"""Bytes of requests that may wait for their turn before a connection is read no further."""


class Listener:
    """All connections."""

    def __init__(self) -> None:
        self.server: Server | None = None
        self.pace: Pace | None = None
        self.connections: dict[int, Connection] = {}
        self._dirty: dict[Connection, None] = {}

    def attach(self, server: Server, pace: Pace) -> None:
        """Serve this server's sessions from now on."""
        self.server = server
        self.pace = pace
        server.hang_up = self._hang_up

    def accept(self) -> asyncio.Protocol:
        """A protocol for a new connection."""
        assert self.server is not None and self.pace is not None
        if len(self.connections) >= self.server.settings.clients_max:
            self.server.rejected += 1
            return _OneTooMany()
        return Connection(self, self.server, self.pace)

    def note(self, connection: "Connection") -> None:
        """A connection has something to send, or is to be closed."""
        self._dirty[connection] = None

    def flush(self) -> None:
        """Send what is to be sent."""
        dirty, self._dirty = self._dirty, {}
        for connection in dirty:
            connection.flush()

    def _hang_up(self, session: Session) -> None:
        connection = self.connections.get(session.id)
        if connection is not None:
            self.note(connection)


class _OneTooMany(asyncio.Protocol):
    """A connection that is refused."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        connected = cast(asyncio.Transport, transport)
        connected.write(ONE_TOO_MANY)
        connected.close()


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, listener: Listener, server: Server, pace: Pace) -> None:
        self._listener = listener
        self._server = server
        self._pace = pace
        self._requests = Requests()
        self._out: list[bytes] = []
        self._full = False
        self._reading = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        self._transport = cast(asyncio.Transport, transport)
        host, port = (transport.get_extra_info("peername") or ("?", 0))[:2]
        self._pace.arrive()
        self.session = self._server.connect(f"{host}:{port}", self._send)
        self._requests.trusted = self.session.trusted
        self._conversation = Conversation(self._server, self.session, self._next, self._no_command)
        self._listener.connections[self.session.id] = self

    def data_received(self, data: bytes) -> None:
        """Bytes have arrived."""
        self._requests.feed(data)
        self._pace.arrive()
        self._conversation.go_on()
        if self._reading and self._requests.waiting_bytes > WAITING_MAX and not self._hungry:
            self._reading = False
            self._transport.pause_reading()

    @property
    def _hungry(self) -> bool:
        """Whether more must arrive before anything can be done."""
        return not self._conversation.active and not self._full

    def _next(self) -> list[bytes] | None:
        if self._full:
            return None
        self._requests.trusted = self.session.trusted
        command = self._requests.next()
        if not self._reading and self._requests.waiting_bytes <= WAITING_MAX:
            self._reading = True
            self._transport.resume_reading()
        return command

    def _no_command(self) -> None:
        if self._requests.error is not None and not self.session.closing:
            self.session.reply(self._requests.error)
            self.session.closing = True
        if not self._reading and not self._full:
            self._reading = True
            self._transport.resume_reading()
        self._listener.note(self)

    def _send(self, reply: Reply, protocol: int) -> None:
        if not self._out:
            self._listener.note(self)
        self._out.append(encode(reply, protocol))

    def flush(self) -> None:
        """Send what is to be sent, and close the connection if it is to be closed."""
        if self._out and not self._transport.is_closing():
            self._transport.write(b"".join(self._out))
        self._out.clear()
        if self.session.closing and not self._transport.is_closing():
            self._transport.close()

    def pause_writing(self) -> None:
        """The client does not read: it is not answered any further."""
        self._full = True

    def resume_writing(self) -> None:
        """The client has read."""
        self._full = False
        self._pace.arrive()
        self._conversation.go_on()

    def connection_lost(self, error: Exception | None) -> None:
        """The client has gone."""
        self._pace.arrive()
        self._listener.connections.pop(self.session.id, None)
        self._server.disconnect(self.session)
