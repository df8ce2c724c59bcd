"""The fences against the two tables that say what each does: docs/fences.md and system.md 9."""

import re
from pathlib import Path

import pytest

from models.engine.sites import Site
from models.fence.policies import POLICIES, Policy, Start
from tests.models.worlds import costs_of

DOCS = Path(__file__).parents[3] / "docs" / "fences.md"
ROW = re.compile(r"^\| `(\w+)` \|(.*)\|$", re.MULTILINE)

VERIFY, READ, ENTRY = "VerifyLeader", "LinearizableRead", "a no-op entry through the log"
TABLE = {
    #            start  V       F      C
    "per_call": ("-", VERIFY, "-", VERIFY),
    "one_fence": (READ, "-", "-", VERIFY),
    "as_merged": (READ, "-", READ, VERIFY),
    "before": ("-", VERIFY, READ, VERIFY),
    "log_read": (ENTRY, "-", "-", VERIFY),
    "none": ("-", "-", "-", "-"),
}
"""What system.md 9 says of `before_v_only`, `ideal_fence`, `546_as_merged`, `before` and `stale`;
`log_read` is of another system."""


def documented(columns: int) -> dict[str, list[str]]:
    """The table of docs/fences.md with a row per fence and so many columns behind its name."""
    rows = ROW.findall(DOCS.read_text(encoding="utf-8"))
    cells = {name: [cell.strip() for cell in rest.split("|")] for name, rest in rows
             if rest.count("|") == columns - 1}  # fmt: skip
    assert cells, f"no table of {columns} columns"
    return cells


def test_the_documented_table_is_the_one_of_the_modelled_system() -> None:
    """Cell by cell, up to the remarks behind what is asked."""
    table = documented(columns=6)
    assert list(table) == list(TABLE) == list(POLICIES)
    for name, cells in TABLE.items():
        for said, expected in zip(table[name][:4], cells, strict=True):
            assert said.startswith(expected), (name, said)


@pytest.mark.parametrize("name", TABLE)
def test_policies(name: str) -> None:
    """Each policy answers what its row says."""
    start, string_rows, operations, guard = TABLE[name]
    policy = POLICIES[name]
    assert policy.name == name
    starts = {"-": Start.NOTHING, READ: Start.READ_INDEX, ENTRY: Start.LOG}
    assert policy.start is starts[start]
    assert policy.string_reads == (string_rows != "-")
    assert policy.store_operations == (operations != "-")
    assert policy.commit_guard == (guard != "-")
    assert policy.waits_inside == (string_rows != "-" or operations != "-")
    assert policy.about


@pytest.mark.parametrize("name", TABLE)
def test_fences_at_work(name: str) -> None:
    """A script that reads a bare string and writes asks at the sites of its row and no others."""
    costs = costs_of(
        "redis.call('GET', 'k') redis.call('SETEX', 'm', 9, 'v')", {"k": "str_bare"}, name
    )
    asked = {site for site in Site if costs.tally[site]}
    start, string_rows, operations, guard = TABLE[name]
    expected = set()
    if start != "-":
        expected.add(Site.SCRIPT_START)
    if string_rows != "-":
        expected.add(Site.STRING_READ)
    if operations != "-":
        expected |= {Site.STORE_POINT, Site.STORE_SCAN}
    if guard != "-":
        expected.add(Site.COMMIT_GUARD)
    assert asked == expected


def test_the_documented_counts_come_out_of_a_run() -> None:
    """Seven GETs of bare rows: V, F, L, C and rounds of every fence in the second table."""
    table = documented(columns=5)
    assert set(table) == set(TABLE) - {"log_read"}
    gets = "for n = 1, 7 do redis.call('GET', 'k' .. n) end"
    states = {f"k{n}": "str_bare" for n in range(1, 8)}
    for name, cells in table.items():
        costs = costs_of(gets, states, name)
        assert [int(cell) for cell in cells] == [*costs.letters, costs.rounds]


def test_a_policy_asks_for_nothing_but_the_guard_unless_told() -> None:
    """The defaults."""
    plain = Policy("plain", "")
    assert (plain.start, plain.waits_inside, plain.commit_guard) == (Start.NOTHING, False, True)
