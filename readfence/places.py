"""Scenario text with the place of each value in the file, and overrides from the command line."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from sim.errors import InputError

Location = tuple[str | int, ...]


class Document:
    """A YAML file: its plain content, and on which line each value stands."""

    def __init__(self, path: Path, text: str) -> None:
        """Raises `InputError` when the text is no YAML mapping."""
        self.path = path
        tree = _parse(path, text)
        if not isinstance(tree, CommentedMap):
            raise InputError(f"{path}: expected a mapping of settings, got {_kind(tree)}")
        self._tree = tree
        self.content: dict[str, Any] = _plain(tree)
        self._overrides: dict[Location, str] = {}

    def override(self, assignment: str) -> None:
        """Apply one `key.path=value` of the command line; the value is read as YAML.

        Raises `InputError` when it is no such assignment or its path leads through a plain value.
        """
        path, equals, text = assignment.partition("=")
        if not equals or not path:
            raise InputError(f"--set {assignment}: expected key=value, such as cluster.nodes=5")
        value = _plain(_parse(Path(f"--set {path}"), text))
        location = self._expand(path.split("."))
        parent: Any = self.content
        for part in location[:-1]:
            if isinstance(part, int):
                parent = parent[part]
            else:
                parent = parent.setdefault(part, {})
            if not isinstance(parent, dict | list):
                raise InputError(f"--set {assignment}: {part} is a plain value, not a mapping")
        parent[location[-1]] = value
        self._overrides[location] = assignment

    def _expand(self, parts: list[str]) -> Location:
        """The path with list positions as numbers; a list of one needs no position."""
        location: list[str | int] = []
        at: Any = self.content
        for part in parts:
            if isinstance(at, list):
                if part.isdigit() and int(part) < len(at):
                    location.append(int(part))
                    at = at[int(part)]
                    continue
                if part.isdigit() or len(at) != 1:
                    raise InputError(
                        f"--set {'.'.join(parts)}: expected a position from 0 to {len(at) - 1} "
                        f"before {part!r}"
                    )
                location.append(0)
                at = at[0]
            location.append(part)
            at = at.get(part, {}) if isinstance(at, dict) else {}
        return tuple(location)

    def place(self, location: Sequence[str | int]) -> str:
        """File and line of a value, or of the nearest thing around it that stands in the file."""
        for length in range(len(location), 0, -1):
            override = self._overrides.get(tuple(location[:length]))
            if override is not None:
                return f"--set {override}"
        line = self.line(location)
        return str(self.path) if line is None else f"{self.path}:{line}"

    def line(self, location: Sequence[str | int]) -> int | None:
        """Line (from 1) of a value, or of the nearest thing around it; None for the whole file."""
        node: Any = self._tree
        line = None
        for part in location:
            if isinstance(node, CommentedMap) and part in node:
                line = node.lc.key(part)[0] + 1
            elif isinstance(node, CommentedSeq) and isinstance(part, int) and part < len(node):
                line = node.lc.item(part)[0] + 1
            elif isinstance(node, CommentedMap) and part == 0:
                continue  # a list of one, written without the list
            else:
                break
            node = node[part]
        return line


def _parse(path: Path, text: str) -> Any:
    yaml = YAML(typ="rt")
    try:
        return yaml.load(text)
    except DuplicateKeyError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise InputError(f"{path}:{line}: a key stands there twice: {error.problem}") from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise InputError(f"{path}:{line}: no valid YAML: {error.problem}") from None
    except YAMLError as error:
        raise InputError(f"{path}: no valid YAML: {error}") from None


def _plain(node: Any) -> Any:
    if isinstance(node, CommentedMap):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, CommentedSeq):
        return [_plain(value) for value in node]
    if isinstance(node, bool) or node is None:
        return node
    if isinstance(node, int):
        return int(node)
    if isinstance(node, float):
        return float(node)
    return str(node)


def _kind(node: Any) -> str:
    return "an empty file" if node is None else f"a {type(node).__name__}"
