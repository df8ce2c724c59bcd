"""The waterfall."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.text import Text

from reports.figures import figures_of
from reports.plots.canvas import drawing
from reports.plots.rows import typical_script
from reports.plots.waterfall import KINDS, waterfall
from sim.record import RunRecord, VariantRecord
from sim.units import ms, us
from tests.reports.records import (
    FENCES,
    NOT_LEADER,
    SAFE,
    make_record,
    make_variant,
    renamed,
    seal,
)


def drawn(record: RunRecord) -> Figure:
    """The waterfall of a run."""
    with drawing():
        return waterfall(record)


def drawn_ns(axes: Axes, kind: str | None = None) -> int:
    """How much time the bars of a panel show."""
    total = 0
    for collection in axes.collections:
        assert isinstance(collection, PolyCollection)
        if kind in (None, collection.get_label()):
            for path in collection.get_paths():
                xs = np.asarray(path.vertices)[:, 0]
                total += int(xs.max()) - int(xs.min())
    return total


def texts(figure: Figure) -> list[str]:
    """Every text of a picture."""
    return [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)]


RECORDS = {
    "incident": make_record(),
    "retried": make_record(
        make_variant("contended", renamed("contended", conflicts=0.8), scripts=20, round_ns=ms(1)),
    ),
    "failed": make_record(make_variant("one_fence", scripts=3, errors={NOT_LEADER: 3})),
    "one script": make_record(make_variant("per_call", scripts=1, round_ns=us(90))),
    "long": make_record(make_variant("x", renamed("as_merged", calls=40), sampled=1)),
    "eight": make_record(
        *(
            make_variant(f"v{n}", renamed("as_merged", per_call=(n, n, n)), sampled=2, scripts=9)
            for n in range(8)
        )
    ),
}


@pytest.mark.parametrize("name", RECORDS)
def test_the_bars_drawn_add_up_to_the_latency(name: str) -> None:
    """To the nanosecond, in every panel: the picture hides no time and makes none up."""
    record = RECORDS[name]
    panels = drawn(record).axes
    assert len(panels) == len(record.variants)
    for axes, figures in zip(panels, figures_of(record).values(), strict=True):
        typical = typical_script(figures.sample)
        assert typical is not None
        timeline = typical.timeline
        assert drawn_ns(axes) == timeline.end_ns - timeline.start_ns
        for kind in KINDS:
            spent = sum(s.end_ns - s.start_ns for s in timeline.spans if s.kind == kind)
            assert drawn_ns(axes, kind) == spent


def test_all_variants_stand_on_one_time_axis() -> None:
    """So that lengths can be compared by eye."""
    limits = {axes.get_xlim() for axes in drawn(RECORDS["incident"]).axes}
    assert len(limits) == 1


def test_a_panel_too_short_to_see_is_enlarged_with_the_same_bars() -> None:
    """And says how many times."""
    figure = drawn(RECORDS["incident"])
    enlarged = {
        name: axes.child_axes
        for name, axes in zip(figures_of(RECORDS["incident"]), figure.axes, strict=True)
    }
    assert [name for name, children in enlarged.items() if children] == ["one_fence", "none"]
    for axes in figure.axes:
        for child in axes.child_axes:
            assert isinstance(child, Axes)
            assert drawn_ns(child) == drawn_ns(axes)
    assert any(text.startswith("enlarged 90 times, in ms") for text in texts(figure))


def test_the_story_is_told_in_words() -> None:
    """Waits and latency of the slowest and of the fastest that verifies."""
    figure = drawn(make_record(make_variant("per_call"), make_variant("one_fence")))
    said = texts(figure)
    assert (
        "per_call waits for a quorum 21 times: 8.69 s.  "
        "one_fence waits for a quorum once: 411 ms, 21 times sooner."
    ) in said
    assert "per_call: 21 verifications, 8.69 s" in said
    assert "done after 411 ms,\n21 times sooner than per_call" in said
    assert said.count("3 rounds") == 7
    assert said.count("1 round") == 1


def late(name: str, ending: int) -> VariantRecord:
    """A variant whose slowest scripts took so long."""
    variant = make_variant(name, round_ns=ms(10))
    latencies = [*variant.columns["latency_ns"][:-20], *[ending] * 20]
    return seal(**{**dict(variant), "columns": {**variant.columns, "latency_ns": latencies}})


def test_a_median_is_not_praised_where_the_tail_is_worse() -> None:
    """The headline says so, and the note beside the bars claims nothing."""
    said = texts(drawn(make_record(late("per_call", ms(900)), late("one_fence", ms(1_000)))))
    (story,) = [text for text in said if "waits for a quorum" in text]
    assert story.endswith("but its p99 is 1 s against 900 ms.")
    assert not any("sooner" in text for text in said)
    said = texts(drawn(make_record(late("per_call", ms(900)), late("one_fence", ms(800)))))
    assert any(text.endswith("times sooner.") for text in said)


def test_no_row_is_without_a_bar_that_can_be_seen() -> None:
    """However short: what is narrower than a pixel has a tick where it began."""
    short = make_variant("one_fence", round_ns=ms(20))
    figure = drawn(make_record(make_variant("per_call", round_ns=ms(20)), short))
    below = figure.axes[1]
    ticks = [line for line in below.get_lines() if line.get_marker() == "|"]
    rows = len(below.get_yticks())
    assert rows == 9 and len(ticks) >= 7
    assert all(0 <= float(np.asarray(tick.get_xdata())[0]) <= ms(60) for tick in ticks)


def test_a_variant_that_serves_stale_reads_is_not_praised() -> None:
    """It is called what it is, and not how much sooner it was."""
    unsafe = make_variant("fast", FENCES["none"], round_ns=us(50))
    safe = make_variant("slow", renamed("one_fence", calls=9), round_ns=us(500))
    said = texts(drawn(make_record(unsafe, safe)))
    assert "  serves stale reads" in said
    assert not any("sooner" in text for text in said)


def test_a_variant_that_asks_no_quorum_is_not_praised_either() -> None:
    """Though no judge found a stale read."""
    lucky = make_variant("lucky", renamed("none", safety=SAFE))
    said = texts(drawn(make_record(lucky, make_variant("one_fence", round_ns=ms(2)))))
    assert "done after 402 µs,\nwithout asking a quorum" in said
    assert not any("sooner" in text for text in said)


def test_a_failed_script_is_called_failed() -> None:
    """With its error text."""
    said = texts(drawn(RECORDS["failed"]))
    assert any(text.startswith("one_fence: 1 verification, failed after ") for text in said)
    assert any(text.endswith(NOT_LEADER) for text in said)


def test_a_second_attempt_is_marked() -> None:
    """Where it begins."""
    assert " attempt 2" in texts(drawn(RECORDS["retried"]))


def test_a_variant_without_samples_has_an_empty_panel() -> None:
    """That says why."""
    record = make_record(
        make_variant("one_fence"), make_variant("other", FENCES["none"], sampled=0)
    )
    assert "no script was sampled" in texts(drawn(record))
    assert "no script was sampled" in texts(drawn(make_record(record.variants[1])))


def test_a_kind_that_is_not_known_is_drawn_as_other() -> None:
    """Rather than left out."""
    variant = make_variant("one_fence", scripts=2)
    timelines = [
        line.model_copy(
            update={"spans": [span.model_copy(update={"kind": "nap"}) for span in line.spans]}
        )
        for line in variant.timelines
    ]
    figure = drawn(make_record(make_variant("one_fence", scripts=2, timelines=timelines)))
    assert "other" in texts(figure)
    assert drawn_ns(figure.axes[0], "nap") == drawn_ns(figure.axes[0]) > 0
