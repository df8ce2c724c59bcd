"""The safety judge: did every script see what it had to see?

It sees a history, never the store: of each script when it was sent and answered, at which timestamp
it read which keys, and at which timestamp and instant its writes were committed. Two things are
wrong, whatever the values were:

- *stale read*: a script was sent after a write to a key had been acknowledged, read that key, and
  read it at a timestamp before that write (real-time order, invariant I1 of system.md 7.4);
- *changed past*: a script read a key at a timestamp at which, later, a write to that key was
  committed: the snapshot it read has changed behind it (I11), and an update may be lost.

Per key it keeps what scripts in progress, and those to come, can still be held against: a staircase
of acknowledged writes, one of writers and one of readers, in each of which a step that says less
than its neighbour is left out. So a verdict takes the logarithm of what is in progress, memory does
not grow with the run, and nothing that matters is forgotten.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from sim.record import Verdict
from sim.units import human_duration

_EXAMPLES: Final = 5
_PRUNE: Final = 8
"""Steps of a staircase before those that are out of reach are looked for."""


class Operation(NamedTuple):
    """What the judge is told of one script."""

    name: str
    """For people."""
    sent_ns: int
    answered_ns: int
    read_ns: int
    """When its read timestamp was taken."""
    read_ts: int
    """0 when it never read."""
    commit_ts: int
    """0 when it wrote nothing, or nobody knows."""
    committed_ns: int
    """When the first node had applied its writes."""
    read_keys: Iterable[bytes]
    written_keys: Iterable[bytes]


class _Step(NamedTuple):
    """Something that happened to a key: when, at which timestamp, by whom."""

    at_ns: int
    ts: int
    by: str


@dataclass(slots=True)
class _Key:
    acknowledged: list[_Step] = field(default_factory=list)
    """Writes by the instant of their answer; each newer than all before it."""
    writers: list[_Step] = field(default_factory=list)
    """Writes by the instant of their commit; each older than all that came after it would be."""
    readers: list[_Step] = field(default_factory=list)
    """Reads by the instant at which they took their timestamp; each at a later one than those
    before."""


class SafetyJudge:
    """Fed with operations in the order of their answers."""

    def __init__(self) -> None:
        self._keys: dict[bytes, _Key] = {}
        self._in_progress: dict[object, int] = {}
        self._checked = 0
        self._violations = 0
        self._examples: list[str] = []
        self.concerned = False
        """Whether anything has been written yet; before that, nothing can have been missed."""

    def began(self, token: object, sent_ns: int) -> None:
        """A script is sent; `token` names it until `ended`."""
        self._in_progress[token] = sent_ns

    def ended_idle(self, token: object) -> None:
        """A script is answered that nothing can be said of (see `concerned`)."""
        del self._in_progress[token]
        self._checked += 1

    def ended(self, token: object, operation: Operation) -> None:
        """A script is answered."""
        self.ended_idle(token)
        self.concerned = True
        keys = self._keys
        read, written = [], []
        if operation.read_ts:
            for key in operation.read_keys:
                known = keys.get(key)
                if known is None:
                    known = keys[key] = _Key()
                read.append(known)
                if known.acknowledged:
                    self._judge_read(key, known, operation)
        if operation.commit_ts:
            for key in operation.written_keys:
                known = keys.get(key)
                if known is None:
                    known = keys[key] = _Key()
                written.append(known)
                if known.readers:
                    self._judge_write(key, known.readers, operation)
        # Only now, when all is judged, is it noted: a script is not held against itself.
        name, oldest = operation.name, self._oldest(operation)
        step = _Step(operation.read_ns, operation.read_ts, name)
        for known in read:
            _note_read(known.readers, step, oldest)
        write = _Step(operation.committed_ns, operation.commit_ts, name)
        answer = _Step(operation.answered_ns, operation.commit_ts, name)
        for known in written:
            _note_write(known, write, answer, oldest)

    def _judge_read(self, key: bytes, known: _Key, operation: Operation) -> None:
        # Most reads are newer than all that was written before, which the last steps tell.
        if known.acknowledged[-1].ts > operation.read_ts:
            before = bisect_left(known.acknowledged, (operation.sent_ns,))
            write = known.acknowledged[before - 1]
            if before and write.ts > operation.read_ts:
                self._violated(
                    f"stale read of {_text(key)}: {operation.name}, sent at "
                    f"{human_duration(operation.sent_ns)}, read it as of timestamp "
                    f"{operation.read_ts}, although {write.by} had been acknowledged by "
                    f"{human_duration(write.at_ns)} with timestamp {write.ts}"
                )
        writers = known.writers
        if writers and writers[-1].at_ns > operation.read_ns:
            # Of the writes committed after this read, the first step has the least timestamp.
            write = writers[bisect_left(writers, (operation.read_ns + 1,))]
            if write.ts <= operation.read_ts:
                self._changed_past(key, operation.name, operation.read_ts, write.by, write.ts)

    def _judge_write(self, key: bytes, readers: list[_Step], operation: Operation) -> None:
        if readers[-1].ts >= operation.commit_ts:
            # Of the reads before this commit, the last step has the greatest timestamp.
            before = bisect_left(readers, (operation.committed_ns,))
            read = readers[before - 1]
            if before and operation.commit_ts <= read.ts:
                self._changed_past(key, read.by, read.ts, operation.name, operation.commit_ts)

    def _oldest(self, operation: Operation) -> int:
        """When the oldest script in progress was sent."""
        return next(iter(self._in_progress.values()), operation.answered_ns)

    def _changed_past(
        self, key: bytes, reader: str, read_ts: int, writer: str, commit_ts: int
    ) -> None:
        self._violated(
            f"changed past of {_text(key)}: {reader} read it as of timestamp {read_ts}; after that "
            f"{writer} was committed with timestamp {commit_ts}"
        )

    def _violated(self, text: str) -> None:
        self._violations += 1
        if len(self._examples) < _EXAMPLES:
            self._examples.append(text)

    def verdict(self) -> Verdict:
        """What the judge says of all it has seen."""
        if not self._checked:
            return Verdict(verdict="unknown", checked=0, reason="no script was answered")
        return Verdict(
            verdict="violated" if self._violations else "ok",
            checked=self._checked,
            violations=self._violations,
            examples=self._examples,
        )


def _note_read(readers: list[_Step], read: _Step, oldest: int) -> None:
    """`oldest` is when the oldest script in progress was sent."""
    _climb(readers, read)
    if len(readers) > _PRUNE:
        # A commit to come is later than what scripts in progress were sent after.
        del readers[: max(bisect_left(readers, (oldest,)) - 1, 0)]


def _note_write(known: _Key, write: _Step, answer: _Step, oldest: int) -> None:
    writers, acknowledged = known.writers, known.acknowledged
    place = bisect_left(writers, write) if writers and writers[-1] >= write else len(writers)
    if place == len(writers) or writers[place].ts > write.ts:
        start = place
        while start and writers[start - 1].ts >= write.ts:
            start -= 1
        writers[start:place] = [write]
    if len(writers) > _PRUNE:
        # A read to come is later than the instant at which it was sent.
        del writers[: bisect_left(writers, (oldest + 1,))]
    _climb(acknowledged, answer)
    if len(acknowledged) > _PRUNE:
        del acknowledged[: max(bisect_left(acknowledged, (oldest,)) - 1, 0)]


def _climb(steps: list[_Step], step: _Step) -> None:
    """Add a step to a staircase on which time and timestamp rise together.

    One that is no newer than what stood before it says nothing, and takes out those after it that
    are no newer than it.
    """
    if not steps or (steps[-1].at_ns < step.at_ns and steps[-1].ts < step.ts):
        steps.append(step)  # the usual case
        return
    place = bisect_left(steps, step)
    if place and steps[place - 1].ts >= step.ts:
        return
    end = place
    while end < len(steps) and steps[end].ts <= step.ts:
        end += 1
    steps[place:end] = [step]


def _text(key: bytes) -> str:
    return repr(key.decode(errors="backslashreplace"))
