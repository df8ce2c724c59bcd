"""What a run makes of an expectation."""

import random
from fractions import Fraction

import pytest

from reports.evaluate import Line, evaluate
from reports.expect import parse
from reports.figures import counters_of, names
from sim.errors import InputError
from sim.record import RunRecord, Verdict
from sim.units import ms
from tests.reports.records import (
    FENCES,
    NOT_LEADER,
    attempts_histogram,
    make_record,
    make_variant,
    with_latencies,
)

RECORD = make_record()


def lines_of(text: str, record: RunRecord = RECORD) -> list[Line]:
    """The lines of one expectation."""
    variants = [variant.name for variant in record.variants]
    return evaluate(parse(text, variants=variants, counters=counters_of(record)), record)


def verdicts(text: str, record: RunRecord = RECORD) -> list[str]:
    """Their verdicts, in the order of the variants."""
    return [line.verdict for line in lines_of(text, record)]


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("one_fence.verifications.per_script == 1", "kept"),
        ("as_merged.verifications.per_script == 1", "broken"),
        ("none.verifications.per_script == 1", "broken"),
        ("as_merged.verifications.per_script == 112 + 49 + 1", "kept"),
        ("per_call.latency.p50 / one_fence.latency.p50 > 5", "kept"),
        ("per_call.latency.p50 / one_fence.latency.p50 > 500", "broken"),
        ("one_fence.latency.p99 < 900ms", "kept"),
        ("one_fence.latency.p99 < 100ms", "broken"),
        ("one_fence.errors == 0", "kept"),
        ("one_fence.errors != 0", "broken"),
        ("none.safety == violated", "kept"),
        ("none.safety == ok", "broken"),
        ("none.safety != ok", "kept"),
        ("none.safety == one_fence.safety", "broken"),
        ("one_fence.throughput >= 1/s", "kept"),
        ("one_fence.throughput >= 3000/s", "broken"),
        ("one_fence.errors.rate <= 1%", "kept"),
        ("one_fence.latency.p50 > 0", "kept"),
        ("one_fence.latency.p50 + 0 > 0", "kept"),
        ("-one_fence.latency.p50 < 0", "kept"),
        ("(per_call.scripts - one_fence.scripts) * 2 == 0", "kept"),
        ("per_call.rounds.total - 21 * per_call.scripts == 0", "kept"),
    ],
)
def test_a_comparison_is_kept_or_broken(text: str, verdict: str) -> None:
    """Over figures of one variant or of several."""
    assert verdicts(text) == [verdict]


def test_a_figure_without_a_variant_has_a_line_per_variant() -> None:
    """Each with its value."""
    lines = lines_of("verifications.per_script == 1")
    assert [(line.variant, line.verdict, line.value) for line in lines] == [
        ("per_call", "broken", "21"),
        ("as_merged", "broken", "162"),
        ("one_fence", "kept", "1"),
        ("none", "broken", "0"),
    ]
    assert lines[0].title == "per_call: verifications.per_script == 1"
    assert lines_of("one_fence.errors == 0")[0].title == "one_fence.errors == 0"


MIXED = make_record(
    make_variant(
        "one_fence",
        histograms={
            "attempts": attempts_histogram(
                {(0, 0, 0, 1, 0, 1, 7, 9, 9): 1_999, (0, 0, 0, 2, 0, 2, 7, 9, 9): 1}
            )
        },
    )
)


@pytest.mark.parametrize(
    ("comparison", "verdict"),
    [
        ("== 1", "broken"),
        ("== 2", "broken"),
        ("<= 2", "kept"),
        ("< 2", "broken"),
        (">= 1", "kept"),
        (">= 2", "broken"),
        ("> 1", "broken"),
    ],
)
def test_a_spread_must_satisfy_the_comparison_at_both_ends(comparison: str, verdict: str) -> None:
    """One attempt in two thousand is enough to break it."""
    assert verdicts(f"one_fence.verifications.per_script {comparison}", MIXED) == [verdict]


def test_arithmetic_on_a_spread_keeps_both_ends() -> None:
    """Twice 1 to 2 is 2 to 4."""
    (line,) = lines_of("2 * one_fence.verifications.per_script <= 3", MIXED)
    assert (line.verdict, line.value) == ("broken", "2 to 4")
    assert verdicts("5 - one_fence.verifications.per_script >= 3", MIXED) == ["kept"]


def test_equality_does_not_round() -> None:
    """A mean of 1.0005 is not 1, and 2001 / 2000 is what it is."""
    mean = "one_fence.verifications.per_script.mean"
    assert verdicts(f"{mean} == 1", MIXED) == ["broken"]
    assert verdicts(f"{mean} == 2001 / 2000", MIXED) == ["kept"]
    assert verdicts(f"{mean} == 1.0005", MIXED) == ["kept"]


def test_a_value_that_rounds_to_its_limit_is_shown_in_full() -> None:
    """Otherwise 900 ms would seem to break < 900ms without reason, and 899.999 to be 900."""
    record = make_record(with_latencies([ms(900) + 1]))
    (line,) = lines_of("one_fence.latency.max <= 900ms", record)
    assert (line.verdict, line.value) == ("broken", "900.000001 ms")
    (line,) = lines_of("one_fence.latency.max <= 901ms", record)
    assert (line.verdict, line.value) == ("kept", "900 ms")


def test_the_other_side_is_told_where_it_has_figures() -> None:
    """A literal stands in the text already."""
    (line,) = lines_of("one_fence.latency.p50 > per_call.latency.p50")
    assert (line.value, line.against) == ("400 ms", "8.69 s")
    (line,) = lines_of("one_fence.latency.p50 < 2 * 300ms")
    assert (line.value, line.against) == ("400 ms", "")


def test_every_figure_is_told_with_its_value() -> None:
    """Once each, in the order of the text."""
    (line,) = lines_of("per_call.errors + one_fence.errors + per_call.errors == 0")
    assert [(reading.variant, reading.figure) for reading in line.readings] == [
        ("per_call", "errors"),
        ("one_fence", "errors"),
    ]
    (line,) = lines_of("one_fence.errors == 0")
    (reading,) = line.readings
    assert getattr(reading.value, "low", None) == Fraction(0)


def test_a_broken_count_names_its_call_sites() -> None:
    """Every broken one, and no kept one."""
    broken = lines_of("verifications.per_script == 1")
    assert [line.causes for line in broken] == [
        ("21 = string reads 21 (V)",),
        ("162 = store reads 161 (F: point reads 112, range scans 49) + script start 1 (L)",),
        (),
        ("0: no verification at all: no call site asked a quorum",),
    ]


def test_causes_of_several_variants_say_whose_they_are() -> None:
    """In a ratio of counts."""
    (line,) = lines_of("per_call.verifications.per_script / one_fence.verifications.per_script < 5")
    assert line.causes == (
        "per_call: 21 = string reads 21 (V)",
        "one_fence: 1 = script start 1 (L)",
    )


def test_no_data_is_unknown_and_says_why() -> None:
    """Neither kept nor broken: where no script ended ok there is no latency."""
    failed = make_variant("one_fence", scripts=3, errors={NOT_LEADER: 3})
    (line,) = lines_of("one_fence.latency.p99 < 900ms", make_record(failed))
    assert (line.verdict, line.value) == ("unknown", "")
    reason = "no script ended ok, so there is no latency; 3 of 3 scripts: "
    assert line.reason == reason + NOT_LEADER


def test_a_judge_that_could_not_decide_leaves_the_line_unknown() -> None:
    """Unless that is what was expected."""
    undecided = Verdict(verdict="unknown", checked=9, reason="the limit of 9 operations was met")
    record = make_record(make_variant("one_fence", verdicts={"safety": undecided}))
    for text in ("one_fence.safety == ok", "one_fence.safety != violated", "safety == safety"):
        (line,) = lines_of(text, record)
        assert line.verdict == "unknown"
        assert line.reason == (
            "the verdict on safety of one_fence is unknown: the limit of 9 operations was met"
        )
    assert verdicts("one_fence.safety == unknown", record) == ["kept"]
    assert verdicts("one_fence.safety != unknown", record) == ["broken"]


def test_a_count_that_the_ledger_contradicts_cannot_keep_a_line() -> None:
    """A run that counts without sending must not pass, and a broken line stays broken."""
    ledger = Verdict(
        verdict="violated",
        checked=200,
        violations=200,
        examples=["read 5 was counted, no round confirmed it"],
    )
    safety = Verdict(verdict="ok", checked=1)
    verdicts_ = {"ledger": ledger, "safety": safety}
    record = make_record(make_variant("one_fence", verdicts=verdicts_))
    (line,) = lines_of("one_fence.verifications.per_script == 1", record)
    assert line.verdict == "unknown"
    assert line.reason == (
        "the ledger of one_fence does not balance (200 differences between counted, confirmed and "
        "sent, such as read 5 was counted, no round confirmed it), so its counts prove nothing"
    )
    assert verdicts("one_fence.verifications.per_script == 2", record) == ["broken"]
    assert verdicts("one_fence.rounds.total > 0", record) == ["unknown"]
    assert verdicts("one_fence.latency.p50 > 0", record) == ["kept"]
    assert verdicts("one_fence.ledger == ok", record) == ["broken"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "per_call.errors / one_fence.errors > 1",
            "column 19: division by zero: one_fence.errors is 0",
        ),
        (
            "1 / verifications.per_script >= 1",
            "column 5: division by zero: verifications.per_script is 0 in variant none",
        ),
        (
            "per_call.errors / (one_fence.errors - 0) > 1",
            "column 20: division by zero: one_fence.errors - 0 is 0",
        ),
    ],
)
def test_a_division_by_zero_is_an_error_in_the_expectation(text: str, problem: str) -> None:
    """With the divisor, what it was, and whose."""
    with pytest.raises(InputError) as error:
        lines_of(text)
    assert str(error.value) == f"expect {text!r}: {problem}"


class Draw:
    """Draws expectations, most of them sound in syntax and few in sense."""

    def __init__(self, record: RunRecord) -> None:
        self.chance = random.Random(3)
        self.variants = [variant.name for variant in record.variants]
        self.figures = names(counters_of(record))

    def operand(self) -> str:
        """A figure, or a literal."""
        if self.chance.random() < 0.25:
            return self.chance.choice(["0", "1", "5%", "900ms", "3/s", "ok", "violated", "unknown"])
        figure = self.chance.choice(self.figures)
        if self.chance.random() < 0.3:
            return figure
        return f"{self.chance.choice(self.variants)}.{figure}"

    def side(self, depth: int) -> str:
        """A sum, a product, or an operand."""
        kind = self.chance.random()
        if depth == 0 or kind < 0.4:
            return self.operand()
        if kind < 0.5:
            return f"-({self.side(depth - 1)})"
        operator = self.chance.choice([" + ", "-", " * ", "/"])
        return f"{self.side(depth - 1)}{operator}{self.side(depth - 1)}"

    def text(self) -> str:
        """A comparison of two sides."""
        operator = self.chance.choice(["<", " <= ", "==", " != ", ">=", " > "])
        return self.side(self.chance.randrange(3)) + operator + self.side(self.chance.randrange(3))


def test_no_expectation_does_anything_but_be_told_or_refused() -> None:
    """Thousands of random ones, on a run with failures and a variant without scripts."""
    record = make_record(
        make_variant("one_fence"),
        make_variant("dead", FENCES["one_fence"], scripts=3, errors={NOT_LEADER: 3}),
        make_variant("empty", FENCES["one_fence"], scripts=0),
    )
    draw = Draw(record)
    outcomes = {"kept": 0, "broken": 0, "unknown": 0, "refused": 0}
    for _ in range(3_000):
        try:
            for verdict in verdicts(draw.text(), record):
                outcomes[verdict] += 1
        except InputError as error:
            assert str(error).startswith("expect '")
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 100
