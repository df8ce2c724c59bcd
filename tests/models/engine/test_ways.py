"""Ways against lanes and links: the same messages at the same instants."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from models.engine.lanes import Lane, LaneLimits
from models.engine.ways import HEARTBEATS, OTHERS, Way
from models.network.link import Link
from sim.kernel import Event, Kernel
from sim.units import SECOND, ms
from tests.models.worlds import let_pass

Arrivals = list[tuple[int, Any]]


def draws(seed: int) -> Callable[[], int]:
    """Delays from 0 to 1 ms, in whole us, the same for the same seed."""
    chance = Random(seed)
    return lambda: 1000 * chance.randint(0, 1000)


def by_events(sends: Arrivals, limits: tuple[LaneLimits, LaneLimits], seed: int) -> Arrivals:
    """What arrives when, with lanes and links."""
    kernel = Kernel()
    arrived: Arrivals = []

    def link(delay: Callable[[], int], deliver: Callable[[Any], None]) -> Link:
        return Link(kernel, source=1, target=2, delay=delay, rules=[], deliver=deliver)

    calls = link(draws(seed), lambda message: arrived.append((kernel.now, message)))
    returns = link(draws(seed + 1), lambda _: None)
    lanes = [Lane(kernel, limit, calls=calls, returns=returns) for limit in limits]

    def send(event: Event) -> None:
        lane, _ = event.argument
        lanes[lane].send(event.argument)

    for at, message in sends:
        kernel.after(at, send, message)
    let_pass(kernel, SECOND)
    return arrived


def by_recursion(
    sends: Arrivals, limits: tuple[LaneLimits, LaneLimits], seed: int, *, horizon_ns: int = 0
) -> Arrivals:
    """The same with a way, which lets heartbeats go at once where there is nothing else."""
    kernel = Kernel()
    arrived: Arrivals = []
    heartbeats, others = limits
    way = Way(
        kernel,
        delay=draws(seed),
        back=draws(seed + 1),
        heartbeats=heartbeats,
        others=others,
        deliver=lambda at, message: arrived.append((at, message)),
        flushing=lambda event: event.argument(kernel.now),
        wake=lambda at, flushing: kernel.again(at - kernel.now, flushing),
        horizon_ns=horizon_ns,
    )
    only_heartbeats = not way.direct and all(lane == HEARTBEATS for _, (lane, _) in sends)

    def send(event: Event) -> None:
        lane, _ = event.argument
        arrival = way.foresee(kernel.now) if only_heartbeats else None
        if arrival is None:
            way.send(lane, kernel.now, event.argument)
        else:
            arrived.append((arrival, event.argument))

    for at, message in sends:
        kernel.after(at, send, message)
    let_pass(kernel, SECOND)
    assert way.would_drop == 0
    return arrived


@pytest.mark.parametrize("heartbeats", [None, 1, 3])
@pytest.mark.parametrize("others", [None, 1, 2])
def test_messages_arrive_when_lanes_and_links_deliver_them(
    heartbeats: int | None, others: int | None
) -> None:
    """Over random loads of two lanes that share a link, in the same order."""
    for seed in range(20):
        chance = Random(seed)
        limits = LaneLimits(10**6, heartbeats, SECOND), LaneLimits(10**6, others, SECOND)
        # Delays are in us; no two messages are handed over at the same ns within one of them.
        instants = sorted(1000 * chance.randrange(50_000) + number for number in range(100))
        sends: Arrivals = [
            (at, (chance.choice((HEARTBEATS, OTHERS)), place)) for place, at in enumerate(instants)
        ]
        assert by_recursion(sends, limits, seed) == by_events(sends, limits, seed)


@pytest.mark.parametrize("horizon_ns", [0, ms(1), ms(3), SECOND])
@pytest.mark.parametrize("in_flight", [1, 2])
def test_heartbeats_alone_are_known_before_they_leave(in_flight: int, horizon_ns: int) -> None:
    """However long before: they arrive when lanes and links deliver them."""
    limits = (LaneLimits(10**6, in_flight, SECOND),) * 2
    for seed in range(20):
        chance = Random(seed)
        instants = sorted(1000 * chance.randrange(50_000) + number for number in range(60))
        sends: Arrivals = [(at, (HEARTBEATS, place)) for place, at in enumerate(instants)]
        found = by_recursion(sends, limits, seed, horizon_ns=horizon_ns)
        assert found == by_events(sends, limits, seed)


def test_what_leaves_later_is_not_used_yet() -> None:
    """Of three heartbeats that were let go, one is under way."""
    kernel = Kernel()
    limits = LaneLimits(1, 1, SECOND)
    way = Way(
        kernel,
        delay=lambda: 10,
        back=lambda: 10,
        heartbeats=limits,
        others=limits,
        deliver=lambda at, message: None,
        flushing=lambda event: None,
        wake=lambda at, flushing: None,
        horizon_ns=30,
    )
    assert [way.foresee(0) for _ in range(4)] == [10, 30, None, None]
    assert way.foresee(15) == 50
    assert way.would_drop == 1
    kernel.now = 15
    usage = way.lanes[HEARTBEATS].usage()
    assert (usage.arrived, usage.in_service, usage.busy_ns, usage.waited_ns) == (1, 1, 15, 0)
    kernel.now = 45
    usage = way.lanes[HEARTBEATS].usage()
    assert (usage.arrived, usage.in_service, usage.busy_ns, usage.waited_ns) == (3, 1, 45, 45)
    assert way.lanes[HEARTBEATS].longest_queue == 2


def test_a_full_lane_is_counted_and_nothing_lost() -> None:
    """One under way, one that fits, and two that would be dropped."""
    arrived: Arrivals = []
    wakes: list[int] = []
    kernel = Kernel()
    way = Way(
        kernel,
        delay=lambda: 10,
        back=lambda: 10,
        heartbeats=LaneLimits(1, 1, SECOND),
        others=LaneLimits(1, 1, SECOND),
        deliver=lambda at, message: arrived.append((at, message)),
        flushing=lambda event: event.argument(kernel.now),
        wake=lambda at, _: wakes.append(at),
        horizon_ns=0,
    )
    for name in "abcd":
        way.send(HEARTBEATS, 0, name)
    assert way.would_drop == 2
    assert (arrived, wakes) == ([(10, "a")], [20])
    way.flush(100)
    assert arrived == [(10, "a"), (30, "b"), (50, "c"), (70, "d")]
