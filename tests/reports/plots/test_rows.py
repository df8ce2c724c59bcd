"""A timeline laid out in rows."""

import pytest

from reports.plots.rows import ROWS_MAX, Bar, attempt_starts, rows_of, typical_script, waits_of
from reports.sample import Sample
from sim.record import Span, Timeline
from tests.reports.records import FENCES, NOT_LEADER, make_variant, renamed, seal


def timeline(*spans: tuple[str, str, int], id_: int = 1, start: int = 1_000) -> Timeline:
    """A timeline of spans that touch: kind, label, length."""
    at = start
    made = []
    for kind, label, length in spans:
        made.append(Span(kind=kind, label=label, start_ns=at, end_ns=at + length))
        at += length
    return Timeline(id=id_, start_ns=start, end_ns=at, spans=made)


RETRIED = timeline(
    ("queue", "wait for a worker", 5),
    ("round", "fence", 100),
    ("local", "1 INCR n", 7),
    ("round", "commit", 100),
    ("log", "commit", 200),
    ("backoff", "back-off", 50),
    ("round", "fence", 90),
    ("local", "1 INCR n", 6),
    ("round", "commit", 80),
    ("log", "commit", 210),
)


def test_a_row_holds_all_that_happened_for_its_label() -> None:
    """In order of first appearance; a retry returns to its rows."""
    rows = rows_of(RETRIED)
    assert [(row.label, row.rounds, row.total_ns) for row in rows] == [
        ("wait for a worker", 0, 5),
        ("fence", 2, 190),
        ("1 INCR n", 0, 13),
        ("commit", 2, 590),
        ("back-off", 0, 50),
    ]
    assert rows[1].bars == (Bar("round", 5, 105), Bar("round", 462, 552))


def test_the_second_attempt_begins_after_the_back_off() -> None:
    """In time since the script arrived."""
    assert attempt_starts(RETRIED) == [462]


def test_many_calls_share_a_row_and_lose_nothing() -> None:
    """The first and the last keep their own; the bars still add up."""
    spans = [("round", f"{number} GET key", number) for number in range(1, 161)]
    rows = rows_of(timeline(*spans))
    assert len(rows) == ROWS_MAX
    assert [rows[0].label, rows[6].label, rows[-1].label] == [
        "1 GET key", "… 148 more …", "160 GET key",
    ]  # fmt: skip
    assert sum(row.total_ns for row in rows) == sum(range(1, 161))
    assert sum(row.rounds for row in rows) == 160


def test_as_many_rows_as_fit_stay_apart() -> None:
    """Nothing is merged without need."""
    spans = [("local", f"{number} GET key", 1) for number in range(ROWS_MAX)]
    assert [row.label for row in rows_of(timeline(*spans))] == [label for _, label, _ in spans]


@pytest.mark.parametrize(
    ("spans", "told"),
    [
        ([("local", "1 GET a", 5)], "no verification"),
        ([("round", "fence", 5)], "1 verification"),
        ([("round", "1 GET a", 5)] * 21, "21 verifications"),
        (
            [("round", "fence", 5), ("round", "commit", 5), ("log", "commit", 5)],
            "1 verification + 1 commit guard",
        ),
        (
            [("round", "commit", 5), ("local", "commit", 1), ("log", "commit", 5)],
            "no verification + 1 commit guard",
        ),
        (
            [("round", "commit", 5)] * 105 + [("log", "commit", 5)],
            "104 verifications + 1 commit guard",
        ),
        ([("log", "fence", 5), ("log", "commit", 5)], "1 read fence through the log"),
        (
            [
                ("log", "fence", 5),
                ("round", "1 GET a", 5),
                ("round", "commit", 5),
                ("log", "commit", 5),
            ]
            * 2,
            "2 verifications + 2 read fences through the log + 2 commit guards",
        ),
    ],
)
def test_waits_are_told_by_what_they_were_for(spans: list[tuple[str, str, int]], told: str) -> None:
    """The last round before the log is the guard, and no verification of a read."""
    assert waits_of(timeline(*spans)) == told


def test_the_typical_script_is_the_sampled_one_nearest_to_the_median() -> None:
    """Of equally near ones the first."""
    variant = make_variant("one_fence", scripts=5, sampled=0)
    columns = {
        **variant.columns,
        "latency_ns": [10, 20, 30, 40, 50],
        "start_ns": [100, 200, 300, 400, 500],
    }
    timelines = [
        timeline(("local", "a", length), id_=id_, start=100 * (id_ + 1))
        for id_, length in ((4, 50), (3, 40), (1, 20), (0, 10))
    ]
    sample = Sample(seal(**{**dict(variant), "columns": columns, "timelines": timelines}))
    typical = typical_script(sample)
    assert typical is not None
    assert (typical.timeline.id, typical.ended_ok) == (1, True)
    assert typical.about == "script 1, the sampled one nearest to the median"


def test_a_scenario_can_choose_the_script() -> None:
    """One that was sampled; a number that was not chooses nothing."""
    sample = Sample(make_variant("one_fence", scripts=9, sampled=9))
    usual = typical_script(sample)
    assert usual is not None
    other = next(line for line in sample.variant.timelines if line.id != usual.timeline.id)
    chosen = typical_script(sample, drawn=other.id)
    assert chosen is not None
    assert chosen.timeline is other
    assert chosen.about == f"script {other.id}, chosen by the scenario"
    assert typical_script(sample, drawn=1000) == usual


def test_where_only_some_scripts_verify_a_read_one_of_those_stands_for_the_variant() -> None:
    """Else a picture of fences would show a write, which is what most scripts may be."""
    variant = make_variant("one_fence", scripts=5, sampled=0)
    columns = {
        **variant.columns,
        "latency_ns": [10, 20, 30, 40, 50],
        "start_ns": [100, 200, 300, 400, 500],
    }
    kinds = {
        0: ("round", "fence"),
        1: ("log", "fence"),
        2: ("local", "a"),
        3: ("log", "commit"),
        4: ("round", "1 GET a"),
    }
    timelines = [
        timeline((*kinds[id_], 10 * (id_ + 1)), id_=id_, start=100 * (id_ + 1)) for id_ in kinds
    ]
    sample = Sample(seal(**{**dict(variant), "columns": columns, "timelines": timelines}))
    typical = typical_script(sample)
    assert typical is not None
    assert (typical.timeline.id, typical.ended_ok) == (1, True)
    assert typical.about == "script 1, the median of those sampled that verify a read"


def test_a_failed_script_stands_only_where_none_ended_ok() -> None:
    """And says so."""
    some = make_variant("one_fence", scripts=10, errors={NOT_LEADER: 9})
    typical = typical_script(Sample(some))
    assert typical is not None
    assert (typical.timeline.id, typical.ended_ok) == (0, True)
    every = make_variant("one_fence", scripts=3, errors={NOT_LEADER: 3})
    typical = typical_script(Sample(every))
    assert typical is not None
    assert typical.about == f"script {typical.timeline.id}: {NOT_LEADER}"
    assert not typical.ended_ok


def test_scripts_of_two_groups_with_one_number_are_told_apart() -> None:
    """By when they started: number 0 of one group failed, that of the other did not."""
    variant = make_variant("one_fence", scripts=2, sampled=0)
    columns = {
        **variant.columns,
        "id": [0, 0],
        "start_ns": [100, 200],
        "latency_ns": [50, 50],
        "outcome": [0, 1],
    }
    timelines = [timeline(("local", "a", 50), id_=0, start=start) for start in (200, 100)]
    labels = {"outcome": ["ok", NOT_LEADER]}
    parts = {"columns": columns, "timelines": timelines, "labels": labels}
    typical = typical_script(Sample(seal(**{**dict(variant), **parts})))
    assert typical is not None
    assert (typical.timeline.start_ns, typical.ended_ok) == (100, True)


def test_a_sampled_script_that_was_not_measured_is_called_so() -> None:
    """Such as one of the warm-up."""
    variant = make_variant("one_fence", scripts=0, timelines=[timeline(("local", "a", 1))])
    typical = typical_script(Sample(variant))
    assert typical is not None
    assert typical.about == "script 1: not measured"


def test_no_sampled_script_is_no_typical_one() -> None:
    """None is made up."""
    assert typical_script(Sample(make_variant("one_fence", FENCES["none"], sampled=0))) is None


def test_bars_add_up_to_the_latency_in_every_made_up_script() -> None:
    """To the nanosecond, with retries and without."""
    for fence in (FENCES["as_merged"], renamed("contended", conflicts=0.8)):
        for line in make_variant("x", fence).timelines:
            assert sum(row.total_ns for row in rows_of(line)) == line.end_ns - line.start_ns
