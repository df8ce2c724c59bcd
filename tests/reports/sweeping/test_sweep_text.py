"""Words for a sweep: terminal, Markdown and JSON."""

import json

from reports.sweeping.text import FAILURES_MAX, sweep_json, sweep_markdown, sweep_view
from reports.writing import plain_text
from tests.reports.sweeping.sweeps import sweep

MADE = sweep(
    lambda way, nodes: 4e6 if way == "2ms" else 2e6,
    variants=("one_fence", "none"),
    **{"network.one_way": ["1ms", "2ms"], "cluster.nodes": [3, 5]},
)


def test_the_view_tells_what_matters() -> None:
    """Which setting, how much, and the p99 at each value; what matters most comes first."""
    text = plain_text(sweep_view(MADE), width=100)
    assert text.startswith("made_up: 8 points, a title")
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "network.one_way 100%, ×2 100%, ×2" in lines
    assert "cluster.nodes 0%, ×1 0%, ×1" in lines
    assert "the rest 0% 0%" in lines
    assert "2 ms 4 ms 4 ms" in lines
    assert text.index("p99 by network.one_way") < text.index("p99 by cluster.nodes")
    assert "first-order index" in text


def test_markdown_can_be_pasted() -> None:
    """Tables with as many cells in each line, and nothing of the text breaks them."""
    text = sweep_markdown(sweep(lambda a: 1e6, variants=("a|b",), a=["x|y", "z"]))
    assert text.startswith("### made\\_up: 2 points, a title\n")
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.replace("\\|", "").count("|") == 3 for line in tables)
    assert "| x\\|y | 1 ms |" in tables


def test_failures_lead_back_to_their_points() -> None:
    """Variant, seed and settings; not more of them than one reads."""
    made = sweep(lambda a: None if a > 3 else 1e6, seeds=(7,), a=list(range(1, 31)))
    text = plain_text(sweep_view(made), width=200)
    assert "limit: one_fence, seed 7, a=4: too long" in text
    assert f"and {27 - FAILURES_MAX} more points that did not end ok" in text
    assert len(sweep_json(made)["failures"]) == 27


def test_json_is_plain() -> None:
    """Units, values and the shares of every variant."""
    content = json.loads(json.dumps(sweep_json(MADE)))
    assert content["settings"][0] == {
        "path": "network.one_way",
        "unit": "ns",
        "values": [1_000_000, 2_000_000],
    }
    assert content["sensitivity"]["none"][0]["share"] == 1.0
    assert content["statuses"] == {"ok": 8, "limit": 0, "stalled": 0, "error": 0}


def test_a_sweep_of_which_nothing_came_is_told() -> None:
    """Without a table of nothing."""
    text = plain_text(sweep_view(sweep(lambda a: None, a=[1, 2])), width=100)
    assert "p99 by" not in text and "limit: one_fence, seed 1, a=1" in text


def test_a_hypercube_is_told_as_an_estimate() -> None:
    """Its shares need not add up, so nothing is said to be left."""
    made = sweep(lambda a: a * 1e6, design="latin_hypercube", a=[0.1, 0.2, 0.5, 0.9], seeds=(1, 2))
    text = " ".join(plain_text(sweep_view(made), width=100).split())
    assert "the rest" not in text
    assert "Estimated from 4 combinations" in text
    assert "0.1 to 0.2 141 us" in text
