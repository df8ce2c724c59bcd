"""The traced read costs: what each row of `read_costs.csv` counted, and how to set that call up.

A row was traced by one call (or two equal ones) of a command on a key in a given state. The table
does not hold the arguments and the content of the key; they stand here, and the traced counts agree
with them.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from models.redis.key_states import MISSING_STATE, make_rows, type_of
from models.redis.reads import Reads
from models.store.versions import Store
from sim.units import NS_PER

DATA = Path(__file__).parents[2] / "data"
BEFORE = "before"
"""The revision whose string reads verify leadership explicitly."""
REVISIONS = (BEFORE, "546")

NOW = NS_PER["h"]
"""The instant at which the traced scripts run."""
FUTURE = 10 * NS_PER["h"]
PAST = 1

KEY = b"k"
OTHER = b"other"
"""A key that is missing."""

CONTENT: dict[str, Any] = {
    "string": b"7",
    "list": [b"a", b"b", b"c"],
    "hash": {b"f1": b"1", b"f2": b"2", b"f3": b"3"},
    "set": [b"m1", b"m2"],
    "zset": {b"z1": 1.0, b"z2": 2.0},
    "stream": {b"1-1": b"1", b"2-1": b"2", b"3-1": b"3"},
}

ARGUMENTS: dict[str, list[bytes]] = {
    "DEL": [KEY],
    "EXISTS": [KEY],
    "GET": [KEY],
    "GETDEL": [KEY],
    "HGET": [KEY, b"f1"],
    "HGET(missing field)": [KEY, b"nope"],
    "HGETALL": [KEY],
    "HSET": [KEY, b"f1", b"9"],
    "INCR": [KEY],
    "LPOP": [KEY],
    "LPUSH": [KEY, b"x"],
    "PEXPIRE": [KEY, b"100000"],
    "PTTL": [KEY],
    "RENAME": [KEY, OTHER],
    "RPOP": [KEY],
    "RPOPLPUSH": [KEY, OTHER],
    "RPUSH": [KEY, b"x"],
    "SADD": [KEY, b"m9"],
    "SET": [KEY, b"v"],
    "SETEX": [KEY, b"100", b"v"],
    "SETNX": [KEY, b"v"],
    "TYPE": [KEY],
    "ZADD": [KEY, b"5", b"z9"],
    "ZADD(existing member)": [KEY, b"5", b"z1"],
    "ZCARD": [KEY],
    "HDEL": [KEY, b"f1"],
    "HEXISTS": [KEY, b"f1"],
    "HINCRBY": [KEY, b"f1", b"2"],
    "HLEN": [KEY],
    "HMGET": [KEY, b"f1", b"f2"],
    "HMSET": [KEY, b"f1", b"9"],
    "LINDEX": [KEY, b"0"],
    "LLEN": [KEY],
    "LPOS": [KEY, b"b"],
    "LRANGE": [KEY, b"0", b"-1"],
    "LREM": [KEY, b"0", b"a"],
    "LSET": [KEY, b"0", b"x"],
    "LTRIM": [KEY, b"0", b"1"],
    "SCARD": [KEY],
    "SISMEMBER": [KEY, b"m1"],
    "SISMEMBER(missing member)": [KEY, b"nope"],
    "SMEMBERS": [KEY],
    "SREM": [KEY, b"m1"],
    "XADD": [KEY, b"*", b"field", b"value"],
    "XADD(MAXLEN 2)": [KEY, b"MAXLEN", b"2", b"*", b"field", b"value"],
    "XTRIM(MAXLEN = 1)": [KEY, b"MAXLEN", b"=", b"1"],
    "ZCOUNT": [KEY, b"-inf", b"+inf"],
    "ZPOPMIN": [KEY],
    "ZRANGE": [KEY, b"0", b"-1"],
    "ZRANGEBYSCORE": [KEY, b"-inf", b"+inf"],
    "ZRANGEBYSCORE(LIMIT 0 1)": [KEY, b"-inf", b"+inf", b"LIMIT", b"0", b"1"],
    "ZRANGEBYSCORE(empty range)": [KEY, b"100", b"200"],
    "ZREM": [KEY, b"z1"],
    "ZREMRANGEBYRANK": [KEY, b"0", b"0"],
    "ZREMRANGEBYSCORE": [KEY, b"-inf", b"1"],
    "ZREVRANGE": [KEY, b"0", b"-1"],
    "ZREVRANGEBYSCORE": [KEY, b"+inf", b"-inf"],
    "ZSCORE": [KEY, b"z1"],
    "ZSCORE(missing member)": [KEY, b"nope"],
}
"""Per traced label, what follows the command's name."""


class Counts(NamedTuple):
    """Store operations: point reads, range scans, and explicit verifications before them."""

    points: int
    scans: int
    verifies: int


class Traced(NamedTuple):
    """One row of the table."""

    label: str
    """The command, with a remark where it was traced in several ways: `HGET(missing field)`."""
    key_state: str
    revision: str
    first: Counts
    """The first call of a script."""
    repeat: Counts
    """The same call again in the same script."""
    commit: Counts
    """The commit of a script that made the call once."""
    commit_elements: int

    @property
    def command(self) -> bytes:
        """The command's name."""
        return self.label.split("(")[0].encode()

    @property
    def args(self) -> list[bytes]:
        """The call, name first; only for a label in `ARGUMENTS`."""
        return [self.command, *ARGUMENTS[self.label]]


def read_table() -> Iterator[Traced]:
    """All rows of the table, in its order."""
    with (DATA / "read_costs.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            first, repeat, commit = (
                Counts(*(int(row[prefix + column]) for column in ("point", "scan", "verify")))
                for prefix in ("", "repeat_", "commit_")
            )
            yield Traced(row["command"], row["key_state"], row["rev"], first, repeat, commit,
                         int(row["commit_elems"]))  # fmt: skip


def install(store: Store, name: bytes, state: str) -> None:
    """Put a key in the state in which it was traced."""
    if state == MISSING_STATE:
        return
    expiry = FUTURE if state.endswith("_ttl") else PAST if state.endswith("_expired") else None
    store.install(name, make_rows(state, CONTENT[type_of(state)], expiry))


def store_with(**states: str) -> Store:
    """A store with one key per argument: its name, and the state it is in."""
    store = Store()
    for name, state in states.items():
        install(store, name.encode(), state)
    return store


def count(reads: list[Reads], revision: str) -> Counts:
    """What the adapter of a revision does for these reads."""
    verified = sum(step.verified for sequence in reads for step in sequence.steps)
    return Counts(
        sum(sequence.points for sequence in reads),
        sum(sequence.scans for sequence in reads),
        verified if revision == BEFORE else 0,
    )
