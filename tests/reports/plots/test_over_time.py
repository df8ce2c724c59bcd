"""The picture of latency over virtual time."""

import math

import numpy as np
from matplotlib.figure import Figure
from matplotlib.text import Text

from reports.plots.canvas import drawing
from reports.plots.over_time import DOTS_MAX, SLOWEST, over_time, round_width, windows_of
from sim.record import RunRecord
from sim.units import ms
from tests.reports.records import FENCES, NOT_LEADER, make_record, make_variant, seal


def drawn(record: RunRecord) -> Figure:
    """The picture of a run."""
    with drawing():
        return over_time(record)


def texts(figure: Figure) -> list[str]:
    """Every text of a picture."""
    return [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)]


def test_window_widths_are_round() -> None:
    """1, 2 or 5 times a power of ten, never less than wanted."""
    assert [round_width(least) for least in (0, 1, 1.5, 3, 5, 5.1, 11, 49_999)] == [
        1, 1, 2, 5, 5, 10, 20, 50_000,
    ]  # fmt: skip


def test_windows_have_median_and_p99_by_nearest_rank() -> None:
    """Of the scripts that arrived in them; an empty one has none."""
    starts = np.concatenate([np.arange(0, 100), np.arange(300, 400)]).astype(np.int64)
    latencies = np.concatenate([np.arange(1, 101), np.arange(1_001, 1_101)]).astype(np.int64)
    windows = windows_of(starts, latencies)
    assert windows.width_ns == 50
    assert windows.middles == [25, 75, 125, 175, 225, 275, 325, 375]
    assert windows.medians[:2] == [25, 75]
    assert windows.p99s[:2] == [50, 100]
    assert all(math.isnan(value) for value in windows.medians[2:6])
    assert windows.p99s[6:] == [1_050, 1_100]


def test_a_stall_shows_where_scripts_should_have_begun() -> None:
    """The dots stand at the intended arrival, so a queue behind a stall is not left out."""
    variant = make_variant("one_fence", scripts=200, sampled=0)
    starts = [ms(10) * number for number in range(200)]
    latencies = [
        ms(1_001) - (start - ms(500)) if ms(500) <= start < ms(1_500) else ms(1) for start in starts
    ]
    columns = {**variant.columns, "start_ns": starts, "latency_ns": latencies}
    figure = drawn(make_record(seal(**{**dict(variant), "columns": columns})))
    (p99,) = (line for line in figure.axes[0].get_lines() if line.get_label() == "p99")
    by_time = dict(zip(np.asarray(p99.get_xdata()), np.asarray(p99.get_ydata()), strict=True))
    assert by_time[ms(250)] == ms(1)
    assert by_time[ms(750)] == ms(1_001)
    assert by_time[ms(1_250)] == ms(501)


def test_the_slowest_scripts_are_always_drawn() -> None:
    """Whatever is thinned."""
    variant = make_variant("one_fence", scripts=20_000, sampled=0)
    figure = drawn(make_record(variant))
    dots = np.asarray(figure.axes[0].get_lines()[0].get_ydata())
    assert len(dots) <= DOTS_MAX + SLOWEST
    slowest = sorted(variant.columns["latency_ns"])[-SLOWEST:]
    assert set(slowest) <= set(dots.tolist())


def test_failed_scripts_are_crosses() -> None:
    """With their number."""
    figure = drawn(make_record(make_variant("one_fence", errors={NOT_LEADER: 7})))
    assert "× 7 failed" in texts(figure)
    (crosses,) = (line for line in figure.axes[0].get_lines() if line.get_marker() == "x")
    assert len(np.asarray(crosses.get_xdata())) == 7


def test_axes_that_differ_are_called_so() -> None:
    """Between variants of other speed or length; else they share one scale."""
    differing = drawn(make_record(make_variant("per_call"), make_variant("none")))
    assert any(text.endswith("Mind: the latency axes differ.") for text in texts(differing))
    alike = drawn(make_record(make_variant("one_fence"), make_variant("two", FENCES["one_fence"])))
    assert not any("differ" in text for text in texts(alike))
    assert len({axes.get_ylim() for axes in alike.axes}) == 1
    assert len({axes.get_xlim() for axes in alike.axes}) == 1


def test_a_single_script_is_a_dot_without_windows() -> None:
    """One script has no course."""
    figure = drawn(make_record(make_variant("one_fence", scripts=1)))
    assert [line.get_label() for line in figure.axes[0].get_lines()] == ["_child0"]


def test_a_variant_without_scripts_says_so() -> None:
    """Beside one that has some."""
    empty = make_variant("empty", FENCES["none"], scripts=0)
    assert "no script was measured" in texts(drawn(make_record(empty)))
    assert "no script was measured" in texts(drawn(make_record(make_variant("none"), empty)))


def test_failed_scripts_do_not_stretch_the_axis() -> None:
    """Those that ended long after all others, or were refused at once, stand at its edge."""
    variant = make_variant("one_fence", errors={NOT_LEADER: 50})
    ok = variant.columns["latency_ns"][:150]
    columns = {**variant.columns, "latency_ns": [*ok, *[10**15] * 50]}
    figure = drawn(make_record(seal(**{**dict(variant), "columns": columns})))
    _, high = figure.axes[0].get_ylim()
    (crosses,) = [line for line in figure.axes[0].get_lines() if line.get_marker() == "x"]
    assert set(np.asarray(crosses.get_ydata()).tolist()) == {high}
    assert high < 2 * max(ok)


def test_a_single_script_is_told_in_words() -> None:
    """Its panel would look empty."""
    figure = drawn(make_record(make_variant("one_fence", scripts=1)))
    assert [text.get_text()[:12] for text in figure.axes[0].texts] == ["one script: "]
