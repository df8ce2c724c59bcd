"""Evidence: what runs under several seeds tell of one load, and whether they are enough.

A script that failed counts as slower than any: otherwise a system that gives up under load would
meet every objective. The warm-up is found in the mean of all runs, script by script, since a single
run of a busy queue wanders too much to tell (Welch's procedure, with the rule of MSER-5); nothing
before it counts among the latencies (rates and resources are of the whole measured run).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from reports.planning.record import Answer, Probe, Use, estimate
from reports.planning.stability import Course, Stability, stability
from reports.statistics import (
    Interval,
    Limits,
    StopRule,
    WarmUp,
    jackknife_bound,
    mean_interval,
    mser5,
    pooled_percentile_interval,
)
from sim.sketch import Sketch, merged
from sim.units import SECOND, human_duration
from sim.usage import Window

FAILED_NS: Final = 1 << 62
"""The latency that a failed script counts with, here and nowhere else."""
_SURE: Final = 0.99
"""Level at which few runs are enough, and at which the jackknife is asked."""
_SAME: Final = 0.01
"""Means that differ by less than this share are the same."""
RUNS_FIRST: Final = 3
"""Runs after which one may be so sure."""
RUNS_MIN: Final = 5
"""Runs before an interval counts as narrow: that of fewer may be so by chance."""


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
    """Half-width of the interval of the percentile, as a share of it."""
    level: float
    runs_max: int


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
        self._stopped: Literal["precise", "decided", "ceiling"] = "ceiling"

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
        runs = [run for run in self._runs if run.start_ns.size]
        if self._broken or not runs:
            return
        self.warm_up = _warm_up(runs, self._rules.level)
        cut = self.warm_up.cut
        if cut is None:  # half of it is as good as any, and no answer will rest on it alone
            cut = min(run.start_ns.size for run in runs) // 2
        self._cut = cut
        found = stability([_course(run, cut) for run in runs], level=self._rules.level)
        if self.warm_up.cut is None and found.verdict == "stable":
            found = Stability("unknown", self.warm_up.reason, found.piling)
        self.stability = found
        self._sketches = [sketch for run in runs if (sketch := _sketch(run, cut)).count]
        rules = self._rules
        rule = StopRule(
            Limits(rules.objective.percent, rules.precision, rules.level, RUNS_MIN, rules.runs_max)
        )
        for sketch in self._sketches:
            rule.add(sketch)
        self._rule = rule
        self.interval = self._percentile(rules.objective.percent, rules.level)

    # -- answers --------------------------------------------------------------------------------

    def more_wanted(self, *, decide: bool) -> int:
        """How many more runs to make; 0: enough. `decide`: only the answer matters, no figures."""
        rules = self._rules
        if self.runs < RUNS_FIRST:
            return RUNS_FIRST - self.runs
        if self._hopeless or (decide and self._decided):
            self._stopped = "decided"
            return 0
        if self._rule.decided == "precise":
            self._stopped = "precise"
            return 0
        if self.runs >= rules.runs_max:
            self._stopped = "ceiling"
            return 0
        # The half-width shrinks with the root of the number of runs.
        relative = self.interval.relative
        ratio = min(relative / rules.precision, 10.0) if math.isfinite(relative) else 10.0
        needed = math.ceil(self.runs * ratio**2)
        more = min(max(needed - self.runs, 1), self.runs)
        return min(max(more, RUNS_MIN - self.runs), rules.runs_max - self.runs)

    @property
    def _nothing(self) -> bool:
        """Whether there is not one script to judge by."""
        return bool(self._broken) or not any(run.start_ns.size for run in self._runs)

    @property
    def _hopeless(self) -> bool:
        """Whether no number of runs would give a figure."""
        return self._nothing or self.stability.verdict == "unstable"

    @property
    def _decided(self) -> bool:
        """Whether the interval leaves the objective outside; that of few runs must be very sure."""
        objective, interval = self._rules.objective, self.interval
        if self.runs < RUNS_MIN:
            interval = self._percentile(objective.percent, _SURE)
        if interval.low > objective.limit_ns:
            return True
        return interval.high <= objective.limit_ns and self.stability.verdict == "stable"

    @property
    def keeps(self) -> bool:
        """Whether the load more likely keeps the objective than not."""
        if self._hopeless or self.stability.verdict == "unknown":
            return False
        return self.interval.estimate <= self._rules.objective.limit_ns

    @property
    def bounds(self) -> tuple[float, float, float]:
        """The percentile at its least, at its most likely, at its greatest; unstable: infinite."""
        if self._hopeless:
            return (math.inf, math.inf, math.inf)
        if self.stability.verdict == "unknown":
            return (self.interval.low, math.inf, math.inf)
        return (self.interval.low, self.interval.estimate, self.interval.high)

    def _answer(self) -> tuple[Answer, str]:
        limit_ns = self._rules.objective.limit_ns
        if self._broken:
            return "unstable", self._broken
        if self._nothing:
            if any(run.failed for run in self._runs):
                return "missed", "no script ended ok"
            return "unclear", "no script was measured: lengthen `stop`"
        found: Stability = self.stability
        if found.verdict == "unstable":
            return "unstable", found.reason
        if self.interval.low > limit_ns:
            return "missed", ""
        if found.verdict == "unknown":
            return "unclear", found.reason
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
        known = not self._nothing
        return Probe(
            load=self.load,
            answer=answer,
            reason=reason,
            runs=self.runs,
            scripts=scripts,
            failed=failed,
            warm_up=self._warm_up_scripts() if known else None,
            stopped=self._stopped,
            objective=estimate(self.interval) if known else nothing,
            p50=estimate(self._percentile(Fraction(50), self._rules.level)) if known else nothing,
            p99=estimate(self._percentile(Fraction(99), self._rules.level)) if known else nothing,
            mean_ns=self._mean_ns() if known else 0.0,
            throughput=(scripts - failed) / span_s if span_s else 0.0,
            verifications_per_s=sum(r.verifications for r in ended) / span_s if span_s else 0.0,
            rounds_per_s=sum(run.rounds for run in ended) / span_s if span_s else 0.0,
            resources=_uses(ended),
            would_drop=sum(run.would_drop for run in ended),
        )

    def _percentile(self, percent: Fraction, level: float) -> Interval:
        """A percentile; its upper end by the jackknife where ranks give none, at a higher level."""
        pool = merged(self._sketches)
        found = pooled_percentile_interval(self._sketches, pool, percent, level=level)
        if math.isinf(found.high) and len(self._sketches) > 1:
            high = jackknife_bound(self._sketches, percent, level=max(level, _SURE))
            found = replace(found, high=high)
        return _bounded(found)

    def _mean_ns(self) -> float:
        parts = [run.latency_ns[self._cut :] for run in self._runs]
        return float(np.concatenate(parts).mean())

    def _warm_up_scripts(self) -> int | None:
        """The cut in scripts; what was looked at may be a part of them."""
        cut, first = self.warm_up.cut, self._runs[0]
        if cut is None:
            return None
        return round(cut * (first.scripts - first.failed) / max(first.start_ns.size, 1))


def _warm_up(runs: list[Replication], level: float) -> WarmUp:
    """The warm-up of runs of one load.

    Values that are nearly constant agree best wherever the last rare one happens to lie, and there
    MSER-5 cuts. So where it finds no cut, the runs are asked whether their second halves differ
    from what came just before; if not, the first halves tell the cut.
    """
    least = min(run.latency_ns.size for run in runs)
    series = np.mean([run.latency_ns[:least] for run in runs], axis=0)
    found = mser5(series)
    half, quarter = least // 2, least // 4
    if found.cut is not None or not quarter:
        return found
    risen = mean_interval(
        np.array([run.latency_ns[half:].mean() - run.latency_ns[quarter:half].mean()
                  for run in runs]), level=level,
    )  # fmt: skip
    if risen.covers(0.0) or abs(risen.estimate) < _SAME * float(series.mean()):
        return WarmUp(mser5(series[:half]).cut or quarter, "")
    return found


def _course(run: Replication, cut: int) -> Course:
    """How the backlog went after the cut: what came and what went in the same stretch of time."""
    starts, latencies = run.start_ns[cut:], run.latency_ns[cut:]
    if not starts.size:
        return Course(starts, latencies, run.failed, 0)
    ends = run.start_ns + run.latency_ns
    within = (ends >= starts[0]) & (ends <= starts[-1])
    # A script that failed has left the queue; it counts as the slowest latency, see `_sketch`.
    return Course(starts, latencies, int(starts.size), int(np.count_nonzero(within)))


def _sketch(run: Replication, cut: int) -> Sketch:
    """The latencies after the cut, and those of the scripts that failed."""
    sketch = Sketch()
    latencies = run.latency_ns[cut:]
    sketch.add_many(latencies)
    ok = run.scripts - run.failed
    failed = run.failed if not ok else math.ceil(run.failed * latencies.size / ok)
    sketch.add_many(np.full(failed, FAILED_NS, dtype=np.int64))
    return sketch


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
