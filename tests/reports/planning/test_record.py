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
    Use,
    estimate,
    limiting,
    plan_text,
    write_plan,
)
from reports.statistics import Interval
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
    assert PlanRecord.model_validate_json(path.read_bytes()) == record
    assert [each.name for each in tmp_path.iterdir()] == ["plan.json"]


def test_the_same_plan_is_the_same_bytes(record: PlanRecord) -> None:
    """Planned twice."""
    asked = question(conditions=("healthy",))
    assert plan_text(plan_record({"one_fence": Queue(scripts=1_000)}, asked)) == plan_text(record)


def test_loads_that_do_not_rise_are_refused(record: PlanRecord) -> None:
    """With the place."""
    content = json.loads(plan_text(record))
    content["variants"][0]["situations"][0]["probes"].reverse()
    with pytest.raises(ValidationError, match="loads do not rise"):
        PlanRecord.model_validate(content)


@pytest.mark.parametrize(
    "change",
    [
        {"shares": {"50 %": 7.7}},
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


def lane(utilisation: float, wait_ns: float) -> Use:
    """A lane of one server."""
    return Use(
        count=1, utilisation=utilisation, arrived_per_s=1.0, visits=1.0, service_ns=1e6,
        wait_ns=wait_ns, longest_queue=1,
    )  # fmt: skip


def test_what_limits_scripts_is_where_they_wait() -> None:
    """Not the lane to a slow follower, nor what comes back from it, however busy they are."""
    uses = {
        "n1->n2.heartbeats": lane(1.0, 9e8),
        "n2->n1.heartbeats": lane(0.99, 4e6),
        "n1->n3.heartbeats": lane(0.8, 3e6),
        "n3->n1.heartbeats": lane(0.8, 1e5),
        "n1.cores": lane(0.9, 1e5),
    }
    assert limiting(uses, 6e6) == ["n1->n3.heartbeats"]
    tied = {**uses, "n1->n2.heartbeats": lane(0.81, 2.9e6)}
    assert limiting(tied, 6e6) == ["n2->n1.heartbeats"]


def test_where_nothing_waits_it_is_the_busiest() -> None:
    """A few nanoseconds of waiting tell nothing."""
    uses = {"n1.loop": lane(0.2, 50.0), "n1.cores": lane(0.3, 0.0), "n1.fsync": lane(0.0, 0.0)}
    assert limiting(uses, 6e6) == ["n1.cores"]
    assert limiting({}, 6e6) == []


def test_variants_and_loads_are_found_by_name(record: PlanRecord) -> None:
    """`KeyError` for what is none."""
    variant = record.variant("one_fence")
    assert variant.situation("lost") is None and variant.healthy.at(7.7) is None
    reached = variant.healthy.capacity.load.value
    assert reached is not None and variant.healthy.nearest.load <= reached
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


@pytest.mark.parametrize(("found", "place"), [("above", -1), ("below", 0), ("unclear", 0)])
def test_where_there_is_no_capacity_an_end_is_shown(
    record: PlanRecord, found: Any, place: int
) -> None:
    """The highest load where every one keeps the objective: its bottleneck is the nearest."""
    nothing = Capacity(found=found, load=Estimate(value=None, low=None, high=None), reason="x")
    situation = record.variants[0].healthy.model_copy(update={"capacity": nothing})
    assert situation.nearest is situation.probes[place]


def test_a_capacity_is_known_as_well_as_its_farther_end() -> None:
    """The nearer one would flatter it; an open end says nothing."""
    for low, high, half in ((90.0, 102.0, 0.1), (99.0, 120.0, 0.2), (None, 101.0, None)):
        load = Estimate(value=100.0, low=low, high=high)
        assert Capacity(found="found", load=load).half_width == (half and pytest.approx(half))
