"""Sweeps as a scenario writes them: settings with the values they are to take.

    sweep:
      settings:
        cluster.nodes: [3, 5]
        network.one_way: {from: 250us, to: 10ms, steps: 5, scale: log}
      seeds: 3

A setting is named by its dotted path, as on the command line. What it may be is for the schema of
the scenario to say; here a value is anything. `sim.sweep` makes combinations of it.
"""

from fractions import Fraction
from math import isfinite
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator
from pydantic.json_schema import WithJsonSchema

from sim.errors import InputError
from sim.fields import Spec, in_pydantic_words
from sim.units import (
    format_duration,
    format_rate,
    parse_duration,
    parse_rate,
    split_quantity,
)

SEEDS_MAX: Final = 10_000
_DIGITS: Final = 6
"""Significant digits of rates and fractions between the ends of a range."""

Value = Any
"""Of a setting, as a scenario says it: text with a unit, a number, a mapping."""


def _read_end(value: Any) -> Any:
    in_pydantic_words(lambda: _kind(value))
    return value


End = Annotated[
    Any,
    BeforeValidator(_read_end),
    WithJsonSchema({"type": ["number", "string"], "examples": [3, "250us", "100/s"]}),
]


class RangeSpec(Spec):
    """Values from one to another, all of one kind: durations, rates or plain numbers."""

    from_: End = Field(alias="from", description="The first value, such as `250us`, `50/s` or `1`.")
    to: End = Field(description="The last value, in any unit of the same kind.")
    steps: Annotated[int, Field(strict=True, ge=2, le=100_000)] | None = Field(
        default=None, description="How many values, both ends among them. A grid needs it."
    )
    scale: Literal["linear", "log"] = Field(
        default="linear", description="Equal differences, or equal ratios, from value to value."
    )

    @model_validator(mode="after")
    def _of_one_kind(self) -> "RangeSpec":
        in_pydantic_words(lambda: self.at(Fraction(0)))
        return self

    def at(self, share: Fraction) -> Value:
        """The value at a share of the way, from 0 to 1, as a scenario would say it.

        Raises `InputError` when the ends are of two kinds, or not above 0 on a log scale.
        """
        kind, (low, high) = _kind_of(self.from_, self.to)
        if self.scale == "log" and low * high <= 0:
            raise InputError(f"expected ends above 0 on a log scale, got {self.from_!r}")
        if share in (0, 1):
            return self.to if share else self.from_  # as written: nothing is rounded
        if self.scale == "linear":
            value = low + share * (high - low)
        else:
            value = Fraction(float(low) * float(high / low) ** float(share))
        return _said(kind, value)

    def values(self) -> list[Value]:
        """All steps; each once, since whole numbers may be too close for as many steps."""
        assert self.steps is not None, "a range without steps"
        found = [self.at(Fraction(step, self.steps - 1)) for step in range(self.steps)]
        return list(dict.fromkeys(found))


def _kind_of(*ends: Value) -> tuple[str, list[Fraction]]:
    """What the ends of a range are, and the numbers (ns, per second) that they are."""
    kinds = sorted({_kind(end) for end in ends})
    if kinds == ["number", "whole number"] or (kinds == ["duration", "whole number"] and 0 in ends):
        kinds = kinds[:1]  # a duration of 0 needs no unit
    if len(kinds) > 1:
        a, b = ends
        raise InputError(f"expected ends of one kind, such as 1ms and 5ms, got {a!r} and {b!r}")
    (kind,) = kinds
    read = {"duration": parse_duration, "rate": parse_rate}.get(kind)
    numbers = [Fraction(str(end)) if read is None else Fraction(read(str(end))) for end in ends]
    return kind, numbers


def _kind(end: Value) -> str:
    if type(end) in (int, float) and isfinite(end):
        return "whole number" if isinstance(end, int) else "number"
    _, unit = split_quantity(end) if isinstance(end, str) else (0, "")
    if not unit:
        raise InputError(f"expected a number, a duration or a rate, got {end!r}")
    return "rate" if unit.startswith("/") else "duration"


def _said(kind: str, value: Fraction) -> Value:
    if kind == "duration":
        return format_duration(round(value))
    if kind == "whole number":
        return round(value)
    rounded = float(f"{float(value):.{_DIGITS}g}")
    return format_rate(rounded) if kind == "rate" else rounded


Values = Annotated[
    Annotated[list[Value], Field(min_length=1), Tag("list")] | Annotated[RangeSpec, Tag("range")],
    Discriminator(lambda value: "range" if isinstance(value, dict | RangeSpec) else "list"),
]


class SweepSpec(Spec):
    """Which settings `readfence sweep` varies, and how their values are combined."""

    settings: Annotated[dict[str, Values], Field(min_length=1)] = Field(
        description="By dotted path, as for `--set`: a list of values, or a range."
    )
    design: Literal["grid", "latin_hypercube"] = Field(
        default="grid",
        description="`grid`: every value with every other. `latin_hypercube`: so many `samples`, "
        "each setting spread evenly over its values; for many settings at once (McKay, Beckman and "
        "Conover, Technometrics 21, 1979).",
    )
    samples: Annotated[int, Field(strict=True, ge=2, le=10_000_000)] | None = Field(
        default=None, description="How many combinations a `latin_hypercube` draws."
    )
    seeds: (
        Annotated[int, Field(strict=True, ge=1, le=SEEDS_MAX)]
        | Annotated[
            list[Annotated[int, Field(strict=True, ge=0)]],
            Field(min_length=1, max_length=SEEDS_MAX),
        ]
    ) = Field(
        default=1,
        description="Under how many seeds each combination runs, from the scenario's on; or which.",
    )

    @model_validator(mode="after")
    def _design_fits(self) -> "SweepSpec":
        if (self.design == "latin_hypercube") != (self.samples is not None):
            raise ValueError("expected `samples` with `design: latin_hypercube`, and only with it")
        for path, values in self.settings.items():
            if self.design == "grid" and isinstance(values, RangeSpec) and values.steps is None:
                raise ValueError(f"expected `steps` in the range of {path}, since this is a grid")
            if isinstance(values, list):
                _each_once(path, values)
        if isinstance(self.seeds, list):
            _each_once("seeds", self.seeds)
        return self


def _each_once(of: str, values: list[Value]) -> None:
    for at, value in enumerate(values):
        if value in values[:at]:
            raise ValueError(f"expected each value of {of} once, got {value!r} twice")
