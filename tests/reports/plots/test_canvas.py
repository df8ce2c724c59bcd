"""What all pictures share."""

from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import pytest

from reports.plots.canvas import (
    clean,
    colour,
    dash,
    drawing,
    duration,
    duration_unit,
    log_ticks,
    marker,
    new_figure,
    save,
)
from tests.reports.records import make_record

RECORD = make_record()


def test_settings_of_the_user_are_left_alone() -> None:
    """They do not reach the pictures, and come back afterwards."""
    with mpl.rc_context({"font.size": 33.0, "svg.hashsalt": "mine"}):
        with drawing():
            assert mpl.rcParams["font.size"] == 9.0
        assert (mpl.rcParams["font.size"], mpl.rcParams["svg.hashsalt"]) == (33.0, "mine")


def test_files_carry_neither_date_nor_version(tmp_path: Path) -> None:
    """So that equal records give equal bytes tomorrow."""
    with drawing():
        png, svg = save(new_figure(RECORD, "title", height=2), tmp_path, "picture")
    assert (png.name, svg.name) == ("picture.png", "picture.svg")
    assert b"tEXt" not in png.read_bytes()
    assert "<metadata>" not in svg.read_text(encoding="utf-8")
    ElementTree.parse(svg)


def test_every_picture_names_scenario_and_seed(tmp_path: Path) -> None:
    """At its foot."""
    with drawing(), mpl.rc_context({"svg.fonttype": "none"}):
        _, svg = save(new_figure(RECORD, "title", height=2), tmp_path, "picture")
    assert "scenario verify_storm (seed 1) · virtual time · readfence 0.1.0" in svg.read_text(
        encoding="utf-8"
    )


def test_every_picture_names_title_and_overrides(tmp_path: Path) -> None:
    """What was set beside the file makes it another run; a long list is cut, not drawn over."""
    scenario = {"title": "the incident"}
    record = RECORD.model_copy(update={"overrides": ["cluster.nodes=5"], "scenario": scenario})
    with drawing(), mpl.rc_context({"svg.fonttype": "none"}):
        _, svg = save(new_figure(record, "title", height=2), tmp_path, "picture")
    told = "scenario verify_storm (seed 1; set cluster.nodes=5): the incident · virtual time"
    assert told in svg.read_text(encoding="utf-8")
    record = record.model_copy(update={"overrides": ["cluster.nodes=5"] * 50})
    with drawing():
        texts = [text.get_text() for text in new_figure(record, "title", height=2).texts]
    assert max(map(len, texts)) < 200


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """By its path; the front door says it in the user's words."""
    with drawing(), pytest.raises(FileNotFoundError, match=r"missing/picture\.png"):
        save(new_figure(RECORD, "title", height=2), tmp_path / "missing", "picture")


def test_text_is_drawn_in_characters_that_the_font_has() -> None:
    """What it has not becomes a mark; a dollar sign is no formula."""
    assert clean("tenant:$x$:µ") == "tenant:$x$:µ"
    assert clean("日本\n\x00") == "\ufffd\ufffd\\n\\x00"
    assert clean("x" * 50, 11) == "xxxxx…xxxxx"


def test_durations_are_drawn_in_the_unit_that_fits() -> None:
    """From nanoseconds to seconds."""
    assert [duration(value) for value in (12, 45_800, 411e6, 8.69e9)] == [
        "12 ns", "45.8 µs", "411 ms", "8.69 s",
    ]  # fmt: skip
    assert [duration_unit(value)[0] for value in (999, 1_000, 10**6, 10**9, 10**14)] == [
        "ns", "µs", "ms", "s", "s",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("low", "high", "most", "ticks"),
    [
        (1e3, 1e6, 4, [1e3, 1e4, 1e5, 1e6]),
        (9e5, 1.1e7, 6, [1e6, 2e6, 5e6, 1e7]),
        (1.2e6, 3.5e6, 9, [1.5e6, 2e6, 3e6]),
        (1, 1e12, 5, [1, 1e3, 1e6, 1e9, 1e12]),
    ],
)
def test_log_axes_have_round_ticks(low: float, high: float, most: int, ticks: list[float]) -> None:
    """As many as there is room for."""
    assert log_ticks(low, high, most=most) == pytest.approx(ticks)


def test_eight_variants_are_told_apart_without_colour() -> None:
    """Each has a colour, a dash and a marker of its own."""
    for of in (colour, dash, marker):
        assert len({str(of(index)) for index in range(8)}) == 8
