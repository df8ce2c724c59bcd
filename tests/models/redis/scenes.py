"""Keys in traced states, on the modelled store and on a real server alike."""

from collections.abc import Iterator
from typing import NamedTuple

from models.redis.commit import plan_commit
from models.redis.context import Context
from models.redis.key_states import make_rows, type_of
from models.store.versions import Commit, Store
from sim.units import NS_PER
from tests.models.redis.traced import CONTENT

MS = NS_PER["ms"]
_LIFETIME_MS = 10 * 3_600_000


class Scene(NamedTuple):
    """The states that keys are in, and the instant (ms since the epoch)."""

    states: dict[bytes, str]
    now_ms: int

    def store(self) -> Store:
        """The scene as rows of the modelled store."""
        store = Store()
        for name, state in self.states.items():
            expiry = None
            if state.endswith("_ttl"):
                expiry = (self.now_ms + _LIFETIME_MS) * MS
            elif state.endswith("_expired"):
                expiry = 1
            store.install(name, make_rows(state, CONTENT[type_of(state)], expiry))
        return store

    def commands(self) -> Iterator[list[bytes]]:
        """The scene as commands to a real server, which has no use for expired rows."""
        yield [b"FLUSHDB"]
        for name, state in self.states.items():
            if not state.endswith("_expired"):
                yield from _creation(name, type_of(state))
            if state.endswith("_ttl"):
                yield [b"PEXPIREAT", name, b"%d" % (self.now_ms + _LIFETIME_MS)]


def _creation(name: bytes, kind: str) -> Iterator[list[bytes]]:
    content = CONTENT[kind]
    if kind == "string":
        yield [b"SET", name, content]
    elif kind == "list":
        yield [b"RPUSH", name, *content]
    elif kind == "set":
        yield [b"SADD", name, *content]
    elif kind == "hash":
        yield [b"HSET", name, *(part for pair in content.items() for part in pair)]
    elif kind == "zset":
        yield [b"ZADD", name, *(p for m, score in content.items() for p in (b"%g" % score, m))]
    else:
        for id, value in content.items():
            yield [b"XADD", name, id, b"value", value]


class Attempt:
    """One attempt of a script on the modelled store, begun at its newest timestamp."""

    def __init__(self, store: Store, now_ms: int) -> None:
        self._store = store
        self._start_ts = store.last_commit_ts
        self.context = Context(store, self._start_ts)
        self.context.now = now_ms * MS

    def commit(self, ts: int | None = None) -> bytes | None:
        """Apply what the commands wrote, at the next timestamp or a given one, which may be in the
        past of others; the conflicting key, or None.
        """
        changes = plan_commit(self.context)
        if changes is None:
            return None
        if ts is None:
            ts = self._store.last_commit_ts + 1
        return self._store.apply(Commit(self._start_ts, ts, changes.at(ts)))


def empty_context() -> Context:
    """What commands outside scripts work on, with no key there."""
    context = Attempt(Scene({}, 1).store(), 1).context
    context.from_script = False
    return context
