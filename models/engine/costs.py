"""What the event loop of an engine takes for what it does."""

from dataclasses import dataclass

from models.spec import EngineSpec


@dataclass(frozen=True, slots=True)
class LoopCosts:
    """Service times of the event loop, in ns."""

    read: int
    message: int
    proposal: int
    tick: int
    apply_entry: int
    apply_mutation: int


def loop_costs(engine: EngineSpec, times: float) -> LoopCosts:
    """Of an event loop that takes so many times as long as others."""
    return LoopCosts(
        read=round(engine.read * times),
        message=round(engine.message * times),
        proposal=round(engine.proposal * times),
        tick=round(engine.timer * times),
        apply_entry=round(engine.apply_entry * times),
        apply_mutation=round(engine.apply_mutation * times),
    )
