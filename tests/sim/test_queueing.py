"""Queueing theory, met by what plans are built of: acceptance 2 of capacity planning.

Long runs are needed at 95 % utilisation: 70 million jobs for a mean wait within 1 %. So they are
run by the recursion of Kiefer and Wolfowitz in numpy, a thousand queues side by side, and the queue
of the kernel is held against that recursion job by job.

A judge (`agrees`) takes an interval of 99.7 % for agreement, since it is asked dozens of times, and
says itself how narrow the interval of 95 % must be. It is shown servers that are 5 % slow or fast.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import gammainc, gammaincinv, ndtr, ndtri

from reports.statistics import (
    Interval,
    Numbers,
    Ordered,
    mean_interval,
    pooled_percentile_interval,
)
from reports.theory import mg1_wait
from sim.dist import Constant, Exponential, Gamma, Jittered, Law, Lognormal
from sim.kernel import Kernel, Steps
from sim.resources import Servers
from sim.rng import Streams
from sim.units import ms
from sim.usage import Usage
from tests.sim.queueing_theory import (
    Function,
    mean_of,
    mean_value_analysis,
    mm1_response_quantile,
    mmc_wait,
    order_statistic_quantile,
    sum_of_two_quantile,
)

QUEUES = 1_000
"""Run side by side, each a replication."""
BLOCK = 200
"""Jobs drawn at once, for all of them."""


def waiting_times(gaps: Numbers, services: Numbers, work: Numbers) -> Numbers:
    """How long each job waits; rows are jobs, columns are queues independent of each other.

    `work`, a row per server and rising, is what each server had left to do when the last job had
    come, and goes on from call to call (Kiefer and Wolfowitz 1955; one server: Lindley 1952).
    """
    waits = np.empty_like(gaps)
    for number in range(len(gaps)):
        work -= gaps[number]
        np.maximum(work, 0, out=work)
        waits[number] = work[0]
        done = work[0] + services[number]
        for server in range(1, len(work)):
            np.minimum(done, work[server], out=work[server - 1])
            np.maximum(done, work[server], out=done)
        work[-1] = done
    return waits


# -- the kernel's queue is that of the recursion --------------------------------------------------


SERVICES: dict[str, Law] = {
    "exponential": Exponential(ms(1)),
    "constant": Constant(ms(1)),
    "lognormal": Lognormal.from_mean(ms(1), ms(1)),
    "gamma": Gamma(ms(1), 2.5),
}


def on_the_kernel(
    gaps: list[int], services: list[int], count: int
) -> tuple[list[int], list[int], Servers]:
    """Waits and instants of departure of jobs that come and go on the kernel."""
    kernel = Kernel()
    servers = Servers(kernel, "x", count)
    waits, departures = [], [0] * len(gaps)

    def job(number: int) -> Steps:
        delay = servers.serve(services[number])
        waits.append(delay - services[number])
        yield delay
        departures[number] = kernel.now

    def source() -> Steps:
        for number, gap in enumerate(gaps):
            yield gap
            kernel.spawn("job", job(number))
        yield 10**12
        kernel.halt()

    kernel.spawn("source", source())
    kernel.run_until_halted(events_max=10**7, stall_ns=10**18)
    return waits, departures, servers


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("name", SERVICES)
def test_servers_on_the_kernel_are_the_recursion_job_by_job(name: str, count: int) -> None:
    """The same draws in whole ns at 95 %: 10,000 equal waits, and departures when they are due."""
    streams = Streams(1)
    gaps = Exponential(round(ms(1) / 0.95 / count)).draw(streams.generator("gaps"), 10_000)
    services = SERVICES[name].draw(streams.generator("services"), 10_000)
    waits, departures, servers = on_the_kernel(gaps.tolist(), services.tolist(), count)
    empty = np.zeros((count, 1), dtype=np.int64)
    expected = waiting_times(gaps[:, None], services[:, None], empty)[:, 0]
    assert waits == expected.tolist() and max(waits) > 5 * ms(1)
    assert departures == (np.cumsum(gaps) + expected + services).tolist()
    assert servers.usage().waited_ns == sum(waits)


# -- open queues ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Model:
    """A queue with Poisson arrivals and a mean service time of 1."""

    name: str
    servers: int
    draw: Callable[[np.random.Generator, tuple[int, int]], Numbers]
    variation: float
    """Squared coefficient of variation of the service."""
    effort: float
    """How many of the jobs of M/M/1 make the interval as narrow."""

    def theory(self, utilisation: float) -> float:
        """Its mean wait."""
        if self.servers > 1:
            return mmc_wait(utilisation * self.servers, 1.0, self.servers)
        return mg1_wait(utilisation, 1.0, self.variation)


def _exponential(chance: np.random.Generator, shape: tuple[int, int]) -> Numbers:
    return chance.standard_exponential(shape)


MODELS = [
    Model("M/M/1", 1, _exponential, 1.0, 1.0),
    Model("M/D/1", 1, lambda chance, shape: np.ones(shape), 0.0, 0.6),
    Model("M/M/2", 2, _exponential, 1.0, 1.0),
    Model("M/M/4", 4, _exponential, 1.0, 1.0),
    Model(
        "M/lognormal/1", 1, lambda c, shape: c.lognormal(-0.32, 0.8, shape), math.expm1(0.64), 1.0
    ),
    Model("M/gamma/1", 1, lambda c, shape: c.standard_gamma(2.5, shape) / 2.5, 0.4, 0.75),
]
UTILISATIONS = {0.5: (400, 5_600), 0.8: (2_000, 10_000), 0.95: (12_000, 76_000)}
"""Jobs of warm-up and jobs measured, of each of the queues."""


def run(
    model: Model, utilisation: float, slow: float, jobs: int
) -> Iterator[tuple[Numbers, Numbers]]:
    """Waits and services of blocks of jobs after the warm-up; `slow` stretches the service."""
    chance = np.random.default_rng(MODELS.index(model))
    work: Numbers = np.zeros((model.servers, QUEUES))
    warm_up = UTILISATIONS[utilisation][0]
    for begin in range(0, warm_up + jobs, BLOCK):
        gaps = chance.standard_exponential((BLOCK, QUEUES)) / (utilisation * model.servers)
        services = model.draw(chance, (BLOCK, QUEUES)) * slow
        waits = waiting_times(gaps, services, work)
        if begin >= warm_up:
            yield waits, services


def mean_wait(model: Model, utilisation: float, slow: float, jobs: int) -> tuple[Interval, ...]:
    """The mean wait over all queues, at the levels of width and of agreement."""
    sums, count = np.zeros(QUEUES), 0
    for waits, _ in run(model, utilisation, slow, jobs):
        sums += waits.sum(axis=0)
        count += len(waits)
    return tuple(mean_interval(sums / count, level=level) for level in (0.95, 0.997))


def agrees(intervals: tuple[Interval, ...], theory: float, *, within: float) -> bool:
    """The judge: the interval of 99.7 % covers the theory, that of 95 % is narrow enough."""
    precise, joint = intervals
    return joint.covers(theory) and precise.relative <= within


CASES = list(product(MODELS, UTILISATIONS))
NAMES = [f"{model.name}-{utilisation}" for model, utilisation in CASES]


@pytest.mark.parametrize(("model", "utilisation"), CASES, ids=NAMES)
def test_the_mean_wait_is_that_of_theory(model: Model, utilisation: float) -> None:
    """The interval is at most 2 % wide from end to end, and the theory lies inside."""
    jobs = round(model.effort * UTILISATIONS[utilisation][1])
    intervals = mean_wait(model, utilisation, 1.0, jobs)
    assert agrees(intervals, model.theory(utilisation), within=0.01), f"{intervals}"


@pytest.mark.parametrize("slow", [1.05, 0.95])
@pytest.mark.parametrize(("model", "utilisation"), CASES, ids=NAMES)
def test_a_server_5_percent_off_is_refused(model: Model, utilisation: float, slow: float) -> None:
    """The same judge refuses it with a tenth of the jobs already, because of where it lies."""
    intervals = mean_wait(model, utilisation, slow, UTILISATIONS[utilisation][1] // 10)
    theory = model.theory(utilisation)
    assert not agrees(intervals, theory, within=math.inf), f"{intervals} covers {theory}"


def p99_response(utilisation: float, slow: float, jobs: int) -> tuple[Interval, ...]:
    """The p99 of the response time of M/M/1, from every fortieth job, at both levels."""
    kept = [
        waits[::40] + services[::40] for waits, services in run(MODELS[0], utilisation, slow, jobs)
    ]
    responses = np.concatenate(kept)
    queues = [Ordered(queue) for queue in responses.T]
    pool = Ordered(responses.ravel())
    return tuple(
        pooled_percentile_interval(queues, pool, Fraction(99), level=level)
        for level in (0.95, 0.997)
    )


@pytest.mark.parametrize(
    ("utilisation", "jobs"),
    [(0.5, 14_000), (0.8, 30_000), pytest.param(0.95, 320_000, marks=pytest.mark.slow)],
)
def test_the_p99_of_the_response_is_that_of_theory(utilisation: float, jobs: int) -> None:
    """M/M/1 again, for the figure that SLOs are about: at most 2 % wide as well."""
    theory = mm1_response_quantile(utilisation, 1.0, 0.99)
    intervals = p99_response(utilisation, 1.0, jobs)
    assert agrees(intervals, theory, within=0.01), f"{intervals} of {theory}"


@pytest.mark.parametrize("slow", [1.05, 0.95])
@pytest.mark.parametrize("utilisation", UTILISATIONS)
def test_a_p99_5_percent_off_is_refused(utilisation: float, slow: float) -> None:
    """The judge of the p99 sees the slow and the fast server too."""
    intervals = p99_response(utilisation, slow, UTILISATIONS[utilisation][1] // 5)
    assert not agrees(intervals, mm1_response_quantile(utilisation, 1.0, 0.99), within=math.inf)


# -- the kernel's own figures: open and closed ----------------------------------------------------


def windows(kernel: Kernel, servers: list[Servers], count: int, ns: int) -> list[list[Usage]]:
    """Runs the kernel through a warm-up and `count` windows; usage at every edge."""
    edges: list[list[Usage]] = []

    def look() -> Steps:
        for _ in range(count + 1):
            yield ns
            edges.append([each.usage() for each in servers])
        kernel.halt()

    kernel.spawn("look", look())
    kernel.run_until_halted(events_max=10**8, stall_ns=10**18)
    return edges


def test_usage_over_windows_gives_the_mean_wait_of_theory() -> None:
    """M/M/2 at 50 % on the kernel: waits by Little's law and utilisation, from usage alone."""
    kernel, streams = Kernel(), Streams(5)
    servers = Servers(kernel, "x", 2)
    gap = streams.sampler("gaps", Exponential(ms(1)))
    service = streams.sampler("services", Exponential(ms(1)))

    def source() -> Steps:
        while True:
            yield gap()
            servers.serve(service())

    kernel.spawn("source", source())
    edges = [each[0] for each in windows(kernel, [servers], 30, ms(25_000))]
    spans = [late.since(early) for early, late in pairwise(edges)]
    waits = np.array([float(span.wait_mean_ns or 0) for span in spans])
    busy = np.array([float(span.utilisation or 0) for span in spans])
    both = tuple(mean_interval(waits, level=level) for level in (0.95, 0.997))
    assert agrees(both, mmc_wait(1.0, 1.0, 2) * ms(1), within=0.02), f"{both}"
    assert mean_interval(busy, level=0.997).covers(0.5)


DEMANDS = {"cpu": 2.0, "disk": 1.5}
THINK, CUSTOMERS = 20.0, 12


def closed_network(slow: float, edges: int, ns: int) -> dict[str, tuple[Interval, ...]]:
    """Customers who think, then need the CPU, then the disk, and so on; times in ms."""
    kernel, streams = Kernel(), Streams(11)
    stations = {name: Servers(kernel, name, 1) for name in DEMANDS}
    draw = {
        name: streams.sampler(name, Exponential(round(ms(mean))))
        for name, mean in {"think": THINK, **DEMANDS, "cpu": DEMANDS["cpu"] * slow}.items()
    }

    def customer() -> Steps:
        while True:
            yield draw["think"]()
            for name, station in stations.items():
                yield station.serve(draw[name]())

    for number in range(CUSTOMERS):
        kernel.spawn(f"customer {number}", customer())
    seen = windows(kernel, list(stations.values()), edges, ns)
    spans = [
        [late.since(early) for early, late in zip(before, after, strict=True)]
        for before, after in pairwise(seen)
    ]
    figures = {
        "throughput": [float(cpu.served_per_second or 0) / 1_000 for cpu, _ in spans],
        "cpu": [float((cpu.queue_mean or 0) + (cpu.utilisation or 0)) for cpu, _ in spans],
        "disk": [float((disk.queue_mean or 0) + (disk.utilisation or 0)) for _, disk in spans],
    }
    return {
        name: tuple(mean_interval(np.array(values), level=level) for level in (0.95, 0.997))
        for name, values in figures.items()
    }


def test_a_closed_network_is_that_of_mean_value_analysis() -> None:
    """Throughput and jobs at both stations, within 2 % of the exact values."""
    network = mean_value_analysis(DEMANDS, customers=CUSTOMERS, think=THINK)
    measured = closed_network(1.0, 30, ms(20_000))
    for name, exact in {"throughput": network.throughput, **network.queues}.items():
        assert agrees(measured[name], exact, within=0.02), f"{name}: {measured[name]} of {exact}"
        assert abs(measured[name][0].estimate / exact - 1.0) < 0.02


@pytest.mark.parametrize("slow", [1.05, 0.95])
def test_a_closed_network_with_a_cpu_5_percent_off_is_refused(slow: float) -> None:
    """Throughput and the queue at the CPU both show it."""
    network = mean_value_analysis(DEMANDS, customers=CUSTOMERS, think=THINK)
    measured = closed_network(slow, 30, ms(20_000))
    for name, exact in {"throughput": network.throughput, "cpu": network.queues["cpu"]}.items():
        assert not agrees(measured[name], exact, within=math.inf), f"{name}: {measured[name]}"


# -- quorum rounds --------------------------------------------------------------------------------


def _lognormal(values: Numbers) -> Numbers:
    with np.errstate(divide="ignore"):
        return np.asarray(ndtr(np.log(np.maximum(values, 0.0) / ms(2)) / 0.5))


LINKS: dict[str, tuple[Law, Function, Function]] = {
    "lognormal": (
        Lognormal(ms(2), 0.5),
        _lognormal,
        lambda p: np.asarray(ms(2) * np.exp(0.5 * ndtri(p))),
    ),
    "jittered": (
        Jittered(ms(1), Exponential(ms(3))),
        lambda t: -np.expm1(-np.maximum(t - ms(1), 0.0) / ms(3)),
        lambda p: ms(1) - ms(3) * np.log1p(-p),
    ),
    "gamma": (
        Gamma(ms(5), 2.0),
        lambda t: np.asarray(gammainc(2.0, np.maximum(t, 0.0) / ms(2.5))),
        lambda p: np.asarray(ms(2.5) * gammaincinv(2.0, p)),
    ),
}
"""A link law with its distribution and quantile functions."""


def quorum_rounds(law: Law, peers: int, needed: int, count: int) -> NDArray[np.int64]:
    """Rounds with `peers`: there and back on each link, done when so many have answered."""
    streams = Streams(3)
    trips = np.stack(
        [
            law.draw(streams.generator(f"network/n1->n{peer}"), count)
            + law.draw(streams.generator(f"network/n{peer}->n1"), count)
            for peer in range(2, peers + 2)
        ]
    )
    rounds: NDArray[np.int64] = np.partition(trips, needed - 1, axis=0)[needed - 1]
    return rounds


def off_by(law: str, peers: int, needed: int, assumed: int) -> float:
    """The worst relative error of mean, median and p99 of many rounds against integration."""
    draw, cdf, quantile = LINKS[law]
    rounds = quorum_rounds(draw, peers, needed, 500_000)
    exact = order_statistic_quantile(sum_of_two_quantile(cdf, quantile), assumed, peers)
    median, p99 = exact(np.array([0.5, 0.99])).tolist()
    pairs = {
        mean_of(exact): float(rounds.mean()),
        median: float(np.quantile(rounds, 0.5)),
        p99: float(np.quantile(rounds, 0.99)),
    }
    return max(abs(measured / theory - 1.0) for theory, measured in pairs.items())


@pytest.mark.parametrize("law", LINKS)
@pytest.mark.parametrize(("peers", "needed"), [(2, 1), (4, 2), (6, 3)])
def test_quorum_rounds_are_the_order_statistic_by_integration(
    law: str, peers: int, needed: int
) -> None:
    """Mean, median and p99 of a round with 3, 5 and 7 nodes lie within 1 %."""
    assert off_by(law, peers, needed, needed) < 0.01


@pytest.mark.parametrize("law", LINKS)
def test_one_answer_more_is_another_round(law: str) -> None:
    """The judge refuses a quorum that waits for one peer more than it is said to."""
    assert off_by(law, 4, 2, 3) > 0.1
