"""Clients: when they send, and that latency counts from when they meant to."""

from collections.abc import Iterator
from itertools import accumulate, islice
from typing import Any

import numpy as np
import pytest

from models.fence.policies import Policy
from models.script.cache import NO_SCRIPT
from models.service import Outcome, Request
from models.workload.clients import Group, burst_gaps, constant_gaps, poisson_gaps
from models.workload.tickets import CallKind, Ticket, draw_tickets
from sim.kernel import Kernel, Steps
from sim.resources import Slots
from sim.rng import Streams
from sim.trail import Trail
from sim.units import SECOND, ms

NO_POLICY: Policy | None = None


class Node:
    """Answers each request after so long, one at a time if told; knows no hash at first."""

    def __init__(self, kernel: Kernel, takes_ns: int, *, at_once: int = 10**6) -> None:
        self.kernel = kernel
        self.takes_ns = takes_ns
        self.slots = Slots(kernel, at_once, "the node")
        self.in_progress = self.most = 0
        self.forms: list[str] = []

    def execute(self, request: Request, outcome: Outcome, trail: Trail | None) -> Steps:
        """As the real service."""
        self.forms.append("EVALSHA" if request.sha else "EVAL")
        if request.sha:
            outcome.fail(NO_SCRIPT)
            return
        self.in_progress += 1
        self.most = max(self.most, self.in_progress)
        if not self.slots.take_now():
            yield self.slots.wait()
        yield self.takes_ns
        self.slots.give_back()
        self.in_progress -= 1
        outcome.reply = b"done"


class Notes:
    """Writes down who was sent and answered when."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.sent: list[tuple[int, int]] = []
        self.answered: list[tuple[int, int]] = []
        self.latencies: dict[int, int] = {}

    def began(self, group: int, ticket: Ticket, start_ns: int, outcome: Outcome) -> None:
        """As the real recorder."""
        self.sent.append((ticket.id, start_ns))

    def ended(
        self, group: int, ticket: Ticket, start_ns: int, outcome: Outcome, trail: Trail | None
    ) -> None:
        """As the real recorder."""
        assert outcome.reply == b"done"
        self.answered.append((ticket.id, self.kernel.now))
        self.latencies[ticket.id] = self.kernel.now - start_ns


class Scene:
    """One group of clients in front of one node."""

    def __init__(
        self, *, takes_ns: int = ms(10), scripts: int | None = None, at_once: int = 10**6,
        sha: bytes | None = None,
    ) -> None:  # fmt: skip
        self.kernel = Kernel()
        self.node = Node(self.kernel, takes_ns, at_once=at_once)
        self.notes = Notes(self.kernel)
        self.targets = 0
        self.done_at: list[int] = []
        kind = CallKind("k", 1.0, b"return 1", sha, (), (), (), NO_POLICY)
        self.group = Group(
            self.kernel,
            number=0,
            name="clients",
            tickets=islice(draw_tickets(Streams(1), "g", [kind]), scripts),
            target=self._target,
            notebook=self.notes,
        )

    def _target(self) -> Any:
        self.targets += 1
        return self.node

    def done(self) -> None:
        """A client has finished."""
        self.done_at.append(self.kernel.now)

    def close_at(self, instant: int) -> None:
        """No more tickets from then on."""
        self.kernel.after(instant, lambda _: setattr(self.group, "closed", True))

    def run(self, until_ns: int = SECOND) -> None:
        """Let time pass."""
        self.kernel.after(until_ns, lambda _: self.kernel.halt())
        self.kernel.run_until_halted(events_max=10**6, stall_ns=10**12)


def test_a_client_sends_its_next_script_when_the_last_is_answered() -> None:
    """One after the other, without a pause if none is asked for."""
    scene = Scene(scripts=4)
    scene.group.start_closed(1, lambda: 0, scene.done)
    scene.run()
    assert scene.notes.sent == [(0, 0), (1, ms(10)), (2, ms(20)), (3, ms(30))]
    assert scene.notes.answered == [(0, ms(10)), (1, ms(20)), (2, ms(30)), (3, ms(40))]
    assert scene.done_at == [ms(40)]


def test_think_time_passes_between_an_answer_and_the_next_script() -> None:
    """Drawn anew each time."""
    scene = Scene(scripts=3)
    pauses = iter([ms(5), ms(1), ms(100)])
    scene.group.start_closed(1, lambda: next(pauses), scene.done)
    scene.run()
    assert scene.notes.sent == [(0, 0), (1, ms(15)), (2, ms(26))]


def test_clients_take_tickets_in_order_and_never_more_than_one_each() -> None:
    """Three clients: three in progress, the next tickets to who is free."""
    scene = Scene(scripts=10)
    scene.group.start_closed(3, lambda: 0, scene.done)
    scene.run()
    assert [id for id, _ in scene.notes.sent] == list(range(10))
    assert [start for _, start in scene.notes.sent] == [
        ms(start) for start in (0, 0, 0, 10, 10, 10, 20, 20, 20, 30)
    ]
    assert scene.node.most == 3
    assert scene.done_at == [ms(30), ms(30), ms(40)]


def test_a_slow_node_is_asked_less_by_a_closed_loop() -> None:
    """Clients that wait ask nobody: that is what hides a stall."""
    scene = Scene(scripts=6, at_once=1)
    scene.group.start_closed(3, lambda: 0, scene.done)
    scene.run()
    assert max(scene.notes.latencies.values()) == ms(30)


def test_arrivals_of_an_open_loop_do_not_wait_for_answers() -> None:
    """Each at its gap after the one before, whoever is in progress."""
    scene = Scene(scripts=4)
    scene.group.start_open(iter([ms(1), ms(2), ms(0), ms(3), ms(9)]), scene.done)
    scene.run()
    assert scene.notes.sent == [(0, ms(1)), (1, ms(3)), (2, ms(3)), (3, ms(6))]
    assert scene.node.most == 4


def test_latency_of_an_open_loop_counts_from_the_intended_arrival() -> None:
    """What queues up behind a slow node is late by its wait."""
    scene = Scene(scripts=3, at_once=1)
    scene.group.start_open(iter([ms(1)] * 9), scene.done)
    scene.run()
    assert scene.notes.latencies == {0: ms(10), 1: ms(19), 2: ms(28)}


def test_an_open_loop_is_done_when_the_last_is_answered() -> None:
    """Once, and not before."""
    scene = Scene(scripts=3)
    scene.group.start_open(iter([ms(1)] * 9), scene.done)
    scene.run()
    assert scene.done_at == [ms(13)]
    assert len(scene.notes.answered) == 3


def test_an_open_loop_whose_answers_come_at_once_is_done_once() -> None:
    """Also when nothing is in progress between two arrivals."""
    scene = Scene(scripts=3, takes_ns=0)
    scene.group.start_open(iter([ms(1)] * 9), scene.done)
    scene.run()
    assert len(scene.done_at) == 1
    assert len(scene.notes.answered) == 3


def test_a_closed_group_finishes_what_it_has_sent() -> None:
    """And sends nothing more; each client says that it is done."""
    scene = Scene()
    scene.group.start_closed(2, lambda: 0, scene.done)
    scene.close_at(ms(25))
    scene.run()
    assert [id for id, _ in scene.notes.answered] == list(range(6))
    assert scene.done_at == [ms(30), ms(30)]


def test_a_client_that_thinks_when_the_group_is_closed_sends_nothing_more() -> None:
    """A pause is no script that has begun."""
    scene = Scene()
    scene.group.start_closed(2, lambda: ms(50), scene.done)
    scene.close_at(ms(20))
    scene.run()
    assert len(scene.notes.sent) == 2
    assert scene.done_at == [ms(60), ms(60)]


def test_a_closed_open_loop_drains() -> None:
    """Arrivals end, answers come."""
    scene = Scene(takes_ns=ms(100))
    scene.group.start_open(constant_gaps(1000.0), scene.done)
    scene.close_at(ms(5) + 1)
    scene.run()
    assert [start for _, start in scene.notes.sent] == [ms(n) for n in range(1, 6)]
    assert len(scene.notes.answered) == 5
    assert scene.done_at == [ms(105)]


def test_a_hash_that_the_node_does_not_know_is_followed_by_the_body() -> None:
    """At the same instant, as one script for the notebook."""
    scene = Scene(scripts=2, sha=b"abc")
    scene.group.start_closed(1, lambda: 0, scene.done)
    scene.run()
    assert scene.node.forms == ["EVALSHA", "EVAL"] * 2
    assert scene.notes.answered == [(0, ms(10)), (1, ms(20))]


def test_where_to_send_is_asked_once_per_script() -> None:
    """Also when the body has to follow the hash: to the same node."""
    scene = Scene(scripts=5, sha=b"abc")
    scene.group.start_closed(2, lambda: 0, scene.done)
    scene.run()
    assert scene.targets == 5


# -- arrivals --------------------------------------------------------------------------------------


def instants(gaps: Iterator[int], count: int) -> list[int]:
    """The first arrivals."""
    return list(accumulate(islice(gaps, count)))


@pytest.mark.parametrize("rate", [1.0, 3.0, 400.0, 3333.3333, 7e6])
def test_a_constant_beat_does_not_drift(rate: float) -> None:
    """Arrival k stands at k over the rate, rounded; rounding never adds up."""
    arrivals = instants(constant_gaps(rate), 10_000)
    assert arrivals == [round(k * SECOND / rate) for k in range(1, 10_001)]


def test_poisson_arrivals() -> None:
    """Gaps have the mean and the spread of an exponential law, and no memory."""
    gaps = np.array(list(islice(poisson_gaps(Streams(1), "arrivals", 1000.0), 50_000)))
    mean = SECOND / 1000
    assert gaps.dtype.kind == "i"
    assert abs(gaps.mean() - mean) < 4 * mean / len(gaps) ** 0.5
    assert abs(gaps.std() - mean) < 0.03 * mean
    assert abs((gaps > mean).mean() - np.exp(-1)) < 0.01
    assert abs(np.corrcoef(gaps[1:], gaps[:-1])[0, 1]) < 0.02


@pytest.mark.parametrize("burst", [1, 2, 10])
def test_bursts_come_together_and_keep_the_rate(burst: int) -> None:
    """`burst` arrivals at one instant; over a long time as many as the rate says."""
    arrivals = instants(burst_gaps(Streams(1), "arrivals", 1000.0, burst), 40_000)
    assert all(len(set(arrivals[k : k + burst])) == 1 for k in range(0, len(arrivals), burst))
    rate = len(arrivals) / (arrivals[-1] / SECOND)
    assert abs(rate - 1000) < 4 * 1000 / (len(arrivals) / burst) ** 0.5


def test_arrivals_are_the_streams_own() -> None:
    """The same name and seed, the same arrivals; another name, others."""
    first = instants(poisson_gaps(Streams(1), "a", 10.0), 100)
    assert first == instants(poisson_gaps(Streams(1), "a", 10.0), 100)
    assert first != instants(poisson_gaps(Streams(1), "b", 10.0), 100)
    assert first != instants(poisson_gaps(Streams(2), "a", 10.0), 100)
