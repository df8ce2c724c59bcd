"""Running a scenario: variant after variant, and where the results go."""

import gc
import json
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any, TextIO

from models.workload.recording import Recording
from models.world import World
from readfence.exits import writing
from readfence.scenarios import Loaded, Variant
from readfence.watchdog import GiveUp, watched
from sim.errors import InputError, LimitReached, Stalled
from sim.record import RunRecord, VariantRecord, write_run
from sim.trace import Trace
from sim.units import SECOND, human_duration

_LIBRARIES = ("simpy", "lupa", "greenlet", "numpy", "matplotlib", "pydantic", "ruamel.yaml", "lark")

Progress = Callable[[str, int, int | None], None]
"""Called now and then with a variant's name, its scripts answered so far, and how many there will
be (None when it stops by time)."""


@dataclass(frozen=True, slots=True)
class Result:
    """A run and what it took on this machine."""

    record: RunRecord
    wall_s: dict[str, float]
    """Real seconds per variant."""


def run_all(
    loaded: Loaded,
    *,
    progress: Progress = lambda name, done, total: None,
    keep: Callable[[Result], None] = lambda result: None,
    trace: TextIO | None = None,
    give_up: GiveUp | None = None,
) -> Result:
    """Run every variant. `keep` is handed what is finished after each, so that none is lost.

    With `give_up`, a run that answers neither Ctrl-C nor `limits.wall_time` ends the process, see
    `readfence.watchdog`.
    """
    records: list[VariantRecord] = []
    wall: dict[str, float] = {}
    for variant in loaded.variants:
        began = time.monotonic()
        records.append(
            run_variant(
                variant,
                seed=loaded.scenario.seed,
                lua_files=loaded.lua_files,
                recordings=loaded.recordings,
                progress=progress,
                trace=trace,
                give_up=give_up,
            )
        )
        wall[variant.name] = time.monotonic() - began
        result = Result(_run_record(loaded, records), dict(wall))
        keep(result)
    return result


class WallTimeOver(LimitReached):
    """`limits.wall_time` ended a run: a faster machine would have gone on."""


def run_variant(
    variant: Variant,
    *,
    seed: int,
    lua_files: dict[str, str],
    recordings: Mapping[str, Recording] = MappingProxyType({}),
    progress: Progress = lambda name, done, total: None,
    trace: TextIO | None = None,
    give_up: GiveUp | None = None,
) -> VariantRecord:
    """Run one variant. Raises `LimitReached` or `Stalled`, naming the variant.

    `give_up` as for `run_all`.
    """
    system = variant.system
    limit_s = system.limits.wall_time / SECOND
    until = time.monotonic() + limit_s
    told = f"limits.wall_time is {human_duration(system.limits.wall_time)}"
    world: World | None = None
    late: list[str] = []

    def over() -> LimitReached:
        why = f"{told}, and a single step went on after it, such as a script that is busy in Lua"
        stopped = f"stopped before it began: {told}" if world is None else world.kernel.stopped(why)
        return WallTimeOver(f"{variant.name}: {stopped}")

    with nullcontext() if give_up is None else watched(limit_s, over=over, give_up=give_up):
        world = World(
            system,
            seed=seed,
            lua_files=lua_files,
            recordings=recordings,
            trace=None if trace is None else Trace(trace, variant.name),
        )
        kernel, total = world.kernel, world.tickets_in_all()

        def keep_on() -> str | None:
            progress(variant.name, kernel.progress, total)
            if time.monotonic() > until:
                late.append(told)
            return late[0] if late else None

        try:
            with unhurried_collector():
                record = world.run(variant.name, variant.settings, keep_on)
        except (LimitReached, Stalled) as error:
            kind = WallTimeOver if late else type(error)
            raise kind(f"{variant.name}: {error}") from None
    progress(variant.name, kernel.progress, kernel.progress)
    return record


def _run_record(loaded: Loaded, records: list[VariantRecord]) -> RunRecord:
    return RunRecord(
        readfence=version("readfence"),
        name=loaded.name,
        seed=loaded.scenario.seed,
        scenario=loaded.scenario.model_dump(mode="json", by_alias=True),
        overrides=list(loaded.overrides),
        variants=records,
    )


@contextmanager
def unhurried_collector() -> Iterator[None]:
    """Have Python look for reference cycles less often while a world runs.

    A run makes few cycles and many short-lived objects; the default looks cost a tenth of it. What
    earlier worlds left behind goes first: the memory of their Lua machines, which Python does not
    see.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.set_threshold(100_000, 50, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def make_folder(folder: Path) -> None:
    """Make the folder for results, before anything is run. Raises `InputError` if that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".readfence"
        probe.touch()
        probe.unlink()
    except OSError as error:
        why = "not a folder" if isinstance(error, FileExistsError) else error.strerror
        raise InputError(f"{folder}: cannot write there: {why}") from error


def save(result: Result, folder: Path) -> None:
    """Write `run.json` and, apart from it, what belongs to this machine.

    Raises `EnvironmentFailed` when it cannot be written.
    """
    with writing(folder):
        write_run(result.record, folder / "run.json")
        meta = folder / "run.meta.json"
        meta.write_text(json.dumps(_meta(result), indent=2) + "\n", encoding="utf-8")


def run_in(folder: Path) -> str | None:
    """Which run lies in a folder, in the words of `RunRecord.told`; None when none is known to."""
    try:
        told = json.loads((folder / "run.meta.json").read_text(encoding="utf-8"))["run"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return str(told)


def _meta(result: Result) -> dict[str, Any]:
    return {
        "run": result.record.told,
        "digest": result.record.digest,
        "wall_s": {name: round(seconds, 3) for name, seconds in result.wall_s.items()},
        "virtual_per_wall": {
            variant.name: round(variant.virtual_ns / SECOND / result.wall_s[variant.name], 2)
            for variant in result.record.variants
        },
        "host": platform.node(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in _LIBRARIES},
    }
