"""Theory that simulations are held against: queues, closed networks of them, order statistics.

What a plan shows beside its figures is in `reports.theory`; the units are as there. Sources:

- [Kleinrock] L. Kleinrock, Queueing Systems, volume 1, Wiley 1975.
- [Reiser] M. Reiser and S. Lavenberg, Mean-Value Analysis of Closed Multichain Queuing Networks,
  Journal of the ACM 27(2), 1980.
- [David] H. David and H. Nagaraja, Order Statistics, 3rd edition, Wiley 2003, section 2.1.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import fixed_quad
from scipy.special import betaincinv, expit

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
