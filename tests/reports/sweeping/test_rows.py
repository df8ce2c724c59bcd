"""Rows of a sweep: what its settings are, and how their values are read and shown."""

from typing import Any

import pytest

from reports.sweeping.rows import Axis
from tests.reports.sweeping.sweeps import sweep


@pytest.mark.parametrize(
    ("values", "kind", "read", "shown"),
    [
        ([3, 5], "integer", [3, 5], ["3", "5"]),
        ([1, 0.5], "number", [1.0, 0.5], ["1", "0.5"]),
        (["250us", "1ms"], "ns", [250_000, 1_000_000], ["250 us", "1 ms"]),
        ([0, "1ms"], "ns", [0, 1_000_000], ["0 ns", "1 ms"]),
        (["12/m", "5/s"], "/s", [0.2, 5.0], ["0.2/s", "5/s"]),
        (["one_fence", "none"], "text", ["one_fence", "none"], ["one_fence", "none"]),
        (["1ms", {"law": "exponential", "mean": "1ms"}], "text",
         ["1ms", '{"law": "exponential", "mean": "1ms"}'],
         ["1ms", '{"law": "exponential", "mean": "1ms"}']),
        ([True, False], "text", ["true", "false"], ["true", "false"]),
    ],
)  # fmt: skip
def test_an_axis_is_what_all_its_values_are(
    values: list[Any], kind: str, read: list[Any], shown: list[str]
) -> None:
    """Numbers with their unit, or text where one of them is none."""
    (axis,) = sweep(lambda value: 1.0, a=values).axes
    assert axis == Axis("a", kind)  # type: ignore[arg-type]
    assert [axis.read(value) for value in values] == read
    assert [axis.shown(value) for value in values] == shown


def test_values_come_in_order() -> None:
    """Numbers ascending, whatever their units; words as they come."""
    made = sweep(lambda a, b: 1.0, a=["1ms", "2us", "1000us"], b=["z", "a"])
    assert made.axes[0].read(made.values(0)[0]) == 2_000
    assert len(made.values(0)) == 2
    assert made.values(1) == ["z", "a"]


def test_rows_without_a_value_are_left_out() -> None:
    """They are counted by how they ended."""
    made = sweep(lambda a: None if a == 2 else 1.0, a=[1, 2, 3])
    assert [row.settings for row in made.of("one_fence")] == [(1,), (3,)]
    assert made.statuses == {"ok": 2, "limit": 1, "stalled": 0, "error": 0}
