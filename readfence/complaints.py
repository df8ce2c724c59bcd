"""Validation errors in the words of a scenario's author: where, what was expected, what came."""

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

_TEXTS = {
    "missing": "expected a value, got none",
    "int_type": "expected a whole number",
    "int_from_float": "expected a whole number",
    "int_parsing": "expected a whole number",
    "float_type": "expected a number",
    "float_parsing": "expected a number",
    "string_type": "expected text",
    "dict_type": "expected a mapping",
    "model_type": "expected a mapping",
    "model_attributes_type": "expected a mapping",
    "list_type": "expected a list",
}


def complaints(
    model: type[BaseModel], error: ValidationError
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Location and text of each error, locations as they stand in the scenario."""
    schema = model.model_json_schema()
    for item in error.errors(include_url=False):
        location = _in_scenario(schema, item["loc"])
        yield location, _text(schema, location, dict(item))


def _text(schema: dict[str, Any], location: tuple[str | int, ...], item: dict[str, Any]) -> str:
    kind = item["type"]
    if kind == "extra_forbidden":
        known = _names(schema, location[:-1])
        return f"unknown key{_nearest(str(location[-1]), known)}"
    text = _TEXTS.get(kind)
    if text is None:
        message = str(item["msg"]).removeprefix("Value error, ")
        text = message if message.startswith(("expected", "unknown")) else _reworded(message)
    if ", got" in text or kind == "missing" or isinstance(item.get("input"), dict | list):
        return text
    return f"{text}, got {_shown(item.get('input'))}"


def _reworded(message: str) -> str:
    for start in ("Input should be ", "String should ", "List should ", "Value should "):
        if message.startswith(start):
            return "expected " + message.removeprefix(start)
    return message


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _nearest(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; expected one of {', '.join(names)}" if names else ""


def _in_scenario(schema: dict[str, Any], location: Sequence[str | int]) -> tuple[str | int, ...]:
    """The location without the parts by which pydantic names the member of a union."""
    kept: list[str | int] = []
    nodes = [schema]
    for part in location:
        below = list(_below(schema, nodes, part))
        if below:
            kept.append(part)
            nodes = below
        elif part == location[-1]:
            kept.append(part)  # an unknown key
    while kept and isinstance(kept[-1], str) and kept[-1].startswith(("function-", "[key]")):
        kept.pop()
    return tuple(kept)


def _names(schema: dict[str, Any], location: Sequence[str | int]) -> set[str]:
    nodes = [schema]
    for part in location:
        nodes = list(_below(schema, nodes, part))
    return {name for node in _resolved(schema, nodes) for name in node.get("properties", {})}


def _below(
    schema: dict[str, Any], nodes: Sequence[dict[str, Any]], part: str | int
) -> Iterator[dict[str, Any]]:
    for node in _resolved(schema, nodes):
        if isinstance(part, int):
            if "items" in node:
                yield node["items"]
        elif part in node.get("properties", {}):
            yield node["properties"][part]
        else:
            if isinstance(node.get("additionalProperties"), dict):
                yield node["additionalProperties"]
            yield from node.get("patternProperties", {}).values()


def _resolved(schema: dict[str, Any], nodes: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for node in nodes:
        yield node
        reference = node.get("$ref")
        if reference is not None:
            name = reference.rsplit("/", maxsplit=1)[-1]
            yield from _resolved(schema, [schema["$defs"][name]])
        for union in ("anyOf", "oneOf", "allOf"):
            yield from _resolved(schema, node.get(union, ()))
