"""Key states: the encodings in which a key can lie in the store before a run.

The names are those of the traced read costs (`key_states.json`): what was written by which version
of the modelled system, with an expiry in the future (`_ttl`), in the past (`_expired`), or none.
"""

from collections.abc import Callable
from typing import Any, Final

from models.redis.sorted_set import SortedSet
from models.redis.stream import Stream
from models.redis.stream_ids import parse_id
from models.store import rows
from models.store.items import Items
from models.store.rows import ONLY, ListDelta, ListSpan, RowId, Rows, StringRow

_STRING_KINDS: Final = ("str_new", "str_legacy", "str_bare")
_WIDE_KINDS: Final = ("list_meta", "hash_wide", "set_wide", "zset_wide")
_SUFFIXES: Final = ("", "_ttl", "_expired")
MISSING_STATE: Final = "missing"
STATES: Final = (
    MISSING_STATE,
    *(kind + suffix for kind in _STRING_KINDS for suffix in _SUFFIXES),
    "hll",
    *(kind + suffix for kind in _WIDE_KINDS for suffix in _SUFFIXES),
    "list_delta", "hash_blob", "set_blob", "zset_delta", "zset_blob", "stream",
)  # fmt: skip
"""Every state a scenario may put a key in."""


def type_of(state: str) -> str:
    """string, list, hash, set, zset, stream or missing: what content the state takes."""
    word = state.split("_", maxsplit=1)[0]
    return {"str": "string", "hll": "string"}.get(word, word)


def make_rows(state: str, content: Any, expiry: int | None) -> Rows:
    """The rows of a key in `state`.

    `content`: bytes for a string, a list of bytes for a list, a dict of field to value for a hash,
    of member to score for a sorted set, a list of members for a set, a dict of id to the
    value of the one field `value` for a stream.
    `expiry` is the instant (ns) for `_ttl` and `_expired` states, None for the others.
    """
    assert state in STATES and state != MISSING_STATE, f"no rows for the state {state!r}"
    kind = state.removesuffix("_ttl").removesuffix("_expired")
    if kind == "str_new":
        made: Rows = {rows.STR: {ONLY: StringRow(content, True, expiry)}}
    else:
        made = _MAKE[kind](content)
    if expiry is not None:
        made[rows.TTL] = {ONLY: expiry}
    return made


def _stream(entries: dict[bytes, bytes]) -> Stream:
    stream = Stream()
    for id, value in entries.items():
        stream.append(parse_id(id), (b"value", value))
    return stream


def _list(items: list[bytes], families: Rows) -> Rows:
    return {**families, rows.LIST_ITEM: Items(enumerate(items))}


def _zset(scores: dict[bytes, float], families: Rows) -> Rows:
    by_member: dict[RowId, Any] = dict(scores.items())
    by_score: dict[RowId, Any] = {(score, member): b"" for member, score in scores.items()}
    return {rows.ZSET_MEMBER: by_member, rows.ZSET_SCORE: by_score, **families}


_MAKE: Final[dict[str, Callable[[Any], Rows]]] = {
    "str_legacy": lambda value: {rows.STR: {ONLY: StringRow(value, False, None)}},
    "str_bare": lambda value: {rows.BARE: {ONLY: value}},
    "hll": lambda value: {rows.HLL: {ONLY: value}},
    "list_meta": lambda items: _list(items, {rows.LIST_META: {ONLY: ListSpan(0, len(items))}}),
    "list_delta": lambda items: _list(items, {rows.LIST_DELTA: {(0, 0): ListDelta(0, len(items))}}),
    "hash_wide": lambda fields: {
        rows.HASH_FIELD: dict(fields),
        rows.HASH_META: {ONLY: len(fields)},
    },
    "hash_blob": lambda fields: {rows.HASH_BLOB: {ONLY: dict(fields)}},
    "set_wide": lambda members: {
        rows.SET_MEMBER: dict.fromkeys(members, b""),
        rows.SET_META: {ONLY: len(members)},
    },
    "set_blob": lambda members: {rows.SET_BLOB: {ONLY: dict.fromkeys(members, b"")}},
    "zset_wide": lambda scores: _zset(scores, {rows.ZSET_META: {ONLY: len(scores)}}),
    "zset_delta": lambda scores: _zset(scores, {rows.ZSET_DELTA: {(0, 0): len(scores)}}),
    "zset_blob": lambda scores: {rows.ZSET_BLOB: {ONLY: SortedSet(dict(scores))}},
    "stream": lambda entries: {rows.STREAM_BLOB: {ONLY: _stream(entries)}},
}
