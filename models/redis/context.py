"""One attempt of a script, as the Redis adapter runs it: snapshot reads, caches, buffered writes.

Not concerned with time or quorums: it answers at once from the snapshot and notes in `reads` which
store operations the adapter would have made for the answer. Whoever drives it charges for them.

The rules of what is cached are those of system.md 1.7: a value once loaded is never loaded again; a
key found missing is probed again by a command of another family; EXISTS, TYPE, PTTL, PEXPIRE and
SETNX probe the type each time unless a value is loaded.

Replies are Redis's, reads are the modelled system's. Where the two do not agree on what a command
does, the attempt has `diverged`: a second context, `modelled`, carries out the same commands as
the modelled system does, and its reads are the ones that count (see `models/redis/table.py`).
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

from models.redis import reads
from models.redis.reads import Reads
from models.redis.refused import Refused
from models.redis.sorted_set import SortedSet
from models.redis.state import Key, ListValue, Value, cached_type
from models.redis.stream import Stream
from models.replies import WRONG_TYPE
from models.store import rows
from models.store.items import Items
from models.store.rows import KeyView
from models.store.versions import Store, list_span
from sim.units import NS_PER

_MS: Final = NS_PER["ms"]
"""Redis compares whole milliseconds, and a key lives on in the one that it expires in."""
_Known = TypeVar("_Known", Value, ListValue)


class Surroundings(NamedTuple):
    """What commands ask of the node besides its store."""

    draw: Callable[[int], int]
    """A random whole number below the one given (SPOP and its like)."""
    receivers: Callable[[bytes], int]
    """How many clients get what is published to a channel."""


ALONE: Final = Surroundings(draw=lambda below: 0, receivers=lambda channel: 0)
"""No subscribers, and always the first element by chance."""


class Context:
    """State of one attempt."""

    __slots__ = (
        "_now", "_start_ts", "_store", "as_modelled", "calls", "diverged", "from_script", "history",
        "keys", "modelled", "published", "reads", "surroundings", "unsupported", "views",
        "written",
    )  # fmt: skip

    def __init__(
        self,
        store: Store,
        start_ts: int,
        surroundings: Surroundings = ALONE,
        *,
        as_modelled: bool = False,
    ) -> None:
        """All reads are of `store` as it is at `start_ts`."""
        self._store = store
        self._start_ts = start_ts
        self.surroundings = surroundings
        self.from_script = True
        """Whether commands come from a script; some refusals are worded otherwise outside."""
        self.published: list[tuple[bytes, bytes]] = []
        """Channels and messages, to be sent when the attempt has committed."""
        self.unsupported: list[bytes] = []
        """Commands carried out that the modelled system would have refused."""
        self.views: dict[bytes, KeyView] = {}
        """Each key touched, in that order, as it is at `start_ts`."""
        self.keys: dict[bytes, Key] = {}
        """What is known of each beyond that; of a string that was only read, nothing is."""
        self.written = 0
        """How many keys something was put into."""
        self.calls = 0
        """Commands so far; the driver may start the count anew."""
        self.reads: list[Reads] = []
        """Store operations of the commands so far, in order; the driver empties it."""
        self._now = 0
        self.as_modelled = as_modelled
        """Whether commands do what the modelled system does, where that is not what Redis does."""
        self.diverged = False
        """Whether a command has done something else than the modelled system."""
        self.history: list[int | list[bytes]] = []
        """The commands so far, for `modelled` to catch up with, and `now` whenever it was set."""
        self.modelled: Context | None = None
        """What the modelled system believes, once that is something else."""

    @property
    def now(self) -> int:
        """The instant (ns) that expiries are compared with; the driver sets it before a command."""
        return self._now

    @now.setter
    def now(self, now: int) -> None:
        self._now = now
        self.history.append(now)

    def wrote(self) -> bool:
        """Whether anything is to be committed."""
        for key in self.keys.values():
            if key.touched:
                return True
        return self.modelled is not None and self.modelled.wrote()

    def as_begun(self) -> "Context":
        """An attempt on the same snapshot that does what the modelled system does."""
        return Context(self._store, self._start_ts, self.surroundings, as_modelled=True)

    def key(self, name: bytes) -> Key:
        """What this attempt knows of a key."""
        return self.keys.get(name) or self._touch(name)

    def _touch(self, name: bytes) -> Key:
        view = self.views.get(name)
        if view is None:
            view = self.views[name] = self._store.view(name, self._start_ts)
            key = self.keys[name] = Key(view)
        else:
            key = self.keys[name] = Key(view)
            key.string = Value(view.text is not None, view.text)
        return key

    def forget(self, touched: int) -> None:
        """Forget what is known of all keys but the first so many touched."""
        for name in list(self.views)[touched:]:
            del self.views[name]
            self.keys.pop(name, None)

    # -- type and expiry ------------------------------------------------------------------------

    def key_type(self, key: Key) -> bytes:
        """The key's type, `NONE` when missing or expired."""
        known = cached_type(key)
        if known is None:
            return self._probe(key)
        if known is not reads.NONE and self.expired(self.ttl(key)):
            return reads.NONE
        return known

    def final_type(self, key: Key) -> bytes:
        """The type that a commit writes; an expiry does not count here."""
        known = cached_type(key)
        return self._probe(key) if known is None else known

    def exists(self, key: Key) -> bool:
        """Whether the key is there."""
        return self.key_type(key) is not reads.NONE

    def ttl(self, key: Key) -> int | None:
        """The key's expiry (ns) or None; read once per attempt."""
        if not key.ttl_loaded:
            key.ttl = self.read_ttl(key)
            key.ttl_loaded = True
        return key.ttl

    def read_ttl(self, key: Key) -> int | None:
        """The stored expiry, read without remembering it.

        One that has passed ends with the value that it was for, and does not bind what a script
        writes instead. (The modelled system takes it over and loses the write, hazard H13: to the
        rest of the script the key is missing.)
        """
        self.reads.append(key.plan.ttl)
        expiry = key.view.expiry
        if self.as_modelled:
            return expiry
        void = self.expired(expiry) and (key.touched or cached_type(key) is None)
        return None if void else expiry

    def _probe(self, key: Key) -> bytes:
        self.reads.append(key.plan.key_type)
        if self.expired(key.view.expiry):
            return reads.NONE
        return key.plan.raw_type

    def expired(self, expiry: int | None) -> bool:
        """Whether an expiry (ns) has passed."""
        return expiry is not None and expiry + _MS <= self._now

    # -- values ---------------------------------------------------------------------------------

    def string(self, name: bytes) -> bytes | None:
        """The value of the string of this name; None when missing. Raises `Refused` for another
        type.
        """
        # The commonest read of all, a string not touched before, needs no `Key`.
        view = self.views.get(name)
        if view is None:
            view = self._store.view(name, self._start_ts)
            plan = reads.PLANS[view.shape]
            if plan.raw_type is reads.STRING and (
                view.expiry is None or view.expiry + _MS > self._now
            ):
                self.views[name] = view
                self.reads.append(plan.typed_value)
                return view.text
        elif name not in self.keys:
            return view.text
        data: bytes | None = self.load_string(self.key(name)).data
        return data

    def load_string(self, key: Key) -> Value:
        """The key as a string; absent when missing. Raises `Refused` for another type."""
        value = key.string
        if value is not None:
            return value if value.exists else self._absent(key, value)
        value = key.string = Value()
        view, plan = key.view, key.plan
        if plan.raw_type is reads.STRING and cached_type(key) is None:
            if self.expired(view.expiry):
                self.reads.append(plan.key_type)
            else:
                self.reads.append(plan.typed_value)
                value.data = view.text
                value.exists = view.text is not None
        elif self.key_type(key) is not reads.NONE:
            raise _refused(value)
        return value

    def load_list(self, key: Key) -> ListValue:
        """The key as a list, its items not yet read. Raises `Refused` for another type."""
        value = key.list
        if value is not None:
            return value if value.exists else self._absent(key, value)
        value = key.list = ListValue()
        kind = self.key_type(key)
        if kind is reads.LIST:
            self.reads.append(reads.list_meta(key.view.count(rows.LIST_DELTA)))
            value.exists = True
            value.span = list_span(key.view)
        elif kind is not reads.NONE:
            raise _refused(value)
        return value

    def list_items(self, key: Key, first: int, count: int) -> list[bytes]:
        """Stored items of a list, `count` of them from sequence number `first` on: one scan."""
        self.reads.append(reads.list_items(count))
        items: Items = key.view.rows[rows.LIST_ITEM]
        return items.between(first, first + count)

    def all_items(self, key: Key) -> list[bytes]:
        """The key as a list with all its items read."""
        value = self.load_list(key)
        if not value.materialized:
            stored: list[bytes] = []
            if value.stored():
                stored = self.list_items(key, value.span.head + value.left_trim, value.stored())
            values = [*value.left, *stored, *value.right]
            value.reset()
            value.materialized = True
            value.values = values
        return value.values

    def load_hash(self, key: Key) -> Value:
        """The key as a hash: dict of field to value. Raises `Refused` for another type."""
        value = key.hash
        if value is not None:
            return value if value.exists else self._absent(key, value)
        value = key.hash = Value(data={})
        self._load(key, value, reads.HASH, rows.HASH_FIELD, rows.HASH_BLOB)
        return value

    def load_set(self, key: Key) -> Value:
        """The key as a set: dict with the members as keys. Raises `Refused` for another type."""
        value = key.set
        if value is not None:
            return value if value.exists else self._absent(key, value)
        value = key.set = Value(data={})
        self._load(key, value, reads.SET, rows.SET_MEMBER, rows.SET_BLOB)
        return value

    def load_zset(self, key: Key) -> Value:
        """The key as a `SortedSet`. Raises `Refused` for another type."""
        value = key.zset
        if value is not None:
            return value if value.exists else self._absent(key, value)
        value = key.zset = Value(data=SortedSet())
        self._load(key, value, reads.ZSET, rows.ZSET_MEMBER, rows.ZSET_BLOB)
        if type(value.data) is dict:
            value.data = SortedSet(value.data)
        return value

    def _load(self, key: Key, value: Value, kind: bytes, members: str, blob: str) -> None:
        found = self.key_type(key)
        if found is kind:
            view = key.view
            self.reads.append(reads.load_wide(members, blob, view.count(members)))
            value.data = view.rows[members] if view.has(members) else view.only(blob) or {}
            value.exists = value.shared = True
        elif found is not reads.NONE:
            raise _refused(value)

    def load_stream(self, key: Key) -> Value:
        """The key as a `Stream`. Raises `Refused` for another type."""
        value = key.stream
        if value is not None:
            return value if value.exists else self._absent(key, value)
        value = key.stream = Value(data=Stream())
        kind = self.key_type(key)
        if kind is reads.STREAM:
            self.reads.append(reads.LOAD_STREAM)
            value.data = key.view.only(rows.STREAM_BLOB)
            value.exists = value.shared = True
        elif kind is not reads.NONE:
            raise _refused(value)
        return value

    def _absent(self, key: Key, value: _Known) -> _Known:
        """A value looked up before and not there; refused if the key holds another type (by now).

        The modelled system never looks again: it sees no key, and a write replaces what is there
        (hazard H6).
        """
        known = cached_type(key)
        if value.refused if known is None else known is not reads.NONE:
            self.diverged = True
            if not self.as_modelled:
                raise Refused(WRONG_TYPE)
        return value

    def names(self) -> list[bytes]:
        """Every key there is: one scan over the whole store."""
        stored = self._store.names(self._start_ts)
        self.reads.append(reads.all_names(len(stored)))
        return [name for name in dict.fromkeys([*stored, *self.keys]) if self._alive(name)]

    def _alive(self, name: bytes) -> bool:
        key = self.keys.get(name)
        if key is None:
            return not self.expired(self._store.view(name, self._start_ts).expiry)
        known = cached_type(key)
        if known is reads.NONE or (known is None and not key.view.rows):
            return False
        if key.ttl_loaded:
            return not self.expired(key.ttl)
        return (key.touched and known is not None) or not self.expired(key.view.expiry)

    # -- buffered writes ------------------------------------------------------------------------

    def delete(self, key: Key) -> None:
        """Remove the key, whatever it holds."""
        key.touched = key.deleted = key.ever_deleted = True
        key.set_ttl(None)
        for value in (key.string, key.hash, key.set, key.zset, key.stream):
            if value is not None:
                value.clear()
        if key.list is not None:
            key.list.dirty = True
            key.list.exists = key.list.refused = False
            key.list.reset()

    def write(self, key: Key) -> None:
        """Note that the key holds something new to be committed."""
        key.touched = True
        key.deleted = False
        if not key.written:
            self.written += 1
            key.written = self.written
        if not key.ttl_dirty and self.expired(key.view.expiry):
            self.diverged = True  # H13, see `read_ttl`

    def write_string(self, key: Key, data: bytes) -> None:
        """Make the key a string with this value; its expiry stays."""
        key.string = Value(True, data)
        self.write(key)

    def changed(self, key: Key, value: Value) -> None:
        """Note that a hash, set or sorted set has changed; without elements it is gone."""
        value.exists = len(value.data) > 0
        if value.exists:
            self.write(key)
        else:
            key.touched = True
            key.emptied()

    def replace(self, name: bytes, slot: str, data: Any) -> None:
        """Make the key this hash, set, sorted set or stream, whatever it held; none when empty."""
        key = self.key(name)
        if data:
            self.delete(key)
            setattr(key, slot, Value(True, data))
            self.write(key)
        elif self.exists(key):
            self.delete(key)


def _refused(value: Value | ListValue) -> Refused:
    """The refusal of a key that holds another type, remembered."""
    value.refused = True
    return Refused(WRONG_TYPE)
