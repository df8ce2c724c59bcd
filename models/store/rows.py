"""Rows: how the modelled store lays out one Redis key, and what of it is there at one timestamp.

A Redis key is spread over rows of several *families* (`!redis|str|k`, `!hs|fld|k<field>`, ...). A
family with one row per key uses `ONLY` as the row's id. `KeyView` is what is present of one key at
one timestamp; it never changes, a commit makes a new one.

Source: system.md 1.3 (key layout).
"""

from collections.abc import Hashable, Iterable
from typing import Any, Final, NamedTuple, TypeAlias

from models.store.items import Items

ONLY: Final = None
"""Row id of a family that has one row per key."""

STR: Final = "str"
"""`!redis|str|k`: `StringRow`, new format (expiry inline) or prefixed legacy (raw bytes)."""
BARE: Final = "bare"
"""The value under the user key itself: bytes."""
HLL: Final = "hll"
TTL: Final = "ttl"
"""`!redis|ttl|k`: expiry instant in ns."""
LIST_META: Final = "lst.meta"
"""`ListSpan`."""
LIST_DELTA: Final = "lst.delta"
"""Per (commit timestamp, n): `ListDelta`."""
LIST_ITEM: Final = "lst.itm"
"""Per sequence number: bytes."""
LIST_CLAIM: Final = "lst.claim"
HASH_FIELD: Final = "hs.fld"
HASH_META: Final = "hs.meta"
HASH_DELTA: Final = "hs.delta"
SET_MEMBER: Final = "st.mem"
SET_META: Final = "st.meta"
SET_DELTA: Final = "st.delta"
ZSET_MEMBER: Final = "zs.mem"
"""Per member: score (float)."""
ZSET_SCORE: Final = "zs.scr"
"""Per (score, member): empty."""
ZSET_META: Final = "zs.meta"
ZSET_DELTA: Final = "zs.delta"
HASH_BLOB: Final = "hash"
"""Legacy blob: dict of field to value."""
SET_BLOB: Final = "set"
"""Legacy blob: dict with the members as keys."""
ZSET_BLOB: Final = "zset"
"""Legacy blob: dict of member to score."""
STREAM_BLOB: Final = "stream"

FAMILIES: Final = (
    STR, BARE, HLL, TTL, LIST_META, LIST_DELTA, LIST_ITEM, LIST_CLAIM, HASH_FIELD, HASH_META,
    HASH_DELTA, SET_MEMBER, SET_META, SET_DELTA, ZSET_MEMBER, ZSET_SCORE, ZSET_META, ZSET_DELTA,
    HASH_BLOB, SET_BLOB, ZSET_BLOB, STREAM_BLOB,
)  # fmt: skip
_BIT: Final = {family: 1 << i for i, family in enumerate(FAMILIES)}
_TOLD: Final = _BIT[STR] + _BIT[BARE] + _BIT[TTL]
"""Families of which a `KeyView` tells what is in them."""
NEW_FORMAT: Final = 1 << len(FAMILIES)
"""Bit of a `KeyView.shape`: the string row is in the new format."""


def shape_of(families: Iterable[str]) -> int:
    """The shape of a key in which these families are present."""
    return sum(_BIT[family] for family in families)


def in_shape(shape: int) -> frozenset[str]:
    """The families present in a key of this shape."""
    return frozenset(family for family, bit in _BIT.items() if shape & bit)


class StringRow(NamedTuple):
    """A `!redis|str|k` row. Only the new format carries its expiry (ns) inline."""

    value: bytes
    new_format: bool
    expiry: int | None


class ListSpan(NamedTuple):
    """Where a list's items lie: sequence number of the first, and how many."""

    head: int
    length: int


class ListDelta(NamedTuple):
    """What a push or a pop changes of a `ListSpan`, written without reading it."""

    head: int
    length: int


class _Deleted:
    def __repr__(self) -> str:
        return "DELETED"


DELETED: Final = _Deleted()
"""Value of a mutation that removes its row."""

RowId: TypeAlias = Hashable
Row: TypeAlias = tuple[str, RowId]
"""Family and id."""
Rows: TypeAlias = dict[str, Any]
"""By family: a dict by id, in the order in which rows were written; of a list's items, `Items`."""
_NO_ITEMS: Final = Items()
_NO_ROW: Final[dict[RowId, Any]] = {ONLY: None}
RowWrites: TypeAlias = dict[Row, Any]
"""What a commit makes of the rows of one key, in this order; `DELETED` removes a row."""


class KeyView:
    """The rows of one key at one timestamp. Never changed after it is made.

    `shape` says which families are present and in which format the string row is: all that a read
    sequence depends on, apart from the number of rows a scan returns. `expiry` is the instant (ns)
    at which the key expires, or None: inline in a string row of the new format, else in its own.
    `text` is the value of the string row, prefixed or bare, or None.
    """

    __slots__ = ("expiry", "rows", "shape", "text")

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        shape = 0
        for family in rows:
            shape |= _BIT[family]
        self.expiry: int | None = None
        self.text: bytes | None = None
        if shape & _TOLD:
            self.expiry = rows.get(TTL, _NO_ROW)[ONLY]
            self.text = rows.get(BARE, _NO_ROW)[ONLY]
            string: StringRow | None = rows.get(STR, _NO_ROW)[ONLY]
            if string is not None:
                self.text, new_format, expiry = string
                if new_format:
                    shape |= NEW_FORMAT
                    self.expiry = expiry
        self.shape = shape

    def has(self, family: str) -> bool:
        """Whether the family has any row."""
        return family in self.rows

    def count(self, family: str) -> int:
        """Number of rows of the family."""
        return len(self.rows.get(family, ()))

    def only(self, family: str) -> Any:
        """The value of a family's only row, or None when there is none."""
        row = self.rows.get(family)
        return None if row is None else row[ONLY]

    def changed(self, writes: RowWrites) -> "KeyView":
        """The view after these writes."""
        before = self.rows
        after = before.copy()
        for (family, id), value in writes.items():
            if family == LIST_ITEM:
                _change_item(after, id, value)
                continue
            ids: Any = after.get(family)
            if ids is None:
                if value is not DELETED:
                    after[family] = {id: value}
            elif id is ONLY:
                if value is DELETED:
                    del after[family]
                else:
                    after[family] = {ONLY: value}
            else:
                if family in before and ids is before[family]:
                    ids = after[family] = ids.copy()
                ids.pop(id, None)  # a row written anew comes last, as in Redis's small hashes
                if value is not DELETED:
                    ids[id] = value
                elif not ids:
                    del after[family]
        return KeyView(after)


def _change_item(rows: Rows, number: Any, value: Any) -> None:
    items: Items = rows.get(LIST_ITEM, _NO_ITEMS)
    items = items.without(number) if value is DELETED else items.put(number, value)
    if items:
        rows[LIST_ITEM] = items
    else:
        rows.pop(LIST_ITEM, None)


MISSING: Final = KeyView({})
"""A key of which no row exists."""
