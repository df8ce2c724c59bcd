"""`rounds` against `messages`: the same arrivals and the same draws, read by read.

The grid: 3 and 5 nodes, three laws of the links, three loads, wide and serial lanes. Arrivals are
Poisson at a share of what the bottleneck can take: the leader's loop where lanes are wide, the
heartbeats' lane where they are serial. One in ten asks for an entry in the log.

Both engines draw from the same streams in the same order, so that not only their distributions
agree: nearly every single read takes as long to the nanosecond. What differs are ties, such as two
messages that arrive at one instant, in an order that means nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from scipy.stats import ks_2samp

from models.cluster import Cluster
from models.engine.rounds import WOULD_DROP, RoundsEngine
from models.engine.sites import ROUNDS, Site, Tally, new_tally
from models.rounds_cluster import RoundsCluster
from models.workload.clients import poisson_gaps
from sim.errors import LimitReached
from sim.kernel import Event, Kernel, Steps
from sim.rng import Streams
from sim.units import SECOND, ms, us
from tests.models.worlds import let_pass, make_system

SAMPLES = 20_000
THINNED = 2
"""Of so many reads one is a sample."""
STATISTIC = 0.05
"""Kolmogorov-Smirnov statistic that two equal systems stay under."""
SAME = 0.99
"""Share of operations that take equally long to the nanosecond."""
CLOSE_NS = us(1)
"""How far the same operation may differ on constant links."""

MEAN_NS = us(500)
LAWS: dict[str, Any] = {
    # A round trip that is no multiple of any service time, so that instants do not coincide.
    "constant": "500.017us",
    "lognormal": {"law": "lognormal", "mean": "500us", "std": "200us"},
    "mixture": {
        "law": "mixture",
        "parts": [
            {"weight": 9, "law": {"law": "uniform", "low": "300us", "high": "500us"}},
            {"weight": 1, "law": {"law": "pareto", "minimum": "600us", "alpha": 2.5}},
        ],
    },
}
COSTS = {"read": "5.003us", "message": "4.999us", "proposal": "10.007us", "fsync": "16.301us"}
WIDE = {"capacity": 64, "in_flight": "unlimited"}
SERIAL = {"capacity": 1_000_000, "in_flight": 1}


@dataclass(frozen=True)
class Ran:
    """What a run left behind."""

    latencies: np.ndarray
    """Of each operation, in ns, in the order in which they were asked for."""
    logged: np.ndarray
    """Which of them went through the log."""
    tally: Tally
    counters: dict[str, int]


def system_of(nodes: int, law: Any, lane: dict[str, Any], fidelity: str) -> Any:
    """A cluster as a scenario would say it."""
    return make_system(
        fidelity=fidelity,
        cluster={"nodes": nodes},
        network={"one_way": law, "lanes": {"heartbeats": lane, "others": lane}},
        engine={**COSTS, "heartbeat": "20ms", "election": "1s", "inbound": 1_000_000},
    )


def ask(system: Any, *, rate: float, count: int, seed: int = 1) -> Ran:
    """Ask the leader's engine for so many reads, one in ten of them through the log."""
    kernel, streams = Kernel(), Streams(seed)
    make = RoundsCluster if system.fidelity == "rounds" else Cluster
    cluster = make(kernel, system, streams, None)
    cluster.start(lambda: None)
    engine = cluster.leader.engine
    gaps = poisson_gaps(streams, "arrivals", rate)
    logged = streams.generator("logged").random(count) < 0.1
    latencies = np.zeros(count, dtype=np.int64)
    tally = new_tally()
    left = count

    def one(number: int) -> Steps:
        nonlocal left
        began = kernel.now
        if logged[number]:
            yield engine.log_read(Site.SCRIPT_START, tally)
        else:
            yield engine.verify_leader(Site.STRING_READ, tally)
        latencies[number] = kernel.now - began
        left -= 1
        if not left:
            kernel.halt()

    def arrive(event: Event) -> None:
        if event.argument < count:
            kernel.after(next(gaps), arrive, event.argument + 1)
            kernel.spawn("reader", one(event.argument))

    kernel.after(next(gaps), arrive, 0)
    kernel.run_until_halted(events_max=10**8, stall_ns=10**15)
    return Ran(latencies, logged, tally, cluster.counters())


def bottleneck_rate(nodes: int, lane: dict[str, Any]) -> float:
    """Operations per second at which the bottleneck is busy all the time, about."""
    if lane is SERIAL:
        # A read takes the heartbeats' lane for a round trip; an entry takes the other lane, twice.
        return 0.8 * SECOND / (2 * MEAN_NS)
    # While an entry is under way, every acknowledgement is answered by an append.
    messages = 2 * (nodes - 1) * 5_000
    read, entry = 5_000 + messages, 10_000 + 16_300 + 10_000 + messages
    return SECOND / (0.9 * read + 0.1 * entry)


def compared(messages: Ran, rounds: Ran) -> Iterator[tuple[float, float]]:
    """Of reads and of entries: the KS statistic, and the share that took equally long."""
    assert np.array_equal(messages.logged, rounds.logged)
    for chosen in (~messages.logged, messages.logged):
        a, b = messages.latencies[chosen], rounds.latencies[chosen]
        yield float(ks_2samp(a[::THINNED], b[::THINNED]).statistic), float(np.mean(a == b))


CELLS = [
    *product((3, 5), LAWS, (0.2, 0.5, 0.8), ("wide",)),
    *product((3,), ("constant", "lognormal"), (0.2, 0.8), ("serial",)),
]


@pytest.mark.slow
@pytest.mark.parametrize(("nodes", "law", "load", "lanes"), CELLS)
def test_both_fidelities_take_equally_long(nodes: int, law: str, load: float, lanes: str) -> None:
    """On constant links each operation to 1 us, on others the distribution; counts always."""
    lane = WIDE if lanes == "wide" else SERIAL
    rate = load * bottleneck_rate(nodes, lane)
    count = 4000 if law == "constant" else int(SAMPLES * THINNED / 0.88)
    messages, rounds = (
        ask(system_of(nodes, LAWS[law], lane, fidelity), rate=rate, count=count)
        for fidelity in ("messages", "rounds")
    )
    dropped = messages.counters["messages.dropped"] + messages.counters["inbound.dropped"]
    assert dropped == rounds.counters[WOULD_DROP] == 0
    assert messages.tally == rounds.tally
    for name in ("rounds.sent", "rounds.confirmed", "rounds.log", "rounds.unclaimed"):
        assert messages.counters[name] == rounds.counters[name]
    if law == "constant":
        assert np.abs(messages.latencies - rounds.latencies).max() <= CLOSE_NS
        return
    assert np.sum(~messages.logged) >= SAMPLES * THINNED
    for statistic, same in compared(messages, rounds):
        assert statistic < STATISTIC
        assert same > SAME


@pytest.mark.parametrize("law", ["lognormal", "constant"])
def test_links_ten_percent_slower_are_refused(law: str) -> None:
    """By the distribution, and operation by operation."""
    slower: Any = "550.019us"
    if law == "lognormal":
        slower = {"law": "lognormal", "mean": "550us", "std": "220us"}
    messages = ask(system_of(3, LAWS[law], WIDE, "messages"), rate=5000, count=5000)
    rounds = ask(system_of(3, slower, WIDE, "rounds"), rate=5000, count=5000)
    assert all(statistic > STATISTIC for statistic, _ in compared(messages, rounds))
    assert np.abs(messages.latencies - rounds.latencies).max() > CLOSE_NS


def test_a_quorum_of_one_too_many_is_refused() -> None:
    """By the distribution: the second acknowledgement comes later than the first."""
    start = RoundsEngine.start

    def started(engine: RoundsEngine, *arguments: Any) -> None:
        start(engine, *arguments)
        engine._needed += 1

    law = LAWS["lognormal"]
    messages = ask(system_of(3, law, WIDE, "messages"), rate=5000, count=5000)
    with (
        patch.object(RoundsEngine, "start", started),
        patch("models.engine.rounds.agreed", min),
    ):
        rounds = ask(system_of(3, law, WIDE, "rounds"), rate=5000, count=5000)
    (statistic, same), _ = compared(messages, rounds)
    assert statistic > STATISTIC
    assert same < SAME


# -- by itself -------------------------------------------------------------------------------------


class Alone:
    """A leader of three nodes under `rounds`, and a clock to pass."""

    def __init__(self, lane: dict[str, Any] = WIDE, law: Any = "500us", **engine: str) -> None:
        self.kernel = Kernel()
        system = make_system(
            fidelity="rounds",
            network={"one_way": law, "lanes": {"heartbeats": lane, "others": lane}},
            engine={"read": "5us", "message": "5us", **engine},
        )
        self.cluster = RoundsCluster(self.kernel, system, Streams(1), None)
        self.cluster.start(lambda: None)
        self.engine = self.cluster._engine
        self.tally = new_tally()
        self.ended: list[tuple[int, str]] = []

    def verify(self, deadline: int | None = None) -> None:
        """Ask, and note when it ended and how."""

        def steps() -> Steps:
            try:
                yield self.engine.verify_leader(Site.STRING_READ, self.tally, deadline)
            except Exception as error:
                self.ended.append((self.kernel.now, str(error)))
            else:
                self.ended.append((self.kernel.now, "ok"))

        self.kernel.spawn("reader", steps())

    def pass_time(self, duration_ns: int) -> None:
        """Let so much virtual time pass."""
        let_pass(self.kernel, duration_ns)


def test_a_read_takes_a_round_trip_and_its_services() -> None:
    """Leader's loop, follower's loop, leader's loop, one event; counted when it is confirmed."""
    alone = Alone()
    before = alone.kernel.events
    alone.verify()
    assert alone.tally[Site.STRING_READ] == 0
    alone.pass_time(ms(2))
    assert alone.ended == [(us(5 + 500 + 5 + 500 + 5), "ok")]
    assert (alone.tally[Site.STRING_READ], alone.tally[ROUNDS]) == (1, 1)
    assert alone.kernel.events - before == 2  # and the end of the time that passed


def test_an_idle_cluster_costs_no_event() -> None:
    """Its heartbeats are made up for when somebody asks."""
    alone = Alone()
    alone.pass_time(60 * SECOND)
    assert alone.kernel.events == 1
    assert alone.cluster.counters()["messages.sent"] == 300 * 4


def test_reads_wait_for_the_loop_in_turn() -> None:
    """Lindley's recursion at the leader, and the acknowledgements behind each other."""
    alone = Alone()
    for _ in range(3):
        alone.verify()
    alone.pass_time(ms(2))
    # Both acknowledgements of a read come before those of the next.
    assert [at for at, _ in alone.ended] == [us(1015), us(1025), us(1035)]


def test_a_serial_lane_carries_one_read_per_round_trip() -> None:
    """The next heartbeat leaves when the call before it has returned."""
    alone = Alone(lane={"capacity": 64, "in_flight": 1})
    for _ in range(3):
        alone.verify()
    alone.pass_time(ms(4))
    first, second, third = (at for at, _ in alone.ended)
    assert (first, second - first, third - second) == (us(1015), us(1000), us(1000))


def test_a_message_that_finds_its_lane_full_is_told() -> None:
    """It waits all the same, and the run says that it is not what `messages` would show."""
    alone = Alone(lane={"capacity": 2, "in_flight": 1})
    for _ in range(5):
        alone.verify()
    alone.pass_time(ms(10))
    assert len(alone.ended) == 5
    # Of each peer's five heartbeats one is under way and two fit.
    assert alone.cluster.counters()[WOULD_DROP] == 4


def test_more_answers_than_the_loop_can_queue_are_told() -> None:
    """The engine's queue for what comes in is limited, too."""
    for inbound, told in (("100", True), ("10000", False)):
        alone = Alone(read="0", inbound=int(inbound))  # type: ignore[arg-type]
        for _ in range(1000):
            alone.verify()
        alone.pass_time(ms(30))
        assert (alone.cluster.counters()[WOULD_DROP] > 0) is told


def test_a_deadline_that_passes_first_is_told_to_the_reader() -> None:
    """The round goes on and is confirmed for nobody."""
    alone = Alone()
    alone.verify(us(300))
    alone.pass_time(ms(2))
    assert alone.ended == [(us(300), "context deadline exceeded")]
    counters = alone.cluster.counters()
    assert (counters["rounds.sent"], counters["rounds.confirmed"]) == (1, 1)
    assert counters["rounds.unclaimed"] == 1
    assert alone.tally[Site.STRING_READ] == 0


def test_a_deadline_that_passes_before_the_loop_serves_it_sends_nothing() -> None:
    """As in the other engine: who has given up costs the loop its time and no round."""
    alone = Alone()
    alone.verify()
    alone.verify(us(7))
    alone.pass_time(ms(2))
    assert alone.ended == [(us(7), "context deadline exceeded"), (us(1015), "ok")]
    assert alone.cluster.counters()["rounds.sent"] == 1


@pytest.mark.parametrize("deadline", [us(3), us(5)])
def test_a_shared_round_that_nobody_will_wait_for_sends_nothing(deadline: int) -> None:
    """All have given up when the loop serves it, be it just then; the next is not held up."""
    alone = Alone(read_sharing="one_outstanding")
    alone.verify(deadline)
    alone.pass_time(us(10))
    counters = alone.cluster.counters()
    assert (counters["rounds.sent"], counters["messages.sent"]) == (0, 0)
    alone.verify()
    alone.pass_time(ms(2))
    assert alone.ended == [(deadline, "context deadline exceeded"), (us(10 + 1015), "ok")]


def test_a_shared_round_is_sent_for_who_comes_before_it_begins() -> None:
    """The reader it was begun for has given up by then, and the other is not made to wait."""
    alone = Alone(read_sharing="one_outstanding")
    alone.verify(us(3))
    alone.pass_time(us(2))
    alone.verify()
    alone.pass_time(ms(2))
    assert alone.ended == [(us(3), "context deadline exceeded"), (us(1015), "ok")]
    counters = alone.cluster.counters()
    assert (counters["rounds.sent"], counters["messages.sent"]) == (1, 4)


def test_looking_at_a_resource_does_not_change_it() -> None:
    """Who looked before is told the same as who looks for the first time; setting begins anew."""
    told = []
    for looks in (True, False):
        alone = Alone()
        loop = alone.cluster.resources()["n2.loop"]
        alone.pass_time(ms(10))
        if looks:
            assert (loop.usage().busy_ns, loop.longest_queue) == (0, 0)
        for _ in range(1000):
            alone.verify()
        if looks:
            loop.usage()
        alone.pass_time(ms(1))
        told.append((loop.usage(), loop.longest_queue))
    assert told[0] == told[1]
    loop.longest_queue = 0
    assert (loop.usage(), loop.longest_queue) == (told[1][0], 0)


def test_a_leader_that_would_step_down_ends_the_run() -> None:
    """Round trips longer than the election timeout are nothing for this fidelity."""
    alone = Alone(law="3s")
    alone.pass_time(3 * SECOND)
    with pytest.raises(LimitReached, match=r"heard of no quorum for engine\.election by t=2 s"):
        alone.engine.verify_leader(Site.STRING_READ, alone.tally)


def test_entries_are_applied_in_the_order_of_the_log() -> None:
    """The payload is made when the loop serves the proposal; results come after the apply."""
    alone = Alone(proposal="10us", fsync="20us", apply_entry="10us")
    made: list[tuple[str, int]] = []
    done: list[tuple[str, int]] = []

    def propose(name: str) -> Callable[[], Steps]:
        def make() -> Any:
            made.append((name, alone.kernel.now))
            return None

        def steps() -> Steps:
            yield alone.engine.propose(make)
            done.append((name, alone.kernel.now))

        return steps

    with (
        patch.object(alone.engine, "_apply", lambda payload: (None, 0)),
        patch.object(alone.engine, "_mutations", lambda payload: 0),
    ):
        for name in ("first", "second"):
            alone.kernel.spawn(name, propose(name)())
        alone.pass_time(ms(3))
    assert made == [("first", us(10)), ("second", us(40))]
    # Persisted at 30 and 60 us; a follower adds 5 + 20, the leader 5 for each answer and 10.
    assert [name for name, _ in done] == ["first", "second"]
    assert done[0][1] == us(30 + 500 + 25 + 500 + 5 + 10)
