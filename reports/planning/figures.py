"""What an expectation can name of a plan, such as `plan.one_fence.capacity >= 3000/s`.

A capacity spans its interval, so that a line holds only if it holds for all of it.
"""

from fractions import Fraction
from typing import Final

from reports.planning.record import Condition, VariantPlan
from reports.quantity import RATE, Quantity
from reports.sample import NoData
from sim.units import SECOND

CAPACITIES: Final[dict[str, tuple[Condition, str]]] = {
    "plan.capacity": ("healthy", ""),
    "plan.lost.capacity": ("lost", " with one follower lost"),
    "plan.slow.capacity": ("slow", " with one follower ten times slower"),
}
"""By name: under which condition, and what to add to its description."""


def capacity(plan: VariantPlan | None, condition: Condition) -> Quantity:
    """A capacity with its interval. Raises `NoData` when there is none."""
    if plan is None:
        raise NoData("no plan was made; `readfence check` makes one for the lines of `expect:`")
    situation = plan.situation(condition)
    if situation is None:
        raise NoData(f"{plan.name} has no follower to spare, so nothing was planned without one")
    load = situation.capacity.load
    if load.value is None:
        raise NoData(f"no capacity was found: {situation.capacity.reason}")
    if load.low is None or load.high is None:
        raise NoData(f"the capacity of about {load.value:g}/s has an open interval")
    low, high, about = (Fraction(end) / SECOND for end in (load.low, load.high, load.value))
    return Quantity(low, high, RATE, about)
