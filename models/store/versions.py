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
    Mutation,
    RowId,
    Rows,
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
    """One transaction as proposed: all mutations become visible at `commit_ts`, or none does."""

    start_ts: int
    commit_ts: int
    mutations: tuple[Mutation, ...]


class _Chain:
    """The versions of one key, oldest first."""

    __slots__ = ("forgotten_ts", "kept_from", "timestamps", "views", "written", "written_max")

    def __init__(self) -> None:
        self.timestamps: list[int] = []
        self.views: list[KeyView] = []
        self.kept_from = 0
        """Older timestamps can no longer be read: their versions are gone."""
        self.written: dict[tuple[str, RowId], int] = {}
        """Per row ever written: commit timestamp of its newest version, tombstones included."""
        self.forgotten_ts = 0
        """Timestamp of the newest tombstone that is no longer in `written`."""
        self.written_max = _ROWS_MAX


class Store:
    """The versioned store of one node."""

    def __init__(self) -> None:
        self.last_commit_ts = FIRST_TS
        self._chains: dict[bytes, _Chain] = {}
        self._pins: dict[int, int] = {}

    def install(self, key: bytes, rows: Rows) -> None:
        """Put a key there as if it had always been (commit timestamp `FIRST_TS`)."""
        assert key not in self._chains, f"installed twice: {key!r}"
        chain = self._chains[key] = _Chain()
        chain.timestamps.append(FIRST_TS)
        chain.views.append(KeyView(rows))
        chain.written = {(family, id): FIRST_TS for family, ids in rows.items() for id in ids}

    def view(self, key: bytes, ts: int) -> KeyView:
        """The key as it is at timestamp `ts`: everything committed at or before `ts`."""
        chain = self._chains.get(key)
        if chain is None:
            return MISSING
        timestamps = chain.timestamps
        if timestamps[-1] <= ts:
            return chain.views[-1]
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

        First committer wins, on mutated rows only: reads are not checked (snapshot isolation,
        write skew is allowed). Source: system.md 2.4.
        """
        start_ts = commit.start_ts
        for key, family, id, _ in commit.mutations:
            chain = self._chains.get(key)
            if chain is not None and chain.written.get((family, id), chain.forgotten_ts) > start_ts:
                return key
        return None

    def apply(self, commit: Commit) -> bytes | None:
        """Apply all of the commit, or nothing and return the conflicting key."""
        assert commit.start_ts < commit.commit_ts, f"committed before it started: {commit}"
        refused = self.conflict(commit)
        if refused is not None:
            return refused
        by_key: dict[bytes, list[Mutation]] = {}
        for mutation in commit.mutations:
            by_key.setdefault(mutation.key, []).append(mutation)
        for key, mutations in by_key.items():
            self._write(key, commit.commit_ts, mutations)
        self.last_commit_ts = max(self.last_commit_ts, commit.commit_ts)
        return None

    def _write(self, key: bytes, ts: int, mutations: list[Mutation]) -> None:
        chain = self._chains.get(key)
        if chain is None:
            chain = self._chains[key] = _Chain()
        position = bisect_right(chain.timestamps, ts)
        if position == len(chain.views):
            view = chain.views[-1] if chain.views else MISSING
            mutations = mutations + _compaction(view, mutations)
            chain.timestamps.append(ts)
            chain.views.append(view.changed(mutations))
        else:
            _write_late(chain, position, ts, mutations)
        for mutation in mutations:
            row = mutation.family, mutation.id
            chain.written[row] = max(ts, chain.written.get(row, 0))
        if len(chain.views) > _VERSIONS_MAX:
            self._prune(chain)
        if len(chain.written) > chain.written_max:
            _forget(chain)

    def _prune(self, chain: _Chain) -> None:
        oldest = min(self._pins, default=self.last_commit_ts)
        gone = bisect_right(chain.timestamps, oldest) - 1
        if gone > 0:
            del chain.timestamps[:gone], chain.views[:gone]
            chain.kept_from = chain.timestamps[0]


def _write_late(chain: _Chain, position: int, ts: int, mutations: list[Mutation]) -> None:
    """Write into the past of versions that are there already.

    No later version has touched these rows, or the commit would have been refused: so each of them
    is what it was and these mutations on top.
    """
    later = [view.changed(mutations) for view in chain.views[position:]]
    if ts >= chain.kept_from:
        base = chain.views[position - 1] if position else MISSING
        later.insert(0, base.changed(mutations))
        chain.timestamps.insert(position, ts)
    chain.views[position:] = later


def _compaction(view: KeyView, mutations: list[Mutation]) -> list[Mutation]:
    """What folds the list deltas of a view into its meta row, if these mutations make too many."""
    if view.count(LIST_DELTA) < _DELTAS_MAX:
        return []
    after = view.changed(mutations)
    if after.count(LIST_DELTA) <= _DELTAS_MAX:
        return []
    name = mutations[0].key
    return [
        *(Mutation(name, LIST_DELTA, id, DELETED) for id in after.rows[LIST_DELTA]),
        Mutation(name, LIST_META, ONLY, list_span(after)),
    ]


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
    for delta in view.rows.get(LIST_DELTA, {}).values():
        head += delta.head
        length += delta.length
    return ListSpan(head, max(length, 0))
