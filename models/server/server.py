"""What all sessions share: the store behind them, the channels, who is blocked, the counters."""

from collections import deque
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, Final, Protocol

from models.replies import ErrorReply, NullArray, Reply
from models.server.channels import Channels
from models.server.session import Session
from models.server.settings import Settings
from models.server.waiting import NEVER, Blocked, WaitingRoom
from models.service import Outcome, Request, Service
from sim.kernel import Kernel, Steps
from sim.resources import Slots
from sim.trail import Trail

UNBLOCKED: Final = ErrorReply(b"UNBLOCKED client unblocked via CLIENT UNBLOCK")

GROUP_GONE: Final = ErrorReply(
    b"NOGROUP the consumer group this client was blocked on no longer exists"
)


class Notes(Protocol):
    """Where it is written down what became of a request."""

    def began(self, label: str, outcome: Outcome) -> tuple[Any, Trail | None]:
        """A request is sent now; something to tell it by, and the trail to fill, if any."""

    def ended(self, note: Any, request: Request, outcome: Outcome) -> None:
        """The request is answered, now."""


class Clock(Protocol):
    """The wall clock of the nodes."""

    def read(self) -> int:
        """What it says: ns since 1970."""

    def set(self, now_ns: int | None) -> None:
        """Stop it at this instant; None lets it go on."""


class Server:
    """The server as a whole."""

    def __init__(
        self,
        kernel: Kernel,
        *,
        clock: Clock,
        leader: Callable[[], Service],
        services: Sequence[Service],
        notes: Notes,
        password: bytes = b"",
        run_id: str = "0" * 40,
        port: int = 6379,
    ) -> None:
        """`leader` tells whom requests are sent to. An empty password is none."""
        self.kernel = kernel
        self.clock = clock
        self.leader = leader
        self.services = services
        self.settings = Settings(password, port=port)
        self.run_id = run_id
        self.port = port
        self.sessions: dict[int, Session] = {}
        self.channels = Channels()
        self.waiting = WaitingRoom()
        self.began_ns = clock.read()
        self.connections = 0
        self.rejected = 0
        """Connections that were one too many."""
        self.commands = 0
        self.busy = 0
        """Conversations in progress, those of blocked clients not counted."""
        self.one_by_one: Callable[[], bool] = lambda: False
        """Whether requests are carried out one after the other, as they arrive, though virtual time
        would let them overlap."""
        self.idle: Callable[[], None] = lambda: None
        """Called when nobody is busy any more."""
        self.alarm: Callable[[int], None] = lambda deadline_ns: None
        """Called when somebody is blocked until an instant: `expire` must be called then."""
        self.stopping: Callable[[], None] = lambda: None
        """Called by SHUTDOWN."""
        self.metrics: Callable[[], bytes] = lambda: b"{}"
        """A snapshot of the figures, as JSON."""
        self.hang_up: Callable[[Session], None] = lambda session: None
        """Called when a session is to be ended that has not asked for it."""
        receivers = self.channels.receivers
        for service in services:
            service.surroundings = service.surroundings._replace(receivers=receivers)
        self._notes = notes
        self._ids = count(1)
        self._ready: deque[bytes] = deque()
        self._serving = False
        self._turn = Slots(kernel, 1, "its turn")

    # -- sessions -------------------------------------------------------------------------------

    def connect(self, address: str, send: Callable[[Reply, int], None]) -> Session:
        """A client has connected."""
        now = self.clock.read()
        trusted = not self.settings.password
        session = Session(next(self._ids), address, send, now, trusted, active_ns=now)
        self.sessions[session.id] = session
        self.connections += 1
        return session

    def disconnect(self, session: Session) -> None:
        """A client has gone."""
        session.gone = session.closing = True
        self.sessions.pop(session.id, None)
        self.channels.forget(session)
        session.end_transaction()
        if session.waiting is not None and not session.waiting.claimed:
            self.wake(session.waiting, None)

    def begin(self) -> None:
        """Somebody has something to do."""
        self.busy += 1

    def end(self) -> None:
        """Somebody has nothing more to do."""
        self.busy -= 1
        if self.busy == 0:
            self.idle()

    # -- requests -------------------------------------------------------------------------------

    def perform(self, request: Request, label: str) -> Steps:
        """Carry out a request; gives its `Outcome`. What it makes known or ready is dealt with."""
        outcome = Outcome()
        if not self.one_by_one():
            yield from self._carry_out(request, label, outcome)
            if self._ready and not self._serving:
                self.begin()
                self.kernel.spawn("serving blocked clients", self._serve_apart())
            return outcome
        if not self._turn.take_now():
            yield self._turn.wait()
        try:
            yield from self._carry_out(request, label, outcome)
            if self._ready:
                yield from self._serve()
        finally:
            self._turn.give_back()
        return outcome

    def _carry_out(self, request: Request, label: str, outcome: Outcome) -> Steps:
        note, trail = self._notes.began(label, outcome)
        yield from self.leader().execute(request, outcome, trail)
        self._notes.ended(note, request, outcome)
        for channel, message in outcome.published:
            self.channels.publish(channel, message)
        if outcome.written_keys and self.waiting.count:
            awaited = [key for key in outcome.written_keys if self.waiting.at(key)]
            self._ready.extend(sorted(awaited, key=lambda key: outcome.keys[key].written))

    # -- blocked clients ------------------------------------------------------------------------

    def block(self, blocked: Blocked) -> Steps:
        """Wait until a client is served or its time is up; gives the reply."""
        self.waiting.enter(blocked)
        if blocked.deadline_ns < NEVER:
            self.alarm(blocked.deadline_ns)
        self.end()
        reply = yield blocked.outcome
        return reply

    def wake(self, blocked: Blocked, reply: Reply) -> None:
        """End a client's wait with this reply."""
        self.waiting.leave(blocked)
        self.begin()
        blocked.outcome.resolve(reply)

    def expire(self) -> None:
        """Wake those whose time is up."""
        for blocked in self.waiting.due(self.clock.read()):
            self.wake(blocked, blocked.nothing)

    def set_clock(self, now_ns: int | None) -> None:
        """Stop the wall clock at an instant, or let it go on; whose time is up is woken."""
        self.clock.set(now_ns)
        self.expire()

    def _serve_apart(self) -> Steps:
        self._serving = True
        yield from self._serve()
        self._serving = False
        self.end()

    def _serve(self) -> Steps:
        """Serve who waits for keys that are ready, in the order in which these became so."""
        while self._ready:
            key = self._ready.popleft()
            for blocked in self.waiting.at(key):
                if blocked.outcome.done:
                    continue
                blocked.claimed = True
                words = blocked.words(key)
                outcome = Outcome()
                label = words[0].decode().upper()
                yield from self._carry_out(Request([], [], command=words), label, outcome)
                blocked.claimed = False
                if not self._served(blocked, outcome.reply) and not blocked.patient:
                    break
        self.expire()

    def _served(self, blocked: Blocked, reply: Reply) -> bool:
        """Wake the client if there was something for it; whether others may still get something."""
        if isinstance(reply, ErrorReply):
            if reply.text.startswith(b"NOGROUP"):
                self.wake(blocked, GROUP_GONE)
            return True
        if reply is None or isinstance(reply, NullArray):
            if blocked.session.gone:
                self.wake(blocked, None)
            return False
        self.wake(blocked, reply)
        return True
