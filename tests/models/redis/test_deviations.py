"""Where the model deliberately answers otherwise than Redis: as the modelled system does."""

from models.redis import table
from models.redis.context import Context
from models.replies import OK, WRONG_TYPE, ErrorReply, Reply, Status
from models.store.versions import Store
from tests.models.redis.scenes import Attempt
from tests.models.redis.traced import store_with


def run(store: Store, *commands: bytes) -> list[Reply]:
    """The replies to one script, its writes committed; commands without blanks in arguments."""
    attempt = Attempt(store, now_ms=1)
    replies = [table.call(attempt.context, command.split()) for command in commands]
    assert attempt.commit() is None
    return replies


def test_unknown_command() -> None:
    """A command that is not built is refused in the modelled system's words, on one line."""
    context = Context(Store(), 1)
    assert table.call(context, [b"nope", b"k"]) == ErrorReply(b"ERR unsupported command 'nope'")
    assert table.call(context, [b"a\r\nb\x00c"]) == ErrorReply(b"ERR unsupported command 'a  b'")
    assert context.reads == []


def test_stub_after_wrong_type() -> None:
    """H6: after one WRONGTYPE the same family of commands sees no key, and a write replaces it."""
    store = store_with(k="list_meta")
    replies = run(store, b"HGET k f", b"HGET k f", b"HSET k f 1", b"TYPE k")
    assert replies == [WRONG_TYPE, None, 1, Status(b"hash")]
    assert run(store, b"TYPE k", b"HGETALL k") == [Status(b"hash"), [b"f", b"1"]]


def test_stub_without_a_write_changes_nothing() -> None:
    """A stub alone leaves the key as it is (I14)."""
    store = store_with(k="list_meta")
    assert run(store, b"HGET k f", b"HGETALL k", b"GET k") == [WRONG_TYPE, [], WRONG_TYPE]
    assert run(store, b"RPOP k 5") == [[b"c", b"b", b"a"]]


def test_family_found_missing_stays_missing() -> None:
    """A family once looked up in vain is not looked up again, whatever the key becomes since."""
    replies = run(Store(), b"GET k", b"LPUSH k x", b"GET k", b"HGET k f")
    assert replies == [None, 1, None, WRONG_TYPE]


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
