"""Writes the generated pages of the docs: python3 dev.py docs

docs/scenario-reference.md    every key of a scenario, from the schema
docs/figures.md               every figure, from the catalogue
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from models.redis.commands import COMMANDS
from models.spec import Scenario
from reports.figures import catalogue_markdown
from sim.fields import Duration, Rate

FOLDER = Path(__file__).parent
_GENERATED = "<!-- Written by `python3 dev.py docs`; change the source, not this page. -->\n"

_STATES = {
    "missing": "no row of any kind",
    "str_new": "`!redis|str|k` in the new format, an expiry inline",
    "str_legacy": "`!redis|str|k` holding raw bytes; an expiry in `!redis|ttl|k`",
    "str_bare": "the value under the user key itself; an expiry in `!redis|ttl|k`",
    "hll": "`!redis|hll|k`, a HyperLogLog: typed as a string, its GET replies nil",
    "list_meta": "`!lst|meta|k` and items",
    "list_delta": "items and length deltas, no meta row",
    "hash_wide": "`!hs|fld|` rows and a meta row",
    "hash_blob": "one legacy row `!redis|hash|k`",
    "set_wide": "`!st|mem|` rows and a meta row",
    "set_blob": "one legacy row `!redis|set|k`",
    "zset_wide": "`!zs|mem|` and `!zs|scr|` rows and a meta row",
    "zset_delta": "the same with a delta row instead of the meta row",
    "zset_blob": "one legacy row `!redis|zset|k`",
    "stream": "one row `!redis|stream|k` with all entries and groups",
}

_TYPES = {"string": "text", "integer": "whole number", "number": "number"}
_SCHEMAS = {
    "duration": TypeAdapter(Duration).json_schema(),
    "rate": TypeAdapter(Rate).json_schema(),
}
_QUANTITIES = {schema["pattern"]: name for name, schema in _SCHEMAS.items()}
"""What a text is, by its pattern."""
_OF_TYPE = {schema["description"] for schema in _SCHEMAS.values()}
"""Descriptions that say nothing of the one field."""


def reference() -> str:
    """The page of all keys of a scenario."""
    schema = Scenario.model_json_schema(by_alias=True)
    parts = [
        _GENERATED,
        "# Scenario reference\n",
        "Every key of a scenario file, with its default and where the default comes from.\n"
        "system.md stands for the description of the modelled system.\n"
        "Durations are text with a unit (ns, us, ms, s, m, h), such as `1.5ms`; 0 needs none.\n"
        "Rates are text as well, such as `200/s`.\n"
        "Editors complete keys from the JSON Schema that `readfence schema` prints.\n",
        "## The top level\n",
        *_table(schema, schema),
    ]
    laws = {name: definition for name, definition in _sections(schema) if _is_law(definition)}
    for name, definition in _sections(schema):
        if name not in laws:
            parts += _section(schema, name, definition)
    parts += ["## Latency laws\n", "Where a law is expected, a plain duration is a constant one.\n"]
    for name, definition in laws.items():
        parts += _section(schema, name, definition, level="###")
    parts += ["## Key states\n", "The encodings in which a key set can lie (`data.*.state`).\n"]
    parts.append("| state | rows |\n|---|---|")
    parts += [f"| `{state}` | {rows} |" for state, rows in _STATES.items()]
    parts.append(
        "\n`str_*`, `list_meta`, `hash_wide`, `set_wide` and `zset_wide` also come with `_ttl` (an "
        "expiry in the future) and `_expired` (in the past).\n"
    )
    parts += _commands()
    return "\n".join(parts)


def _commands() -> Iterator[str]:
    yield "## Commands\n"
    yield "All are answered as Redis 7.0 answers them. The modelled system has these:\n"
    modelled = [name for name, command in COMMANDS.items() if command.costs_as is None]
    yield ", ".join(f"`{name.decode()}`" for name in modelled) + ".\n"
    yield (
        "The others are unsupported by the modelled revision: there the script would fail. Each "
        "costs as its nearest relative, and a run that used one says so at its end (counter "
        "`unsupported.NAME`).\n"
    )
    yield "| costs as | commands |\n|---|---|"
    by_relative: dict[bytes, list[str]] = {}
    for name, command in COMMANDS.items():
        if command.costs_as is not None:
            by_relative.setdefault(command.costs_as, []).append(f"`{name.decode()}`")
    for relative, names in sorted(by_relative.items()):
        label = f"`{relative.decode()}`" if relative else "nothing read"
        yield f"| {label} | {', '.join(names)} |"
    yield ""


def _sections(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, definition in schema["$defs"].items():
        if "properties" in definition:
            yield name.removesuffix("Spec"), definition


def _section(
    schema: dict[str, Any], name: str, definition: dict[str, Any], level: str = "##"
) -> Iterator[str]:
    yield f"{level} {name}\n"
    yield f"{definition.get('description', '')}\n"
    yield from _table(schema, definition)


def _is_law(definition: dict[str, Any]) -> bool:
    """Whether a definition is one of the laws, all of which are also listed together."""
    properties = definition.get("properties", {})
    return "const" in properties.get("law", {}) or "jitter" in properties


def _table(schema: dict[str, Any], definition: dict[str, Any]) -> Iterator[str]:
    required = definition.get("required", [])
    yield "| key | type | default | meaning |\n|---|---|---|---|"
    for key, field in definition.get("properties", {}).items():
        default = "required" if key in required else _default(field)
        meaning = " ".join(str(field.get("description", "")).split())
        if meaning in _OF_TYPE:
            meaning = ""  # the type says it
        yield f"| `{key}` | {_type(schema, field)} | {default} | {meaning} |"
    yield ""


def _default(field: dict[str, Any]) -> str:
    if "default" not in field:
        return "see its section"
    value = field["default"]
    if value is None:
        return "none"
    if isinstance(value, dict) and value:
        return "see its section"
    return f"`{value if isinstance(value, str) and value else json.dumps(value)}`"


def _type(schema: dict[str, Any], field: dict[str, Any]) -> str:
    reference = field.get("$ref")
    if reference is not None:
        name = reference.rsplit("/", maxsplit=1)[-1]
        definition = schema["$defs"][name]
        if "properties" in definition:
            label = name.removesuffix("Spec")
            if _is_law(definition):
                return "[law](#latency-laws)"
            return f"[{label}](#{label.lower()})"
        return _type(schema, definition)
    for union in ("anyOf", "oneOf"):
        if union in field:
            kinds = [_type(schema, part) for part in field[union] if part.get("type") != "null"]
            return " or ".join(dict.fromkeys(kinds))
    if "enum" in field:
        if len(field["enum"]) > 8:
            return "one of the [states](#key-states)"
        return " \\| ".join(f"`{value}`" for value in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if field.get("pattern") in _QUANTITIES:
        return str(_QUANTITIES[field["pattern"]])
    kind = field.get("type", "any")
    if isinstance(kind, list):
        return " or ".join(_TYPES[part] for part in kind)
    if kind == "array":
        return f"list of {_type(schema, field.get('items', {}))}"
    if kind == "object":
        below = field.get("additionalProperties") or next(
            iter(field.get("patternProperties", {}).values()), None
        )
        return f"mapping to {_type(schema, below)}" if isinstance(below, dict) else "mapping"
    return _TYPES.get(kind, kind)


def figures() -> str:
    """The page of all figures."""
    return "\n".join(
        [
            _GENERATED,
            "# Figures\n",
            "What a run records and an expectation can name; `docs/fences.md` tells what the\n"
            "verification counts mean.\n",
            catalogue_markdown(),
            "\nEvery counter of the engine is a figure too, by its name, such as `rounds.sent`,\n"
            "`heartbeats.dropped`, `conflicts` or `n1.loop.busy_ns`.\n",
            "\nResources of every node, here of n1: `n1.cores`, `n1.workers` (scripts in\n"
            "progress), `n1.loop` (the engine), `n1.fsync` (its disk, for which the loop waits),\n"
            "and per peer `n1->n2.heartbeats` and `n1->n2.others` (outbound lanes).\n"
            "Of every open loop with `connections` those, such as `load.connections`.\n"
            "What is unlimited is no resource and has no figures.\n"
            "All are measured from the end of the warm-up to the end of the run.\n",
        ]
    )


PAGES = {"scenario-reference.md": reference, "figures.md": figures}


def main() -> None:
    """Write all pages."""
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
        print(f"wrote docs/{name}")


if __name__ == "__main__":
    main()
