"""One connection's commands, carried out one after the other in virtual time."""

from collections.abc import Callable

from models.server.dispatch import execute
from models.server.server import Server
from models.server.session import Session
from sim.kernel import Steps


class Conversation:
    """The commands of one session, in their order. While one is carried out, the next waits."""

    def __init__(
        self,
        server: Server,
        session: Session,
        next_command: Callable[[], list[bytes] | None],
        finished: Callable[[], None],
    ) -> None:
        """`next_command` gives a command that is there, or None; `finished` is called whenever
        there is none, or the session is to be closed.
        """
        self._server = server
        self._session = session
        self._next = next_command
        self._finished = finished
        self.active = False
        """Whether a command is being carried out."""

    def go_on(self) -> None:
        """Something may have arrived."""
        if not self.active:
            self.active = True
            self._server.begin()
            self._server.kernel.spawn(f"client {self._session.id}", self._work())

    def _work(self) -> Steps:
        server, session = self._server, self._session
        while not session.closing:
            command = self._next()
            if command is None:
                break
            yield from execute(server, session, command)
        self.active = False
        self._finished()
        server.end()
