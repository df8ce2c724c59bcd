"""The safety judge: did every script see what it had to see?

It sees a history, never the store: of each script when it was sent and answered, at which timestamp
it read which keys, and at which timestamp and instant its writes were committed. Two things are
wrong, whatever the values were:

- *stale read*: a script was sent after a write to a key had been acknowledged, read that key, and
  read it at a timestamp before that write (real-time order, invariant I1 of system.md 7.4);
- *changed past*: a script read a key at a timestamp at which, later, a write to that key was
  committed: the snapshot it read has changed behind it (I11), and an update may be lost.

Linear in the number of scripts. Per key it keeps what scripts in progress, and later ones, can
still be held against, so that memory grows with the keys and not with the run:

- of the writes acknowledged before the oldest script in progress was sent, the newest alone;
- of the reads before that, the one with the greatest timestamp: any write that is committed from
  then on contradicts it if it contradicts one of them;
- no write that was committed by then: whoever is still to read will read later.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from sim.record import Verdict
from sim.units import human_duration

_EXAMPLES: Final = 5
_RECENT: Final = 64
"""Readers and writers of a key that are remembered for `changed past`, at most."""
_PRUNE: Final = 4
"""Entries of a key from which on it is looked for some that can be forgotten."""


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


class _Acknowledged(NamedTuple):
    at_ns: int
    newest_ts: int
    """Of all writes acknowledged up to then."""
    by: str


_Access: TypeAlias = tuple[int, int, str]
"""Of a reader when it took its timestamp and which, of a writer when it was committed and with
which; and the name."""


@dataclass(slots=True)
class _Key:
    acknowledged: list[_Acknowledged] = field(default_factory=list)
    readers: list[_Access] = field(default_factory=list)
    writers: list[_Access] = field(default_factory=list)
    prune_at: int = _PRUNE

    def forget(self, oldest_ns: int) -> None:
        """Forget what no script sent from `oldest_ns` on can be held against."""
        gone = bisect_left(self.acknowledged, (oldest_ns,)) - 1
        del self.acknowledged[: max(gone, 0)]
        before = [reader for reader in self.readers if reader[0] < oldest_ns]
        since = [reader for reader in self.readers if reader[0] >= oldest_ns]
        greatest = [max(before, key=lambda reader: reader[1])] if before else []
        self.readers = greatest + since[-_RECENT:]
        self.writers = [writer for writer in self.writers if writer[0] > oldest_ns][-_RECENT:]
        # Where much is going on, little can be forgotten: look for it less often.
        self.prune_at = max(_PRUNE, 2 * self.size)

    @property
    def size(self) -> int:
        """Entries that are remembered."""
        return len(self.acknowledged) + len(self.readers) + len(self.writers)


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
        oldest_ns = next(iter(self._in_progress.values()), operation.answered_ns)
        if operation.read_ts:
            for key in operation.read_keys:
                self._judge_read(key, operation, oldest_ns)
        if operation.commit_ts:
            for key in operation.written_keys:
                self._note_write(key, operation, oldest_ns)

    def _key(self, key: bytes) -> _Key:
        known = self._keys.get(key)
        if known is None:
            known = self._keys[key] = _Key()
        return known

    def _judge_read(self, key: bytes, operation: Operation, oldest_ns: int) -> None:
        known = self._key(key)
        before = bisect_left(known.acknowledged, (operation.sent_ns,))
        if before:
            write = known.acknowledged[before - 1]
            if write.newest_ts > operation.read_ts:
                self._violated(
                    f"stale read of {_text(key)}: {operation.name}, sent at "
                    f"{human_duration(operation.sent_ns)}, read it as of timestamp "
                    f"{operation.read_ts}, although {write.by} had been acknowledged by "
                    f"{human_duration(write.at_ns)} with timestamp {write.newest_ts}"
                )
        for committed_ns, commit_ts, name in known.writers:
            if operation.read_ns < committed_ns and commit_ts <= operation.read_ts:
                self._changed_past(key, operation.name, operation.read_ts, name, commit_ts)
        known.readers.append((operation.read_ns, operation.read_ts, operation.name))
        if known.size > known.prune_at:
            known.forget(oldest_ns)

    def _note_write(self, key: bytes, operation: Operation, oldest_ns: int) -> None:
        known = self._key(key)
        for read_ns, read_ts, name in known.readers:
            if (
                read_ns < operation.committed_ns
                and operation.commit_ts <= read_ts
                and name != operation.name
            ):
                self._changed_past(key, name, read_ts, operation.name, operation.commit_ts)
        known.writers.append((operation.committed_ns, operation.commit_ts, operation.name))
        newest = known.acknowledged[-1] if known.acknowledged else None
        if newest is None or newest.newest_ts < operation.commit_ts:
            known.acknowledged.append(
                _Acknowledged(operation.answered_ns, operation.commit_ts, operation.name)
            )
        if known.size > known.prune_at:
            known.forget(oldest_ns)

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
        return Verdict(
            verdict="violated" if self._violations else "ok",
            checked=self._checked,
            violations=self._violations,
            examples=self._examples,
        )


def _text(key: bytes) -> str:
    return repr(key.decode(errors="backslashreplace"))
