"""Laws as a scenario writes them."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from sim.dist import (
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
from sim.dist_spec import LawSpec
from sim.fields import Spec
from sim.units import ms, us


class Link(Spec):
    """A schema with a law, as a scenario might have it."""

    delay: LawSpec


def read(value: Any) -> Link:
    """The schema with this delay."""
    return Link.model_validate({"delay": value})


def complaints(value: Any) -> list[tuple[str, str]]:
    """Where and why a delay is refused."""
    with pytest.raises(ValidationError) as caught:
        read(value)
    return [
        (".".join(str(part) for part in error["loc"]), error["msg"])
        for error in caught.value.errors()
    ]


LAWS: list[tuple[Any, Law]] = [
    ("1ms", Constant(ms(1))),
    (0, Constant(0)),
    ({"law": "constant", "value": "1ms"}, Constant(ms(1))),
    ({"law": "uniform", "low": "1ms", "high": "2ms"}, Uniform(ms(1), ms(2))),
    ({"law": "normal", "mean": "1ms", "std": "200us"}, Normal(ms(1), us(200))),
    ({"law": "lognormal", "median": "215ms", "sigma": 0.15}, Lognormal(ms(215), 0.15)),
    (
        {"law": "lognormal", "quantiles": {"p50": "1ms", "p99": "4ms"}},
        Lognormal.from_quantiles((0.5, ms(1)), (0.99, ms(4))),
    ),
    (
        {"law": "lognormal", "quantiles": {"p99.9": "4ms", 0.5: "1ms"}},
        Lognormal.from_quantiles((0.5, ms(1)), (0.999, ms(4))),
    ),
    (
        {"law": "lognormal", "mean": "1ms", "std": "1ms"},
        Lognormal.from_mean(ms(1), ms(1)),
    ),
    ({"law": "exponential", "mean": "20ms"}, Exponential(ms(20))),
    ({"law": "gamma", "mean": "20ms", "shape": 2}, Gamma(ms(20), 2.0)),
    ({"law": "pareto", "minimum": "1ms", "alpha": 2.5}, Pareto(ms(1), 2.5)),
    (
        {"law": "empirical", "quantiles": {0.0: "215us", 1.0: "1ms", 0.5: "270us"}},
        Empirical(((0.0, us(215)), (0.5, us(270)), (1.0, ms(1)))),
    ),
    (
        {"base": "180ms", "jitter": {"law": "exponential", "mean": "20ms"}},
        Jittered(ms(180), Exponential(ms(20))),
    ),
    (
        {
            "law": "mixture",
            "parts": [
                {"weight": 99, "law": "1ms"},
                {"weight": 1, "law": {"base": "50ms", "jitter": "1ms"}},
            ],
        },
        Mixture(((99.0, Constant(ms(1))), (1.0, Jittered(ms(50), Constant(ms(1)))))),
    ),
]


@pytest.mark.parametrize(("value", "law"), LAWS)
def test_each_way_of_writing_builds_its_law(value: Any, law: Law) -> None:
    """The law has the parameters that were written, in nanoseconds."""
    assert read(value).delay.build() == law


@pytest.mark.parametrize(("value", "law"), LAWS)
def test_what_is_written_out_reads_the_same(value: Any, law: Law) -> None:
    """Text with units goes out, and comes back as the same law; a built one may be handed in."""
    link = read(value)
    assert Link.model_validate(link.model_dump()).delay.build() == law
    assert Link.model_validate_json(link.model_dump_json()) == link
    assert Link(delay=link.delay) == link


def test_a_constant_goes_out_as_it_came_in() -> None:
    """A bare duration stays one, so that a scenario fully expanded is still readable."""
    assert read("1ms").model_dump() == {"delay": "1ms"}


@pytest.mark.parametrize(
    ("value", "where", "text"),
    [
        (
            5,
            "delay.fixed",
            ("expected a duration with a unit (ns, us, ms, s, m, h), such as '1.5ms', got '5'"),
        ),
        ("fast", "delay.fixed", "expected a number with a unit, got 'fast'"),
        (
            {"law": "uniform", "low": "2ms", "high": "1ms"},
            "delay.uniform",
            "uniform: expected low to be at most high, got 2 ms and 1 ms",
        ),
        (
            {"law": "exponential", "mean": 3},
            "delay.exponential.mean",
            "expected a duration with a unit (ns, us, ms, s, m, h), such as '1.5ms', got '3'",
        ),
        (
            {"law": "exponential", "mean": "3ms", "std": "1ms"},
            "delay.exponential.std",
            "Extra inputs are not permitted",
        ),
        ({"law": "lognormal", "median": "1ms"}, "delay.lognormal.sigma", "Field required"),
        (
            {"law": "lognormal", "median": "1ms", "sigma": -1},
            "delay.lognormal.sigma",
            "Input should be greater than or equal to 0",
        ),
        ({"law": "lognormal", "mean": "1ms"}, "delay.lognormal-mean.std", "Field required"),
        (
            {"law": "lognormal", "quantiles": {"p50": "1ms", "p999": "4ms"}},
            "delay.lognormal-quantiles.quantiles.p999.[key]",
            "expected a probability such as 0.999 or p99.9, got 'p999'",
        ),
        (
            {"law": "lognormal", "quantiles": {"p50": "1ms", "most": "4ms"}},
            "delay.lognormal-quantiles.quantiles.most.[key]",
            "expected a probability such as 0.999 or p99.9, got 'most'",
        ),
        (
            {"law": "lognormal", "quantiles": {"p50": "1ms"}},
            "delay.lognormal-quantiles.quantiles",
            "Dictionary should have at least 2 items after validation, not 1",
        ),
        (
            {"law": "lognormal", "quantiles": {"p50": "4ms", "p99": "1ms"}},
            "delay.lognormal-quantiles",
            "lognormal: expected two quantiles that rise, got 4 ms at 0.5 and 1 ms at 0.99",
        ),
        (
            {"law": "empirical", "quantiles": {0.0: "1ms"}},
            "delay.empirical",
            "empirical: expected quantiles from 0 (the minimum) to 1 (the maximum), got 0",
        ),
        (
            {"law": "mixture", "parts": [{"weight": 0, "law": "1ms"}]},
            "delay.mixture.parts.0.weight",
            "Input should be greater than 0",
        ),
        (
            {"law": "mixture", "parts": [{"weight": 1, "law": {"law": "gamma", "mean": "1ms"}}]},
            "delay.mixture.parts.0.law.gamma.shape",
            "Field required",
        ),
        (
            {"base": "1ms", "jitter": "2"},
            "delay.jittered.jitter.fixed",
            "expected a duration with a unit (ns, us, ms, s, m, h), such as '1.5ms', got '2'",
        ),
        (
            {"law": "pareto", "minimum": "0s", "alpha": 2},
            "delay.pareto",
            "pareto: expected minimum to be above 0, got 0",
        ),
    ],
)
def test_a_law_that_is_wrong_is_refused_at_its_place(value: Any, where: str, text: str) -> None:
    """One complaint, about the law that was meant, with what was expected and what came."""
    assert complaints(value) == [(where, text)]


@pytest.mark.parametrize(
    "value", [None, [], ["1ms"], {}, {"mean": "1ms"}, {"law": "zipf"}, {"law": ["normal"]}]
)
def test_what_looks_like_no_law_is_told_what_one_looks_like(value: Any) -> None:
    """The message lists the shapes and the names of the laws."""
    assert complaints(value) == [
        (
            "delay",
            (
                "expected a duration such as '1ms', {base: ..., jitter: ...}, or {law: ...} naming "
                "one of constant, uniform, normal, lognormal, exponential, gamma, pareto, "
                "empirical, mixture"
            ),
        )
    ]


def test_the_json_schema_offers_every_law() -> None:
    """A choice of schemas, each closed, each parameter required: no law hides a default."""
    schema = Link.model_json_schema()
    shapes = schema["properties"]["delay"]["oneOf"]
    assert len(shapes) == 13
    for name, shape in schema["$defs"].items():
        if name == "FixedSpec":
            assert "string" in shape["type"] and "ns, us, ms" in shape["description"]
            continue
        assert shape["additionalProperties"] is False, name
        assert sorted(shape["required"]) == sorted(shape["properties"]), name


def test_a_built_law_draws() -> None:
    """What a scenario says can be drawn from at once."""
    law = read({"base": "180ms", "jitter": {"law": "exponential", "mean": "20ms"}}).delay.build()
    values = law.draw(np.random.Generator(np.random.PCG64(1)), 1_000)
    assert int(values.min()) >= ms(180)
