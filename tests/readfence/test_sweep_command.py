"""`readfence sweep`: what it leaves, that it goes on where it stopped, and how it ends."""

import errno
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from tests.readfence.cluster import cluster
from tests.readfence.front_door import LUA_HANGS, call, call_process, command, small, words

SWEEP = """\
sweep:
  settings:
    network.one_way: [1ms, 2ms, 4ms]
    workload.clients: [1, 2]
"""


def write(*replacements: tuple[str, str], sweep: str = SWEEP) -> None:
    """The small scenario with a sweep of 12 points, in the current directory."""
    Path("s.yaml").write_text(small(*replacements) + sweep)


def table(folder: str = "out/s") -> Any:
    """The rows that a sweep has left."""
    return pyarrow.parquet.read_table(Path(folder) / "sweep.parquet")


def test_it_leaves_a_table_pictures_and_markdown() -> None:
    """And tells which setting matters, and where everything is."""
    write()
    ended = call("sweep", "s.yaml", "--executor", "inline")
    assert ended.status == 0
    assert {path.name for path in Path("out/s").iterdir()} == {
        "points", "sweep.parquet", "sweep.md", "sweep_curves.png", "sweep_curves.svg",
        "sweep_heat.png", "sweep_heat.svg",
    }  # fmt: skip
    assert "12 points run, 0 from the store" in ended.stdout
    assert "Which setting moves p99 most" in ended.stdout
    assert "out/s/sweep.parquet" in ended.stdout
    assert "12 of 12 points" in ended.stderr
    assert table().num_rows == 12
    assert "| network.one\\_way |" in Path("out/s/sweep.md").read_text()


def test_json_is_all_of_stdout() -> None:
    """With counts and files."""
    write()
    ended = call("sweep", "s.yaml", "--executor", "inline", "--json", "--no-plots")
    content = json.loads(ended.stdout)
    assert content["points"] == {"total": 12, "from_store": 0, "ran": 12}
    assert content["files"] == ["out/s/sweep.parquet", "out/s/sweep.md"]
    assert ended.stderr == ""


def test_an_unchanged_point_is_not_run_again() -> None:
    """A value that was added is run, and nothing else."""
    write()
    call("sweep", "s.yaml", "--executor", "inline", "--no-plots")
    before = Path("out/s/sweep.parquet").read_bytes()
    again = call("sweep", "s.yaml", "--executor", "inline", "--no-plots")
    assert "0 points run, 12 from the store" in again.stdout
    assert Path("out/s/sweep.parquet").read_bytes() == before
    write(sweep=SWEEP.replace("4ms", "4ms, 5ms"))
    more = call("sweep", "s.yaml", "--executor", "inline", "--no-plots")
    assert "4 points run, 12 from the store" in more.stdout


def test_a_damaged_point_is_run_again() -> None:
    """With a word about the file."""
    write()
    call("sweep", "s.yaml", "--executor", "inline", "--no-plots")
    before = Path("out/s/sweep.parquet").read_bytes()
    victim = sorted(Path("out/s/points").iterdir())[0]
    victim.write_text(victim.read_text()[:-20])
    again = call("sweep", "s.yaml", "--executor", "inline", "--no-plots")
    assert f"{victim}: ignored, and run again: it is damaged" in again.stderr
    assert "1 points run, 11 from the store" in again.stdout
    assert Path("out/s/sweep.parquet").read_bytes() == before


# -- executors ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_content_is_the_same_whoever_runs_it(tmp_path: Path) -> None:
    """Inline, on 2 processes, and on a Dask cluster that loses one of its two workers midway."""
    long = ("scripts: 20", "scripts: 400")
    write(long, sweep=SWEEP + "  seeds: 2\n")
    quick = ("--no-plots", "--quiet")
    assert call("sweep", "s.yaml", "--executor", "inline", "--out", "a", *quick).status == 0
    assert call("sweep", "s.yaml", "--workers", "2", "--out", "b", *quick).status == 0
    with cluster(tmp_path / "dask", workers=2) as running:
        options = ("--executor", "dask", "--scheduler", running.address, "--out", "c", "--json")
        sweep = start("sweep", "s.yaml", *options, "--no-plots")
        wait_for_points("c", 3, sweep)
        running.workers[0].send_signal(signal.SIGKILL)
        running.workers[0].wait()
        left = 24 - points_in("c")
        stdout, stderr = sweep.communicate(timeout=300)
        assert running.workers[1].poll() is None
    assert sweep.returncode == 0, stderr
    assert left > 0, "the worker was killed too late to matter"
    assert json.loads(stdout)["points"] == {"total": 24, "from_store": 0, "ran": 24}
    assert table("a").num_rows == 24
    contents = {Path(folder, "sweep.parquet").read_bytes() for folder in "abc"}
    assert len(contents) == 1


def start(*words: str) -> "subprocess.Popen[str]":
    """The command in a process of its own, in a group of its own."""
    return subprocess.Popen(
        command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip


def points_in(folder: str) -> int:
    """How many points are kept."""
    return len(list(Path(folder, "points").glob("*.json")))


def wait_for_points(folder: str, count: int, process: "subprocess.Popen[str]") -> None:
    """Wait until so many points are kept."""
    end = time.monotonic() + 240
    while points_in(folder) < count:
        assert process.poll() is None, "the sweep ended early"
        assert time.monotonic() < end
        time.sleep(0.01)


# -- interruption -------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_a_killed_sweep_goes_on_where_it_stopped(executor: str) -> None:
    """`kill -9`, then the same command: only what is missing is run; the file is as ever."""
    write(("scripts: 20", "scripts: 1000"))
    words = ("sweep", "s.yaml", "--executor", executor, "--no-plots")
    sweep = start(*words)
    wait_for_points("out/s", 4, sweep)
    sweep.send_signal(signal.SIGKILL)
    sweep.communicate()
    kept = points_in("out/s")
    assert 4 <= kept < 12
    assert not Path("out/s/sweep.parquet").exists()
    again = call_process(*words, cwd=Path())
    assert again.status == 0
    assert f"{12 - kept} points run, {kept} from the store" in again.stdout
    assert call(*words[:2], "--executor", "inline", "--out", "whole", "-q").status == 0
    assert table().equals(table("whole"))


@pytest.mark.slow
def test_ctrl_c_ends_it_cleanly() -> None:
    """As a terminal sends it, to all processes at once: status 130, and finished points stay."""
    write(("scripts: 20", "scripts: 1000"))
    sweep = start("sweep", "s.yaml", "--workers", "2", "--no-plots")
    wait_for_points("out/s", 3, sweep)
    os.killpg(sweep.pid, signal.SIGINT)
    _, stderr = sweep.communicate(timeout=120)
    assert sweep.returncode == 130
    assert "of 12 points are done and kept; the same command goes on from there" in stderr
    assert "interrupted" in stderr and "Traceback" not in stderr
    assert 3 <= points_in("out/s") < 12


@pytest.mark.slow
def test_a_killed_sweep_takes_its_processes_with_it() -> None:
    """In the middle of their points, and without a word."""
    write(sweep="sweep: {settings: {stop.scripts: [20, 10000000]}}\n")
    sweep = start("sweep", "s.yaml", "--workers", "2", "--no-plots", "--quiet")
    wait_for_points("out/s", 2, sweep)
    sweep.send_signal(signal.SIGKILL)
    _, stderr = sweep.communicate(timeout=20)  # comes to its end when all who could write are gone
    assert stderr == ""


# -- a point that answers to nobody ---------------------------------------------------------------

HANGS = f"late: {{workload: {{clients: 1, scripts: [{{lua: {LUA_HANGS!r}, argv: []}}]}}}}"
"""A variant whose first script never comes out of a C function of Lua."""
LONG = "script.instructions=1000000000000"


def write_hanging(limit: str) -> None:
    """The small scenario with that variant in the middle, and a sweep of six points."""
    hangs = HANGS[:-1] + f", limits: {{wall_time: {limit}}}}}"
    sweep = "sweep: {settings: {network.one_way: [1ms, 2ms]}}\n"
    write(("  none: {fence", f"  {hangs}\n  none: {{fence"), sweep=sweep)


@pytest.mark.slow
def test_a_point_that_hangs_is_given_up_and_the_others_go_on() -> None:
    """Its process goes, and another takes its place; it is told as a limit, and not kept."""
    write_hanging("100ms")
    ended = call_process(
        "sweep", "s.yaml", "--workers", "1", "--set", LONG, "--no-plots", cwd=Path()
    )
    assert ended.status == 4
    said = words(ended.stdout)
    for way in ("1ms", "2ms"):
        assert f"limit: late, seed 1, network.one_way={way}: late: stopped at t=" in said
    assert said.count("limits.wall_time is 100 ms, and a single step went on after it") == 2
    assert "Traceback" not in ended.stderr
    assert table()["status"].to_pylist() == ["ok", "limit", "ok"] * 2
    assert points_in("out/s") == 4


@pytest.mark.slow
def test_inline_a_point_that_hangs_ends_the_command() -> None:
    """It has no other process to go on in: what was finished is kept, and told."""
    write_hanging("100ms")
    options = ("--executor", "inline", "--set", LONG, "--no-plots", "--quiet")
    ended = call_process("sweep", "s.yaml", *options, cwd=Path())
    kept, _, said = ended.stderr.partition("\n")
    assert ended.status == 4
    assert kept == "1 of 6 points are done and kept"
    assert said.startswith("readfence: late: stopped at t=")
    assert "limits.wall_time is 100 ms, and a single step went on after it" in said
    assert points_in("out/s") == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "who", [("--executor", "inline"), ("--workers", "2")], ids=lambda who: who[-1]
)
def test_ctrl_c_while_a_point_hangs(who: tuple[str, str]) -> None:
    """Is heard: status 130, and finished points stay."""
    write_hanging("1h")
    sweep = start("sweep", "s.yaml", *who, "--set", LONG, "--no-plots", "--quiet")
    wait_for_points("out/s", 1, sweep)
    time.sleep(0.5)
    os.killpg(sweep.pid, signal.SIGINT)
    _, stderr = sweep.communicate(timeout=30)
    assert sweep.returncode == 130
    kept = points_in("out/s")
    assert stderr == (
        f"{kept} of 6 points are done and kept; the same command goes on from there\ninterrupted\n"
    )


# -- what goes wrong ----------------------------------------------------------------------------


def test_a_point_that_crashes_takes_nothing_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is reported with its seed and the traceback, and the status is that of a bug."""
    from readfence import points  # noqa: PLC0415

    real = points.run_variant

    def broken(variant: Any, **options: Any) -> Any:
        if variant.name == "none" and variant.system.workload[0].clients == 2:
            raise ZeroDivisionError("a bug")
        return real(variant, **options)

    monkeypatch.setattr("readfence.points.run_variant", broken)
    write()
    ended = call("sweep", "s.yaml", "--executor", "inline", "--no-plots")
    assert ended.status == 3
    line = "error: none, seed 1, network.one_way=1ms, workload.clients=2: ZeroDivisionError: a bug"
    assert line in ended.stdout
    assert table()["status"].to_pylist().count("ok") == 9
    monkeypatch.setattr("readfence.points.run_variant", real)
    again = call("sweep", "s.yaml", "--executor", "inline", "--json", "--no-plots")
    assert json.loads(again.stdout)["points"] == {"total": 12, "from_store": 9, "ran": 3}


def test_a_limit_leaves_the_question_open() -> None:
    """Status 4; which points met it is told."""
    write(("seed: 1", "seed: 1\nlimits: {virtual_time: 30ms}"))
    ended = call("sweep", "s.yaml", "--executor", "inline", "--no-plots")
    assert ended.status == 4
    assert "limit: one_fence, seed 1, network.one_way=4ms, workload.clients=1" in ended.stdout


def test_a_great_sweep_asks_first() -> None:
    """Where nobody can be asked it refuses, at once and with the count; `--yes` answers."""
    great = "sweep: {settings: {cluster.nodes: [1, 3, 5], network.one_way: RANGE}, seeds: 1000}\n"
    write(sweep=great.replace("RANGE", "{from: 1ms, to: 2ms, steps: 167}"))
    began = time.monotonic()
    ended = call("sweep", "s.yaml", "--executor", "inline")
    assert ended.status == 2
    assert ended.stderr.strip() == (
        "readfence: s.yaml:19: sweep.settings: expected at most 10,000 points, got 1,002,000 "
        "points (501 combinations, 2 variants, 1,000 seeds); to run them all the same, add --yes"
    )
    assert time.monotonic() - began < 5 and not Path("out").exists()


def test_a_great_sweep_runs_when_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `--yes`; a smaller one is not asked about."""
    monkeypatch.setattr("readfence.sweep_command.ASK_ABOVE", 11)
    write()
    assert call("sweep", "s.yaml", "--executor", "inline", "-q").status == 2
    assert call("sweep", "s.yaml", "--executor", "inline", "-q", "--yes").status == 0
    monkeypatch.setattr("readfence.sweep_command.ASK_ABOVE", 12)
    assert call("sweep", "s.yaml", "--executor", "inline", "-q").status == 0


@pytest.mark.parametrize(("answer", "status"), [(True, 0), (False, 2)])
def test_a_person_is_asked(answer: bool, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the count; and nothing is run before the answer."""
    asked: list[str] = []

    def confirm(text: str, **options: bool) -> bool:
        asked.append(text)
        assert not Path("out").exists()
        return answer

    monkeypatch.setattr("readfence.sweep_command.ASK_ABOVE", 11)
    monkeypatch.setattr("readfence.sweep_command._somebody_there", lambda: True)
    monkeypatch.setattr("typer.confirm", confirm)
    write()
    assert call("sweep", "s.yaml", "--executor", "inline", "-q", "--no-plots").status == status
    assert asked == ["The sweep has 12 points (6 combinations, 2 variants, 1 seeds). Run it?"]
    assert Path("out").exists() == answer


def test_an_empty_sweep_is_refused() -> None:
    """With file, line and key."""
    write(sweep="sweep: {settings: {cluster.nodes: []}}\n")
    ended = call("sweep", "s.yaml")
    expected = "s.yaml:19: sweep.settings.cluster.nodes: expected at least one entry, got []"
    assert (ended.status, ended.stderr.strip()) == (2, f"readfence: {expected}")


@pytest.mark.parametrize("name", ["points", "sweep.parquet", "sweep.md", "sweep_curves.png"])
def test_a_full_disk_is_told(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Status 5, whatever is being written; what is finished stays, and nothing is half."""
    write()

    def full(*args: Any, **options: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        target = {
            "points": "readfence.store.Path.write_text",
            "sweep.parquet": "pyarrow.parquet.write_table",
            "sweep.md": "readfence.sweep_command.sweep_markdown",
            "sweep_curves.png": "matplotlib.figure.Figure.savefig",
        }[name]
        patch.setattr(target, full)
        ended = call("sweep", "s.yaml", "--executor", "inline")
    assert ended.status == 5
    assert "cannot be written: No space left on device" in ended.stderr
    assert not list(Path("out").rglob("*.part"))
    again = call("sweep", "s.yaml", "--executor", "inline", "-q", "--json")
    assert json.loads(again.stdout)["points"]["from_store"] == (0 if name == "points" else 12)


def test_an_executor_that_is_none() -> None:
    """The command line says which there are."""
    write()
    ended = call("sweep", "s.yaml", "--executor", "slurm")
    assert ended.status == 2 and "processes" in ended.stderr
