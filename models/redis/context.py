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

from models.redis import reads
from models.redis.reads import Reads
from models.redis.state import Key, ListValue, Value
from models.replies import WRONG_TYPE, ErrorReply
from models.store import rows
from models.store.versions import Store, list_span


class Refused(Exception):
    """A command cannot be carried out; `reply` is its answer."""

    def __init__(self, reply: ErrorReply) -> None:
        super().__init__(reply.text)
        self.reply = reply


class Context:
    """State of one attempt."""

    __slots__ = (
        "_start_ts", "_store", "as_modelled", "calls", "diverged", "history", "keys", "modelled",
        "noted", "now", "reads",
    )  # fmt: skip

    def __init__(self, store: Store, start_ts: int, *, as_modelled: bool = False) -> None:
        """All reads are of `store` as it is at `start_ts`."""
        self._store = store
        self._start_ts = start_ts
        self.keys: dict[bytes, Key] = {}
        self.calls = 0
        """Commands so far; the driver may start the count anew."""
        self.reads: list[Reads] = []
        """Store operations of the commands so far, in order; the driver empties it."""
        self.now = 0
        """The instant (ns) that expiries are compared with; the driver sets it before a command."""
        self.as_modelled = as_modelled
        """Whether commands do what the modelled system does, where that is not what Redis does."""
        self.diverged = False
        """Whether a command has done something else than the modelled system."""
        self.history: list[int | list[bytes]] = []
        """The commands so far, for `modelled` to catch up with, and `now` where it is another."""
        self.noted = 0
        """The newest instant in `history`."""
        self.modelled: Context | None = None
        """What the modelled system believes, once that is something else."""

    def wrote(self) -> bool:
        """Whether anything is to be committed."""
        for key in self.keys.values():
            if key.touched:
                return True
        return self.modelled is not None and self.modelled.wrote()

    def as_begun(self) -> "Context":
        """An attempt on the same snapshot that does what the modelled system does."""
        return Context(self._store, self._start_ts, as_modelled=True)

    def key(self, name: bytes) -> Key:
        """What this attempt knows of a key."""
        return self.keys.get(name) or self._touch(name)

    def _touch(self, name: bytes) -> Key:
        key = self.keys[name] = Key(self._store.view(name, self._start_ts))
        return key

    # -- type and expiry ------------------------------------------------------------------------

    def key_type(self, key: Key) -> bytes:
        """The key's type, `NONE` when missing or expired."""
        known = cached_type(key)
        if known is None:
            return self._probe(key)
        if known is not reads.NONE and self._expired(self.ttl(key)):
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
        void = self._expired(expiry) and (key.touched or cached_type(key) is None)
        return None if void else expiry

    def _probe(self, key: Key) -> bytes:
        self.reads.append(key.plan.key_type)
        expiry = key.view.expiry
        if expiry is not None and expiry <= self.now:
            return reads.NONE
        return key.plan.raw_type

    def _expired(self, expiry: int | None) -> bool:
        return expiry is not None and expiry <= self.now

    # -- values ---------------------------------------------------------------------------------

    def string(self, name: bytes) -> Value:
        """The key of this name as a string, see `load_string`."""
        key = self.keys.get(name)
        if key is not None:
            return key.string or self.load_string(key)
        # The commonest read of all, a string not touched before, written out.
        view = self._store.view(name, self._start_ts)
        key = self.keys[name] = Key(view)
        if key.plan.raw_type is not reads.STRING or (
            view.expiry is not None and view.expiry <= self.now
        ):
            return self.load_string(key)
        self.reads.append(key.plan.typed_value)
        value = key.string = Value(view.text is not None, view.text)
        return value

    def load_string(self, key: Key) -> Value:
        """The key as a string; absent when missing. Raises `Refused` for another type."""
        value = key.string
        if value is not None:
            return value
        value = key.string = Value()
        view, plan = key.view, key.plan
        if plan.raw_type is reads.STRING and cached_type(key) is None:
            if view.expiry is not None and view.expiry <= self.now:
                self.reads.append(plan.key_type)
            else:
                self.reads.append(plan.typed_value)
                value.data = view.text
                value.exists = view.text is not None
        elif self.key_type(key) is not reads.NONE:
            raise Refused(WRONG_TYPE)
        return value

    def load_list(self, key: Key) -> ListValue:
        """The key as a list, its items not yet read. Raises `Refused` for another type."""
        if key.list is not None:
            return key.list
        value = key.list = ListValue()
        kind = self.key_type(key)
        if kind is reads.LIST:
            self.reads.append(reads.list_meta(key.view.count(rows.LIST_DELTA)))
            value.exists = True
            value.span = list_span(key.view)
        elif kind is not reads.NONE:
            raise Refused(WRONG_TYPE)
        return value

    def list_items(self, key: Key, first: int, count: int) -> list[bytes]:
        """Stored items of a list, `count` of them from sequence number `first` on: one scan."""
        self.reads.append(reads.list_items(count))
        items = key.view.rows[rows.LIST_ITEM]
        return [items[sequence] for sequence in range(first, first + count)]

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
        if key.hash is None:
            key.hash = Value(data={})
            self._load(key, key.hash, reads.HASH, rows.HASH_FIELD, rows.HASH_BLOB)
        return key.hash

    def load_set(self, key: Key) -> Value:
        """The key as a set: dict with the members as keys. Raises `Refused` for another type."""
        if key.set is None:
            key.set = Value(data={})
            self._load(key, key.set, reads.SET, rows.SET_MEMBER, rows.SET_BLOB)
        return key.set

    def load_zset(self, key: Key) -> Value:
        """The key as a sorted set: dict of member to score. Raises `Refused` for another type."""
        if key.zset is None:
            key.zset = Value(data={})
            self._load(key, key.zset, reads.ZSET, rows.ZSET_MEMBER, rows.ZSET_BLOB)
        return key.zset

    def _load(self, key: Key, value: Value, kind: bytes, members: str, blob: str) -> None:
        found = self.key_type(key)
        if found is kind:
            view = key.view
            self.reads.append(reads.load_wide(members, blob, view.count(members)))
            value.data = dict(view.rows[members] if view.has(members) else view.only(blob) or {})
            value.exists = True
        elif found is not reads.NONE:
            raise Refused(WRONG_TYPE)

    def load_stream(self, key: Key) -> Value:
        """The key as a stream, opaque; only for a key that is one."""
        if key.stream is None:
            kind = self.key_type(key)
            assert kind is reads.STREAM, f"no stream but {kind!r}"
            self.reads.append(reads.LOAD_STREAM)
            key.stream = Value(True, key.view.only(rows.STREAM_BLOB))
        return key.stream

    # -- buffered writes ------------------------------------------------------------------------

    def delete(self, key: Key) -> None:
        """Remove the key, whatever it holds."""
        key.touched = key.deleted = key.ever_deleted = True
        key.set_ttl(None)
        for value in (key.string, key.hash, key.set, key.zset, key.stream):
            if value is not None:
                value.exists = False
                value.data = {} if isinstance(value.data, dict) else None
        if key.list is not None:
            key.list.dirty = True
            key.list.exists = False
            key.list.reset()

    def write(self, key: Key) -> None:
        """Note that the key holds something new to be committed."""
        key.touched = True
        key.deleted = False
        if not key.ttl_dirty and self._expired(key.view.expiry):
            self.diverged = True  # H13, see `read_ttl`

    def write_string(self, key: Key, data: bytes) -> None:
        """Make the key a string with this value; its expiry stays."""
        key.string = Value(True, data)
        self.write(key)


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
