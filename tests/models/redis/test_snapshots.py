"""What a script does stays with the script until it commits: the store's values are never changed,
though they are shared with every attempt that reads them.
"""

from typing import Any

from hypothesis import HealthCheck, given, settings

from models.redis import table
from models.redis.commit import plan_commit
from models.redis.context import Context
from models.redis.sorted_set import SortedSet
from models.redis.stream import Group, Stream
from models.store.versions import Store
from tests.models.redis.grammar import ANY_KEYS, Words, scenes, sequences, timed
from tests.models.redis.grammar_table import FILL, TABLE
from tests.models.redis.scenes import Attempt, Scene

NOW_MS = 10**9


def content(value: Any) -> Any:
    """A value of the store down to its last part, as plain data."""
    if isinstance(value, dict):
        return [(key, content(part)) for key, part in value.items()]
    if isinstance(value, SortedSet):
        assert value.order == sorted((score, name) for name, score in value.scores.items())
        return list(value.scores.items())
    if isinstance(value, Stream | Group):
        return [(name, content(getattr(value, name))) for name in type(value).__slots__]
    return list(value) if isinstance(value, list) else value


def contents(store: Store) -> Any:
    """Everything that the keys hold."""
    ts = store.last_commit_ts
    return [content(store.view(name, ts).rows) for name in ANY_KEYS]


@settings(
    max_examples=150,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(scenes(), sequences(TABLE, FILL, 12), sequences(TABLE, FILL, 12))
def test_scripts_do_not_touch_the_snapshot(
    states: dict[bytes, str], first: list[Words], second: list[Words]
) -> None:
    """Whatever a script does, the values that it read are as before."""
    store = Scene(states, NOW_MS).store()
    attempt = Attempt(store, NOW_MS)
    for command in timed(first, NOW_MS):
        table.call(attempt.context, command)
    assert attempt.commit() is None
    before = contents(store)
    late = Context(store, store.last_commit_ts)
    late.now = (NOW_MS + 150_000) * 10**6
    for command in timed(second, NOW_MS):
        table.call(late, command)
    plan_commit(late)
    assert contents(store) == before


def test_a_value_changed_in_place_is_noticed() -> None:
    """The judge sees it when a shared value is changed after all."""
    store = Scene({b"h1": "hash_blob", b"x1": "stream", b"z1": "zset_blob"}, NOW_MS).store()
    context = Context(store, store.last_commit_ts)
    for load, name, change in (
        (context.load_hash, b"h1", lambda data: data.clear()),
        (context.load_stream, b"x1", lambda data: data.delete((1, 1))),
        (context.load_zset, b"z1", lambda data: data.put(b"z1", 9.0)),
    ):
        before = contents(store)
        change(load(context.key(name)).data)
        assert contents(store) != before
