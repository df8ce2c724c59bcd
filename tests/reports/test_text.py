"""The table of a run."""

from reports.text import failures, summary_markdown, summary_text
from tests.reports.records import (
    DEADLINE,
    FENCES,
    NOT_LEADER,
    attempts_histogram,
    make_record,
    make_variant,
    seal,
)


def rows_by_label(text: str) -> dict[str, list[str]]:
    """The cells of each line of a table, which stand at least two blanks apart."""
    rows = {}
    for line in text.splitlines():
        label, *cells = [cell.strip() for cell in line.strip().split("  ") if cell.strip()] or [""]
        rows[label] = cells
    return rows


def test_the_table_of_the_incident() -> None:
    """Variants as columns, figures as rows."""
    text = summary_text(make_record(), wall_s={"per_call": 2.0, "one_fence": 0.25})
    assert text == (
        """\
verify_storm (seed 1)

                                per_call   as_merged   one_fence        none
────────────────────────────────────────────────────────────────────────────
scripts                              200         200         200         200
throughput                        1.78/s      1.16/s      1.93/s      1.94/s

latency p50                       8.69 s      67.5 s      400 ms      407 us
latency p90                       9.39 s      69.4 s      564 ms      564 us
latency p99                       10.2 s      70.9 s      742 ms      735 us
latency p99.9                     14.8 s       119 s      897 ms      899 us
latency max                       14.8 s       119 s      897 ms      899 us

same script, less the first            -     +58.8 s      -8.3 s      -8.7 s
  ±                                    -    ± 157 ms   ± 72.8 ms   ± 88.7 ms

verifications per script              21         162           1           0
  V string reads                      21           0           0           0
  F point reads                        0         112           0           0
  F range scans                        0          49           0           0
  L script start                       0           1           1           0
C commit guards per script             0           0           0           0
rounds on the wire per script         21         162           1           0
rounds on the wire in total        4,200      32,400         200           0

retries                                0           0           0           0
errors                                 0           0           0           0
safety                                ok          ok          ok    violated
ledger of verifications               ok          ok          ok          ok

virtual time                       113 s       173 s       104 s       103 s
wall time                            2 s           -      0.25 s           -
virtual over wall time              56.4           -         416           -

Same script: its latency less that in `per_call`, the median over 200 scripts that ended ok in both;
±: half of the 95% interval.
"""
    )


def test_without_wall_times_there_are_no_such_rows() -> None:
    """They are not part of a run record."""
    assert "wall" not in summary_text(make_record())


def test_attempts_that_differ_are_shown_with_their_mean() -> None:
    """Least, mean, greatest, and a note that says so."""
    rows = {(0, 0, 0, 1, 0, 1, 7, 9, 9): 3, (0, 0, 0, 3, 0, 3, 7, 9, 9): 1}
    histograms = {"attempts": attempts_histogram(rows)}
    variant = make_variant("one_fence", scripts=4, histograms=histograms)
    text = summary_text(make_record(variant))
    assert "verifications per script        1 / 1.5 / 3\n" in text
    assert text.endswith("\nWhere attempts differ: least / mean / greatest.\n")
    assert "1 / 1.5 / 3" in summary_markdown(make_record(variant))


def test_many_variants_are_spread_over_tables_of_at_most_the_width() -> None:
    """Six at 100 columns, eight at 60: nothing is cut off or wrapped."""
    fences = [*FENCES, "one_fence", "per_call", "none"]
    variants = [
        make_variant(f"{index}_{name}", FENCES[name], scripts=20)
        for index, name in enumerate(fences)
    ]
    for width in (60, 100, 160):
        text = summary_text(make_record(*variants), width=width)
        assert max(len(line) for line in text.splitlines()) <= width
        assert all(text.count(f" {variant.name}") == 1 for variant in variants)
        assert "…" not in text


def test_errors_are_told_by_variant_and_text() -> None:
    """With count and share; the commonest first, the rest together, long ones in full."""
    many = {NOT_LEADER: 9, DEADLINE: 8, "c": 7, "d" * 90: 6, "e": 5, "f": 4, "g": 3}
    variants = make_variant("one_fence", errors=many), make_variant("per_call")
    text = summary_text(make_record(*variants), width=80)
    assert rows_by_label(text)["errors"] == ["42", "0"]
    first, *lines = text[text.index("errors of") :].splitlines()
    assert first.split() == ["errors", "of", "scripts", "share"]
    assert lines[0].split() == ["one_fence", "9", "4.5", "%", *NOT_LEADER.split()]
    assert sum(line.count("d") for line in lines if set(line[40:].strip()) == {"d"}) == 90
    assert "one_fence        7  3.5 %  2 other errors" in text
    assert not any("per_call" in line for line in lines)


def test_a_variant_that_only_failed_is_warned_of() -> None:
    """With the commonest error; one of which some scripts ended ok is not."""
    errors = {"few": 3, "most": 17}
    some = make_variant("per_call", errors=errors)
    bad = make_variant("one_fence", scripts=20, errors=errors)
    told = "no script of one_fence ended ok; 17 of 20 scripts: most"
    assert failures(make_record(some, bad)) == [told]
    assert failures(make_record(make_variant("one_fence", scripts=0))) == []


def test_what_the_counts_rest_on_is_said_where_it_is_not_all() -> None:
    """Attempts that did not end their script have no counts, and retries have their own."""
    rows = {(0, 0, 0, 1, 0, 1, 7, 9, 9): 150}
    variant = make_variant("one_fence", histograms={"attempts": attempts_histogram(rows)})
    told = "one_fence: counts are of 150 of 200 attempts; the others did not end their script."
    assert told in summary_text(make_record(variant))
    assert "counts are of 150 of 200" in summary_markdown(make_record(variant))
    assert "those of one attempt" not in summary_text(make_record(variant))
    assert "those of one attempt" in summary_text(make_record(make_variant("contended")))


def test_title_and_overrides_stand_at_the_head() -> None:
    """They tell one run from another."""
    scenario = {"title": "the incident"}
    record = make_record().model_copy(update={"overrides": ["a.b=1", "c=2"], "scenario": scenario})
    head = "verify_storm (seed 1; set a.b=1, c=2)"
    assert summary_text(record).startswith(f"{head}\nthe incident\n\n")
    assert summary_markdown(record).startswith("### verify\\_storm (seed 1; set a.b=1, c=2)\n")


def test_a_run_of_nothing_has_a_table() -> None:
    """With a dash where there is no value."""
    text = summary_text(make_record(make_variant("one_fence", scripts=0)), wall_s={"one_fence": 0})
    rows = rows_by_label(text)
    assert rows["scripts"] == ["0"]
    assert rows["latency p99"] == rows["throughput"] == ["-"]
    assert rows["verifications per script"] == rows["virtual over wall time"] == ["-"]


def test_hostile_error_texts_stay_in_their_cell() -> None:
    """On the screen as in Markdown."""
    record = make_record(make_variant("one_fence", errors={"a|b\n[red]": 1}))
    assert "one_fence        1  0.5 %  a|b\\n[red]\n" in summary_text(record)
    assert "\n- one\\_fence 1 0.5 %: a\\|b\\\\n\\[red\\]\n" in summary_markdown(record)


def test_the_table_as_markdown() -> None:
    """One row per figure, numbers to the right."""
    lines = summary_markdown(make_record()).splitlines()
    assert lines[:4] == [
        "### verify\\_storm (seed 1)",
        "",
        "| | per\\_call | as\\_merged | one\\_fence | none |",
        "|---|---:|---:|---:|---:|",
    ]
    assert "| verifications per script | 21 | 162 | 1 | 0 |" in lines
    assert "| &nbsp;&nbsp;F range scans | 0 | 49 | 0 | 0 |" in lines


def test_the_error_of_percentiles_is_told_where_rows_were_thinned() -> None:
    """And only there."""
    whole = make_variant("one_fence")
    part = {name: column[:50] for name, column in whole.columns.items()}
    thinned = seal(**{**dict(whole), "columns": part, "everything": whole.columns})
    note = "Percentiles of latency are off by 0.39% at most: not every script kept a row."
    assert note in summary_text(make_record(thinned))
    assert note in summary_markdown(make_record(thinned))
    assert note not in summary_text(make_record(whole))


def test_messages_that_would_have_been_dropped_are_told() -> None:
    """Under the table, for each variant that has some."""
    variants = [
        make_variant(name, counters={"messages.would_drop": count})
        for name, count in (("per_call", 1234), ("one_fence", 0))
    ]
    record = make_record(*variants)
    told = "per_call: 1,234 messages found their queue full."
    assert told in " ".join(summary_text(record).split())
    assert told in summary_markdown(record)
    assert "one_fence: " not in summary_markdown(record)


def test_calls_that_the_modelled_revision_would_refuse() -> None:
    """Each such command has a row at the end of the table, if any was used at all."""
    plain = make_variant("none")
    counters = {**plain.counters, "unsupported.EXPIRE": 12, "unsupported.XLEN": 3}
    using = make_variant("one_fence", counters=counters)
    rows = rows_by_label(summary_text(make_record(plain, using)))
    assert rows["calls unsupported by the modelled revision"] == ["0", "15"]
    assert rows["EXPIRE"] == ["0", "12"]
    assert rows["XLEN"] == ["0", "3"]
    assert "calls unsupported by the modelled revision" not in summary_text(make_record(plain))
