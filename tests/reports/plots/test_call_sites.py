"""The picture of verifications by call site."""

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from reports.plots.call_sites import call_sites
from reports.plots.canvas import drawing
from sim.record import RunRecord
from tests.reports.records import attempts_histogram, make_record, make_variant


def drawn(record: RunRecord) -> Figure:
    """The picture of a run."""
    with drawing():
        return call_sites(record)


def texts(figure: Figure) -> list[str]:
    """Every text of a picture."""
    return [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)]


def bars(figure: Figure) -> list[tuple[float, float]]:
    """Where each bar begins and how long it is."""
    return [
        (patch.get_x(), patch.get_width())
        for patch in figure.axes[0].patches
        if isinstance(patch, Rectangle)
    ]


def test_bars_are_stacked_in_proportion() -> None:
    """Of the incident: 21; 112 + 49 + 1; 1; nothing."""
    figure = drawn(make_record())
    assert bars(figure) == [(0, 21), (0, 112), (112, 49), (161, 1), (0, 1)]


def test_totals_and_letters_are_written() -> None:
    """And that nothing was asked where nothing was."""
    said = texts(drawn(make_record()))
    for text in ("21 verifications", "162 verifications", "1 verification", "0 verifications"):
        assert text in said
    assert "F point 112 + F scan 49 + L 1" in said
    assert "no read was verified by a quorum" in said
    assert "F range scans" in said


def test_the_commit_guard_stands_apart() -> None:
    """Behind the bar, and not in the total."""
    figure = drawn(make_record(make_variant("contended")))
    assert bars(figure) == [(0, 1), (1, 1)]
    assert "1 verification" in texts(figure)
    assert "L 1 + C 1" in texts(figure)


def test_bars_are_means_where_attempts_differ() -> None:
    """The total tells the range."""
    rows = {(0, 0, 0, 1, 0, 1, 7, 9, 9): 3, (0, 0, 0, 3, 0, 3, 7, 9, 9): 1}
    variant = make_variant("one_fence", histograms={"attempts": attempts_histogram(rows)})
    figure = drawn(make_record(variant))
    assert bars(figure) == [(0, 1.5)]
    assert "1 to 3 (mean 1.5) verifications" in texts(figure)


def test_a_run_without_attempts_says_so() -> None:
    """Zero would read as a measurement."""
    figure = drawn(make_record(make_variant("one_fence", scripts=0)))
    assert " no attempt ran its script to its end" in texts(figure)


def test_what_stands_behind_the_longest_bar_has_room() -> None:
    """A long total once ended at the edge of the picture."""
    rows = {(0, 5_000, 40_000, 1, 1, 9, 7, 9, 9): 3, (0, 52_111, 42_000, 1, 1, 9, 7, 9, 9): 1}
    variant = make_variant("as_merged", histograms={"attempts": attempts_histogram(rows)})
    figure = drawn(make_record(variant))
    figure.canvas.draw()
    right = max(text.get_window_extent().x1 for text in figure.axes[0].texts)
    assert right < 0.985 * figure.bbox.x1
