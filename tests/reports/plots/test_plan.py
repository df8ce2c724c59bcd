"""Pictures of a plan: what is drawn where, and the same bytes for the same plan."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from reports.planning.record import PlanRecord
from reports.plots.canvas import drawing
from reports.plots.plan import latency, utilisation, verifications, write_plan_plots
from tests.reports.planning.systems import Queue, plan_record, question


@pytest.fixture(scope="module")
def record() -> PlanRecord:
    """Two fences, and one that keeps nothing."""
    systems = {
        "per_call": Queue(visits=7, scripts=1_000),
        "one_fence": Queue(scripts=1_000),
        "before": Queue(path_ns=1e9, scripts=1_000),
    }
    return plan_record(systems, question(conditions=("healthy",)))


def texts(figure: Figure) -> list[str]:
    """Everything written in a figure."""
    inside = [text for axes in figure.axes for text in axes.texts]
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    return [text.get_text() for text in [*figure.texts, *inside]] + titles


def test_the_title_tells_what_a_fence_is_worth(record: PlanRecord) -> None:
    """The greatest capacity, and how many times the least it is."""
    with drawing():
        title = texts(latency(record))[0]
    assert title.startswith("capacity: one_fence carries ")
    assert title.endswith(" times as much as per_call")


def test_latency_shows_limit_today_and_every_capacity(record: PlanRecord) -> None:
    """What keeps nothing is named so; unstable loads are crosses at the upper edge."""
    variants = list(record.variants)
    healthy = variants[1].healthy
    last = healthy.probes[-1].model_copy(update={"answer": "unstable"})
    healthy = healthy.model_copy(update={"probes": [*healthy.probes[:-1], last]})
    variants[1] = variants[1].model_copy(update={"situations": [healthy]})
    with drawing():
        figure = latency(record.model_copy(update={"variants": variants}))
    said = texts(figure)
    assert any("limit 50 ms" in text for text in said)
    assert any("today 80/s" in text for text in said)
    assert "before: below range" in said
    (axes,) = figure.axes
    top = axes.get_ylim()[1]
    crosses = [line for line in axes.lines if line.get_marker() == "x" and len(line.get_xdata())]
    assert crosses and all(min(line.get_ydata()) > 0.9 * top for line in crosses)


def test_utilisation_has_a_panel_for_each_variant(record: PlanRecord) -> None:
    """From nothing to all of the time."""
    with drawing():
        figure = utilisation(record)
    assert len(figure.axes) == 3
    assert all(axes.get_ylim() == (0, 1.05) for axes in figure.axes)
    assert "n1->n2.heartbeats limits 2 of 3 variants" in texts(figure)[0]


def test_utilisation_names_what_limits_most_variants(record: PlanRecord) -> None:
    """Here two of three, whichever comes first."""
    variants = [*record.variants, record.variants[0]]
    kept = variants[1].healthy
    probes = [
        probe.model_copy(update={"resources": {"n1.disk": probe.resources["n1->n2.heartbeats"]}})
        for probe in kept.probes
    ]
    situation = kept.model_copy(update={"probes": probes})
    variants[1] = variants[1].model_copy(update={"situations": [situation]})
    for some in (variants, variants[::-1]):
        with drawing():
            said = texts(utilisation(record.model_copy(update={"variants": some})))
        assert "n1->n2.heartbeats limits 2 of 4 variants" in said[0]


def test_verifications_tell_how_many_a_script_takes(record: PlanRecord) -> None:
    """Of each variant, and of the extremes in the title."""
    with drawing():
        said = texts(verifications(record))
    assert said[0] == "capacity: per_call verifies 7 times a script, one_fence 1"
    assert "one_fence: 1 a script" in said


def test_equal_plans_give_equal_bytes(record: PlanRecord, tmp_path: Path) -> None:
    """Of all six files."""
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        folder.mkdir()
        write_plan_plots(record, folder)
    names = sorted(path.name for path in first.iterdir())
    assert names == [
        f"plan_{name}.{kind}"
        for name in ("latency", "utilisation", "verifications")
        for kind in ("png", "svg")
    ]
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in names)


def test_a_plan_in_which_nothing_was_verified_is_drawn(tmp_path: Path) -> None:
    """With words where a curve would be."""
    plain = plan_record({"none": Queue(scripts=1_000)}, question(conditions=("healthy",)))
    variant = plain.variants[0]
    probes = [
        probe.model_copy(update={"verifications_per_s": 0.0, "resources": {}})
        for probe in variant.healthy.probes
    ]
    situation = variant.healthy.model_copy(update={"probes": probes})
    bare = plain.model_copy(
        update={"variants": [variant.model_copy(update={"situations": [situation]})]}
    )
    with drawing():
        assert "nothing was verified" in texts(verifications(bare))
        assert texts(utilisation(bare))[0] == "capacity: how busy its resources are"


def test_a_folder_that_is_none_is_told(record: PlanRecord, tmp_path: Path) -> None:
    """With its name."""
    with pytest.raises(FileNotFoundError, match="nowhere"):
        write_plan_plots(record, tmp_path / "nowhere")
