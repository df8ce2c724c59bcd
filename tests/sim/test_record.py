"""The run record: checked when written and when read."""

import errno
import json
from pathlib import Path
from typing import Any, TextIO

import pytest
from pydantic import ValidationError

from sim.errors import InputError
from sim.record import (
    Histogram,
    RunRecord,
    Span,
    Timeline,
    VariantRecord,
    Verdict,
    digest,
    read_run,
    write_run,
)
from sim.sketch import merged
from sim.usage import Window

WINDOW = Window(
    count=1, length_ns=90, arrived=3, served=2, busy_ns=50, waited_ns=70, longest_queue=2
)


def _variant(name: str = "a", latency: int = 5) -> VariantRecord:
    content: dict[str, Any] = {
        "counters": {"rounds.sent": 3},
        "columns": {"id": [0, 1], "latency_ns": [latency, 7]},
        "histograms": {"attempts": Histogram(fields=["x"], rows=[[1, 2]])},
        "sketches": {"latency_ns": merged([], exact_max=8).to_json()},
        "resources": {"n1.loop": WINDOW},
        "verdicts": {"safety": Verdict(verdict="ok", checked=2)},
    }
    return VariantRecord(
        name=name,
        settings={"fence": "one_fence"},
        virtual_ns=100,
        measured_ns=90,
        events=4,
        labels={"outcome": ["ok"]},
        timelines=[],
        digest=digest(**content),
        **content,
    )


def _run() -> RunRecord:
    return RunRecord(
        readfence="0", name="x", seed=1, scenario={}, variants=[_variant(), _variant("b", 6)]
    )


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    """Through JSON and its check."""
    write_run(_run(), tmp_path / "run.json")
    assert read_run(tmp_path / "run.json") == _run()
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_equal_content_gives_equal_bytes(tmp_path: Path) -> None:
    """Nothing of the moment or the machine is in it."""
    write_run(_run(), tmp_path / "a.json")
    write_run(_run(), tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither half a record nor its temporary file; a record that was there stays as it was."""

    def full(content: Any, file: TextIO, **_: Any) -> None:
        file.write("{")
        raise OSError(errno.ENOSPC, "full")

    (tmp_path / "run.json").write_text("before")
    monkeypatch.setattr("sim.record.json.dump", full)
    with pytest.raises(OSError, match="full"):
        write_run(_run(), tmp_path / "run.json")
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
    assert (tmp_path / "run.json").read_text() == "before"


def test_a_record_that_was_tampered_with_is_refused(tmp_path: Path) -> None:
    """Another latency, the same digest."""
    path = tmp_path / "run.json"
    write_run(_run(), path)
    content = json.loads(path.read_text())
    content["variants"][0]["columns"]["latency_ns"][0] = 1
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"run\.json: no readable run record: .*digest"):
        read_run(path)


def test_another_format_or_version_is_refused(tmp_path: Path) -> None:
    """With the place that is wrong."""
    path = tmp_path / "run.json"
    for key, value in (("version", 2), ("format", "something else")):
        write_run(_run(), path)
        path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
        with pytest.raises(InputError, match=f"no readable run record: {key}"):
            read_run(path)


def test_a_missing_file_is_an_error_of_the_user(tmp_path: Path) -> None:
    """Not a traceback."""
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_run(tmp_path / "none.json")


def test_the_digest_tells_runs_apart() -> None:
    """One nanosecond is enough."""
    assert _variant(latency=5).digest == _variant(latency=5).digest
    assert _variant(latency=5).digest != _variant(latency=6).digest


def test_columns_of_different_length_are_refused() -> None:
    """A row must be one script."""
    content = _variant().model_dump()
    content["columns"]["id"] = [0]
    with pytest.raises(ValidationError, match="columns differ in length"):
        VariantRecord.model_validate(content)


def test_a_timeline_with_a_gap_is_refused() -> None:
    """Its spans must add up to the operation."""
    spans = [
        Span(kind="local", label="x", start_ns=0, end_ns=4),
        Span(kind="round", label="x", start_ns=5, end_ns=9),
    ]
    with pytest.raises(ValidationError, match="does not begin at 4"):
        Timeline(id=1, start_ns=0, end_ns=9, spans=spans)
    with pytest.raises(ValidationError, match="spans end at 4, the operation at 9"):
        Timeline(id=1, start_ns=0, end_ns=9, spans=spans[:1])


def test_a_histogram_is_sorted_and_complete() -> None:
    """One value per field, and a count above 0."""
    with pytest.raises(ValidationError, match="not sorted"):
        Histogram(fields=["x"], rows=[[2, 1], [1, 1]])
    with pytest.raises(ValidationError, match="does not fit"):
        Histogram(fields=["x"], rows=[[1, 0]])


def test_a_verdict_cannot_contradict_itself() -> None:
    """Violated without a violation, or the other way round."""
    with pytest.raises(ValidationError, match="verdict ok with 3 violations"):
        Verdict(verdict="ok", checked=5, violations=3)


@pytest.mark.parametrize(
    ("part", "name", "field", "value", "complaint"),
    [
        ("resources", "n1.loop", "busy_ns", 91, "busy for longer than it was there"),
        ("resources", "n1.loop", "waited_ns", -1, "below 0"),
        ("resources", "n1.loop", "count", 0, "below 0"),
        ("sketches", "latency_ns", "values", [-1], "sketch latency_ns: a damaged sketch"),
        ("sketches", "latency_ns", "format", "x", "expected a sketch"),
    ],
)
def test_damaged_resources_and_sketches_are_refused(
    part: str, name: str, field: str, value: object, complaint: str
) -> None:
    """A resource busier than time, and a sketch that is none."""
    content = _variant().model_dump()
    content[part][name][field] = value
    with pytest.raises(ValidationError, match=complaint):
        VariantRecord.model_validate(content)


@pytest.mark.parametrize("part", ["resources", "sketches"])
def test_the_digest_covers_resources_and_sketches(part: str) -> None:
    """Left out, the digest no longer fits."""
    content = _variant().model_dump()
    content[part] = {}
    with pytest.raises(ValidationError, match="digest does not match"):
        VariantRecord.model_validate(content)
