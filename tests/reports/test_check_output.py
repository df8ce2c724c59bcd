"""A check told in every form."""

import json
from xml.etree import ElementTree

import pytest

from reports.check import Check, Gate, check_run
from reports.check_output import (
    check_annotations,
    check_json,
    check_junit,
    check_markdown,
    check_text,
    verdict_line,
)
from tests.reports.records import STALE, make_record, make_variant

HOSTILE = "red | `x` [b]ad[/b]\n::error::forged\x1b[31m <a> & \x00"


def checked(*texts: str) -> Check:
    """A check of these expectations on the run of the incident."""
    gates = [Gate(text, "scenarios/a,b.yaml", number) for number, text in enumerate(texts, 10)]
    return check_run(make_record(), gates)


MIXED = checked(
    "one_fence.verifications.per_script == 1",
    "as_merged.verifications.per_script == 1",
    "per_call.latency.p50 < one_fence.latency.p50",
)


@pytest.fixture
def hostile() -> Check:
    """A check of a run whose error texts would break or forge every form of output."""
    examples = STALE.model_copy(update={"examples": [HOSTILE]})
    variant = make_variant(
        "one_fence", scripts=4, errors={HOSTILE: 4}, verdicts={"safety": examples}
    )
    record = make_record(variant, name="a|b\n\x01")
    gates = [Gate("errors == 0", "a\n.yaml", 1), Gate("safety == ok"), Gate("latency.p50 < 1s")]
    return check_run(record, gates)


def test_a_check_as_text() -> None:
    """Every line, its value, and why it was not kept."""
    assert check_text(MIXED, width=90) == (
        """\
verdict   expectation                                                                value
──────────────────────────────────────────────────────────────────────────────────────────
kept      one_fence.verifications.per_script == 1                                        1
broken    as_merged.verifications.per_script == 1                                      162
            162 = store reads 161 (F: point reads 112, range scans
            49) + script start 1 (L)
broken    per_call.latency.p50 < one_fence.latency.p50               8.69 s against 400 ms
            per_call.latency.p50 = 8.69 s
            one_fence.latency.p50 = 400 ms

verify_storm (seed 1): 2 broken of 3 expectations
"""
    )


def test_a_check_as_markdown() -> None:
    """A table, what was not kept with its place, and which run it was."""
    digest = MIXED.digest[:16]
    assert check_markdown(MIXED) == (
        f"""\
### readfence check: verify\\_storm: 2 broken of 3 expectations

| verdict | expectation | value |
|---|---|---|
| ✅ kept | `one_fence.verifications.per_script == 1` | 1 |
| ❌ broken | `as_merged.verifications.per_script == 1` | 162 |
| ❌ broken | `per_call.latency.p50 < one_fence.latency.p50` | 8.69 s against 400 ms |

- `as_merged.verifications.per_script == 1` (scenarios/a,b.yaml:11): 162 = store reads 161 \
(F: point reads 112, range scans 49) + script start 1 (L)
- `per_call.latency.p50 < one_fence.latency.p50` (scenarios/a,b.yaml:12): per\\_call.latency.p50 \
= 8.69 s; one\\_fence.latency.p50 = 400 ms

Seed 1, digest `{digest}`.
"""
    )


def test_a_check_as_json() -> None:
    """With the exact values of every figure."""
    told = check_json(MIXED)
    assert {key: told[key] for key in ("format", "version", "kept", "counts")} == {
        "format": "readfence/check",
        "version": 1,
        "kept": False,
        "counts": {"kept": 1, "broken": 2, "unknown": 0},
    }
    assert told["expectations"][1] == {
        "expect": "as_merged.verifications.per_script == 1",
        "variant": None,
        "verdict": "broken",
        "value": "162",
        "against": "",
        "figures": [
            {
                "variant": "as_merged",
                "figure": "verifications.per_script",
                "unit": "1",
                "min": 162,
                "mean": 162,
                "max": 162,
            }
        ],
        "explanation": [
            "162 = store reads 161 (F: point reads 112, range scans 49) + script start 1 (L)"
        ],
        "file": "scenarios/a,b.yaml",
        "line": 11,
    }


def test_json_tells_words_durations_and_rates_apart() -> None:
    """By unit; ns and per second."""
    figures = [
        reading
        for finding in check_json(
            checked("none.safety == violated", "one_fence.latency.p50 * one_fence.throughput < 1")
        )["expectations"]
        for reading in finding["figures"]
    ]
    assert figures[0] == {
        "variant": "none",
        "figure": "safety",
        "unit": "word",
        "word": "violated",
    }
    assert (figures[1]["unit"], type(figures[1]["min"])) == ("ns", int)
    assert (figures[2]["unit"], type(figures[2]["min"])) == ("1/s", float)


def test_a_check_as_junit() -> None:
    """One test case per line, with a failure that has the message."""
    suites = ElementTree.fromstring(check_junit(MIXED))
    (suite,) = suites
    assert (suites.tag, suite.tag) == ("testsuites", "testsuite")
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "3", "failures": "2", "errors": "0", "skipped": "0"}
    kept, broken, _ = suite
    assert kept.attrib == {
        "classname": "verify_storm",
        "name": "one_fence.verifications.per_script == 1",
        "time": "0",
        "file": "scenarios/a,b.yaml",
        "line": "10",
    }
    assert len(kept) == 0
    (failure,) = broken
    assert (failure.tag, failure.get("type")) == ("failure", "broken")
    assert failure.get("message") == (
        "162 = store reads 161 (F: point reads 112, range scans 49) + script start 1 (L)"
    )
    assert failure.text == f"{failure.get('message')}\nscenarios/a,b.yaml:11"


def test_an_unknown_line_is_an_error_in_junit() -> None:
    """Both fail a pipeline, and are told apart."""
    check = check_run(make_record(make_variant("one_fence", scripts=0)), [Gate("latency.p50 < 1s")])
    (error,) = ElementTree.fromstring(check_junit(check)).iter("error")
    assert error.get("message") == "no script ended ok, so there is no latency"


def test_annotations_are_of_what_was_not_kept() -> None:
    """At file and line, with the properties escaped as GitHub asks."""
    assert check_annotations(MIXED) == [
        (
            "::error file=scenarios/a%2Cb.yaml,line=11,title=expectation broken::"
            "as_merged.verifications.per_script == 1: 162 = store reads 161 (F: point reads 112, "
            "range scans 49) + script start 1 (L)"
        ),
        (
            "::error file=scenarios/a%2Cb.yaml,line=12,title=expectation broken::"
            "per_call.latency.p50 < one_fence.latency.p50: the value is 8.69 s against 400 ms; "
            "per_call.latency.p50 = 8.69 s; one_fence.latency.p50 = 400 ms"
        ),
    ]


def test_an_annotation_without_a_place_names_none() -> None:
    """And a percent sign of the expectation is escaped."""
    check = check_run(make_record(make_variant("one_fence")), [Gate("errors.rate > 5%")])
    assert check_annotations(check) == [
        "::error title=expectation broken::one_fence: errors.rate > 5%25: the value is 0"
    ]


@pytest.mark.parametrize(
    ("texts", "line"),
    [
        (["one_fence.errors == 0"], "the expectation is kept"),
        (["one_fence.errors == 1"], "the expectation is broken"),
        (["errors == 0"], "all 4 expectations kept"),
        (["errors == 1"], "4 broken of 4 expectations"),
    ],
)
def test_a_check_is_summed_up_in_a_sentence(texts: list[str], line: str) -> None:
    """Of one expectation or of many."""
    assert verdict_line(checked(*texts)) == line


def test_hostile_text_breaks_no_form(hostile: Check) -> None:
    """Control characters, markup, workflow commands: each is told as what it is."""
    text = check_text(hostile)
    assert "\x1b" not in text
    assert "[b]ad[/b]" in text.replace("\n            ", "")
    page = check_markdown(hostile)
    assert all("\x1b" not in line and "\x00" not in line for line in page.splitlines())
    assert len([line for line in page.splitlines() if line.startswith("| ")]) == 4
    for command in check_annotations(hostile):
        assert command.startswith("::error ")
        assert "\n" not in command
    (message,) = {
        failure.get("message")
        for failure in ElementTree.fromstring(check_junit(hostile)).iter("failure")
        if "4 ×" in (failure.get("message") or "")
    }
    assert message is not None
    assert message.endswith("\\n::error::forged\\x1b[31m <a> & \\x00")
    assert json.loads(json.dumps(check_json(hostile)))["kept"] is False
