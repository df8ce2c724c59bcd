"""Theory: formulas against figures in print, against each other, and against brute force."""

import math

import pytest

from reports.theory import fit_scalability, md1_wait, mg1_wait, mm1_wait, operational_bound


def test_waits_of_one_server_by_hand() -> None:
    """At 80 %, service 2: M/M/1 waits 8, M/D/1 half of it, anything between in proportion."""
    assert mm1_wait(0.4, 2.0) == pytest.approx(8.0)
    assert md1_wait(0.4, 2.0) == pytest.approx(4.0)
    assert mg1_wait(0.4, 2.0, 0.5) == pytest.approx(6.0)


def test_a_saturated_queue_waits_without_end() -> None:
    """Infinity and no error, from 100 % on."""
    assert math.isinf(mm1_wait(1.0, 1.0)) and math.isinf(md1_wait(2.0, 1.0))


def test_the_bound_of_a_system_by_hand() -> None:
    """A disk of 30 ms and two processors of 40 ms: the disk is full at 33 1/3 jobs a second."""
    found = operational_bound({"cpu": 0.040, "disk": 0.030}, {"cpu": 2})
    assert (found.bottleneck, found.throughput) == ("disk", pytest.approx(1 / 0.030))


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
