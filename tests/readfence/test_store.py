"""The store of finished points: what it gives back, and what it leaves alone."""

import json
import os
from pathlib import Path

import pytest

from readfence.exits import EnvironmentFailed
from readfence.points import crashed, run_point
from readfence.store import PointStore
from tests.readfence.points import points


def store(told: list[str] | None = None) -> PointStore:
    """A store in the current directory."""
    return PointStore(Path("points"), ([] if told is None else told).append)


def test_a_kept_result_comes_back() -> None:
    """From the disk, under the hash of its point; nothing else lies there."""
    point, other = points(2)
    result = run_point(point)
    assert store().get(point) is None
    store().put(result)
    assert store().get(point) == result
    assert store().get(other) is None
    assert [path.name for path in Path("points").iterdir()] == [f"{point.hash}.json"]


def test_what_may_end_otherwise_is_not_kept() -> None:
    """Such as a crash."""
    (point,) = points(1)
    store().put(crashed(point, "no memory left"))
    assert not Path("points").exists()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"latency.p50":', '"latency.p49":'),
        ('"sha256":"', '"sha256":"0'),
        ('{"result"', '["result"'),
        ('"result"', '"outcome"'),
        ("}\n", ""),
    ],
)
def test_a_damaged_file_is_ignored(old: str, new: str) -> None:
    """With a word, and the next result takes its place."""
    (point,) = points(1)
    result = run_point(point)
    store().put(result)
    path = Path("points") / f"{point.hash}.json"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    told: list[str] = []
    assert store(told).get(point) is None
    assert len(told) == 1 and told[0].startswith(f"{path}: ignored, and run again: ")
    store().put(result)
    assert store().get(point) == result


def test_a_file_that_is_cut_off_anywhere_is_ignored() -> None:
    """As a machine that lost its power may leave it."""
    (point,) = points(1)
    store().put(run_point(point))
    path = Path("points") / f"{point.hash}.json"
    content = path.read_bytes()
    for length in (0, 1, len(content) // 2, len(content) - 3):
        path.write_bytes(content[:length])
        assert store().get(point) is None


def test_a_result_of_another_version_or_point_is_ignored() -> None:
    """Even if it is whole, and lies under the name."""
    point, other = points(2)
    result = run_point(point)
    foreign = result.model_copy(update={"readfence": "0.0.9+abc"})
    for wrong, word in ((foreign, "0.0.9+abc"), (run_point(other), "another point")):
        store().put(wrong.model_copy(update={"point": point.hash}) if wrong is foreign else wrong)
        if wrong is not foreign:
            Path(f"points/{other.hash}.json").rename(f"points/{point.hash}.json")
        told: list[str] = []
        assert store(told).get(point) is None
        assert word in told[0]


def test_a_full_disk_leaves_no_half_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the machine that failed, and the message says where."""
    (point,) = points(1)
    result = run_point(point)

    def full(path: Path, text: str, **options: str) -> int:
        path.touch()
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "write_text", full)
    expected = r"^points/\w{64}\.json: cannot be written: No space left on device$"
    with pytest.raises(EnvironmentFailed, match=expected):
        store().put(result)
    assert list(Path("points").iterdir()) == []


def test_the_file_is_json() -> None:
    """One object, for other tools to read."""
    (point,) = points(1)
    store().put(run_point(point))
    content = json.loads((Path("points") / f"{point.hash}.json").read_text())
    assert content["result"]["measured"]["figures"]["scripts"] == 20
