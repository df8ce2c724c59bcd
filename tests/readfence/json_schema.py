"""As much of a JSON Schema validator as the schema of scenarios needs; it refuses any other key.

Not for use outside of tests: it stops at the first problem, and knows a dozen keywords.
"""

import re
from typing import Any

_ANNOTATIONS = {"$schema", "$defs", "title", "description", "default", "examples"}
_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
_KNOWN = {
    "$ref", "additionalProperties", "anyOf", "const", "enum", "exclusiveMinimum", "items",
    "maximum", "minItems", "maxItems", "minimum", "oneOf", "pattern", "patternProperties",
    "properties", "required", "type", "minProperties", "maxProperties", "propertyNames",
}  # fmt: skip


class Refused(Exception):
    """A value does not fit the schema; the text says where and why."""


def check_value(schema: dict[str, Any], value: Any) -> None:
    """Raises `Refused` when a value does not fit a schema."""
    _Validator(schema).check(schema, value, "")


class _Validator:
    def __init__(self, root: dict[str, Any]) -> None:
        self._definitions = root.get("$defs", {})

    def check(self, schema: dict[str, Any], value: Any, where: str) -> None:
        """Raises `Refused`."""
        unknown = schema.keys() - _ANNOTATIONS - _KNOWN - {"discriminator"}
        assert not unknown, f"this validator does not know {sorted(unknown)}"
        if "$ref" in schema:
            self.check(self._definitions[schema["$ref"].rsplit("/", 1)[-1]], value, where)
        self._check_plain(schema, value, where)
        self._check_unions(schema, value, where)
        if isinstance(value, list):
            for i, item in enumerate(value):
                self.check(schema.get("items", {}), item, f"{where}.{i}")
        if isinstance(value, dict):
            self._check_object(schema, value, where)

    def _check_plain(self, schema: dict[str, Any], value: Any, where: str) -> None:
        kinds = schema.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else kinds
        types = tuple(kind for name in kinds for kind in _KINDS[name])
        self._need(not types or (isinstance(value, types) and self._no_bool(value, types)), where,
                   f"{value!r} is no {' or '.join(kinds)}")  # fmt: skip
        self._need("const" not in schema or value == schema.get("const"), where, "const")
        self._need(value in schema.get("enum", [value]), where, f"{value!r} is none of the choices")
        if isinstance(value, str) and "pattern" in schema:
            self._need(bool(re.search(schema["pattern"], value)), where, f"{value!r} has no unit")
        if isinstance(value, int | float) and not isinstance(value, bool):
            self._need(value >= schema.get("minimum", value), where, "too small")
            self._need(value <= schema.get("maximum", value), where, "too large")
            bound = schema.get("exclusiveMinimum")
            self._need(bound is None or value > bound, where, "too small")
        if isinstance(value, list):
            low, high = schema.get("minItems", 0), schema.get("maxItems", len(value))
            self._need(low <= len(value) <= high, where, "number of entries")

    @staticmethod
    def _no_bool(value: Any, types: tuple[type, ...]) -> bool:
        return not isinstance(value, bool) or bool in types

    def _check_unions(self, schema: dict[str, Any], value: Any, where: str) -> None:
        for union in ("anyOf", "oneOf"):
            if union not in schema:
                continue
            fits, problems = 0, []
            for member in schema[union]:
                try:
                    self.check(member, value, where)
                    fits += 1
                except Refused as problem:
                    problems.append(str(problem))
            enough = fits == 1 if union == "oneOf" else fits > 0
            self._need(enough, where, f"fits {fits} alternatives: {problems}")

    def _check_object(self, schema: dict[str, Any], value: dict[str, Any], where: str) -> None:
        for name in schema.get("required", []):
            self._need(name in value, where, f"{name} is missing")
        for name, item in value.items():
            at = f"{where}.{name}"
            if name in schema.get("properties", {}):
                self.check(schema["properties"][name], item, at)
                continue
            patterns = schema.get("patternProperties", {})
            below = [part for pattern, part in patterns.items() if re.search(pattern, name)]
            rest = schema.get("additionalProperties", not patterns)
            if not below and isinstance(rest, dict):
                below = [rest]
            self._need(bool(below) or rest is True, at, "unknown key")
            for part in below:
                self.check(part, item, at)

    @staticmethod
    def _need(holds: bool, where: str, problem: str) -> None:
        if not holds:
            raise Refused(f"{where}: {problem}")
