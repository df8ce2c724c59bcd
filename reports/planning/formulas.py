"""Formulas beside a plan: what theory says of the same figures, or why it says nothing.

Each answer is a number in the unit of the figure, or a text that tells why the formula does not
apply. A formula is no judge of the simulation, nor the other way round: where both speak of the
same thing they should agree, and where they differ the assumption that fails is worth knowing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reports.planning.record import PlanRecord, Probe, Situation, Use
from reports.theory import fit_scalability, md1_wait, mm1_wait, operational_bound
from sim.units import SECOND

_CHANGED: Final = 0.05
"""A demand that changes by more than this share with the load is none."""
_ONE_VISIT: Final = 0.05
"""Arrivals at a resource are taken for those of the scripts if they are as many, within this."""


_FAR: Final = 1.5
"""A fitted curve is believed up to so many times the highest throughput that it was fitted to."""


@dataclass(frozen=True, slots=True)
class Formula:
    """What a formula says."""

    value: float | None
    """None where it does not apply."""
    why_not: str = ""

    def off(self, figure: float | None) -> float | None:
        """How far a figure lies from it, as a share of it; None where there is nothing to tell."""
        if self.value is None or figure is None or not self.value:
            return None
        return figure / self.value - 1.0


def bound(situation: Situation) -> Formula:
    """1 / D_max, the load that keeps the busiest resource busy all the time.

    The time of a resource per script is how its busy time rises from the lowest load to the next
    ones; what is left at no load, such as heartbeats, is taken off its servers. It must still be
    right at the capacity, or the resource does not serve scripts one like the other.
    """
    reached = situation.capacity.load.value
    probes = [probe for probe in situation.probes if reached and probe.load <= reached]
    if len(probes) < 3:
        return Formula(None, "fewer than three loads up to the capacity")
    first, second, last = probes[0], probes[len(probes) // 2], probes[-1]
    lines = {name: _line(name, first, second) for name in first.resources}
    demands = {name: slope for name, (_, slope) in lines.items() if slope > 0}
    if not demands:
        return Formula(None, "no resource was busy")
    free = {name: first.resources[name].count - lines[name][0] for name in demands}
    found = operational_bound(demands, free)
    idle, slope = lines[found.bottleneck]
    expected, seen = idle + slope * last.throughput, _busy(found.bottleneck, last)
    if abs(seen / expected - 1.0) > _CHANGED:
        return Formula(
            None,
            f"the time of {found.bottleneck} per script changes with the load: {seen:.3g} busy at "
            f"{last.load:g}/s, not {expected:.3g}",
        )
    return Formula(found.throughput)


def _line(name: str, first: Probe, second: Probe) -> tuple[float, float]:
    """Servers busy at no load, and how many more per script a second."""
    slope = (_busy(name, second) - _busy(name, first)) / (second.throughput - first.throughput)
    return max(_busy(name, first) - slope * first.throughput, 0.0), slope


def _busy(name: str, probe: Probe) -> float:
    """How many servers were busy on average."""
    use = probe.resources.get(name)
    return use.utilisation * use.count if use else 0.0


def not_poisson(record: PlanRecord, variant: str) -> str:
    """Why the scripts of a variant do not come as a Poisson process; empty: they do."""
    if "workload" in (record.scenario["variants"].get(variant) or {}):
        return "the variant has a workload of its own"
    for group in record.scenario["workload"]:
        if not group["arrivals"]:
            return f"{group['name']} send in a closed loop, so arrivals are not Poisson"
        if group["arrivals"]["pattern"] != "poisson":
            return f"arrivals of {group['name']} are {group['arrivals']['pattern']}, not Poisson"
    return ""


def constant_service_wait(use: Use, arrivals: str = "") -> Formula:
    """Mean wait (ns) of M/D/1 at a resource: Poisson arrivals, one server, constant service.

    `arrivals` as `not_poisson` says.
    """
    why = arrivals or _no_single_queue(use)
    return Formula(None, why) if why else Formula(md1_wait(_per_ns(use), use.service_ns))


def exponential_service_wait(use: Use, arrivals: str = "") -> Formula:
    """Mean wait (ns) of M/M/1: twice that of M/D/1, for service times that vary as much."""
    why = arrivals or _no_single_queue(use)
    return Formula(None, why) if why else Formula(mm1_wait(_per_ns(use), use.service_ns))


def _per_ns(use: Use) -> float:
    return use.arrived_per_s / SECOND


def _no_single_queue(use: Use) -> str:
    """Why a resource is not one queue of one server with Poisson arrivals; empty: it is."""
    if use.count > 1:
        return f"{use.count} servers, not one"
    if abs(use.visits - 1.0) > _ONE_VISIT:
        return f"{use.visits:.3g} visits per script, so arrivals are not Poisson"
    if use.utilisation >= 1.0:
        return "it is saturated"
    return ""


def scalability_peak(probes: Sequence[Probe]) -> Formula:
    """The greatest throughput by Gunther's law, fitted to what every stable load did.

    His law is about customers at work; in an open system they are load times mean latency (Little).
    """
    stable = [probe for probe in probes if probe.answer != "unstable" and probe.mean_ns > 0]
    if len({probe.load for probe in stable}) < 3:
        return Formula(None, "fewer than three stable loads")
    at_work = [probe.throughput * probe.mean_ns / SECOND for probe in stable]
    try:
        fit = fit_scalability(at_work, [probe.throughput for probe in stable])
    except ValueError as error:
        return Formula(None, str(error))
    if fit.sigma == 0.0 and fit.kappa == 0.0:
        return Formula(None, "throughput rises in proportion: no limit within these loads")
    reached = max(probe.throughput for probe in stable)
    if fit.peak_throughput > _FAR * reached:
        return Formula(None, f"its peak lies far beyond {reached:,.3g}/s, the most that was seen")
    return Formula(fit.peak_throughput)
