"""The commit plan: what a script's buffered writes become, and which rows are read to find out.

Per touched key, in sorted order: the value's rows, the expiry, the rows to be removed. Strings,
hashes, sets and sorted sets are rewritten whole; pushes and pops at the ends of a list are written
blind. Source: system.md 1.8; element counts agree with `commit_elems` of read_costs.csv except
where the modelled system loses data (RPOP writes no length delta, B28; a list re-created after
it expired keeps its old rows, H13): there the rows are written that make the reply true.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from models.redis import reads
from models.redis.context import Context
from models.redis.state import Key
from models.store import rows
from models.store.rows import (
    DELETED,
    ONLY,
    ListDelta,
    ListSpan,
    Row,
    RowWrites,
    StringRow,
)

_STR: Final[Row] = (rows.STR, ONLY)
_TTL: Final[Row] = (rows.TTL, ONLY)
_METAS: Final[RowWrites] = {(family, ONLY): DELETED for family in reads.META_ROWS}


class KeyChanges(NamedTuple):
    """What an attempt wants to do to the rows of one key."""

    removed: RowWrites
    """Removed first, whether they are there or not."""
    put: RowWrites

    def writes(self) -> RowWrites:
        """Both in one, each row once, what is put in its order."""
        writes = self.put | self.removed
        writes.update(self.put)
        return writes


class Changes(NamedTuple):
    """What one attempt wants to write; the timestamp is not known yet."""

    by_key: dict[bytes, KeyChanges]
    deltas: list[tuple[bytes, ListDelta]]
    """List length changes, of keys in `by_key`; their row ids need the commit timestamp."""

    def keys(self) -> tuple[bytes, ...]:
        """The keys written."""
        return tuple(self.by_key)

    def at(self, commit_ts: int) -> dict[bytes, RowWrites]:
        """All writes of a commit at `commit_ts`, by key."""
        writes = {name: changes.writes() for name, changes in self.by_key.items()}
        for n, (name, delta) in enumerate(self.deltas):
            writes[name][rows.LIST_DELTA, (commit_ts, n)] = delta
        return writes


def plan_commit(context: Context) -> Changes | None:
    """The changes of an attempt, its reads noted in `context.reads`; None if it wrote nothing.

    Of an attempt that has diverged, the reads are those that the modelled system makes. The changes
    are empty where it would commit something and Redis has nothing to write: that is a commit, too.
    """
    first = len(context.reads)
    changes = _plan(context)
    modelled = context.modelled
    if modelled is not None:
        modelled.now = context.now
        modelled.reads.clear()
        meant = _plan(modelled)
        context.reads[first:] = modelled.reads
        changes = Changes({}, []) if changes is None and meant is not None else changes
    return changes


def _plan(context: Context) -> Changes | None:
    changes = Changes({}, [])
    for name in sorted(name for name, key in context.keys.items() if key.touched):
        key = context.keys[name]
        kind = context.final_type(key)
        if kind is reads.LIST and _is_blind(key):
            _write_blind(name, key, changes)
        else:
            changes.by_key[name] = _rewrite(context, key, kind)
    return changes if changes.by_key else None


# -- rewritten whole ------------------------------------------------------------------------------

_DATA: Final[dict[bytes, Callable[[Context, Key], Any]]] = {
    reads.STRING: lambda context, key: context.load_string(key).data,
    reads.LIST: lambda context, key: context.all_items(key),
    reads.HASH: lambda context, key: context.load_hash(key).data,
    reads.SET: lambda context, key: context.load_set(key).data,
    reads.ZSET: lambda context, key: context.load_zset(key).data,
    reads.STREAM: lambda context, key: context.load_stream(key).data,
}


def _rewrite(context: Context, key: Key, kind: bytes) -> KeyChanges:
    """Remove every row of the key, then put those of its value and its expiry."""
    put: RowWrites = {}
    if kind is not reads.NONE:
        data = _DATA[kind](context, key)
        ttl = key.ttl if key.ttl_loaded else context.read_ttl(key)
        put = _value_rows(kind, data, ttl)
        put[_TTL] = DELETED if ttl is None else ttl
    context.reads.append(reads.delete_all(key.view))
    return KeyChanges(_removals(key), put)


def _value_rows(kind: bytes, data: Any, ttl: int | None) -> RowWrites:
    if kind is reads.STRING:
        return {_STR: StringRow(data or b"", True, ttl)}
    if kind is reads.LIST:
        items: RowWrites = {(rows.LIST_ITEM, i): item for i, item in enumerate(data)}
        items[rows.LIST_META, ONLY] = ListSpan(0, len(data))
        return items
    if kind is reads.HASH:
        fields: RowWrites = {(rows.HASH_FIELD, name): value for name, value in data.items()}
        fields[rows.HASH_META, ONLY] = len(data)
        return fields
    if kind is reads.SET:
        members: RowWrites = {(rows.SET_MEMBER, name): b"" for name in data}
        members[rows.SET_META, ONLY] = len(data)
        return members
    if kind is reads.ZSET:
        # One blob at these revisions, whatever was there before; rows for scores came with #547.
        return {(rows.ZSET_BLOB, ONLY): data}
    return {(rows.STREAM_BLOB, ONLY): data}


def _removals(key: Key) -> RowWrites:
    removed = _METAS.copy()
    for family, ids in key.view.rows.items():
        if family not in reads.META_ROWS:
            for id in ids:
                removed[family, id] = DELETED
    return removed


# -- lists, written blind -------------------------------------------------------------------------


def _is_blind(key: Key) -> bool:
    """Whether a list's changes can be written without rewriting it."""
    value = key.list
    if value is None or not value.dirty:
        return True
    return not value.materialized and not key.ever_deleted


def _write_blind(name: bytes, key: Key, changes: Changes) -> None:
    value = key.list
    removed: RowWrites = {}
    put: RowWrites = {}
    if value is not None and value.dirty:
        if value.span.length == 0 and key.view.rows:
            removed = _removals(key)  # of what expired, or was popped empty
        head, length = value.span
        if value.right or value.right_trim:
            end = head + length
            tail = end - value.right_trim
            _write_items(tail, end, tail, value.right, removed, put)
            changes.deltas.append((name, ListDelta(0, len(value.right) - value.right_trim)))
        if value.left or value.left_trim:
            end = head + value.left_trim
            grown = len(value.left) - value.left_trim
            _write_items(head, end, head - grown, value.left, removed, put)
            changes.deltas.append((name, ListDelta(-grown, grown)))
    if key.ttl_dirty:
        put[_TTL] = DELETED if key.ttl is None else key.ttl
    if removed or put:
        changes.by_key[name] = KeyChanges(removed, put)


def _write_items(
    trimmed: int, end: int, first: int, items: list[bytes], removed: RowWrites, put: RowWrites
) -> None:
    """At one end of a list: what was trimmed, up to `end`, and what was pushed, from `first` on."""
    for i in range(trimmed, end):
        removed[rows.LIST_ITEM, i] = DELETED
    for i, item in enumerate(items, first):
        put[rows.LIST_ITEM, i] = item
