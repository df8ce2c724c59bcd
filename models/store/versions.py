"""The versioned store of one node: commit timestamps, snapshot reads, read pins, write conflicts.

Not a database: it keeps views of keys, newest last, and drops the versions that no pinned reader
can ask for any more. What a read *costs* is decided in `models/redis/reads.py`, not here.

Invariants: a view once returned for a timestamp stays the one returned for it, unless a commit with
an older timestamp is applied later (possible only when timestamps are allocated before proposals
are ordered: hazard H1 of system.md 8.2); `last_commit_ts` never falls.
"""

from bisect import bisect_right
from typing import Final, NamedTuple

from models.store.rows import DELETED, LIST_DELTA, LIST_META, MISSING, ONLY, KeyView, ListSpan

from models.store.rows import Mutation, RowId, Rows  # isort: skip

FIRST_TS: Final = 1
"""Commit timestamp of the data that a scenario starts with."""

_VERSIONS_KEPT: Final = 8
"""A key's versions are pruned when it has more than these."""
_DELTAS_KEPT: Final = 64
"""List deltas of a key before they are folded into its meta row (the modelled system's compactor
does that in the background; here it takes no time)."""


class Commit(NamedTuple):
    """One transaction as proposed: all mutations become visible at `commit_ts`, or none does."""

    start_ts: int
    commit_ts: int
    mutations: tuple[Mutation, ...]


class _Chain:
    """The versions of one key, oldest first."""

    __slots__ = ("latest", "timestamps", "views", "writes")

    def __init__(self) -> None:
        self.timestamps: list[int] = []
        self.views: list[KeyView] = []
        self.writes: list[list[Mutation]] = []
        self.latest: dict[tuple[str, RowId], int] = {}
        """Per row ever written: commit timestamp of its newest version, tombstones included."""


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
        chain.writes.append([])
        chain.latest = {(family, id): FIRST_TS for family, ids in rows.items() for id in ids}

    def view(self, key: bytes, ts: int) -> KeyView:
        """The key as it is at timestamp `ts`: everything committed at or before `ts`."""
        chain = self._chains.get(key)
        if chain is None:
            return MISSING
        timestamps = chain.timestamps
        if timestamps[-1] <= ts:
            return chain.views[-1]
        position = bisect_right(timestamps, ts)
        return chain.views[position - 1] if position else MISSING

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
        for key, family, id, _ in commit.mutations:
            chain = self._chains.get(key)
            if chain is not None and chain.latest.get((family, id), 0) > commit.start_ts:
                return key
        return None

    def apply(self, commit: Commit) -> bytes | None:
        """Apply all of the commit, or nothing and return the conflicting key."""
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
        for mutation in mutations:
            row = (mutation.family, mutation.id)
            chain.latest[row] = max(ts, chain.latest.get(row, 0))
        position = bisect_right(chain.timestamps, ts)
        base = chain.views[position - 1] if position else MISSING
        chain.timestamps.insert(position, ts)
        chain.writes.insert(position, mutations)
        chain.views.insert(position, _folded(base.changed(mutations)))
        for later in range(position + 1, len(chain.views)):
            chain.views[later] = chain.views[later - 1].changed(chain.writes[later])
        if len(chain.views) > _VERSIONS_KEPT:
            self._prune(chain)

    def _prune(self, chain: _Chain) -> None:
        oldest = min(self._pins, default=self.last_commit_ts)
        gone = bisect_right(chain.timestamps, oldest) - 1
        if gone <= 0:
            return
        del chain.timestamps[:gone], chain.views[:gone], chain.writes[:gone]
        newest = chain.views[-1].rows
        chain.latest = {
            (family, id): ts
            for (family, id), ts in chain.latest.items()
            if ts > oldest or id in newest.get(family, ())
        }


def _folded(view: KeyView) -> KeyView:
    """The view with its list deltas folded into the meta row, when there are many."""
    deltas = view.rows.get(LIST_DELTA)
    if deltas is None or len(deltas) <= _DELTAS_KEPT:
        return view
    span = list_span(view)
    return view.changed(
        [
            *(Mutation(b"", LIST_DELTA, id, DELETED) for id in deltas),
            Mutation(b"", LIST_META, ONLY, span),
        ]
    )


def list_span(view: KeyView) -> ListSpan:
    """Where the items of a list lie: its meta row and all its deltas summed up."""
    head, length = view.only(LIST_META) or (0, 0)
    for delta in view.rows.get(LIST_DELTA, {}).values():
        head += delta.head
        length += delta.length
    return ListSpan(head, max(length, 0))
