"""Replaying a recording: each connection sends what it sent, when it sent it.

Open loop: a command is sent at its own recorded instant, or when the one before it on the same
connection has been answered, if that is later. `speed` 2 sends twice as fast. The replies are held
against the recorded ones; where scripts tell the time, or clients race, they will differ.
"""

from collections import deque
from collections.abc import Callable

from models.replies import Push, Reply
from models.resp.replies import encode
from models.resp.typed import Typed, parse
from models.server.conversation import Conversation
from models.server.server import Server
from models.server.session import Session
from models.workload.recording import Recording, Sent
from sim.kernel import Event, Kernel


class Connection:
    """One recorded connection, while it is replayed."""

    def __init__(self, server: Server, name: str, tell: Callable[[Typed, Typed], None]) -> None:
        """`tell` is called with each recorded reply and the one that came in its place."""
        self._server = server
        self._tell = tell
        self._commands: deque[list[bytes]] = deque()
        self._expected: deque[Typed] = deque()
        self._closed = False
        self.session: Session = server.connect(name, self._receive)
        self._conversation = Conversation(server, self.session, self._next, self._finished)

    def send(self, sent: Sent) -> None:
        """The client sends its next command, or goes away."""
        if sent.words is None:
            self._closed = True
            if not self._conversation.active:
                self._server.disconnect(self.session)
            return
        self._commands.append(sent.words)
        self._expected.extend(sent.replies)
        self._conversation.go_on()

    def _next(self) -> list[bytes] | None:
        return self._commands.popleft() if self._commands else None

    def _finished(self) -> None:
        if self._closed and not self.session.gone:
            self._server.disconnect(self.session)

    def _receive(self, reply: Reply, protocol: int) -> None:
        if isinstance(reply, Push) and reply[0] in (b"message", b"pmessage", b"smessage"):
            return
        if self._expected:
            found = parse(encode(reply, protocol))
            assert found is not None, f"no whole reply: {reply!r}"
            self._tell(self._expected.popleft(), found[0])


class Replay:
    """A recording that is sent to a server in virtual time."""

    def __init__(
        self, kernel: Kernel, recording: Recording, *, speed: float, server: Server
    ) -> None:
        self._kernel = kernel
        self._sent = iter(recording.sent)
        self._began_ns = recording.began_ns
        self._speed = speed
        self._server = server
        self._connections: dict[int, Connection] = {}
        self._over = False
        self.equal = 0
        """Replies that were as recorded."""
        self.different = 0

    def start(self, done: Callable[[], None]) -> None:
        """Begin now; `done` is called once, when everything has been answered."""
        self._start_ns = self._kernel.now
        self._done = done
        self._server.idle = self._idle
        self._server.alarm = self._set_alarm
        self._schedule()

    def _schedule(self) -> None:
        self._entry = next(self._sent, None)
        if self._entry is None:
            if not self._server.busy:
                self._idle()
            return
        due = int((self._entry.at_ns - self._began_ns) / self._speed)
        self._kernel.after(max(self._start_ns + due - self._kernel.now, 0), self._send)

    def _send(self, event: Event) -> None:
        entry = self._entry
        assert entry is not None, "nothing is left to send"
        connection = self._connections.get(entry.connection)
        if connection is None:
            name = f"recorded:{entry.connection}"
            connection = Connection(self._server, name, self._compare)
            self._connections[entry.connection] = connection
        if entry.words is None:
            del self._connections[entry.connection]
        connection.send(entry)
        self._schedule()

    def _compare(self, recorded: Typed, got: Typed) -> None:
        if recorded == got:
            self.equal += 1
        else:
            self.different += 1

    def _idle(self) -> None:
        if self._entry is not None or self._over:
            return
        # All is sent and answered. Nobody will push any more: whoever is blocked would wait for
        # ever.
        while self._connections:
            _, connection = self._connections.popitem()
            self._server.disconnect(connection.session)
        if not self._server.busy:
            self._over = True
            self._done()

    def _set_alarm(self, deadline_ns: int) -> None:
        left = max(deadline_ns - self._server.clock.read(), 0)
        self._kernel.after(left, lambda _: self._server.expire())
