"""Plans: what their planners ask for, run as points, and the record that comes of it.

Every variant has a planner of its own, and all of them are under way at once, so that an executor
always has something to run. Each depends on the results of its own runs alone, never on who was
first: the same plan gives the same record whoever runs it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Final

import numpy as np

from models.engine.rounds import WOULD_DROP
from models.spec import System
from readfence.console import ShowPlan
from readfence.points import Measured, Point, PointResult
from readfence.runner import PointRunner
from readfence.scenarios import Loaded, Variant
from readfence.versions import build
from reports.attempts import VERIFICATIONS
from reports.planning.evidence import Rules
from reports.planning.findings import Replication
from reports.planning.objective import parse_objective
from reports.planning.planner import Question, Steps, Trial, VariantPlanner
from reports.planning.record import Condition, PlanRecord, VariantPlan
from reports.planning.tables import CONDITION_NAMES, rate
from sim.errors import InputError, LimitReached
from sim.plan_spec import PlanSpec
from sim.units import SECOND, format_duration, format_rate

SERIES_MAX: Final = 20_000
"""Scripts of one run whose latencies are looked at; of a longer run an even part."""
SLOWER: Final = 10
"""How many times slower the slow follower is."""


def check_plan(loaded: Loaded) -> PlanSpec:
    """The plan of a scenario, once it can be made.

    Raises `InputError` where there is none, or a variant has no open load that could be varied.
    """
    spec = loaded.scenario.plan
    if spec is None:
        raise InputError(
            f"{loaded.path}: expected a section `plan:` with `slo` and `load`, such as "
            "plan: {slo: latency.p99 < 50ms, load: 50/s..20000/s}"
        )
    for variant in loaded.variants:
        workload = variant.system.workload
        if not any(load.arrivals for load in workload):
            got = "a replay" if any(load.replay for load in workload) else "only closed loops"
            raise InputError(
                f"{loaded.path}: plan.load: expected a group of clients with `arrivals` whose rate "
                f"can be varied, got {got} in variant {variant.name}"
            )
        if spec.follower is not None and spec.follower not in _followers(variant.system):
            listed = ", ".join(_followers(variant.system))
            raise InputError(
                f"{loaded.path}: plan.follower: expected a node that does not lead ({listed}), "
                f"got {spec.follower!r}"
            )
    return spec


def make_plan(loaded: Loaded, runner: PointRunner, show: ShowPlan) -> PlanRecord:
    """Plan every variant of a scenario that `check_plan` has passed.

    Raises `LimitReached` when a limit of the machine ended a run, and what the runner raises.
    """
    spec = check_plan(loaded)
    objective = parse_objective(spec.slo)
    lowest, highest = spec.load
    rules = Rules(objective, spec.precision, spec.level, spec.runs)
    under_way = []
    for variant in loaded.variants:
        conditions = tuple(_conditions(variant.system))
        question = Question(rules, lowest, highest, spec.today, conditions)
        points = _Points(loaded, variant, _follower(spec, variant.system))
        under_way.append(_Underway(variant.name, VariantPlanner(variant.name, question), points))
    plans = _drive(under_way, runner, show)
    return PlanRecord(
        readfence=version("readfence"),
        name=loaded.name,
        seed=loaded.scenario.seed,
        overrides=list(loaded.overrides),
        scenario=loaded.scenario.model_dump(mode="json", by_alias=True),
        objective=objective.text,
        percent=float(objective.percent),
        limit_ns=objective.limit_ns,
        lowest=lowest,
        highest=highest,
        today=spec.today,
        precision=spec.precision,
        level=spec.level,
        variants=plans,
    )


def _followers(system: System) -> list[str]:
    names = [f"n{number}" for number in range(1, system.cluster.nodes + 1)]
    return [name for name in names if name != system.cluster.leader]


def _follower(spec: PlanSpec, system: System) -> str:
    return spec.follower or _followers(system)[0] if _followers(system) else ""


def _conditions(system: System) -> Iterator[Condition]:
    """Those that the cluster can be under; without a majority nothing would run."""
    cluster = system.cluster
    yield "healthy"
    if 2 * (cluster.nodes - len(cluster.lost) - 1) > cluster.nodes:
        yield "lost"
    if cluster.nodes > 1:
        yield "slow"


# -- runs -----------------------------------------------------------------------------------------


class _Points:
    """The points of one variant."""

    def __init__(self, loaded: Loaded, variant: Variant, follower: str) -> None:
        self._seed = loaded.scenario.seed
        self._variant = variant.name
        self._lua_files = loaded.lua_files
        self._follower = follower
        self._system = variant.system.model_dump(mode="json", by_alias=True)
        self._system["timelines"] = 0
        rates = [load.arrivals.rate if load.arrivals else 0.0 for load in variant.system.workload]
        self._shares = [rate / sum(rates) for rate in rates]

    def of(self, trial: Trial) -> Point:
        """The point that a trial asks for. Runs of one number share a seed, whatever the load."""
        return Point(
            readfence=build(),
            variant=self._variant,
            seed=self._seed + trial.run,
            system=self._under(trial.condition, trial.load),
            lua_files=self._lua_files,
            series=SERIES_MAX,
        )

    def _under(self, condition: Condition, load: float) -> dict[str, Any]:
        workload = [dict(group) for group in self._system["workload"]]
        for group, share in zip(workload, self._shares, strict=True):
            if group["arrivals"]:
                group["arrivals"] = {**group["arrivals"], "rate": format_rate(load * share)}
        cluster = dict(self._system["cluster"])
        if condition == "lost":
            cluster["lost"] = sorted({*cluster["lost"], self._follower})
        elif condition == "slow":
            factor = cluster["slow"].get(self._follower, 1.0)
            cluster["slow"] = {**cluster["slow"], self._follower: SLOWER * factor}
        return {**self._system, "workload": workload, "cluster": cluster, **self._extents(load)}

    def _extents(self, load: float) -> dict[str, Any]:
        """Warm-up and length of a run.

        Several groups that send so many scripts each would end one after the other, under less and
        less load. They run for as long as the open ones need together.
        """
        if len(self._shares) == 1:
            return {}
        group_s = sum(share > 0 for share in self._shares) / load
        extents = {}
        for name in ("warmup", "stop"):
            scripts = self._system[name]["scripts"]
            if scripts is not None:
                extents[name] = {"time": format_duration(round(scripts * group_s * SECOND))}
        return extents


@dataclass
class _Underway:
    """A variant under way: what it waits for, and what has come."""

    name: str
    planner: VariantPlanner
    points: _Points
    came: dict[int, Replication] = field(default_factory=dict)
    """By their place among the trials of the wave."""
    trials: list[Trial] = field(default_factory=list)
    steps: Steps[VariantPlan] = field(init=False)
    plan: VariantPlan | None = None
    runs: int = 0

    def __post_init__(self) -> None:
        self.steps = self.planner.steps()

    def advance(self, replies: list[Replication] | None) -> None:
        """Go on with the results of a wave, to the next one or to the end."""
        try:
            self.trials = next(self.steps) if replies is None else self.steps.send(replies)
        except StopIteration as end:
            self.trials, self.plan = [], end.value
        self.came = {}


def _drive(under_way: list[_Underway], runner: PointRunner, show: ShowPlan) -> list[VariantPlan]:
    """All planners to their end, side by side."""
    places: list[tuple[_Underway, int]] = []

    def ask(variant: _Underway, replies: list[Replication] | None) -> None:
        variant.advance(replies)
        if variant.plan is not None:
            show(variant.name, "done", variant.runs)
            return
        show(variant.name, _words(variant.trials), variant.runs)
        for place, trial in enumerate(variant.trials):
            places.append((variant, place))
            runner.submit(len(places) - 1, variant.points.of(trial))

    for variant in under_way:
        ask(variant, None)
    for finished in runner.completed():
        variant, place = places[finished.index]
        variant.came[place] = _replication(finished.result)
        variant.runs += 1
        show(variant.name, _words(variant.trials), variant.runs)
        if len(variant.came) == len(variant.trials):
            ask(variant, [variant.came[place] for place in range(len(variant.trials))])
    return [_planned(variant) for variant in under_way]


def _words(trials: list[Trial]) -> str:
    """What is being tried, such as "3,200/s; one follower slow: 2,500/s"."""
    loads: dict[Condition, dict[float, None]] = {}
    for trial in trials:
        loads.setdefault(trial.condition, {})[trial.load] = None
    return "; ".join(
        ("" if condition == "healthy" else f"{CONDITION_NAMES[condition]}: ")
        + ", ".join(rate(load) for load in tried)
        for condition, tried in loads.items()
    )


def _planned(variant: _Underway) -> VariantPlan:
    assert variant.plan is not None, f"{variant.name} waits for runs that nobody makes"
    return variant.plan


def _replication(result: PointResult) -> Replication:
    """What the run of a point tells a plan."""
    if result.status == "error":
        where = f"variant {result.variant}, seed {result.seed}"
        raise RuntimeError(f"{where}: {result.reason}\n{result.details}")
    if result.status == "limit" and not result.lasting:
        raise LimitReached(result.reason)
    if result.measured is None:
        return _broken_off(result.reason)
    return _measured(result.measured)


def _measured(measured: Measured) -> Replication:
    return Replication(
        start_ns=np.asarray(measured.series.start_ns, dtype=np.int64),
        latency_ns=np.asarray(measured.series.latency_ns, dtype=np.int64),
        scripts=measured.figures["scripts"],
        failed=measured.figures["errors"],
        measured_ns=measured.measured_ns,
        verifications=measured.attempts.total(*VERIFICATIONS),
        rounds=measured.attempts.total("rounds"),
        resources=measured.resources,
        would_drop=measured.counters.get(WOULD_DROP, 0),
    )


def _broken_off(reason: str) -> Replication:
    nothing = np.zeros(0, dtype=np.int64)
    return Replication(nothing, nothing, 0, 0, 0, 0, 0, {}, broken_off=reason)
