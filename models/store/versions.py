"""The versioned store of one node: commit timestamps, snapshot reads, read pins, write conflicts.

Not a database: it keeps views of keys, newest last, and drops the versions that no pinned reader
can ask for any more. What a read *costs* is decided in `models/redis/reads.py`, not here.

Invariants:

- A view once returned for a timestamp stays the one returned for it, unless a commit with an older
  timestamp is applied later. That can happen only when timestamps are allocated before proposals
  are ordered (hazard H1 of system.md 8.2); such a commit lands in the past of those who look later.
- `last_commit_ts` never falls.
- Whether a commit is refused depends on the commits applied before it and on nothing else, so that
  all nodes which apply the same log agree. Pins are a node's own business: they decide which views
  are kept, never which conflicts are found.
"""

from bisect import bisect_right
from typing import Any, Final, NamedTuple

from models.store.items import Items
from models.store.rows import (
    DELETED,
    LIST_DELTA,
    LIST_ITEM,
    LIST_META,
    MISSING,
    ONLY,
    TTL,
    KeyView,
    ListSpan,
    Row,
    Rows,
    RowWrites,
)

FIRST_TS: Final = 1
"""Commit timestamp of the data that a scenario starts with."""

_VERSIONS_MAX: Final = 8
"""A key's versions are pruned when it has more than these."""
_DELTAS_MAX: Final = 64
"""A list's deltas are folded into its meta row when it has more than these. (The modelled system's
compactor does that in the background, in transactions of its own. Here it is part of the push or
pop that makes one too many, takes no time, and conflicts with nobody, since no item moves.)"""
_META: Final[Row] = (LIST_META, ONLY)
_LEFT: Final[Row] = (LIST_DELTA, "left")
_RIGHT: Final[Row] = (LIST_DELTA, "right")
"""Stand for the ends of a list, see `_also`."""
_LIST_ROWS: Final = frozenset((LIST_META, LIST_DELTA))
_ROWS_MAX: Final = 8192
"""When more rows of a key than these have been written, its older tombstones are forgotten."""


class Commit(NamedTuple):
    """One transaction as proposed: all writes become visible at `commit_ts`, or none does."""

    start_ts: int
    commit_ts: int
    writes: dict[bytes, RowWrites]
    """By key."""

    @property
    def size(self) -> int:
        """How many rows it writes or removes."""
        return sum(map(len, self.writes.values()))


class _Chain:
    """The versions of one key, oldest first."""

    __slots__ = (
        "forgotten_ts", "kept_from", "late", "timestamps", "views", "written", "written_max",
    )  # fmt: skip

    def __init__(self) -> None:
        self.timestamps: list[int] = []
        self.views: list[KeyView] = []
        self.kept_from = 0
        """Older timestamps can no longer be read: their versions are gone."""
        self.late = False
        """A commit to it was applied after another, to any key, with a later timestamp."""
        self.written: dict[Row, int] = {}
        """Per row ever written: commit timestamp of its newest version, tombstones included."""
        self.forgotten_ts = 0
        """Timestamp of the newest tombstone that is no longer in `written`."""
        self.written_max = _ROWS_MAX


class Store:
    """The versioned store of one node."""

    def __init__(self) -> None:
        self.last_commit_ts = FIRST_TS
        self._chains: dict[bytes, _Chain] = {}
        self._newest: dict[bytes, KeyView] = {}
        """The last view of each chain: all that a reader of the newest snapshot needs."""
        self._pins: dict[int, int] = {}

    def install(self, key: bytes, rows: Rows) -> None:
        """Put a key there as if it had always been (commit timestamp `FIRST_TS`)."""
        assert key not in self._chains, f"installed twice: {key!r}"
        chain = self._chains[key] = _Chain()
        chain.timestamps.append(FIRST_TS)
        view = self._newest[key] = KeyView(rows)
        chain.views.append(view)
        chain.written = {(family, id): FIRST_TS for family, ids in rows.items() for id in ids}

    def view(self, key: bytes, ts: int) -> KeyView:
        """The key as it is at timestamp `ts`: everything committed at or before `ts`."""
        if ts >= self.last_commit_ts:
            return self._newest.get(key, MISSING)
        chain = self._chains.get(key)
        if chain is None:
            return MISSING
        timestamps = chain.timestamps
        assert ts >= chain.kept_from, f"read of {key!r} at {ts}, kept from {chain.kept_from} on"
        position = bisect_right(timestamps, ts)
        return chain.views[position - 1] if position else MISSING

    def names(self, ts: int) -> list[bytes]:
        """The keys with any row at timestamp `ts`, in the order of their first writing."""
        return [name for name in self._chains if self.view(name, ts).rows]

    def written_since(self, key: bytes, ts: int) -> bool:
        """Whether a commit later than `ts` has written the key."""
        chain = self._chains.get(key)
        return chain is not None and chain.timestamps[-1] > ts

    def pin(self, ts: int) -> None:
        """Keep the versions that a reader at `ts` needs, until `unpin`."""
        self._pins[ts] = self._pins.get(ts, 0) + 1

    def unpin(self, ts: int) -> None:
        """Release one `pin` at `ts`."""
        count = self._pins[ts]
        if count == 1:
            del self._pins[ts]
        else:
            self._pins[ts] = count - 1

    def conflict(self, commit: Commit) -> bytes | None:
        """The first key with a row that was written after the commit's `start_ts`, or None.

        First committer wins, on written rows only: reads are not checked (snapshot isolation,
        write skew is allowed). Source: system.md 2.4.
        """
        start_ts = commit.start_ts
        for key, writes in commit.writes.items():
            chain = self._chains.get(key)
            if chain is None or chain.timestamps[-1] <= start_ts:
                continue  # no row is newer than the newest version
            written, forgotten_ts = chain.written, chain.forgotten_ts
            for row, value in writes.items():
                for each in (row, *_also(row, value)):
                    if written.get(each, forgotten_ts) > start_ts:
                        return key
        return None

    def apply(self, commit: Commit) -> bytes | None:
        """Apply all of the commit, or nothing and return the conflicting key."""
        assert commit.start_ts < commit.commit_ts, f"committed before it started: {commit}"
        refused = self.conflict(commit)
        if refused is not None:
            return refused
        for key, writes in commit.writes.items():
            self._write(key, commit.commit_ts, writes)
        self.last_commit_ts = max(self.last_commit_ts, commit.commit_ts)
        return None

    def _write(self, key: bytes, ts: int, writes: RowWrites) -> None:
        chain = self._chains.get(key)
        if chain is None:
            chain = self._chains[key] = _Chain()
        views, timestamps = chain.views, chain.timestamps
        if ts < self.last_commit_ts:
            chain.late = True
        if chain.late:
            _write_late(chain, ts, writes)
        else:
            before = views[-1] if views else MISSING
            view = before.changed(writes)
            chain.written.update(dict.fromkeys(writes, ts))
            if view.rows.get(LIST_DELTA) is not before.rows.get(LIST_DELTA):
                chain.written.update(dict.fromkeys(_moved(writes), ts))
                if _is_emptied(view):
                    view = view.changed(_emptied(view))
                    chain.written[_META] = ts
                elif view.count(LIST_DELTA) > _DELTAS_MAX:
                    view = view.changed(_folded(view))
            timestamps.append(ts)
            views.append(view)
        self._newest[key] = views[-1]
        if len(views) > _VERSIONS_MAX:
            self._prune(chain)
        if len(chain.written) > chain.written_max:
            _forget(chain)

    def _prune(self, chain: _Chain) -> None:
        oldest = min(self._pins, default=self.last_commit_ts)
        gone = bisect_right(chain.timestamps, oldest) - 1
        if gone > 0:
            del chain.timestamps[:gone], chain.views[:gone]
            chain.kept_from = chain.timestamps[0]


def _also(row: Row, value: Any) -> tuple[Row, ...]:
    """What a written row conflicts with besides itself, so that a list stays whole.

    Pushes and pops write their deltas blind, and reckon with where the end is at which they work.
    Who writes the meta row has put the items elsewhere, or left none. (The modelled system commits
    both, and the list is broken: its length tells of items that are not there.)
    """
    if row == _META:
        return (_LEFT, _RIGHT)
    return (_META, *_ends(value)) if row[0] == LIST_DELTA else ()


def _moved(writes: RowWrites) -> list[Row]:
    """The ends of a list that these writes move."""
    return [
        end for (family, _), value in writes.items() if family == LIST_DELTA for end in _ends(value)
    ]


def _ends(delta: Any) -> tuple[Row, ...]:
    """The ends that a length delta moves."""
    if delta is DELETED:
        return ()
    head, length = delta
    return ((_LEFT,) if head else ()) + ((_RIGHT,) if head + length else ())


def _write_late(chain: _Chain, ts: int, writes: RowWrites) -> None:
    """Write into the past of versions that are there already, or after it has been done.

    No later version has touched these rows, or the commit would have been refused: so each of them
    is what it was and these writes on top. Who has read what is no longer so goes on all the same,
    and may pop what is gone or push next to nothing.
    """
    position = bisect_right(chain.timestamps, ts)
    later = [view.changed(writes) for view in chain.views[position:]]
    if ts >= chain.kept_from:
        base = chain.views[position - 1] if position else MISSING
        later.insert(0, base.changed(writes))
        chain.timestamps.insert(position, ts)
    chain.views[position:] = map(_whole, later)
    for row in (*writes, *_moved(writes)):
        chain.written[row] = max(ts, chain.written.get(row, 0))


def _whole(view: KeyView) -> KeyView:
    """The view with a list of the items that are there, in their order, whatever its span tells."""
    items: Items | None = view.rows.get(LIST_ITEM)
    if items is None:
        return view.changed(_emptied(view)) if _LIST_ROWS & view.rows.keys() else view
    head, length = list_span(view)
    if len(items) == length and all(head <= id < head + length for id in items):
        return view if view.count(LIST_DELTA) <= _DELTAS_MAX else view.changed(_folded(view))
    rows = {family: ids for family, ids in view.rows.items() if family != LIST_DELTA}
    rows[LIST_ITEM] = Items((new, items[old]) for new, old in enumerate(sorted(items)))
    rows[LIST_META] = {ONLY: ListSpan(0, len(items))}
    return KeyView(rows)


def _is_emptied(view: KeyView) -> bool:
    """Whether a list was popped empty by several, each of which has left something."""
    return LIST_DELTA in view.rows and LIST_ITEM not in view.rows


def _emptied(view: KeyView) -> RowWrites:
    """What takes away the rest of such a list, its expiry too: the next push makes a new one."""
    left: RowWrites = {(LIST_DELTA, id): DELETED for id in view.rows.get(LIST_DELTA, ())}
    return left | {(LIST_META, ONLY): DELETED, (TTL, ONLY): DELETED}


def _folded(view: KeyView) -> RowWrites:
    """What folds the list deltas into the meta row."""
    folded: RowWrites = {(LIST_DELTA, id): DELETED for id in view.rows[LIST_DELTA]}
    return folded | {(LIST_META, ONLY): list_span(view)}


def _forget(chain: _Chain) -> None:
    """Forget the older half of the tombstones: who started before them is refused from now on."""
    present = chain.views[-1].rows
    live = {(family, id) for family, ids in present.items() for id in ids}
    tombstones = sorted(ts for row, ts in chain.written.items() if row not in live)
    if tombstones:
        chain.forgotten_ts = max(chain.forgotten_ts, tombstones[len(tombstones) // 2])
        chain.written = {
            row: ts for row, ts in chain.written.items() if row in live or ts > chain.forgotten_ts
        }
    chain.written_max = max(_ROWS_MAX, 2 * len(chain.written))


def list_span(view: KeyView) -> ListSpan:
    """Where the items of a list lie: its meta row and all its deltas summed up."""
    head, length = view.only(LIST_META) or (0, 0)
    deltas = view.rows.get(LIST_DELTA)
    if deltas:
        heads, lengths = zip(*deltas.values(), strict=True)
        head += sum(heads)
        length += sum(lengths)
    return ListSpan(head, max(length, 0))
