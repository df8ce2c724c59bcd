"""Lists under concurrent writers: whatever is committed, a list is what one order of them makes.

Pushes and pops are written blind, so that they seldom conflict; what rewrites a list renumbers its
items. The two must not both be committed over one snapshot.
"""

from collections import deque
from random import Random

import pytest

from models.redis.table import call
from models.replies import Reply
from models.store.versions import Store
from tests.models.redis.scenes import Attempt

KEY, OTHER = b"l", b"m"


def begun(store: Store, *commands: list[bytes], now_ms: int = 1) -> Attempt:
    """An attempt that reads what has been committed so far, and its commands."""
    attempt = Attempt(store, now_ms)
    for args in commands:
        call(attempt.context, args)
    return attempt


def committed(attempt: Attempt, ts: int | None = None) -> bool:
    """Commit what an attempt wrote; False when it met a write conflict."""
    return attempt.commit(ts) is None


def run(store: Store, *commands: list[bytes]) -> None:
    """Commands one after the other, each committed."""
    for args in commands:
        assert committed(begun(store, args))


def content(store: Store, key: bytes = KEY, now_ms: int = 1) -> list[Reply]:
    """The list as a reader finds it."""
    found = call(begun(store, now_ms=now_ms).context, [b"LRANGE", key, b"0", b"-1"])
    assert isinstance(found, list)
    return found


def test_a_push_over_an_older_snapshot_conflicts_with_what_renumbers_the_list() -> None:
    """Else its item would stand where nobody looks."""
    for rewriting in (
        [b"LREM", KEY, b"0", b"a"],
        [b"DEL", KEY],
        [b"SET", KEY, b"text"],
        [b"LINSERT", KEY, b"BEFORE", b"a", b"x"],
    ):
        store = Store()
        run(store, [b"RPUSH", KEY, b"a", b"b"], [b"LPUSH", KEY, b"c"])
        push, rewrite = begun(store, [b"LPUSH", KEY, b"new"]), begun(store, rewriting)
        assert committed(push) and not committed(rewrite)
        rewrite, push = begun(store, rewriting), begun(store, [b"RPUSH", KEY, b"new"])
        assert committed(rewrite) and not committed(push)


def test_writers_at_either_end_do_not_conflict() -> None:
    """They are written blind for that."""
    store = Store()
    run(store, [b"RPUSH", KEY, b"a", b"b"])
    left, right = begun(store, [b"LPUSH", KEY, b"x"]), begun(store, [b"RPOP", KEY])
    assert committed(left) and committed(right)
    assert content(store) == [b"x", b"a"]
    left, right = begun(store, [b"LPOP", KEY]), begun(store, [b"RPUSH", KEY, b"y"])
    assert committed(right) and committed(left)
    assert content(store) == [b"a", b"y"]


@pytest.mark.parametrize(("push", "pop"), [(b"LPUSH", b"LPOP"), (b"RPUSH", b"RPOP")])
def test_a_push_and_a_pop_at_one_end_conflict(push: bytes, pop: bytes) -> None:
    """Else there would be a hole where the popped item was."""
    for pops_first in (False, True):
        store = Store()
        run(store, [b"RPUSH", KEY, b"a", b"b"])
        attempts = [begun(store, [push, KEY, b"x"]), begun(store, [pop, KEY])]
        first, second = reversed(attempts) if pops_first else attempts
        assert committed(first) and not committed(second)


def test_many_pushes_do_not_conflict_with_one_that_began_before() -> None:
    """Length deltas are folded after some dozens of them, which moves no item."""
    store = Store()
    run(store, [b"RPUSH", KEY, b"a"])
    slow = begun(store, [b"LPUSH", KEY, b"first"])
    for number in range(200):
        run(store, [b"RPUSH", KEY, b"%d" % number])
    assert committed(slow)
    assert content(store) == [b"first", b"a", *(b"%d" % number for number in range(200))]


@pytest.mark.parametrize("late", [False, True])
def test_a_list_popped_empty_from_both_ends_is_gone(late: bool) -> None:
    """Neither pop saw it end, whichever is applied first. Its expiry goes with it, and what was
    pushed over what the first one left is refused: there is nothing left that it is next to. (Not
    if the second is late, in the past of the push: then it is what is left.)
    """
    store = Store()
    run(store, [b"RPUSH", KEY, b"a", b"b"], [b"PEXPIRE", KEY, b"1000"])
    ts = store.last_commit_ts
    right, left = begun(store, [b"RPOP", KEY]), begun(store, [b"LPOP", KEY])
    assert committed(right, ts + 20)
    push = begun(store, [b"RPUSH", KEY, b"more"])
    assert committed(left, ts + 10 if late else ts + 30)
    assert call(begun(store).context, [b"EXISTS", KEY]) == 0
    assert committed(push, ts + 40) == late
    run(store, [b"RPUSH", KEY, b"new"])
    assert content(store) == [b"more"] * late + [b"new"]
    assert call(begun(store).context, [b"PTTL", KEY]) == -1


COMMANDS = (
    [b"LPUSH", KEY, b"?"], [b"RPUSH", KEY, b"?", b"?"], [b"LPOP", KEY], [b"RPOP", KEY],
    [b"RPOPLPUSH", KEY, OTHER], [b"RPOPLPUSH", OTHER, KEY], [b"LREM", KEY, b"0", b"?"],
    [b"LTRIM", KEY, b"0", b"3"], [b"DEL", KEY], [b"PEXPIRE", KEY, b"5"], [b"LSET", KEY, b"0", b"?"],
    [b"LREM", OTHER, b"0", b"?"], [b"LMOVE", KEY, KEY, b"LEFT", b"RIGHT"],
)  # fmt: skip


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("late", [False, True])
def test_lists_stay_whole_under_overlapping_attempts(seed: int, late: bool) -> None:
    """Attempts begin and are committed in any order, of those that overlap some are refused. Where
    they get their timestamps early, updates are lost (hazard H1); a list is one all the same.
    """
    chance, store = Random(seed), Store()
    open_attempts: deque[tuple[Attempt, int, int | None]] = deque()
    refused = 0
    for now_ms in range(1, 300):
        start_ts = store.last_commit_ts
        store.pin(start_ts)
        attempt = begun(store, now_ms=now_ms)
        for _ in range(chance.randint(1, 3)):
            args = chance.choice(COMMANDS)
            drawn = [b"%d" % chance.randrange(8) if word == b"?" else word for word in args]
            call(attempt.context, drawn)
        open_attempts.append((attempt, start_ts, 1 + now_ms if late else None))
        open_attempts.rotate(chance.randrange(5))
        if len(open_attempts) > 4:
            oldest, its_start_ts, its_commit_ts = open_attempts.popleft()
            refused += not committed(oldest, its_commit_ts)
            store.unpin(its_start_ts)
        for key in (KEY, OTHER):
            reader = begun(store, now_ms=now_ms).context
            length = call(reader, [b"LLEN", key])
            assert len(content(store, key, now_ms)) == length
            assert call(reader, [b"EXISTS", key]) == (length != 0)
    assert 0 < refused < 300
