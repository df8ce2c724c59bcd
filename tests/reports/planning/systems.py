"""Systems of one queue, in numpy: what the tests of plans ask instead of a simulation."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from reports.planning.evidence import Objective, Rules
from reports.planning.findings import Replication
from reports.planning.planner import Question, Steps, Trial, VariantPlanner, together
from reports.planning.record import PlanRecord, VariantPlan
from sim.units import SECOND, ms
from sim.usage import Window

OBJECTIVE = Objective("latency.p99 < 50ms", Fraction(99), ms(50) - 1)


@dataclass(frozen=True)
class Queue:
    """One server with constant service in each visit, before a constant way there and back."""

    service_ns: float = ms(1)
    visits: int = 1
    path_ns: float = ms(2)
    scripts: int = 3_000
    slow: float = 1.5
    """How many times longer the service takes with a slow follower."""
    failed: Callable[[float], float] = lambda load: 0.0
    """The share of scripts that fail, by load."""

    @property
    def capacity(self) -> float:
        """The load (per second) that keeps it busy all the time."""
        return SECOND / (self.visits * self.service_ns)

    def run(self, trial: Trial) -> Replication:
        """What a run shows; arrivals are Poisson, by the seed of the run alone."""
        if trial.condition == "slow":
            healthy = replace(trial, condition="healthy")
            return replace(self, service_ns=self.slow * self.service_ns).run(healthy)
        chance = np.random.default_rng(trial.run)
        starts = np.cumsum(chance.exponential(1.0, self.scripts) * SECOND / trial.load)
        work = self.visits * self.service_ns
        walk = np.concatenate([[0.0], np.cumsum(work - np.diff(starts))])
        waits = walk - np.minimum.accumulate(walk)
        latencies = (waits + work + self.path_ns).astype(np.int64)
        length = int((starts + latencies).max())
        failed = round(self.failed(trial.load) * self.scripts)
        ok = slice(0, self.scripts - failed)
        queue = Window(
            1,
            length,
            self.visits * self.scripts,
            self.visits * self.scripts,
            round(work * self.scripts),
            int(waits.sum()),
            int(waits.max() // work),
        )
        rare = Window(4, length, self.scripts, self.scripts, 1_000 * self.scripts, 0, 0)
        return Replication(
            start_ns=starts.astype(np.int64)[ok],
            latency_ns=latencies[ok],
            scripts=self.scripts,
            failed=failed,
            measured_ns=length,
            verifications=self.visits * self.scripts,
            rounds=self.visits * self.scripts,
            resources={"n1.cores": rare, "n1->n2.heartbeats": queue},
        )  # fmt: skip


SYSTEMS = {"per_call": Queue(visits=7), "one_fence": Queue()}


def question(**changes: object) -> Question:
    """What is asked, in the tests, of every system."""
    rules = Rules(OBJECTIVE, precision=0.05, level=0.95, runs_max=20)
    plain = Question(
        rules, lowest=10, highest=20_000, today=80, conditions=("healthy", "lost", "slow")
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


@dataclass
class Driven:
    """A course that was run to its end."""

    plans: list[VariantPlan]
    waves: list[list[Trial]]

    @property
    def trials(self) -> list[Trial]:
        """Every run that was made."""
        return [trial for wave in self.waves for trial in wave]


def drive(systems: dict[str, Queue], asked: Question) -> Driven:
    """Plan these systems."""
    parts: list[Steps[VariantPlan]] = [VariantPlanner(name, asked).steps() for name in systems]
    steps, waves = together(parts), []
    try:
        wanted = next(steps)
        while True:
            waves.append(wanted)
            wanted = steps.send([systems[trial.variant].run(trial) for trial in wanted])
    except StopIteration as end:
        return Driven(end.value, waves)


def plan_record(
    systems: dict[str, Queue] = SYSTEMS, asked: Question | None = None, **changes: object
) -> PlanRecord:
    """The record of a plan of these systems."""
    asked = asked or question()
    objective = asked.rules.objective
    content: dict[str, object] = {
        "readfence": "0.1.0",
        "name": "capacity",
        "seed": 1,
        "scenario": {
            "name": "capacity",
            "workload": [{"name": "clients", "arrivals": {"pattern": "poisson"}}],
            "variants": {},
        },
        "objective": objective.text,
        "percent": float(objective.percent),
        "limit_ns": objective.limit_ns,
        "lowest": asked.lowest,
        "highest": asked.highest,
        "today": asked.today,
        "precision": asked.rules.precision,
        "level": asked.rules.level,
        "variants": drive(systems, asked).plans,
    }
    return PlanRecord(**{**content, **changes})  # type: ignore[arg-type]
