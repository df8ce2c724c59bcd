"""Rows of a waterfall: one script's timeline, laid out; pure, so that it can be checked.

A row is a label of the timeline (the fence, a call, the commit), in order of first appearance; a
script that is retried returns to its rows. Every span of the timeline is in exactly one row, so the
bars of a waterfall add up to the latency.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import zip_longest
from typing import Final

from reports.sample import OK, Sample
from sim.record import Span, Timeline

ROWS_MAX: Final = 13
"""Rows of a panel at most; the calls in the middle share one where there are more."""
_HEAD: Final = 6
COMMIT: Final = "commit"
"""The row of a commit: what it reads, its guard, its way through the log."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of time, in ns since the script arrived."""

    kind: str
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class Row:
    """What happened on behalf of one label."""

    label: str
    bars: tuple[Bar, ...]

    @property
    def rounds(self) -> int:
        """How often it waited for a quorum."""
        return sum(bar.kind == "round" for bar in self.bars)

    @property
    def total_ns(self) -> int:
        """How long all of it took."""
        return sum(bar.end_ns - bar.start_ns for bar in self.bars)


def rows_of(timeline: Timeline) -> list[Row]:
    """The rows of a timeline, at most `ROWS_MAX`."""
    by_label: dict[str, list[Span]] = {}
    for span in timeline.spans:
        by_label.setdefault(span.label, []).append(span)
    labels = [*by_label]
    if len(labels) <= ROWS_MAX:
        return [_row(label, by_label[label], timeline) for label in labels]
    tail = ROWS_MAX - _HEAD - 1
    middle = labels[_HEAD:-tail]
    merged = [span for label in middle for span in by_label[label]]
    return [
        *(_row(label, by_label[label], timeline) for label in labels[:_HEAD]),
        _row(f"… {len(middle)} more …", merged, timeline),
        *(_row(label, by_label[label], timeline) for label in labels[-tail:]),
    ]


def _row(label: str, spans: Sequence[Span], timeline: Timeline) -> Row:
    start = timeline.start_ns
    return Row(label, tuple(Bar(s.kind, s.start_ns - start, s.end_ns - start) for s in spans))


def attempt_starts(timeline: Timeline) -> list[int]:
    """When the second and later attempts began, in ns since the script arrived."""
    return [span.end_ns - timeline.start_ns for span in timeline.spans if span.kind == "backoff"]


def waits_of(timeline: Timeline) -> str:
    """What a script waited for a majority for, such as "21 verifications + 1 commit guard".

    Of the rounds of a commit only the last one before the log is its guard: a store that fences
    each operation also does so for what a commit reads to plan its writes.
    """
    kinds = [(s.kind, s.label) for s in timeline.spans if s.kind in ("round", "log")]
    reads = guards = logged = 0
    for (kind, label), after in zip_longest(kinds, kinds[1:]):
        if kind == "log":
            logged += label != COMMIT
        elif label == COMMIT and after == ("log", COMMIT):
            guards += 1
        else:
            reads += 1
    parts = [f"{logged} read fence{_s(logged)} through the log"] if logged else []
    if reads or not logged:
        parts.insert(0, f"{reads} verification{_s(reads)}" if reads else "no verification")
    if guards:
        parts.append(f"{guards} commit guard{_s(guards)}")
    return " + ".join(parts)


def _s(count: int) -> str:
    return "" if count == 1 else "s"


@dataclass(frozen=True, slots=True)
class Typical:
    """The script that stands for a variant."""

    timeline: Timeline
    about: str
    """Which one it is, in words."""
    ended_ok: bool


def asks(timeline: Timeline) -> bool:
    """Whether a script waited for a majority before one of its reads, and not for commits alone."""
    return any(s.kind in ("round", "log") and s.label != COMMIT for s in timeline.spans)


def typical_script(sample: Sample, drawn: int | None = None) -> Typical | None:
    """The script number `drawn` if it was sampled and ended ok, else a typical one: the sampled
    script whose latency is nearest to the median of the variant.

    Of the scripts that ended ok where one was sampled, else the median of those that were; None
    where no script was sampled at all. Where only some verify a read (others may do nothing but
    write), it is the median of the sampled ones that do, which the picture is about. Of equally
    near ones the first id is taken.
    """
    timelines = sample.variant.timelines
    columns = sample.variant.columns
    names = ("id", "start_ns", "outcome")
    # Two groups of clients may number their scripts alike; they do not start alike as well.
    scripts = zip(*(columns.get(name, ()) for name in names), strict=True)
    outcome = {(id_, start_ns): code for id_, start_ns, code in scripts}
    ended_ok = [line for line in timelines if outcome.get((line.id, line.start_ns)) == OK]
    for line in ended_ok:
        if line.id == drawn:
            return Typical(line, f"script {line.id}, chosen by the scenario", True)
    asking = [line for line in ended_ok if asks(line)]
    if 0 < len(asking) < len(ended_ok):
        middle = sorted(asking, key=_by_latency)[(len(asking) - 1) // 2]
        about = f"script {middle.id}, the median of those sampled that verify a read"
        return Typical(middle, about, True)
    if ended_ok:
        median = sample.percentile(Fraction(50))
        nearest = min(ended_ok, key=lambda t: (abs(t.end_ns - t.start_ns - median), t.id))
        about = f"script {nearest.id}, the sampled one nearest to the median"
        return Typical(nearest, about, True)
    if not timelines:
        return None
    middle = sorted(timelines, key=_by_latency)[(len(timelines) - 1) // 2]
    code = outcome.get((middle.id, middle.start_ns))
    ended = "not measured" if code is None else sample.variant.labels["outcome"][code]
    return Typical(middle, f"script {middle.id}: {ended}", False)


def _by_latency(timeline: Timeline) -> tuple[int, int]:
    return timeline.end_ns - timeline.start_ns, timeline.id
