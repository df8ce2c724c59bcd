"""The read fences that are compared: where a script asks a quorum, and how.

A policy is four answers. Two layers can pay for a read, the adapter and the store wrapper below it;
that a policy names both is the point: the modelled system's fix removed one and left the other.
docs/fences.md maps the names to those of the modelled system and of the story.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Start(Enum):
    """The fence at script start, before the read timestamp is taken."""

    NOTHING = "none"
    READ_INDEX = "read index"
    """LinearizableRead: one quorum round, then wait until that index is applied."""
    LOG = "log"
    """A no-op entry through the log, applied before the script begins."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One read fence."""

    name: str
    about: str
    start: Start = Start.NOTHING
    string_reads: bool = False
    """The adapter verifies leadership before each row of a string that it reads (V)."""
    store_operations: bool = False
    """The store wrapper runs a linearizable read for every point read and range scan (F)."""
    commit_guard: bool = True
    """Leadership is verified before a commit is proposed (C)."""

    @property
    def waits_inside(self) -> bool:
        """Whether a read inside the script may have to wait for a quorum."""
        return self.string_reads or self.store_operations


POLICIES: Final = {
    policy.name: policy
    for policy in (
        Policy(
            "per_call",
            "verifies leadership at every string row read; the stores do not fence",
            string_reads=True,
        ),
        Policy(
            "one_fence",
            "one linearizable read before the script, snapshot reads after it",
            start=Start.READ_INDEX,
        ),
        Policy(
            "as_merged",
            "one fence on top, and still a quorum round in the store for every read below it",
            start=Start.READ_INDEX,
            store_operations=True,
        ),
        Policy(
            "before",
            "both layers pay: the adapter per string row, the store per operation",
            string_reads=True,
            store_operations=True,
        ),
        Policy(
            "log_read",
            "the fence is a no-op entry through the log",
            start=Start.LOG,
        ),
        Policy(
            "none",
            "no verification at all: the negative control",
            commit_guard=False,
        ),
    )
}
