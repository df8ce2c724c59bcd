"""Latency laws as a scenario writes them: `1ms`, or a mapping that names a law and its parameters.

    delay: 1ms
    delay: {law: lognormal, median: 215ms, sigma: 0.15}
    delay: {law: lognormal, quantiles: {p50: 1ms, p99: 4ms}}
    delay: {base: 180ms, jitter: {law: exponential, mean: 20ms}}
    delay: {law: mixture, parts: [{weight: 99, law: 1ms}, {weight: 1, law: 50ms}]}

`LawSpec` is the type of a field that holds any of these; each has `build() -> Law`. The shape
decides which schema reads the value, so an error speaks of the one law that was meant and not of
all. A law is built once while it is read: what the law itself refuses is an error at its place in
the scenario.
"""

from abc import ABC, abstractmethod
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    RootModel,
    Tag,
    model_validator,
)
from pydantic_core import PydanticCustomError

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
from sim.fields import Duration, Number, Spec, in_pydantic_words


class LawModel(Spec, ABC):
    """Base of the laws that are mappings."""

    @abstractmethod
    def build(self) -> Law:
        """The law. Raises `InputError` when its parameters do not fit each other."""

    @model_validator(mode="after")
    def _builds(self) -> Self:
        in_pydantic_words(self.build)
        return self


class FixedSpec(RootModel[Duration]):
    """Always the same duration, written as the duration itself."""

    model_config = ConfigDict(frozen=True)

    def build(self) -> Law:
        """The constant law."""
        return Constant(self.root)

    @model_validator(mode="after")
    def _builds(self) -> Self:
        in_pydantic_words(self.build)
        return self


class ConstantSpec(LawModel):
    """Always the same duration, written out."""

    law: Literal["constant"]
    value: Duration

    def build(self) -> Law:
        """The constant law."""
        return Constant(self.value)


class UniformSpec(LawModel):
    """Every duration from `low` to `high` equally often."""

    law: Literal["uniform"]
    low: Duration
    high: Duration

    def build(self) -> Law:
        """The uniform law."""
        return Uniform(self.low, self.high)


class NormalSpec(LawModel):
    """A normal law; draws below 0 are drawn again."""

    law: Literal["normal"]
    mean: Duration
    std: Duration

    def build(self) -> Law:
        """The normal law, cut off at 0."""
        return Normal(self.mean, self.std)


class LognormalSpec(LawModel):
    """A lognormal law by its median and the standard deviation of the natural logarithm."""

    law: Literal["lognormal"]
    median: Duration
    sigma: Annotated[Number, Field(ge=0)]

    def build(self) -> Law:
        """The lognormal law."""
        return Lognormal(self.median, self.sigma)


def _read_probability(value: Any) -> float:
    """A probability from a number, from `p99` (percent), or from text: JSON has no other keys."""
    percent = isinstance(value, str) and value.startswith("p")
    try:
        # Rounded, so that p99.9 is the number that 0.999 is.
        number = round(float(value[1:]) / 100, 12) if percent else float(value)
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number <= 1:
        raise PydanticCustomError(
            "probability",
            "expected a probability such as 0.999 or p99.9, got '{value}'",
            {"value": str(value)},
        )
    return number


Probability: TypeAlias = Annotated[float, BeforeValidator(_read_probability)]
"""A probability from 0 to 1; `p99` and `p99.9` are read as percent."""

Quantiles: TypeAlias = dict[Probability, Duration]


class LognormalByQuantilesSpec(LawModel):
    """A lognormal law by two of its quantiles, as a report gives them: `{p50: 1ms, p99: 4ms}`."""

    law: Literal["lognormal"]
    quantiles: Annotated[Quantiles, Field(min_length=2, max_length=2)]

    def build(self) -> Law:
        """The only lognormal law with these quantiles."""
        low, high = sorted(self.quantiles.items())
        return Lognormal.from_quantiles(low, high)


class LognormalByMeanSpec(LawModel):
    """A lognormal law by its mean and standard deviation."""

    law: Literal["lognormal"]
    mean: Duration
    std: Duration

    def build(self) -> Law:
        """The only lognormal law with this mean and standard deviation."""
        return Lognormal.from_mean(self.mean, self.std)


class ExponentialSpec(LawModel):
    """An exponential law."""

    law: Literal["exponential"]
    mean: Duration

    def build(self) -> Law:
        """The exponential law."""
        return Exponential(self.mean)


class GammaSpec(LawModel):
    """A gamma law; its standard deviation is mean / sqrt(shape)."""

    law: Literal["gamma"]
    mean: Duration
    shape: Annotated[Number, Field(gt=0)]

    def build(self) -> Law:
        """The gamma law."""
        return Gamma(self.mean, self.shape)


class ParetoSpec(LawModel):
    """A power-law tail above a minimum; smaller `alpha`, heavier tail, no mean up to 1."""

    law: Literal["pareto"]
    minimum: Duration
    alpha: Annotated[Number, Field(gt=0)]

    def build(self) -> Law:
        """The Pareto law."""
        return Pareto(self.minimum, self.alpha)


class EmpiricalSpec(LawModel):
    """A measured law: quantiles from 0 (minimum) to 1 (maximum), linear in between."""

    law: Literal["empirical"]
    quantiles: Quantiles

    def build(self) -> Law:
        """The law that the table describes."""
        return Empirical(tuple(sorted(self.quantiles.items())))


class JitteredSpec(LawModel):
    """A fixed part plus a drawn one."""

    base: Duration
    jitter: "LawSpec"

    def build(self) -> Law:
        """The sum."""
        return Jittered(self.base, self.jitter.build())


class PartSpec(Spec):
    """One law of a mixture; weights are relative."""

    weight: Annotated[Number, Field(gt=0)]
    law: "LawSpec"


class MixtureSpec(LawModel):
    """One of several laws each time, chosen by weight."""

    law: Literal["mixture"]
    parts: Annotated[list[PartSpec], Field(min_length=1)]

    def build(self) -> Law:
        """The mixture."""
        return Mixture(tuple((part.weight, part.law.build()) for part in self.parts))


_NAMES: Final = ("constant", "uniform", "normal", "lognormal", "exponential", "gamma", "pareto",
                 "empirical", "mixture")  # fmt: skip


def _shape(value: Any) -> str | None:
    """The tag of the schema that is to read `value`, or None when it looks like no law at all."""
    if isinstance(value, FixedSpec):
        return "fixed"
    if isinstance(value, LawModel):
        value = {name: getattr(value, name) for name in type(value).model_fields}
    if not isinstance(value, dict):
        # A number too: the schema of a duration says best what is wrong with it.
        return "fixed" if isinstance(value, str | int | float) else None
    if "law" not in value:
        return "jittered" if "base" in value else None
    name = value["law"]
    if name == "lognormal" and "quantiles" in value:
        return "lognormal-quantiles"
    if name == "lognormal" and "mean" in value:
        return "lognormal-mean"
    return name if name in _NAMES else None


LawSpec: TypeAlias = Annotated[
    Annotated[FixedSpec, Tag("fixed")]
    | Annotated[ConstantSpec, Tag("constant")]
    | Annotated[UniformSpec, Tag("uniform")]
    | Annotated[NormalSpec, Tag("normal")]
    | Annotated[LognormalSpec, Tag("lognormal")]
    | Annotated[LognormalByQuantilesSpec, Tag("lognormal-quantiles")]
    | Annotated[LognormalByMeanSpec, Tag("lognormal-mean")]
    | Annotated[ExponentialSpec, Tag("exponential")]
    | Annotated[GammaSpec, Tag("gamma")]
    | Annotated[ParetoSpec, Tag("pareto")]
    | Annotated[EmpiricalSpec, Tag("empirical")]
    | Annotated[JitteredSpec, Tag("jittered")]
    | Annotated[MixtureSpec, Tag("mixture")],
    Discriminator(
        _shape,
        custom_error_type="law",
        custom_error_message=(
            "expected a duration such as '1ms', {base: ..., jitter: ...}, or {law: ...} naming one "
            f"of {', '.join(_NAMES)}"
        ),
    ),
]
"""Any latency law, as a scenario writes it."""

JitteredSpec.model_rebuild()
PartSpec.model_rebuild()
MixtureSpec.model_rebuild()
