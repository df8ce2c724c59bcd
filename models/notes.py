"""What a server's sessions send, written down as a group of clients of its own."""

from itertools import count
from typing import Any, Final

from models.recorder import Recorder
from models.service import Outcome, Request
from models.workload.tickets import Ticket
from sim.kernel import Kernel
from sim.trail import Trail

_NOTHING: Final = Request([], [])
"""What a ticket of a session holds: what was sent is not written down."""


class SessionNotes:
    """What a server's sessions send, written down as the last group's scripts."""

    def __init__(self, kernel: Kernel, recorder: Recorder) -> None:
        self._kernel = kernel
        self._recorder = recorder
        self._group = len(recorder.loads) - 1
        self._ids = count()

    def began(self, label: str, outcome: Outcome) -> tuple[tuple[Ticket, int, Trail | None], Any]:
        """A request is sent, now."""
        now = self._kernel.now
        ticket = Ticket(next(self._ids), self._recorder.kind(label), _NOTHING)
        trail = self._recorder.began(self._group, ticket, now, outcome)
        return (ticket, now, trail), trail

    def ended(
        self, note: tuple[Ticket, int, Trail | None], request: Request, outcome: Outcome
    ) -> None:
        """The request is answered, now."""
        ticket, start, trail = note
        self._recorder.ended(self._group, ticket, start, outcome, trail)
