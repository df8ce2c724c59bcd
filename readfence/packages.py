"""Lua that installed Python packages bring along, read as text: nothing of a package is run.

A package means a distribution, by the name under which it is installed.
"""

import ast
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from models.load_spec import LuaPackageSpec
from sim.errors import InputError


def lua_of(spec: LuaPackageSpec) -> str:
    """The script that a scenario names. Raises `InputError`."""
    found = _distribution(spec.package)
    if spec.file is not None:
        return _text(found, spec.file)
    assert spec.attribute is not None
    module, _, names = spec.attribute.partition(":")
    value = _constant(_module(found, module), names.split("."))
    if value is None:
        raise InputError(
            f"expected the name of a text in {module} of {_told(found)}, got {names!r}"
        )
    return value


def lua_files_of(package: str) -> Iterator[bytes]:
    """Every file with Lua that a package installs. Raises `InputError`."""
    found = _distribution(package)
    for name in sorted(str(file) for file in found.files or ()):
        if name.endswith(".lua"):
            yield Path(str(found.locate_file(name))).read_bytes()


def _distribution(package: str) -> Distribution:
    try:
        return distribution(package)
    except (PackageNotFoundError, ValueError) as error:
        raise InputError(
            f"expected an installed package, got {package!r}, which is not installed; those of "
            "the shipped scenarios come with: pip install 'readfence[clients]'"
        ) from error


def _told(found: Distribution) -> str:
    return f"{found.name} {found.version}"


def _text(found: Distribution, name: str) -> str:
    """A file by its path as installed; only what the package itself lists is looked for."""
    if name not in [str(file) for file in found.files or ()]:
        raise InputError(f"expected a file that {_told(found)} installs, got {name!r}")
    try:
        return Path(str(found.locate_file(name))).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{name} of {_told(found)} cannot be read: {error}") from error


def _module(found: Distribution, module: str) -> ast.Module:
    base = module.replace(".", "/")
    listed = [str(file) for file in found.files or ()]
    for name in (f"{base}.py", f"{base}/__init__.py"):
        if name in listed:
            try:
                return ast.parse(_text(found, name))
            except SyntaxError as error:
                raise InputError(f"{name} of {_told(found)} is no Python: {error}") from error
    raise InputError(f"expected a module that {_told(found)} installs, got {module!r}")


def _constant(tree: ast.Module, names: list[str]) -> str | None:
    """The text that stands under a dotted name: classes, then a variable, as written there."""
    body = tree.body
    for name in names[:-1]:
        classes = [node for node in body if isinstance(node, ast.ClassDef) and node.name == name]
        if not classes:
            return None
        body = classes[-1].body
    for node in reversed(body):
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign):
            targets = [node.target]
        if any(isinstance(target, ast.Name) and target.id == names[-1] for target in targets):
            value = getattr(node, "value", None)
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                return value.value
            return None
    return None
