"""The log: appending, merging, hints at conflicts, compaction."""

import random

import pytest

from models.raft.log import LogCompacted, RaftLog
from models.raft.messages import Entry


def filled(*terms: int) -> RaftLog:
    """A persisted log with entries of these terms, from index 1 on."""
    log = RaftLog()
    for term in terms:
        log.append(term, None)
    log.stable_index = log.last_index
    return log


def terms_of(log: RaftLog) -> list[int]:
    """The terms of all entries that are there."""
    return [entry.term for entry in log.between(log.compacted_index, log.last_index)]


def entries(first: int, *terms: int) -> tuple[Entry, ...]:
    """Entries from `first` on with these terms."""
    return tuple(Entry(first + place, term, None) for place, term in enumerate(terms))


def test_an_empty_log_ends_at_index_0_of_term_0() -> None:
    """The place before the first entry agrees with every other log."""
    log = RaftLog()
    assert (log.last_index, log.last_term, log.term_at(0)) == (0, 0, 0)
    assert log.agrees(0, 0) and not log.agrees(1, 0)


@pytest.mark.parametrize(
    ("new", "result", "stable", "changed"),
    [
        ((), [1, 1, 2], 3, False),
        (entries(1, 1), [1, 1, 2], 3, False),
        (entries(2, 1, 2), [1, 1, 2], 3, False),
        (entries(3, 2, 2), [1, 1, 2, 2], 3, True),
        (entries(3, 3), [1, 1, 3], 2, True),
        (entries(2, 1, 3, 3), [1, 1, 3, 3], 2, True),
        (entries(1, 3), [3], 0, True),
    ],
)
def test_merging_replaces_from_the_first_entry_that_differs(
    new: tuple[Entry, ...], result: list[int], stable: int, changed: bool
) -> None:
    """What agrees stays, with all behind it; what replaces something is not persisted yet."""
    log = filled(1, 1, 2)
    assert log.merge(new) is changed
    assert terms_of(log) == result
    assert (log.last_index, log.last_term) == (len(result), result[-1])
    assert log.stable_index == stable


@pytest.mark.parametrize(
    ("index", "term", "hint"), [(9, 5, 6), (6, 2, 5), (4, 2, 4), (6, 1, 3), (2, 0, 0)]
)
def test_a_conflict_hint_skips_what_cannot_agree(index: int, term: int, hint: int) -> None:
    """It is within the log, and its term is not beyond the leader's."""
    assert filled(1, 1, 1, 2, 2, 5).conflict_hint(index, term) == hint


def test_a_compacted_log_is_the_same_log() -> None:
    """Terms, merging and ranges after the dropped part are those of the whole log."""
    rng = random.Random(3)
    for _ in range(200):
        terms = sorted(rng.randint(1, 4) for _ in range(rng.randint(1, 8)))
        whole, short = filled(*terms), filled(*terms)
        cut = rng.randint(0, len(terms))
        short.compact(cut)
        assert short.compacted_index == cut
        first = rng.randint(cut, len(terms)) + 1
        new = entries(first, *sorted(rng.randint(4, 5) for _ in range(rng.randint(0, 3))))
        assert short.merge(new) == whole.merge(new)
        assert (short.last_index, short.last_term) == (whole.last_index, whole.last_term)
        assert short.between(cut, short.last_index) == whole.between(cut, whole.last_index)
        assert [short.term_at(index) for index in range(cut, short.last_index + 1)] == [
            whole.term_at(index) for index in range(cut, whole.last_index + 1)
        ]


def test_compacting_twice_is_compacting_once() -> None:
    """What is gone already is no error."""
    log = filled(1, 1, 1)
    log.compact(2)
    log.compact(1)
    assert terms_of(log) == [1]


def test_reaching_outside_the_log_is_refused_with_the_numbers() -> None:
    """The text says what was asked for and what there is."""
    log = filled(1, 1, 1)
    log.compact(1)
    with pytest.raises(AssertionError, match="entry 4 is not in the log, which holds 2 to 3"):
        log.term_at(4)
    with pytest.raises(AssertionError, match="entry 9 is beyond the last index 3"):
        log.between(1, 9)
    with pytest.raises(LogCompacted, match="entry 1 was dropped, the log begins at 2"):
        log.between(0, 3)
    with pytest.raises(AssertionError, match="term 0 after term 1"):
        log.append(0, None)


def test_what_is_not_persisted_is_not_dropped() -> None:
    """Compaction stops at the stable index."""
    log = filled(1, 1)
    log.append(1, None)
    with pytest.raises(AssertionError, match="entry 3 is not persisted yet, only those up to 2"):
        log.compact(3)
    assert terms_of(log) == [1, 1, 1]
