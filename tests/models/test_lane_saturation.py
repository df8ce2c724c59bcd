"""The lane of heartbeats as bottleneck: the shipped scenario of the incident, and where it ends."""

from functools import cache

from readfence.runs import run_all
from readfence.scenarios import Loaded, load
from reports.check import Check, Gate, check_run
from sim.record import RunRecord
from sim.units import SECOND, us
from tests.models.worlds import outcomes_of

ROUND_TRIP_NS = us(1400)
LANES = [f"n1->n{peer}.heartbeats" for peer in (2, 3)]


@cache
def ran(*assignments: str) -> tuple[Loaded, RunRecord]:
    """The scenario and its run, with these settings changed."""
    loaded = load("lane_saturation", [*assignments, "timelines=0"])
    return loaded, run_all(loaded).record


def checked(loaded: Loaded, record: RunRecord) -> Check:
    """Its expectations, over its run."""
    return check_run(record, [Gate(text) for text in loaded.scenario.expect])


def test_the_incident_happens_and_all_that_is_expected_of_it_holds() -> None:
    """Dropped heartbeats, readers that pile up, a full lane; none of it with one fence."""
    assert checked(*ran()).kept


def test_the_arithmetic_in_the_file_is_that_of_the_run() -> None:
    """Rounds asked for per second times the round trip: above 1 with the leak alone."""
    _, record = ran()
    leak, fence = record.variant("as_merged"), record.variant("one_fence")
    assert sorted(leak.columns["start_ns"]) == sorted(fence.columns["start_ns"])
    calls = {"five_gets": 5, "six_gets": 6, "seven_gets": 7, "get": 1}
    names = [leak.labels["script"][kind] for kind in leak.columns["script"]]
    scripts = [name for name in names if name != "get"]
    seconds = 30
    reads = sum(19 * calls[name] for name in scripts) / seconds
    assert reads * ROUND_TRIP_NS > SECOND
    assert abs(len(scripts) / seconds - 7) < 1
    assert len(names) / seconds * ROUND_TRIP_NS < SECOND / 20


def test_a_lane_carries_one_heartbeat_per_round_trip_and_no_more() -> None:
    """That is the throughput of the cluster, whatever is asked for."""
    _, record = ran()
    for name in LANES:
        window = record.variant("as_merged").resources[name]
        per_second = window.served / (window.length_ns / SECOND)
        assert 0.97 < per_second * ROUND_TRIP_NS / SECOND <= 1


def test_scripts_run_into_their_deadline_and_nothing_else_fails() -> None:
    """Heartbeats flow all the while, so nobody is elected."""
    _, record = ran()
    leak = record.variant("as_merged")
    outcomes = outcomes_of(leak)
    assert set(outcomes) == {"ok", "context deadline exceeded"}
    assert outcomes["context deadline exceeded"] > 50
    assert leak.counters["elections.won"] == leak.counters["leadership.lost"] == 0


def test_where_the_arithmetic_says_that_it_fits_the_incident_does_not_happen() -> None:
    """At a quarter of the round trip the product is below 1: nothing is dropped, no gate holds."""
    loaded, record = ran("network.one_way=175us")
    leak = record.variant("as_merged")
    assert leak.counters["heartbeats.dropped"] == 0
    assert outcomes_of(leak) == {"ok": len(leak.columns["id"])}
    check = checked(loaded, record)
    broken = [each.line.text for each in check.findings if each.line.verdict == "broken"]
    assert len(broken) >= 7
    assert all(text.startswith("as_merged.") for text in broken)
