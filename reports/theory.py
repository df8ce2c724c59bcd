"""Theory: what formulas say of a queue, and of a system of them, beside a simulation.

Times are numbers in one unit of the caller's choice and rates are per that unit, so that rate times
service is a utilisation. A queue at utilisation 1 or more waits without end: `inf`, never an error.

Sources, named where they are used:

- [Kleinrock] L. Kleinrock, Queueing Systems, volume 1, Wiley 1975.
- [Denning] P. Denning and J. Buzen, The Operational Analysis of Queueing Network Models, Computing
  Surveys 10(3), 1978; the bounds also in E. Lazowska et al., Quantitative System Performance, 1984.
- [Gunther] N. Gunther, Guerrilla Capacity Planning, Springer 2007, chapters 4 to 6.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares, nnls

Numbers: TypeAlias = NDArray[np.float64]


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


# -- networks of queues ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bound:
    """What no system with these demands can exceed, whatever the laws [Denning]."""

    bottleneck: str
    throughput: float
    """X <= 1 / D_max."""


def operational_bound(demands: Mapping[str, float], servers: Mapping[str, float]) -> Bound:
    """The operational bound from the demand per job (visits times service time) of each resource.

    `servers` names those that have another number than one, which may be what is left of them by
    work that is there at any load; a resource saturates at servers / demand.
    """
    assert demands, "no resources"
    loads = {name: demand / servers.get(name, 1) for name, demand in demands.items()}
    bottleneck = max(loads, key=lambda name: loads[name])
    most = loads[bottleneck]
    return Bound(bottleneck, 1.0 / most if most else math.inf)


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
