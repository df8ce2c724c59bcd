"""Where Redis and the modelled system do not agree, and which of them the model follows."""

import pytest

from models.redis import draws, table
from models.redis.commit import plan_commit
from models.replies import OK, WRONG_TYPE, ErrorReply, Reply, Status
from models.store.versions import Store
from tests.models.redis.scenes import Attempt
from tests.models.redis.test_random_scripts import attempt_on, script, taken
from tests.models.redis.traced import FUTURE, store_with


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


# -- replies of Redis, reads of the modelled system -----------------------------------------------

NOTHING = (0, 0, 0)


@pytest.mark.parametrize(
    ("state", "commands", "replies", "costs"),
    [
        # H13: the expiry is read once, and has passed; HGET sees no key, DEL deletes nothing.
        ("str_new_expired", ["INCR k", "PEXPIRE k 9000", "GET k"], [1, 1, b"1"],
         [(11, 7, 0), (1, 0, 0), NOTHING, (19, 17, 0)]),
        ("hash_wide_expired", ["HSET k f 1", "GET k", "TYPE k"], [1, WRONG_TYPE, Status(b"hash")],
         [(3, 2, 0), (2, 0, 0), NOTHING, (11, 12, 0)]),
        ("list_meta_expired", ["RPUSH k x", "DEL k", "EXISTS k"], [1, 1, 0],
         [(3, 0, 0), (2, 0, 0), NOTHING, NOTHING]),
        # The pop is charged, then the target; the element is gone, or the whole list.
        ("list_meta", ["RPOPLPUSH k s", "RPOP k"], [WRONG_TYPE, b"c"],
         [(15, 9, 0), (0, 1, 0), NOTHING]),
        ("missing", ["LPUSH k x", "RPOPLPUSH k s", "EXISTS k"], [1, WRONG_TYPE, 1],
         [(11, 7, 0), (11, 7, 0), NOTHING, (19, 17, 0)]),
        ("missing", ["LPUSH k x", "RPOPLPUSH k k", "PTTL k"], [1, b"x", -1],
         [(11, 7, 0), NOTHING, NOTHING, NOTHING]),
        ("str_new", ["RENAME k k", "GET k", "HGET k f"], [OK, b"7", WRONG_TYPE],
         [(24, 14, 1), NOTHING, NOTHING, (19, 17, 0)]),
        ("list_meta", ["RPOP k 2", "RPOP k", "RPOP k"], [[b"c", b"b"], b"a", None],
         [(4, 2, 0), (0, 1, 0), (0, 1, 0), (11, 10, 0)]),
        ("str_new", ["PEXPIRE k 9000 XX", "PTTL k"], [0, -1],
         [(11, 7, 0), (11, 7, 0), (42, 31, 1)]),
        ("missing", ["ZADD k XX 1 m", "TYPE k", "GET k"], [0, Status(b"none"), None],
         [(11, 7, 0), (2, 0, 0), NOTHING, (19, 17, 0)]),
        # H6: to the modelled system the second HSET meets no key, and makes one.
        ("list_meta", ["HGET k f", "HSET k f 1", "TYPE k", "LLEN k"],
         [WRONG_TYPE, WRONG_TYPE, Status(b"list"), 3],
         [(3, 0, 0), NOTHING, (2, 0, 0), NOTHING, (11, 10, 0)]),
        ("zset_blob", ["ZADD k NX 1 z1", "ZCARD k"], [0, 2],
         [(10, 8, 0), NOTHING, (19, 17, 0)]),
    ],
)  # fmt: skip
def test_replies_and_reads(
    state: str, commands: list[str], replies: list[Reply], costs: list[tuple[int, int, int]]
) -> None:
    """Command by command Redis's replies and the modelled system's reads, the commit's at last."""
    context = attempt_on(store_with(k=state, s="str_new"))
    said, read = [], []
    for command in commands:
        said.append(table.call(context, command.encode().split()))
        read.append(taken(context))
    plan_commit(context)
    assert said == replies
    assert [*read, taken(context)] == costs


def test_bad_score_leaves_the_scores_before_it() -> None:
    """A refused ZADD writes nothing; the modelled system takes the key for a sorted set."""
    replies, reads = script({}, "ZADD k 1 a one b", "ZCARD k", "EXISTS k", "EXISTS k")
    assert isinstance(replies[0], ErrorReply)
    assert replies[1:] == [0, 0, 0]
    assert reads == [(11, 7, 0), NOTHING, (2, 0, 0), NOTHING]


@pytest.mark.parametrize("command", ["RENAME k k", "RPOPLPUSH k s", "ZADD none XX 1 m"])
def test_what_only_the_modelled_system_commits_is_an_empty_commit(command: str) -> None:
    """Redis has nothing to write, the modelled system has: a commit of no rows, and a log entry."""
    store = store_with(k="list_meta_ttl", s="str_new")
    context = attempt_on(store)
    table.call(context, command.encode().split())
    assert context.wrote()
    changes = plan_commit(context)
    assert changes is not None
    assert changes.at(9) == {}
    assert run(store, b"RPOP k 5", b"EXISTS none") == [[b"c", b"b", b"a"], 0]


def test_the_same_reads_count_for_both_until_they_part() -> None:
    """An attempt that has not diverged keeps no second context."""
    context = attempt_on(store_with(k="str_new_expired", s="str_new"))
    for command in (b"GET k", b"SETEX k 9 v", b"INCR s", b"HSET h f 1", b"PTTL k", b"RENAME s k"):
        table.call(context, command.split())
    assert not context.diverged
    assert context.modelled is None


def test_what_came_before_parting_is_seen_at_its_own_instant() -> None:
    """A list popped before it expired is still known when the attempt diverges later on."""
    context = attempt_on(store_with(l="list_meta_ttl", s="str_new"))
    table.call(context, [b"RPOP", b"l"])
    context.now = FUTURE + 1
    table.call(context, [b"RENAME", b"s", b"s"])
    context.reads.clear()
    assert table.call(context, [b"RPOP", b"l"]) == b"b"
    assert taken(context) == (0, 1, 0)


@pytest.mark.parametrize(
    "command", [b"HRANDFIELD k %d WITHVALUES", b"SRANDMEMBER k %d", b"ZRANDMEMBER k %d"]
)
def test_no_command_draws_without_end(command: bytes) -> None:
    """Redis would go on until its memory is full; here others are served."""
    too_many, most = run(Store(), command % -(3 * 10**18), command % -draws.REPEATED_MAX)
    assert isinstance(too_many, ErrorReply)
    assert too_many.text.endswith(b"at most 1,000,000 elements are drawn at once")
    assert most == []
