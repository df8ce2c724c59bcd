"""The commit plan: what a script's buffered writes become, and which rows are read to find out.

Per touched key, in sorted order: the value's rows, the expiry, the rows to be removed. Strings,
hashes, sets and sorted sets are rewritten whole; pushes and pops at the ends of a list are written
blind. Source: system.md 1.8; element counts agree with `commit_elems` of read_costs.csv except
where the modelled system loses data (RPOP writes no length delta, B28; a list re-created after
it expired keeps its old rows, H13): there the rows are written that make the reply true.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeAlias

from models.redis import reads
from models.redis.context import Context
from models.redis.state import Key, ListValue
from models.store import rows
from models.store.rows import (
    DELETED,
    ONLY,
    ListDelta,
    ListSpan,
    Mutation,
    RowId,
    StringRow,
)

_Row: TypeAlias = tuple[str, RowId, Any]
"""Family, id and value."""


class Changes(NamedTuple):
    """What one attempt wants to write; the timestamp is not known yet."""

    mutations: list[Mutation]
    deltas: list[tuple[bytes, ListDelta]]
    """List length changes; their row ids need the commit timestamp."""

    def keys(self) -> tuple[bytes, ...]:
        """The keys written, each once."""
        names = [mutation.key for mutation in self.mutations]
        return tuple(dict.fromkeys([*names, *(name for name, _ in self.deltas)]))

    def at(self, commit_ts: int) -> tuple[Mutation, ...]:
        """All mutations of a commit at `commit_ts`, each row once, in order of the last writes."""
        written: dict[tuple[bytes, str, RowId], Mutation] = {}
        for mutation in self.mutations:
            row = mutation[:3]
            written.pop(row, None)
            written[row] = mutation
        deltas = (
            Mutation(name, rows.LIST_DELTA, (commit_ts, n), delta)
            for n, (name, delta) in enumerate(self.deltas)
        )
        return (*written.values(), *deltas)


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
        changes = Changes([], []) if changes is None and meant is not None else changes
    return changes


def _plan(context: Context) -> Changes | None:
    changes = Changes([], [])
    for name in sorted(name for name, key in context.keys.items() if key.touched):
        key = context.keys[name]
        kind = context.final_type(key)
        if kind is reads.LIST and _is_blind(key):
            _write_blind(name, key, changes)
        else:
            changes.mutations.extend(_rewrite(context, name, key, kind))
    return changes if changes.mutations or changes.deltas else None


# -- rewritten whole ------------------------------------------------------------------------------

_DATA: Final[dict[bytes, Callable[[Context, Key], Any]]] = {
    reads.STRING: lambda context, key: context.load_string(key).data,
    reads.LIST: lambda context, key: context.all_items(key),
    reads.HASH: lambda context, key: context.load_hash(key).data,
    reads.SET: lambda context, key: context.load_set(key).data,
    reads.ZSET: lambda context, key: context.load_zset(key).data,
    reads.STREAM: lambda context, key: context.load_stream(key).data,
}


def _rewrite(context: Context, name: bytes, key: Key, kind: bytes) -> list[Mutation]:
    """Remove every row of the key, then put those of its value and its expiry."""
    put: list[_Row] = []
    if kind is not reads.NONE:
        data = _DATA[kind](context, key)
        ttl = key.ttl if key.ttl_loaded else context.read_ttl(key)
        put = [*_value_rows(kind, data, ttl), _ttl_row(ttl)]
    context.reads.append(reads.delete_all(key.view))
    return [*_removals(name, key), *(Mutation(name, *row) for row in put)]


def _value_rows(kind: bytes, data: Any, ttl: int | None) -> list[_Row]:
    if kind is reads.STRING:
        return [(rows.STR, ONLY, StringRow(data or b"", True, ttl))]
    if kind is reads.LIST:
        items = [(rows.LIST_ITEM, i, item) for i, item in enumerate(data)]
        return [*items, (rows.LIST_META, ONLY, ListSpan(0, len(data)))]
    if kind is reads.HASH:
        fields = [(rows.HASH_FIELD, name, value) for name, value in data.items()]
        return [*fields, (rows.HASH_META, ONLY, len(data))]
    if kind is reads.SET:
        members = [(rows.SET_MEMBER, name, b"") for name in data]
        return [*members, (rows.SET_META, ONLY, len(data))]
    if kind is reads.ZSET:
        # One blob at these revisions, whatever was there before; rows for scores came with #547.
        return [(rows.ZSET_BLOB, ONLY, data)]
    return [(rows.STREAM_BLOB, ONLY, data)]


def _ttl_row(ttl: int | None) -> _Row:
    return rows.TTL, ONLY, DELETED if ttl is None else ttl


def _removals(name: bytes, key: Key) -> list[Mutation]:
    present = [
        Mutation(name, family, id, DELETED)
        for family, ids in key.view.rows.items()
        if family not in reads.META_ROWS
        for id in ids
    ]
    return [*present, *(Mutation(name, family, ONLY, DELETED) for family in reads.META_ROWS)]


# -- lists, written blind -------------------------------------------------------------------------


def _is_blind(key: Key) -> bool:
    """Whether a list's changes can be written without rewriting it."""
    value = key.list
    if value is None or not value.dirty:
        return True
    return not value.materialized and not key.ever_deleted


def _write_blind(name: bytes, key: Key, changes: Changes) -> None:
    value = key.list
    if value is not None and value.dirty:
        if value.span.length == 0 and key.view.rows:
            changes.mutations.extend(_removals(name, key))  # of what expired, or was popped empty
        _write_ends(name, value, changes)
    if key.ttl_dirty:
        changes.mutations.append(Mutation(name, *_ttl_row(key.ttl)))


def _write_ends(name: bytes, value: ListValue, changes: Changes) -> None:
    first, end = value.span.head, value.span.head + value.span.length
    head = first + value.left_trim - len(value.left)
    tail = end - value.right_trim
    trimmed = [*range(first, first + value.left_trim), *range(tail, end)]
    items = [*enumerate(value.left, head), *enumerate(value.right, tail)]
    changes.mutations.extend(Mutation(name, rows.LIST_ITEM, i, DELETED) for i in trimmed)
    changes.mutations.extend(Mutation(name, rows.LIST_ITEM, i, item) for i, item in items)
    if value.right or value.right_trim:
        changes.deltas.append((name, ListDelta(0, len(value.right) - value.right_trim)))
    if value.left or value.left_trim:
        grown = len(value.left) - value.left_trim
        changes.deltas.append((name, ListDelta(-grown, grown)))
