"""Latency laws: their moments and quantiles, and that the seed alone decides."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from numpy.typing import NDArray

from sim.dist import (
    LONGEST,
    Constant,
    Empirical,
    Exponential,
    Gamma,
    Jittered,
    Law,
    Lognormal,
    Mixture,
    Normal,
    Pareto,
    Uniform,
)
from sim.errors import InputError
from sim.units import ms, us

COUNT = 200_000

LAWS: dict[str, Law] = {
    "constant": Constant(ms(1)),
    "uniform": Uniform(ms(1), ms(3)),
    "normal": Normal(ms(1), us(800)),
    "lognormal": Lognormal(ms(215), 0.15),
    "exponential": Exponential(ms(20)),
    "gamma": Gamma(ms(20), 2.5),
    "pareto": Pareto(ms(1), 2.5),
    "empirical": Empirical(((0.0, us(215)), (0.5, us(270)), (0.99, us(900)), (1.0, ms(5)))),
    "mixture": Mixture(((3, Exponential(ms(1))), (1, Uniform(ms(5), ms(7))))),
    "jittered": Jittered(ms(180), Exponential(ms(20))),
}


def draws(law: Law, count: int = COUNT, seed: int = 1) -> NDArray[np.int64]:
    """Draws of a law from a generator with a fixed seed."""
    return law.draw(np.random.Generator(np.random.PCG64(seed)), count)


def close_in_mean(values: NDArray[np.int64], mean: float, std: float) -> bool:
    """Whether the sample mean is within three standard errors of `mean`."""
    return abs(float(values.mean()) - mean) < 3 * std / math.sqrt(len(values))


def share_up_to(values: NDArray[np.int64], value: float) -> float:
    """The share of the sample at or below `value`."""
    return float((values <= value).mean())


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_draws_are_whole_nanoseconds_from_0_on(law: Law) -> None:
    """Every law yields as many int64 as asked for, none of them negative."""
    values = draws(law, 1_000)
    assert values.dtype == np.int64
    assert values.shape == (1_000,)
    assert int(values.min()) >= 0
    assert draws(law, 0).shape == (0,)


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_the_same_seed_gives_the_same_draws(law: Law) -> None:
    """Blocks drawn from equal generators are equal; another seed gives others."""
    one, two = (np.random.Generator(np.random.PCG64(5)) for _ in range(2))
    for size in (1, 1024, 7):
        assert law.draw(one, size).tolist() == law.draw(two, size).tolist()
    if law.constant is None:
        assert draws(law, 100, seed=1).tolist() != draws(law, 100, seed=2).tolist()


def test_uniform_covers_its_range_evenly() -> None:
    """Both ends occur, the mean is in the middle, and a quarter lies in the first quarter."""
    values = draws(Uniform(0, 3))
    assert sorted(set(values.tolist())) == [0, 1, 2, 3]
    values = draws(Uniform(ms(1), ms(3)))
    assert close_in_mean(values, ms(2), ms(2) / math.sqrt(12))
    assert share_up_to(values, ms(1.5)) == pytest.approx(0.25, abs=0.003)


def test_normal_far_from_0_keeps_mean_and_std() -> None:
    """With a mean of ten standard deviations nothing is cut off."""
    values = draws(Normal(ms(10), ms(1)))
    assert close_in_mean(values, ms(10), ms(1))
    assert float(values.std()) == pytest.approx(ms(1), rel=0.01)
    assert share_up_to(values, ms(11)) == pytest.approx(NormalDist().cdf(1), abs=0.003)


def test_normal_near_0_is_cut_off_by_drawing_again() -> None:
    """The mean is that of the truncated law, mean + std phi(a) / (1 - Phi(a)); no pile at 0."""
    mean, std = ms(1), ms(1)
    standard = NormalDist()
    truncated = mean + std * standard.pdf(-mean / std) / (1 - standard.cdf(-mean / std))
    values = draws(Normal(mean, std))
    assert close_in_mean(values, truncated, std)
    assert share_up_to(values, 0) < 1e-4


def test_lognormal_by_median_and_sigma() -> None:
    """Half lies below the median, and quantiles are median exp(sigma z)."""
    values = draws(Lognormal(ms(215), 0.15))
    assert share_up_to(values, ms(215)) == pytest.approx(0.5, abs=0.003)
    for probability in (0.1, 0.9, 0.99):
        quantile = ms(215) * math.exp(0.15 * NormalDist().inv_cdf(probability))
        assert float(np.quantile(values, probability)) == pytest.approx(quantile, rel=0.005)


def test_lognormal_by_two_quantiles() -> None:
    """The sample has the quantiles that were asked for."""
    law = Lognormal.from_quantiles((0.5, ms(1)), (0.99, ms(4)))
    assert law.median == pytest.approx(ms(1))
    values = draws(law)
    assert share_up_to(values, ms(1)) == pytest.approx(0.5, abs=0.003)
    assert share_up_to(values, ms(4)) == pytest.approx(0.99, abs=0.001)
    low = Lognormal.from_quantiles((0.1, ms(1)), (0.9, ms(4)))
    assert low.median == pytest.approx(ms(2))


def test_lognormal_by_mean_and_std() -> None:
    """The sample has the mean and the standard deviation that were asked for."""
    values = draws(Lognormal.from_mean(ms(2), ms(1)))
    assert close_in_mean(values, ms(2), ms(1))
    assert float(values.std()) == pytest.approx(ms(1), rel=0.02)


def test_exponential() -> None:
    """The mean is the mean, and 1 - 1/e lies below it."""
    values = draws(Exponential(ms(20)))
    assert close_in_mean(values, ms(20), ms(20))
    assert share_up_to(values, ms(20)) == pytest.approx(1 - math.exp(-1), abs=0.003)


def test_gamma() -> None:
    """The mean is the mean, and the standard deviation mean / sqrt(shape)."""
    values = draws(Gamma(ms(20), 4.0))
    assert close_in_mean(values, ms(20), ms(10))
    assert float(values.std()) == pytest.approx(ms(10), rel=0.01)


def test_gamma_of_shape_1_is_exponential() -> None:
    """The share below the mean is that of the exponential law."""
    values = draws(Gamma(ms(20), 1.0))
    assert share_up_to(values, ms(20)) == pytest.approx(1 - math.exp(-1), abs=0.003)


def test_pareto() -> None:
    """Nothing is below the minimum, and (minimum / x)^alpha lies beyond x."""
    values = draws(Pareto(ms(1), 2.5))
    assert int(values.min()) >= ms(1)
    for times in (1.5, 2, 10):
        beyond = 1 - share_up_to(values, ms(times))
        assert beyond == pytest.approx(times**-2.5, abs=0.003)
    assert close_in_mean(values, ms(1) * 2.5 / 1.5, ms(1.5))


def test_empirical_is_linear_between_its_points() -> None:
    """The share below each value is what the table says, also between two points."""
    law = LAWS["empirical"]
    values = draws(law)
    assert us(215) <= int(values.min()) and int(values.max()) <= ms(5)
    for value, share in ((us(242.5), 0.25), (us(270), 0.5), (us(585), 0.745), (us(900), 0.99)):
        assert share_up_to(values, value) == pytest.approx(share, abs=0.003)
    mean = 0.5 * us(242.5) + 0.49 * us(585) + 0.01 * us(2950)
    assert close_in_mean(values, mean, us(400))


def test_empirical_with_a_flat_piece_has_an_atom() -> None:
    """Two points of one value give it the probability between them."""
    values = draws(Empirical(((0.0, 100), (0.3, 200), (0.7, 200), (1.0, 300))))
    assert float((values == 200).mean()) == pytest.approx(0.4, abs=0.01)


def test_mixture_draws_each_part_by_its_weight() -> None:
    """A quarter comes from the second part, and the mean is the weighted one."""
    values = draws(LAWS["mixture"])
    slow = values[values >= ms(5)]
    expected = 0.25 + 0.75 * math.exp(-5)
    assert len(slow) / COUNT == pytest.approx(expected, abs=0.003)
    assert close_in_mean(values, 0.75 * ms(1) + 0.25 * ms(6), ms(2.5))


def test_mixture_draws_no_more_than_it_needs() -> None:
    """After a mixture of constants the generator has given one number per draw."""
    one, two = (np.random.Generator(np.random.PCG64(5)) for _ in range(2))
    Mixture(((1, Constant(1)), (2, Constant(2)))).draw(one, 10)
    two.random(10)
    assert one.random() == two.random()


def test_jittered_is_the_base_plus_the_jitter() -> None:
    """The same draws as those of the jitter alone, moved by the base."""
    jitter = draws(Exponential(ms(20)), 100)
    assert (
        draws(Jittered(ms(180), Exponential(ms(20))), 100).tolist() == (jitter + ms(180)).tolist()
    )


def test_a_tail_that_has_no_end_stops_at_the_ceiling() -> None:
    """The heaviest tail stays a valid int64, alone and behind a base."""
    assert int(draws(Pareto(ms(1), 0.01), 1_000).max()) == LONGEST
    assert int(draws(Jittered(ms(1), Pareto(ms(1), 0.01)), 1_000).max()) == LONGEST


@pytest.mark.parametrize(
    ("law", "constant"),
    [
        (Constant(5), 5),
        (Uniform(5, 5), 5),
        (Normal(5, 0), 5),
        (Lognormal(5.0, 0.0), 5),
        (Lognormal.from_mean(5, 0), 5),
        (Exponential(0), 0),
        (Gamma(0, 2.0), 0),
        (Empirical(((0.0, 5), (1.0, 5))), 5),
        (Mixture(((1, Constant(5)), (2, Uniform(5, 5)))), 5),
        (Jittered(3, Constant(2)), 5),
        (Mixture(((1, Constant(5)), (2, Constant(6)))), None),
        (Mixture(((1, Constant(5)), (2, Exponential(5)))), None),
        (Pareto(5, 100.0), None),
        (LAWS["jittered"], None),
    ],
)
def test_a_law_without_spread_says_its_value(law: Law, constant: int | None) -> None:
    """`constant` is the only value there is, and the draws are that value."""
    assert law.constant == constant
    if constant is not None:
        assert set(draws(law, 50).tolist()) == {constant}


@pytest.mark.parametrize(
    ("law", "text"),
    [
        ("constant", "1 ms"),
        ("uniform", "uniform, 1 ms to 3 ms"),
        ("normal", "normal, 1 ms ± 800 us"),
        ("lognormal", "lognormal, median 215 ms, sigma 0.15"),
        ("exponential", "exponential, mean 20 ms"),
        ("gamma", "gamma, mean 20 ms, shape 2.5"),
        ("pareto", "pareto, from 1 ms, alpha 2.5"),
        ("empirical", "empirical, 215 us to 5 ms, 4 points"),
        ("mixture", "mixture, 0.75 of (exponential, mean 1 ms), 0.25 of (uniform, 5 ms to 7 ms)"),
        ("jittered", "180 ms + (exponential, mean 20 ms)"),
    ],
)
def test_a_law_describes_itself_with_units(law: str, text: str) -> None:
    """The text fits in a table and names every parameter."""
    assert LAWS[law].describe() == text


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda: Constant(-1), "constant: expected value to be a duration of 0 or more, got -1 ns"),
        (
            lambda: Constant(LONGEST + 1),
            (
                "constant: expected value to be a duration of 0 or more, "
                "4611686018427387904 ns at most, got "
                "4611686018427387905 ns"
            ),
        ),
        (lambda: Uniform(-1, 5), "uniform: expected low to be a duration of 0 or more, got -1 ns"),
        (lambda: Uniform(6, 5), "uniform: expected low to be at most high, got 6 ns and 5 ns"),
        (lambda: Normal(-1, 5), "normal: expected mean to be a duration of 0 or more, got -1 ns"),
        (lambda: Normal(1, -5), "normal: expected std to be a duration of 0 or more, got -5 ns"),
        (lambda: Lognormal(0.0, 1.0), "lognormal: expected median to be above 0, got 0"),
        (lambda: Lognormal(1.0, -0.5), "lognormal: expected sigma to be 0 or more, got -0.5"),
        (lambda: Lognormal(1.0, math.nan), "lognormal: expected sigma to be 0 or more, got nan"),
        (lambda: Lognormal(math.inf, 1.0), "lognormal: expected median to be above 0, got inf"),
        (lambda: Lognormal.from_mean(0, 1), "lognormal: expected mean to be above 0, got 0"),
        (
            lambda: Lognormal.from_mean(1, -1),
            ("lognormal: expected std to be a duration of 0 or more, got -1 ns"),
        ),
        (
            lambda: Lognormal.from_quantiles((0.0, 1), (0.5, 2)),
            "lognormal: expected quantiles between 0 and 1, without either, got 0",
        ),
        (
            lambda: Lognormal.from_quantiles((0.5, 1), (1.0, 2)),
            "lognormal: expected quantiles between 0 and 1, without either, got 1",
        ),
        (
            lambda: Lognormal.from_quantiles((0.5, 0), (0.9, 2)),
            "lognormal: expected the quantile 0.5 to be above 0, got 0",
        ),
        (
            lambda: Lognormal.from_quantiles((0.5, 3), (0.9, 2)),
            "lognormal: expected two quantiles that rise, got 3 ns at 0.5 and 2 ns at 0.9",
        ),
        (
            lambda: Lognormal.from_quantiles((0.5, 2), (0.5, 3)),
            "lognormal: expected two quantiles that rise, got 2 ns at 0.5 and 3 ns at 0.5",
        ),
        (
            lambda: Exponential(-1),
            ("exponential: expected mean to be a duration of 0 or more, got -1 ns"),
        ),
        (lambda: Gamma(-1, 1.0), "gamma: expected mean to be a duration of 0 or more, got -1 ns"),
        (lambda: Gamma(1, 0.0), "gamma: expected shape to be above 0, got 0"),
        (lambda: Pareto(0, 1.0), "pareto: expected minimum to be above 0, got 0"),
        (lambda: Pareto(1, 0.0), "pareto: expected alpha to be above 0, got 0"),
        (
            lambda: Empirical(()),
            ("empirical: expected quantiles from 0 (the minimum) to 1 (the maximum), got none"),
        ),
        (
            lambda: Empirical(((0.0, 1), (0.9, 2))),
            ("empirical: expected quantiles from 0 (the minimum) to 1 (the maximum), got 0, 0.9"),
        ),
        (
            lambda: Empirical(((0.0, -1), (1.0, 2))),
            ("empirical: expected a quantile to be a duration of 0 or more, got -1 ns"),
        ),
        (
            lambda: Empirical(((0.0, 3), (1.0, 2))),
            ("empirical: expected quantiles that rise, got 3 ns at 0 and 2 ns at 1"),
        ),
        (
            lambda: Empirical(((0.0, 1), (0.6, 2), (0.4, 3), (1.0, 4))),
            "empirical: expected quantiles that rise, got 2 ns at 0.6 and 3 ns at 0.4",
        ),
        (lambda: Mixture(()), "mixture: expected at least one part, got none"),
        (lambda: Mixture(((0.0, Constant(1)),)), "mixture: expected weight to be above 0, got 0"),
        (
            lambda: Jittered(-1, Constant(1)),
            ("jittered: expected base to be a duration of 0 or more, got -1 ns"),
        ),
    ],
)
def test_parameters_that_make_no_law_are_refused(build: object, text: str) -> None:
    """Each refusal says which law and which parameter, what was expected and what came."""
    assert callable(build)
    with pytest.raises(InputError) as caught:
        build()
    assert str(caught.value) == text
