"""Theory: formulas against figures in print, against each other, and against brute force.

That simulations agree with them, and wrong ones do not, is the business of tests/sim/test_queueing.
"""

import math
from itertools import product

import numpy as np
import pytest
from scipy.special import factorial
from scipy.stats import beta, expon, gamma, uniform

from reports.theory import (
    bounds,
    erlang_c,
    fit_scalability,
    md1_wait,
    mean_of,
    mean_value_analysis,
    mg1_wait,
    mm1_response_quantile,
    mm1_wait,
    mmc_wait,
    order_statistic_mean_of,
    order_statistic_quantile,
    samples_quantile,
    sum_of_two_cdf,
    sum_of_two_quantile,
)


def test_waits_of_one_server_by_hand() -> None:
    """At 80 %, service 2: M/M/1 waits 8, M/D/1 half of it, anything between in proportion."""
    assert mm1_wait(0.4, 2.0) == pytest.approx(8.0)
    assert md1_wait(0.4, 2.0) == pytest.approx(4.0)
    assert mg1_wait(0.4, 2.0, 0.5) == pytest.approx(6.0)


def test_a_saturated_queue_waits_without_end() -> None:
    """Infinity and no error, from 100 % on."""
    found = [mm1_wait(1.0, 1.0), md1_wait(2.0, 1.0), mmc_wait(4.0, 1.0, 4)]
    found += [mm1_response_quantile(1.0, 1.0, 0.5)]
    assert all(math.isinf(each) for each in found)
    assert erlang_c(5.0, 4) == 1.0


def test_the_response_of_mm1_is_exponential() -> None:
    """Its mean is wait plus service, its median that times ln 2."""
    assert mm1_response_quantile(0.5, 1.0, 0.5) == pytest.approx(2.0 * math.log(2.0))
    assert mm1_response_quantile(0.5, 1.0, 0.99) == pytest.approx(2.0 * math.log(100.0))


@pytest.mark.parametrize(("load", "servers"), [(0.5, 1), (2.0, 3), (7.5, 8), (60.0, 64)])
def test_erlang_c_is_the_formula_with_factorials(load: float, servers: int) -> None:
    """By its definition, which overflows for more servers than these."""
    below = sum(load**k / factorial(k) for k in range(servers))
    waiting = load**servers / factorial(servers) / (1.0 - load / servers)
    assert erlang_c(load, servers) == pytest.approx(waiting / (below + waiting), rel=1e-9)


def test_many_servers_do_not_overflow() -> None:
    """1,000 of them at 95 %; one server is M/M/1."""
    assert 0.0 < erlang_c(950.0, 1_000) < 0.2
    assert mmc_wait(0.8, 1.0, 1) == pytest.approx(mm1_wait(0.8, 1.0))


def test_bounds_of_a_system_by_hand() -> None:
    """A disk of 30 ms and two processors of 40 ms: the disk is full at 33 1/3 jobs a second."""
    found = bounds({"cpu": 0.040, "disk": 0.030}, {"cpu": 2}, think=0.93)
    assert (found.bottleneck, found.demand) == ("disk", pytest.approx(0.070))
    assert found.throughput_max == pytest.approx(1 / 0.030)
    assert found.knee == pytest.approx(1.0 / 0.030)
    assert found.throughput_at_most(10) == pytest.approx(10.0)
    assert found.throughput_at_most(1_000) == pytest.approx(1 / 0.030)
    assert found.response_at_least(1) == pytest.approx(0.070)
    assert found.response_at_least(100) == pytest.approx(100 * 0.030 - 0.93)


def test_mean_values_of_a_balanced_network() -> None:
    """K equal stations and N customers without thinking: X = N / (N + K - 1) / D."""
    for customers, stations in product((1, 2, 7), (1, 2, 5)):
        demands = {f"s{number}": 0.5 for number in range(stations)}
        found = mean_value_analysis(demands, customers=customers, think=0.0)
        assert found.throughput == pytest.approx(customers / (customers + stations - 1) / 0.5)
        assert sum(found.queues.values()) == pytest.approx(customers)


def test_mean_values_stay_within_the_bounds() -> None:
    """Little's law holds, and neither bound is passed."""
    demands = {"a": 0.2, "b": 0.05, "c": 0.11}
    limits = bounds(demands, {}, think=1.0)
    for customers in range(1, 40):
        found = mean_value_analysis(demands, customers=customers, think=1.0)
        assert found.throughput * (found.response + 1.0) == pytest.approx(customers)
        assert found.throughput <= limits.throughput_at_most(customers) + 1e-12
        assert found.response >= limits.response_at_least(customers) - 1e-12


@pytest.mark.parametrize(("rank", "count"), [(1, 2), (2, 4), (1, 4), (4, 4)])
def test_the_order_statistic_of_uniform_draws_is_a_beta_law(rank: int, count: int) -> None:
    """Its mean is rank / (count + 1)."""
    quantile = order_statistic_quantile(uniform.ppf, rank, count)
    shares = np.array([0.01, 0.5, 0.99])
    assert quantile(shares) == pytest.approx(beta.ppf(shares, rank, count - rank + 1))
    assert mean_of(quantile) == pytest.approx(rank / (count + 1), rel=1e-9)


def test_the_least_of_exponential_draws_is_exponential() -> None:
    """A tail without end does not spoil the mean."""
    assert mean_of(order_statistic_quantile(expon.ppf, 1, 4)) == pytest.approx(0.25, rel=1e-6)
    assert mean_of(expon.ppf) == pytest.approx(1.0, rel=1e-6)


def test_the_sum_of_two_exponential_draws_is_a_gamma_law() -> None:
    """Both ways, values to shares and back."""
    values = np.array([0.1, 1.0, 2.0, 7.0])
    shares = sum_of_two_cdf(expon.cdf, expon.ppf)(values)
    assert shares == pytest.approx(gamma.cdf(values, 2), rel=1e-6)
    assert sum_of_two_quantile(expon.cdf, expon.ppf)(shares) == pytest.approx(values, rel=1e-6)


def test_order_statistics_of_samples_are_those_of_all_choices() -> None:
    """The second of three draws from four values, over all 64 equally likely choices."""
    samples = [5.0, 1.0, 9.0, 2.0]
    every = [sorted(chosen)[1] for chosen in product(samples, repeat=3)]
    assert order_statistic_mean_of(samples, 2, 3) == pytest.approx(float(np.mean(every)))
    quantile = samples_quantile(samples)
    assert quantile(np.array([0.01, 0.25, 0.26, 0.99])).tolist() == [1.0, 1.0, 2.0, 9.0]


@pytest.mark.parametrize(("sigma", "kappa"), [(0.05, 0.001), (0.0, 0.002), (0.1, 0.0)])
def test_the_fit_finds_the_law_that_made_the_figures(sigma: float, kappa: float) -> None:
    """And where it peaks, if it does."""
    loads = [1, 2, 4, 8, 16, 32, 64]
    found = fit_scalability(
        loads, [90.0 * n / (1 + sigma * (n - 1) + kappa * n * (n - 1)) for n in loads]
    )
    assert (found.rate, found.sigma, found.kappa) == (
        pytest.approx(90.0, rel=1e-4),
        pytest.approx(sigma, abs=1e-5),
        pytest.approx(kappa, abs=1e-6),
    )
    assert found.error < 1e-4
    if kappa:
        assert found.peak_load == pytest.approx(math.sqrt((1 - sigma) / kappa), rel=1e-2)
        assert found.peak_throughput == pytest.approx(found.throughput(found.peak_load))
    else:
        assert math.isinf(found.peak_load)
        assert found.peak_throughput == pytest.approx(90.0 / sigma, rel=1e-3)


def test_a_fit_needs_three_loads() -> None:
    """All above 0, and as many throughputs."""
    for loads, throughputs in (([1, 2], [1, 2]), ([1, 1, 1], [1, 1, 1]), ([1, 2, 3], [1, 2, 0])):
        with pytest.raises(ValueError, match="three loads or more"):
            fit_scalability(loads, throughputs)
