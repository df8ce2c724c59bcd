"""A plan for a terminal and for a pull request."""

import pytest

from reports.planning.record import PlanRecord
from reports.planning.text import plan_markdown, plan_view
from reports.writing import plain_text
from tests.reports.planning.systems import SYSTEMS, plan_record


@pytest.fixture(scope="module")
def record() -> PlanRecord:
    """Two fences."""
    return plan_record(SYSTEMS)


def test_a_terminal_of_100_columns_shows_every_cell(record: PlanRecord) -> None:
    """Nothing is cut off."""
    text = plain_text(plan_view(record), width=100)
    assert "…" not in text
    assert text.startswith("capacity (seed 1): latency.p99 < 50ms\n")
    assert max(len(line) for line in text.splitlines()) <= 100


def test_markdown_has_a_table_for_each(record: PlanRecord) -> None:
    """As many cells in each line as its heading has, with no raw sign that would break one."""
    text = plan_markdown(record)
    assert text.startswith("### capacity (seed 1): latency.p99 \\< 50ms\n")
    blocks = [block for block in text.split("\n\n") if block.startswith("|")]
    assert len(blocks) == 6
    for block in blocks:
        assert len({line.count("|") for line in block.splitlines()}) == 1
