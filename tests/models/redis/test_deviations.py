"""Where the model deliberately answers otherwise than Redis: as the modelled system does."""

from models.redis import table
from models.replies import OK, Reply, Status
from models.store.versions import Store
from tests.models.redis.scenes import Attempt
from tests.models.redis.traced import store_with


def run(store: Store, *commands: bytes) -> list[Reply]:
    """The replies to one script, its writes committed; commands without blanks in arguments."""
    attempt = Attempt(store, now_ms=1)
    replies = [table.call(attempt.context, command.split()) for command in commands]
    assert attempt.commit() is None
    return replies


def test_hyperloglog() -> None:
    """A HyperLogLog is typed as a string without a value, and INCR overwrites it (H7)."""
    store = store_with(k="hll")
    assert run(store, b"TYPE k", b"GET k", b"INCR k") == [Status(b"string"), None, 1]
    assert run(store, b"GET k") == [b"1"]


def test_hyperloglog_is_lost_when_rewritten() -> None:
    """PEXPIRE and RENAME rewrite a HyperLogLog as the empty string that they read."""
    assert run(store := store_with(k="hll"), b"PEXPIRE k 1000") == [1]
    assert run(store, b"GET k") == [b""]
    assert run(store := store_with(k="hll"), b"RENAME k other") == [OK]
    assert run(store, b"GET other") == [b""]
