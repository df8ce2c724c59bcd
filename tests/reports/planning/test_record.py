"""The record of a plan: checked when made and when read, the same bytes for the same plan."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from reports.planning.record import (
    Capacity,
    Estimate,
    PlanRecord,
    estimate,
    plan_text,
    read_plan,
    write_plan,
)
from reports.statistics import Interval
from sim.errors import InputError
from tests.reports.planning.systems import Queue, plan_record, question


@pytest.fixture(scope="module")
def record() -> PlanRecord:
    """A small plan."""
    asked = question(conditions=("healthy",))
    return plan_record({"one_fence": Queue(scripts=1_000)}, asked)


def test_it_reads_what_it_wrote(record: PlanRecord, tmp_path: Path) -> None:
    """And leaves no scratch file."""
    path = tmp_path / "plan.json"
    write_plan(record, path)
    assert read_plan(path) == record
    assert [each.name for each in tmp_path.iterdir()] == ["plan.json"]


def test_the_same_plan_is_the_same_bytes(record: PlanRecord) -> None:
    """Planned twice."""
    asked = question(conditions=("healthy",))
    assert plan_text(plan_record({"one_fence": Queue(scripts=1_000)}, asked)) == plan_text(record)


def test_a_damaged_record_is_refused(record: PlanRecord, tmp_path: Path) -> None:
    """With file and place."""
    path = tmp_path / "plan.json"
    content = json.loads(plan_text(record))
    content["variants"][0]["situations"][0]["probes"].reverse()
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"plan.json: no readable plan: variants.*do not rise"):
        read_plan(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_plan(tmp_path / "nowhere.json")
    path.write_text('{"format": "readfence/run"}')
    with pytest.raises(InputError, match="no readable plan"):
        read_plan(path)


@pytest.mark.parametrize(
    "change",
    [
        {"shares": {"50 %": 7.7}},
        {"headroom": {"now": 7.7}},
        {"situations": []},
        {"unheard_of": 1},
    ],
)
def test_what_does_not_fit_is_refused(record: PlanRecord, change: dict[str, Any]) -> None:
    """A table may only name loads that were tried."""
    content = json.loads(plan_text(record))
    content["variants"][0] |= change
    with pytest.raises(ValidationError):
        PlanRecord.model_validate(content)


def test_an_interval_must_not_be_upside_down() -> None:
    """Nor is infinity JSON: it stands as no bound."""
    with pytest.raises(ValidationError, match="an interval from 2"):
        Estimate(value=1.5, low=2.0, high=1.0)
    found = estimate(Interval(1.0, float("-inf"), float("inf"), 0.95, 3))
    assert found == Estimate(value=1.0, low=None, high=None)


def test_variants_and_loads_are_found_by_name(record: PlanRecord) -> None:
    """`KeyError` for what is none."""
    variant = record.variant("one_fence")
    assert variant.situation("lost") is None and variant.healthy.at(7.7) is None
    assert variant.healthy.nearest.answer == "kept"
    with pytest.raises(KeyError):
        record.variant("two_fences")


def test_it_is_conclusive_when_every_capacity_was_found(record: PlanRecord) -> None:
    """One that was not makes the whole plan inconclusive."""
    assert record.conclusive
    variant = record.variants[0]
    nothing = Capacity(found="above", load=Estimate(value=None, low=None, high=None), reason="x")
    situation = variant.healthy.model_copy(update={"capacity": nothing})
    changed = variant.model_copy(update={"situations": [situation]})
    assert not record.model_copy(update={"variants": [changed]}).conclusive
