"""Sensitivity: known causes are found, and chance is not taken for one."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from reports.sweeping.rows import Sweep
from reports.sweeping.sensitivity import effects, means, ranking
from tests.reports.sweeping.sweeps import row, sweep


def test_settings_that_multiply_share_the_variance() -> None:
    """A product has no interactions on the log scale: shares are those of the logarithms."""
    made = sweep(lambda a, b, c: a**2 * b, a=[1, 10, 100], b=[1, 10, 100], c=[1, 2])
    first, second, third = effects(made, "one_fence")
    assert [effect.path for effect in (first, second, third)] == ["a", "b", "c"]
    assert (first.share, second.share, third.share) == pytest.approx((0.8, 0.2, 0))
    assert (first.factor, second.factor, third.factor) == pytest.approx((1e4, 1e2, 1))
    numbers = np.array([(r.settings[0], r.value) for r in made.rows], dtype=float)
    assert first.trend == pytest.approx(spearmanr(numbers[:, 0], numbers[:, 1]).statistic)
    assert third.trend == pytest.approx(0, abs=1e-9)


def test_what_settings_do_together_is_nobodys() -> None:
    """Two settings of which neither matters alone."""
    made = sweep(lambda a, b: 10.0 if a == b else 1000.0, a=[1, 2], b=[1, 2])
    assert [effect.share for effect in effects(made, "one_fence")] == pytest.approx([0, 0])


def test_text_has_a_share_and_no_trend() -> None:
    """Its values have no order."""
    made = sweep(lambda a: {"x": 1e3, "y": 1e6}[a], a=["x", "y"])
    (effect,) = effects(made, "one_fence")
    assert (effect.share, effect.trend) == (pytest.approx(1), None)
    assert effect.factor == pytest.approx(1000)


def test_where_nothing_varies_nothing_is_explained() -> None:
    """No division by nothing, with one row or none either."""
    for count in (1, 3):
        (effect,) = effects(sweep(lambda a: 5e6, a=list(range(1, count + 1))), "one_fence")
        assert (effect.share, effect.factor, effect.trend) == (0.0, 1.0, 0.0)
    assert effects(sweep(lambda a: None, a=[1, 2]), "one_fence") == []


def cube(seed: int, weight: float) -> Sweep:
    """A Latin hypercube of two settings, of which the first matters so much, the second not."""
    rng = np.random.default_rng(seed)
    rows = [
        row(float(np.exp(weight * a + rng.normal())) * 1e6, settings=(float(a), float(b)),
            variant="v", seed=1)
        for a, b in zip(rng.permutation(64) / 64, rng.permutation(64) / 64, strict=True)
    ]  # fmt: skip
    return Sweep("cube", "", "0", "latin_hypercube", ["a", "b"], rows)


def test_a_hypercube_is_told_by_groups() -> None:
    """A true share is found, and what chance explains is taken off."""
    true = np.var(8 * np.arange(64) / 64)
    found = [{e.path: e.share for e in effects(cube(seed, 8), "v")} for seed in range(40)]
    assert np.mean([each["a"] for each in found]) == pytest.approx(true / (true + 1), abs=0.03)
    assert np.mean([each["b"] for each in found]) < 0.05
    assert len(means(cube(1, 8), cube(1, 8).of("v"), 0)) == 8


def test_the_ranking_is_over_all_variants() -> None:
    """A setting that moves one of them matters."""
    made = sweep(lambda a, b: a, variants=("x", "y"), a=[1, 2], b=[1, 2])
    swapped = [
        row(float(r.settings[1]), settings=r.settings, variant="y", seed=1) if r.variant == "y"
        else r for r in made.rows
    ]  # fmt: skip
    assert ranking(Sweep("s", "", "0", "grid", ["b", "a"], swapped)) in (["b", "a"], ["a", "b"])
    assert ranking(made) == ["a", "b"]


def test_means_are_geometric() -> None:
    """Over all else, in the order of the values."""
    made = sweep(lambda a, b: a * b, a=[100, 1], b=[1, 100])
    found = means(made, made.of("one_fence"), 0)
    assert [(mean.shown, mean.rows) for mean in found] == [("1", 2), ("100", 2)]
    assert [mean.value_ns for mean in found] == pytest.approx([10, 1000])
