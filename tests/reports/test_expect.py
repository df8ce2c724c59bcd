"""Expectations checked without a run."""

import pytest

from reports.expect import parse
from sim.errors import InputError

VARIANTS = ["per_call", "one_fence", "none"]


@pytest.mark.parametrize(
    "text",
    [
        "one_fence.verifications.per_script == 1",
        "one_fence.latency.p99 < 900ms",
        "per_call.latency.p50 / one_fence.latency.p50 > 5",
        "one_fence.errors == 0",
        "none.safety == violated",
        "one_fence.safety != violated",
        "none.safety == one_fence.safety",
        "throughput >= 3000/s",
        "errors.rate < 0.5%",
        "latency.p99.9 - latency.p50 < 2 * latency.p50 + 5ms",
        "one_fence.latency.p95 > 0",
        "0 < one_fence.latency.p95",
        "latency.p50 + 0 < 1s",
        "scripts / virtual_time > 10/s",
        "throughput * latency.mean < 64",
        "verifications.per_script.max != 2",
        "rounds.sent == one_fence.rounds.confirmed",
        "loop.busy_ns / virtual_time < 80%",
    ],
)
def test_a_sound_expectation_is_accepted(text: str) -> None:
    """Of figures, counters, literals and words, with and without variants."""
    counters = ["rounds.sent", "rounds.confirmed", "loop.busy_ns"]
    assert parse(text, variants=VARIANTS, counters=counters).text == text


def test_a_figure_without_a_variant_applies_to_each() -> None:
    """One such figure is enough."""
    assert parse("errors == 0", variants=VARIANTS).of_each_variant
    assert parse("per_call.latency.p50 > latency.p50", variants=VARIANTS).of_each_variant
    assert not parse("one_fence.errors == none.errors", variants=VARIANTS).of_each_variant


def test_a_figure_of_a_plan_may_have_its_variant_inside() -> None:
    """And is told from figures of a run, since it takes a plan to decide it."""
    inside = parse("plan.one_fence.capacity >= 3000/s", variants=VARIANTS)
    before = parse("one_fence.plan.capacity >= 3000/s", variants=VARIANTS)
    assert [*inside.reads.values()] == [*before.reads.values()] and inside.of_plan
    each = parse("plan.slow.capacity.mean > 1/s", variants=VARIANTS)
    assert each.of_plan and each.of_each_variant
    assert not parse("throughput > 1/s", variants=VARIANTS).of_plan
    for wrong in ("plan.one_fenc.capacity > 1/s", "plan.one_fence.capasity > 1/s"):
        with pytest.raises(InputError, match="unknown figure"):
            parse(wrong, variants=VARIANTS)


def test_a_variant_may_have_the_name_of_a_word_or_figure() -> None:
    """The longest reading that makes sense is taken."""
    variants = ["latency", "ok", "errors"]
    parsed = parse("latency.p99 + latency.latency.p99 < 3s", variants=variants)
    assert [read.variant for read in parsed.reads.values()] == [None, "latency"]
    assert not parse("ok.safety == ok", variants=variants).of_each_variant
    assert parse("errors == 0", variants=variants).of_each_variant


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "one_fenc.latency.p50 < 3ms",
            "column 1: unknown variant 'one_fenc'; did you mean 'one_fence'?",
        ),
        (
            "errors == 0 * xyzzy.errors",
            "column 15: unknown variant 'xyzzy'; the variants are per_call, one_fence, none",
        ),
        (
            "one_fence.latncy.p99 < 3ms",
            "column 1: unknown figure 'latncy.p99'; did you mean 'latency.p99'?",
        ),
        (
            "one_fence.verifications == 1",
            "column 1: unknown figure 'verifications'; did you mean 'verifications.per_script'?",
        ),
        (
            "latency.p999 < 3s",
            "column 1: unknown figure or word 'latency.p999'; did you mean 'latency.p99.9'?",
        ),
        (
            "safety == violatd",
            "column 11: unknown figure or word 'violatd'; did you mean 'violated'?",
        ),
        ("x == 1", "column 1: unknown figure or word 'x'"),
        (
            "one_fence > 3",
            "column 1: 'one_fence' is a variant; name a figure of it, such as one_fence.errors",
        ),
        (
            "latency.p99 < 900",
            ("column 15: latency.p99 is a duration, 900 is a plain number: they cannot be compared;"
            " write 900 with a unit, such as 900ms"),
        ),
        (
            "900 > latency.p99",
            ("column 1: 900 is a plain number, latency.p99 is a duration: they cannot be compared;"
            " write 900 with a unit, such as 900ms"),
        ),
        (
            "throughput > 3000",
            ("column 14: throughput is a rate, 3000 is a plain number: they cannot be compared;"
            " write 3000 with a unit, such as 3000/s"),
        ),
        (
            "errors == 3ms",
            "column 11: errors is a plain number, 3ms is a duration: they cannot be compared",
        ),
        (
            "latency.p50 + errors > 3ms",
            "column 15: latency.p50 is a duration, errors is a plain number: they cannot be added",
        ),
        (
            "latency.p50 - 5 > 3ms",
            ("column 15: latency.p50 is a duration, 5 is a plain number: they cannot be subtracted;"
            " write 5 with a unit, such as 5ms"),
        ),
        (
            "latency.p50 * latency.p50 > 3s",
            ("column 29: latency.p50 * latency.p50 is a time to the power of 2, 3s is a duration: "
            "they cannot be compared"),
        ),
        ("latency.p50 / 0 > 3", "column 15: division by zero"),
        ("errors == 0ms", ("column 11: errors is a plain number, 0ms is a duration: "
         "they cannot be compared")),
        ("safety < ok", "column 8: expected == or != between words, got '<'"),
        ("safety == 5", "column 11: safety is a word (ok, violated, unknown), 5 is a number"),
        ("errors == ok", "column 11: ok is a word (ok, violated, unknown), errors is a number"),
        ("-safety == ok", "column 2: safety is a word; there is no reckoning with it"),
        (
            "verifications.per_script != 1",
            ("column 26: != is not for verifications.per_script, which spans attempts: "
            "name its .min, .mean or .max"),
        ),
        ("1 == 1", "column 1: there is no figure in it, so no run decides it"),
        ("ok == ok", "column 1: there is no figure in it, so no run decides it"),
    ],
)  # fmt: skip
def test_a_wrong_expectation_is_refused_with_column_and_cure(text: str, problem: str) -> None:
    """Before any run is made."""
    with pytest.raises(InputError) as error:
        parse(text, variants=VARIANTS)
    assert str(error.value) == f"expect {text!r}: {problem}"


def test_a_counter_that_no_run_will_count_is_refused() -> None:
    """Counters are known only to who makes the run; they are handed in."""
    with pytest.raises(InputError, match="unknown figure 'conflicts'"):
        parse("one_fence.conflicts == 0", variants=VARIANTS)
    parse("one_fence.conflicts == 0", variants=VARIANTS, counters=["conflicts"])
