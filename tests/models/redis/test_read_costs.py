"""Read costs against the traced ones, cell by cell, and the totals of whole scripts."""

from collections import Counter
from collections.abc import Callable

import pytest

from models.redis import reads, table
from models.redis.commands import COMMANDS
from models.redis.commit import Changes, plan_commit
from models.redis.context import Context
from models.redis.key_states import STATES
from models.replies import Reply
from models.store.versions import Store
from tests.models.redis.traced import (
    ARGUMENTS,
    BEFORE,
    NOW,
    REVISIONS,
    Counts,
    Traced,
    count,
    read_table,
    store_with,
)  # fmt: skip

Call = Callable[[Context, list[bytes]], Reply]

ROWS = list(read_table())

LEFT_OUT = {
    "XTRIM": "the modelled revisions take XTRIM MAXLEN n without `=` for a syntax error; here it "
    "is carried out, and costs as with it",
}
"""Rows that are not walked, each with its reason."""

LENGTH_DELTA = "B28: the modelled system pops without writing a length delta"
STALE_ROWS = "H13: the modelled system leaves the expired rows, and the push is lost among them"
POPPED = ("list_meta", "list_meta_ttl", "list_delta")
REMOVED = {
    "str_new_expired": 6, "str_legacy_expired": 6, "str_bare_expired": 6, "list_meta_expired": 8,
    "hash_wide_expired": 8, "set_wide_expired": 7, "zset_wide_expired": 9,
}  # fmt: skip
"""Elements that remove an expired key: its rows, and the meta rows of four types."""
MORE_ELEMENTS = {
    **{("RPOP", state): (1, 2, LENGTH_DELTA) for state in POPPED},
    **{("RPOPLPUSH", state): (3, 4, LENGTH_DELTA) for state in POPPED},
    **{("LPUSH", state): (2, 2 + removed, STALE_ROWS) for state, removed in REMOVED.items()},
    **{("RPUSH", state): (2, 2 + removed, STALE_ROWS) for state, removed in REMOVED.items()},
}
"""Commits of more elements than traced, since the model writes what makes the reply true."""


def measured(row: Traced, call: Call = table.call) -> Traced:
    """The row as the model has it."""
    store = store_with(k=row.key_state)

    def taken(context: Context) -> Counts:
        counts = count(context.reads, row.revision)
        context.reads.clear()
        return counts

    twice = context_at(store)
    call(twice, row.args)
    first = taken(twice)
    call(twice, row.args)
    repeat = taken(twice)

    once = context_at(store)
    call(once, row.args)
    once.reads.clear()
    changes = plan_commit(once)
    elements = elements_of(changes)
    return row._replace(first=first, repeat=repeat, commit=taken(once), commit_elements=elements)


def elements_of(changes: Changes | None) -> int:
    """How many elements the modelled system's commit would have: a row removed and put is two."""
    if changes is None:
        return 0
    rows = sum(len(key.removed) + len(key.put) for key in changes.by_key.values())
    return rows + len(changes.deltas)


def context_at(store: Store) -> Context:
    """A new attempt on the store, at the instant for which keys were set up."""
    context = Context(store, store.last_commit_ts)
    context.now = NOW
    return context


def rows_of(label: str) -> list[Traced]:
    """All traced rows of one label."""
    return [row for row in ROWS if row.label == label]


def costs(row: Traced) -> tuple[Counts, Counts, Counts]:
    """What a row says about reads."""
    return row.first, row.repeat, row.commit


@pytest.mark.parametrize("label", ARGUMENTS)
def test_costs(label: str) -> None:
    """First call, repeated call and commit read what was traced, in every state and revision."""
    rows = rows_of(label)
    assert len(rows) == len(STATES) * len(REVISIONS)
    assert [costs(measured(row)) for row in rows] == [costs(row) for row in rows]


def test_commit_elements() -> None:
    """Commits write as many elements as traced, except where the modelled system loses data."""
    differing = {}
    for row in ROWS:
        if row.label in ARGUMENTS:
            ours = measured(row).commit_elements
            if ours != row.commit_elements:
                differing[row.revision, row.label, row.key_state] = row.commit_elements, ours
    assert differing == {
        (revision, *cell): (theirs, ours)
        for revision in REVISIONS
        for cell, (theirs, ours, _) in MORE_ELEMENTS.items()
    }


def test_every_modelled_command_is_walked() -> None:
    """No command of the modelled revisions is in the table that the traced costs do not judge."""
    walked = {label.split("(")[0].encode() for label in ARGUMENTS}
    modelled = {name for name, command in COMMANDS.items() if command.costs_as is None}
    assert walked == modelled
    assert len(modelled) == 52


def test_rows_left_out() -> None:
    """Every row of the table is walked, but for those that have a reason."""
    left_out = Counter(row.label for row in ROWS if row.label not in ARGUMENTS)
    assert left_out == dict.fromkeys(LEFT_OUT, len(STATES) * len(REVISIONS))
    assert len(ROWS) == 3480
    assert left_out.total() == 58


def test_a_trim_that_the_modelled_revisions_refuse() -> None:
    """XTRIM MAXLEN n reads what XTRIM MAXLEN = n was traced to read."""
    for row in rows_of("XTRIM(MAXLEN = 1)"):
        plain = [arg for arg in row.args if arg != b"="]
        store = store_with(k=row.key_state)
        context = context_at(store)
        table.call(context, plain)
        assert count(context.reads, row.revision) == row.first, row.key_state


def test_revisions_differ_in_verifications_only() -> None:
    """At `546` the adapter reads what it read at `before`, without verifying."""
    before, after = ([row for row in ROWS if row.revision == rev] for rev in REVISIONS)

    def unverified(row: Traced) -> Traced:
        first, repeat, commit = (counts._replace(verifies=0) for counts in costs(row))
        return row._replace(revision="", first=first, repeat=repeat, commit=commit)

    assert [unverified(row) for row in before] == [unverified(row) for row in after]
    assert not any(counts.verifies for row in after for counts in costs(row))
    verifying = {row.label for row in before if row.first.verifies}
    assert verifying == {"GET", "GETDEL", "INCR", "RENAME"}


# -- the judge judged ------------------------------------------------------------------------------


def test_an_extra_read_is_caught() -> None:
    """A command that looks at the key's type once too often fails in every row."""

    def nosy(context: Context, args: list[bytes]) -> Reply:
        context.exists(context.key(args[1]))
        return table.call(context, args)

    walked = [row for row in ROWS if row.label in ARGUMENTS]
    assert [row for row in walked if costs(measured(row, nosy)) == costs(row)] == []


def test_a_missing_verification_is_caught() -> None:
    """A string read that is not verified fails at `before`, and at `546` passes."""

    def trusting(context: Context, args: list[bytes]) -> Reply:
        reply = table.call(context, args)
        context.reads = [
            reads.sequence(*(step._replace(verified=False) for step in sequence.steps))
            for sequence in context.reads
        ]
        return reply

    rows = [row for row in rows_of("GET") if row.key_state == "str_bare"]
    verdicts = {row.revision: costs(measured(row, trusting)) == costs(row) for row in rows}
    assert verdicts == {"before": False, "546": True}


# -- whole scripts ---------------------------------------------------------------------------------


def script_costs(states: dict[str, str], commands: list[str]) -> tuple[list[Counts], int]:
    """What each command of a script reads, then its commit, and how many elements that writes."""
    context = context_at(store_with(**states))
    steps = []
    for command in commands:
        table.call(context, command.encode().split())
        steps.append(count(context.reads, BEFORE))
        context.reads.clear()
    changes = plan_commit(context)
    steps.append(count(context.reads, BEFORE))
    return steps, elements_of(changes)


MIXED = ["GET s", "SET s v", "HGET h f1", "ZADD z 5 z9", "LPUSH l x", "RPOPLPUSH src l", "INCR n"]
MIXED_STATES = {"s": "str_new", "h": "hash_wide", "z": "zset_wide", "l": "list_meta",
                "src": "list_meta", "n": "str_new"}  # fmt: skip


def test_worked_example() -> None:
    """Seven commands of all types cost, step by step, what the worked example says."""
    steps, elements = script_costs(MIXED_STATES, MIXED)
    assert steps == [
        (12, 7, 1), (1, 0, 0), (3, 4, 0), (5, 8, 0), (4, 1, 0), (4, 2, 0), (12, 7, 1), (54, 50, 0),
    ]  # fmt: skip
    assert elements == 28 + 1, "one more than traced: the length delta of the pop (B28)"


GETS = [f"GET k{n}" for n in range(7)]


def seven(state: str) -> dict[str, str]:
    """Seven keys in one state."""
    return {f"k{n}": state for n in range(7)}


BULLMQ = [
    "HGET meta paused", "ZRANGEBYSCORE delayed 0 100", "HEXISTS meta paused",
    "RPOPLPUSH wait active", "ZCARD prioritized", "SET lock token PX 30000", "HGETALL job",
]  # fmt: skip
BULLMQ_STATES = {"meta": "hash_wide", "wait": "list_meta", "active": "list_meta",
                 "job": "hash_wide"}  # fmt: skip


@pytest.mark.parametrize(
    ("states", "commands", "total"),
    [
        (MIXED_STATES, MIXED, (95, 79, 2)),
        ({}, MIXED, (140, 100, 0)),
        (seven("str_new"), GETS, (84, 49, 7)),
        (seven("str_legacy"), GETS, (98, 49, 14)),
        (seven("str_bare"), GETS, (112, 49, 21)),
        ({}, GETS, (77, 49, 0)),
        ({"n": "str_new"}, ["INCR n", "PEXPIRE n 60000"], (32, 24, 1)),
        (BULLMQ_STATES, BULLMQ, (68, 49, 0)),
    ],
    ids=["mixed7", "mixed7 missing", "get7 new", "get7 legacy", "get7 bare", "get7 missing",
         "rate limit", "BullMQ-like"],
)  # fmt: skip
def test_totals(states: dict[str, str], commands: list[str], total: tuple[int, int, int]) -> None:
    """Whole scripts, commit included, add up to the regression constants of `before`; those of
    `546` are the same without the verifications.
    """
    steps, _ = script_costs(states, commands)
    assert tuple(sum(column) for column in zip(*steps, strict=True)) == total


def test_reads_of_one_key_do_not_spare_another() -> None:
    """What is loaded of one key is of no use for another."""
    steps, _ = script_costs({"k": "str_new", "m": "str_new"}, ["GET k", "GET m", "GET k"])
    assert steps[0] == steps[1] == (12, 7, 1)
    assert steps[2] == (0, 0, 0)
