"""ReadIndex alone, on constant links: what it must give, derived by hand.

With a round trip of R and, per read, a service time S on its way (the request at the leader's loop,
one heartbeat at the follower's, one acknowledgement at the leader's), one client gets an answer
every R + S. So N clients get N / (R + S) answers per second, until the leader's loop is busy all
the time: per read it handles one request and two acknowledgements (of which one decides), D =
request + 2 acknowledgements, so no more than 1 / D per second.

When a lane sends one message per round trip, each read puts one heartbeat into the lane of each
peer, so a lane carries 1 / R reads per second, less the periodic heartbeats it carries as well;
with 64 clients its queue is never empty.
"""

import pytest

from models.engine.costs import LoopCosts
from models.engine.sites import Site, new_tally
from sim.kernel import Steps
from sim.units import SECOND, ms, us
from tests.models.engine.rig import Rig

R = us(1000)
PERIODIC = SECOND // ms(200)
"""Periodic heartbeats per second."""


def _costs(request: int, message: int) -> LoopCosts:
    return LoopCosts(request, message, 0, 0, 0, 0)


def _answers_per_second(rig: Rig, clients: int, duration_ns: int) -> float:
    """Throughput of a closed loop, after a fifth of a second of warm-up."""
    answered = 0

    def client() -> Steps:
        nonlocal answered
        while True:
            yield rig.leader.verify_leader(Site.SCRIPT_START, new_tally())
            answered += 1

    for number in range(clients):
        rig.kernel.spawn(f"client {number}", client())
    rig.run_for(ms(200))
    before = answered
    rig.run_for(duration_ns)
    return (answered - before) * SECOND / duration_ns


def test_one_client_waits_for_the_round_trip_and_the_service_times() -> None:
    """Latency = R + S, so throughput = 1 / (R + S)."""
    rate = _answers_per_second(Rig(costs=_costs(us(20), us(10))), 1, SECOND)
    assert rate == pytest.approx(SECOND / (R + us(20) + 2 * us(10)), rel=0.05)


def test_64_clients_on_open_lanes_get_64_times_that() -> None:
    """The loop is far from busy: 64 / (R + S), S now with a little queueing in it."""
    rate = _answers_per_second(Rig(costs=_costs(us(1), us(1))), 64, SECOND)
    assert rate == pytest.approx(64 * SECOND / (R + us(3)), rel=0.05)


def test_64_clients_on_open_lanes_are_bound_by_the_loop() -> None:
    """1 / D with D = request + 2 acknowledgements = 40 us: 25,000 a second, not 60,000."""
    rate = _answers_per_second(Rig(costs=_costs(us(20), us(10))), 64, SECOND)
    assert rate == pytest.approx(SECOND / us(40), rel=0.05)


def test_serial_lanes_carry_one_read_per_round_trip() -> None:
    """1 / R per peer, less the periodic heartbeats in the same lane."""
    rig = Rig(costs=_costs(us(1), us(1)), in_flight=1)
    rate = _answers_per_second(rig, 64, 2 * SECOND)
    assert rate == pytest.approx(SECOND / R - PERIODIC, rel=0.05)
