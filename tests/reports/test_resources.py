"""Resources of a run in figures, expectations and tables."""

import json
from fractions import Fraction
from typing import Any

import pytest

from reports.check import Gate, check_run
from reports.figures import Figures, counters_of, find, names
from reports.plain import summary
from reports.quantity import DURATION, point
from reports.resources import ASPECTS, busiest, figure_names
from reports.sample import NoData
from reports.text import summary_markdown, summary_text
from sim.errors import InputError
from sim.record import VariantRecord
from sim.units import SECOND, ms
from sim.usage import Window
from tests.reports.records import make_record, make_variant

CORES = Window(
    count=4, length_ns=10 * SECOND, arrived=1000, served=990, busy_ns=20 * SECOND,
    waited_ns=5 * SECOND, longest_queue=7,
)  # fmt: skip
LANE = Window(
    count=1, length_ns=10 * SECOND, arrived=2000, served=2000, busy_ns=9 * SECOND, waited_ns=0
)
IDLE = Window(count=1, length_ns=10 * SECOND, arrived=0, served=0, busy_ns=0, waited_ns=0)
RESOURCES = {"n1.cores": CORES, "n1->n2.heartbeats": LANE, "n1.fsync": IDLE}


def variant(**resources: Window) -> VariantRecord:
    """A variant with these resources besides the usual ones."""
    return make_variant("one_fence", resources=RESOURCES | resources)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("n1.cores.utilisation", point(Fraction(1, 2))),
        ("n1.cores.queue", point(Fraction(1, 2))),
        ("n1.cores.wait", point(ms(5), DURATION)),
        ("n1.cores.longest_queue", point(7)),
        ("n1->n2.heartbeats.utilisation", point(Fraction(9, 10))),
        ("n1->n2.heartbeats.wait", point(0, DURATION)),
        ("n1.fsync.utilisation", point(0)),
    ],
)
def test_each_resource_has_four_figures(name: str, expected: Any) -> None:
    """Exact, and with the dimension of what they are."""
    assert Figures(variant()).value(name) == expected


def test_what_never_happened_has_no_mean() -> None:
    """No job came to the disk, so none waited for some time on average."""
    with pytest.raises(NoData, match=r"nothing happened at n1\.fsync of variant one_fence"):
        Figures(variant()).value("n1.fsync.wait")


def test_what_another_variant_limits_is_no_data_here() -> None:
    """An expectation on it says why it cannot be decided."""
    record = make_record(variant(), make_variant("none"))
    figure = find("n1.cores.utilisation", counters_of(record))
    assert figure is not None
    with pytest.raises(
        NoData, match=r"variant none has no resource 'n1\.cores': it is not limited"
    ):
        figure.read(Figures(record.variant("none")).sample)


def test_figures_of_resources_are_known_by_name() -> None:
    """For messages and completion; and only where the run has the resource."""
    record = make_record(variant())
    assert {*figure_names(RESOURCES)} <= {*names(counters_of(record))}
    assert len(figure_names(RESOURCES)) == 3 * len(ASPECTS)
    assert find("n7.cores.utilisation", counters_of(record)) is None


@pytest.mark.parametrize(
    ("line", "holds"),
    [
        ("n1.cores.utilisation < 60%", True),
        ("one_fence.n1->n2.heartbeats.utilisation < 0.8", False),
        ("n1.cores.wait <= 5ms", True),
        ("one_fence.n1.cores.longest_queue == 7", True),
        ("n1->n2.heartbeats.queue == 0", True),
    ],
)
def test_they_can_be_gated(line: str, holds: bool) -> None:
    """Lanes too, whose names have an arrow in them."""
    assert check_run(make_record(variant()), [Gate(line)]).kept is holds


def test_a_resource_that_a_run_will_not_have_is_refused() -> None:
    """With the nearest name that there is."""
    with pytest.raises(InputError, match=r"did you mean 'n1->n2\.heartbeats\.utilisation'\?"):
        check_run(make_record(variant()), [Gate("n1->n3.heartbeats.utilisation < 1")])


def test_the_busiest_resource_is_in_the_table() -> None:
    """By name, with its share; of equals the first."""
    assert busiest(variant()) == ("n1->n2.heartbeats", Fraction(9, 10))
    assert busiest(variant(twin=LANE)) == ("n1->n2.heartbeats", Fraction(9, 10))
    text = summary_text(make_record(variant(), make_variant("none")))
    rows = [line.split() for line in text.splitlines()]
    assert ["busiest", "resource", "n1->n2.heartbeats", "-"] in rows
    assert ["its", "utilisation", "90.0%", "-"] in rows
    assert "| busiest resource |" in summary_markdown(make_record(variant()))


def test_a_run_without_limits_has_no_busiest() -> None:
    """No row, and null in JSON."""
    record = make_record(make_variant("none"))
    assert busiest(record.variants[0]) is None
    assert "busiest" not in summary_text(record)
    assert summary(record)["variants"]["none"]["busiest"] is None


def test_every_resource_is_in_the_json() -> None:
    """Plain numbers: shares, jobs, ns; null where nothing happened."""
    told = json.loads(json.dumps(summary(make_record(variant()))))["variants"]["one_fence"]
    assert told["busiest"] == "n1->n2.heartbeats"
    assert told["resources"]["n1.cores"] == {
        "utilisation": 0.5, "queue": 0.5, "wait": ms(5), "longest_queue": 7,
    }  # fmt: skip
    assert told["resources"]["n1.fsync"]["wait"] is None
