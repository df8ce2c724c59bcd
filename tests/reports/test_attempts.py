"""What attempts asked of the quorum."""

from fractions import Fraction

import pytest

from reports.attempts import STORE_READS, VERIFICATIONS, Attempts
from sim.errors import InputError
from sim.record import Histogram
from tests.reports.records import FIELDS, attempts_histogram, make_variant

MIXED = attempts_histogram(
    {
        (0, 112, 49, 1, 0, 162, 7, 112, 49): 90,
        (0, 110, 49, 1, 1, 161, 7, 110, 49): 6,
        (3, 108, 48, 1, 1, 161, 7, 108, 48): 4,
    }
)


def attempts_of(histogram: Histogram) -> Attempts:
    """The attempts of a variant that has just this histogram."""
    return Attempts(make_variant("one_fence", histograms={"attempts": histogram}))


def test_verifications_are_summed_over_call_sites_per_attempt() -> None:
    """V + F + L of each attempt, without the commit guard."""
    assert attempts_of(MIXED).sums(VERIFICATIONS) == {160: 10, 162: 90}


def test_a_spread_has_least_mean_and_greatest() -> None:
    """Weighted by how often each combination occurred."""
    spread = attempts_of(MIXED).spread(VERIFICATIONS)
    assert [spread.low, spread.mean, spread.high] == [160, Fraction(1618, 10), 162]


def test_both_sites_of_the_store_wrapper_are_the_store_reads() -> None:
    """F is point reads and range scans together."""
    fields = [site.field for site in STORE_READS]
    assert attempts_of(MIXED).sum(fields) == 90 * 161 + 6 * 159 + 4 * 156


def test_extremes_are_told_with_their_commonest_combination() -> None:
    """The greatest first, each with how many attempts had that sum."""
    (most, with_most), (fewest, with_fewest) = attempts_of(MIXED).extremes(VERIFICATIONS)
    assert (most["store_point"], with_most) == (112, 90)
    assert (fewest["store_point"], with_fewest) == (110, 10)


def test_equal_attempts_have_one_extreme() -> None:
    """There is nothing to tell apart."""
    assert len(attempts_of(MIXED).extremes(("calls",))) == 1


def test_no_attempts_have_no_extremes() -> None:
    """A run in which no script got to its end."""
    assert attempts_of(attempts_histogram({})).extremes(("calls",)) == []


def test_the_order_of_fields_in_a_record_does_not_matter() -> None:
    """Fields are found by name."""
    order = [FIELDS.index(name) for name in reversed(FIELDS)]
    rows = sorted([*[row[place] for place in order], row[-1]] for row in MIXED.rows)
    turned = Histogram(fields=[FIELDS[place] for place in order], rows=rows)
    assert attempts_of(turned).sums(VERIFICATIONS) == attempts_of(MIXED).sums(VERIFICATIONS)


def test_a_record_without_attempts_is_refused() -> None:
    """It is no record of readfence, so no figure is made up."""
    variant = make_variant("one_fence", histograms={})
    with pytest.raises(InputError) as error:
        Attempts(variant)
    assert str(error.value) == "variant one_fence: the run record has no 'attempts'"


def test_a_record_that_leaves_a_field_out_is_refused() -> None:
    """The message names it."""
    with pytest.raises(InputError) as error:
        attempts_of(Histogram(fields=["string_read"], rows=[[1, 5]]))
    assert str(error.value) == "variant one_fence: 'attempts' of the run record lacks 'store_point'"
