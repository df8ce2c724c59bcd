"""`readfence plan`: files, streams, statuses; and `check` on a capacity."""

import json
import signal
import subprocess
import time
from contextlib import nullcontext
from pathlib import Path
from shutil import copytree

import pytest

from readfence.executors import Inline
from readfence.planning import make_plan
from readfence.runner import PointRunner
from readfence.scenarios import load
from readfence.store import PointStore
from reports.planning.record import PlanRecord
from tests.readfence.front_door import RECORDINGS, call, command
from tests.readfence.test_planning import SCENARIO

QUICK = SCENARIO.replace(" today: 400/s,", "")
INLINE = ("--executor", "inline", "--no-plots")


def write(text: str = QUICK) -> str:
    """The scenario in the current folder."""
    Path("small.yaml").write_text(text)
    return "small.yaml"


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished runs of the plan."""
    folder = tmp_path_factory.mktemp("plan")
    (folder / "small.yaml").write_text(QUICK)
    store = PointStore(folder / "points", lambda text: None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("readfence.runs.unhurried_collector", nullcontext)  # as in conftest
        loaded = load(str(folder / "small.yaml"))
        make_plan(loaded, PointRunner(Inline(), store), lambda name, words, runs: None)
    return store.folder


def test_it_prints_tables_and_leaves_its_files() -> None:
    """Tables on stdout, progress on stderr; the record, Markdown, and the finished runs."""
    ended = call("plan", write(), *INLINE)
    assert ended.status == 0, ended.stderr
    assert "Capacity: the highest load that keeps latency.p99 < 20ms" in ended.stdout
    assert "one_fence: 300/s" in ended.stderr and "one_fence: done" in ended.stderr
    record = PlanRecord.model_validate_json(Path("out/small/plan.json").read_bytes())
    assert record.conclusive and record.seed == 3
    assert Path("out/small/plan.md").read_text().startswith("### small (seed 3): ")
    runs = sum(probe.runs for each in record.variants[0].situations for probe in each.probes)
    assert len(list(Path("out/small/points").glob("*.json"))) == runs
    assert f"{runs} runs made, 0 from the store" in ended.stdout


def test_a_second_time_runs_nothing_and_says_the_same(points: Path) -> None:
    """Byte for byte, as JSON on stdout as well."""
    copytree(points, "out/small/points")
    call("plan", write(), *INLINE, "--quiet")
    first = Path("out/small/plan.json").read_bytes()
    ended = call("plan", "small.yaml", *INLINE, "--json")
    assert ended.status == 0 and ended.stdout.encode() == first
    assert json.loads(ended.stdout)["format"] == "readfence/plan"
    assert "0 runs made" in call("plan", "small.yaml", *INLINE).stdout


def test_pictures_are_drawn(points: Path) -> None:
    """Three, each as PNG and SVG."""
    copytree(points, "there/points")
    call("plan", write(), "--executor", "inline", "--quiet", "--out", "there")
    assert len(list(Path("there").glob("plan_*.png"))) == 3
    assert len(list(Path("there").glob("plan_*.svg"))) == 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            ["--set", "plan.slo=latency.p99 < 1us"],
            "one_fence (all nodes): even 300/s, the lowest load asked for, does not keep "
            "latency.p99 < 1us",
        ),
        (
            ["--set", "plan.load=50/s..100/s"],
            "one_fence (all nodes): 100/s, the highest load asked for, still keeps "
            "latency.p99 < 20ms",
        ),
    ],
)
def test_what_is_out_of_range_is_inconclusive(settings: list[str], message: str) -> None:
    """Status 4, the reason on stderr, and the tables of what is known."""
    ended = call("plan", write(), *INLINE, *settings)
    assert ended.status == 4
    assert message in ended.stderr
    assert "range" in ended.stdout


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("latency.p99 < 20ms", "errors < 3", "small.yaml:19: plan.slo: expected a percentile"),
        ("300/s..2000/s", "300/s", "small.yaml:19: plan.load: expected two rates"),
        ("precision: 20%", "precision: 0.2", "plan.precision: expected a percentage"),
        (QUICK[QUICK.index("plan:") :], "", "expected a section `plan:`"),
    ],
)
def test_wrong_input_is_told_with_its_place(old: str, new: str, message: str) -> None:
    """Status 2, before anything is run."""
    ended = call("plan", write(QUICK.replace(old, new)), *INLINE)
    assert ended.status == 2
    assert message in ended.stderr and not Path("out").exists()


def test_a_replay_has_no_load_to_vary() -> None:
    """Status 2, with what was expected, and before anything is run."""
    asked = QUICK[QUICK.index("plan:") :]
    ended = call("plan", write(f"workload: {{replay: {RECORDINGS / 'session.jsonl'}}}\n{asked}"))
    assert ended.status == 2
    assert ended.stderr == (
        "readfence: small.yaml: plan.load: expected a group of clients with `arrivals` whose rate "
        "can be varied, got a replay in variant one_fence\n"
    )
    assert not Path("out").exists()


def test_a_gate_on_a_capacity_has_the_plan_made(points: Path) -> None:
    """Kept below it, broken above."""
    copytree(points, "there/points")
    line = "expect: [plan.one_fence.capacity.mean >= {}/s, plan.lost.capacity.mean > 100/s]\n"
    ended = call("check", write(QUICK + line.format(200)), "--out", "there")
    assert ended.status == 0, ended.stdout + ended.stderr
    assert Path("there/plan.json").exists()
    ended = call("check", write(QUICK + line.format(5_000)), "--out", "there", "--quiet")
    assert ended.status == 1


def test_a_plan_says_that_it_judges_no_gate(points: Path) -> None:
    """Its exit status is not that of `check`; without a gate there is nothing to say."""
    copytree(points, "there/points")
    line = "expect: [plan.one_fence.capacity.mean >= 5000/s]\n"
    gated = call("plan", write(QUICK + line), "--out", "there", *INLINE)
    assert gated.status == 0 and "judged by `readfence check`" in gated.stderr
    plain = call("plan", write(QUICK), "--out", "there", *INLINE)
    assert "readfence check" not in plain.stderr


def test_a_gate_on_a_capacity_needs_a_plan() -> None:
    """The line is told."""
    without = QUICK[: QUICK.index("plan:")] + "expect: [plan.capacity > 1/s]\n"
    ended = call("validate", write(without))
    assert ended.status == 2
    assert "expect.0: expected a section `plan:` for a figure of a plan" in ended.stderr


def test_ctrl_c_loses_nothing(tmp_path: Path) -> None:
    """Status 130; what is done is kept, and the same command goes on from there."""
    write(QUICK.replace("runs: 5", "runs: 200").replace("precision: 20%", "precision: 0.2%"))
    running = subprocess.Popen(
        command("plan", "small.yaml", "--executor", "inline"), stderr=subprocess.PIPE, text=True
    )
    points = Path("out/small/points")
    deadline = time.monotonic() + 60
    while len(list(points.glob("*.json"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130, said
    assert "runs are done and kept; the same command goes on from there" in said
    assert len(list(points.glob("*.json"))) >= 3
