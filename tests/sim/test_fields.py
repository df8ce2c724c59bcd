"""Fields of schemas: text with units outside, numbers inside."""

import re
from typing import Any

import pytest
from pydantic import Field, ValidationError

from sim.fields import Duration, Number, Rate, Spec


class Sample(Spec):
    """A schema as a scenario might have it."""

    pause: Duration = Field(default="1.5ms")
    load: Rate = Field(default="200/s")
    factor: Number = 1.0


def complaint(**values: Any) -> str:
    """What is said about a value that is refused."""
    with pytest.raises(ValidationError) as caught:
        Sample(**values)
    (error,) = caught.value.errors()
    return str(error["msg"])


def test_text_with_a_unit_becomes_a_number() -> None:
    """Durations are nanoseconds inside, rates events per second."""
    sample = Sample.model_validate({"pause": "1.5ms", "load": "12/m"})
    assert sample.pause == 1_500_000 and type(sample.pause) is int
    assert sample.load == 0.2


def test_defaults_are_written_as_in_a_scenario() -> None:
    """A default is text with a unit and becomes a number when it is used."""
    assert Sample().pause == 1_500_000 and Sample().load == 200.0


def test_an_unquoted_0_is_a_duration() -> None:
    """YAML makes an int of it, and no unit could change it."""
    assert Sample.model_validate({"pause": 0}).pause == 0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (15, "expected a duration with a unit (ns, us, ms, s, m, h), such as '1.5ms', got '15'"),
        (1.5, "expected a duration with a unit (ns, us, ms, s, m, h), such as '1.5ms', got '1.5'"),
        ("15", "expected a duration with a unit (ns, us, ms, s, m, h), such as '1.5ms', got '15'"),
        ("soon", "expected a number with a unit, got 'soon'"),
        ("{x}ms", "expected a number with a unit, got '{x}ms'"),
        (True, "expected a number with a unit, got 'True'"),
        (None, "expected a number with a unit, got 'None'"),
        ("-1ms", "expected a duration of 0 or more, got '-1ms'"),
    ],
)
def test_a_duration_that_is_none_is_refused_readably(value: Any, text: str) -> None:
    """The message says what was expected and what came, and nothing of the machinery."""
    assert complaint(pause=value) == text


def test_a_rate_without_its_unit_is_refused() -> None:
    """A bare number could be per second or per minute."""
    assert complaint(load=200) == (
        "expected a rate with a unit (/s, /ms, /m, /h), such as '200/s', got '200'"
    )


@pytest.mark.parametrize("value", ["1", True, float("nan"), float("inf")])
def test_a_number_is_a_finite_number(value: Any) -> None:
    """Text, booleans and what is not finite are refused rather than converted."""
    assert complaint(factor=value).startswith("Input should be a")


def test_unknown_keys_are_refused() -> None:
    """A misspelt key must not be ignored."""
    assert complaint(puase="1ms") == "Extra inputs are not permitted"


def test_what_is_written_reads_the_same() -> None:
    """Numbers go out as text with a unit, from Python and as JSON."""
    sample = Sample.model_validate({"pause": "215us", "load": "12/m"})
    assert sample.model_dump() == {"pause": "215us", "load": "0.2/s", "factor": 1.0}
    assert Sample.model_validate(sample.model_dump()) == sample
    assert Sample.model_validate_json(sample.model_dump_json()) == sample


@pytest.mark.parametrize("field", ["pause", "load"])
def test_the_json_schema_shows_text_with_a_pattern(field: str) -> None:
    """An editor can check and explain the field; its examples and its default fit the pattern."""
    schema = Sample.model_json_schema()["properties"][field]
    assert "string" in schema["type"] and schema["description"].endswith(".")
    for text in [*schema["examples"], schema["default"]]:
        assert re.search(schema["pattern"], text), text
    for text in ("15", "ms", "-1ms", "1 parsec", "200"):
        assert not re.search(schema["pattern"], text), text
