"""Scenario files: finding, reading and checking them, and the variants they come to."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.script.syntax import syntax_error
from pydantic import BaseModel, ValidationError

from models.cluster import counter_names
from models.redis.key_states import type_of
from models.redis.table import COMMANDS
from models.spec import Scenario, System
from readfence.complaints import complaints
from readfence.places import Document, Location
from reports.expect import parse
from sim.errors import InputError

SUFFIX = ".yaml"
_ENVELOPE = ("title", "about", "seed", "variants", "expect")
"""Keys of a scenario that no variant may set."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One run that a scenario comes to."""

    name: str
    settings: dict[str, Any]
    """What it sets, as written."""
    system: System


@dataclass(frozen=True, slots=True)
class Loaded:
    """A scenario, read and checked."""

    name: str
    path: Path
    scenario: Scenario
    variants: list[Variant]
    expectation_lines: list[int | None]
    """On which line of the file each expectation stands."""
    lua_files: dict[str, str]


def shipped_folder() -> Path:
    """Where the shipped scenarios lie: in the package when installed, beside it in a checkout."""
    inside = Path(__file__).parent / "scenarios"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "scenarios"


def shipped() -> list[str]:
    """Names of the shipped scenarios; gates that must fail are not among them."""
    return sorted(path.stem for path in shipped_folder().glob(f"*{SUFFIX}"))


def find(name: str) -> Path:
    """The file that a user means by a path or by the name of a shipped scenario.

    Raises `InputError` when there is neither.
    """
    path = Path(name)
    if path.is_file():
        return path
    if path.suffix != SUFFIX and not path.is_absolute():
        shipped = shipped_folder() / f"{name}{SUFFIX}"
        if shipped.is_file():
            return shipped
    if path.is_dir():
        raise InputError(f"{name}: expected a scenario file, got a folder")
    raise InputError(
        f"{name}: no such file, and no shipped scenario of that name (see: readfence list)"
    )


def load(name: str, assignments: list[str] | None = None, seed: int | None = None) -> Loaded:
    """Read and check a scenario, with the overrides of the command line.

    Raises `InputError` that tells every complaint, each with file and line.
    """
    path = find(name)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    document = Document(path, text)
    for assignment in assignments or []:
        document.override(assignment)
    if seed is not None:
        document.override(f"seed={seed}")
    return _Reader(document).read()


class _Reader:
    """Checks one document, gathering complaints."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._complaints: dict[str, None] = {}

    def read(self) -> Loaded:
        path = self._document.path
        scenario = self._validated(Scenario, self._document.content, ())
        self._raise_if_any()
        assert isinstance(scenario, Scenario)
        variants = self._variants(scenario)
        self._raise_if_any()
        lua_files = self._lua_files(variants)
        for variant in variants:
            self._check_references(variant, lua_files)
        lines = self._expectation_lines(scenario, variants)
        self._raise_if_any()
        return Loaded(path.stem, path, scenario, variants, lines, lua_files)

    def _complain(self, location: Location, text: str) -> None:
        dotted = ".".join(str(part) for part in location)
        place = self._document.place(location)
        self._complaints[f"{place}: {dotted}: {text}" if dotted else f"{place}: {text}"] = None

    def _raise_if_any(self) -> None:
        if self._complaints:
            raise InputError("\n".join(self._complaints))

    def _validated(
        self, model: type[BaseModel], content: dict[str, Any], prefix: Location
    ) -> BaseModel | None:
        try:
            return model.model_validate(content)
        except ValidationError as error:
            for location, text in complaints(model, error):
                self._complain((*prefix, *location), text)
            return None

    def _variants(self, scenario: Scenario) -> list[Variant]:
        base = {key: value for key, value in self._document.content.items() if key not in _ENVELOPE}
        named = scenario.variants or {scenario.fence: {}}
        variants = []
        for name, settings in named.items():
            forbidden = [key for key in settings if key in _ENVELOPE]
            for key in forbidden:
                self._complain(("variants", name, key), "belongs to the scenario, not to a variant")
            if forbidden:
                continue
            system = self._validated(System, _merged(base, settings), ("variants", name))
            if isinstance(system, System):
                variants.append(Variant(name, settings, system))
        return variants

    def _lua_files(self, variants: list[Variant]) -> dict[str, str]:
        texts: dict[str, str] = {}
        for variant in variants:
            for g, load_spec in enumerate(variant.system.workload):
                for c, call in enumerate(load_spec.scripts):
                    if call.lua_file is None or call.lua_file in texts:
                        continue
                    path = self._document.path.parent / call.lua_file
                    try:
                        texts[call.lua_file] = path.read_text(encoding="utf-8")
                    except (OSError, UnicodeDecodeError) as error:
                        where = ("workload", g, "scripts", c, "lua_file")
                        self._complain(where, f"{path} cannot be read: {_why(error)}")
                        texts[call.lua_file] = ""
        return texts

    def _check_references(self, variant: Variant, lua_files: dict[str, str]) -> None:
        for location, text in reference_problems(variant.system, lua_files):
            inside = ("variants", variant.name, *location)
            written = location and location[0] in variant.settings
            self._complain(inside if written else location, text)

    def _expectation_lines(self, scenario: Scenario, variants: list[Variant]) -> list[int | None]:
        names = [variant.name for variant in variants]
        counters = counter_names(scenario.cluster.nodes)
        for i, text in enumerate(scenario.expect):
            try:
                parse(text, variants=names, counters=counters)
            except InputError as error:
                self._complain(("expect", i), str(error))
        return [self._document.line(("expect", i)) for i in range(len(scenario.expect))]


def reference_problems(system: System, lua_files: dict[str, str]) -> "list[tuple[Location, str]]":
    """What does not fit together in a system whose parts are each valid."""
    problems: list[tuple[Location, str]] = []
    nodes = [f"n{i}" for i in range(1, system.cluster.nodes + 1)]

    def node(location: Location, name: str | None) -> None:
        if name is not None and name[0] == "n" and name[1:].isdigit() and name not in nodes:
            problems.append((location, f"expected a node from n1 to {nodes[-1]}, got {name!r}"))

    node(("cluster", "leader"), system.cluster.leader)
    for link in system.network.links:
        for name in link.split("->"):
            node(("network", "links", link), name)
    for i, event in enumerate(system.events):
        for kind in ("step_down", "transfer_to", "stall"):
            node(("events", i, kind), getattr(event, kind))
    problems += _timer_problems(system)
    if system.stop.scripts is not None and system.warmup.time is not None:
        problems.append((("warmup",), "expected `scripts`, since `stop` counts scripts"))
    if system.stop.scripts is None and (system.warmup.scripts or 0) > 0:
        problems.append((("warmup",), "expected `time`, since `stop` is a time"))
    for g, load_spec in enumerate(system.workload):
        node(("workload", g, "attach"), load_spec.attach)
        if [other.name for other in system.workload].count(load_spec.name) > 1:
            problems.append((("workload", g, "name"), f"two groups are called {load_spec.name!r}"))
        problems += _call_problems(system, g, lua_files)
    problems += _data_problems(system)
    return problems


def _timer_problems(system: System) -> list[tuple[Location, str]]:
    engine = system.engine
    if engine.tick == 0:
        return [(("engine", "tick"), "expected a duration above 0")]
    problems: list[tuple[Location, str]] = [
        (("engine", name), "expected a whole number of ticks, at least one")
        for name in ("heartbeat", "election")
        if getattr(engine, name) % engine.tick or getattr(engine, name) == 0
    ]
    if engine.heartbeat >= engine.election:
        problems.append((("engine", "heartbeat"), "expected less than the election timeout"))
    return problems


def _call_problems(
    system: System, group: int, lua_files: dict[str, str]
) -> list[tuple[Location, str]]:
    problems: list[tuple[Location, str]] = []
    for c, call in enumerate(system.workload[group].scripts):
        at: Location = ("workload", group, "scripts", c)
        body = lua_files.get(call.lua_file or "", call.lua or "")
        if call.command is not None:
            if call.command[0].upper().encode() not in COMMANDS:
                known = ", ".join(name.decode() for name in COMMANDS)
                problems.append(
                    ((*at, "command"), f"unknown command {call.command[0]!r}; built are {known}")
                )
        elif (error := syntax_error(body.encode())) is not None:
            key = "lua" if call.lua is not None else "lua_file"
            problems.append(((*at, key), f"no valid Lua: {error}"))
        for k, keys in enumerate(call.keys):
            if isinstance(keys, str):
                continue
            data = system.data.get(keys.from_)
            where: Location = (*at, "keys", k)
            if data is None:
                known = ", ".join(system.data) or "none"
                problems.append(
                    ((*where, "from"), f"no key set {keys.from_!r} under `data` (there: {known})")
                )
                continue
            size = data.count if data.keys is None else len(data.keys)
            if size is not None and keys.count > size:
                problems.append(
                    ((*where, "count"), f"expected at most the {size} of the set, got {keys.count}")
                )
    return problems


_CONTENT: dict[str, tuple[type, str]] = {
    "string": (str, "text"),
    "list": (list, "a list"),
    "set": (list, "a list"),
    "hash": (dict, "a mapping of field to value"),
    "zset": (dict, "a mapping of member to score"),
}


def _data_problems(system: System) -> list[tuple[Location, str]]:
    problems: list[tuple[Location, str]] = []
    seen: dict[str, str] = {}
    for name, data in system.data.items():
        expected = _CONTENT.get(type_of(data.state))
        if data.value is not None and expected and not isinstance(data.value, expected[0]):
            problems.append(
                (("data", name, "value"), f"expected {expected[1]} for the state {data.state}")
            )
        elif type_of(data.state) == "zset" and isinstance(data.value, dict):
            for member, score in data.value.items():
                if isinstance(score, str):
                    problems.append(
                        (("data", name, "value", member), f"expected a number, got {score!r}")
                    )
        for key in data.keys or [f"{name}:"]:
            if key in seen:
                problems.append((("data", name), f"the key {key!r} is in {seen[key]!r} already"))
            seen[key] = name
    return problems


def _merged(base: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """`base` with `settings` laid over it: mappings merge, everything else is replaced."""
    merged = dict(base)
    for key, value in settings.items():
        below = merged.get(key)
        both = isinstance(below, dict) and isinstance(value, dict)
        merged[key] = _merged(below, value) if both else value  # type: ignore[arg-type]
    return merged


def _why(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
