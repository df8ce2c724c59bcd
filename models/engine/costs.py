"""What the event loop of an engine takes for what it does."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LoopCosts:
    """Service times of the event loop, in ns."""

    read: int
    message: int
    proposal: int
    tick: int
    apply_entry: int
    apply_mutation: int
