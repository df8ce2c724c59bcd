"""The search for a capacity, without any simulation: it finds the end, and spends few probes."""

from itertools import pairwise

import pytest

from reports.planning.search import Search, significant


def searched(
    capacity: float, *, low: float = 50, high: float = 20_000, ratio: float = 1.05,
    hint: float | None = None,
) -> tuple[Search, list[float]]:  # fmt: skip
    """A search of a system with that capacity, to its end; the hint comes after the first probe."""
    search, tried = Search(low, high, ratio=ratio), []
    while (load := search.wanted()) is not None:
        tried.append(load)
        search.tell(load, keeps=load <= capacity)
        if len(tried) == 1 and hint is not None:
            search.hint(hint)
        assert len(tried) < 50, f"it does not end: {tried}"
    return search, tried


@pytest.mark.parametrize("capacity", [50, 51, 60, 317, 4_000, 13_333, 19_000, 19_999])
def test_it_ends_with_a_load_that_keeps_and_one_that_misses(capacity: float) -> None:
    """At most 5 % apart, with the capacity between them, in at most a dozen probes."""
    search, tried = searched(capacity)
    kept = max(load for load in tried if load <= capacity)
    missed = min(load for load in tried if load > capacity)
    assert search.outcome == "found" and missed / kept <= 1.05
    assert len(tried) <= 13 and len(set(tried)) == len(tried)


@pytest.mark.parametrize("capacity", [60, 317, 4_000, 13_333, 19_000])
@pytest.mark.parametrize("off", [0.8, 0.97, 1.03, 1.3])
def test_a_hint_saves_probes(capacity: float, off: float) -> None:
    """Even one that is 30 % off; and it changes nothing about the end."""
    search, tried = searched(capacity, hint=off * capacity)
    kept = max(load for load in tried if load <= capacity)
    missed = min(load for load in tried if load > capacity)
    assert search.outcome == "found" and missed / kept <= 1.05
    assert len(tried) <= 8


@pytest.mark.parametrize("hint", [1.0, 50.0, 20_000.0, 1e9])
def test_a_foolish_hint_does_no_harm(hint: float) -> None:
    """One outside the range, or at the wrong end of it."""
    search, tried = searched(1_000, hint=hint)
    assert search.outcome == "found" and len(tried) <= 15
    assert all(50 <= load <= 20_000 for load in tried)


def test_the_lowest_load_is_tried_first_and_may_end_it() -> None:
    """Nothing is known below it."""
    search, tried = searched(49)
    assert (search.outcome, tried) == ("below", [50])


def test_where_every_load_keeps_it_the_highest_was_tried() -> None:
    """By leaps, each twice as far as the last."""
    search, tried = searched(1e9)
    assert search.outcome == "above" and tried[-1] == 20_000
    assert len(tried) <= 5 and all(a < b for a, b in pairwise(tried))


def test_it_may_be_asked_twice_and_is_told_what_it_asked() -> None:
    """Asking changes nothing; an answer to another question is a bug."""
    search = Search(50, 20_000, ratio=1.05)
    assert search.wanted() == search.wanted() == 50
    with pytest.raises(AssertionError, match="asked for 50, told of 60"):
        search.tell(60, keeps=True)
    assert search.outcome is None


def test_loads_have_four_significant_digits() -> None:
    """So that one can type them, and so that two searches meet."""
    assert [significant(load) for load in (123_456, 1.2345, 0.0012345)] == [
        123_500,
        1.234,
        0.001234,
    ]
    _, tried = searched(4_321)
    assert all(load == significant(load) for load in tried)


def test_a_range_too_narrow_for_its_ratio_ends_at_once() -> None:
    """Both ends are tried, and there is nothing between."""
    search, tried = searched(100, low=100, high=101, ratio=1.05)
    assert (search.outcome, tried) == ("found", [100, 101])


@pytest.mark.parametrize("capacity", [60, 900, 1_000, 1_100, 15_000])
def test_it_may_start_anywhere(capacity: float) -> None:
    """Up or down from there, to an end just as near."""
    search = Search(50, 20_000, ratio=1.05, start=1_000)
    tried = []
    while (load := search.wanted()) is not None:
        tried.append(load)
        search.tell(load, keeps=load <= capacity)
    kept, missed = search.bracket
    assert tried[0] == 1_000 and kept <= capacity < missed <= 1.05 * kept


def test_from_a_start_down_to_the_lowest_load_it_is_below() -> None:
    """Which was tried."""
    search = Search(50, 20_000, ratio=1.05, start=1_000)
    while (load := search.wanted()) is not None:
        search.tell(load, keeps=False)
    assert search.outcome == "below"


def test_many_hints_that_say_the_same_let_it_stride_on() -> None:
    """Each probe may give one."""
    search, tried = Search(50, 20_000, ratio=1.05), []
    while (load := search.wanted()) is not None:
        tried.append(load)
        search.tell(load, keeps=load <= 5_000)
        search.hint(900)
    assert search.outcome == "found" and len(tried) <= 14
