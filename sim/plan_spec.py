"""What a scenario says of its capacity plan.

    plan:
      slo: latency.p99 < 50ms
      load: 50/s..20000/s
      today: 400/s

The objective is text here; `reports.planning.objective` reads it.
"""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer
from pydantic.json_schema import WithJsonSchema

from sim.errors import InputError
from sim.fields import Rate, Spec, in_pydantic_words, said
from sim.units import format_rate, parse_rate, split_quantity

Loads = tuple[float, float]
"""The lowest and the highest load, in scripts per second."""


def parse_loads(text: str) -> Loads:
    """The ends of a text such as "50/s..20000/s". Raises `InputError` when it is none."""
    low, dots, high = text.partition("..")
    if not dots:
        raise InputError(f"expected two rates, such as '50/s..20000/s', got {text!r}")
    lowest, highest = parse_rate(low), parse_rate(high)
    if lowest >= highest:
        raise InputError(f"expected a lower and a higher rate, got {text!r}")
    return lowest, highest


def _read_loads(value: Any) -> Loads:
    return in_pydantic_words(lambda: parse_loads(str(value)))


def _format_loads(loads: Loads) -> str:
    return "..".join(format_rate(load) for load in loads)


def parse_share(text: str, most: float = 99.9) -> float:
    """The share that a text such as "5%" says. Raises `InputError` unless it is 0.1 to `most` %."""
    number, unit = split_quantity(text)
    if unit != "%" or not 0.1 <= number <= most:
        raise InputError(f"expected a percentage from 0.1% to {most:g}%, got {text!r}")
    return float(number / 100)


def _read_level(value: Any) -> float:
    return in_pydantic_words(lambda: parse_share(str(value)))


def _read_precision(value: Any) -> float:
    # Over a wider range the capacity's line through two loads is none.
    return in_pydantic_words(lambda: parse_share(str(value), most=25))


def _text(pattern: str, *examples: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": list(examples)})


_RATE = r"\s*[0-9][0-9_.]*([eE][+-]?[0-9]+)?\s*/\s*[a-zµ]+\s*"
LoadRange = Annotated[
    Loads,
    BeforeValidator(_read_loads),
    PlainSerializer(_format_loads, return_type=str),
    _text(rf"^{_RATE}\.\.{_RATE}$", "50/s..20000/s"),
]
_AS_PERCENT = PlainSerializer(lambda share: f"{100 * share:.6g}%", return_type=str)
_PERCENT = r"^\s*[0-9][0-9.]*\s*%\s*$"
Level = Annotated[float, BeforeValidator(_read_level), _AS_PERCENT, _text(_PERCENT, "95%")]
Precision = Annotated[float, BeforeValidator(_read_precision), _AS_PERCENT, _text(_PERCENT, "5%")]


class PlanSpec(Spec):
    """What `readfence plan` asks: the highest load that keeps an objective, under each variant."""

    slo: str = Field(
        description="The objective: a percentile of latency below a duration, such as "
        "`latency.p99 < 50ms`. A script that fails counts as slower than any."
    )
    load: LoadRange = Field(
        description="Offered loads between which to search, all open groups of clients together, "
        "such as `50/s..20000/s`. Closed groups stay as they are."
    )
    today: Rate | None = Field(
        default=None, description="Today's load, for the table of headroom: +25, +50 and +100 %."
    )
    precision: Precision = said(
        "5%",
        "How well to know the capacity, and the latencies in the tables: half of the interval, as "
        "a share, 25% at most.",
    )
    level: Level = said("95%", "Confidence level of the intervals.")
    runs: Annotated[int, Field(strict=True, ge=5, le=1_000)] = Field(
        default=20,
        description="Runs of one load at most, 5 or more, each under a seed of its own and as long "
        "as `warmup` and `stop` say; a plan that needs more says how well it knows the capacity.",
    )
    follower: Annotated[str, Field(pattern=r"^n[1-9]$")] | None = Field(
        default=None,
        description="The follower that is lost, or ten times slower, in the plan's second part. "
        "Default: the first node that does not lead, where the scenario says who leads.",
    )
