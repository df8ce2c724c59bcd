"""Field types for scenario schemas: text with a unit outside, a number inside.

Every schema module builds on these, so that "1.5ms" means the same and is refused in the same words
wherever a scenario may say it. A field of one of these types holds a plain number (ns, or events
per second), reads text only, and is written back as text that reads the same.
"""

from collections.abc import Callable
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic.json_schema import WithJsonSchema
from pydantic_core import PydanticCustomError

from sim.errors import InputError
from sim.units import format_duration, format_rate, parse_duration, parse_rate

Result = TypeVar("Result")


class Spec(BaseModel):
    """Base of what a scenario says: unknown keys are refused, nothing changes after reading.

    Defaults are written as a scenario would write them ("1.5ms"), read in the same way, and shown
    so in the JSON schema.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


def said(default: str, description: str) -> Any:
    """A field whose default is text with a unit, as a scenario would say it."""
    return Field(default=default, description=description)


def in_pydantic_words(action: Callable[[], Result]) -> Result:
    """The result of `action`; an `InputError` becomes a validation error with the same text.

    pydantic collects only errors of its own kinds; any other would end the validation at the first.
    """
    try:
        return action()
    except InputError as error:
        # As a parameter: braces in the text would be read as placeholders of a template.
        raise PydanticCustomError("input", "{reason}", {"reason": str(error)}) from None


def _read_duration(value: Any) -> int:
    # YAML reads an unquoted 0 as an int, hence `str`; every other int lacks its unit as text too.
    return in_pydantic_words(lambda: parse_duration(str(value)))


def _read_rate(value: Any) -> float:
    return in_pydantic_words(lambda: parse_rate(str(value)))


_NUMBER_PATTERN = r"[0-9][0-9_]*(\.[0-9]+)?([eE][+-]?[0-9]+)?"

Duration: TypeAlias = Annotated[
    int,
    BeforeValidator(_read_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema(
        {
            "type": ["string", "integer"],
            "description": "A duration with its unit (ns, us, ms, s, m, h); 0 needs none.",
            "minimum": 0,
            "maximum": 0,
            "pattern": rf"^\s*\+?({_NUMBER_PATTERN}\s*(ns|us|µs|ms|s|m|h)|0)\s*$",
            "examples": ["215us", "1.5ms", "10s"],
        }
    ),
]
"""A duration: nanoseconds inside, text with a unit in a scenario."""

Rate: TypeAlias = Annotated[
    float,
    BeforeValidator(_read_rate),
    PlainSerializer(format_rate, return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "description": "How many per unit of time (/ns, /us, /ms, /s, /m, /h); above 0.",
            "pattern": rf"^\s*\+?{_NUMBER_PATTERN}\s*/(ns|us|µs|ms|s|m|h)\s*$",
            "examples": ["200/s", "12/m"],
        }
    ),
]
"""A rate: events per second inside, text with a unit in a scenario."""

Number: TypeAlias = Annotated[float, Field(strict=True, allow_inf_nan=False)]
"""A plain finite number; text and true/false are refused rather than converted."""

Count: TypeAlias = Annotated[int, Field(strict=True, ge=1)]
"""A whole number of 1 or more."""
