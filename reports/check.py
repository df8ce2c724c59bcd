"""A check: all expectations of a scenario against one run, every one of them, not the first.

It decides; how the result is told is the business of `reports.check_output`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from reports.evaluate import Line, Verdict, evaluate_figures
from reports.expect import parse
from reports.figures import counters_of, figures_of
from reports.planning.record import PlanRecord
from sim.errors import InputError
from sim.record import RunRecord


@dataclass(frozen=True, slots=True)
class Gate:
    """An expectation and where it is written."""

    text: str
    file: str | None = None
    """The file, as the caller wants it shown: in CI relative to the repository."""
    line: int | None = None
    """From 1."""

    @property
    def place(self) -> str:
        """File and line as in "a.yaml:3", as much of it as is known."""
        if self.file is None:
            return ""
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a check, and the gate it came from."""

    gate: Gate
    line: Line


@dataclass(frozen=True, slots=True)
class Check:
    """What a run made of all its gates."""

    scenario: str
    seed: int
    told: str
    """Which run it was, in words."""
    overrides: tuple[str, ...]
    """What was set beside the scenario's file."""
    digest: str
    """Of the run record."""
    findings: tuple[Finding, ...]

    @property
    def kept(self) -> bool:
        """Whether every line was kept; an unknown one is not."""
        return all(finding.line.verdict == "kept" for finding in self.findings)

    def count(self, verdict: Verdict) -> int:
        """How many lines have this verdict."""
        return Counter(finding.line.verdict for finding in self.findings)[verdict]


def check_run(record: RunRecord, gates: Sequence[Gate], plan: PlanRecord | None = None) -> Check:
    """Evaluate every gate on a run, and on the plan where one was made.

    Raises `InputError` with file and line of the gate when one is wrong (see `expect.parse`) or
    divides by zero, and when there is no gate at all: a check of nothing would never fail.
    """
    if not gates:
        raise InputError(f"{record.name} has no expectations, so there is nothing to check")
    figures = figures_of(record, plan)
    counters = counters_of(record)
    findings: list[Finding] = []
    for gate in gates:
        try:
            expectation = parse(gate.text, variants=[*figures], counters=counters)
            lines = evaluate_figures(expectation, figures)
        except InputError as error:
            raise InputError(f"{gate.place}: {error}" if gate.place else str(error)) from error
        findings.extend(Finding(gate, line) for line in lines)
    return Check(
        record.name,
        record.seed,
        record.told,
        tuple(record.overrides),
        record.digest,
        tuple(findings),
    )
