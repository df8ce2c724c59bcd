"""The scripts that `bench.served` compares, and the data they work on."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import redis

from models.spec import System

KEYS: Final = 2_000
"""Of each kind, so that scripts which overlap seldom write the same key."""
_AT_ONCE: Final = 50
"""Keys that are filled in one pipeline."""
DATA: Final[dict[str, tuple[str, Any]]] = {
    "text": ("str_new", "1"),
    "counter": ("str_new", "1"),
    "hash": ("hash_wide", {"f1": "1", "f2": "2", "f3": "3"}),
    "zset": ("zset_blob", {"z1": 1.0, "z2": 2.0}),
    "list": ("list_meta", ["a", "b", "c"]),
}
"""Each kind's encoding in the modelled store, and its content."""


@dataclass(frozen=True, slots=True)
class Mix:
    """A script, and the kinds of its keys; its argument is the number of the call."""

    lua: str
    kinds: tuple[str, ...]


MIXES: Final = {
    "reads": Mix(
        """
        local value
        for _, key in ipairs(KEYS) do value = redis.call('GET', key) end
        return value
        """,
        ("text",) * 7,
    ),
    "writes": Mix(
        """
        local value = redis.call('GET', KEYS[1])
        redis.call('SET', KEYS[1], ARGV[1])
        redis.call('INCR', KEYS[2])
        redis.call('HSET', KEYS[3], 'f1', ARGV[1])
        redis.call('ZADD', KEYS[4], ARGV[1], 'z1')
        redis.call('LPUSH', KEYS[5], ARGV[1])
        redis.call('EXPIRE', KEYS[5], 1000)
        return value
        """,
        tuple(DATA),
    ),
}


def system_of(workload: Any, **settings: Any) -> System:
    """A cluster with the data and this workload, 1 ms away from itself."""
    lane = {"capacity": 64, "in_flight": "unlimited"}
    data = {
        kind: {"count": KEYS, "state": state, "value": value}
        for kind, (state, value) in DATA.items()
    }
    return System.model_validate(
        {
            "fidelity": "rounds",
            "fence": "one_fence",
            "network": {"one_way": "500us", "lanes": {"heartbeats": lane, "others": lane}},
            "data": data,
            "workload": workload,
            **settings,
        }
    )


def calls(mix: Mix, count: int) -> Iterator[list[str]]:
    """What each of so many EVALSHA is called with: its keys, and its number."""
    random = Random(1)
    for number in range(1, count + 1):
        picked = [f"{kind}:{random.randrange(KEYS)}" for kind in mix.kinds]
        yield [*picked, str(number)]


def fill(client: redis.Redis) -> None:
    """Put the data of `DATA` into a server."""
    pipeline = client.pipeline(transaction=False)
    for number in range(KEYS):
        for kind, (_, value) in DATA.items():
            name = f"{kind}:{number}"
            if kind == "hash":
                pipeline.hset(name, mapping=value)
            elif kind == "zset":
                pipeline.zadd(name, value)
            elif kind == "list":
                pipeline.rpush(name, *value)
            else:
                pipeline.set(name, value)
        if number % _AT_ONCE == _AT_ONCE - 1:
            pipeline.execute()
    pipeline.execute()
