"""The safety judge: good histories pass, bad ones are refused with the two operations named."""

import random
from itertools import product

import pytest

from models.audit.safety import Operation, SafetyJudge
from sim.record import Verdict
from sim.units import ms


def _judge(*operations: Operation) -> Verdict:
    """The verdict on operations in the order of their answers."""
    judge = SafetyJudge()
    for number, operation in enumerate(operations):
        judge.began(number, operation.sent_ns)
    for number, operation in enumerate(operations):
        judge.ended(number, operation)
    return judge.verdict()


def _write(
    name: str, sent: int, answered: int, ts: int, key: bytes = b"k", read_ts: int = 0
) -> Operation:
    return Operation(
        name, ms(sent), ms(answered), ms(sent), read_ts, ts, ms(answered), [key], [key]
    )


def _read(name: str, sent: int, answered: int, ts: int, key: bytes = b"k") -> Operation:
    return Operation(name, ms(sent), ms(answered), ms(sent), ts, 0, 0, [key], [])


def test_a_read_that_sees_what_was_acknowledged_before_it_is_fine() -> None:
    """Read timestamp 20 covers the write at 20."""
    verdict = _judge(_write("w", 0, 5, 20), _read("r", 6, 8, 20))
    assert verdict == Verdict(verdict="ok", checked=2)


def test_a_read_that_misses_an_acknowledged_write_is_refused() -> None:
    """And both operations are named, with their timestamps."""
    verdict = _judge(_write("writer #1", 0, 5, 20), _read("reader #7", 6, 8, 19))
    assert verdict.verdict == "violated"
    assert verdict.violations == 1
    assert verdict.examples == [
        "stale read of 'k': reader #7, sent at 6 ms, read it as of timestamp 19, although "
        "writer #1 had been acknowledged by 5 ms with timestamp 20"
    ]


def test_a_read_sent_before_the_acknowledgement_may_miss_the_write() -> None:
    """They overlap: either order is right."""
    assert _judge(_write("w", 0, 5, 20), _read("r", 4, 8, 19)).verdict == "ok"


def test_a_read_sent_at_the_instant_of_the_acknowledgement_may_miss_the_write() -> None:
    """Within one instant nobody can say which came first."""
    assert _judge(_write("w", 0, 5, 20), _read("r", 5, 8, 19)).verdict == "ok"


def test_another_key_does_not_matter() -> None:
    """A write is only owed to those who read its key."""
    verdict = _judge(_write("w", 0, 5, 20, key=b"a"), _read("r", 6, 8, 19, key=b"b"))
    assert verdict.verdict == "ok"


def test_the_newest_of_several_writes_counts_not_the_last_acknowledged() -> None:
    """Acknowledged out of order, the older timestamp must not hide the newer one."""
    verdict = _judge(_write("new", 0, 5, 30), _write("old", 0, 6, 20), _read("r", 7, 8, 25))
    assert verdict.verdict == "violated"
    assert "new had been acknowledged" in verdict.examples[0]


def test_a_script_that_writes_is_held_against_what_it_read_too() -> None:
    """A stale read inside a writing script counts."""
    verdict = _judge(_write("w1", 0, 5, 20), _write("w2", 6, 9, 40, read_ts=19))
    assert verdict.violations == 1


def test_a_version_that_appears_in_a_readers_past_is_refused() -> None:
    """The reader took timestamp 30 at 2 ms; at 5 ms a write with timestamp 20 was committed."""
    verdict = _judge(_read("reader", 2, 3, 30), _write("writer", 0, 5, 20))
    assert verdict.violations == 1
    assert verdict.examples == [
        "changed past of 'k': reader read it as of timestamp 30; after that writer was "
        "committed with timestamp 20"
    ]


def test_a_changed_past_is_found_when_the_reader_is_answered_after_the_writer() -> None:
    """The order of the answers does not matter, the instants of reading and committing do."""
    verdict = _judge(
        _write("earlier", 0, 1, 10), _write("writer", 0, 5, 20), _read("reader", 2, 9, 30)
    )
    assert verdict.violations == 1


def test_a_read_timestamp_below_the_write_is_no_changed_past() -> None:
    """The usual case: the write is newer than the snapshot."""
    verdict = _judge(
        _write("earlier", 0, 1, 10), _read("reader", 2, 3, 15), _write("writer", 0, 5, 20)
    )
    assert verdict.verdict == "ok"


def test_many_writes_are_forgotten_without_losing_the_newest() -> None:
    """Memory stays bounded, and a stale read after thousands of writes is still found."""
    judge = SafetyJudge()
    for number in range(5000):
        write = _write(f"w{number}", 10 * number, 10 * number + 5, 100 + number)
        judge.began(number, write.sent_ns)
        judge.ended(number, write)
    stale = _read("r", 60_000, 60_001, 4000)
    judge.began("r", stale.sent_ns)
    judge.ended("r", stale)
    assert judge.verdict().violations == 1
    assert len(judge._keys[b"k"].acknowledged) < 3000


def test_only_the_first_violations_are_told_in_words() -> None:
    """All are counted."""
    reads = [_read(f"r{number}", 6, 8, 19) for number in range(9)]
    verdict = _judge(_write("w", 0, 5, 20), *reads)
    assert verdict.violations == 9
    assert len(verdict.examples) == 5


@pytest.mark.parametrize("between", [0, 10, 1000])
def test_nothing_that_matters_is_forgotten(between: int) -> None:
    """A write lands in the past of a script in progress; however many follow, it is found."""
    judge = SafetyJudge()
    judge.began("reader", 0)

    def ended(token: str, operation: Operation) -> None:
        judge.began(token, operation.sent_ns)
        judge.ended(token, operation)

    ended("bad", Operation("bad", 15, 21, 15, 1, 50, 20, [], [b"k"]))
    for n in range(between):
        ended("w", Operation(f"w{n}", 30 + n, 31 + n, 30 + n, 1, 200 + n, 30 + n, [], [b"k"]))
    judge.ended("reader", Operation("reader", 0, 5000, 10, 100, 0, 0, [b"k"], []))
    assert judge.verdict().verdict == "violated"


def test_no_script_is_no_proof() -> None:
    """A run in which nobody was answered shows nothing."""
    assert SafetyJudge().verdict().verdict == "unknown"


def _contradictory(operations: list[Operation]) -> bool:
    """The same, deliberately dumb: every pair of operations on the same key."""
    for one, other in product(operations, repeat=2):
        wrote = one.commit_ts and set(one.written_keys)
        if not wrote or not other.read_ts or one is other or not wrote & set(other.read_keys):
            continue
        if one.answered_ns < other.sent_ns and one.commit_ts > other.read_ts:
            return True
        if other.read_ns < one.committed_ns and one.commit_ts <= other.read_ts:
            return True
    return False


def test_it_agrees_with_a_dumb_twin_on_random_histories() -> None:
    """Long and short scripts that overlap on few keys, some of them with a wrong timestamp."""
    chance = random.Random(7)
    seen = {True: 0, False: 0}
    for _ in range(400):
        operations = []
        for number in range(chance.randint(2, 120)):
            sent = chance.randint(0, 1000)
            read = sent + chance.randint(0, 30)
            committed = read + chance.randint(1, 30)
            wrong = chance.choice([0] * 60 + [-15, 15])
            writes = [chance.choice([b"a", b"b"])] if chance.random() < 0.5 else []
            operations.append(
                Operation(
                    f"s{number}", sent, committed + chance.choice([0, 5, 200]),
                    read, read + 1 + wrong, committed + 1 if writes else 0, committed,
                    [chance.choice([b"a", b"b"])], writes,
                )
            )  # fmt: skip
        operations.sort(key=lambda operation: operation.answered_ns)
        judge = SafetyJudge()
        for operation in sorted(operations, key=lambda operation: operation.sent_ns):
            judge.began(operation.name, operation.sent_ns)
        for operation in operations:
            judge.ended(operation.name, operation)
        bad = _contradictory(operations)
        seen[bad] += 1
        assert (judge.verdict().verdict == "violated") == bad, operations
    assert min(seen.values()) > 40, seen


def test_a_judge_that_forgets_too_much_is_noticed() -> None:
    """Its twin drops everything at each look: bad histories pass."""
    differing = 0
    for seed in range(200):
        honest, twin = SafetyJudge(), SafetyJudge()
        for token, operation in _history(random.Random(seed)):
            for judge in (honest, twin):
                if operation is None:
                    judge.began(token, token)
                else:
                    judge.ended(token, operation)
            twin._keys.clear()
        differing += honest.verdict().verdict != twin.verdict().verdict
    assert differing > 30


def test_memory_is_that_of_the_keys_and_not_of_the_run() -> None:
    """Ten thousand scripts that read and write five keys leave a handful of entries."""
    judge = SafetyJudge()
    for number in range(10_000):
        key = b"k%d" % (number % 5)
        write = _write(f"w{number}", 10 * number, 10 * number + 5, 100 + number, key, 99 + number)
        judge.began(number, write.sent_ns)
        judge.ended(number, write)
    assert judge.verdict().verdict == "ok"
    assert (
        sum(
            len(known.acknowledged) + len(known.readers) + len(known.writers)
            for known in judge._keys.values()
        )
        < 150
    )


def _history(chance: random.Random) -> list[tuple[int, Operation | None]]:
    """Scripts that begin (None) and end, by their token, which is the instant they were sent.

    Timestamps follow time but for some mistakes.
    """
    events: list[tuple[int, int, Operation | None]] = []
    for number in range(60):
        sent = 1000 * number
        read_ns = sent + chance.randrange(1, 3000)
        committed = read_ns + chance.randrange(1, 3000)
        answered = committed + chance.randrange(1, 3000)
        read_ts, commit_ts = read_ns, committed
        if chance.random() < 0.01:
            read_ts = max(1, read_ts - chance.randrange(1, 20_000))
        if chance.random() < 0.01:
            commit_ts = max(1, commit_ts - chance.randrange(1, 4000))
        if chance.random() < 0.5:
            commit_ts = 0
        key = [b"k%d" % chance.randrange(2)]
        written = key if commit_ts else []
        operation = Operation(
            f"#{number}", sent, answered, read_ns, read_ts, commit_ts, committed, key, written
        )
        events += [(sent, sent, None), (answered, sent, operation)]
    return [(token, operation) for _, token, operation in sorted(events, key=lambda e: e[:2])]
