"""The plan of a scenario: read from text with units, refused in words."""

import pytest
from pydantic import ValidationError

from sim.errors import InputError
from sim.plan_spec import PlanSpec, parse_loads, parse_share


def spec(**changes: object) -> PlanSpec:
    """A plan as a scenario says it."""
    plain: dict[str, object] = {"slo": "latency.p99 < 50ms", "load": "50/s..20000/s"}
    return PlanSpec.model_validate({**plain, **changes})


def test_loads_and_shares_are_numbers_inside() -> None:
    """Per second, and of 1."""
    found = spec(load="1/m .. 2/ms", today="400/s", precision="2.5%")
    assert found.load == (1 / 60, 2_000.0)
    assert (found.today, found.precision, found.level) == (400.0, 0.025, 0.95)


def test_what_is_written_reads_the_same() -> None:
    """The record holds the scenario as text."""
    found = spec(load="50/s..20000/s", precision="2.5%", today="12/s")
    written = found.model_dump(mode="json")
    assert (written["load"], written["precision"]) == ("50/s..20000/s", "2.5%")
    assert PlanSpec.model_validate(written) == found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("50/s", "expected two rates, such as '50/s..20000/s', got '50/s'"),
        ("50..100", "expected a rate with a unit"),
        ("50/s..", "expected a number with a unit"),
        ("9/s..3/s", "expected a lower and a higher rate, got '9/s..3/s'"),
        ("3/s..3/s", "expected a lower and a higher rate"),
    ],
)
def test_loads_that_are_no_range_are_refused(text: str, expected: str) -> None:
    """With what was expected and what came."""
    with pytest.raises(InputError) as caught:
        parse_loads(text)
    assert str(caught.value).startswith(expected)
    with pytest.raises(ValidationError, match="expected"):
        spec(load=text)


@pytest.mark.parametrize("text", ["5", "0.05", "0%", "100%", "-5%", "five", "5 percent"])
def test_shares_that_are_no_percentage_are_refused(text: str) -> None:
    """Nor is a number without its sign taken for one."""
    with pytest.raises(InputError):
        parse_share(text)
    with pytest.raises(ValidationError):
        spec(precision=text)


def test_a_precision_beyond_a_quarter_is_refused() -> None:
    """Two loads so far apart say nothing of what lies between; a level may be higher."""
    assert spec(precision="25%", level="99%").precision == 0.25
    with pytest.raises(ValidationError, match=r"from 0\.1% to 25%, got '26%'"):
        spec(precision="26%")


@pytest.mark.parametrize(
    "change", [{"runs": 4}, {"follower": "node2"}, {"today": 400}, {"slow": "n2"}]
)
def test_other_values_are_refused(change: dict[str, object]) -> None:
    """As anywhere in a scenario."""
    with pytest.raises(ValidationError):
        spec(**change)
