"""Theory: what formulas say of queues, networks of queues and quorums, beside a simulation.

Times are numbers in one unit of the caller's choice and rates are per that unit, so that rate times
service is a utilisation. A queue at utilisation 1 or more waits without end: `inf`, never an error.

Sources, named where they are used:

- [Kleinrock] L. Kleinrock, Queueing Systems, volume 1, Wiley 1975.
- [Denning] P. Denning and J. Buzen, The Operational Analysis of Queueing Network Models, Computing
  Surveys 10(3), 1978; the bounds also in E. Lazowska et al., Quantitative System Performance, 1984.
- [Reiser] M. Reiser and S. Lavenberg, Mean-Value Analysis of Closed Multichain Queuing Networks,
  Journal of the ACM 27(2), 1980.
- [Gunther] N. Gunther, Guerrilla Capacity Planning, Springer 2007, chapters 4 to 6.
- [David] H. David and H. Nagaraja, Order Statistics, 3rd edition, Wiley 2003, section 2.1.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import fixed_quad
from scipy.optimize import least_squares, nnls
from scipy.special import betainc, betaincinv, expit

Numbers: TypeAlias = NDArray[np.float64]
Function: TypeAlias = Callable[[Numbers], Numbers]
"""A function of each number of an array: a quantile function takes probabilities (above 0, below 1)
to values, a distribution function takes values to probabilities."""

_NODES: Final = 160
"""Points at which a function is read for one integral."""
_REACH: Final = 3.1
"""How far the substituted integral goes: to probabilities of 10^-15 at either edge."""
_HALVINGS: Final = 48
"""Of the interval in which a quantile lies: enough for 14 digits."""


# -- one queue ------------------------------------------------------------------------------------


def mg1_wait(rate: float, service: float, variation: float) -> float:
    """Mean time in the queue of M/G/1: Poisson arrivals, one server, any service times.

    `variation` is the squared coefficient of variation of the service time, (std / mean)²: 0 for a
    constant, 1 for an exponential law. W = rho S (1 + variation) / (2 (1 - rho)), the formula of
    Pollaczek and Khinchine [Kleinrock 5.6].
    """
    rho = rate * service
    return rho * service * (1.0 + variation) / (2.0 * (1.0 - rho)) if rho < 1.0 else math.inf


def mm1_wait(rate: float, service: float) -> float:
    """Mean time in the queue of M/M/1, exponential service: rho S / (1 - rho) [Kleinrock 3.2]."""
    return mg1_wait(rate, service, 1.0)


def md1_wait(rate: float, service: float) -> float:
    """Mean time in the queue of M/D/1, constant service: half that of M/M/1 [Kleinrock 5.6]."""
    return mg1_wait(rate, service, 0.0)


def mm1_response_quantile(rate: float, service: float, probability: float) -> float:
    """Quantile of waiting plus service of M/M/1.

    The response time is exponential with mean S / (1 - rho) [Kleinrock 5.7]; p99 is 4.6 times that.
    """
    if rate * service >= 1.0:
        return math.inf
    return -math.log1p(-probability) * service / (1.0 - rate * service)


def erlang_c(load: float, servers: int) -> float:
    """Probability that a job of M/M/c has to wait, at `load` = rate times service, in Erlang.

    From Erlang's loss formula by its recursion over the number of servers, which is stable where
    factorials overflow [Kleinrock 3.5].
    """
    if load >= servers:
        return 1.0
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked = load * blocked / (count + load * blocked)
    return blocked / (1.0 - load / servers * (1.0 - blocked))


def mmc_wait(rate: float, service: float, servers: int) -> float:
    """Mean time in the queue of M/M/c, exponential service at each of c servers [Kleinrock 3.5]."""
    load = rate * service
    return erlang_c(load, servers) * service / (servers - load) if load < servers else math.inf


# -- networks of queues ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bounds:
    """What no system with these demands can exceed, whatever the laws [Denning]."""

    bottleneck: str
    """The resource that saturates first; the first of those that tie."""
    throughput_max: float
    """1 / D_max: jobs per unit of time at which the bottleneck is busy all the time."""
    demand: float
    """The time that a job alone in the system takes: all demands together."""
    think: float
    """The time between the end of a customer's job and its next."""

    @property
    def knee(self) -> float:
        """The number of customers at which the two bounds cross: (D + Z) / D_max."""
        return (self.demand + self.think) * self.throughput_max

    def throughput_at_most(self, customers: float) -> float:
        """X(N) <= min(1 / D_max, N / (D + Z))."""
        alone = self.demand + self.think
        return min(self.throughput_max, customers / alone) if alone else self.throughput_max

    def response_at_least(self, customers: float) -> float:
        """R(N) >= max(D, N D_max - Z)."""
        return max(self.demand, customers / self.throughput_max - self.think)


def bounds(demands: Mapping[str, float], servers: Mapping[str, float], think: float) -> Bounds:
    """The operational bounds from the demand per job (visits times service time) of each resource.

    `servers` names those that have another number than one, which may be what is left of them by
    work that is there at any load; a resource saturates at servers / demand.
    """
    assert demands, "no resources"
    loads = {name: demand / servers.get(name, 1) for name, demand in demands.items()}
    bottleneck = max(loads, key=lambda name: loads[name])
    most = loads[bottleneck]
    return Bounds(bottleneck, 1.0 / most if most else math.inf, sum(demands.values()), think)


@dataclass(frozen=True, slots=True)
class ClosedNetwork:
    """A closed network in equilibrium."""

    throughput: float
    response: float
    """Time from the end of thinking to the end of the job."""
    queues: dict[str, float]
    """Jobs at each station on average, those in service included."""


def mean_value_analysis(
    demands: Mapping[str, float], *, customers: int, think: float
) -> ClosedNetwork:
    """Exact mean values of a closed network: one customer more at a time [Reiser].

    Each station has one server, first come first served with exponential service (or processor
    sharing with any); `think` is time spent without queueing. An arriving customer finds the
    station as it is on average with one customer less.
    """
    queues = dict.fromkeys(demands, 0.0)
    throughput = response = 0.0
    for count in range(1, customers + 1):
        residence = {name: demand * (1.0 + queues[name]) for name, demand in demands.items()}
        response = sum(residence.values())
        throughput = count / (response + think)
        queues = {name: throughput * time for name, time in residence.items()}
    return ClosedNetwork(throughput, response, queues)


# -- quorums --------------------------------------------------------------------------------------


def order_statistic_quantile(quantile: Function, rank: int, count: int) -> Function:
    """The quantile function of the `rank`-th smallest of `count` independent draws of a law.

    It is below q(u) where at least `rank` draws are, and that is an incomplete beta function of u
    [David].
    """

    def of(probabilities: Numbers) -> Numbers:
        return quantile(betaincinv(rank, count - rank + 1, probabilities))

    return of


def mean_of(quantile: Function) -> float:
    """The mean of the law with this quantile function, which is the integral of it from 0 to 1."""
    return float(_integral(quantile, np.ones(1))[0])


def sum_of_two_cdf(cdf: Function, quantile: Function) -> Function:
    """The distribution function of the sum of two independent draws of a law, such as a round trip.

    P(X + Y <= t), with h = t / 2: both are at most h, or one of the two is and the other lies
    between h and what is left. The integrand is smooth where that of a plain convolution ends.
    """

    def of(values: Numbers) -> Numbers:
        half = cdf(values / 2.0)

        def one_beyond(shares: Numbers) -> Numbers:
            beyond: Numbers = cdf(values[..., None] - quantile(shares)) - half[..., None]
            return beyond

        both_and_one: Numbers = half**2 + 2.0 * _integral(one_beyond, half)
        return both_and_one

    return of


def sum_of_two_quantile(cdf: Function, quantile: Function) -> Function:
    """The quantile function of the sum of two independent draws of a law, by bisection."""
    summed = sum_of_two_cdf(cdf, quantile)

    def of(probabilities: Numbers) -> Numbers:
        # If the sum is at most 2 q, one of the two is at most q; if both are, so is the sum.
        low = 2.0 * quantile(-np.expm1(np.log1p(-probabilities) / 2.0))
        high = 2.0 * quantile(np.sqrt(probabilities))
        for _ in range(_HALVINGS):
            middle = (low + high) / 2.0
            below = summed(middle) < probabilities
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return high

    return of


def samples_quantile(samples: Sequence[float] | Numbers) -> Function:
    """The quantile function of the law of these samples: each of them equally likely."""
    ordered = np.sort(np.asarray(samples, dtype=np.float64))

    def of(probabilities: Numbers) -> Numbers:
        ranks = np.ceil(probabilities * ordered.size).astype(np.int64)
        chosen: Numbers = ordered[np.clip(ranks, 1, ordered.size) - 1]
        return chosen

    return of


def order_statistic_mean_of(samples: Sequence[float] | Numbers, rank: int, count: int) -> float:
    """Mean of the `rank`-th smallest of `count` draws, with replacement, from these samples.

    Without integration: each sample counts with the probability that it is the order statistic.
    """
    ordered = np.sort(np.asarray(samples, dtype=np.float64))
    edges = betainc(rank, count - rank + 1, np.linspace(0.0, 1.0, ordered.size + 1))
    return float(np.diff(edges) @ ordered)


def _integral(function: Function, ends: Numbers) -> Numbers:
    """The integral of a function of a probability from 0 to each of `ends`.

    The double exponential substitution of Takahasi and Mori (1974) crowds the nodes at both edges,
    where quantile functions rise without end; Gauss and Legendre's rule then needs few of them.
    """

    def substituted(steps: Numbers) -> Numbers:
        shares = expit(np.pi * np.sinh(steps))
        slopes = np.pi * np.cosh(steps) * shares * expit(-np.pi * np.sinh(steps))
        values: Numbers = function(ends[..., None] * shares) * slopes
        return values

    return ends * np.asarray(fixed_quad(substituted, -_REACH, _REACH, n=_NODES)[0])


# -- scalability ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scalability:
    """Gunther's universal scalability law: X(N) = rate N / (1 + sigma (N-1) + kappa N (N-1))."""

    rate: float
    """Throughput at N = 1 (lambda)."""
    sigma: float
    """Contention: the share of the work that is done by one at a time."""
    kappa: float
    """Coherency: what each pair costs; above 0, throughput has a peak."""
    error: float
    """Root mean square of the relative errors of the fit."""

    def throughput(self, load: float) -> float:
        """X(N)."""
        contention = self.sigma * (load - 1.0)
        return self.rate * load / (1.0 + contention + self.kappa * load * (load - 1.0))

    @property
    def peak_load(self) -> float:
        """Where throughput is greatest: sqrt((1 - sigma) / kappa), `inf` when it never falls."""
        if self.kappa == 0.0:
            return math.inf
        return max(math.sqrt(max(1.0 - self.sigma, 0.0) / self.kappa), 1.0)

    @property
    def peak_throughput(self) -> float:
        """The greatest throughput; without a peak, the limit rate / sigma."""
        if self.kappa == 0.0:
            return self.rate / self.sigma if self.sigma else math.inf
        return self.throughput(self.peak_load)


def fit_scalability(loads: Sequence[float], throughputs: Sequence[float]) -> Scalability:
    """Fit Gunther's law to throughput measured at three loads or more, by least squares [Gunther].

    Errors are relative, so that low loads count as much as high ones. sigma and kappa are 0 or
    more. The start is the solution of N / X = a + b (N-1) + c N (N-1), which is linear.
    """
    n = np.asarray(loads, dtype=np.float64)
    x = np.asarray(throughputs, dtype=np.float64)
    if n.size != x.size or np.unique(n).size < 3 or np.any(n <= 0) or np.any(x <= 0):
        raise ValueError("expected a throughput above 0 at each of three loads or more above 0")
    terms = np.stack([np.ones_like(n), n - 1.0, n * (n - 1.0)], axis=1)
    start, _ = nnls(terms * (x / n)[:, None], np.ones_like(n))
    first = max(float(start[0]), 1e-9 * float(np.min(n / x)))
    begin = np.array([1.0, float(start[1]) / first, float(start[2]) / first])

    def errors(parameters: Numbers) -> Numbers:
        scale, sigma, kappa = parameters
        fitted = scale / first * n / (1.0 + sigma * (n - 1.0) + kappa * n * (n - 1.0))
        relative: Numbers = fitted / x - 1.0
        return relative

    scales = np.array([1.0, 1.0 / float(n.max()), 1.0 / float(n.max()) ** 2])
    result = least_squares(
        errors, begin, bounds=([0.0, 0.0, 0.0], [np.inf] * 3), x_scale=scales, xtol=1e-12
    )
    scale, sigma, kappa = (float(value) for value in result.x)
    # The solver stays a hair inside its bounds; what changes nothing at the greatest load is 0.
    sigma = sigma if sigma * float(n.max()) > 1e-6 else 0.0
    kappa = kappa if kappa * float(n.max()) ** 2 > 1e-6 else 0.0
    error = math.sqrt(float(np.mean(np.square(result.fun))))
    return Scalability(scale / first, sigma, kappa, error)
