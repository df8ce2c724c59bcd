"""Validation errors in the words of a scenario's author: where, what was expected, what came.

pydantic tells an error for each member of a union that a value fails to be, and names the member in
the location. An author knows no unions: here the alternatives become one sentence, and where the
value clearly means one of them (a mapping, say), only the errors of that one are told.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any, Final, TypeAlias

from pydantic import BaseModel, ValidationError

from readfence.places import Location

_SHOWN_MAX: Final = 60
"""Characters of a value that are shown."""

_NAMES_MAX: Final = 8
"""Names of keys that are listed where none is near."""

_TEXTS: Final[dict[str, str]] = {
    "missing": "expected a value",
    "int_type": "expected a whole number",
    "int_from_float": "expected a whole number",
    "int_parsing": "expected a whole number",
    "float_type": "expected a number",
    "float_parsing": "expected a number",
    "finite_number": "expected a finite number",
    "string_type": "expected text",
    "dict_type": "expected a mapping",
    "model_type": "expected a mapping",
    "model_attributes_type": "expected a mapping",
    "list_type": "expected a list",
}

_BOUNDS: Final[dict[str, Callable[[dict[str, Any]], str]]] = {
    "greater_than_equal": lambda bound: f"expected {bound['ge']:g} or more",
    "greater_than": lambda bound: f"expected more than {bound['gt']:g}",
    "less_than_equal": lambda bound: f"expected {bound['le']:,} or less",
    "less_than": lambda bound: f"expected less than {bound['lt']:g}",
    "too_short": lambda bound: f"expected at least {_entries(bound['min_length'])}",
    "too_long": lambda bound: f"expected at most {_entries(bound['max_length'])}",
    "string_pattern_mismatch": lambda bound: f"expected text that matches {bound['pattern']}",
    "literal_error": lambda bound: f"expected {bound['expected']}",
}


@dataclass(frozen=True, slots=True)
class _Fork:
    """A union on the way to an error, and the member of it that was tried."""

    depth: int
    """Parts of the location in front of the union."""
    member: str


@dataclass(frozen=True, slots=True)
class _Problem:
    """One error of pydantic."""

    location: Location
    """As it stands in the scenario."""
    forks: tuple[_Fork, ...]
    text: str
    got: str
    """What came, behind a comma; empty where the text says so already."""


def complaints(model: type[BaseModel], error: ValidationError) -> Iterator[tuple[Location, str]]:
    """Location and text of each error, locations as they stand in the scenario."""
    schema = _schema(model)
    problems = [_problem(schema, dict(item)) for item in error.errors(include_url=False)]
    for problem in _decided(problems, 0):
        yield problem.location, problem.text + problem.got


@cache
def _schema(model: type[BaseModel]) -> "_Schema":
    return model.model_json_schema()


def nearest(name: str, known: Iterable[str]) -> str:
    """Asks whether the nearest known name was meant; empty when none is near."""
    close = get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def _problem(schema: "_Schema", item: dict[str, Any]) -> _Problem:
    location, forks = _walk(schema, item["loc"])
    kind = item["type"]
    if kind == "extra_forbidden":
        name, known = str(location[-1]), _names(schema, item["loc"][:-1])
        hint = nearest(name, known) or f"; expected one of {_listed(sorted(known))}"
        return _Problem(location, forks, "unknown key", hint)
    if kind == "missing":
        return _Problem(location, forks, _TEXTS[kind], ", got none")
    text, value = _text(item), item["input"]
    if ", got" in text:
        return _Problem(location, forks, text, "")
    if kind == "value_error" and isinstance(value, dict):
        return _Problem(location, forks, text, f", got {_given(text, value)}")
    got = f", got {_shown(value)}"
    if kind == "literal_error" and isinstance(value, str):
        got += nearest(value, (word.strip("'") for word in _words(item["ctx"]["expected"])))
    return _Problem(location, forks, text, got)


def _listed(names: Sequence[str]) -> str:
    """The names, the last of very many left out."""
    more = len(names) - _NAMES_MAX
    return ", ".join(names) if more <= 1 else f"{', '.join(names[:_NAMES_MAX])} and {more} more"


def _text(item: dict[str, Any]) -> str:
    kind, bounds = item["type"], item.get("ctx", {})
    if kind in _TEXTS:
        return _TEXTS[kind]
    if kind in _BOUNDS:
        return _BOUNDS[kind](bounds)
    message = str(item["msg"]).removeprefix("Value error, ")
    return re.sub("^Input should be ", "expected ", message)


def _given(text: str, mapping: dict[str, Any]) -> str:
    """Which of the keys that a text names a mapping has."""
    named = [name for name in re.findall("`(\\w+)`", text) if mapping.get(name) is not None]
    return " and ".join(f"`{name}`" for name in named) or "none"


def _entries(count: int) -> str:
    return "one entry" if count == 1 else f"{count} entries"


def _words(listed: str) -> list[str]:
    """The choices of a message such as "'a', 'b' or 'c'"."""
    return listed.replace(" or ", ", ").split(", ")


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = repr(value) if isinstance(value, str) else _flow(value)
    return text if len(text) <= _SHOWN_MAX else text[: _SHOWN_MAX - 3] + "..."


def _flow(value: Any) -> str:
    """A value much as YAML writes it on one line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return str(value)


# -- unions -------------------------------------------------------------------------------------


def _decided(problems: Sequence[_Problem], level: int) -> Iterator[_Problem]:
    """The problems with the unions at `level` decided, those below them in turn."""
    unions: dict[Location, list[_Problem]] = {}
    for problem in problems:
        if len(problem.forks) > level:
            unions.setdefault(problem.location[: problem.forks[level].depth], []).append(problem)
    told: set[Location] = set()
    for problem in problems:
        if len(problem.forks) <= level:
            yield problem
            continue
        location = problem.location[: problem.forks[level].depth]
        if location not in told:
            told.add(location)
            yield from _one_union(location, unions[location], level)


def _one_union(location: Location, problems: Sequence[_Problem], level: int) -> Iterator[_Problem]:
    """What is told of one union whose members all refused a value."""
    refused = {p.forks[level].member for p in problems if p.location == location}
    meant = [p for p in problems if p.forks[level].member not in refused]
    members = {p.forks[level].member for p in problems}
    if meant or len(members) == 1:
        yield from _decided(meant or problems, level + 1)
        return
    texts = list(dict.fromkeys(p.text.removeprefix("expected ") for p in problems))
    alternatives = " or ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)
    got = max((p.got for p in problems), key=len)  # the one with a hint, if there is one
    yield _Problem(location, (), f"expected {alternatives}", got)


# -- where --------------------------------------------------------------------------------------

_Schema: TypeAlias = dict[str, Any]


def _walk(schema: _Schema, parts: Sequence[str | int]) -> tuple[Location, tuple[_Fork, ...]]:
    """The location of an error as it stands in the scenario, and the unions on the way to it."""
    kept: list[str | int] = []
    forks: list[_Fork] = []
    for part, at_union in _steps(schema, parts):
        if at_union:
            forks.append(_Fork(len(kept), str(part)))
        elif part != "[key]":  # behind a key that is wrong itself
            kept.append(part)
    return tuple(kept), tuple(forks)


def _names(schema: _Schema, parts: Sequence[str | int]) -> set[str]:
    """The keys that may stand at a location."""
    nodes = [_resolved(schema, schema)]
    for part in parts:
        nodes = _next(schema, nodes, part)
    return {name for node in nodes for name in node.get("properties", {})}


def _steps(schema: _Schema, parts: Sequence[str | int]) -> Iterator[tuple[str | int, bool]]:
    """Each part of a location, and whether it names the member of a union."""
    nodes = [_resolved(schema, schema)]
    for part in parts:
        # Members have names; a number is a position in a list.
        yield part, isinstance(part, str) and any(_members(schema, node) for node in nodes)
        nodes = _next(schema, nodes, part)


def _next(schema: _Schema, nodes: Sequence[_Schema], part: str | int) -> list[_Schema]:
    """The schemas of what lies one part below, several where it is not decided which holds."""
    members = [member for node in nodes for member in _members(schema, node)]
    if members and isinstance(part, str):
        return [member for member in members if _is_called(member, part)] or members
    nodes = members or nodes
    return [_resolved(schema, below) for node in nodes for below in _below(node, part)]


def _is_called(member: _Schema, name: str) -> bool:
    """Whether pydantic means this member of a union: by its class, or by a tag it must hold."""
    tags = [field.get("const") for field in member.get("properties", {}).values()]
    return member.get("title") == name or name.partition("-")[0] in tags


def _below(node: _Schema, part: str | int) -> Iterator[_Schema]:
    if isinstance(part, int):
        if "items" in node:
            yield node["items"]
    elif part in node.get("properties", {}):
        yield node["properties"][part]
    else:
        if isinstance(node.get("additionalProperties"), dict):
            yield node["additionalProperties"]
        yield from node.get("patternProperties", {}).values()


def _members(schema: _Schema, node: _Schema) -> list[_Schema]:
    """The members of a union; none for anything else, an optional value included."""
    members = _alternatives(node)
    return [_resolved(schema, member) for member in members] if len(members) > 1 else []


def _resolved(schema: _Schema, node: _Schema) -> _Schema:
    """A schema without what merely leads to it: references, and that it may be null."""
    while True:
        members = _alternatives(node)
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rsplit("/", maxsplit=1)[-1]]
        elif len(members) == 1:
            node = members[0]
        else:
            return node


def _alternatives(node: _Schema) -> list[_Schema]:
    members = node.get("anyOf") or node.get("oneOf") or []
    return [member for member in members if member.get("type") != "null"]
