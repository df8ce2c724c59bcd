"""Trails: stretches that touch and add up."""

import pytest

from sim.trail import Trail


def test_stretches_touch_and_add_up_to_the_latency() -> None:
    """Each begins where the last one ended."""
    trail = Trail(7, 100)
    trail.mark("queue", "wait", 130)
    trail.mark("round", "fence", 200)
    trail.mark("local", "1 GET", 260)
    timeline = trail.timeline()
    assert [(span.start_ns, span.end_ns) for span in timeline.spans] == [
        (100, 130),
        (130, 200),
        (200, 260),
    ]
    assert sum(span.end_ns - span.start_ns for span in timeline.spans) == 160
    assert (timeline.id, timeline.start_ns, timeline.end_ns) == (7, 100, 260)


def test_no_time_leaves_no_stretch() -> None:
    """Nothing happened, so nothing is told."""
    trail = Trail(1, 5)
    trail.mark("local", "x", 5)
    assert trail.timeline().spans == []


def test_local_work_for_one_label_is_one_stretch_but_each_round_is_its_own() -> None:
    """Rounds are counted in the picture; slices of local work are not."""
    trail = Trail(1, 0)
    for until in (10, 20):
        trail.mark("local", "x", until)
    for until in (30, 40):
        trail.mark("round", "x", until)
    assert [(span.kind, span.end_ns) for span in trail.timeline().spans] == [
        ("local", 20),
        ("round", 30),
        ("round", 40),
    ]


def test_a_trail_cannot_go_back() -> None:
    """That would be a bug."""
    trail = Trail(1, 10)
    with pytest.raises(AssertionError, match="a trail cannot go back from 10 to 9"):
        trail.mark("local", "x", 9)


@pytest.mark.parametrize(
    ("at", "ends"), [(5, [5]), (10, [10]), (15, [10, 15]), (20, [10, 20]), (99, [10, 20]), (0, [])]
)
def test_a_cut_takes_away_what_came_after(at: int, ends: list[int]) -> None:
    """Work that was owed is not done when a deadline comes first."""
    trail = Trail(1, 0)
    trail.mark("local", "x", 10)
    trail.mark("local", "y", 20)
    trail.cut(at)
    assert [span.end_ns for span in trail.timeline().spans] == ends
    trail.mark("local", "z", 30)
    assert trail.timeline().end_ns == 30
