"""Scenario text with the place of each value in the file, and overrides from the command line.

A location is the path to a value, as in `("workload", 0, "clients")`. Lists of one may stand
without the list in a scenario; a location may go through such a list or around it.
"""

import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.scalarstring import LiteralScalarString

from sim.errors import InputError

Location = tuple[str | int, ...]

VALUES_MAX: Final = 100_000
"""Values in one file; aliases count as often as they are used."""
_TOO_DEEP: Final = "expected less nesting, got hundreds of levels"
DIGITS_MAX: Final = 1_000
"""Digits of a whole number; Python itself refuses to read or write some thousands."""
_TOO_LONG: Final = f"expected whole numbers of at most {DIGITS_MAX:,} digits, got a longer one"
_LONG_NUMBER: Final = re.compile(rf"[0-9](_*[0-9]){{{DIGITS_MAX}}}")
_UNSET: Final = ("null", "~")
"""What an override says to take a setting away."""
_TAKEN_AWAY: Final = object()


class Document:
    """A YAML file: its plain content, and on which line each value stands."""

    def __init__(self, path: Path, text: str) -> None:
        """Raises `InputError` when the text is no YAML mapping."""
        self.path = path
        tree = _parse(str(path), text)
        if not isinstance(tree, CommentedMap):
            raise InputError(f"{path}: expected a mapping of settings, got {_kind(tree)}")
        self._tree = tree
        self.content: dict[str, Any] = _plain(str(path), tree)
        self._overrides: dict[Location, str] = {}

    def override(self, assignment: str, *, option: str) -> None:
        """Apply one `key.path=value` of the command line; the value is read as YAML.

        A plain `null` takes away what a mapping says, so that the default holds.
        `option` is what was typed, for messages. Raises `InputError` when it is no such assignment
        or its path leads through a plain value.
        """
        path, equals, text = assignment.partition("=")
        parts = path.split(".")
        if not equals or not all(parts):
            raise InputError(f"{option}: expected key=value, such as cluster.nodes=5")
        value = _plain(option, _parse(option, text))
        self.put(parts, _TAKEN_AWAY if text.strip() in _UNSET else value, option=option)

    def put(self, parts: Sequence[str], value: Any, *, option: str) -> None:
        """Set the value at a path of keys and positions, on behalf of `option`.

        Raises `InputError` when the path leads through a plain value.
        """
        location = self._expand(option, parts)
        parent: Any = self.content
        for part in location[:-1]:
            parent = parent[part] if isinstance(part, int) else parent.setdefault(part, {})
            if not isinstance(parent, dict | list):
                raise InputError(f"{option}: {part} is a plain value, not a mapping")
        if value is _TAKEN_AWAY and isinstance(parent, dict):
            parent.pop(location[-1], None)
        else:
            parent[location[-1]] = value
        self._overrides[location] = option

    def copy(self) -> "Document":
        """One whose values can be set without a change to this one."""
        twin = object.__new__(Document)
        twin.path, twin._tree = self.path, self._tree
        twin.content, twin._overrides = deepcopy(self.content), dict(self._overrides)
        return twin

    def _expand(self, option: str, parts: Sequence[str]) -> Location:
        """The path with list positions as numbers; a list of one needs no position."""
        location: list[str | int] = []
        at: Any = self.content
        for part in parts:
            if isinstance(at, list):
                position = _position(option, part, len(at))
                location.append(position)
                at = at[position]
                if part.isdigit():
                    continue
            location.append(part)
            at = at.get(part, {}) if isinstance(at, dict) else {}
        return tuple(location)

    def as_written(self, location: Sequence[str | int]) -> Location:
        """The location without the positions in lists of one that stand without the list."""
        written: list[str | int] = []
        at: Any = self.content
        for part in location:
            if part == 0 and isinstance(at, dict):
                continue
            written.append(part)
            at = _below(at, part)
        return tuple(written)

    def place(self, location: Sequence[str | int]) -> str:
        """File and line of a value, or of the nearest thing around it; or the option that set it.

        Where the file and an option know equally much of the location, the file is named; where
        options set parts of what the file says there, they are named as well.
        """
        location = self.as_written(location)
        depth, line = self._nearest(location)
        inside = []
        for overridden, option in reversed(self._overrides.items()):
            shared = _shared(overridden, location)
            if shared == len(overridden) or shared > depth:
                return option
            if location and shared == len(location):
                inside.append(option)
        file = str(self.path) if line is None else f"{self.path}:{line}"
        return ", ".join([*reversed(inside), file])

    def line(self, location: Sequence[str | int]) -> int | None:
        """Line (from 1) of a value, or of the nearest thing around it.

        None when nothing around it stands in the file, or when an option replaced it.
        """
        location = self.as_written(location)
        if any(_shared(overridden, location) == len(overridden) for overridden in self._overrides):
            return None
        return self._nearest(location)[1]

    def missing(self, location: Sequence[str | int]) -> int:
        """How many parts of a location stand neither in the file nor in an option."""
        location = self.as_written(location)
        shared = [_shared(overridden, location) for overridden in self._overrides]
        return len(location) - max([self._nearest(location)[0], *shared])

    def line_of_text(self, location: Sequence[str | int], line: int) -> int | None:
        """On which line of the file a line (from 1) of a text stands, if the text is a block (`|`).

        None for texts that are written otherwise, or by an option.
        """
        location = self.as_written(location)
        first = self.line(location)
        depth, node = 0, self._tree
        for depth, (node, _) in enumerate(self._steps(location), start=1):  # noqa: B007
            pass
        if first is None or depth < len(location) or not isinstance(node, LiteralScalarString):
            return None
        return first + line

    def _nearest(self, location: Location) -> tuple[int, int | None]:
        """How many parts of a location stand in the file, and the line of the last one."""
        depth, line = 0, None
        for depth, (_, found) in enumerate(self._steps(location), start=1):  # noqa: B007
            line = found or line
        return depth, line

    def _steps(self, location: Location) -> Iterator[tuple[Any, int | None]]:
        """Each value on the way to a location, and its line; None where YAML does not tell."""
        node: Any = self._tree
        for part in location:
            if isinstance(node, CommentedSeq):
                if not isinstance(part, int) or part >= len(node):
                    return
                key, where = part, node.lc.item
            elif isinstance(node, CommentedMap):
                keys = {_key(key): key for key in node}
                if part not in keys:
                    return
                key, where = keys[part], node.lc.key
            else:
                return
            # What a merge key (<<) brought in has no line of its own.
            line = where(key)[0] + 1 if key in (node.lc.data or {}) else None
            node = node[key]
            yield node, line


def _position(option: str, part: str, length: int) -> int:
    """The position in a list of so many that a part of a path means."""
    if part.isdigit() and int(part) < length:
        return int(part)
    if part.isdigit() or length != 1:
        raise InputError(f"{option}: expected a position from 0 to {length - 1}, got {part!r}")
    return 0


def _below(node: Any, part: str | int) -> Any:
    if isinstance(node, dict):
        return node.get(part)
    if isinstance(node, list) and isinstance(part, int) and part < len(node):
        return node[part]
    return None


def _shared(one: Location, other: Location) -> int:
    """How many parts two locations have in common from their start."""
    count = 0
    for mine, yours in zip(one, other, strict=False):
        if mine != yours:
            break
        count += 1
    return count


def _parse(where: str, text: str) -> Any:
    try:
        return YAML(typ="rt").load(text)
    except DuplicateKeyError as error:
        problem = f"a key stands there twice: {error.problem}"
        raise InputError(f"{_marked(where, error)}: {problem}") from None
    except MarkedYAMLError as error:
        raise InputError(f"{_marked(where, error)}: no valid YAML: {_problem(error)}") from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        character = f"U+{ord(text[error.position]):04X}"
        raise InputError(
            f"{where}:{line}: no valid YAML: the character {character} is not allowed"
        ) from None
    except YAMLError as error:
        raise InputError(f"{where}: no valid YAML: {error}") from None
    except ValueError as error:  # of a number or a date
        raise _no_value(where, text, error) from None
    except RecursionError:
        raise InputError(f"{where}: {_TOO_DEEP}") from None


def _no_value(where: str, text: str, error: ValueError) -> InputError:
    found = _LONG_NUMBER.search(text)
    if found is None:
        return InputError(f"{where}: no valid YAML: {error}")
    line = text.count("\n", 0, found.start()) + 1
    place = where if where.startswith("--") else f"{where}:{line}"
    return InputError(f"{place}: {_TOO_LONG}")


def _marked(where: str, error: MarkedYAMLError) -> str:
    """The place with the line of the error; an option is one line."""
    mark = error.problem_mark
    return where if mark is None or where.startswith("--") else f"{where}:{mark.line + 1}"


def _problem(error: MarkedYAMLError) -> str:
    problem = str(error.problem)
    return f"{error.context}, {problem}" if problem.startswith("but ") else problem


def _plain(where: str, tree: Any) -> Any:
    """The content as plain Python. Raises `InputError` when it is too much, or no tree at all."""
    left = VALUES_MAX

    def plain(node: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise InputError(f"{where}: expected at most {VALUES_MAX:,} values, got more")
        if isinstance(node, CommentedMap):
            return {_text_key(where, node, key): plain(value) for key, value in node.items()}
        if isinstance(node, CommentedSeq):
            return [plain(value) for value in node]
        if isinstance(node, bool) or node is None:
            return node
        if isinstance(node, int):
            if abs(node) >= 10**DIGITS_MAX:
                raise InputError(f"{where}: {_TOO_LONG}")
            return int(node)
        if isinstance(node, float):
            return float(node)
        return str(node)

    try:
        return plain(tree)
    except RecursionError:
        raise InputError(f"{where}: {_TOO_DEEP}") from None


def _text_key(where: str, node: CommentedMap, key: Any) -> str:
    if isinstance(key, tuple | dict | list):
        line = node.lc.key(key)[0] + 1 if key in (node.lc.data or {}) else node.lc.line + 1
        raise InputError(f"{where}:{line}: expected a key that is text, got a list or a mapping")
    return _key(key)


def _key(key: Any) -> str:
    """A key as it is written in YAML."""
    if isinstance(key, bool):
        return "true" if key else "false"
    return "null" if key is None else str(key)


def _kind(node: Any) -> str:
    if node is None:
        return "an empty file"
    return "a list" if isinstance(node, CommentedSeq) else "a plain value"
