"""Snapshot reads, write conflicts, pins, late commits and list deltas of the versioned store."""

import random
from collections.abc import Iterable
from typing import Any, NamedTuple

import pytest

from models.store import versions
from models.store.rows import (
    DELETED,
    HASH_FIELD,
    HASH_META,
    LIST_DELTA,
    LIST_ITEM,
    LIST_META,
    MISSING,
    ONLY,
    STR,
    KeyView,
    ListDelta,
    ListSpan,
    Row,
    RowId,
    RowWrites,
    StringRow,
)
from models.store.versions import FIRST_TS, Commit, Store, list_span

KEY = b"k"


class Put(NamedTuple):
    """One row of a key, written or removed."""

    key: bytes
    row: Row
    value: Any


def put(id: RowId, value: Any, family: str = HASH_FIELD, key: bytes = KEY) -> Put:
    """A row written; a field of a hash unless said otherwise."""
    return Put(key, (family, id), value)


def writes_of(puts: Iterable[Put]) -> dict[bytes, RowWrites]:
    """By key, as a commit holds them."""
    writes: dict[bytes, RowWrites] = {}
    for key, row, value in puts:
        writes.setdefault(key, {})[row] = value
    return writes


def fields(store: Store, ts: int) -> Any:
    """The fields of the hash at `ts`."""
    return store.view(KEY, ts).rows.get(HASH_FIELD, {})


def commit(store: Store, start_ts: int, commit_ts: int, *puts: Put) -> bytes | None:
    """Apply a commit of these rows."""
    return store.apply(Commit(start_ts, commit_ts, writes_of(puts)))


# -- reading --------------------------------------------------------------------------------------


def test_a_commit_is_seen_from_its_timestamp_on() -> None:
    """A reader sees what was committed at or before its timestamp, nothing later."""
    store = Store()
    assert commit(store, 1, 5, put(b"f", b"5")) is None
    assert commit(store, 5, 9, put(b"f", b"9")) is None
    assert [fields(store, ts).get(b"f") for ts in (4, 5, 8, 9, 99)] == [
        None, b"5", b"5", b"9", b"9",
    ]  # fmt: skip
    assert store.last_commit_ts == 9


def test_installed_rows_were_always_there() -> None:
    """What a scenario starts with is seen at the first timestamp, and by conflicts too."""
    store = Store()
    store.install(KEY, {HASH_FIELD: {b"f": b"v"}})
    assert fields(store, FIRST_TS) == {b"f": b"v"}
    assert fields(store, FIRST_TS - 1) == {}
    assert store.view(b"other", 99) is MISSING
    assert commit(store, FIRST_TS - 1, 5, put(b"f", b"w")) == KEY


def test_a_key_is_installed_once() -> None:
    """Installing a key twice is a mistake of the caller."""
    store = Store()
    store.install(KEY, {HASH_FIELD: {b"f": b"v"}})
    with pytest.raises(AssertionError, match="installed twice: b'k'"):
        store.install(KEY, {})


# -- conflicts ------------------------------------------------------------------------------------


def test_the_first_committer_wins() -> None:
    """Of two commits that overlap in time and in a row the second is refused, all of it."""
    store = Store()
    assert commit(store, 1, 5, put(b"f", b"a")) is None
    assert commit(store, 4, 6, put(b"g", b"b", key=b"other"), put(b"f", b"b")) == KEY
    assert fields(store, 99) == {b"f": b"a"}
    assert store.view(b"other", 99) is MISSING
    assert store.last_commit_ts == 5
    assert commit(store, 5, 6, put(b"f", b"b")) is None


def test_different_rows_do_not_conflict() -> None:
    """Conflicts are found by row, not by key; reading is no conflict at all."""
    store = Store()
    assert commit(store, 1, 5, put(b"f", b"a")) is None
    assert commit(store, 1, 6, put(b"g", b"b")) is None
    assert fields(store, 6) == {b"f": b"a", b"g": b"b"}


def test_tombstones_conflict() -> None:
    """A row removed meanwhile, and even one that never was, refuses who started before."""
    store = Store()
    store.install(KEY, {HASH_FIELD: {b"f": b"v"}})
    assert commit(store, 1, 5, put(b"f", DELETED), put(ONLY, DELETED, HASH_META)) is None
    assert store.view(KEY, 5).rows == {}
    assert commit(store, 4, 6, put(b"f", b"w")) == KEY
    assert commit(store, 4, 6, put(ONLY, DELETED, HASH_META)) == KEY
    assert commit(store, 5, 6, put(b"f", b"w")) is None


def test_a_commit_follows_its_start() -> None:
    """A commit timestamp at or below the start timestamp is a mistake of the caller."""
    with pytest.raises(AssertionError, match=r"committed before it started: .*: DELETED"):
        commit(Store(), 5, 5, put(b"f", DELETED))


def test_forgotten_tombstones_refuse_early_starters(monkeypatch: pytest.MonkeyPatch) -> None:
    """When old tombstones are forgotten, who started before them is refused for any row of the
    key; and pins have no say in it, since another node has other pins.
    """
    monkeypatch.setattr(versions, "_ROWS_MAX", 10)
    pinned, free = Store(), Store()
    pinned.pin(FIRST_TS)
    for store in (pinned, free):
        for ts in range(2, 40, 2):
            assert commit(store, ts - 1, ts, put(ts, b"v")) is None
            assert commit(store, ts, ts + 1, put(ts, DELETED)) is None
    verdicts = [
        [store.conflict(Commit(start, 100, writes_of([put(id, b"w")]))) for store in (pinned, free)]
        for start in range(1, 45)
        for id in (2, 38, "never")
    ]
    assert all(first == second for first, second in verdicts)
    assert verdicts[0] == [KEY, KEY], "row 2 is forgotten, but it was removed after 1"
    assert verdicts[2] == [KEY, KEY], "no more can be told of a row that never was"
    assert verdicts[-1] == [None, None]


def test_live_rows_are_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many rows of a key are there, each knows when it was written."""
    monkeypatch.setattr(versions, "_ROWS_MAX", 10)
    store = Store()
    write_rows = tuple(put(n, b"v") for n in range(40))
    assert commit(store, 1, 5, *write_rows) is None
    assert commit(store, 4, 6, put(39, b"w")) == KEY
    assert commit(store, 4, 6, put("new", b"w")) is None


# -- pins -----------------------------------------------------------------------------------------


def write_versions(store: Store, first: int, last: int) -> None:
    """One version of one row per timestamp."""
    for ts in range(first, last + 1):
        assert commit(store, ts - 1, ts, put(b"f", ts)) is None


def test_a_pin_keeps_its_version() -> None:
    """What a pinned reader sees stays, however much is written; unpinned versions go."""
    store = Store()
    write_versions(store, 2, 5)
    store.pin(3)
    store.pin(3)
    write_versions(store, 6, 60)
    assert fields(store, 3) == {b"f": 3}
    store.unpin(3)
    write_versions(store, 61, 90)
    assert fields(store, 3) == {b"f": 3}, "pinned twice, released once"
    store.unpin(3)
    write_versions(store, 91, 120)
    assert fields(store, 120) == {b"f": 120}
    with pytest.raises(AssertionError, match="read of b'k' at 3, kept from 1"):
        fields(store, 3)


def test_unpinned_versions_are_dropped() -> None:
    """Without pins a key holds a few versions, not all that were ever written."""
    store = Store()
    write_versions(store, 2, 500)
    assert len(store._chains[KEY].views) <= 9


# -- late commits (H1) ----------------------------------------------------------------------------


def test_a_late_commit_lands_in_the_past() -> None:
    """A commit applied after one with a later timestamp is seen from its own timestamp on, also by
    a reader who has looked there already: the hazard, kept as it is.
    """
    store = Store()
    assert commit(store, 1, 9, put(b"f", b"9")) is None
    assert fields(store, 7) == {}
    assert commit(store, 1, 5, put(b"g", b"5")) is None
    assert [fields(store, ts) for ts in (4, 5, 9)] == [
        {}, {b"g": b"5"}, {b"f": b"9", b"g": b"5"},
    ]  # fmt: skip
    assert store.last_commit_ts == 9


def test_a_late_commit_loses_an_update() -> None:
    """H1: a script that started between the two timestamps does not see the late commit, nor does
    it conflict with it.
    """
    store = Store()
    assert commit(store, 1, 110, put(b"other", b"")) is None
    assert commit(store, 1, 100, put(b"f", b"late")) is None
    assert commit(store, 110, 120, put(b"f", b"overwritten")) is None
    assert fields(store, 120)[b"f"] == b"overwritten"


def test_a_late_commit_below_all_versions_is_not_lost() -> None:
    """A late commit whose place has been pruned away is part of every version that is left."""
    store = Store()
    store.install(KEY, {HASH_FIELD: {b"old": b"v"}})
    write_versions(store, 3, 40)
    assert commit(store, 1, 2, put(b"g", b"late")) is None
    assert fields(store, 40) == {b"old": b"v", b"f": 40, b"g": b"late"}
    write_versions(store, 41, 60)
    assert fields(store, 60) == {b"old": b"v", b"f": 60, b"g": b"late"}


# -- lists ----------------------------------------------------------------------------------------


def push_left(store: Store, start_ts: int, commit_ts: int, item: bytes) -> bytes | None:
    """Push blindly at the head that a reader at `start_ts` sees."""
    head = list_span(store.view(KEY, start_ts)).head - 1
    delta = put((commit_ts, 0), ListDelta(-1, 1), LIST_DELTA)
    return commit(store, start_ts, commit_ts, put(head, item, LIST_ITEM), delta)


def push_right(store: Store, start_ts: int, commit_ts: int, item: bytes) -> bytes | None:
    """Push blindly at the end that a reader at `start_ts` sees."""
    span = list_span(store.view(KEY, start_ts))
    delta = put((commit_ts, 0), ListDelta(0, 1), LIST_DELTA)
    row = put(span.head + span.length, item, LIST_ITEM)
    return commit(store, start_ts, commit_ts, row, delta)


def items(view: KeyView) -> list[bytes]:
    """The items of a list."""
    span = list_span(view)
    rows = view.rows.get(LIST_ITEM, {})
    return [rows[span.head + n] for n in range(span.length)]


def test_pushes_to_opposite_ends_both_survive() -> None:
    """Two pushes that know nothing of each other meet in no row if they are at opposite ends."""
    store = Store()
    assert push_right(store, 1, 2, b"m") is None
    assert push_left(store, 2, 3, b"l") is None
    assert push_right(store, 2, 4, b"r") is None
    assert items(store.view(KEY, 4)) == [b"l", b"m", b"r"]


def test_pushes_to_the_same_end_conflict() -> None:
    """Two pushes at one end want the same item row, and the second is refused."""
    store = Store()
    assert push_left(store, 1, 2, b"a") is None
    assert push_left(store, 1, 3, b"b") == KEY
    assert push_left(store, 2, 3, b"b") is None
    assert items(store.view(KEY, 3)) == [b"b", b"a"]


@pytest.mark.parametrize("late", [False, True])
def test_deltas_are_folded(late: bool) -> None:
    """Length deltas do not grow without end, and folding them changes neither list nor readers."""
    store = Store()
    if late:
        store.pin(1)
        assert commit(store, 1, 1_000, put(b"f", b"v", key=b"other")) is None
    for n in range(300):
        assert push_left(store, n + 1, n + 2, b"%d" % n) is None
        view = store.view(KEY, n + 2)
        assert list_span(view) == ListSpan(-n - 1, n + 1)
        assert view.count(LIST_DELTA) <= 64
    assert store.view(KEY, 301).has(LIST_META)
    assert items(store.view(KEY, 301)) == [b"%d" % n for n in reversed(range(300))]


def test_pushes_conflict_with_a_rewrite() -> None:
    """Who rewrites a list while others push to it is refused; who pushes to its other end is not,
    whether the deltas have been folded or not.
    """
    store = Store()
    for n in range(65):
        start_ts = n + 1
        assert push_left(store, start_ts, start_ts + 1, b"x") is None
    assert commit(store, 65, 99, put(ONLY, DELETED, LIST_META)) == KEY
    assert push_right(store, 65, 99, b"y") is None


# -- against a store that keeps everything --------------------------------------------------------


class Kept(NamedTuple):
    """A commit as the dumb twin keeps it."""

    commit_ts: int
    arrival: int
    writes: dict[bytes, RowWrites]

    def rows(self) -> set[tuple[bytes, Row]]:
        """Key and row of all that it writes."""
        return {(key, row) for key, writes in self.writes.items() for row in writes}

    def deltas(self, key: bytes) -> list[ListDelta]:
        """The list deltas that it puts."""
        writes = self.writes.get(key, {})
        return [
            value
            for (family, _), value in writes.items()
            if family == LIST_DELTA and value is not DELETED
        ]

    def conflicts(self, other: "Kept") -> bool:
        """Whether they write the same row, or break each other's list."""
        return bool(self.rows() & other.rows()) or any(map(self._breaks, [other] * 2, (KEY, b"j")))

    def _breaks(self, other: "Kept", key: bytes) -> bool:
        mine, theirs = self.deltas(key), other.deltas(key)
        meta = (LIST_META, ONLY)
        renumbered = (mine and meta in other.writes.get(key, {})) or (
            theirs and meta in self.writes.get(key, {})
        )
        left = any(delta.head for delta in mine) and any(delta.head for delta in theirs)
        right = any(sum(delta) for delta in mine) and any(sum(delta) for delta in theirs)
        return bool(renumbered or left or right)


class FullCopies:
    """A store that keeps every commit for ever, and replays them all for each read."""

    def __init__(self) -> None:
        self.commits: list[Kept] = []

    def apply(self, commit: Commit) -> bool:
        """Whether the commit was accepted."""
        new = Kept(commit.commit_ts, len(self.commits), commit.writes)
        for kept in self.commits:
            if kept.commit_ts > commit.start_ts and new.conflicts(kept):
                return False
        self.commits.append(new)
        return True

    def rows(self, key: bytes, ts: int) -> dict[tuple[str, RowId], Any]:
        """Every row of a key at `ts`."""
        found: dict[tuple[str, RowId], Any] = {}
        for kept in sorted(self.commits):
            if kept.commit_ts <= ts:
                found |= kept.writes.get(key, {})
        return {row: value for row, value in found.items() if value is not DELETED}


def in_order(rows: dict[tuple[str, RowId], Any]) -> dict[tuple[str, RowId], Any]:
    """The rows with a list's items whatever their numbers, instead of the rows that number them."""
    of_list = (LIST_META, LIST_DELTA, LIST_ITEM)
    rest = {row: value for row, value in rows.items() if row[0] not in of_list}
    found = sorted(value for (family, _), value in rows.items() if family == LIST_ITEM)
    return {**rest, (LIST_ITEM, ONLY): found}


def random_commit(rng: random.Random, start_ts: int, commit_ts: int, seen: FullCopies) -> Commit:
    """Up to four changes of two keys, at random."""
    puts: list[Put] = []
    for n in range(rng.randint(1, 4)):
        key = rng.choice((b"j", KEY))
        kind = rng.random()
        if kind < 0.25:
            delta = rng.choice((ListDelta(-1, 1), ListDelta(0, 1)))
            puts.append(put((commit_ts, n), delta, LIST_DELTA, key))
            number = 100 * commit_ts + n
            puts.append(put(number, b"%d" % number, LIST_ITEM, key))
        elif kind < 0.28:
            puts.append(put(ONLY, DELETED, LIST_META, key))
            deltas = [id for family, id in seen.rows(key, start_ts) if family == LIST_DELTA]
            puts += [put(id, DELETED, LIST_DELTA, key) for id in deltas]
        elif kind < 0.4:
            puts.append(put(ONLY, StringRow(b"%d" % commit_ts, True, None), STR, key))
        else:
            value = DELETED if rng.random() < 0.3 else commit_ts
            puts.append(put(rng.randrange(12), value, HASH_FIELD, key))
    return Commit(start_ts, commit_ts, writes_of(puts))


@pytest.mark.parametrize("seed", range(8))
def test_random_commits(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With pins, late commits, pruning and folding, all that can be read at any timestamp, and all
    verdicts, are those of a store that keeps everything.
    """
    monkeypatch.setattr(versions, "_VERSIONS_MAX", 3)
    monkeypatch.setattr(versions, "_DELTAS_MAX", 4)
    rng = random.Random(seed)
    store, twin = Store(), FullCopies()
    unused = list(range(2, 1000))
    refused = late = 0
    pinned: list[int] = []
    for _ in range(120):
        if rng.random() < 0.3:
            pinned.append(store.last_commit_ts)
            store.pin(pinned[-1])
        if pinned and rng.random() < 0.3:
            store.unpin(pinned.pop(rng.randrange(len(pinned))))
        start_ts = rng.choice(pinned) if pinned else store.last_commit_ts
        at = next(n for n, ts in enumerate(unused) if ts > start_ts)
        commit_ts = unused.pop(at + rng.randrange(4))
        commit = random_commit(rng, start_ts, commit_ts, twin)
        last = store.last_commit_ts
        accepted = store.apply(commit) is None
        assert accepted == twin.apply(commit)
        refused += not accepted
        late += accepted and commit_ts < last
        first_readable = min(pinned, default=store.last_commit_ts)
        for key in (b"j", KEY):
            for ts in range(first_readable, store.last_commit_ts + 2):
                view = store.view(key, ts)
                flat = {(f, id): ids[id] for f, ids in view.rows.items() for id in ids}
                assert in_order(flat) == in_order(twin.rows(key, ts)), (key, ts)
    assert refused > 5
    assert late > 5
