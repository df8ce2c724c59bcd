"""Evidence: what runs under several seeds tell of one load, and whether they are enough.

A script that failed counts as slower than any: otherwise a system that gives up under load would
meet every objective. The warm-up is found in the mean of all runs, script by script, since a single
run of a busy queue wanders too much to tell (Welch's procedure, with the rule of MSER-5), and is
left out of the latencies; where the rule finds none, the first half is. Whether the load has a
figure at all is not decided there but by `reports.planning.stability`. Rates and resources are of
the whole measured run.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from reports.planning.record import Answer, Probe, Use, estimate, limiting
from reports.planning.stability import Backlog, stability
from reports.statistics import (
    Interval,
    Numbers,
    Ordered,
    WarmUp,
    jackknife_bound,
    mser5,
    percentiles_without_each,
    pooled_percentile_interval,
)
from sim.units import SECOND, human_duration
from sim.usage import Window

FAILED_NS: Final = 1 << 62
"""The latency that a failed script counts with, here and nowhere else."""
_SURE: Final = 0.99
"""Level at which the jackknife is asked."""
_FULL: Final = 0.99
"""A resource that needs this share of its time is taken for saturated where only a guess is due."""
_EXPLAINED: Final = 0.5
"""The limiting resource is known if scripts spend this share of their waiting there."""
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


@dataclass(frozen=True, slots=True)
class Replication:
    """What one run showed."""

    start_ns: NDArray[np.int64]
    """When each script that ended ok was meant to start, rising; of a long run an even part."""
    latency_ns: NDArray[np.int64]
    scripts: int
    """Measured, whether they ended ok or not."""
    failed: int
    measured_ns: int
    verifications: int
    rounds: int
    resources: Mapping[str, Window]
    would_drop: int = 0
    """Messages that found no room and went on all the same, under `fidelity: rounds`."""
    broken_off: str = ""
    """Why the run came to no end, if it did not: then nothing else is known."""


class Evidence:
    """The runs of one load."""

    def __init__(self, load: float, rules: Rules) -> None:
        self.load = load
        self._rules = rules
        self._runs: list[Replication] = []

    @property
    def runs(self) -> int:
        """How many there are."""
        return len(self._runs)

    def add(self, runs: list[Replication]) -> None:
        """More runs, in an order that depends on nothing but seeds."""
        self._runs += runs
        self._look()

    def _look(self) -> None:
        """Everything that follows from the runs so far."""
        self._broken = next((run.broken_off for run in self._runs if run.broken_off), "")
        # A run in which no script ended ok has nothing to say of latencies.
        numbered = {number: run for number, run in enumerate(self._runs) if run.start_ns.size}
        runs = list(numbered.values())
        if self._broken or not runs:
            return
        self.warm_up = _warm_up(runs)
        cut = self.warm_up.cut
        if cut is None:
            cut = min(run.start_ns.size for run in runs) // 2
        self._latencies = {
            number: latencies
            for number, run in numbered.items()
            if (latencies := _latencies(run, cut)).size
        }
        self._mean_ns = float(np.concatenate([run.latency_ns[cut:] for run in runs]).mean())
        least = min(int(run.latency_ns.min()) for run in runs)
        waiting_ns = float(np.mean([run.latency_ns.mean() for run in runs])) - least
        self.needed = _needed(runs, self.load, waiting_ns)
        self.stability = stability(
            [_backlog(run, least) for run in runs], self.needed, level=self._rules.level
        )
        self.interval = self._percentile(self._rules.objective.percent)

    # -- answers --------------------------------------------------------------------------------

    @property
    def _nothing(self) -> bool:
        """Whether no script ended ok, so that nothing is known of latencies."""
        return not any(run.start_ns.size for run in self._runs)

    @property
    def hopeless(self) -> bool:
        """Whether more runs would tell nothing: the queue grows, or nothing comes to an end."""
        return bool(self._broken) or self._nothing or self.stability.verdict == "unstable"

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
        return not self.hopeless and self.stability.verdict == "stable"

    @property
    def settled(self) -> bool:
        """Whether runs are long enough for the percentile to be that of longer ones."""
        known = self.stable and self.needed is not None
        return known and self.stability.settled and self._lasted >= _SETTLED

    @property
    def _lasted(self) -> float:
        """How many times over a run forgets its queue; infinite where none is known to limit it.

        A queue forgets within about 1 / (1 - utilisation)^2 scripts.
        """
        if self.needed is None:
            return math.inf
        scripts = min(run.scripts for run in self._runs if run.start_ns.size)
        return scripts * max(1.0 - float(self.needed.mean()), 0.0) ** 2

    @property
    def needed_known(self) -> bool:
        """Whether a resource is known to limit the scripts."""
        return not (self._broken or self._nothing) and self.needed is not None

    @property
    def saturation(self) -> float:
        """About the load that saturates what limits the scripts; infinite where nothing is known.

        Of a queue that grows it is what gets through. Work that is there at any load counts as the
        scripts', unless the limiting resource is known.
        """
        if self._broken or self._nothing:
            return math.inf
        probe = self.probe()
        if self.needed is not None:
            return self.load / float(self.needed.mean())
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
        return self.needed is not None and float(self.needed.mean()) >= _FULL

    @property
    def keeps(self) -> bool:
        """Whether the load more likely keeps the objective than not."""
        return self.pace * self._rules.objective.limit_ns >= 1.0

    def paces_without_each(self) -> dict[int, float]:
        """`pace` of all runs but one, by the number of that one."""
        groups, percent = list(self._latencies.values()), self._rules.objective.percent
        paces = 1.0 / np.maximum(percentiles_without_each(groups, percent), 1.0)
        return dict(zip(self._latencies, paces.tolist(), strict=True))

    @property
    def answer(self) -> Answer:
        """Whether the load keeps the objective."""
        return self._answer()[0]

    def _answer(self) -> tuple[Answer, str]:
        limit_ns = self._rules.objective.limit_ns
        if self._broken:
            return "unstable", self._broken
        if self._nothing:
            if any(run.failed for run in self._runs):
                return "missed", "no script ended ok"
            return "unclear", "no script was measured: lengthen `stop`"
        if self.hopeless:
            return "unstable", self.stability.reason
        if self.interval.low > limit_ns:
            return "missed", ""
        if not self.stable:
            return "unclear", self.stability.reason
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
        nothing = estimate(Interval(math.nan, -math.inf, math.inf, self._rules.level, 0))
        known = not (self._broken or self._nothing)
        return Probe(
            load=self.load,
            answer=answer,
            reason=reason,
            runs=self.runs,
            scripts=scripts,
            failed=failed,
            warm_up=self._warm_up_scripts() if known else None,
            objective=estimate(self.interval) if known else nothing,
            p50=estimate(self._percentile(Fraction(50))) if known else nothing,
            p99=estimate(self._percentile(Fraction(99))) if known else nothing,
            mean_ns=self._mean_ns if known else 0.0,
            throughput=(scripts - failed) / span_s if span_s else 0.0,
            verifications_per_s=sum(r.verifications for r in ended) / span_s if span_s else 0.0,
            rounds_per_s=sum(run.rounds for run in ended) / span_s if span_s else 0.0,
            resources=_uses(ended),
            would_drop=sum(run.would_drop for run in ended),
        )

    def _percentile(self, percent: Fraction) -> Interval:
        """A percentile; its upper end by the jackknife where ranks give none, at a higher level."""
        level = self._rules.level
        latencies = list(self._latencies.values())
        groups = [Ordered(each) for each in latencies]
        pool = Ordered(np.concatenate(latencies))
        found = pooled_percentile_interval(groups, pool, percent, level=level)
        if math.isinf(found.high) and len(groups) > 1:
            high = jackknife_bound(latencies, percent, level=max(level, _SURE))
            found = replace(found, high=high)
        return _bounded(found)

    def _warm_up_scripts(self) -> int | None:
        """The cut in scripts; what was looked at may be a part of them."""
        cut, first = self.warm_up.cut, self._runs[0]
        if cut is None:
            return None
        return round(cut * (first.scripts - first.failed) / max(first.start_ns.size, 1))


def _warm_up(runs: list[Replication]) -> WarmUp:
    """The warm-up of runs of one load, in the mean of all."""
    least = min(run.latency_ns.size for run in runs)
    return mser5(np.mean([run.latency_ns[:least] for run in runs], axis=0))


def _backlog(run: Replication, least_ns: int) -> Backlog:
    """How the backlog went: what came and what went in the second half of the run.

    What is in flight at its middle went in for what is in flight at its end, so that a long way
    without a queue leaves nothing behind. Nothing can go before the first script has.
    """
    starts, ends = run.start_ns, run.start_ns + run.latency_ns
    # A script that failed has left the queue; it counts as the slowest latency, see `_latencies`.
    begin, end = max(starts[starts.size // 2], ends.min()), starts[-1]
    arrived, done = (
        int(np.count_nonzero((begin < times) & (times <= end))) for times in (starts, ends)
    )
    return Backlog(starts, run.latency_ns - least_ns, arrived, done)


def _needed(runs: list[Replication], load: float, waiting_ns: float) -> Numbers | None:
    """The share of its time that the limiting resource would need for the load, run by run.

    From its busy time per script, so that it does not depend on how many happened to come. None
    unless scripts spend most of what they wait there: then something else may limit them.
    """
    uses = _uses(runs)
    mean_ns = float(np.mean([run.latency_ns.mean() for run in runs]))
    names = limiting(uses, mean_ns)
    if not names or uses[names[0]].visits * uses[names[0]].wait_ns < _EXPLAINED * waiting_ns:
        return None
    windows = [(run.resources[names[0]], run.scripts) for run in runs]
    return np.array([w.busy_ns / (w.count * scripts) * load / SECOND for w, scripts in windows])


def _latencies(run: Replication, cut: int) -> NDArray[np.int64]:
    """The latencies after the cut, and those of the scripts that failed."""
    latencies = run.latency_ns[cut:]
    ok = run.scripts - run.failed
    failed = run.failed if not ok else math.ceil(run.failed * latencies.size / ok)
    return np.concatenate([latencies, np.full(failed, FAILED_NS, dtype=np.int64)])


def _bounded(interval: Interval) -> Interval:
    """The interval; where failed scripts reach into it, there is no bound."""
    low, value, high = (
        math.inf if end >= FAILED_NS / 2 else end
        for end in (interval.low, interval.estimate, interval.high)
    )
    return Interval(value, low, high, interval.level, interval.count)


def _uses(runs: list[Replication]) -> dict[str, Use]:
    """What each resource did, over all runs."""
    names: dict[str, list[Window]] = {}
    for run in runs:
        for name, window in run.resources.items():
            names.setdefault(name, []).append(window)
    ok = sum(run.scripts - run.failed for run in runs)
    return {name: _use(names[name], ok) for name in sorted(names)}


def _use(windows: list[Window], ok: int) -> Use:
    length = sum(window.length_ns for window in windows)
    room = sum(window.count * window.length_ns for window in windows)
    busy = sum(window.busy_ns for window in windows)
    arrived = sum(window.arrived for window in windows)
    served = sum(window.served for window in windows)
    return Use(
        count=windows[0].count,
        utilisation=busy / room if room else 0.0,
        arrived_per_s=arrived * SECOND / length if length else 0.0,
        visits=arrived / ok if ok else 0.0,
        service_ns=busy / served if served else 0.0,
        wait_ns=sum(window.waited_ns for window in windows) / arrived if arrived else 0.0,
        longest_queue=max(window.longest_queue for window in windows),
    )
