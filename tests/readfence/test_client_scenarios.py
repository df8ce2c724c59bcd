"""The scenarios whose scripts are those of real clients, read from their packages."""

import json
from pathlib import Path

import pytest

from readfence.recordings.files import load_recording
from readfence.recordings.traffic import summarize
from readfence.scenarios import shipped_folder
from tests.packages import NEEDED_BY, need
from tests.readfence.front_door import call

RECORDING = shipped_folder() / "recordings" / "job_queue.jsonl"
CALLS_P50, CALLS_P90 = 8, 24
"""Calls per script of BullMQ in steady traffic, measured over 8,293 invocations traced in a
redis-server 7.0.15: 39 % idle polls of 6 calls; adding, taking, finishing a job 8, 9, and 24."""


@pytest.mark.parametrize("name", sorted(NEEDED_BY))
def test_what_the_scenario_expects_holds(name: str, tmp_path: Path) -> None:
    """Verifications and rounds per script, under each fence."""
    need(NEEDED_BY[name])
    ended = call("check", name, "--quiet", "--out", tmp_path)
    assert ended.status == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("name", sorted(NEEDED_BY))
def test_another_number_of_verifications_is_noticed(name: str, tmp_path: Path) -> None:
    """The gates are no empty words."""
    need(NEEDED_BY[name])
    wrong = "expect.0=one_fence.verifications.per_script == 2"
    ended = call("check", name, "--quiet", "--out", tmp_path, "--set", wrong)
    assert ended.status == 1, ended.stdout + ended.stderr


def test_the_job_queue_sends_the_mix_of_steady_traffic() -> None:
    """Calls per script within a tenth of what was measured, and two in five polls are idle."""
    need("bullmq")
    told = summarize(load_recording(RECORDING, ["bullmq"]))
    together = told.all_scripts
    assert together.percentile(50) == pytest.approx(CALLS_P50, rel=0.1)
    assert together.percentile(90) == pytest.approx(CALLS_P90, rel=0.1)
    assert together.errors == 0
    idle = sum(calls == 6 for calls in together.calls) / len(together.calls)
    assert idle == pytest.approx(0.39, abs=0.03)


def test_the_jobs_go_the_recorded_way_under_every_fence(tmp_path: Path) -> None:
    """Different are only what the server calls itself, the order of a hash of the table encoding,
    and a wait that ends with its time rather than with a job that comes due.
    """
    need("bullmq")
    assert call("run", "job_queue", "--no-plots", "--quiet", "--out", tmp_path).status == 0
    for variant in json.loads((tmp_path / "run.json").read_text())["variants"]:
        counters = variant["counters"]
        assert counters["replay.equal"] > 400, variant["name"]
        assert counters["replay.different"] <= 9, variant["name"]


def test_the_recording_holds_no_code_of_the_package() -> None:
    """Its scripts are named by their SHA-1, and the summary is told where to find them."""
    text = RECORDING.read_text()
    assert '{"script": "' in text
    assert "redis.call" not in text and "rcall" not in text
    ended = call("summary", RECORDING)
    assert ended.status == 2
    assert "in none of the packages that `lua_packages` names" in ended.stderr
    need("bullmq")
    assert call("summary", RECORDING, "--lua-package", "bullmq").status == 0
