"""The commit plan: what a script's buffered writes become, and which rows are read to find out.

Per touched key, in sorted order: the value's rows, the rows to be removed, the expiry. Strings,
hashes, sets and sorted sets are rewritten whole; pushes and pops at the ends of a list are written
blind. Source: system.md 1.8; element counts agree with `commit_elems` of read_costs.csv except
where the modelled system loses data (RPOP writes no length delta, B28; a list re-created after
it expired keeps its old rows, H13): there the rows are written that make the reply true.
"""

from typing import Any, NamedTuple

from models.redis import reads
from models.redis.context import Context, cached_type
from models.redis.state import Key, ListValue
from models.store import rows
from models.store.rows import DELETED, ONLY, ListDelta, ListSpan, Mutation, StringRow


class Changes(NamedTuple):
    """What one attempt wants to write; the timestamp is not known yet."""

    mutations: list[Mutation]
    deltas: list[tuple[bytes, ListDelta]]
    """List length changes; their row ids need the commit timestamp."""

    def at(self, commit_ts: int) -> tuple[Mutation, ...]:
        """All mutations of a commit at `commit_ts`, each row once, the last value winning."""
        written = {(m.key, m.family, m.id): m for m in self.mutations}
        for n, (name, delta) in enumerate(self.deltas):
            mutation = Mutation(name, rows.LIST_DELTA, (commit_ts, n), delta)
            written[mutation.key, mutation.family, mutation.id] = mutation
        return tuple(written.values())


def plan_commit(context: Context) -> Changes | None:
    """The changes of an attempt, its reads noted in `context.reads`; None if it wrote nothing."""
    touched = sorted(name for name, key in context.keys.items() if key.touched)
    if not touched:
        return None
    changes = Changes([], [])
    for name in touched:
        _plan_key(context, name, context.keys[name], changes)
    return changes if changes.mutations or changes.deltas else None


def _plan_key(context: Context, name: bytes, key: Key, changes: Changes) -> None:
    kind = context.final_type(key)
    if kind is reads.LIST and _is_blind(key):
        _plan_blind_list(context, name, key, changes)
        return
    value = _value_rows(context, key, kind)
    if kind is reads.STRING:
        ttl = _final_ttl(context, key)
        value.append((rows.STR, ONLY, StringRow(key.string.data or b"", True, ttl)))  # type: ignore[union-attr]
    context.reads.append(reads.delete_all(key.view))
    _remove_all(name, key, changes.mutations)
    if kind is reads.NONE:
        return
    changes.mutations.extend(Mutation(name, *written) for written in value)
    if kind is not reads.STRING:
        ttl = _final_ttl(context, key)
    changes.mutations.append(Mutation(name, rows.TTL, ONLY, DELETED if ttl is None else ttl))


def _value_rows(context: Context, key: Key, kind: bytes) -> list[tuple[str, Any, Any]]:
    """The rows of the key's value, a string's excepted; loads what the script has not loaded."""
    if kind is reads.STRING:
        context.load_string(key)
        return []
    if kind is reads.LIST:
        value = context.load_list(key)
        context.materialize(key, value)
        items = list(enumerate(value.values))
        return [
            *((rows.LIST_ITEM, i, item) for i, item in items),
            (rows.LIST_META, ONLY, ListSpan(0, len(items))),
        ]
    if kind is reads.HASH:
        return _wide(context.load_hash(key).data, rows.HASH_FIELD, rows.HASH_META)
    if kind is reads.SET:
        return _wide(context.load_set(key).data, rows.SET_MEMBER, rows.SET_META)
    if kind is reads.ZSET:
        # One blob at these revisions, whatever was there before; rows for scores came with #547.
        return [(rows.ZSET_BLOB, ONLY, dict(context.load_zset(key).data))]
    if kind is reads.STREAM:
        return [(rows.STREAM_BLOB, ONLY, context.load_stream(key).data)]
    return []


def _wide(data: dict[bytes, Any], members: str, meta: str) -> list[tuple[str, Any, Any]]:
    return [*((members, name, value) for name, value in data.items()), (meta, ONLY, len(data))]


def _final_ttl(context: Context, key: Key) -> int | None:
    return key.ttl if key.ttl_loaded else context.read_ttl(key)


def _remove_all(name: bytes, key: Key, mutations: list[Mutation]) -> None:
    for family, ids in key.view.rows.items():
        if family not in reads.META_ROWS:
            mutations.extend(Mutation(name, family, id, DELETED) for id in ids)
    mutations.extend(Mutation(name, family, ONLY, DELETED) for family in reads.META_ROWS)


def _is_blind(key: Key) -> bool:
    """Whether a list's changes can be written without rewriting it."""
    value = key.list
    if value is None or not value.dirty:
        return True
    return not value.materialized and not key.ever_deleted


def _plan_blind_list(context: Context, name: bytes, key: Key, changes: Changes) -> None:
    value = key.list
    if value is not None and value.dirty:
        if key.view.rows and value.span.length == 0 and cached_type(key) is reads.LIST:
            _remove_all(name, key, changes.mutations)  # expired rows are still there
        _write_ends(name, value, changes)
    if key.ttl_dirty:
        ttl = key.ttl
        changes.mutations.append(Mutation(name, rows.TTL, ONLY, DELETED if ttl is None else ttl))


def _write_ends(name: bytes, value: ListValue, changes: Changes) -> None:
    first, end = value.span.head, value.span.head + value.span.length
    trimmed = [*range(first, first + value.left_trim), *range(end - value.right_trim, end)]
    changes.mutations.extend(Mutation(name, rows.LIST_ITEM, i, DELETED) for i in trimmed)
    head = first + value.left_trim - len(value.left)
    tail = end - value.right_trim
    changes.mutations.extend(
        Mutation(name, rows.LIST_ITEM, head + i, item) for i, item in enumerate(value.left)
    )
    changes.mutations.extend(
        Mutation(name, rows.LIST_ITEM, tail + i, item) for i, item in enumerate(value.right)
    )
    if value.right or value.right_trim:
        changes.deltas.append((name, ListDelta(0, len(value.right) - value.right_trim)))
    if value.left or value.left_trim:
        grown = len(value.left) - value.left_trim
        changes.deltas.append((name, ListDelta(-grown, grown)))
