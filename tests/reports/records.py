"""Run records as a run of readfence leaves them, made up: what the tests of reports read.

Plausible, not simulated: latencies are sums of lognormal rounds with a long tail, counts are those
of seven GETs on bare legacy rows (system.md 1.10). The timelines carry the latency of their script.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sim.record import (
    Histogram,
    RunRecord,
    Span,
    Timeline,
    VariantRecord,
    Verdict,
    digest,
)
from sim.sketch import Sketch
from sim.units import ms, us

FIELDS = [
    "string_read", "store_point", "store_scan", "script_start", "commit_guard", "rounds", "calls",
    "point_reads", "scans",
]  # fmt: skip
SAFE = Verdict(verdict="ok", checked=2_000)
STALE = Verdict(
    verdict="violated",
    checked=2_000,
    violations=3,
    examples=["script 17 read user:1 at 41 although script 12 had acknowledged 42 before"],
)
NOT_LEADER = "etcd raft engine is not leader"
DEADLINE = "context deadline exceeded"


@dataclass(frozen=True)
class Fence:
    """How a made-up variant spends its time: rounds per script and where they lie."""

    at_start: int = 0
    per_call: tuple[int, int, int] = (0, 0, 0)
    """Per call: string rows verified, point reads fenced, range scans fenced."""
    commits: bool = False
    calls: int = 7
    key: str = "user:{}"
    safety: Verdict = SAFE
    conflicts: float = 0.0
    """Share of attempts that end in a write conflict and are retried."""
    arrivals_per_s: float = 2.0

    def rounds(self) -> int:
        """Quorum rounds of one attempt."""
        return self.at_start + self.calls * sum(self.per_call) + self.commits


FENCES = {
    "per_call": Fence(per_call=(3, 0, 0)),
    "as_merged": Fence(at_start=1, per_call=(0, 16, 7)),
    "one_fence": Fence(at_start=1),
    "none": Fence(safety=STALE),
    "contended": Fence(at_start=1, commits=True, calls=1, key="counter", conflicts=0.4),
}


class _Writer:
    """Writes down the spans of one script."""

    def __init__(self, rng: np.random.Generator, start_ns: int, round_ns: int) -> None:
        self.rng = rng
        self.start = self.at = start_ns
        self.round_ns = round_ns
        self.spans: list[Span] = []

    def spend(self, kind: str, label: str, median_ns: int, sigma: float = 0.3) -> None:
        end = self.at + max(1, int(median_ns * self.rng.lognormal(0, sigma)))
        self.spans.append(Span(kind=kind, label=label, start_ns=self.at, end_ns=end))
        self.at = end

    def attempt(self, fence: Fence) -> None:
        for _ in range(fence.at_start):
            self.spend("round", "fence", self.round_ns)
        for call in range(1, fence.calls + 1):
            label = f"{call} {'INCR' if fence.commits else 'GET'} {fence.key.format(call)}"
            for _ in range(sum(fence.per_call)):
                self.spend("local", label, us(20))
                self.spend("round", label, self.round_ns)
            self.spend("local", label, us(60))
        if fence.commits:
            self.spend("round", "commit", self.round_ns)
            self.spend("log", "commit", self.round_ns * 2)

    def timeline(self, id_: int) -> Timeline:
        return Timeline(id=id_, start_ns=self.start, end_ns=self.at, spans=self.spans)


def make_variant(
    name: str,
    fence: Fence | None = None,
    *,
    scripts: int = 200,
    round_ns: int = ms(400),
    errors: dict[str, int] | None = None,
    sampled: int = 20,
    seed: int = 7,
    **changes: Any,
) -> VariantRecord:
    """A variant under the fence of that name, or the one given; `changes` replace its parts."""
    fence = fence or FENCES[name]
    rng = np.random.default_rng(seed)
    gap = 1e9 / fence.arrivals_per_s
    starts = np.cumsum(rng.exponential(gap, scripts)).astype(np.int64) + ms(500)
    attempts = rng.geometric(1 - fence.conflicts, scripts)
    # One draw per round and script costs too much for a million scripts: a mean of rounds instead.
    spread = 0.3 / np.sqrt(max(1, fence.rounds()))
    typical = fence.rounds() * round_ns * 1.046 + us(60) * fence.calls
    latencies = typical * attempts * rng.lognormal(0, spread, scripts)
    slow = rng.random(scripts) < 0.01
    latencies = np.where(slow, latencies * (1.5 + rng.pareto(3, scripts)), latencies)
    latencies = latencies.astype(np.int64)
    timelines = []
    for index in range(min(sampled, scripts)):
        writer = _Writer(rng, int(starts[index]), round_ns)
        writer.spend("queue", "wait for a worker", us(15))
        for attempt in range(attempts[index]):
            if attempt:
                writer.spend("backoff", "back-off", ms(5) + round_ns // 10)
            writer.attempt(fence)
        timelines.append(writer.timeline(index))
        latencies[index] = writer.at - writer.start
    outcomes, labels = _outcomes(scripts, errors or {})
    executions = int(attempts.sum())
    parts: dict[str, Any] = {
        "name": name,
        "settings": {"fence": name},
        "virtual_ns": int((starts + latencies).max()) if scripts else ms(500),
        "measured_ns": int((starts + latencies).max()) - ms(500) if scripts else 0,
        "events": executions * (10 + 6 * fence.rounds()),
        "counters": {
            "rounds.sent": executions * fence.rounds() + 12,
            "rounds.confirmed": executions * fence.rounds() + 12,
            "messages.sent": 4 * executions * fence.rounds(),
            "messages.dropped": 0,
            "conflicts": executions - scripts,
            "loop.busy_ns": executions * us(40),
        },
        "labels": {"outcome": labels, "script": ["main"]},
        "columns": {
            "id": list(range(scripts)),
            "load": [0] * scripts,
            "script": [0] * scripts,
            "start_ns": starts.tolist(),
            "latency_ns": latencies.tolist(),
            "outcome": outcomes,
            "attempts": attempts.tolist(),
        },
        "histograms": {"attempts": attempts_histogram({_counts(fence): executions})},
        "verdicts": {"safety": fence.safety, "ledger": Verdict(verdict="ok", checked=executions)},
        "timelines": timelines,
    }
    return seal(**{**parts, **changes})


def _outcomes(scripts: int, errors: dict[str, int]) -> tuple[list[int], list[str]]:
    outcomes = [0] * scripts
    at = scripts
    for code, count in enumerate(errors.values(), start=1):
        outcomes[at - count : at] = [code] * count
        at -= count
    return outcomes, ["ok", *errors]


def _counts(fence: Fence) -> tuple[int, ...]:
    strings, points, scans = (fence.calls * n for n in fence.per_call)
    return (
        strings, points, scans, fence.at_start, int(fence.commits), fence.rounds(), fence.calls,
        16 * fence.calls, 7 * fence.calls,
    )  # fmt: skip


def attempts_histogram(rows: Mapping[Any, int]) -> Histogram:
    """The histogram `attempts` of these combinations (tuples) and how often each occurred."""
    counted = Counter(rows)
    return Histogram(
        fields=FIELDS, rows=sorted([*row, count] for row, count in counted.items() if count)
    )


def seal(**parts: Any) -> VariantRecord:
    """A variant record of these parts, with the digest that fits them.

    `everything` are the columns of all scripts, when those of `columns` are a part of them.
    """
    everything = parts.pop("everything", parts["columns"])
    histograms = {**parts["histograms"], "scripts": scripts_histogram(everything)}
    sketches = {"latency_ns": latencies_of(everything).to_json()}
    parts = {**parts, "histograms": histograms, "sketches": sketches}
    judged = {name: parts[name] for name in ("counters", "columns", "histograms", "verdicts")}
    judged |= {"sketches": sketches, "resources": parts.get("resources", {})}
    return VariantRecord(**{**parts, "digest": digest(**judged)})


def scripts_histogram(columns: Mapping[str, list[int]]) -> Histogram:
    """The histogram `scripts` of scripts with these columns."""
    fields = ["script", "outcome", "attempts"]
    counted = Counter(zip(*(columns[field] for field in fields), strict=True))
    return Histogram(fields=fields, rows=sorted([*row, count] for row, count in counted.items()))


def latencies_of(columns: Mapping[str, list[int]]) -> Sketch:
    """The sketch of their latencies, of those that ended ok."""
    sketch = Sketch()
    for latency, outcome in zip(columns["latency_ns"], columns["outcome"], strict=True):
        if not outcome:
            sketch.add(latency)
    return sketch


def make_record(*variants: VariantRecord, name: str = "verify_storm", seed: int = 1) -> RunRecord:
    """A run of these variants; of the four fences of the incident when none is given."""
    chosen = variants or tuple(
        make_variant(name) for name in ("per_call", "as_merged", "one_fence", "none")
    )
    return RunRecord(
        readfence="0.1.0", name=name, seed=seed, scenario={"name": name}, variants=list(chosen)
    )


def with_latencies(latencies: list[int], name: str = "one_fence", **changes: Any) -> VariantRecord:
    """A variant of exactly these latencies (ns), one script each, without timelines."""
    variant = make_variant(name, scripts=len(latencies), sampled=0)
    columns = {**variant.columns, "latency_ns": latencies}
    return seal(**{**dict(variant), "columns": columns, **changes})


def renamed(fence: str, **changes: Any) -> Fence:
    """The fence of that name with some of its settings changed."""
    return replace(FENCES[fence], **changes)
