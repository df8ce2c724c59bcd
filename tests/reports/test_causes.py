"""What made a figure what it is."""

import pytest

from reports.causes import causes_of
from reports.figures import Figures
from sim.record import Verdict
from tests.reports.records import DEADLINE, NOT_LEADER, attempts_histogram, make_variant

GUARDED = (0, 0, 0, 1, 1, 2, 1, 5, 5)


def figures_of_rows(rows: dict[tuple[int, ...], int]) -> Figures:
    """A variant with these attempts."""
    return Figures(make_variant("one_fence", histograms={"attempts": attempts_histogram(rows)}))


@pytest.mark.parametrize(
    ("row", "cause"),
    [
        ((21, 0, 0, 0, 0, 21, 7, 9, 9), "21 = string reads 21 (V)"),
        (
            (3, 112, 49, 1, 1, 166, 7, 9, 9),
            (
                "165 = string reads 3 (V) + store reads 161 (F: point reads 112, range scans 49) + "
                "script start 1 (L)"
            ),
        ),
        ((0, 0, 49, 0, 0, 49, 7, 9, 9), "49 = store reads 49 (F: range scans 49)"),
        ((0, 1_200, 0, 0, 0, 1, 7, 9, 9), "1,200 = store reads 1,200 (F: point reads 1,200)"),
        (
            (0, 0, 0, 0, 1, 1, 7, 9, 9),
            "0: no verification at all: no call site asked a quorum",
        ),
    ],
)
def test_a_count_of_verifications_names_its_call_sites(row: tuple[int, ...], cause: str) -> None:
    """Letter and name; the commit guard is none of them."""
    assert causes_of(figures_of_rows({row: 3}), "verifications.per_script") == [cause]


def test_attempts_that_differ_are_told_at_both_extremes() -> None:
    """With how many attempts each had."""
    figures = figures_of_rows({GUARDED: 1_990, (0, 0, 0, 3, 1, 4, 1, 5, 5): 10})
    assert causes_of(figures, "verifications.per_script.max") == [
        "3 = script start 3 (L) [10 of 2,000 attempts]",
        "1 = script start 1 (L) [1,990 of 2,000 attempts]",
    ]


def test_a_count_of_commit_guards_is_of_guards_alone() -> None:
    """And says so where there was none."""
    assert causes_of(figures_of_rows({GUARDED: 2}), "commit_guards.per_script") == [
        "1 = commit guard 1 (C)"
    ]
    without = figures_of_rows({(0, 0, 0, 1, 0, 1, 1, 5, 5): 2})
    assert causes_of(without, "commit_guards.per_script") == ["0: no commit was guarded"]


@pytest.mark.parametrize(
    ("rounds", "cause"),
    [
        (2, "2 = script start 1 (L) + commit guard 1 (C)"),
        (
            1,
            "1 on the wire: 2 = script start 1 (L) + commit guard 1 (C), of which 1 shared a round",
        ),
        (
            5,
            (
                "5 on the wire: 2 = script start 1 (L) + commit guard 1 (C), "
                "and 3 that no call site asked for"
            ),
        ),
    ],
)
def test_rounds_on_the_wire_are_reconciled_with_the_call_sites(rounds: int, cause: str) -> None:
    """Fewer where rounds were shared; more is told as well."""
    row = (*GUARDED[:5], rounds, *GUARDED[6:])
    assert causes_of(figures_of_rows({row: 4}), "rounds.per_script") == [cause]
    assert causes_of(figures_of_rows({row: 4}), "rounds.total") == [cause]


def test_errors_are_told_by_their_text() -> None:
    """The commonest first."""
    figures = Figures(make_variant("one_fence", errors={NOT_LEADER: 2, DEADLINE: 5}))
    assert causes_of(figures, "errors.rate") == [f"5 × {DEADLINE}", f"2 × {NOT_LEADER}"]


def test_a_verdict_is_told_by_its_examples() -> None:
    """A few, and how many more there were."""
    examples = [f"script {number} read too old" for number in range(5)]
    verdict = Verdict(verdict="violated", checked=99, violations=12, examples=examples)
    figures = Figures(make_variant("none", verdicts={"safety": verdict}))
    assert causes_of(figures, "safety") == [*examples[:3], "and 9 more"]
    assert causes_of(figures, "ledger") == []


@pytest.mark.parametrize("name", ["latency.p99", "retries", "rounds.sent", "scripts"])
def test_a_figure_without_known_causes_has_none(name: str) -> None:
    """Nothing is made up."""
    assert causes_of(Figures(make_variant("one_fence")), name) == []


def test_no_attempts_have_no_call_sites() -> None:
    """Zero of nothing needs no cause."""
    assert causes_of(figures_of_rows({}), "verifications.per_script") == []
