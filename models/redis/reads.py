"""Read sequences: which rows the adapter reads, in which order, for what it wants to know.

Not what a command costs: that follows from the sequences below, the rows present and what the
script has loaded already (`models/redis/context.py`). The sequences are those of the revisions
`before` and `546`, which differ in one thing only: at `before` each row of a string's value is
verified first (`Step.verified`). Whether a step waits for a quorum is up to the fence policy.

Source: system.md 1.4 (primitive routines and their op order) and 1.8 (commit plan).
"""

from functools import lru_cache
from typing import Final, NamedTuple

from models.store import rows as row
from models.store.rows import KeyView

POINT: Final = "point"
SCAN: Final = "scan"
STRING: Final = b"string"
LIST: Final = b"list"
HASH: Final = b"hash"
SET: Final = b"set"
ZSET: Final = b"zset"
STREAM: Final = b"stream"
NONE: Final = b"none"

_PAGE: Final = 1024
"""Rows per page when a commit looks for rows to delete."""


class Step(NamedTuple):
    """One operation on the store."""

    kind: str
    """`POINT` (GetAt or ExistsAt) or `SCAN` (ScanAt)."""
    family: str
    """Family of the row or rows read."""
    verified: bool
    """Whether the adapter of `before` verifies leadership explicitly ahead of it."""


class Reads(NamedTuple):
    """A sequence of store operations and its sums."""

    steps: tuple[Step, ...]
    points: int
    scans: int
    rows: int
    """Rows that the scans return: local work, no further operations."""
    verified: int
    """How many of the steps `before` verifies."""
    stretches: tuple[tuple[int, int], ...]
    """Points and scans between those: before the first verification, and from each one on."""


def sequence(*steps: Step, rows: int = 0) -> Reads:
    """The steps as one sequence."""
    points = sum(step.kind == POINT for step in steps)
    stretches = [[0, 0]]
    for step in steps:
        if step.verified:
            stretches.append([0, 0])
        stretches[-1][step.kind != POINT] += 1
    return Reads(
        steps,
        points,
        len(steps) - points,
        rows,
        len(stretches) - 1,
        tuple((points, scans) for points, scans in stretches),
    )


def _point(family: str) -> Step:
    return Step(POINT, family, False)


def _scan(family: str) -> Step:
    return Step(SCAN, family, False)


def _verified(family: str) -> Step:
    return Step(POINT, family, True)


_PROBE: Final[tuple[tuple[Step, bytes], ...]] = (
    (_point(row.LIST_META), LIST),
    (_scan(row.LIST_DELTA), LIST),
    (_scan(row.HASH_FIELD), HASH),
    (_point(row.HASH_META), HASH),
    (_scan(row.HASH_DELTA), HASH),
    (_scan(row.SET_MEMBER), SET),
    (_point(row.SET_META), SET),
    (_scan(row.SET_DELTA), SET),
    (_scan(row.ZSET_MEMBER), ZSET),
    (_point(row.ZSET_META), ZSET),
    (_scan(row.ZSET_DELTA), ZSET),
    (_point(row.HASH_BLOB), HASH),
    (_point(row.SET_BLOB), SET),
    (_point(row.ZSET_BLOB), ZSET),
    (_point(row.STREAM_BLOB), STREAM),
    (_point(row.HLL), STRING),
    (_point(row.STR), STRING),
    (_point(row.BARE), STRING),
)
"""The type probe: step by step until one finds a row. Strings, the most common type, come last."""


class Plan(NamedTuple):
    """What can be asked of a key at the start, for one shape of its rows."""

    raw_type: bytes
    """Type by the first row found, expired or not; `NONE` when there is none."""
    key_type: Reads
    """Type probe, and TTL probe if a type was found."""
    ttl: Reads
    value: Reads
    """The value of a string (of an HLL: in vain)."""
    typed_value: Reads
    """Type, TTL and value of a string in one: a GET of a key not touched before."""


class _Plans(dict[int, Plan]):
    def __missing__(self, shape: int) -> Plan:
        made = self[shape] = _plan(shape)
        return made


PLANS: Final = _Plans()
"""The plan of a key whose `KeyView` has this shape; made when it is asked for."""


def _plan(shape: int) -> Plan:
    present = row.in_shape(shape)
    new_format = bool(shape & row.NEW_FORMAT)
    steps: list[Step] = []
    raw_type = NONE
    for step, found in _PROBE:
        steps.append(step)
        if step.family in present:
            raw_type = found
            break
    ttl = [_point(row.STR)] if new_format else [_point(row.STR), _point(row.TTL)]
    if new_format:
        value = [_verified(row.STR)]
    else:
        value = [_verified(row.STR), _verified(row.TTL)]
        if row.STR not in present:
            value.append(_verified(row.BARE))
    probe = [*steps, *(ttl if raw_type is not NONE else ())]
    return Plan(
        raw_type=raw_type,
        key_type=sequence(*probe),
        ttl=sequence(*ttl),
        value=sequence(*value),
        typed_value=sequence(*probe, *value),
    )


@lru_cache(maxsize=4096)
def load_wide(members: str, blob: str, count: int) -> Reads:
    """Loading a hash, set or sorted set: member rows if any, else the legacy blob."""
    if count:
        return sequence(_scan(members), _scan(members), rows=1 + count)
    return sequence(_scan(members), _point(blob))


@lru_cache(maxsize=4096)
def list_meta(deltas: int) -> Reads:
    """Where a list's items lie: the meta row and all deltas."""
    return sequence(_point(row.LIST_META), _scan(row.LIST_DELTA), rows=deltas)


@lru_cache(maxsize=4096)
def list_items(count: int) -> Reads:
    """A stretch of a list's items: one scan, whatever its length."""
    return sequence(_scan(row.LIST_ITEM), rows=count)


@lru_cache(maxsize=4096)
def all_names(count: int) -> Reads:
    """The names of all keys. (The modelled system's scripts cannot ask for them.)"""
    return sequence(_scan(row.BARE), rows=count)


LOAD_STREAM: Final = sequence(_point(row.STREAM_BLOB))

_SINGLE_ROWS: Final = (
    row.STR, row.BARE, row.HASH_BLOB, row.SET_BLOB, row.HLL, row.ZSET_BLOB, row.STREAM_BLOB,
    row.TTL,
)  # fmt: skip
_MANY_ROWS: Final = (
    row.LIST_ITEM, row.LIST_DELTA, row.LIST_CLAIM, row.HASH_FIELD, row.HASH_DELTA, row.SET_MEMBER,
    row.SET_DELTA, row.ZSET_MEMBER, row.ZSET_DELTA, row.ZSET_SCORE,
)  # fmt: skip
_MANY_SHAPE: Final = row.shape_of(_MANY_ROWS)
META_ROWS: Final = (row.LIST_META, row.HASH_META, row.SET_META, row.ZSET_META)
"""Removed by every rewrite of a key without looking whether they are there."""


def delete_all(view: KeyView) -> Reads:
    """Finding every row of a key so that a commit can remove them: `deleteLogicalKeyElems`."""
    many: tuple[tuple[str, int], ...] = ()
    if view.shape & _MANY_SHAPE:
        families = view.rows.items()
        many = tuple([(family, len(ids)) for family, ids in families if family in _MANY_ROWS])
    return _delete_all(view.shape, many)


@lru_cache(maxsize=4096)
def _delete_all(shape: int, many: tuple[tuple[str, int], ...]) -> Reads:
    counts = dict(many)
    steps = [*PLANS[shape].key_type.steps, *(_point(family) for family in _SINGLE_ROWS)]
    for family in _MANY_ROWS:
        steps += [_scan(family)] * (counts.get(family, 0) // _PAGE + 1)
    return sequence(*steps, rows=sum(counts.values()))
