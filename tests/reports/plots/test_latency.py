"""The picture of latencies."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.text import Text

from reports.plots.canvas import drawing
from reports.plots.latency import TAIL, drawn_ranks, latency
from sim.record import RunRecord
from sim.units import ms
from tests.reports.records import FENCES, NOT_LEADER, make_record, make_variant, with_latencies


def drawn(record: RunRecord) -> Figure:
    """The picture of a run."""
    with drawing():
        return latency(record)


def texts(figure: Figure) -> list[str]:
    """Every text of a picture."""
    return [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)]


def test_a_short_run_is_drawn_script_by_script() -> None:
    """Nothing is thinned without need."""
    assert drawn_ranks(1).tolist() == [1]
    assert drawn_ranks(1_000).tolist() == list(range(1, 1_001))


def test_a_long_run_is_thinned_but_not_its_tail() -> None:
    """The slowest are all there, and no step towards them is wide on a log scale."""
    ranks = drawn_ranks(1_000_000)
    assert len(ranks) < 3_000
    assert ranks[-TAIL:].tolist() == list(range(1_000_001 - TAIL, 1_000_001))
    shares = (1_000_001 - ranks) / 1_000_000
    assert np.all(np.diff(ranks) > 0)
    assert (shares[:-1] / shares[1:]).max() <= 2


def test_the_curves_go_through_the_latencies() -> None:
    """Left the share that was as fast, right the share at least as slow."""
    figure = drawn(make_record(with_latencies([ms(40), ms(10), ms(20), ms(30)])))
    left, right = (axes.get_lines()[0] for axes in figure.axes)
    assert np.asarray(left.get_xdata()).tolist() == [ms(10), ms(10), ms(20), ms(30), ms(40)]
    assert np.asarray(left.get_ydata()).tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert np.asarray(right.get_xdata()).tolist() == [ms(10), ms(20), ms(30), ms(40), ms(40)]
    assert np.asarray(right.get_ydata()).tolist() == [1, 0.75, 0.5, 0.25, 0.05]


def test_variants_are_named_at_their_curves_with_numbers() -> None:
    """Left with p50 and p99, right by name."""
    said = texts(drawn(make_record()))
    assert "one_fence\np50 400 ms, p99 742 ms" in said
    assert said.count("as_merged") == 1


def test_failed_scripts_are_named_not_drawn() -> None:
    """A variant of which all failed has no curve."""
    failed = make_variant("dead", FENCES["one_fence"], scripts=3, errors={NOT_LEADER: 3})
    some = make_variant("one_fence", errors={NOT_LEADER: 7})
    figure = drawn(make_record(failed, some))
    assert "failed and not drawn: dead 3 of 3, one_fence 7 of 200" in texts(figure)
    assert {str(line.get_label()) for line in figure.axes[0].get_lines()} & {"dead"} == set()


def test_nothing_to_draw_says_so() -> None:
    """Instead of an empty picture."""
    failed = make_variant("dead", FENCES["one_fence"], scripts=3, errors={NOT_LEADER: 3})
    assert texts(drawn(make_record(failed))).count("no script ended ok") == 2


def test_a_latency_of_zero_can_be_drawn() -> None:
    """A log scale has no zero; it stands at 1 ns."""
    figure = drawn(make_record(with_latencies([0, 0, ms(1)])))
    assert min(np.asarray(figure.axes[0].get_lines()[0].get_xdata())) == 1
