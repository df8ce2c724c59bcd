"""A server without sockets: clients are objects, and the wall clock stands where a test sets it."""

from collections import deque

from models.replies import Reply
from models.resp.replies import encode
from models.served import ServedWorld
from models.server.conversation import Conversation
from sim.kernel import Kernel
from tests.models.worlds import make_system

BEGAN_NS = 1_700_000_000 * 10**9


class StoppedClock:
    """A wall clock that goes where it is set."""

    def __init__(self) -> None:
        self.now_ns = BEGAN_NS

    def read(self) -> int:
        return self.now_ns

    def set(self, now_ns: int | None) -> None:
        assert now_ns is not None
        self.now_ns = now_ns


class Talk:
    """One client."""

    def __init__(self, stage: "ServerStage") -> None:
        self._stage = stage
        self._commands: deque[list[bytes]] = deque()
        self.received: list[Reply] = []
        self.raw = b""
        self.session = stage.world.server.connect("test:1", self._receive)
        self._conversation = Conversation(
            stage.world.server, self.session, self._next, lambda: None
        )

    def _next(self) -> list[bytes] | None:
        return self._commands.popleft() if self._commands else None

    def _receive(self, reply: Reply, protocol: int) -> None:
        self.received.append(reply)
        self.raw += encode(reply, protocol)

    def send(self, *words: bytes | str | int) -> None:
        """Send a command, and have everything carried out that can be."""
        self._commands.append(
            [word if isinstance(word, bytes) else str(word).encode() for word in words]
        )
        self._conversation.go_on()
        self._stage.carry_out()

    def ask(self, *words: bytes | str | int) -> Reply:
        """Send a command and get its one reply; what came before is forgotten."""
        self.received.clear()
        self.raw = b""
        self.send(*words)
        (reply,) = self.received
        return reply

    def leave(self) -> None:
        """Go away."""
        self._stage.world.server.disconnect(self.session)
        self._stage.carry_out()


class ServerStage:
    """A served world with its clients."""

    def __init__(
        self, *, password: bytes = b"", one_by_one: bool = True, **settings: object
    ) -> None:
        self.clock = StoppedClock()
        self.world = ServedWorld(
            Kernel(),
            make_system(**settings),
            seed=1,
            clock=self.clock,
            password=password,
            port=1,
        )
        self.world.server.one_by_one = lambda: one_by_one
        self.world.server.idle = self.world.kernel.halt
        self.world.start()

    def client(self) -> Talk:
        """A new client."""
        return Talk(self)

    def carry_out(self) -> None:
        """Run until nobody is busy."""
        self.world.settle()

    def pass_time(self, seconds: float) -> None:
        """Move the wall clock on."""
        self.clock.now_ns += round(seconds * 1e9)
        self.world.server.expire()
        self.carry_out()
