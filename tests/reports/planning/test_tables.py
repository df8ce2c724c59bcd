"""The tables of a plan: what they say in cells, and in what order."""

import pytest

from reports.planning.record import PlanRecord
from reports.planning.tables import Table, percent, rate, tables_of
from tests.reports.planning.systems import Queue, plan_record, question


@pytest.fixture(scope="module")
def record() -> PlanRecord:
    """Two fences, and one that keeps nothing."""
    systems = {"per_call": Queue(visits=7), "one_fence": Queue(), "before": Queue(path_ns=1e9)}
    return plan_record(systems)


def table(record: PlanRecord, title: str) -> Table:
    """The table whose title begins so."""
    (found,) = (each for each in tables_of(record) if each.title.startswith(title))
    return found


def test_every_row_has_a_cell_per_heading(record: PlanRecord) -> None:
    """In every table, in the order in which one reads them."""
    tables = tables_of(record)
    assert [each.title.split(":")[0] for each in tables] == [
        "Capacity", "At a share of the capacity", "Headroom", "A follower less", "Beside formulas",
        "Waiting beside formulas",
    ]  # fmt: skip
    assert all(len(row) == len(each.headings) for each in tables for row in each.rows)


def test_the_capacity_has_an_interval_and_a_bottleneck(record: PlanRecord) -> None:
    """A row per variant; what was not found stands as words, with its reason below."""
    found = table(record, "Capacity")
    assert found.title == "Capacity: the highest load that keeps latency.p99 < 50ms"
    rows = {row[0]: row for row in found.rows}
    assert rows["one_fence"][3] == "n1->n2.heartbeats"
    assert " to " in rows["one_fence"][2] and rows["one_fence"][5].startswith(("missed", "unst"))
    assert rows["before"][1:3] == ("below range", "-")
    assert any(note.startswith("before: even 10/s") for note in found.notes)
    assert "warm-up cut by MSER-5: at most" in found.notes[-1]


def test_the_figures_stand_at_shares_of_the_capacity(record: PlanRecord) -> None:
    """Three rows of each variant that has one."""
    names = [row[:2] for row in table(record, "At a share").rows]
    assert names[:2] == [("per_call", "50 %"), ("per_call", "80 %")]
    assert names[2][1] in [f"{share} %" for share in range(90, 100)]
    assert len(names) == 6


def test_the_percentile_of_the_objective_is_shown(record: PlanRecord) -> None:
    """Beside p50 and p99, where it is neither; headroom shows nothing else."""
    rare = record.model_copy(update={"percent": 99.9})
    found = table(rare, "At a share")
    assert found.headings[3:7] == ("p50", "p99", "p99.9", "±") and "p99.9" in found.notes[0]
    assert all(len(row) == len(found.headings) for row in found.rows)
    assert table(rare, "Headroom").headings[3] == "p99.9"
    assert table(record, "At a share").headings[3:6] == ("p50", "p99", "±")


def test_headroom_says_whether_the_objective_is_kept(record: PlanRecord) -> None:
    """What lies beyond the capacity was not run."""
    kept = {row[:2]: (row[3], row[-1]) for row in table(record, "Headroom").rows}
    assert kept["one_fence", "+100 %"][1] == "yes"
    assert kept["per_call", "+100 %"] == ("-", "no")


def test_a_lost_and_a_slow_follower_are_compared_with_all(record: PlanRecord) -> None:
    """By how much the capacity changes."""
    rows = [row for row in table(record, "A follower").rows if row[0] == "one_fence"]
    assert [row[1] for row in rows] == ["all nodes", "one follower lost", "one follower slow"]
    assert rows[0][4] == "+0 %" and rows[2][4].startswith("-")


def test_formulas_stand_beside_with_their_difference(record: PlanRecord) -> None:
    """And where one does not apply, the reason stands below."""
    waits = table(record, "Waiting")
    one = next(row for row in waits.rows if row[:2] == ("one_fence", "50 %"))
    assert one[5] != "-" and one[6].endswith(" %")
    assert any(
        note.startswith("per_call at 50 %: does not apply: 7 visits") for note in waits.notes
    )


def test_what_was_not_asked_has_no_table(record: PlanRecord) -> None:
    """Without today's load no headroom, with one node no follower."""
    asked = question(today=None, conditions=("healthy",))
    plain = plan_record({"x": Queue(scripts=1_000)}, asked)
    assert [each.title[:8] for each in tables_of(plain)] == [
        "Capacity", "At a sha", "Beside f", "Waiting ",
    ]  # fmt: skip


def test_a_table_without_a_row_is_left_out() -> None:
    """Where no capacity was found, there are no shares of it."""
    asked = question(today=None, conditions=("healthy",))
    plain = plan_record({"x": Queue(path_ns=1e9, scripts=1_000)}, asked)
    assert [each.title[:8] for each in tables_of(plain)] == ["Capacity", "Beside f"]


def test_messages_that_found_no_room_are_told(record: PlanRecord) -> None:
    """From the first load on; nothing is said where there was room for all."""
    assert not any("found no room" in note for note in table(record, "Capacity").notes)
    variant = record.variant("one_fence")
    probes = list(variant.healthy.probes)
    probes[-1] = probes[-1].model_copy(update={"would_drop": 7})
    healthy = variant.healthy.model_copy(update={"probes": probes})
    changed = variant.model_copy(update={"situations": [healthy]})
    (note,) = (
        note
        for note in table(record.model_copy(update={"variants": [changed]}), "Capacity").notes
        if "found no room" in note
    )
    assert note.endswith(f"drops them: one_fence from {rate(probes[-1].load)} with all nodes")


def test_numbers_are_for_people() -> None:
    """Three digits, and whole numbers from a thousand on."""
    assert [rate(x) for x in (0.5, 48.51, 999.6, 12_345.6)] == [
        "0.5/s", "48.5/s", "1,000/s", "12,346/s",
    ]  # fmt: skip
    assert [percent(x) for x in (0.05, 0.12345, 20.0)] == ["5 %", "12.3 %", "2,000 %"]
