"""What is written down of a run while it runs; becomes a `VariantRecord` at its end."""

from array import array
from collections import Counter
from typing import Final

from models.audit.safety import Operation, SafetyJudge
from models.engine.sites import FIELDS, Site
from models.replies import ErrorReply
from models.service import Outcome
from models.workload.tickets import Ticket
from sim.kernel import Kernel
from sim.record import Histogram, Timeline
from sim.trace import Trace
from sim.trail import Trail

OK: Final = "ok"
COLUMNS: Final = ("id", "load", "script", "start_ns", "latency_ns", "outcome", "attempts")
"""One value per measured script; see `Recorder.columns`."""

_SITES: Final = len(Site)


class Recorder:
    """The notebook of all clients of one run."""

    def __init__(
        self,
        kernel: Kernel,
        *,
        loads: list[str],
        kinds: list[list[str]],
        skip_scripts: int,
        skip_ns: int,
        timelines: int,
        trace: Trace | None,
    ) -> None:
        """The first `skip_scripts` of each group and all sent before `skip_ns` are not measured.

        `kinds` holds the names of what each group sends. Up to `timelines` scripts, evenly spread
        over the run, are recorded span by span.
        """
        self._kernel = kernel
        self._skip_scripts = skip_scripts
        self._skip_ns = skip_ns
        self._timelines_max = timelines
        self._trace = trace
        self._stride = 1
        self.loads = loads
        self._kinds = kinds
        self.scripts = [kind for names in kinds for kind in names]
        self._first_kind = [sum(map(len, kinds[:group])) for group in range(len(kinds))]
        self.outcomes = {OK: 0}
        self._cells = array("q")
        """Row by row; one flat array holds a million scripts in 56 MB."""
        self.attempts: Counter[tuple[int, ...]] = Counter()
        self.timelines: list[Timeline] = []
        self.counted = 0
        """Verifications in all tallies, measured or not, whatever became of the attempt."""
        self.measured_from: int | None = None
        self.judge = SafetyJudge()

    def began(self, group: int, ticket: Ticket, start_ns: int, outcome: Outcome) -> Trail | None:
        """A script is sent."""
        self.judge.began(outcome, start_ns)
        if self._trace is not None:
            self._trace.add(start_ns, f"{self.loads[group]} #{ticket.id}", "sent")
        if ticket.id < self._skip_scripts or start_ns < self._skip_ns:
            return None
        if self.measured_from is None:
            self.measured_from = start_ns
        if self._timelines_max and ticket.id % self._stride == 0:
            return Trail(ticket.id, start_ns)
        return None

    def ended(
        self, group: int, ticket: Ticket, start_ns: int, outcome: Outcome, trail: Trail | None
    ) -> None:
        """A script is answered, now."""
        now = self._kernel.now
        self._kernel.progress += 1
        if self._trace is not None:
            who = f"{self.loads[group]} #{ticket.id}"
            self._trace.add(now, who, "answered", attempts=outcome.attempts)
        for tally in outcome.tallies:
            self.counted += sum(tally[:_SITES])
        if self.judge.concerned or outcome.commit_ts:
            self.judge.ended(outcome, self._operation(group, ticket, start_ns, outcome))
        else:
            self.judge.ended_idle(outcome)
        if ticket.id < self._skip_scripts or start_ns < self._skip_ns:
            return
        code = 0
        if type(outcome.reply) is ErrorReply:
            text = outcome.reply.text.decode(errors="replace")
            code = self.outcomes.setdefault(text, len(self.outcomes))
        self._cells.extend(
            (
                ticket.id,
                group,
                self._first_kind[group] + ticket.kind,
                start_ns,
                now - start_ns,
                code,
                outcome.attempts,
            )
        )
        # An attempt that ended in an error served nothing; all before it ran to a write conflict.
        for tally in outcome.tallies[:-1] if outcome.failed else outcome.tallies:
            self.attempts[tuple(tally)] += 1
        if trail is not None:
            trail.mark("local", "reply", now)
            self._keep(trail)

    def _operation(self, group: int, ticket: Ticket, start_ns: int, outcome: Outcome) -> Operation:
        settled = outcome.commit_ts and not outcome.unsettled
        return Operation(
            f"{self.loads[group]} #{ticket.id}",
            start_ns,
            self._kernel.now,
            outcome.read_ns,
            outcome.start_ts,
            outcome.commit_ts if settled else 0,
            outcome.committed_ns,
            outcome.read_keys,
            outcome.written_keys,
        )

    def columns(self) -> dict[str, list[int]]:
        """One value per measured script, in the order of their answers."""
        width = len(COLUMNS)
        return {name: self._cells[i::width].tolist() for i, name in enumerate(COLUMNS)}

    def _keep(self, trail: Trail) -> None:
        self.timelines.append(trail.timeline())
        if len(self.timelines) > 2 * self._timelines_max:
            self._stride *= 2
            self.timelines = [kept for kept in self.timelines if kept.id % self._stride == 0]

    def histogram(self) -> Histogram:
        """Tallies of all measured attempts that ran their script to its end."""
        rows = sorted([*tally, count] for tally, count in self.attempts.items())
        return Histogram(fields=list(FIELDS), rows=rows)
