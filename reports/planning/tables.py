"""The tables of a plan, as text in cells; `reports.planning.text` sets them.

Rounded for people; `plan.json` has the digits.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from reports.planning.formulas import (
    Formula,
    bound,
    constant_service_wait,
    exponential_service_wait,
    not_poisson,
    scalability_peak,
)
from reports.planning.record import (
    Answer,
    Capacity,
    Condition,
    Estimate,
    PlanRecord,
    Probe,
    Situation,
    VariantPlan,
)
from sim.units import human_duration

NOTHING: Final = "-"
"""Stands where there is no figure."""
CONDITION_NAMES: Final[dict[Condition, str]] = {
    "healthy": "all nodes",
    "lost": "one follower lost",
    "slow": "one follower slow",
}
_KEPT: Final[dict[Answer, str]] = {
    "kept": "yes", "missed": "no", "unstable": "no", "unclear": "unclear",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Table:
    """A table: the first columns are names, the others figures."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    names: int = 1
    """How many of its columns are names, set to the left."""


def tables_of(record: PlanRecord) -> list[Table]:
    """All tables of a plan that have a row."""
    tables = [_capacities(record), _shares(record)]
    if record.today is not None:
        tables.append(_headroom(record))
    if len(record.variants[0].situations) > 1:
        tables.append(_losses(record))
    tables += [_formulas(record), _waits(record)]
    return [table for table in tables if table.rows]


def _capacities(record: PlanRecord) -> Table:
    rows: list[tuple[str, ...]] = []
    notes: list[str] = []
    for variant in record.variants:
        healthy = variant.healthy
        at = healthy.nearest
        rows.append((
            variant.name,
            capacity_text(healthy.capacity),
            _interval_text(healthy.capacity.load),
            bottleneck_text(at),
            _use_text(at),
            _beyond(healthy),
        ))  # fmt: skip
        notes += _reasons(variant)
    level = f"{record.level:.0%}".replace("%", " %")
    headings = ("", "capacity", f"{level} interval", "bottleneck", "its use", "beyond it")
    notes += [*_full_lanes(record), *_brackets(record), _BOTTLENECK, _warm_up(record)]
    return Table(
        f"Capacity: the highest load that keeps {record.objective}",
        headings, tuple(rows), tuple(notes),
    )  # fmt: skip


_BOTTLENECK: Final = (
    "Bottleneck: where scripts wait longest; + and a number: so many others where they wait as "
    "long. Rates and use are of whole runs, warm-up included."
)


def _brackets(record: PlanRecord) -> Iterator[str]:
    names = [v.name for v in record.variants if v.healthy.capacity.by == "bracket"]
    if names:
        yield (
            f"{', '.join(names)}: the objective breaks near the limit of stability; the "
            "interval is from a load that is sure to keep it to one that is sure not to"
        )


def _reasons(variant: VariantPlan) -> Iterator[str]:
    for situation in variant.situations:
        if situation.capacity.reason:
            where = "" if situation.condition == "healthy" else f", {_name(situation.condition)}"
            yield f"{variant.name}{where}: {situation.capacity.reason}"


def _full_lanes(record: PlanRecord) -> Iterator[str]:
    """From which load on `fidelity: rounds` let messages through that had no room."""
    parts = []
    for variant in record.variants:
        full = [
            (each, probe.load)
            for each in variant.situations
            for probe in each.probes
            if probe.would_drop
        ]
        first = {each.condition: load for each, load in reversed(full)}
        loads = ", ".join(
            f"{rate(first[each.condition])} with {_name(each.condition)}"
            for each in variant.situations
            if each.condition in first
        )
        if loads:
            parts.append(f"{variant.name} from {loads}")
    if parts:
        yield (
            "messages found no room and went on all the same, where `fidelity: messages` drops "
            f"them: {'; '.join(parts)}"
        )


def _name(condition: Condition) -> str:
    return CONDITION_NAMES[condition]


def _beyond(situation: Situation) -> str:
    """What ends the capacity: the first load that does not keep the objective."""
    at = situation.capacity.load.value
    if at is None:
        return NOTHING
    over = [probe for probe in situation.probes if probe.load > at]
    certain = [probe for probe in over if probe.answer in ("missed", "unstable")]
    if not certain:
        return NOTHING
    first = certain[0]
    return f"{first.answer} at {rate(first.load)}"


def _warm_up(record: PlanRecord) -> str:
    probes = [
        probe for variant in record.variants for each in variant.situations for probe in each.probes
    ]
    cuts = [probe.warm_up for probe in probes if probe.warm_up is not None]
    runs = sum(probe.runs for probe in probes)
    scripts = sum(probe.scripts for probe in probes)
    found = f"at most {max(cuts):,} scripts of a run" if cuts else "none found"
    return (
        f"{runs:,} runs of {len(probes):,} loads, {scripts:,} scripts; "
        f"warm-up cut by MSER-5: {found}"
    )


def _shares(record: PlanRecord) -> Table:
    named = _percentile(record)
    shown = tuple(dict.fromkeys(("p50", "p99", named)))
    rows = []
    for variant in record.variants:
        for share, probe in _probes(variant, variant.shares):
            rows.append((
                variant.name, share, rate(probe.load), *_latencies(probe, shown), _width(probe),
                _use_text(probe), rate(probe.verifications_per_s), rate(probe.rounds_per_s),
            ))  # fmt: skip
    headings = ("", "at", "load", *shown, "±", "use", "verifications", "rounds")
    notes = (
        f"±: half of the interval of {named}, until it is as narrow as plan.precision or the runs "
        "are plan.runs; use: of the bottleneck",
    )
    return Table("At a share of the capacity", headings, tuple(rows), notes, names=2)


def _probes(variant: VariantPlan, loads: dict[str, float]) -> Iterator[tuple[str, Probe]]:
    for name, load in loads.items():
        probe = variant.healthy.at(load)
        if probe is not None:
            yield name, probe


def _why_not(name: str, formula: Formula) -> list[str]:
    return [f"{name}: does not apply: {formula.why_not}"] if formula.why_not else []


def _percentile(record: PlanRecord) -> str:
    """The percentile that the objective is about, such as "p99"."""
    return f"p{record.percent:.10g}"


def _latencies(probe: Probe, shown: Sequence[str]) -> Iterator[str]:
    """Percentiles of latency by their names: p50, p99, and whatever the objective is about."""
    known = {"p50": probe.p50, "p99": probe.p99}
    for name in shown:
        if probe.answer == "unstable":
            yield NOTHING if name == "p50" else "unstable"
        else:
            yield _estimate_text(known.get(name, probe.objective))


def _width(probe: Probe) -> str:
    """Half of the interval of the objective's percentile, as a share of it."""
    found = probe.objective
    if probe.answer == "unstable" or not found.value or found.low is None or found.high is None:
        return NOTHING
    return percent((found.high - found.low) / 2 / found.value)


def _headroom(record: PlanRecord) -> Table:
    named = _percentile(record)
    rows: list[tuple[str, ...]] = []
    for variant in record.variants:
        for name, load in variant.headroom.items():
            probe = variant.healthy.at(load)
            if probe is None:
                nothing = (NOTHING,) * 4
                rows.append((variant.name, name, rate(load), *nothing, _KEPT["missed"]))
                continue
            rows.append((
                variant.name, name, rate(load), *_latencies(probe, [named]), _width(probe),
                bottleneck_text(probe), _use_text(probe), _KEPT[probe.answer],
            ))  # fmt: skip
    headings = ("", "", "load", named, "±", "bottleneck", "its use", "kept")
    title = f"Headroom: {record.objective} from today's {rate(record.today or 0.0)} on"
    notes = ("-: beyond the capacity, not run",) if any(row[3] == NOTHING for row in rows) else ()
    return Table(title, headings, tuple(rows), notes, names=2)


def _losses(record: PlanRecord) -> Table:
    rows = [
        (
            variant.name,
            _name(situation.condition),
            capacity_text(situation.capacity),
            _interval_text(situation.capacity.load),
            _change(situation.capacity.load.value, variant.healthy.capacity.load.value),
            bottleneck_text(situation.nearest),
        )
        for variant in record.variants
        for situation in variant.situations
    ]
    headings = ("", "with", "capacity", "interval", "change", "bottleneck")
    return Table("A follower less", headings, tuple(rows), names=2)


def _formulas(record: PlanRecord) -> Table:
    rows, notes = [], []
    for variant in record.variants:
        healthy = variant.healthy
        about = healthy.capacity.load.value
        most, peak = bound(healthy), scalability_peak(healthy.probes)
        rows.append((
            variant.name, capacity_text(healthy.capacity), _formula_rate(most), _off(most, about),
            _formula_rate(peak), _off(peak, about),
        ))  # fmt: skip
        notes += _why_not(f"{variant.name}, 1/D_max", most)
        notes += _why_not(f"{variant.name}, USL", peak)
    notes.append(
        "1/D_max: the load that keeps the busiest resource busy all the time, from its time per "
        "script at the lowest load. USL peak: the greatest throughput by Gunther's law, fitted to "
        "the stable loads. An objective that allows any wait breaks about there, others below."
    )
    headings = ("", "capacity", "1/D_max", "off", "USL peak", "off")
    return Table("Beside formulas", headings, tuple(rows), tuple(notes))


def _waits(record: PlanRecord) -> Table:
    rows, notes = [], []
    for variant in record.variants:
        arrivals = not_poisson(record, variant.name)
        for share, probe in _probes(variant, variant.shares):
            if probe.bottleneck is None:
                continue
            use = probe.resources[probe.bottleneck]
            constant = constant_service_wait(use, arrivals)
            varying = exponential_service_wait(use, arrivals)
            rows.append((
                variant.name, share, bottleneck_text(probe), percent(use.utilisation),
                duration(use.wait_ns), _formula_duration(constant), _off(constant, use.wait_ns),
                _formula_duration(varying), _off(varying, use.wait_ns),
            ))  # fmt: skip
            if share == next(iter(variant.shares)):
                notes += _why_not(f"{variant.name} at {share}", constant)
    headings = ("", "at", "bottleneck", "its use", "mean wait", "M/D/1", "off", "M/M/1", "off")
    notes.append(
        "M/D/1 is for constant service, M/M/1 for exponential; what varies less lies between."
    )
    return Table("Waiting beside formulas", headings, tuple(rows), tuple(notes), names=3)


# -- cells ----------------------------------------------------------------------------------------


def rate(per_second: float) -> str:
    """A rate for people."""
    text = f"{per_second:,.0f}" if per_second >= 999.5 else f"{per_second:.3g}"
    return f"{text}/s"


def duration(nanoseconds: float) -> str:
    """A duration for people."""
    return human_duration(nanoseconds)


def percent(share: float) -> str:
    """A share for people."""
    return f"{100 * share:.3g} %" if abs(share) < 10 else f"{100 * share:,.0f} %"


def capacity_text(capacity: Capacity) -> str:
    """The capacity in a cell: a load, or the word for what was found instead."""
    if capacity.load.value is not None:
        return rate(capacity.load.value)
    return {"below": "below range", "above": "above range"}.get(capacity.found, "unclear")


def _interval_text(load: Estimate) -> str:
    if load.value is None:
        return NOTHING
    low, high = ("?" if end is None else rate(end) for end in (load.low, load.high))
    return f"{low.removesuffix('/s')} to {high}"


def bottleneck_text(probe: Probe) -> str:
    """The busiest resource, and how many others are as busy."""
    busiest = probe.busiest
    if not busiest:
        return NOTHING
    return busiest[0] if len(busiest) == 1 else f"{busiest[0]} +{len(busiest) - 1}"


def _use_text(probe: Probe) -> str:
    name = probe.bottleneck
    return NOTHING if name is None else percent(probe.resources[name].utilisation)


def _estimate_text(estimate: Estimate) -> str:
    return "failed" if estimate.value is None else duration(estimate.value)


def _change(value: float | None, base: float | None) -> str:
    if value is None or not base:
        return NOTHING
    return f"{round(100 * (value / base - 1)):+d} %"


def _formula_rate(formula: Formula) -> str:
    return NOTHING if formula.value is None else rate(formula.value)


def _formula_duration(formula: Formula) -> str:
    return NOTHING if formula.value is None else duration(formula.value)


def _off(formula: Formula, figure: float | None) -> str:
    off = formula.off(figure)
    return NOTHING if off is None else f"{100 * off:+.0f} %"
