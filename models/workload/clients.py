"""Clients: when they send, in a closed or an open loop, and what they note of each script.

Closed loop: a client sends its next script when the last one is answered (and a think time has
passed), so a slow system is asked less. Open loop: scripts arrive when they arrive; their latency
counts from the intended arrival, so that a stall is felt by all that fell into it (no coordinated
omission).
"""

from collections.abc import Callable, Iterator
from itertools import count, repeat
from typing import Protocol

import numpy as np

from models.script.cache import NO_SCRIPT
from models.service import Outcome, Service
from models.workload.tickets import Ticket
from sim.kernel import Event, Kernel, Steps
from sim.resources import Slots
from sim.rng import BLOCK, Streams
from sim.trail import Trail
from sim.units import SECOND


class Notebook(Protocol):
    """Where clients write down what became of their scripts."""

    def began(self, group: int, ticket: Ticket, start_ns: int, outcome: Outcome) -> Trail | None:
        """A script is sent; the trail to fill, if this one is recorded span by span."""

    def ended(
        self, group: int, ticket: Ticket, start_ns: int, outcome: Outcome, trail: Trail | None
    ) -> None:
        """The script is answered, now."""


class Group:
    """A group of clients that send the same kinds of scripts."""

    def __init__(
        self,
        kernel: Kernel,
        *,
        number: int,
        name: str,
        tickets: Iterator[Ticket],
        target: Callable[[], Service],
        notebook: Notebook,
        connections: Slots | None = None,
    ) -> None:
        """`target` says which node a script is sent to, asked once per script.

        `connections` are those of an open loop, None if there are always enough.
        """
        self._kernel = kernel
        self._number = number
        self._name = name
        self._tickets = tickets
        self._target = target
        self._notebook = notebook
        self._connections = connections
        self.closed = False
        """Set to send no more tickets; those sent are finished."""

    def start_closed(
        self, clients: int, think: Callable[[], int], done: Callable[[], None]
    ) -> None:
        """Start the clients; `done` is called by each when it has finished."""
        for client in range(clients):
            self._kernel.spawn(f"{self._name} client {client}", self._client(think, done))

    def start_open(self, gaps: Iterator[int], done: Callable[[], None]) -> None:
        """Start arrivals, `gaps` ns apart; `done` is called once, when all have been answered."""
        self._open = 1
        self._done = done
        self._gaps = gaps
        self._kernel.after(next(gaps), self._arrive)

    def _client(self, think: Callable[[], int], done: Callable[[], None]) -> Steps:
        for ticket in self._tickets:
            sent = self._kernel.now
            yield from self._send(ticket)
            if not self.closed:
                pause = think()
                # Scripts that take no time must not keep the kernel from looking at its limits.
                if pause or self._kernel.now == sent:
                    yield pause
            if self.closed:
                break
        done()

    def _arrive(self, event: Event) -> None:
        ticket = None if self.closed else next(self._tickets, None)
        if ticket is None:
            self._answered()
            return
        self._open += 1
        self._kernel.after(next(self._gaps), self._arrive)
        self._kernel.spawn(f"{self._name} script {ticket.id}", self._one(ticket))

    def _one(self, ticket: Ticket) -> Steps:
        yield from self._send(ticket)
        self._answered()

    def _answered(self) -> None:
        self._open -= 1
        if self._open == 0:
            self._done()

    def _send(self, ticket: Ticket) -> Steps:
        start = self._kernel.now
        outcome = Outcome()
        trail = self._notebook.began(self._number, ticket, start, outcome)
        connections = self._connections
        if connections is not None and not connections.take_now():
            yield connections.wait()
            if trail is not None:
                trail.mark("queue", "wait for a connection", self._kernel.now)
        service = self._target()
        yield from service.execute(ticket.request, outcome, trail)
        if outcome.reply is NO_SCRIPT:
            outcome.reset()
            yield from service.execute(ticket.request.as_eval(), outcome, trail)
        if connections is not None:
            connections.give_back()
        self._notebook.ended(self._number, ticket, start, outcome, trail)


def poisson_gaps(streams: Streams, stream: str, rate: float) -> Iterator[int]:
    """Gaps in ns between arrivals of a Poisson process with `rate` per second."""
    generator = streams.generator(stream)
    while True:
        yield from np.rint(generator.exponential(SECOND / rate, BLOCK)).astype(np.int64).tolist()


def constant_gaps(rate: float) -> Iterator[int]:
    """Gaps in ns between arrivals on a fixed beat; rounding never adds up."""
    last = 0
    for arrival in count(1):
        instant = round(arrival * SECOND / rate)
        yield instant - last
        last = instant


def burst_gaps(streams: Streams, stream: str, rate: float, burst: int) -> Iterator[int]:
    """Gaps in ns between arrivals that come `burst` at once, the bursts as a Poisson process."""
    for gap in poisson_gaps(streams, stream, rate / burst):
        yield gap
        yield from repeat(0, burst - 1)
