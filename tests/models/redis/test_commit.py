"""What commits write: the rows that make the replies true, and what they conflict with."""

import pytest

from models.redis import table
from models.redis.commit import Changes, KeyChanges, plan_commit
from models.redis.key_states import STATES
from models.replies import Reply
from models.store.rows import DELETED, HASH_FIELD, LIST_DELTA, LIST_ITEM, ListDelta
from models.store.versions import Store
from tests.models.redis.scenes import MS, Attempt
from tests.models.redis.traced import NOW, store_with

NOW_MS = NOW // MS
EXPIRED = [state for state in STATES if state.endswith("_expired")]


def begin(store: Store, *commands: str) -> tuple[Attempt, list[Reply]]:
    """A script that has run and not yet committed."""
    attempt = Attempt(store, NOW_MS)
    return attempt, [table.call(attempt.context, command.encode().split()) for command in commands]


def run(store: Store, *commands: str) -> list[Reply]:
    """The replies of one committed script."""
    attempt, replies = begin(store, *commands)
    assert attempt.commit() is None
    return replies


def test_each_row_is_written_once() -> None:
    """What is put counts, removed before or not; length deltas get the commit timestamp."""
    f, g, h = ((HASH_FIELD, id) for id in (b"f", b"g", b"h"))
    delta = ListDelta(-1, 1)
    changes = Changes(
        {b"k": KeyChanges({f: DELETED, h: DELETED}, {g: b"1", f: b"2"}), b"l": KeyChanges({}, {})},
        [(b"l", delta), (b"l", delta)],
    )
    assert changes.keys() == (b"k", b"l")
    writes = changes.at(7)
    assert list(writes[b"k"].items()) == [(g, b"1"), (f, b"2"), (h, DELETED)]
    assert writes[b"l"] == {(LIST_DELTA, (7, 0)): delta, (LIST_DELTA, (7, 1)): delta}


def test_reading_commits_nothing() -> None:
    """A script that only reads has no changes and reads nothing for its commit."""
    store = store_with(s="str_new", l="list_meta", h="hash_wide")
    attempt, _ = begin(store, "GET s", "RPOP nothing", "HGETALL h", "DEL nothing", "PTTL l")
    attempt.context.reads.clear()
    assert not attempt.context.wrote()
    assert plan_commit(attempt.context) is None
    assert attempt.context.reads == []


def test_keys_are_written_in_sorted_order() -> None:
    """The commit goes through the touched keys in the order of their names."""
    attempt, _ = begin(Store(), "SET c 1", "LPUSH a x", "SET b 1", "GET d")
    changes = plan_commit(attempt.context)
    assert attempt.context.wrote()
    assert changes is not None
    assert changes.keys() == (b"a", b"b", b"c")


@pytest.mark.parametrize("state", EXPIRED)
@pytest.mark.parametrize(
    ("write", "read", "reply"),
    [
        ("INCR k", "GET k", b"1"),
        ("SET k v KEEPTTL", "GET k", b"v"),
        ("HSET k f v", "HGETALL k", [b"f", b"v"]),
        ("SADD k m", "SADD k m", 0),
        ("ZADD k 1 m", "ZCARD k", 1),
        ("LPUSH k x", "RPOP k 9", [b"x"]),
    ],
)
def test_writes_to_an_expired_key_last(state: str, write: str, read: str, reply: Reply) -> None:
    """A key written after it expired lives without the old expiry and the old rows. (The modelled
    system loses such writes: H13.)
    """
    for before in ([], ["PTTL k", "SETNX k never", "DEL k"]):
        store = store_with(k=state)
        run(store, *before, write)
        assert run(store, "PTTL k", read) == [-1, reply]


@pytest.mark.parametrize("state", ["list_meta", "list_delta", "list_meta_ttl"])
def test_pops_shorten_the_list(state: str) -> None:
    """Every pop is counted. (The modelled system forgets the length: B28.)"""
    store = store_with(k=state)
    assert run(store, "RPOP k") == [b"c"]
    assert run(store, "RPOP k", "LPUSH k z") == [b"b", 2]
    assert run(store, "RPOP k", "RPOP k", "RPOP k", "EXISTS k") == [b"a", b"z", None, 0]
    assert run(store, "EXISTS k", "PTTL k", "LPUSH k y") == [0, -2, 1]
    assert run(store, "RPOP k 5") == [[b"y"]]


def test_a_list_emptied_and_filled_in_one_script() -> None:
    """What was popped empty and pushed anew holds the new items only, and no expiry."""
    store = store_with(k="list_meta_ttl")
    assert run(store, "RPOP k 3", "LPUSH k x y", "PTTL k") == [[b"c", b"b", b"a"], 2, -1]
    assert store.view(b"k", store.last_commit_ts).count(LIST_ITEM) == 2
    assert run(store, "RPOP k 5") == [[b"x", b"y"]]


@pytest.mark.parametrize(
    ("first", "second", "refused"),
    [
        ("LPUSH l x", "LPUSH l y", True),
        ("RPOP l", "RPOP l", True),
        ("LPUSH l x", "RPOP l", False),
        ("HSET h f1 x", "HSET h f2 y", True),
        ("SET s x", "INCR s", True),
        ("SET s x", "GET s", False),
        ("PEXPIRE l 1000", "LPUSH l x", False),
        ("SET l x", "DEL l", True),
    ],
)
def test_concurrent_scripts(first: str, second: str, refused: bool) -> None:
    """Of two scripts on one snapshot the second is refused where they write the same rows: one end
    of a list, or any two rewrites of a key, of whatever type.
    """
    store = store_with(l="list_meta", h="hash_wide", s="str_new")
    one, _ = begin(store, first)
    two, _ = begin(store, second)
    assert one.commit() is None
    assert (two.commit() is not None) == refused


def test_pushes_and_pops_at_opposite_ends_both_count() -> None:
    """A push and a pop that know nothing of each other add up."""
    store = store_with(l="list_meta")
    (push, _), (pop, _) = begin(store, "LPUSH l x"), begin(store, "RPOP l")
    assert push.commit() is None
    assert pop.commit() is None
    assert run(store, "RPOP l 9") == [[b"b", b"a", b"x"]]


def test_write_skew_is_allowed() -> None:
    """Two scripts that each read what the other writes both commit: snapshot isolation."""
    store = store_with(a="str_new", b="str_new")
    (one, _), (two, _) = begin(store, "GET b", "SET a 1"), begin(store, "GET a", "SET b 1")
    assert one.commit() is None
    assert two.commit() is None
