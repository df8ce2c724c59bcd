"""Findings: what runs of one load under several seeds tell together.

A script that failed counts as slower than any: otherwise a system that gives up under load would
meet every objective. The warm-up is found in the mean of all runs, script by script, since a single
run of a busy queue wanders too much to tell (Welch's procedure, with the rule of MSER-5), and is
left out of the latencies; where the rule finds none, the first half is. Rates and resources are of
the whole measured run.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from reports.planning.record import Use, limiting
from reports.planning.stability import Backlog, Stability, stability
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
from sim.units import SECOND
from sim.usage import Window

FAILED_NS: Final = 1 << 62
"""The latency that a failed script counts with, here and nowhere else."""
_SURE: Final = 0.99
"""Level at which the jackknife is asked."""
_EXPLAINED: Final = 0.5
"""The limiting resource is known if scripts spend this share of their waiting there."""


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


@dataclass(frozen=True, slots=True)
class Findings:
    """Of the runs in which a script ended ok; see `findings`."""

    latencies: Mapping[int, NDArray[np.int64]]
    """By the number of the run, in ns, after the warm-up; those of failed scripts among them."""
    warm_up: int | None
    """Scripts of a run; None where the rule found no end of it."""
    mean_ns: float
    """Mean latency of the scripts that ended ok, warm-up included, as resources have it."""
    needed: Numbers | None
    """The share of its time that the limiting resource would need for the load, run by run."""
    stability: Stability
    level: float

    def percentile(self, percent: Fraction) -> Interval:
        """A percentile (ns); its upper end by the jackknife where ranks give none, at a higher
        level.
        """
        latencies = list(self.latencies.values())
        groups = [Ordered(each) for each in latencies]
        pool = Ordered(np.concatenate(latencies))
        found = pooled_percentile_interval(groups, pool, percent, level=self.level)
        if math.isinf(found.high) and len(groups) > 1:
            high = jackknife_bound(latencies, percent, level=max(self.level, _SURE))
            found = replace(found, high=high)
        return _bounded(found)

    def percentiles_without_each(self, percent: Fraction) -> dict[int, float]:
        """The percentile (ns) of all runs but one, by the number of that one."""
        without = percentiles_without_each(list(self.latencies.values()), percent)
        return dict(zip(self.latencies, without.tolist(), strict=True))


def findings(all_runs: Sequence[Replication], load: float, *, level: float) -> Findings | None:
    """What the runs tell; None if one was broken off, or no script of any ended ok."""
    # A run in which no script ended ok has nothing to say of latencies.
    numbered = {number: run for number, run in enumerate(all_runs) if run.start_ns.size}
    runs = list(numbered.values())
    if not runs or any(run.broken_off for run in all_runs):
        return None
    warm_up = _warm_up(runs)
    cut = warm_up.cut
    if cut is None:
        cut = min(run.start_ns.size for run in runs) // 2
    least = min(int(run.latency_ns.min()) for run in runs)
    mean_ns = float(np.concatenate([run.latency_ns for run in runs]).mean())
    needed = _needed(runs, load, mean_ns, mean_ns - least)
    return Findings(
        latencies={
            number: latencies
            for number, run in numbered.items()
            if (latencies := _latencies(run, cut)).size
        },
        warm_up=_in_scripts(warm_up, runs[0]),
        mean_ns=mean_ns,
        needed=needed,
        stability=stability([_backlog(run, least) for run in runs], needed, level=level),
        level=level,
    )


def _in_scripts(warm_up: WarmUp, run: Replication) -> int | None:
    """The warm-up in scripts of a run; what was looked at may be a part of them."""
    if warm_up.cut is None:
        return None
    return round(warm_up.cut * (run.scripts - run.failed) / max(run.start_ns.size, 1))


def _warm_up(runs: Sequence[Replication]) -> WarmUp:
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


def _needed(
    runs: Sequence[Replication], load: float, mean_ns: float, waiting_ns: float
) -> Numbers | None:
    """The share of its time that the limiting resource would need for the load, run by run.

    From its busy time per script, so that it does not depend on how many happened to come. None
    unless scripts spend most of what they wait there: then something else may limit them.
    """
    by_name = uses(runs)
    names = limiting(by_name, mean_ns)
    if not names or by_name[names[0]].visits * by_name[names[0]].wait_ns < _EXPLAINED * waiting_ns:
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


def uses(runs: Sequence[Replication]) -> dict[str, Use]:
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
