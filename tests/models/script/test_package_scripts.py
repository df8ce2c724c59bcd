"""The scripts of real clients, read from the installed packages, as they are."""

import ast
import importlib
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.script.machine import Machine
from models.script.syntax import syntax_error
from tests.models.script.rig import script


def folder(package: str) -> Path:
    """Where a package is; skips the test if it is not there."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        if os.environ.get("CI"):
            pytest.fail(f"{package} is not installed, and CI must not go without it")
        pytest.skip(f"{package} is not installed: pip install -e '.[clients]'")
    return Path(spec.origin).parent


def files(package: str, place: str) -> Iterator[bytes]:
    """A package's Lua files."""
    for path in sorted((folder(package) / place).glob("*.lua")):
        yield path.read_bytes()


def constants(package: str, place: str, name: str) -> Iterator[bytes]:
    """Texts that a package's classes keep under a name."""
    for path in sorted((folder(package) / place).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            is_named = isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == name
            if is_named and isinstance(node.value, ast.Constant):  # type: ignore[attr-defined]
                yield str(node.value.value).encode()  # type: ignore[attr-defined]


def attributes(module: str, package: str, suffix: str) -> Iterator[bytes]:
    """Texts of a module or class whose names end in the same way."""
    folder(package)
    owner = importlib.import_module(module)
    owner = getattr(owner, "Lock", owner) if module == "redis.lock" else owner
    for name in sorted(vars(owner)):
        if name.endswith(suffix):
            text = vars(owner)[name]
            yield text if isinstance(text, bytes) else text.encode()


def bodies(package: str) -> list[bytes]:
    """All scripts of a package."""
    if package == "redis":
        return list(attributes("redis.lock", "redis", "_SCRIPT"))
    if package == "redis_lock":
        return list(attributes("redis_lock", "redis_lock", "_SCRIPT"))
    if package == "throttled":
        return list(constants("throttled", "rate_limiter", "SCRIPTS"))
    places = {"bullmq": "commands", "dramatiq": "brokers/redis"}
    return list(files(package, places.get(package, "resources/redis/lua_scripts")))


@pytest.mark.parametrize(
    ("package", "scripts_min"),
    [("bullmq", 60), ("dramatiq", 2), ("limits", 6), ("redis", 3), ("redis_lock", 4),
     ("throttled", 5)],
)  # fmt: skip
def test_the_scripts_of_a_package_compile(package: str, scripts_min: int) -> None:
    """Before a run, and in a machine that has others of theirs already."""
    found = bodies(package)
    assert len(found) >= scripts_min
    machine = Machine()
    for body in found:
        assert syntax_error(body) is None
        assert machine.compile(script(body)) is None


def test_a_script_that_does_not_compile_is_told() -> None:
    """What the test above must refuse."""
    broken = next(files("dramatiq", "brokers/redis")) + b"\nend"
    assert syntax_error(broken) is not None
    assert Machine().compile(script(broken)) is not None
