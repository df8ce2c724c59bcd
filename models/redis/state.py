"""What one attempt of a script knows of one key: loaded values, buffered writes, caches.

Plain data. How it is filled stands in `context.py`, how it is written back in `commit.py`. A value
is looked up once per family, and stays as it was found. So when a command finds another type, a
*stub* stays behind that makes the next command of its family see an absent key (hazard H6 of
system.md 8.2; kept, since the modelled system behaves so and its read counts follow from it).
"""

from dataclasses import dataclass, field
from typing import Any

from models.redis.reads import PLANS, plan
from models.store.rows import KeyView, ListSpan

EMPTY = ListSpan(0, 0)


@dataclass(slots=True)
class Value:
    """A value of one type: string (bytes), hash (dict), set (dict of members), zset (dict)."""

    exists: bool = False
    data: Any = None


@dataclass(slots=True)
class ListValue:
    """A list, loaded lazily: the stored span, and what was pushed and popped at its ends."""

    exists: bool = False
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

    def __init__(self, view: KeyView) -> None:
        self.view = view
        self.plan = PLANS.get(view.shape) or plan(view.shape)

    def set_ttl(self, ttl: int | None) -> None:
        """Buffer a new expiry (ns), or None for no expiry."""
        self.ttl = ttl
        self.ttl_loaded = self.ttl_dirty = True

    def emptied(self) -> None:
        """The last element went: the key is gone, though not by a DEL."""
        self.deleted = True
        self.set_ttl(None)
