"""What a recording holds: its scripts with their calls per run, its commands, undeclared keys.

Found by replaying it once on one node without a fence, which takes no quorum round.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from models.engine.sites import CALLS
from models.service import Outcome, Request
from models.spec import System
from models.workload.recording import Recording
from models.world import World

_SYSTEM = {
    "fence": "none",
    "cluster": {"nodes": 1},
    "timelines": 0,
    # Nothing takes time, so that connections meet in the order in which they met when recorded.
    "engine": dict.fromkeys(
        ("read", "message", "proposal", "timer", "apply_entry", "apply_mutation", "fsync"), "0s"
    ),
    "store": {"point_read": "0s", "scan": "0s", "scan_row": "0s"},
    "script": {"start": "0s", "call": "0s", "commit": "0s"},
    "workload": {"replay": "it"},
}


@dataclass
class ScriptUse:
    """What one script did."""

    calls: list[int] = field(default_factory=list)
    """Per run."""
    undeclared: int = 0
    """Runs that touched keys which were not passed as keys."""
    errors: int = 0

    def percentile(self, percent: int) -> int:
        """Calls per run."""
        ordered = sorted(self.calls)
        return ordered[(len(ordered) - 1) * percent // 100]

    def as_json(self) -> dict[str, int]:
        """All of it."""
        return {
            "runs": len(self.calls),
            "calls_p50": self.percentile(50),
            "calls_p90": self.percentile(90),
            "calls_max": max(self.calls),
            "runs_with_undeclared_keys": self.undeclared,
            "errors": self.errors,
        }


@dataclass
class Summary:
    """What a recording holds."""

    connections: int
    duration_ns: int
    scripts: dict[str, ScriptUse]
    commands: Counter[str]

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return {
            "connections": self.connections,
            "duration_ns": self.duration_ns,
            "commands": dict(self.commands.most_common()),
            "scripts": {sha: use.as_json() for sha, use in self._by_runs()},
            "all_scripts": self.all_scripts.as_json() if self.scripts else None,
        }

    @property
    def all_scripts(self) -> ScriptUse:
        """All scripts together."""
        uses = self.scripts.values()
        return ScriptUse(
            [calls for use in uses for calls in use.calls],
            sum(use.undeclared for use in uses),
            sum(use.errors for use in uses),
        )

    def view(self) -> RenderableType:
        """Tables for people."""
        scripts = Table(box=None, pad_edge=False)
        for heading in ("script", "runs", "calls p50", "p90", "max", "undeclared keys", "errors"):
            scripts.add_column(heading, justify="left" if heading == "script" else "right")
        together = [("all scripts", self.all_scripts)] if len(self.scripts) > 1 else []
        for name, use in [*self._by_runs(), *together]:
            runs = len(use.calls)
            scripts.add_row(
                name, f"{runs:,}", str(use.percentile(50)), str(use.percentile(90)),
                str(max(use.calls)), f"{use.undeclared / runs:.0%}", f"{use.errors:,}",
            )  # fmt: skip
        commands = Table(box=None, pad_edge=False)
        commands.add_column("command")
        commands.add_column("sent", justify="right")
        for name, count in self.commands.most_common():
            commands.add_row(name, f"{count:,}")
        return Group(scripts, "", commands) if self.scripts else commands

    def _by_runs(self) -> list[tuple[str, ScriptUse]]:
        return sorted(self.scripts.items(), key=lambda item: (-len(item[1].calls), item[0]))


class _Notes:
    """Looks at every request of the replay."""

    def __init__(self) -> None:
        self.scripts: dict[str, ScriptUse] = {}

    def began(self, label: str, outcome: Outcome) -> tuple[None, None]:
        return None, None

    def ended(self, note: None, request: Request, outcome: Outcome) -> None:
        if request.command is not None or request.parts is not None or not outcome.tallies:
            return
        use = self.scripts.setdefault(request.digest(), ScriptUse())
        use.calls.append(outcome.tallies[-1][CALLS])
        use.undeclared += any(key not in request.keys for key in outcome.read_keys)
        use.errors += outcome.failed


def summarize(recording: Recording) -> Summary:
    """What a recording holds."""
    sent = recording.sent
    commands = Counter(
        entry.words[0].upper().decode(errors="replace") for entry in sent if entry.words
    )
    notes = _Notes()
    if sent:
        world = World(
            System.model_validate(_SYSTEM),
            seed=1,
            lua_files={},
            recordings={"it": recording},
            notes=notes,
        )
        world.run("none", {})
    return Summary(
        connections=len({entry.connection for entry in sent}),
        duration_ns=sent[-1].at_ns - sent[0].at_ns if sent else 0,
        scripts=notes.scripts,
        commands=commands,
    )
