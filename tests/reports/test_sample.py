"""The measured scripts of one variant."""

import random
from fractions import Fraction

import numpy as np
import pytest

from reports.sample import NoData, Sample, percentile
from sim.errors import InputError
from sim.record import VariantRecord, digest
from sim.sketch import ERROR
from tests.reports.records import (
    DEADLINE,
    NOT_LEADER,
    STALE,
    make_variant,
    seal,
    with_latencies,
)


def nearest_rank_by_definition(values: list[int], percent: Fraction) -> int:
    """The least value that at least so many percent of all do not exceed, found by trying."""
    for value in sorted(values):
        if Fraction(sum(other <= value for other in values), len(values)) * 100 >= percent:
            return value
    raise AssertionError("a percentile of at most 100 % exists")


def test_percentiles_are_nearest_rank() -> None:
    """Compared with the definition itself on a thousand random samples."""
    chance = random.Random(5)
    for _ in range(1_000):
        values = [chance.randrange(50) for _ in range(chance.randrange(1, 40))]
        percent = Fraction(chance.randrange(1, 1_001), 10)
        ascending = np.sort(np.asarray(values, dtype=np.int64))
        assert percentile(ascending, percent) == nearest_rank_by_definition(values, percent)


def test_a_percentile_that_floats_would_miss_is_exact() -> None:
    """99.9 % of 1,000 is rank 999; 0.999 * 1000 as floats may be a little more."""
    ascending = np.arange(1, 1_001, dtype=np.int64)
    assert percentile(ascending, Fraction("99.9")) == 999
    assert percentile(ascending, Fraction(100)) == 1_000


@pytest.mark.parametrize("percent", [0, -1, 101])
def test_a_percentile_outside_of_0_to_100_is_a_bug(percent: int) -> None:
    """Names are checked before."""
    with pytest.raises(AssertionError):
        percentile(np.asarray([1], dtype=np.int64), Fraction(percent))


def test_failed_scripts_are_no_latency() -> None:
    """Only those that ended ok are sorted and summed."""
    variant = with_latencies([30, 10, 20])
    columns = {**variant.columns, "outcome": [0, 1, 0]}
    labels = {"outcome": ["ok", DEADLINE]}
    sample = Sample(with_latencies([30, 10, 20], columns=columns, labels=labels))
    assert sample.at_ranks(np.array([1, 2])).tolist() == [20, 30]
    assert sample.sketch.sum == 50
    assert (sample.scripts, sample.scripts_ok) == (3, 2)


def test_a_sum_beyond_64_bits_is_exact() -> None:
    """Python's own integers do not wrap around."""
    assert Sample(with_latencies([2**62] * 5)).sketch.sum == 5 * 2**62


def test_errors_are_counted_by_text_the_commonest_first() -> None:
    """Texts that did not occur are left out, equal counts are told by name."""
    variant = make_variant("one_fence", errors={NOT_LEADER: 2, DEADLINE: 5, "unused": 0, "b": 2})
    assert Sample(variant).errors() == {DEADLINE: 5, "b": 2, NOT_LEADER: 2}
    assert list(Sample(variant).errors()) == [DEADLINE, "b", NOT_LEADER]


def test_a_run_without_scripts_has_no_errors() -> None:
    """And no latency."""
    sample = Sample(make_variant("one_fence", scripts=0))
    assert (sample.errors(), sample.scripts, sample.scripts_ok) == ({}, 0, 0)


def test_a_verdict_that_was_not_asked_for_is_no_data() -> None:
    """It is not taken for ok."""
    sample = Sample(make_variant("one_fence", verdicts={"safety": STALE}))
    assert sample.verdict("safety") is STALE or sample.verdict("safety") == STALE
    with pytest.raises(NoData) as reason:
        sample.verdict("ledger")
    assert str(reason.value) == "the run has no verdict on 'ledger'"


def test_attempts_are_no_data_where_none_ended() -> None:
    """A count of nothing has neither least nor greatest."""
    empty = make_variant("one_fence", scripts=0)
    with pytest.raises(NoData) as reason:
        Sample(empty).counted()
    assert str(reason.value) == "no attempt ran its script to its end"


def thinned(latencies: list[int], every: int) -> Sample:
    """A sample of which only every so many-th script has a row."""
    whole = with_latencies(latencies)
    part = {name: column[::every] for name, column in whole.columns.items()}
    return Sample(seal(**{**dict(whole), "columns": part, "everything": whole.columns}))


def test_percentiles_of_a_part_are_those_of_all_within_the_stated_error() -> None:
    """A hundred thousand scripts, of which a tenth has rows: 0.39 % off at most, by rank."""
    chance = random.Random(3)
    latencies = [int(1e6 * chance.lognormvariate(0, 1)) for _ in range(100_000)]
    sample = thinned(latencies, 10)
    assert sample.thinned and (sample.scripts, sample.scripts_ok) == (100_000, 100_000)
    for text in ("0.1", "50", "99", "99.9", "100"):
        percent = Fraction(text)
        exact = percentile(np.sort(np.array(latencies)), percent)
        assert abs(sample.percentile(percent) - exact) <= ERROR * exact
    assert sample.sketch.high == max(latencies)
    assert sample.sketch.sum == sum(latencies)


def test_percentiles_of_rows_alone_would_be_wrong() -> None:
    """All slow scripts happen to have no row: the twin that reads rows never sees them."""
    latencies = [1 if number % 2 == 0 else 1000 for number in range(1000)]
    sample = thinned(latencies, 2)
    assert sample.percentile(Fraction(99)) == 1000
    assert percentile(np.sort(sample._column("latency_ns")), Fraction(99)) == 1


def test_counts_are_of_all_scripts() -> None:
    """Errors and executions too, where their scripts have no row."""
    whole = make_variant("one_fence", errors={DEADLINE: 5})
    part = {name: column[:20] for name, column in whole.columns.items()}
    sample = Sample(seal(**{**dict(whole), "columns": part, "everything": whole.columns}))
    assert sample.thinned
    assert (sample.scripts, sample.scripts_ok, sample.errors()) == (200, 195, {DEADLINE: 5})
    assert sum(sample.counts("attempts").values()) == 200


@pytest.mark.parametrize(
    ("lacking", "message"),
    [
        ("histograms", "variant one_fence: the run record does not count scripts by 'outcome'"),
        ("sketches", "variant one_fence: the run record has no latencies"),
    ],
)
def test_a_record_that_lacks_counts_or_latencies_is_refused(lacking: str, message: str) -> None:
    """It was written by something else, and no figure is told of it."""
    variant = make_variant("one_fence")
    parts = {**dict(variant), lacking: {}}
    del parts["digest"]
    judged = ("counters", "columns", "histograms", "sketches", "resources", "verdicts")
    empty = VariantRecord(**parts, digest=digest(**{name: parts[name] for name in judged}))
    with pytest.raises(InputError) as error:
        _ = (Sample(empty).scripts, Sample(empty).sketch)
    assert str(error.value) == message
