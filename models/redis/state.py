"""What one attempt of a script knows of one key: loaded values, buffered writes, caches.

Plain data. How it is filled stands in `context.py`, how it is written back in `commit.py`. A value
is looked up once per family, and stays as it was found. So when a command finds another type, a
*stub* stays behind: the next command of its family reads nothing, and is refused again. (In the
modelled system it sees an absent key, and a write replaces what is there: hazard H6 of system.md
8.2. Its read counts are kept, its replies are not: here they are those of Redis.)
"""

from dataclasses import dataclass, field
from typing import Any

from models.redis import reads
from models.store.rows import KeyView, ListSpan

EMPTY = ListSpan(0, 0)


@dataclass(slots=True)
class Value:
    """A value of one type: string (bytes), hash (dict), set (dict of members), `SortedSet`,
    `Stream`.
    """

    exists: bool = False
    data: Any = None
    shared: bool = False
    """Whether the store has the same object: to be copied before it is changed."""
    refused: bool = False
    """Whether the key was found to hold another type."""

    def own(self) -> Any:
        """The data, to be changed."""
        if self.shared:
            self.data = self.data.copy()
            self.shared = False
        return self.data

    def clear(self) -> None:
        """Make it absent, for it was deleted."""
        self.exists = self.shared = self.refused = False
        self.data = None if self.data is None or type(self.data) is bytes else type(self.data)()


@dataclass(slots=True)
class ListValue:
    """A list, loaded lazily: the stored span, and what was pushed and popped at its ends."""

    exists: bool = False
    refused: bool = False
    """Whether the key was found to hold another type."""
    dirty: bool = False
    materialized: bool = False
    """Whether all values are in `values` and the lazy parts below are void."""
    span: ListSpan = EMPTY
    left_trim: int = 0
    right_trim: int = 0
    left: list[bytes] = field(default_factory=list)
    right: list[bytes] = field(default_factory=list)
    values: list[bytes] = field(default_factory=list)

    def stored(self) -> int:
        """How many of the stored items are still part of the list."""
        return max(self.span.length - self.left_trim - self.right_trim, 0)

    def __len__(self) -> int:
        if self.materialized:
            return len(self.values)
        return len(self.left) + self.stored() + len(self.right)

    def reset(self) -> None:
        """Make it an empty list with nothing stored behind it."""
        self.materialized = False
        self.span = EMPTY
        self.left_trim = self.right_trim = 0
        self.left, self.right, self.values = [], [], []


class Key:
    """One key as one attempt sees it."""

    # Defaults on the class: a script touches many keys and changes few of these.
    string: Value | None = None
    list: ListValue | None = None
    hash: Value | None = None
    set: Value | None = None
    zset: Value | None = None
    stream: Value | None = None
    ttl: int | None = None
    ttl_loaded = False
    ttl_dirty = False
    deleted = False
    ever_deleted = False
    touched = False
    written = 0
    """Which of the attempt's keys it was, counted from 1, that something was first put into."""

    def __init__(self, view: KeyView) -> None:
        self.view = view
        self.plan = reads.PLANS[view.shape]

    def set_ttl(self, ttl: int | None) -> None:
        """Buffer a new expiry (ns), or None for no expiry."""
        self.ttl = ttl
        self.ttl_loaded = self.ttl_dirty = True

    def emptied(self) -> None:
        """The last element went: the key is gone, though not by a DEL."""
        self.deleted = True
        self.set_ttl(None)


def cached_type(key: Key) -> bytes | None:
    """The type that needs no reading, `NONE` for a key deleted here, or None when unknown."""
    if key.string is not None and key.string.exists:
        return reads.STRING
    if key.list is not None and key.list.exists:
        return reads.LIST
    if key.hash is not None and key.hash.exists:
        return reads.HASH
    if key.set is not None and key.set.exists:
        return reads.SET
    if key.zset is not None and key.zset.exists:
        return reads.ZSET
    if key.stream is not None and key.stream.exists:
        return reads.STREAM
    return reads.NONE if key.deleted else None
