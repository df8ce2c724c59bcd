"""Capacities as figures: a range that a gate must clear as a whole, or a reason."""

from fractions import Fraction

import pytest

from reports.evaluate import evaluate_figures
from reports.expect import parse
from reports.figures import Figures, figures_of
from reports.planning.figures import capacity
from reports.planning.record import PlanRecord
from reports.sample import NoData
from tests.reports.planning.systems import Queue, plan_record, question
from tests.reports.records import make_record, make_variant


@pytest.fixture(scope="module")
def plan() -> PlanRecord:
    """Of one fence, and of one that keeps nothing."""
    systems = {"one_fence": Queue(), "none": Queue(path_ns=1e9)}
    return plan_record(systems, question(conditions=("healthy",)))


def verdict(text: str, plan: PlanRecord | None) -> str:
    """What comes of a line."""
    record = make_record(make_variant("one_fence"), make_variant("none"))
    figures = figures_of(record, plan)
    (line,) = evaluate_figures(parse(text, variants=[*figures]), figures)
    return line.verdict + (f": {line.reason}" if line.reason else "")


def test_a_capacity_spans_its_interval(plan: PlanRecord) -> None:
    """Per nanosecond, with the likeliest load as its mean."""
    load = plan.variant("one_fence").healthy.capacity.load
    found = capacity(plan.variant("one_fence"), "healthy")
    assert load.low is not None and load.value is not None
    assert found.low == Fraction(load.low) / 10**9 and found.middle == Fraction(load.value) / 10**9


def test_a_gate_holds_only_for_the_whole_interval(plan: PlanRecord) -> None:
    """Below its low end it is kept, inside it is broken."""
    load = plan.variant("one_fence").healthy.capacity.load
    assert load.low is not None and load.value is not None
    assert verdict(f"plan.one_fence.capacity >= {0.99 * load.low:.1f}/s", plan) == "kept"
    assert verdict(f"plan.one_fence.capacity >= {load.value:.1f}/s", plan) == "broken"
    assert verdict(f"plan.one_fence.capacity.mean > {0.99 * load.value:.1f}/s", plan) == "kept"


def test_what_was_not_found_is_unknown(plan: PlanRecord) -> None:
    """With why; and unknown is not kept."""
    assert verdict("plan.none.capacity > 1/s", plan).startswith(
        "unknown: no capacity was found: even 10/s"
    )
    assert verdict("plan.one_fence.lost.capacity > 1/s", plan).startswith(
        "unknown: one_fence has no follower to spare"
    )
    assert verdict("plan.one_fence.capacity > 1/s", None).startswith("unknown: no plan was made")
    with pytest.raises(NoData):
        Figures(make_variant("one_fence")).value("plan.capacity")
