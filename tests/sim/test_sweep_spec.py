"""Sweeps as a scenario writes them: ranges of every kind, and what is refused."""

from fractions import Fraction
from typing import Any

import pytest
from pydantic import ValidationError

from sim.sweep_spec import RangeSpec, SweepSpec


def values(low: Any, high: Any, steps: int, scale: str = "linear") -> list[Any]:
    """The values of a range."""
    content = {"from": low, "to": high, "steps": steps, "scale": scale}
    return RangeSpec.model_validate(content).values()


@pytest.mark.parametrize(
    ("low", "high", "steps", "scale", "expected"),
    [
        (3, 9, 4, "linear", [3, 5, 7, 9]),
        (9, 3, 3, "linear", [9, 6, 3]),
        (1, 3, 6, "linear", [1, 2, 3]),
        (1, 1000, 4, "log", [1, 10, 100, 1000]),
        (0.1, 1, 4, "linear", [0.1, 0.4, 0.7, 1]),
        ("250us", "1ms", 4, "linear", ["250us", "500us", "750us", "1ms"]),
        ("16us", "16ms", 4, "log", ["16us", "160us", "1.6ms", "16ms"]),
        (0, "1ms", 3, "linear", [0, "500us", "1ms"]),
        ("60/m", "3/s", 3, "linear", ["60/m", "2/s", "3/s"]),
        ("50/s", "2000/s", 3, "log", ["50/s", "316.228/s", "2000/s"]),
    ],
)
def test_a_range_has_its_steps(
    low: Any, high: Any, steps: int, scale: str, expected: list[Any]
) -> None:
    """Both ends exactly, in the words of a scenario; whole numbers stay whole, and each is once."""
    assert values(low, high, steps, scale) == expected


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize(
    ("low", "high"), [("3ns", "13000001ns"), (1.23456789, 1234567.89), ("0.1234567/s", "7e3/s")]
)
def test_the_ends_are_as_written(low: Any, high: Any, scale: str) -> None:
    """Neither rounded, nor what powers of floats come to."""
    found = values(low, high, 7, scale)
    assert (found[0], found[-1], len(found)) == (low, high, 7)


@pytest.mark.parametrize(
    ("low", "high", "scale", "complaint"),
    [
        (3, "1ms", "linear", "expected ends of one kind, such as 1ms and 5ms, got 3 and '1ms'"),
        ("1ms", "5/s", "linear", "expected ends of one kind"),
        (0, "3s", "log", "expected ends above 0 on a log scale, got 0"),
        (-1, 1, "log", "expected ends above 0 on a log scale, got -1"),
        ("5", 7, "linear", "expected a number, a duration or a rate, got '5'"),
        (True, 7, "linear", "expected a number, a duration or a rate, got True"),
        ([1], 7, "linear", "expected a number, a duration or a rate"),
        (1, float("inf"), "linear", "expected a number, a duration or a rate, got inf"),
        ("1 fortnight", "2ms", "linear", "expected a duration with a unit"),
    ],
)
def test_a_range_that_is_none(low: Any, high: Any, scale: str, complaint: str) -> None:
    """It says what was expected."""
    with pytest.raises(ValidationError) as error:
        values(low, high, 3, scale)
    assert complaint in str(error.value)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ({"settings": {}}, "at least 1"),
        ({"settings": {"a": []}}, "at least 1"),
        ({"settings": {"a": 3}}, "valid list"),
        ({"settings": {"a": {"from": 1, "to": 2}}}, "expected `steps` in the range of a"),
        ({"settings": {"a": {"from": 1, "to": 2, "steps": 1}}}, "greater than or equal to 2"),
        ({"settings": {"a": [1]}, "samples": 5}, "expected `samples` with"),
        ({"settings": {"a": [1]}, "design": "latin_hypercube"}, "expected `samples` with"),
        ({"settings": {"a": [1]}, "seeds": 0}, "greater than or equal to 1"),
        ({"settings": {"a": [1]}, "seeds": []}, "at least 1"),
        ({"settings": {"a": [1]}, "seeds": [1, -1]}, "greater than or equal to 0"),
        ({"settings": {"a": [1]}, "seeds": [1, 1]}, "each value of seeds once, got 1 twice"),
        ({"settings": {"a": ["1ms", "2ms", "1ms"]}}, "each value of a once, got '1ms' twice"),
    ],
)
def test_a_sweep_that_is_none(content: dict[str, Any], complaint: str) -> None:
    """Nothing to vary, or what does not go with the design."""
    with pytest.raises(ValidationError) as error:
        SweepSpec.model_validate(content)
    assert complaint in str(error.value)


def test_a_share_of_the_way() -> None:
    """As a Latin hypercube draws it."""
    found = RangeSpec.model_validate({"from": "1ms", "to": "3ms"})
    assert found.at(Fraction(1, 4)) == "1.5ms"
