"""Scenario files: finding, reading and checking them, and the variants they come to."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from models.cluster import counter_names, resource_names
from models.engine.rounds import WOULD_DROP
from models.load_spec import CallSpec
from models.spec import Scenario, System
from models.workload.recording import Recording
from readfence.complaints import complaints, nearest
from readfence.packages import lua_of
from readfence.places import Document, Location
from readfence.recordings.files import load_recording
from readfence.references import Problem, reference_problems
from reports.expect import parse
from reports.planning.objective import parse_objective
from reports.resources import figure_names
from sim.errors import InputError

SUFFIX: Final = ".yaml"
ENVELOPE: Final = ("title", "about", "seed", "variants", "expect", "drawn", "sweep", "plan")
"""Keys of a scenario that no variant may set."""
_SHOWN_MAX: Final = 200
"""Characters of what was typed that messages show."""
_LUA_LINE: Final = re.compile(r"no valid Lua: \w+:(\d+):")

Model = TypeVar("Model", bound=BaseModel)


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
    """On which line of the file each expectation stands; None for those that an option gave."""
    lua_files: dict[str, str]
    needs_plan: bool
    """Whether an expectation names a figure of a plan."""
    overrides: tuple[str, ...] = ()
    """What the command line set, as typed; a seed of its own is in the scenario."""
    recordings: dict[str, Recording] = field(default_factory=dict)


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
    if not name:
        raise InputError("expected a scenario file or the name of a shipped one, got nothing")
    path = Path(name)
    try:
        if path.is_dir():
            raise InputError(f"{name}: expected a scenario file, got a folder")
        if path.exists():
            return path
    except OSError as error:
        raise InputError(f"{_brief(name)}: cannot be read: {_why(error)}") from error
    if path.suffix != SUFFIX and not path.is_absolute():
        known = shipped_folder() / f"{name}{SUFFIX}"
        if known.is_file():
            return known
    hint = nearest(path.stem, shipped()) or " (see: readfence list)"
    raise InputError(f"{name}: no such file, and no shipped scenario of that name{hint}")


def load(name: str, assignments: Sequence[str] = (), seed: int | None = None) -> Loaded:
    """Read and check a scenario, with the overrides of the command line.

    Raises `InputError` that tells every complaint, each with file and line.
    """
    loaded = read(open_document(name, assignments, seed))
    return replace(loaded, overrides=tuple(map(_brief, assignments)))


def title_and_variants(name: str) -> tuple[str, list[str]]:
    """Title of a scenario and names of its variants, before anything that it names is looked for.

    Raises `InputError`.
    """
    content = open_document(name).content
    return str(content.get("title", "")), list(content.get("variants") or [_alone(content)])


def open_document(name: str, assignments: Sequence[str] = (), seed: int | None = None) -> Document:
    """A scenario as text, with the overrides of the command line; not checked yet.

    Raises `InputError` when it cannot be read, is no mapping, or an override leads nowhere.
    """
    path = find(name)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {_why(error)}") from error
    document = Document(path, text)
    for assignment in assignments:
        document.override(assignment, option=f"--set {_brief(assignment)}")
    if seed is not None:
        document.override(f"seed={seed}", option=f"--seed {seed}")
    return document


def read(document: Document) -> Loaded:
    """Check a scenario. Raises `InputError` that tells every complaint, each with file and line."""
    return _Reader(document).read()


def read_variants(document: Document) -> tuple[list[Variant], dict[str, str]]:
    """The variants of a scenario that was read, after some of its settings were changed.

    Beside them, the text of each Lua file that they name. Raises `InputError` as `read` does.
    """
    return _Reader(document).checked_variants()


class _Reader:
    """Checks one document, gathering complaints."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._complaints: dict[str, None] = {}
        self._needs_plan = False

    def read(self) -> Loaded:
        path = self._document.path
        scenario = self._validated(Scenario, self._document.content, self._complain)
        self._raise_if_any()
        assert scenario is not None
        variants, texts = self.checked_variants()
        self._check_objective(scenario)
        lines = self._expectation_lines(scenario, variants)
        self._raise_if_any()
        recordings = _recordings(path.parent, variants)
        return Loaded(
            path.stem,
            path,
            scenario,
            variants,
            lines,
            texts,
            self._needs_plan,
            recordings=recordings,
        )

    def checked_variants(self) -> tuple[list[Variant], dict[str, str]]:
        variants = self._variants()
        self._raise_if_any()
        lua_files = _lua_files(self._document.path.parent, variants)
        self._check_references(variants, lua_files)
        self._raise_if_any()
        texts = {name: text for name, text in lua_files.items() if isinstance(text, str)}
        return variants, texts

    def _raise_if_any(self) -> None:
        if self._complaints:
            raise InputError("\n".join(self._complaints))

    def _complain(
        self, location: Location, text: str, *, variant: str = "", place: str | None = None
    ) -> None:
        """Note a complaint; of one `variant`, if named, rather than of the scenario."""
        inside = ("variants", variant, *location)
        if variant and self._stands_in(inside, location):
            location = inside
        elif variant:
            text += f" (in variant {variant})"
        dotted = ".".join(str(part) for part in self._document.as_written(location))
        place = place or self._document.place(location)
        self._complaints[f"{place}: {dotted}: {text}" if dotted else f"{place}: {text}"] = None

    def _stands_in(self, inside: Location, outside: Location) -> bool:
        """Whether a variant, rather than the scenario around it, says what is complained of."""
        missing = self._document.missing
        return missing(inside) <= missing(outside) and missing(inside) < len(inside) - 2

    def _complain_of(self, found: Mapping[Problem, Sequence[str]], among: int) -> None:
        """Note problems, each with the variants that have it, `among` so many.

        What none of them says itself, and all have, is told once.
        """
        for (location, text), names in found.items():
            place = self._lua_place(location, text)
            own = [self._stands_in(("variants", name, *location), location) for name in names]
            if len(names) == among and not any(own):
                self._complain(location, text, place=place)
                continue
            for name in names:
                self._complain(location, text, variant=name, place=place)

    def _validated(
        self, model: type[Model], content: dict[str, Any], complain: Callable[[Location, str], None]
    ) -> Model | None:
        try:
            return model.model_validate(content)
        except ValidationError as error:
            for location, text in complaints(model, error):
                complain(location, text)
            return None

    def _variants(self) -> list[Variant]:
        content = self._document.content
        base = {key: value for key, value in content.items() if key not in ENVELOPE}
        variants: list[Variant] = []
        found: dict[Problem, list[str]] = {}
        named = content.get("variants") or {_alone(content): {}}
        for name, settings in named.items():
            for key in settings:
                if key in ENVELOPE:
                    text = "expected a setting of a variant, got one of the whole scenario"
                    self._complain(("variants", name, key), text)
            own = {key: value for key, value in settings.items() if key not in ENVELOPE}

            def note(location: Location, text: str, name: str = name) -> None:
                found.setdefault((location, text), []).append(name)

            system = self._validated(System, _merged(base, own), note)
            if system is not None:
                variants.append(Variant(name, settings, system))
        self._complain_of(found, len(named))
        return variants

    def _check_references(
        self, variants: Sequence[Variant], lua_files: Mapping[str, str | InputError]
    ) -> None:
        found: dict[Problem, list[str]] = {}
        for variant in variants:
            for problem in reference_problems(variant.system, lua_files):
                found.setdefault(problem, []).append(variant.name)
        self._complain_of(found, len(variants))

    def _lua_place(self, location: Location, text: str) -> str | None:
        """The very line of an error in Lua, if it can be told."""
        line = _LUA_LINE.match(text)
        if line is None:
            return None
        at = self._document.line_of_text(location, int(line[1]))
        return None if at is None else f"{self._document.path}:{at}"

    def _check_objective(self, scenario: Scenario) -> None:
        if scenario.plan is not None:
            try:
                parse_objective(scenario.plan.slo)
            except InputError as error:
                self._complain(("plan", "slo"), str(error))

    def _expectation_lines(
        self, scenario: Scenario, variants: Sequence[Variant]
    ) -> list[int | None]:
        names = [variant.name for variant in variants]
        counters = counter_names(scenario.cluster.nodes)
        for variant in variants:
            counters += figure_names(resource_names(variant.system))
            if variant.system.fidelity == "rounds":
                counters.append(WOULD_DROP)
        for i, text in enumerate(scenario.expect):
            try:
                expectation = parse(text, variants=names, counters=counters)
            except InputError as error:
                self._complain(("expect", i), str(error))
                continue
            self._needs_plan |= expectation.of_plan
            if expectation.of_plan and scenario.plan is None:
                self._complain(("expect", i), "expected a section `plan:` for a figure of a plan")
        return [self._document.line(("expect", i)) for i in range(len(scenario.expect))]


def _alone(content: Mapping[str, Any]) -> str:
    """The name of the only variant, where there are no others."""
    return str(content.get("fence", System.model_fields["fence"].default))


def _lua_files(folder: Path, variants: Sequence[Variant]) -> dict[str, str | InputError]:
    """The text of every script that a variant names, or why it cannot be read."""
    files: dict[str, str | InputError] = {}
    for variant in variants:
        for load_spec in variant.system.workload:
            for call in load_spec.scripts:
                if call.source is not None and call.source not in files:
                    files[call.source] = _lua(folder, call)
    return files


def _lua(folder: Path, call: CallSpec) -> str | InputError:
    if call.lua_package is None:
        assert call.lua_file is not None
        return _lua_file(folder / call.lua_file)
    try:
        return lua_of(call.lua_package)
    except InputError as error:
        return error


def _recordings(folder: Path, variants: Sequence[Variant]) -> dict[str, Recording]:
    """Every recording that a variant replays. Raises `InputError`."""
    recordings: dict[str, Recording] = {}
    for variant in variants:
        for load_spec in variant.system.workload:
            if load_spec.replay is not None and load_spec.replay not in recordings:
                file = folder / load_spec.replay
                recordings[load_spec.replay] = load_recording(file, load_spec.lua_packages)
    return recordings


def _lua_file(path: Path) -> str | InputError:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return InputError(f"expected a Lua file, got {path}, which cannot be read: {_why(error)}")


def _merged(base: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `settings` laid over it: mappings merge, everything else is replaced."""
    merged = dict(base)
    for key, value in settings.items():
        below = merged.get(key)
        both = isinstance(below, dict) and isinstance(value, dict)
        merged[key] = _merged(below, value) if both else value  # type: ignore[arg-type]
    return merged


def _brief(typed: str) -> str:
    return typed if len(typed) <= _SHOWN_MAX else f"{typed[:_SHOWN_MAX]}..."


def _why(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
