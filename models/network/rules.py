"""Rules: what befalls a message on its way. The first verdict other than `PASS` wins.

A rule is a function of (source, target, message, now). Faults live here: a partition is a rule that
drops between two sides, a slow link one that delays.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias


class Pass:
    """The rule has nothing to say; the next one is asked."""


class Drop:
    """The message is lost."""


@dataclass(frozen=True, slots=True)
class Delay:
    """The message is held for `extra_ns` on top of what the link takes."""

    extra_ns: int


PASS: Final = Pass()
DROP: Final = Drop()
Verdict: TypeAlias = Pass | Drop | Delay
Rule: TypeAlias = Callable[[int, int, object, int], Verdict]


def first_verdict(
    rules: list[Rule], source: int, target: int, message: object, now: int
) -> Verdict:
    """The first verdict other than `PASS`, in the order in which the rules were installed."""
    for rule in rules:
        verdict = rule(source, target, message, now)
        if verdict is not PASS:
            return verdict
    return PASS
