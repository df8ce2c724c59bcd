"""The catalogue of figures."""

from fractions import Fraction

import pytest

from reports.figures import (
    CATALOGUE,
    PLANNED,
    Figures,
    catalogue_markdown,
    counters_of,
    figures_of,
    find,
    names,
    nearest,
)
from reports.quantity import DURATION, NUMBER, Quantity, point, show
from reports.resources import ASPECTS
from reports.sample import NoData
from sim.record import Verdict
from sim.units import ms
from tests.reports.records import (
    FENCES,
    NOT_LEADER,
    attempts_histogram,
    make_record,
    make_variant,
    with_latencies,
)


def told(figures: Figures, name: str) -> str:
    """A figure as people are shown it."""
    value = figures.value(name)
    return show(value) if isinstance(value, Quantity) else value


@pytest.mark.parametrize(
    ("fence", "counts"),
    [
        ("per_call", ["21", "21", "0", "0", "0", "0", "21"]),
        ("as_merged", ["162", "0", "112", "49", "1", "161", "162"]),
        ("one_fence", ["1", "0", "0", "0", "1", "0", "1"]),
        ("none", ["0", "0", "0", "0", "0", "0", "0"]),
    ],
)
def test_verifications_are_counted_by_call_site(fence: str, counts: list[str]) -> None:
    """V + F + L in total, V, F for points, F for scans, L, F together, and rounds on the wire."""
    figures = Figures(make_variant(fence))
    sites = ["", ".string_read", ".store_point", ".store_scan", ".script_start", ".store_reads"]
    found = [told(figures, f"verifications{site}.per_script") for site in sites]
    assert [*found, told(figures, "rounds.per_script")] == counts


def test_the_commit_guard_is_no_verification() -> None:
    """It guards a write, and has a figure of its own."""
    figures = Figures(make_variant("contended"))
    assert told(figures, "verifications.per_script") == "1"
    assert told(figures, "commit_guards.per_script") == "1"
    assert told(figures, "rounds.per_script") == "2"


def test_latency_is_of_scripts_that_ended_ok() -> None:
    """Mean, least, percentiles and greatest of exactly those."""
    latencies = [ms(value) for value in (50, 10, 20, 30, 40, 99)]
    variant = with_latencies(latencies)
    columns = {**variant.columns, "outcome": [0, 0, 0, 0, 0, 1]}
    labels = {"outcome": ["ok", NOT_LEADER]}
    figures = Figures(with_latencies(latencies, columns=columns, labels=labels))
    aspects = ["mean", "min", "p50", "p90", "p99", "p99.9", "max"]
    found = [told(figures, f"latency.{aspect}") for aspect in aspects]
    assert found == ["30 ms", "10 ms", "30 ms", "50 ms", "50 ms", "50 ms", "50 ms"]


def test_throughput_is_of_measured_time_without_failures() -> None:
    """190 of 200 scripts in four measured seconds, whatever the warm-up took."""
    variant = make_variant("one_fence", errors={NOT_LEADER: 10}, measured_ns=ms(4_000))
    figures = Figures(variant)
    assert told(figures, "throughput") == "47.5/s"
    assert told(figures, "errors") == "10"
    assert figures.value("errors.rate") == point(Fraction(1, 20))


def test_retries_are_executions_after_the_first() -> None:
    """A script that failed before it ever ran has none, and no negative number of them."""
    variant = with_latencies([1, 1, 1, 1])
    columns = {**variant.columns, "attempts": [0, 1, 2, 5]}
    figures = Figures(with_latencies([1, 1, 1, 1], columns=columns))
    assert told(figures, "retries") == "5"
    assert told(figures, "attempts.per_script") == "0 to 5 (mean 2)"


def test_rounds_in_total_are_those_of_all_attempts() -> None:
    """Of each attempt its rounds."""
    rows = {(0, 0, 0, 1, 0, 1, 1, 1, 1): 7, (0, 0, 0, 1, 1, 2, 1, 1, 1): 3}
    variant = make_variant("one_fence", histograms={"attempts": attempts_histogram(rows)})
    assert told(Figures(variant), "rounds.total") == "13"


def test_every_aspect_of_a_spread_is_a_figure() -> None:
    """Least, mean and greatest by name."""
    rows = {(0, 0, 0, 1, 0, 1, 1, 1, 1): 3, (0, 0, 0, 3, 0, 3, 1, 1, 1): 1}
    figures = Figures(make_variant("one_fence", histograms={"attempts": attempts_histogram(rows)}))
    name = "verifications.per_script"
    assert [told(figures, f"{name}.{aspect}") for aspect in ("min", "mean", "max")] == [
        "1",
        "1.5",
        "3",
    ]
    assert told(figures, name) == "1 to 3 (mean 1.5)"


def test_any_percentile_of_latency_is_a_figure() -> None:
    """Also those that no table shows."""
    figures = Figures(with_latencies([ms(value) for value in range(1, 101)]))
    assert told(figures, "latency.p95") == "95 ms"
    assert told(figures, "latency.p99.99") == "100 ms"


@pytest.mark.parametrize("name", ["latency.p0", "latency.p101", "latency.p", "latency.p999"])
def test_a_percentile_that_cannot_be_is_no_figure(name: str) -> None:
    """A p999 is a slip for p99.9, not a percentile."""
    assert find(name, ()) is None


def test_every_counter_is_a_figure_by_its_name() -> None:
    """One whose name ends in _ns is a duration."""
    variant = make_variant("one_fence")
    figures = Figures(variant)
    for name, count in variant.counters.items():
        power = DURATION if name.endswith("_ns") else NUMBER
        assert figures.value(name) == point(count, power)


def test_a_counter_that_only_another_variant_counted_is_no_data() -> None:
    """It is not taken for zero."""
    figure = find("lease.hits", ["lease.hits"])
    assert figure is not None
    with pytest.raises(NoData) as reason:
        figure.read(Figures(make_variant("one_fence")).sample)
    assert str(reason.value) == "variant one_fence did not count lease.hits"


def test_an_unknown_figure_is_a_key_error() -> None:
    """Expectations refuse it with a message before it comes to that."""
    with pytest.raises(KeyError):
        Figures(make_variant("one_fence")).value("latency.p50th")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("latency.p99", "no script ended ok, so there is no latency"),
        ("latency.mean", "no script ended ok, so there is no latency"),
        ("errors.rate", "no script was measured"),
        ("attempts.per_script", "no script was measured"),
        ("throughput", "the run measured for no time at all"),
        ("verifications.per_script.max", "no attempt ran its script to its end"),
    ],
)
def test_a_run_of_nothing_has_no_data_and_says_why(name: str, reason: str) -> None:
    """Never zero, never a crash."""
    figures = Figures(make_variant("one_fence", scripts=0))
    with pytest.raises(NoData) as error:
        figures.value(name)
    assert str(error.value) == reason
    assert figures.quantity(name) is None


def test_verdicts_are_words_with_a_count_of_violations() -> None:
    """Of the negative control: violated, three times."""
    figures = Figures(make_variant("none"))
    assert told(figures, "safety") == "violated"
    assert told(figures, "safety.violations") == "3"
    assert told(figures, "ledger") == "ok"


def test_violations_of_an_undecided_judge_are_no_data() -> None:
    """Zero would read as none."""
    verdict = Verdict(verdict="unknown", checked=5, reason="more than 5 operations")
    figures = Figures(make_variant("one_fence", verdicts={"safety": verdict}))
    with pytest.raises(NoData) as error:
        figures.value("safety.violations")
    assert str(error.value) == "the verdict on 'safety' is unknown: more than 5 operations"


def test_every_figure_of_the_catalogue_has_a_value_in_a_usual_run() -> None:
    """Of its dimension; a word is a word."""
    figures = Figures(make_variant("contended", FENCES["contended"]))
    for figure in CATALOGUE:
        value = figures.value(figure.name)
        if figure.power is None:
            assert value in ("ok", "violated", "unknown")
        else:
            assert isinstance(value, Quantity)
            assert value.power == figure.power


def test_names_are_all_found() -> None:
    """What is suggested to a user exists."""
    known = names(["rounds.sent"])
    assert all(find(name, ["rounds.sent"]) for name in known)
    assert len(set(known)) == len(known)
    assert "rounds.sent" in known
    assert "verifications.per_script.max" in known


def test_the_nearest_name_is_suggested() -> None:
    """Where one is near."""
    assert nearest("latncy.p99", names(())) == "; did you mean 'latency.p99'?"
    assert nearest("xyzzy", names(())) == ""


def test_figures_and_counters_of_a_run_are_found_by_variant() -> None:
    """In the order of the record."""
    record = make_record()
    assert list(figures_of(record)) == ["per_call", "as_merged", "one_fence", "none"]
    assert "rounds.sent" in counters_of(record)


def test_the_catalogue_is_a_table_for_the_docs() -> None:
    """One row per figure, with its unit and meaning."""
    table = catalogue_markdown()
    assert len(table.splitlines()) == 4 + len(CATALOGUE) + len(PLANNED) + len(ASPECTS)
    assert "| `latency.p99` | ns | the least latency that 99 % of the scripts did not exceed |" in (
        table.splitlines()
    )
    assert all(f"`{figure.name}`" in table for figure in CATALOGUE)
