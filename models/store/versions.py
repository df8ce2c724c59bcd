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
from typing import Final, NamedTuple

from models.store.rows import (
    DELETED,
    LIST_DELTA,
    LIST_META,
    MISSING,
    ONLY,
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
pop that makes one too many, takes no time, and like the compactor conflicts with whoever rewrites
the list meanwhile.)"""
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

    __slots__ = ("forgotten_ts", "kept_from", "timestamps", "views", "written", "written_max")

    def __init__(self) -> None:
        self.timestamps: list[int] = []
        self.views: list[KeyView] = []
        self.kept_from = 0
        """Older timestamps can no longer be read: their versions are gone."""
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
            for row in writes:
                if written.get(row, forgotten_ts) > start_ts:
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
        if not timestamps or ts >= timestamps[-1]:
            view = views[-1] if views else MISSING
            if view.count(LIST_DELTA) >= _DELTAS_MAX:
                writes = _compacted(view, writes)
            timestamps.append(ts)
            views.append(view.changed(writes))
            chain.written.update(dict.fromkeys(writes, ts))
        else:
            _write_late(chain, ts, writes)
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


def _write_late(chain: _Chain, ts: int, writes: RowWrites) -> None:
    """Write into the past of versions that are there already.

    No later version has touched these rows, or the commit would have been refused: so each of them
    is what it was and these writes on top.
    """
    position = bisect_right(chain.timestamps, ts)
    later = [view.changed(writes) for view in chain.views[position:]]
    if ts >= chain.kept_from:
        base = chain.views[position - 1] if position else MISSING
        later.insert(0, base.changed(writes))
        chain.timestamps.insert(position, ts)
    chain.views[position:] = later
    for row in writes:
        chain.written[row] = max(ts, chain.written.get(row, 0))


def _compacted(view: KeyView, writes: RowWrites) -> RowWrites:
    """These writes, and what folds the list deltas into the meta row if they make too many."""
    after = view.changed(writes)
    if after.count(LIST_DELTA) <= _DELTAS_MAX:
        return writes
    folded: RowWrites = {(LIST_DELTA, id): DELETED for id in after.rows[LIST_DELTA]}
    return writes | folded | {(LIST_META, ONLY): list_span(after)}


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
