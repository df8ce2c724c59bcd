"""Formulas beside a plan: right where they apply, and a reason where they do not."""

import pytest

from reports.planning.formulas import (
    Formula,
    bound,
    constant_service_wait,
    exponential_service_wait,
    not_poisson,
    scalability_peak,
)
from reports.planning.record import PlanRecord, Probe, Situation, Use
from sim.units import SECOND, ms
from tests.reports.planning.systems import Queue, plan_record, question


@pytest.fixture(scope="module")
def record() -> PlanRecord:
    """A queue of one visit, and one of seven."""
    asked = question(conditions=("healthy",), today=None)
    return plan_record({"one": Queue(), "seven": Queue(visits=7)}, asked)


def use(**changes: float) -> Use:
    """A lane at half its capacity."""
    plain = Use(
        count=1, utilisation=0.5, arrived_per_s=500.0, visits=1.0, service_ns=ms(1),
        wait_ns=ms(0.5), longest_queue=3,
    )  # fmt: skip
    return plain.model_copy(update=changes)


def test_the_bound_is_the_load_that_saturates_the_queue(record: PlanRecord) -> None:
    """1,000 jobs of a millisecond a second, or a seventh of that."""
    for name, expected in (("one", 1_000.0), ("seven", 1_000.0 / 7)):
        found = bound(record.variant(name).healthy)
        assert found.value == pytest.approx(expected, rel=0.02)


def _with_idle_work(situation: Situation, extra: float) -> Situation:
    """The same, with a lane that is busy by so much at any load."""
    probes = []
    for probe in situation.probes:
        lane = probe.resources["n1->n2.heartbeats"]
        busier = lane.model_copy(update={"utilisation": lane.utilisation + extra})
        probes.append(probe.model_copy(update={"resources": {"n1->n2.heartbeats": busier}}))
    return situation.model_copy(update={"probes": probes})


def test_work_that_is_there_at_no_load_is_taken_off(record: PlanRecord) -> None:
    """Heartbeats that take a tenth of a lane leave nine tenths of its capacity."""
    found = bound(_with_idle_work(record.variant("one").healthy, 0.1))
    assert found.value == pytest.approx(900.0, rel=0.02)


def test_a_resource_whose_work_per_script_changes_has_no_bound(record: PlanRecord) -> None:
    """Readers that share rounds take less each, the more they are."""
    healthy = record.variant("one").healthy
    probes = list(healthy.probes)
    kept = [index for index, probe in enumerate(probes) if probe.answer == "kept"]
    last = probes[kept[-1]]
    lane = last.resources["n1->n2.heartbeats"]
    shared = lane.model_copy(update={"utilisation": 0.6 * lane.utilisation})
    probes[kept[-1]] = last.model_copy(update={"resources": {"n1->n2.heartbeats": shared}})
    found = bound(healthy.model_copy(update={"probes": probes}))
    assert found.value is None
    assert found.why_not.startswith(
        "the time of n1->n2.heartbeats per script changes with the load"
    )


def test_the_wait_is_that_of_constant_service() -> None:
    """Half of rho S / (1 - rho), and twice that for exponential service."""
    constant, exponential = constant_service_wait(use()), exponential_service_wait(use())
    assert constant.value == pytest.approx(ms(0.5)) and exponential.value == pytest.approx(ms(1))
    assert constant.off(ms(0.6)) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("changes", "why_not"),
    [
        ({"count": 4}, "4 servers, not one"),
        ({"visits": 7.0}, "7 visits per script, so arrivals are not Poisson"),
        ({"utilisation": 1.0}, "it is saturated"),
    ],
)
def test_what_is_no_single_queue_has_no_such_wait(changes: dict[str, float], why_not: str) -> None:
    """And it says why."""
    for found in (constant_service_wait(use(**changes)), exponential_service_wait(use(**changes))):
        assert (found.value, found.why_not) == (None, why_not)


def test_the_fit_finds_the_limit_of_throughput(record: PlanRecord) -> None:
    """Of a queue that serves 1,000 a second, from stable loads alone."""
    found = scalability_peak(record.variant("one").healthy.probes)
    assert found.value == pytest.approx(1_000.0, rel=0.15)


def test_too_few_loads_have_no_fit(record: PlanRecord) -> None:
    """Three parameters need three."""
    found = scalability_peak(record.variant("one").healthy.probes[:2])
    assert found == Formula(None, "fewer than three stable loads")
    assert found.off(5.0) is None


def test_waits_are_of_poisson_arrivals_alone(record: PlanRecord) -> None:
    """Clients in a closed loop, bursts, and what a variant sends of its own are none."""
    assert not_poisson(record, "one") == ""
    poisson = record.scenario["workload"][0]
    for group, why in (
        ({"name": "pool", "arrivals": None}, "pool send in a closed loop, so "),
        ({"name": "cron", "arrivals": {"pattern": "regular"}}, "arrivals of cron are regular, "),
    ):
        scenario = {**record.scenario, "workload": [poisson, group]}
        found = not_poisson(record.model_copy(update={"scenario": scenario}), "one")
        assert found.startswith(why)
        assert constant_service_wait(use(), found) == Formula(None, found)
    scenario = {**record.scenario, "variants": {"one": {"workload": []}, "seven": None}}
    other = record.model_copy(update={"scenario": scenario})
    assert not_poisson(other, "one") == "the variant has a workload of its own"
    assert not_poisson(other, "seven") == ""


def test_a_peak_far_beyond_what_was_tried_is_not_told(record: PlanRecord) -> None:
    """A curve that is all but straight says nothing of where it bends."""
    probe = record.variant("one").healthy.probes[0]

    def probes(contention: float) -> list[Probe]:
        throughputs = {n: 100.0 * n / (1.0 + contention * (n - 1)) for n in (1, 10, 100, 1_000)}
        return [
            probe.model_copy(update={"load": x, "throughput": x, "mean_ns": SECOND * n / x})
            for n, x in throughputs.items()
        ]

    found = scalability_peak(probes(0.00001))
    assert found.value is None and "far beyond 9.9e+04/s" in found.why_not
    assert scalability_peak(probes(0.1)).value == pytest.approx(1_000.0, rel=0.01)
