"""Points: one variant under one seed, as plain JSON in and out.

What sweeps and plans are made of. A point holds all that its run depends on, so it can be run in
any process on any machine, and its result depends on the point alone: whoever runs it, its text is
the same, byte for byte. The hash of a point is the name under which its result is kept.

A result is small: figures and counters. The run record stays where it was made, for those of a
sweep of a thousand points would not fit anywhere.
"""

import hashlib
import json
import traceback
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from models.spec import System
from readfence.exits import EnvironmentFailed
from readfence.runs import WallTimeOver, run_variant
from readfence.scenarios import Variant
from readfence.versions import SAME, build
from readfence.watchdog import GiveUp
from reports.figures import Figures
from reports.plain import plain_figures
from sim.errors import LimitReached, Stalled
from sim.record import Histogram, VariantRecord
from sim.usage import Window


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Point(_Part):
    """One variant of a scenario under one seed: all that its run depends on."""

    readfence: str
    """The build that is to run it (`readfence.versions`); no other will."""
    variant: str
    seed: int
    system: dict[str, Any]
    """The `System` with every default filled in, as a scenario would say it."""
    lua_files: dict[str, str]
    """The text of each Lua file that the system names."""
    series: int = Field(default=0, ge=0)
    """How many instants with their latencies the result shows, at most; for a warm-up cut or to
    see whether a queue grows."""

    @property
    def hash(self) -> str:
        """SHA-256 over the point as canonical JSON."""
        return hashlib.sha256(canonical(self.model_dump()).encode()).hexdigest()


class Series(_Part):
    """Some of the scripts that ended ok, evenly spread, in order of their arrival."""

    start_ns: list[int]
    """When they were meant to start."""
    latency_ns: list[int]


class Measured(_Part):
    """What the run of a point measured."""

    figures: dict[str, Any]
    """Every figure of the catalogue as plain data: a number (durations in ns, rates per second), a
    word, None where the run gives it no value, or `min`, `mean` and `max`."""
    counters: dict[str, int]
    attempts: Histogram
    """What the attempts asked of the quorum; see `reports.attempts`."""
    resources: dict[str, Window]
    """What each resource did from the end of the warm-up on."""
    series: Series
    measured_ns: int
    digest: str
    """Of the run record that was not kept."""


class PointResult(_Part):
    """What became of a point."""

    format: Literal["readfence/point"] = "readfence/point"
    version: Literal[1] = 1
    readfence: str
    """The build that ran it."""
    point: str
    """Its hash."""
    variant: str
    seed: int
    status: Literal["ok", "limit", "stalled", "error"]
    """`limit`: a limit of the scenario ended it. `error`: a bug in readfence, or the machine."""
    reason: str = ""
    """Why it is not ok, in a line."""
    details: str = ""
    """The rest of it: who waited for what, or the traceback for a bug report."""
    lasting: bool
    """Whether it would always end so, and may be kept: false for what the machine had a part in."""
    measured: Measured | None = None
    """None unless it is ok."""

    def to_text(self) -> str:
        """The result as canonical JSON."""
        return canonical(self.model_dump())


def canonical(content: Any) -> str:
    """JSON in which equal content has equal text."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def point_of(
    variant: Variant, *, seed: int, lua_files: Mapping[str, str], series: int = 0
) -> Point:
    """The point that runs a variant under a seed."""
    return Point(
        readfence=build(),
        variant=variant.name,
        seed=seed,
        system=variant.system.model_dump(mode="json", by_alias=True),
        lua_files=dict(lua_files),
        series=series,
    )


def run_point(point: Point, *, give_up: GiveUp | None = None) -> PointResult:
    """Run a point in this process. A bug in its run becomes a result, since others may be well.

    `give_up` as for `readfence.runs.run_all`. Raises `EnvironmentFailed` when the point is meant
    for another build of readfence.
    """
    if point.readfence != build():
        raise EnvironmentFailed(
            f"version mismatch: a point of readfence {point.readfence} came to a worker with "
            f"readfence {build()}; {SAME}"
        )
    try:
        # A result has no timelines; recording some takes a quarter of a small run.
        system = System.model_validate(point.system | {"timelines": 0})
        variant = Variant(point.variant, {}, system)
        record = run_variant(variant, seed=point.seed, lua_files=point.lua_files, give_up=give_up)
        return _result(point, "ok", measured=_measured(record, point.series))
    except WallTimeOver as error:
        return overdue(point, str(error))
    except LimitReached as error:
        return _result(point, "limit", str(error))
    except Stalled as error:
        return _result(point, "stalled", str(error))
    except MemoryError:
        return crashed(point, "no memory left")
    except Exception as error:  # the last resort, as in `readfence.exits`
        return crashed(point, f"{type(error).__name__}: {error}\n{traceback.format_exc()}")


def crashed(point: Point, why: str) -> PointResult:
    """The result of a point whose run went wrong through no fault of its scenario."""
    return _result(point, "error", why, lasting=False)


def overdue(point: Point, why: str) -> PointResult:
    """The result of a point that `limits.wall_time` ended."""
    return _result(point, "limit", why, lasting=False)


def run_text(text: str) -> str:
    """`run_point` from text to text: what an executor sends to another process, and gets back."""
    return run_point(Point.model_validate_json(text)).to_text()


def _result(
    point: Point,
    status: Literal["ok", "limit", "stalled", "error"],
    why: str = "",
    *,
    lasting: bool = True,
    measured: Measured | None = None,
) -> PointResult:
    reason, _, details = why.partition("\n")
    return PointResult(
        readfence=point.readfence,
        point=point.hash,
        variant=point.variant,
        seed=point.seed,
        status=status,
        reason=reason,
        details=details,
        lasting=lasting,
        measured=measured,
    )


def _measured(record: VariantRecord, series: int) -> Measured:
    figures = Figures(record)
    return Measured(
        figures=plain_figures(figures),
        counters=record.counters,
        attempts=record.histograms["attempts"],
        resources=record.resources,
        series=_series(figures, series),
        measured_ns=record.measured_ns,
        digest=record.digest,
    )


def _series(figures: Figures, most: int) -> Series:
    if not most or not figures.sample.scripts_ok:
        return Series(start_ns=[], latency_ns=[])
    columns = figures.sample.variant.columns
    starts, latencies = (
        np.asarray(columns[name], dtype=np.int64)[figures.sample.ok]
        for name in ("start_ns", "latency_ns")
    )
    order = np.argsort(starts, kind="stable")
    count = min(most, order.size)
    chosen = order[np.arange(count) * order.size // count]
    return Series(start_ns=starts[chosen].tolist(), latency_ns=latencies[chosen].tolist())
