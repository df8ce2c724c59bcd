"""The front door's tests run in a folder of their own, as if neither in CI nor on a terminal."""

from contextlib import nullcontext
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, empty."""
    monkeypatch.chdir(tmp_path)
    # Looking for garbage before each of hundreds of tiny runs takes longer than the runs.
    monkeypatch.setattr("readfence.runs.unhurried_collector", nullcontext)
    for name in ("GITHUB_ACTIONS", "GITHUB_WORKSPACE", "GITHUB_STEP_SUMMARY", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path
