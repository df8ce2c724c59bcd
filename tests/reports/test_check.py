"""A whole check."""

import pytest

from reports.check import Gate, check_run
from sim.errors import InputError
from tests.reports.records import make_record, make_variant

RECORD = make_record()


def test_every_gate_is_checked_not_only_up_to_the_first_that_breaks() -> None:
    """In the order in which they were written."""
    gates = [
        Gate("one_fence.verifications.per_script == 2", "a.yaml", 3),
        Gate("one_fence.errors == 0", "a.yaml", 4),
        Gate("verifications.per_script == 1", "a.yaml", 5),
    ]
    check = check_run(RECORD, gates)
    assert [finding.line.verdict for finding in check.findings] == [
        "broken", "kept", "broken", "broken", "kept", "broken",
    ]  # fmt: skip
    assert [finding.gate.line for finding in check.findings] == [3, 4, 5, 5, 5, 5]
    assert not check.kept
    assert [check.count(verdict) for verdict in ("kept", "broken", "unknown")] == [2, 4, 0]


def test_a_check_is_kept_when_every_line_is() -> None:
    """And says of which run."""
    check = check_run(RECORD, [Gate("one_fence.errors == 0"), Gate("none.safety == violated")])
    assert check.kept
    assert (check.scenario, check.seed, check.digest) == ("verify_storm", 1, RECORD.digest)


def test_an_unknown_line_is_not_kept() -> None:
    """A gate fails on what it cannot tell."""
    nothing_ran = make_record(make_variant("one_fence", scripts=0))
    check = check_run(nothing_ran, [Gate("latency.p99 < 1s"), Gate("errors == 0")])
    assert [check.count(verdict) for verdict in ("kept", "broken", "unknown")] == [1, 0, 1]
    assert not check.kept


def test_a_wrong_gate_is_told_with_its_place() -> None:
    """File and line stand before what is wrong."""
    with pytest.raises(InputError) as error:
        check_run(RECORD, [Gate("one_fence.errrors == 0", "scenarios/a.yaml", 12)])
    assert str(error.value) == (
        "scenarios/a.yaml:12: expect 'one_fence.errrors == 0': column 1: unknown figure 'errrors'; "
        "did you mean 'errors'?"
    )


def test_a_wrong_gate_of_unknown_place_is_told_without() -> None:
    """As when it comes from an option."""
    with pytest.raises(InputError, match=r"^expect 'x == 0': column 1: unknown figure"):
        check_run(RECORD, [Gate("x == 0")])


def test_a_check_without_gates_is_refused() -> None:
    """It could never fail."""
    with pytest.raises(InputError) as error:
        check_run(RECORD, [])
    assert str(error.value) == "verify_storm has no expectations, so there is nothing to check"


def test_the_place_of_a_gate_is_as_exact_as_known() -> None:
    """File and line, the file alone, or nothing."""
    places = [Gate("a", "b.yaml", 3).place, Gate("a", "b.yaml").place, Gate("a").place]
    assert places == ["b.yaml:3", "b.yaml", ""]


def test_counters_of_the_run_can_be_gated() -> None:
    """Whatever the models counted."""
    assert check_run(RECORD, [Gate("one_fence.rounds.sent == 212")]).kept
