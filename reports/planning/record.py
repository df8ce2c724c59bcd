"""The record of a plan: what was asked, every load that was tried, and what came of it.

As `sim.record` is for a run: versioned, checked when written and when read, of nothing but the
simulation, so that equal input gives equal bytes. Loads are scripts per second, durations ns.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from reports.statistics import Interval
from sim.record import ScenarioRecord

Condition: TypeAlias = Literal["healthy", "lost", "slow"]
"""With all nodes; with one follower lost; with one follower ten times slower."""
Answer: TypeAlias = Literal["kept", "missed", "unstable", "unclear"]
"""Whether a load keeps the objective. `unstable`: the queue grows, so there is no number.
`unclear`: the objective lies inside the interval, or the run was too short to tell."""


_NO_WAIT: Final = 0.01
"""A share of the latency that is no waiting to speak of."""
_TIED_WAIT: Final = 0.8
_TIED: Final = 0.97
"""Resources with at least this share of the longest wait, or of the busiest one's time, limit the
scripts together, such as the lanes to two peers."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Estimate(_Part):
    """A figure and between which values it lies; None stands for no bound, or no value."""

    value: float | None
    low: float | None
    high: float | None

    @model_validator(mode="after")
    def _in_order(self) -> "Estimate":
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"an interval from {self.low} to {self.high}")
        return self


def estimate(interval: Interval) -> Estimate:
    """An interval as the record holds it: JSON has no infinity."""
    value, low, high = (
        number if math.isfinite(number) else None
        for number in (interval.estimate, interval.low, interval.high)
    )
    return Estimate(value=value, low=low, high=high)


class Use(_Part):
    """What a resource did, over all runs of a load."""

    count: int
    """Its servers or slots."""
    utilisation: float
    """0 to 1."""
    arrived_per_s: float
    visits: float
    """Jobs that came per script that ended ok."""
    service_ns: float
    """Mean time of a server per job."""
    wait_ns: float
    """Mean time in the queue per job."""
    longest_queue: int


def limiting(uses: Mapping[str, Use], latency_ns: float) -> list[str]:
    """What limits scripts of that mean latency: where they wait longest, and all that tie with it.

    Nobody waits longer in a queue than his script takes. So a resource where jobs do is not on the
    scripts' way, however busy it is, such as the lane to a slow follower that no majority needs;
    nor is anything else of the node that the worst such lane leads to. Where hardly anything
    waits, it is the busiest resource.
    """
    aside = [name for name, use in uses.items() if latency_ns and use.wait_ns > latency_ns]
    longest = max(aside, key=lambda name: uses[name].wait_ns, default="")
    left_behind = longest.partition("->")[2].partition(".")[0]
    known = {
        name: use
        for name, use in uses.items()
        if use.utilisation > 0 and name not in aside and left_behind not in _nodes(name)
    }
    waits = {name: use.visits * use.wait_ns for name, use in known.items()}
    ranks, tie = waits, _TIED_WAIT
    if max(waits.values(), default=0.0) <= _NO_WAIT * latency_ns:
        ranks, tie = {name: known[name].utilisation for name in waits}, _TIED
    most = max(ranks.values(), default=0.0)
    ties = [name for name, rank in ranks.items() if rank >= tie * most]
    return sorted(ties, key=lambda name: -known[name].utilisation)


def _nodes(resource: str) -> list[str]:
    """The nodes in the name of a resource, such as "n1->n2.heartbeats" or "n1.cores"."""
    return resource.partition(".")[0].split("->")


class Probe(_Part):
    """One load, tried under several seeds."""

    load: float
    answer: Answer
    reason: str
    """Why it is unstable or unclear; empty otherwise."""
    runs: int
    scripts: int
    """Measured, after the warm-up, over all runs."""
    failed: int
    """Of them: they count as slower than any."""
    warm_up: int | None
    """Scripts cut off at the beginning of each run; None: no cut was found."""
    objective: Estimate
    """The percentile that the objective is about."""
    p50: Estimate
    p99: Estimate
    mean_ns: float
    throughput: float
    """Scripts that ended ok, per second."""
    verifications_per_s: float
    rounds_per_s: float
    resources: dict[str, Use]
    would_drop: int = 0
    """Messages that a lane or an inbox had no room for, over all runs; `fidelity: rounds` lets them
    through."""

    @property
    def bottleneck(self) -> str | None:
        """What limits the scripts; the first of those that tie."""
        return next(iter(self.busiest), None)

    @property
    def busiest(self) -> list[str]:
        """The resources that limit the scripts; see `limiting`."""
        return limiting(self.resources, self.mean_ns)


class Capacity(_Part):
    """The highest load that keeps the objective."""

    found: Literal["found", "below", "above", "unclear"]
    """`below`: even the lowest load misses it. `above`: the highest still keeps it."""
    load: Estimate
    """None at an end that the plan did not find."""
    by: Literal["crossing", "bracket"] | None = None
    """How its interval was found: as that of the load at which the percentile crosses the limit, or
    as the loads that are sure to keep the objective and sure to miss it."""
    reason: str = ""

    @property
    def half_width(self) -> float | None:
        """The capacity to the farther end, as a share of it; None where an end is open."""
        value, low, high = self.load.value, self.load.low, self.load.high
        if not value or low is None or high is None:
            return None
        return max(high - value, value - low) / value


class Situation(_Part):
    """A variant under one condition."""

    condition: Condition
    capacity: Capacity
    probes: Annotated[list[Probe], Field(min_length=1)]
    """By rising load."""

    @model_validator(mode="after")
    def _loads_rise(self) -> "Situation":
        loads = [probe.load for probe in self.probes]
        if loads != sorted(set(loads)):
            raise ValueError(f"{self.condition}: loads do not rise: {loads}")
        return self

    def at(self, load: float) -> Probe | None:
        """The probe of just that load."""
        return next((probe for probe in self.probes if probe.load == load), None)

    @property
    def nearest(self) -> Probe:
        """The highest load up to the capacity, of all where even the highest keeps the objective;
        else the lowest.
        """
        above = self.capacity.found == "above"
        reached = math.inf if above else self.capacity.load.value
        below = [probe for probe in self.probes if reached is not None and probe.load <= reached]
        return below[-1] if below else self.probes[0]


class VariantPlan(_Part):
    """What was found of one variant."""

    name: str
    situations: Annotated[list[Situation], Field(min_length=1)]
    shares: dict[str, float]
    """Loads at shares of the capacity such as "50 %", all of them probed."""
    headroom: dict[str, float]
    """Loads from today's on, such as "now" and "+25 %"; those beyond the capacity are not probed,
    since they miss the objective."""

    @model_validator(mode="after")
    def _probed(self) -> "VariantPlan":
        if self.situations[0].condition != "healthy":
            raise ValueError(f"{self.name}: the first situation is not the healthy one")
        for load in self.shares.values():
            if self.healthy.at(load) is None:
                raise ValueError(f"{self.name}: no probe of {load}/s")
        return self

    @property
    def healthy(self) -> Situation:
        """With all nodes."""
        return self.situations[0]

    def situation(self, condition: Condition) -> Situation | None:
        """The situation under a condition, if the plan asked for it."""
        return next((each for each in self.situations if each.condition == condition), None)


class PlanRecord(ScenarioRecord):
    """A plan of one scenario: all its variants, under one objective."""

    format: Literal["readfence/plan"] = "readfence/plan"
    version: Literal[1] = 1
    objective: str
    """As written, such as "latency.p99 < 50ms"."""
    percent: float
    """Which percentile it is about."""
    limit_ns: int
    lowest: float
    highest: float
    """Loads between which was searched."""
    today: float | None
    precision: float
    level: float
    variants: Annotated[list[VariantPlan], Field(min_length=1)]

    def variant(self, name: str) -> VariantPlan:
        """The variant of that name; `KeyError` when there is none."""
        for variant in self.variants:
            if variant.name == name:
                return variant
        raise KeyError(name)

    @property
    def conclusive(self) -> bool:
        """Whether every capacity was found."""
        return all(
            situation.capacity.found == "found"
            for variant in self.variants
            for situation in variant.situations
        )


def plan_text(record: PlanRecord) -> str:
    """A plan as JSON."""
    content = json.dumps(record.model_dump(), separators=(",", ":"), ensure_ascii=False)
    return content + "\n"


def write_plan(record: PlanRecord, path: Path) -> None:
    """Write a plan as JSON, to a temporary name first, so that no half record is ever read."""
    scratch = path.with_name(path.name + ".part")
    scratch.write_text(plan_text(record), encoding="utf-8", newline="\n")
    scratch.replace(path)
