"""What is written down of a run while it runs; becomes a `VariantRecord` at its end."""

from array import array
from collections import Counter
from itertools import count
from typing import Any, Final

from models.audit.safety import Operation, SafetyJudge
from models.engine.sites import FIELDS, Site
from models.replies import ErrorReply
from models.service import Outcome, Request
from models.workload.tickets import Ticket
from sim.kernel import Kernel
from sim.record import Histogram, Timeline
from sim.trace import Trace
from sim.trail import Trail

OK: Final = "ok"
COLUMNS: Final = ("id", "load", "script", "start_ns", "latency_ns", "outcome", "attempts")
"""One value per measured script; see `Recorder.columns`."""


class SessionNotes:
    """What a server's sessions send, written down as the last group's scripts."""

    def __init__(self, kernel: Kernel, recorder: "Recorder") -> None:
        self._kernel = kernel
        self._recorder = recorder
        self._group = len(recorder.loads) - 1
        self._ids = count()

    def began(self, label: str, outcome: Outcome) -> tuple[tuple[Ticket, int, Trail | None], Any]:
        """A request is sent, now."""
        now = self._kernel.now
        ticket = Ticket(next(self._ids), self._recorder.kind(label), _NOTHING)
        trail = self._recorder.began(self._group, ticket, now, outcome)
        return (ticket, now, trail), trail

    def ended(self, note: tuple[Ticket, int, Trail | None], outcome: Outcome) -> None:
        """The request is answered, now."""
        ticket, start, trail = note
        self._recorder.ended(self._group, ticket, start, outcome, trail)


_NOTHING: Final = Request([], [])
"""What a ticket of a session holds: what was sent is not written down."""


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
        """The first `skip_scripts` of each group and all sent in the first `skip_ns` of the
        clients' time (see `start`) are not measured.

        `kinds` holds the names of what each group sends. Up to `timelines` scripts, evenly spread
        over the run, are recorded span by span.
        """
        self._kernel = kernel
        self._skip_scripts = skip_scripts
        self._warm_at = skip_ns
        self._timelines_max = timelines
        self._trace = trace
        self._stride = 1
        self.loads = loads
        self._kinds = kinds
        self.scripts = [kind for names in kinds for kind in names]
        self._first_kind = [sum(map(len, kinds[:group])) for group in range(len(kinds))]
        self._numbers: dict[str, int] = {}
        """Of what the last group sends and was not announced."""
        self.unsupported: Counter[bytes] = Counter()
        """Commands that the modelled system would have refused."""
        self.outcomes = {OK: 0}
        self._cells = array("q")
        """Row by row; one flat array holds a million scripts in 56 MB."""
        self._served: Counter[tuple[int, ...]] = Counter()
        """Tallies of the measured attempts that ran their script to its end."""
        self._others: Counter[tuple[int, ...]] = Counter()
        """Those of all other attempts."""
        self._trails: list[Trail] = []
        self.measured_from: int | None = None
        self.judge = SafetyJudge()

    def start(self) -> None:
        """The clients start now: the warm-up, if it is a time, begins."""
        self._warm_at += self._kernel.now

    def began(self, group: int, ticket: Ticket, start_ns: int, outcome: Outcome) -> Trail | None:
        """A script is sent."""
        self.judge.began(outcome, start_ns)
        if self._trace is not None:
            self._trace.add(start_ns, f"{self.loads[group]} #{ticket.id}", "sent")
        if ticket.id < self._skip_scripts or start_ns < self._warm_at:
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
        self.unsupported.update(outcome.unsupported)
        if self._trace is not None:
            who = f"{self.loads[group]} #{ticket.id}"
            self._trace.add(now, who, "answered", attempts=outcome.attempts)
        if self.judge.concerned or outcome.commit_ts:
            self.judge.ended(outcome, self._operation(group, ticket, start_ns, outcome))
        else:
            self.judge.ended_idle(outcome)
        measured = ticket.id >= self._skip_scripts and start_ns >= self._warm_at
        for tally in outcome.tallies:
            # Those before the last met a write conflict, but they were through.
            served = measured and not (outcome.cut_short and tally is outcome.tallies[-1])
            (self._served if served else self._others)[tuple(tally)] += 1
        if not measured:
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
        if trail is not None:
            trail.mark("local", "reply", now)
            self._keep(trail)

    def kind(self, label: str) -> int:
        """The number of what is sent under this label, by the last group."""
        number = self._numbers.get(label)
        if number is None:
            number = self._numbers[label] = len(self.scripts) - self._first_kind[-1]
            self.scripts.append(label)
        return number

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
        self._trails.append(trail)
        if len(self._trails) > 2 * self._timelines_max:
            self._stride *= 2
            self._trails = [kept for kept in self._trails if kept.id % self._stride == 0]

    def timelines(self) -> list[Timeline]:
        """The scripts that were recorded span by span, in the order of their answers."""
        trails, most = self._trails, self._timelines_max
        if len(trails) > most:
            trails = [trails[place * len(trails) // most] for place in range(most)]
        return [trail.timeline() for trail in trails]

    def histogram(self) -> Histogram:
        """Tallies of the measured attempts that ran their script to its end."""
        rows = sorted([*tally, count] for tally, count in self._served.items())
        return Histogram(fields=list(FIELDS), rows=rows)

    def recent_latencies(self, most: int) -> list[int]:
        """Of the scripts answered last, in ns."""
        width = len(COLUMNS)
        return self._cells[-most * width :][COLUMNS.index("latency_ns") :: width].tolist()

    def outcome_counts(self) -> dict[str, int]:
        """How many measured scripts ended how."""
        codes = Counter(self._cells[COLUMNS.index("outcome") :: len(COLUMNS)])
        return {text: codes[code] for text, code in self.outcomes.items() if codes[code]}

    def by_site(self) -> list[int]:
        """Verifications in all tallies, per call site."""
        everything = [*self._served.items(), *self._others.items()]
        return [sum(tally[site] * count for tally, count in everything) for site in Site]

    def counted(self) -> int:
        """Verifications in all tallies, measured or not, whatever became of the attempt."""
        everything = [*self._served.items(), *self._others.items()]
        return sum(sum(tally[: len(Site)]) * count for tally, count in everything)
