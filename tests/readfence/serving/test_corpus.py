"""Recorded sessions of real clients are answered exactly as a real redis-server answered them.

The recordings, and the program that replays them, are not part of this repository: they are looked
for in `$READFENCE_CORPUS`, else in `../shared/corpus` beside it. The scripts are read out of the
packages that the extra `clients` installs, and of npm packages in `$READFENCE_NPM`, else `.npm`.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packages import NPM, npm_packages
from tests.readfence.serving.serving import serving

ROOT = Path(__file__).resolve().parents[3]
CORPUS = Path(os.environ.get("READFENCE_CORPUS", ROOT.parent / "shared" / "corpus"))
SESSIONS = (
    "js-bee", "js-bullmq-flow", "js-bullmq-more", "js-bullmq-ratelimit", "js-bullmq-worker",
    "js-locks", "js-rlf", "py-bullmq-basic", "py-bullmq-flows", "py-dramatiq", "py-limits",
    "py-python-redis-lock", "py-redis-lock", "py-throttled",
)  # fmt: skip

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the corpus with the scripts beside it."""
    if not (CORPUS / "replay.py").is_file():
        pytest.skip(f"no recordings of real clients in {CORPUS}")
    npm_packages()
    copy = tmp_path_factory.mktemp("corpus")
    for name in ("replay.py", "resp.py", "extract_scripts.py", "extract_scripts.js"):
        shutil.copyfile(CORPUS / name, copy / name)
    (copy / "recordings").mkdir()
    for file in sorted((CORPUS / "recordings").iterdir()):
        shutil.copyfile(file, copy / "recordings" / file.name)
    extract = [sys.executable, str(copy / "extract_scripts.py"), "--npm", str(NPM)]
    done = subprocess.run(extract, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return copy


@pytest.mark.parametrize("session", SESSIONS)
def test_every_reply_is_that_of_redis(corpus: Path, session: str, tmp_path: Path) -> None:
    """Tolerance 0: the clock is set before each command, and nothing may differ."""
    recording = corpus / "recordings" / f"{session}.jsonl"
    clock = "READFENCE.CLOCK SET {us}"
    with serving(tmp_path) as served:
        replay = [
            sys.executable, str(corpus / "replay.py"), "--port", str(served.port),
            "--timeout", "20", "--clock-cmd", clock, "--tol", "0", str(recording),
        ]  # fmt: skip
        done = subprocess.run(replay, capture_output=True, text=True, check=False, timeout=400)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "errtext 0 diff 0 noreply 0" in done.stdout
        status, printed = served.stop()
    assert status == 0, printed


def test_a_wrong_reply_is_noticed(corpus: Path, tmp_path: Path) -> None:
    """The replay's verdict is not always good: one changed reply is a difference."""
    recording = corpus / "recordings" / "py-redis-lock.jsonl"
    changed = tmp_path / "changed.jsonl"
    text = recording.read_text()
    assert '"reply": {":": 1}' in text
    changed.write_text(text.replace('"reply": {":": 1}', '"reply": {":": 7}', 1))
    with serving(tmp_path) as served:
        replay = [
            sys.executable, str(corpus / "replay.py"), "--port", str(served.port),
            "--clock-cmd", "READFENCE.CLOCK SET {us}", "--tol", "0", str(changed),
        ]  # fmt: skip
        done = subprocess.run(replay, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == 1
    assert " diff 1 " in done.stdout
