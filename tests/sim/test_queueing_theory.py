"""The theory of the queueing tests: against figures in print, each other, and brute force."""

import math
from itertools import product

import numpy as np
import pytest
from scipy.special import factorial
from scipy.stats import beta, expon, gamma, uniform

from reports.theory import mm1_wait
from tests.sim.queueing_theory import (
    erlang_c,
    mean_of,
    mean_value_analysis,
    mm1_response_quantile,
    mmc_wait,
    order_statistic_quantile,
    sum_of_two_cdf,
    sum_of_two_quantile,
)


def test_a_saturated_queue_waits_without_end() -> None:
    """Infinity and no error, from 100 % on."""
    found = [mmc_wait(4.0, 1.0, 4), mm1_response_quantile(1.0, 1.0, 0.5)]
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


def test_mean_values_of_a_balanced_network() -> None:
    """K equal stations and N customers without thinking: X = N / (N + K - 1) / D."""
    for customers, stations in product((1, 2, 7), (1, 2, 5)):
        demands = {f"s{number}": 0.5 for number in range(stations)}
        found = mean_value_analysis(demands, customers=customers, think=0.0)
        assert found.throughput == pytest.approx(customers / (customers + stations - 1) / 0.5)
        assert sum(found.queues.values()) == pytest.approx(customers)


def test_mean_values_stay_within_the_bounds() -> None:
    """Little's law holds, and neither operational bound is passed."""
    demands = {"a": 0.2, "b": 0.05, "c": 0.11}
    for customers in range(1, 40):
        found = mean_value_analysis(demands, customers=customers, think=1.0)
        assert found.throughput * (found.response + 1.0) == pytest.approx(customers)
        assert found.throughput <= min(1.0 / 0.2, customers / (0.36 + 1.0)) + 1e-12
        assert found.response >= max(0.36, customers * 0.2 - 1.0) - 1e-12


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
