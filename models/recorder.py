"""What is written down of a run while it runs; becomes a `VariantRecord` at its end."""

from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

from models.audit.safety import Operation, SafetyJudge
from models.engine.sites import FIELDS, ROUNDS, Site
from models.replies import ErrorReply
from models.service import Outcome
from models.workload.tickets import Ticket
from sim.kernel import Kernel
from sim.record import Histogram, Timeline
from sim.sketch import Sketch
from sim.thinned import EVERY, Thinned, keeps
from sim.trace import Trace
from sim.trail import Trail

OK: Final = "ok"
COLUMNS: Final = ("id", "load", "script", "start_ns", "latency_ns", "outcome", "attempts")
"""One value per measured script; see `Recorder.columns`."""
SCRIPTS: Final = ("load", "script", "outcome", "attempts")
"""What measured scripts are counted by; see `Recorder.histograms`."""
OUTCOMES_MAX: Final = 1000
"""Different texts of errors that are told apart: a script may make up any number."""
OTHER_ERRORS: Final = "(further error texts)"


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
        rows: int,
        measuring: Callable[[], None],
        trace: Trace | None,
    ) -> None:
        """The first `skip_scripts` of each group and all sent in the first `skip_ns` of the
        clients' time (see `start`) are not measured.

        `kinds` holds the names of what each group sends. Up to `timelines` scripts, evenly spread
        over the run, are recorded span by span, and up to `rows` with a row of their own; whatever
        is counted, is counted of all. `measuring` is called once, when the first script that is
        measured is sent.
        """
        self._kernel = kernel
        self._skip_scripts = skip_scripts
        self._warm_at = skip_ns
        self._timelines_max = timelines
        self._measuring = measuring
        self._trace = trace
        self._trails_below = EVERY
        self.loads = loads
        self._kinds = kinds
        self.scripts = [kind for names in kinds for kind in names]
        self._first_kind = [sum(map(len, kinds[:group])) for group in range(len(kinds))]
        self._numbers: dict[str, int] = {}
        """Of what the last group sends and was not announced."""
        self.outcomes = {OK: 0}
        self._rows = Thinned(COLUMNS, rows)
        self._scripts: Counter[tuple[int, ...]] = Counter()
        self._latencies = Sketch()
        """Of the scripts that ended ok."""
        self._served: Counter[tuple[int, ...]] = Counter()
        """Tallies of the measured attempts that ran their script to its end."""
        self._others: Counter[tuple[int, ...]] = Counter()
        """Those of all other attempts."""
        self._trails: list[tuple[int, Trail]] = []
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
            self._measuring()
        # A number that no other script has; by the same, rows of the same scripts stay.
        number = ticket.id * len(self.loads) + group
        if self._timelines_max and keeps(number, self._trails_below):
            return Trail(ticket.id, start_ns)
        return None

    def ended(
        self, group: int, ticket: Ticket, start_ns: int, outcome: Outcome, trail: Trail | None
    ) -> None:
        """A script is answered, now."""
        now = self._kernel.now
        self._kernel.advance()
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
        code, latency, attempts = 0, now - start_ns, outcome.attempts
        if type(outcome.reply) is ErrorReply:
            code = self._code(outcome.reply)
        else:
            self._latencies.add(latency)
        kind = self._first_kind[group] + ticket.kind
        self._scripts[group, kind, code, attempts] += 1
        row = (ticket.id, group, kind, start_ns, latency, code, attempts)
        self._rows.add(ticket.id * len(self.loads) + group, row)
        if trail is not None:
            trail.mark("local", "reply", now)
            self._keep(ticket.id * len(self.loads) + group, trail)

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

    def _code(self, error: ErrorReply) -> int:
        text = error.text.decode(errors="replace")
        if text not in self.outcomes and len(self.outcomes) > OUTCOMES_MAX:
            text = OTHER_ERRORS
        return self.outcomes.setdefault(text, len(self.outcomes))

    def columns(self) -> dict[str, list[int]]:
        """One value per measured script that has a row, in the order of their answers."""
        return self._rows.columns()

    def sketches(self) -> dict[str, dict[str, Any]]:
        """`latency_ns`: the latencies of all measured scripts that ended ok."""
        return {"latency_ns": self._latencies.to_json()}

    def _keep(self, number: int, trail: Trail) -> None:
        self._trails.append((number, trail))
        if len(self._trails) > 2 * self._timelines_max:
            self._trails_below >>= 1
            below = self._trails_below
            self._trails = [kept for kept in self._trails if keeps(kept[0], below)]

    def timelines(self) -> list[Timeline]:
        """The scripts that were recorded span by span, in the order of their answers."""
        trails, most = [trail for _, trail in self._trails], self._timelines_max
        if len(trails) > most:
            trails = [trails[place * len(trails) // most] for place in range(most)]
        return [trail.timeline() for trail in trails]

    def histograms(self) -> dict[str, Histogram]:
        """`attempts`: tallies of the measured attempts that ran their script to its end;
        `scripts`: all measured scripts by load, kind, outcome and executions.
        """
        return {
            "attempts": _histogram(FIELDS, self._served),
            "scripts": _histogram(SCRIPTS, self._scripts),
        }

    def latency_percentile(self, percent: int) -> int | None:
        """Of the measured scripts that ended ok, in ns; None when there are none."""
        latencies = self._latencies
        return latencies.percentile(Fraction(percent)) if latencies.count else None

    def outcome_counts(self) -> dict[str, int]:
        """How many measured scripts ended how."""
        codes: Counter[int] = Counter()
        for (_, _, code, _), count in self._scripts.items():
            codes[code] += count
        return {text: codes[code] for text, code in self.outcomes.items() if codes[code]}

    def by_site(self) -> list[int]:
        """Verifications in all tallies, per call site."""
        tallies = self._tallies()
        return [sum(tally[site] * count for tally, count in tallies) for site in Site]

    def counted(self) -> int:
        """Verifications in all tallies, measured or not, whatever became of the attempt."""
        return sum(sum(tally[: len(Site)]) * count for tally, count in self._tallies())

    def rounds(self) -> int:
        """Rounds on the wire in all tallies, likewise."""
        return sum(tally[ROUNDS] * count for tally, count in self._tallies())

    def _tallies(self) -> list[tuple[tuple[int, ...], int]]:
        return [*self._served.items(), *self._others.items()]


def _histogram(fields: tuple[str, ...], counts: Counter[tuple[int, ...]]) -> Histogram:
    rows = sorted([*values, count] for values, count in counts.items())
    return Histogram(fields=list(fields), rows=rows)
