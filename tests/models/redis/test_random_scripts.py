"""What a script has loaded it does not load again: random scripts against a second, dumb model."""

import random
from collections import Counter
from typing import Any

import pytest

from models.redis import table
from models.redis.commit import plan_commit
from models.redis.context import Context
from models.redis.key_states import STATES
from models.replies import WRONG_TYPE, ErrorReply, Reply, Status
from models.store.versions import Store
from tests.models.redis.sums import KNOWN, SummedKey, WrongType, run
from tests.models.redis.traced import ARGUMENTS, BEFORE, FUTURE, NOW, Counts, count, store_with

NAMES = ("j", "k")
LABELS = [label for label in ARGUMENTS if label.split("(")[0] in KNOWN]


def attempt_on(store: Store) -> Context:
    """A new attempt, at the instant for which keys were set up."""
    context = Context(store, store.last_commit_ts)
    context.now = NOW
    return context


def taken(context: Context) -> Counts:
    """What has been read since the last time."""
    counts = count(context.reads, BEFORE)
    context.reads.clear()
    return counts


def random_command(rng: random.Random) -> list[str]:
    """A good command on one of two keys, in the manner of the traced ones."""
    label = rng.choice(LABELS)
    args = [arg.decode() for arg in ARGUMENTS[label]]
    args[0] = rng.choice(NAMES)
    if args[-1] == "other":
        args[-1] = rng.choice(NAMES)
    return [label.split("(")[0], *args]


def summed(keys: dict[str, SummedKey], command: list[str]) -> tuple[Counts, bool]:
    """What the dumb model says a command reads, and whether it is refused for its type."""
    refused = False
    try:
        run(keys, command)
    except WrongType:
        refused = True
    return summed_up(keys), refused


def summed_up(keys: dict[str, SummedKey]) -> Counts:
    """What the dumb model's keys have read since the last time."""
    counts = Counts(*(sum(getattr(k, f) for k in keys.values()) for f in Counts._fields))
    for key in keys.values():
        key.points = key.scans = key.verifies = 0
    return counts


def differing(seed: int, met: Counter[str]) -> str | None:
    """How the two models differ on the random script of a seed, if they do."""
    rng = random.Random(seed)
    states = {name: rng.choice(STATES) for name in NAMES}
    context = attempt_on(store_with(**states))
    keys = {name: SummedKey(state) for name, state in states.items()}
    said = []
    for _ in range(rng.randint(2, 5)):
        command = random_command(rng)
        said.append(" ".join(command))
        reply = table.call(context, [word.encode() for word in command])
        ours = taken(context), reply == WRONG_TYPE
        theirs = summed(keys, command)
        if context.diverged:
            met["diverged"] += 1  # Only reads count then: the replies are Redis's.
            theirs = theirs[0], ours[1]
        if ours != theirs:
            return f"seed {seed}, {states}, {said}: {ours}, summed {theirs}"
        met["refused" if ours[1] else "free" if ours[0] == (0, 0, 0) else "read"] += 1
    plan_commit(context)
    for key in keys.values():
        key.commit()
    ours_then, theirs_then = taken(context), summed_up(keys)
    if ours_then != theirs_then:
        return f"seed {seed}, {states}, {said}, commit: {ours_then}, summed {theirs_then}"
    return None


def test_random_scripts_cost_the_sums() -> None:
    """Command by command and at commit, random scripts read what adding up the tables gives."""
    met: Counter[str] = Counter()
    assert [found for seed in range(3500) if (found := differing(seed, met))] == []
    assert min(met.values()) > 1000, "too little was compared"


def test_a_forgetful_model_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that loads a string anew for every command differs from the sums."""
    load = Context.load_string

    def forgetful(context: Context, key: Any) -> Any:
        if key.string is not None and not key.touched:
            key.string = None
        return load(context, key)

    monkeypatch.setattr(Context, "load_string", forgetful)
    assert any(differing(seed, Counter()) for seed in range(300))


# -- the rules one by one (system.md 1.7) ---------------------------------------------------------


def script(states: dict[str, str], *commands: str) -> tuple[list[Reply], list[Counts]]:
    """Replies and reads of one script, command by command."""
    context = attempt_on(store_with(**states))
    replies, reads = [], []
    for command in commands:
        replies.append(table.call(context, command.encode().split()))
        reads.append(taken(context))
    return replies, reads


NOTHING = (0, 0, 0)


@pytest.mark.parametrize(
    ("state", "first", "second"),
    [
        ("str_bare", "GET k", "GET k"),
        ("hash_wide", "HGET k f1", "HGETALL k"),
        ("zset_blob", "ZCARD k", "ZCARD k"),
        ("missing", "GET k", "GET k"),
        ("list_meta", "LPUSH k x", "LPUSH k y"),
        ("str_legacy", "SET k v", "GET k"),
        ("missing", "HSET k f 1", "HGET k f"),
        ("missing", "SETEX k 9 v", "PTTL k"),
        ("hash_wide", "DEL k", "GET k"),
    ],
)
def test_loaded_or_written_is_known(state: str, first: str, second: str) -> None:
    """What a command has loaded, written or deleted, the next one need not read."""
    _, reads = script({"k": state}, first, second)
    assert reads[1] == NOTHING


def test_a_missing_key_is_probed_per_family() -> None:
    """A key found missing is probed again by a command of another family."""
    _, reads = script({}, "GET k", "HGET k f", "HGETALL k", "ZCARD k")
    assert reads == [(11, 7, 0), (11, 7, 0), NOTHING, (11, 7, 0)]


def test_type_probes_are_not_remembered() -> None:
    """EXISTS and TYPE probe each time, as long as no value is loaded; then the expiry will do."""
    _, reads = script({"k": "str_new_ttl"}, "EXISTS k", "TYPE k", "GET k", "EXISTS k", "TYPE k")
    assert reads == [(11, 7, 0), (11, 7, 0), (12, 7, 1), (1, 0, 0), NOTHING]


def test_the_expiry_is_read_once() -> None:
    """PTTL remembers the expiry, though not the type, and SET spares it."""
    _, reads = script({"k": "str_legacy_ttl"}, "PTTL k", "PTTL k", "SET k v", "PTTL k")
    assert reads == [(14, 7, 0), (12, 7, 0), (12, 7, 0), NOTHING]


@pytest.mark.parametrize(
    ("state", "command"),
    [("hash_wide", "GET k"), ("str_new", "HGET k f"), ("str_new", "ZCARD k"),
     ("set_wide", "RPOP k"), ("zset_blob", "HGETALL k")],
)  # fmt: skip
def test_a_wrong_type_leaves_a_stub(state: str, command: str) -> None:
    """After WRONGTYPE the same command reads nothing, and is refused again."""
    replies, reads = script({"k": state}, command, command)
    assert replies == [WRONG_TYPE, WRONG_TYPE]
    assert reads[0] != NOTHING
    assert reads[1] == NOTHING


def test_a_loaded_key_may_expire() -> None:
    """What was loaded stays for its family, but EXISTS and TYPE look at the clock each time."""
    context = attempt_on(store_with(k="str_new_ttl"))
    commands = [[b"GET", b"k"], [b"EXISTS", b"k"], [b"TYPE", b"k"], [b"PTTL", b"k"]]
    alive = [table.call(context, command) for command in commands]
    context.now = FUTURE + 10**6  # a key lives on in the millisecond that it expires in
    expired = [table.call(context, command) for command in commands]
    assert alive == [b"7", 1, Status(b"string"), (FUTURE - NOW) // 10**6]
    assert expired == [b"7", 0, Status(b"none"), -2]


@pytest.mark.parametrize(
    ("command", "counts"),
    [
        ("GET", NOTHING),
        ("SETEX k 0 v", NOTHING),
        ("HSET k f", NOTHING),
        ("HSET k f 1 g", NOTHING),
        ("ZADD k NX XX 1 m", NOTHING),
        ("ZADD k 1 m 2", NOTHING),
        ("SET k v EX", (12, 7, 0)),
        ("SET k v PX soon", (12, 7, 0)),
        ("PEXPIRE k soon", (11, 7, 0)),
        ("PEXPIRE k 100 YY", (11, 7, 0)),
        ("PEXPIRE none soon", (11, 7, 0)),
        ("ZADD k one m", (11, 7, 0)),
        ("ZADD none one m", (11, 7, 0)),
        ("RPOP k -1", (11, 7, 0)),
        ("LPOP l many", (4, 2, 0)),
    ],
)
def test_refused_arguments(command: str, counts: Counts) -> None:
    """A bad argument is refused in Redis's words, after what the modelled system has read then."""
    (reply,), (reads,) = script({"k": "str_new", "l": "list_meta"}, command)
    assert isinstance(reply, ErrorReply)
    assert reply != WRONG_TYPE
    assert reads == counts


def test_a_retry_starts_from_nothing() -> None:
    """A second attempt knows nothing of the first, whose writes are not there either."""
    store = store_with(k="str_bare")
    costs = []
    for _ in range(2):
        context = attempt_on(store)
        replies = [table.call(context, [word, b"k"]) for word in (b"INCR", b"PTTL", b"GET")]
        costs.append(taken(context))
        plan_commit(context)
        costs.append(taken(context))
        assert replies == [8, -1, b"8"]
    assert costs[:2] == costs[2:]
