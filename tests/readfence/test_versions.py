"""Which readfence this is: the same in every process, and another when the code is another."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from readfence import versions
from readfence.versions import build

ROOT = Path(__file__).parents[2]
PACKAGES = ("sim", "models", "reports", "readfence")


def build_of(folder: Path) -> str:
    """The build of the code in a folder, asked in a process of its own."""
    code = "from readfence.versions import build; print(build())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_it_is_the_version_and_the_code(tmp_path: Path) -> None:
    """A copy elsewhere is the same; one that differs in a line of Lua or Python is not."""
    assert re.fullmatch(rf"{re.escape(version('readfence'))}\+[0-9a-f]{{12}}", build())
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package)
    # As in a wheel, where the scenarios lie inside.
    shutil.copytree(ROOT / "scenarios", tmp_path / "readfence/scenarios")
    assert build_of(tmp_path) == build_of(ROOT) == build()
    seen = {build()}
    for name in ("models/script/lua/guard.lua", "sim/units.py"):
        with (tmp_path / name).open("a") as file:
            file.write("\n")
        seen.add(build_of(tmp_path))
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("python_version_tuple", lambda: ("3", "99", "0")),
        ("version", lambda name: "99" if name == "greenlet" else version(name)),
    ],
    ids=["python", "greenlet"],
)
def test_it_is_what_the_code_runs_on(
    name: str, other: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Results of another Python, or with another version of a library, need not be the same."""
    monkeypatch.setattr(versions, name, other)
    assert versions.build.__wrapped__() != build()


def test_the_third_number_of_python_is_no_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """It changes with repairs alone."""
    ours = sys.version_info
    monkeypatch.setattr(
        versions, "python_version_tuple", lambda: (str(ours.major), str(ours.minor), "99")
    )
    assert versions.build.__wrapped__() == build()
