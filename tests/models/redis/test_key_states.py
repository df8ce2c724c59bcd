"""The states in which a scenario may put a key."""

import json

import pytest

from models.redis import table
from models.redis.context import Context
from models.redis.key_states import MISSING_STATE, STATES, make_rows, type_of
from models.replies import Status
from tests.models.redis.traced import CONTENT, DATA, NOW, PAST, store_with

LATER_ONLY = {"stream_blob"}
"""States that no row of the revisions modelled was traced in."""


def test_states_are_the_traced_ones() -> None:
    """The states are those of the traced costs, but for what came with later revisions."""
    described = json.loads((DATA / "key_states.json").read_text())
    later = {name for name in described if "_inline_" in name} | LATER_ONLY
    assert set(STATES) == set(described) - later
    assert len(STATES) == len(set(STATES)) == 29


@pytest.mark.parametrize("state", STATES)
def test_types(state: str) -> None:
    """A key in a state has the state's type, unless it is missing or has expired."""
    context = Context(store_with(k=state), 1)
    context.now = NOW
    gone = state == MISSING_STATE or state.endswith("_expired")
    expected = Status(b"none" if gone else type_of(state).encode())
    assert table.call(context, [b"TYPE", b"k"]) == expected


def test_content_is_copied() -> None:
    """Content handed in may be changed afterwards without changing the rows."""
    fields = dict(CONTENT["hash"])
    rows = make_rows("hash_wide", fields, None)
    fields.clear()
    assert make_rows("hash_wide", CONTENT["hash"], None) == rows


@pytest.mark.parametrize("state", ["missing", "hash_huge"])
def test_unknown_states(state: str) -> None:
    """There are no rows for a missing key, nor for a state that nobody knows."""
    with pytest.raises(AssertionError, match=f"no rows for the state '{state}'"):
        make_rows(state, {}, PAST)
