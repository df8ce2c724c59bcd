"""Running a scenario: variant after variant, what is handed over, and what is written where."""

import gc
import json
import platform
from pathlib import Path

import pytest

from readfence.exits import EnvironmentFailed
from readfence.runs import Result, make_folder, run_all, save, unhurried_collector
from readfence.scenarios import Loaded, load
from sim.errors import InputError, LimitReached
from sim.record import read_run
from tests.readfence.front_door import small


def loaded(*replacements: tuple[str, str]) -> Loaded:
    """The small scenario, read."""
    Path("small.yaml").write_text(small(*replacements))
    return load("small.yaml")


def test_each_finished_variant_is_handed_over() -> None:
    """With those before it, so that whoever keeps the last has all."""
    kept: list[list[str]] = []
    result = run_all(
        loaded(), keep=lambda part: kept.append([v.name for v in part.record.variants])
    )
    assert kept == [["one_fence"], ["one_fence", "none"]]
    assert list(result.wall_s) == ["one_fence", "none"]
    assert all(0 < seconds < 60 for seconds in result.wall_s.values())


def test_a_limit_names_its_variant() -> None:
    """What ended before it has been handed over."""
    kept: list[Result] = []
    late = ("none: {fence: none}", "late: {limits: {virtual_time: 1us}}")
    with pytest.raises(LimitReached, match=r"^late: stopped at t=1 us \(limits.virtual_time\)"):
        run_all(loaded(late), keep=kept.append)
    assert len(kept) == 1


def test_progress_ends_with_all_scripts() -> None:
    """It names the variant, how many scripts are answered, and of how many."""
    shown: list[tuple[str, int, int | None]] = []
    run_all(loaded(), progress=lambda *told: shown.append(told))
    assert [*dict.fromkeys(told for told in shown if told[1] == 20)] == [
        ("one_fence", 20, 20),
        ("none", 20, 20),
    ]


def test_the_number_of_scripts_is_unknown_when_time_stops_the_run() -> None:
    """Until it has ended."""
    shown: list[tuple[str, int, int | None]] = []
    scenario = loaded(("{scripts: 20}", "{time: 5s}"), ("clients: 2", "clients: 9"))
    run_all(scenario, progress=lambda *told: shown.append(told))
    assert {total for name, _, total in shown[:-1] if name == "none"} == {None}
    assert shown[-1][1] == shown[-1][2] > 1000


def test_the_record_holds_nothing_of_the_machine() -> None:
    """What belongs to it lies beside, in run.meta.json."""
    result = run_all(loaded())
    save(result, Path())
    assert read_run(Path("run.json")) == result.record
    text = Path("run.json").read_text()
    for word in (platform.node(), platform.python_version(), str(Path.cwd()), "wall_s"):
        assert f'"{word}"' not in text
    meta = json.loads(Path("run.meta.json").read_text())
    assert meta["host"] == platform.node()
    assert meta["digest"] == result.record.digest
    assert meta["virtual_per_wall"].keys() == meta["wall_s"].keys() == result.wall_s.keys()
    assert "simpy" in meta["libraries"]


def test_nothing_half_written_is_left_under_the_name() -> None:
    """Where the record cannot be replaced, the old one stays whole."""
    result = run_all(loaded())
    Path("run.json").mkdir()
    with pytest.raises(EnvironmentFailed, match=r"^\.: cannot be written: "):
        save(result, Path())
    assert Path("run.json").is_dir()


def test_a_folder_is_tried_before_it_is_needed() -> None:
    """It is made with all above it, and no trace of the trial stays."""
    make_folder(Path("a/b/c"))
    assert list(Path("a/b/c").iterdir()) == []
    Path("file").touch()
    with pytest.raises(InputError, match=r"^file/below: cannot write there: Not a directory$"):
        make_folder(Path("file/below"))


def test_the_collector_is_as_before_after_a_run() -> None:
    """Whoever calls readfence from Python keeps their own settings."""
    before = (gc.get_threshold(), gc.get_freeze_count())
    with unhurried_collector():
        assert gc.get_threshold() != before[0]
    assert (gc.get_threshold(), gc.get_freeze_count()) == before
