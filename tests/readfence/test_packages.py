"""Lua out of installed packages: as text, from where the package says, and never by running it."""

from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from models.load_spec import LuaPackageSpec
from readfence.packages import lua_files_of, lua_of
from readfence.scenarios import load
from sim.errors import InputError
from tests.packages import NEEDED_BY
from tests.readfence.front_door import LUA, call, small

MODULE = """\
raise SystemExit("a module of the package was run")
PLAIN = "return 1"
class Outer:
    class Inner:
        SCRIPT: str = "return 2"
    COMPUTED = "return" + " 3"
    NUMBER = 4
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An installed distribution of a name of its own, whose module must not be imported."""
    files = {
        "scripted/__init__.py": MODULE,
        "scripted/core.py": MODULE,
        "scripted/broken.py": "def",
        "scripted/lua/a.lua": "return 5",
        "scripted/lua/b.lua": "return 6",
        "scripted-1.2.dist-info/METADATA": "Metadata-Version: 2.1\nName: scripted\nVersion: 1.2\n",
    }
    site = tmp_path / "site"
    for name, text in files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text)
    record = "".join(f"{name},,\n" for name in files)
    (site / "scripted-1.2.dist-info" / "RECORD").write_text(record)
    (site / "scripted" / "unlisted.lua").write_text("return 7")
    monkeypatch.syspath_prepend(str(site))
    return "scripted"


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ({"file": "scripted/lua/a.lua"}, "return 5"),
        ({"attribute": "scripted.core:PLAIN"}, "return 1"),
        ({"attribute": "scripted:PLAIN"}, "return 1"),
        ({"attribute": "scripted.core:Outer.Inner.SCRIPT"}, "return 2"),
    ],
)
def test_a_script_is_read_from_where_it_stands(
    package: str, where: dict[str, str], text: str
) -> None:
    """A file, or a text in a module, nested in classes or not."""
    assert lua_of(LuaPackageSpec.model_validate({"package": package, **where})) == text


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"file": "scripted/lua/c.lua"}, "expected a file that scripted 1.2 installs, got"),
        ({"file": "../../etc/passwd"}, "expected a file that scripted 1.2 installs"),
        ({"file": "scripted/unlisted.lua"}, "expected a file that scripted 1.2 installs"),
        ({"attribute": "os:name"}, "expected a module that scripted 1.2 installs, got 'os'"),
        ({"attribute": "scripted.broken:X"}, "broken.py of scripted 1.2 is no Python"),
        ({"attribute": "scripted.core:Outer.COMPUTED"}, "expected the name of a text in"),
        ({"attribute": "scripted.core:Outer.NUMBER"}, "expected the name of a text in"),
        ({"attribute": "scripted.core:Nobody.SCRIPT"}, "got 'Nobody.SCRIPT'"),
        ({"attribute": "scripted.core:NONE"}, "got 'NONE'"),
    ],
)
def test_what_is_not_there_is_told(package: str, where: dict[str, str], said: str) -> None:
    """With the package's version: another one may have it."""
    with pytest.raises(InputError) as caught:
        lua_of(LuaPackageSpec.model_validate({"package": package, **where}))
    assert said in str(caught.value)


def test_all_lua_files_of_a_package_are_found(package: str) -> None:
    """For recordings, which name scripts by their SHA-1 only."""
    assert list(lua_files_of(package)) == [b"return 5", b"return 6"]


def test_a_scenario_runs_the_script_of_a_package(package: str, tmp_path: Path) -> None:
    """Under the name of its file, unless it has another; models see only the text."""
    where = "lua_package: {package: scripted, file: scripted/lua/a.lua}"
    (tmp_path / "s.yaml").write_text(small((LUA, where)))
    assert load("s.yaml").lua_files == {"scripted:scripted/lua/a.lua": "return 5"}
    assert call("run", "s.yaml", "--no-plots", "--out", tmp_path / "out").status == 0


def test_a_missing_package_is_told_with_the_extra_that_brings_it(tmp_path: Path) -> None:
    """Place, key, and what to type; the same for a replay."""
    where = "lua_package: {package: nowhere_at_all, file: a.lua}"
    (tmp_path / "s.yaml").write_text(small((LUA, where)))
    ended = call("run", "s.yaml")
    assert ended.status == 2
    assert (
        "s.yaml:11: workload.scripts.0.lua_package: expected an installed package" in ended.stderr
    )
    assert "pip install 'readfence[clients]'" in ended.stderr
    (tmp_path / "t.jsonl").write_text("")
    (tmp_path / "r.yaml").write_text("workload: {replay: t.jsonl, lua_packages: [nowhere_at_all]}")
    ended = call("run", "r.yaml")
    assert ended.status == 2
    assert "pip install 'readfence[clients]'" in ended.stderr


def test_without_the_extra_scenarios_are_listed_and_say_what_they_need(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A list needs no package, and nothing else is lost with it."""

    def missing(package: str) -> None:
        raise PackageNotFoundError(package)

    monkeypatch.setattr("readfence.packages.distribution", missing)
    listed = call("list")
    assert (listed.status, "job_queue" in listed.stdout) == (0, True)
    for name in NEEDED_BY:
        ended = call("run", name)
        assert ended.status == 2
        assert "pip install 'readfence[clients]'" in ended.stderr


def test_it_is_either_a_file_or_an_attribute(tmp_path: Path) -> None:
    """And `lua_packages` belongs to a replay."""
    (tmp_path / "s.yaml").write_text(small((LUA, "lua_package: {package: a}")))
    assert "expected either `file` or `attribute`" in call("validate", "s.yaml").stderr
    text = small(("  clients: 2", "  clients: 2\n  lua_packages: [a]"))
    (tmp_path / "s.yaml").write_text(text)
    assert "expected `replay` with `lua_packages`" in call("validate", "s.yaml").stderr
