"""Evidence: what the findings of one load say of the objective, and whether they are enough.

Whether the load has a figure at all is decided by `reports.planning.stability`.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from reports.planning.findings import Findings, Replication, findings, uses
from reports.planning.record import Answer, Estimate, Probe, estimate
from reports.statistics import Interval
from sim.units import SECOND, human_duration

_FULL: Final = 0.99
"""A resource that needs this share of its time is taken for saturated where only a guess is due."""
_FORGOTTEN: Final = 5.0
"""Forgetting times that a run must last to be sure that a load keeps the objective: of a shorter
one, most has hardly left the empty queue that it began with."""
_SETTLED: Final = 400.0
"""Forgetting times that a run must last for its percentile to be near that of longer ones. Of M/M/1
at 200 of them, the interval of a crossing held the truth in 85 % of plans, not 95 %, and lay too
high where it missed."""
RUNS_MIN: Final = 5
"""Runs of a load that a figure or an answer rests on: an interval of fewer may be narrow by
chance."""


@dataclass(frozen=True, slots=True)
class Objective:
    """What a load has to keep: a percentile of latency below a limit."""

    text: str
    """As written, such as "latency.p99 < 50ms"."""
    percent: Fraction
    limit_ns: int
    """The greatest latency that keeps it."""


@dataclass(frozen=True, slots=True)
class Rules:
    """When the evidence is enough."""

    objective: Objective
    precision: float
    """Half-width of the interval of the capacity, and of a percentile in a table, as a share."""
    level: float
    runs_max: int
    """Runs of one load at most."""


class Evidence:
    """The runs of one load."""

    def __init__(self, load: float, rules: Rules) -> None:
        self.load = load
        self._rules = rules
        self._runs: list[Replication] = []
        self._broken = ""
        """Why a run came to no end, if one did not."""
        self._found: Findings | None = None
        self._interval: Interval | None = None

    @property
    def runs(self) -> int:
        """How many there are."""
        return len(self._runs)

    def add(self, runs: list[Replication]) -> None:
        """More runs, in an order that depends on nothing but seeds."""
        self._runs += runs
        self._broken = next((run.broken_off for run in self._runs if run.broken_off), "")
        level, percent = self._rules.level, self._rules.objective.percent
        self._found = findings(self._runs, self.load, level=level)
        self._interval = None if self._found is None else self._found.percentile(percent)

    # -- answers --------------------------------------------------------------------------------

    @property
    def interval(self) -> Interval:
        """That of the percentile of the objective (ns); only where there are findings."""
        assert self._interval is not None, "nothing was found"
        return self._interval

    @property
    def needed(self) -> float | None:
        """The share of its time that the limiting resource would need for the load.

        None where no resource is known to limit the scripts.
        """
        if self._found is None or self._found.needed is None:
            return None
        return float(self._found.needed.mean())

    @property
    def hopeless(self) -> bool:
        """Whether more runs would tell nothing: the queue grows, or nothing comes to an end."""
        return self._found is None or self._found.stability.verdict == "unstable"

    @property
    def more_wanted(self) -> int:
        """How many more runs a figure of this load wants, until its interval is narrow enough."""
        if self.runs < RUNS_MIN:
            return RUNS_MIN - self.runs
        if self.hopeless or self.interval.relative <= self._rules.precision:
            return 0
        # The half-width shrinks with the root of the number of runs.
        ratio = min(self.interval.relative / self._rules.precision, 10.0)
        needed = min(math.ceil(self.runs * ratio**2), 2 * self.runs, self._rules.runs_max)
        return max(needed - self.runs, 0)

    @property
    def stable(self) -> bool:
        """Whether the system is known to keep up."""
        return self._found is not None and self._found.stability.verdict == "stable"

    @property
    def settled(self) -> bool:
        """Whether runs are long enough for the percentile to be that of longer ones."""
        if self._found is None or self.needed is None:
            return False
        steady = self.stable and self._found.stability.settled
        return steady and self._lasted >= _SETTLED

    @property
    def _lasted(self) -> float:
        """How many times over a run forgets its queue; infinite where none is known to limit it.

        A queue forgets within about 1 / (1 - utilisation)^2 scripts.
        """
        if self.needed is None:
            return math.inf
        scripts = min(run.scripts for run in self._runs if run.start_ns.size)
        return scripts * max(1.0 - self.needed, 0.0) ** 2

    @property
    def saturation(self) -> float:
        """About the load that saturates what limits the scripts; infinite where nothing is known.

        Of a queue that grows it is what gets through. Work that is there at any load counts as the
        scripts', unless the limiting resource is known.
        """
        if self._found is None:
            return math.inf
        if self.needed is not None:
            return self.load / self.needed
        probe = self.probe()
        if self.hopeless:
            return probe.throughput
        most = max((probe.resources[name].utilisation for name in probe.busiest), default=0.0)
        return probe.throughput / most if most else math.inf

    @property
    def pace(self) -> float:
        """The reciprocal of the percentile (per ns), as far as it is known; 0: the queue grows.

        Near saturation, waiting times go with 1 / (1 - utilisation), whatever the laws (Kingman,
        1961), so their reciprocals fall along a straight line.
        """
        if self.hopeless or (not self.stable and self._full):
            return 0.0
        return 1.0 / max(self.interval.estimate, 1.0)

    @property
    def _full(self) -> bool:
        return self.needed is not None and self.needed >= _FULL

    @property
    def keeps(self) -> bool:
        """Whether the load more likely keeps the objective than not."""
        return self.pace * self._rules.objective.limit_ns >= 1.0

    def paces_without_each(self) -> dict[int, float]:
        """`pace` of all runs but one, by the number of that one."""
        assert self._found is not None, "nothing was found"
        without = self._found.percentiles_without_each(self._rules.objective.percent)
        return {number: 1.0 / max(value, 1.0) for number, value in without.items()}

    @property
    def answer(self) -> Answer:
        """Whether the load keeps the objective."""
        return self._answer()[0]

    def _answer(self) -> tuple[Answer, str]:
        limit_ns = self._rules.objective.limit_ns
        if self._broken:
            return "unstable", self._broken
        if self._found is None:
            if any(run.failed for run in self._runs):
                return "missed", "no script ended ok"
            return "unclear", "no script was measured: lengthen `stop`"
        if self.hopeless:
            return "unstable", self._found.stability.reason
        if self.interval.low > limit_ns:
            return "missed", ""
        if not self.stable:
            return "unclear", self._found.stability.reason
        if self._lasted < _FORGOTTEN:
            lasted = f"runs last {self._lasted:.2g} times as long as the queue takes to forget"
            return "unclear", f"{lasted}, where {_FORGOTTEN:g} are needed: lengthen `stop`"
        if self.interval.high <= limit_ns:
            return "kept", ""
        low, high = (
            human_duration(end) if math.isfinite(end) else "no bound"
            for end in (self.interval.low, self.interval.high)
        )
        return "unclear", f"the objective lies inside the interval from {low} to {high}"

    # -- the record -----------------------------------------------------------------------------

    def probe(self) -> Probe:
        """What the record holds of it."""
        answer, reason = self._answer()
        ended = [run for run in self._runs if not run.broken_off]
        span_s = sum(run.measured_ns for run in ended) / SECOND
        scripts = sum(run.scripts for run in ended)
        failed = sum(run.failed for run in ended)
        found = self._found
        return Probe(
            load=self.load,
            answer=answer,
            reason=reason,
            runs=self.runs,
            scripts=scripts,
            failed=failed,
            warm_up=None if found is None else found.warm_up,
            objective=self._estimate(self._rules.objective.percent),
            p50=self._estimate(Fraction(50)),
            p99=self._estimate(Fraction(99)),
            mean_ns=0.0 if found is None else found.mean_ns,
            throughput=(scripts - failed) / span_s if span_s else 0.0,
            verifications_per_s=sum(r.verifications for r in ended) / span_s if span_s else 0.0,
            rounds_per_s=sum(run.rounds for run in ended) / span_s if span_s else 0.0,
            resources=uses(ended),
            would_drop=sum(run.would_drop for run in ended),
        )

    def _estimate(self, percent: Fraction) -> Estimate:
        if self._found is None:
            return estimate(Interval(math.nan, -math.inf, math.inf, self._rules.level, 0))
        known = percent == self._rules.objective.percent
        return estimate(self.interval if known else self._found.percentile(percent))
