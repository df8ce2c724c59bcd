"""Every traced cell in a real script on a real cluster: reads and verifications at the engine.

A cell of `read_costs.csv` is run as two scripts on keys in its state: one makes the call twice (the
first and the repeated call), one makes it once and commits. The fences stand for the revisions:

- `before` pays V and F, `per_call` V alone: rows of `before`;
- `as_merged` pays F and one L, `one_fence` one L alone: rows of `546`;
- `none` asks nobody, whatever the revision.

Rows that are not walked are listed, with the reason, in `redis/test_read_costs.py`.
"""

from typing import NamedTuple

import pytest

from models.redis.key_states import STATES
from models.service import Request
from tests.models.redis.traced import (
    ARGUMENTS,
    BEFORE,
    KEY,
    OTHER,
    REVISIONS,
    Counts,
    Traced,
    read_table,
)  # fmt: skip
from tests.models.worlds import NETWORK, ScriptCosts, Stage, costs_on, data_of

ROWS = [row for row in read_table() if row.label in ARGUMENTS]
ONCE = b"return redis.pcall(unpack(ARGV))"
TWICE = ONCE.removeprefix(b"return ") + b"\n" + ONCE
"""Two equal calls; an error of the first must not end the script."""


class Fence(NamedTuple):
    """What a fence makes of a row."""

    name: str
    revision: str
    string_rows: bool
    store_operations: bool
    start: int
    guard: bool


FENCES = (
    Fence("before", BEFORE, True, True, 0, True),
    Fence("per_call", BEFORE, True, False, 0, True),
    Fence("as_merged", "546", False, True, 1, True),
    Fence("one_fence", "546", False, False, 1, True),
    Fence("none", "546", False, False, 0, False),
)


def test_rows_walked() -> None:
    """Every state and both revisions of every built command, by number."""
    assert {fence.revision for fence in FENCES} == set(REVISIONS)
    assert len(ROWS) == len(ARGUMENTS) * len(STATES) * len(REVISIONS) == 3422


@pytest.mark.parametrize("label", ARGUMENTS)
@pytest.mark.parametrize("fence", FENCES, ids=lambda fence: fence.name)
def test_costs(label: str, fence: Fence) -> None:
    """First call, repeated call and commit read and verify what was traced, in every state."""
    rows = [row for row in ROWS if row.label == label and row.revision == fence.revision]
    assert {row.key_state for row in rows} == set(STATES)
    stage = _stage(fence)
    wrong = [
        (row.key_state, asked, expected)
        for row in rows
        for asked, expected in [(_measured(stage, row), _expected(row, fence))]
        if asked != expected
    ]
    assert wrong == []
    counters = stage.cluster.counters()
    assert counters["rounds.confirmed"] == stage.cluster.tap.confirmed == counters["rounds.sent"]


def _stage(fence: Fence) -> Stage:
    """Two keys in each state, since each row is run as two scripts."""
    keys = {f"{state} {times}": state for state in STATES for times in (1, 2)}
    return Stage(fence=fence.name, data=data_of(keys), network=NETWORK | {"one_way": "1us"})


def _measured(stage: Stage, row: Traced) -> list[tuple[int, ...]]:
    """First call, repeated call and commit as (p, s, V, F); then V, F, L, C; then rounds."""
    once, twice = (_run(stage, row, times) for times in (1, 2))
    (first,) = once.calls
    assert [first[1:]] == [twice.calls[0][1:]], "the same call on a key in the same state"
    return [first[1:], twice.calls[1][1:], once.commit[1:], once.letters, (once.rounds,)]


def _run(stage: Stage, row: Traced, times: int) -> ScriptCosts:
    names = {
        KEY: f"{row.key_state} {times}".encode(),
        OTHER: f"other {row.key_state} {times}".encode(),
    }
    words = [names.get(word, word) for word in row.args]
    return costs_on(stage, Request([], words, body=ONCE if times == 1 else TWICE))


def _expected(row: Traced, fence: Fence) -> list[tuple[int, ...]]:
    def asked(counts: Counts) -> tuple[int, ...]:
        reads = counts.points + counts.scans
        return (
            counts.points,
            counts.scans,
            counts.verifies if fence.string_rows else 0,
            reads if fence.store_operations else 0,
        )

    first, repeat, commit = asked(row.first), asked(row.repeat), asked(row.commit)
    guard = int(fence.guard and row.commit_elements > 0)
    letters = (first[2] + commit[2], first[3] + commit[3], fence.start, guard)
    return [first, repeat, commit, letters, (sum(letters),)]


# -- the judge judged ------------------------------------------------------------------------------


@pytest.mark.parametrize("fence", FENCES, ids=lambda fence: fence.name)
def test_every_other_fence_is_caught(fence: Fence) -> None:
    """A GET of a bare row under another fence does not pass for this one."""
    cell = ("GET", "str_bare", fence.revision)
    (row,) = (row for row in ROWS if row[:3] == cell)
    passing = [
        other.name for other in FENCES if _measured(_stage(other), row) == _expected(row, fence)
    ]
    assert passing == [fence.name]
