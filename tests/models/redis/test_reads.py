"""Read sequences: the order of the operations, and how much they return."""

import pytest

from models.redis import reads, table
from models.redis.context import Context
from models.redis.reads import POINT, SCAN, Step
from models.store.rows import (
    HASH_FIELD,
    HLL,
    LIST_DELTA,
    LIST_ITEM,
    LIST_META,
    ONLY,
    STR,
    TTL,
    KeyView,
    Rows,
)
from tests.models.redis.traced import NOW, store_with


def operations(state: str, *commands: str) -> list[str]:
    """What a script reads of a key, in order: `point family` or `scan family`."""
    context = Context(store_with(k=state), 1)
    context.now = NOW
    for command in commands:
        table.call(context, command.encode().split())
    return [f"{step.kind} {step.family}" for sequence in context.reads for step in sequence.steps]


@pytest.mark.parametrize(
    ("state", "command", "expected"),
    [
        ("hash_wide", "HGET k f1", [
            "point lst.meta", "scan lst.delta", "scan hs.fld", "point str", "point ttl",
            "scan hs.fld", "scan hs.fld"]),
        ("list_meta", "RPOP k", [
            "point lst.meta", "point str", "point ttl", "point lst.meta", "scan lst.delta",
            "scan lst.itm"]),
        ("str_bare", "GET k", [
            "point lst.meta", "scan lst.delta",
            "scan hs.fld", "point hs.meta", "scan hs.delta",
            "scan st.mem", "point st.meta", "scan st.delta",
            "scan zs.mem", "point zs.meta", "scan zs.delta",
            "point hash", "point set", "point zset", "point stream", "point hll",
            "point str", "point bare", "point str", "point ttl",
            "point str", "point ttl", "point bare"]),
    ],
    ids=["hash", "list", "string"],
)  # fmt: skip
def test_order(state: str, command: str, expected: list[str]) -> None:
    """First the type, step by step until a row is found, then the expiry, then the value."""
    assert operations(state, command) == expected


def test_verified_steps_come_last() -> None:
    """Only the rows of a string's value are verified, not the type probe before them."""
    context = Context(store_with(k="str_legacy"), 1)
    table.call(context, [b"GET", b"k"])
    steps = [step for sequence in context.reads for step in sequence.steps]
    assert [step.verified for step in steps] == [False] * 19 + [True] * 2
    assert steps[-2:] == [Step(POINT, STR, True), Step(POINT, TTL, True)]


def test_sums() -> None:
    """A sequence knows how many points, scans and verified steps it has."""
    sequence = reads.sequence(
        Step(POINT, STR, True), Step(SCAN, HASH_FIELD, False), Step(POINT, TTL, True), rows=5
    )
    assert sequence[1:5] == (2, 1, 5, 2)
    assert sequence.stretches == ((0, 0), (1, 1), (1, 0))


def test_plans_depend_on_the_shape_alone() -> None:
    """Keys with the same families present share one plan, whatever their content."""
    small = KeyView({HASH_FIELD: {b"f": b"1"}})
    large = KeyView({HASH_FIELD: {b"%d" % n: b"1" for n in range(100)}})
    assert reads.PLANS[small.shape] is reads.PLANS[large.shape]
    assert reads.PLANS[small.shape] != reads.PLANS[KeyView({HLL: {ONLY: b""}}).shape]


def test_the_first_family_found_decides() -> None:
    """Of rows of several types, which only a lost write leaves behind, the list's count first."""
    view = KeyView({STR: {ONLY: None}, LIST_META: {ONLY: None}, HASH_FIELD: {b"f": b"1"}})
    assert reads.PLANS[view.shape].raw_type is reads.LIST


@pytest.mark.parametrize(("items", "scans"), [(0, 10), (3, 10), (1023, 10), (1024, 11), (5000, 14)])
def test_rows_to_delete_are_found_page_by_page(items: int, scans: int) -> None:
    """Removing a large key takes a scan per 1024 rows, one per family at least."""
    rows: Rows = {LIST_ITEM: dict.fromkeys(range(items), b"x")} if items else {}
    found = reads.delete_all(KeyView({LIST_DELTA: {(1, 0): None}, **rows}))
    assert found.scans == 1 + scans, "and one of the type probe"
    assert found.rows == items + 1
