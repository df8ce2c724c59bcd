"""The recorder: what is measured, what is counted, and what the judge is told."""

from fractions import Fraction
from typing import Any

import pytest

from models.audit.safety import Operation, SafetyJudge
from models.engine.sites import FIELDS, ROUNDS, Site, new_tally
from models.recorder import COLUMNS, OTHER_ERRORS, OUTCOMES_MAX, SCRIPTS, Recorder
from models.replies import ErrorReply
from models.service import Outcome, Request
from models.workload.tickets import Ticket
from sim.kernel import Kernel
from sim.sketch import Sketch
from sim.trail import Trail
from sim.units import ms
from tests.models.worlds import let_pass

NOTHING = Request([], [])


class Book:
    """A recorder of two groups, and the kernel whose clock it reads."""

    def __init__(self, **changes: Any) -> None:
        self.kernel = Kernel()
        settings: dict[str, Any] = {
            "loads": ["readers", "writers"], "kinds": [["look"], ["set", "incr"]],
            "skip_scripts": 0, "skip_ns": 0, "timelines": 0, "trace": None,
            "rows": 10**6, "measuring": lambda: None,
        }  # fmt: skip
        self.recorder = Recorder(self.kernel, **settings | changes)
        self.recorder.start()

    def note(
        self, id: int, outcome: Outcome, *, group: int = 0, kind: int = 0, takes_ns: int = ms(1)
    ) -> Trail | None:
        """A script is sent now and answered so much later."""
        ticket, start = Ticket(id, kind, NOTHING), self.kernel.now
        trail = self.recorder.began(group, ticket, start, outcome)
        let_pass(self.kernel, takes_ns)
        self.recorder.ended(group, ticket, start, outcome, trail)
        return trail

    def column(self, name: str) -> list[int]:
        """One column of the record."""
        return self.recorder.columns()[name]


def outcome(
    *tallies: list[int], reply: object = 1, failed: bool = False, cut_short: bool = False
) -> Outcome:
    """What came of a script after so many attempts."""
    made = Outcome()
    made.tallies = list(tallies) or [new_tally()]
    made.attempts = len(made.tallies)
    made.reply = reply  # type: ignore[assignment]
    made.failed = failed
    made.cut_short = cut_short
    return made


def tally(**counts: int) -> list[int]:
    """A tally with these fields set."""
    made = new_tally()
    for name, count in counts.items():
        made[FIELDS.index(name)] = count
    return made


def test_columns_hold_one_value_per_script_in_order_of_the_answers() -> None:
    """With codes for group, kind and outcome."""
    book = Book()
    book.note(0, outcome())
    book.note(0, outcome(new_tally(), new_tally()), group=1, kind=1, takes_ns=ms(3))
    book.note(7, outcome(reply=ErrorReply(b"no"), failed=True), group=1)
    assert book.recorder.columns() == {
        "id": [0, 0, 7],
        "load": [0, 1, 1],
        "script": [0, 2, 1],
        "start_ns": [0, ms(1), ms(4)],
        "latency_ns": [ms(1), ms(3), ms(1)],
        "outcome": [0, 0, 1],
        "attempts": [1, 2, 1],
    }
    assert tuple(book.recorder.columns()) == COLUMNS
    assert book.recorder.scripts == ["look", "set", "incr"]
    assert list(book.recorder.outcomes) == ["ok", "no"]


def test_an_error_reply_that_a_script_returned_is_an_outcome_of_that_name() -> None:
    """Though it ended as it meant to, and its counts are those of a script that served."""
    book = Book()
    book.note(0, outcome(tally(script_start=1), reply=ErrorReply(b"MINE")))
    assert list(book.recorder.outcomes) == ["ok", "MINE"]
    assert book.recorder.histograms()["attempts"].rows == [[0, 0, 0, 1, 0, 0, 0, 0, 0, 1]]


def test_the_first_scripts_of_each_group_are_warm_up() -> None:
    """By number; the clock of the measurement starts with the first behind them."""
    book = Book(skip_scripts=2)
    for id in range(4):
        book.note(id, outcome())
        book.note(id, outcome(), group=1)
    assert book.column("id") == [2, 2, 3, 3]
    assert book.recorder.measured_from == ms(4)


def test_all_that_is_sent_in_the_first_while_is_warm_up() -> None:
    """Also what is answered after it."""
    book = Book(skip_ns=ms(2))
    book.note(0, outcome(), takes_ns=ms(1))
    book.note(1, outcome(), takes_ns=ms(5))
    book.note(2, outcome())
    assert book.column("id") == [2]
    assert book.recorder.measured_from == ms(6)


def test_warm_up_by_time_begins_when_the_clients_start() -> None:
    """Which may be after an election."""
    book = Book(skip_ns=ms(2))
    let_pass(book.kernel, ms(10))
    book.recorder.start()
    book.note(0, outcome(), takes_ns=ms(2))
    book.note(1, outcome())
    assert book.column("id") == [1]


def test_attempts_that_served_are_counted_by_what_they_asked_for() -> None:
    """Equal ones together, whichever script they belong to."""
    book = Book()
    one = tally(script_start=1, rounds=1, calls=3)
    book.note(0, outcome(one, one))
    book.note(1, outcome(one))
    book.note(2, outcome(tally(string_read=21, rounds=21)))
    assert book.recorder.histograms()["attempts"].fields == list(FIELDS)
    assert book.recorder.histograms()["attempts"].rows == [
        [0, 0, 0, 1, 0, 1, 3, 0, 0, 3],
        [21, 0, 0, 0, 0, 21, 0, 0, 0, 1],
    ]


def test_the_attempt_that_was_cut_short_served_nothing() -> None:
    """Those before it met a conflict, but they were through; the ledger needs them all."""
    book = Book()
    conflicted, cut = tally(script_start=1, commit_guard=1), tally(string_read=2)
    book.note(0, outcome(conflicted, cut, reply=ErrorReply(b"no"), failed=True, cut_short=True))
    assert book.recorder.histograms()["attempts"].rows == [[0, 0, 0, 1, 1, 0, 0, 0, 0, 1]]
    assert book.recorder.counted() == 4


def test_the_ledger_counts_the_warm_up_too() -> None:
    """What went over the wire does not know about it."""
    book = Book(skip_scripts=1)
    for id in range(3):
        book.note(id, outcome(tally(script_start=1, rounds=1)))
    assert book.recorder.counted() == 3
    assert book.recorder.histograms()["attempts"].rows[0][-1] == 2


def test_only_the_five_sites_count_as_verifications() -> None:
    """Calls, reads and rounds are no verifications."""
    book = Book()
    book.note(0, outcome([1] * len(FIELDS)))
    assert book.recorder.counted() == len(Site) == ROUNDS == 5


def test_timelines_end_with_the_answer() -> None:
    """What the service has not marked is local time of the reply."""
    book = Book(timelines=3)
    book.note(0, outcome())
    (timeline,) = book.recorder.timelines()
    ((kind, label),) = ((span.kind, span.label) for span in timeline.spans)
    assert (kind, label, timeline.end_ns) == ("local", "reply", ms(1))


def test_without_timelines_there_is_no_trail() -> None:
    """It costs nothing then."""
    assert Book().note(0, outcome()) is None


@pytest.mark.parametrize("scripts", [1, 9, 10, 11, 19, 20, 21, 39, 40, 41, 500])
def test_no_more_timelines_than_asked_for(scripts: int) -> None:
    """And, once there are enough scripts, at least half as many."""
    book = Book(timelines=10)
    for id in range(scripts):
        book.note(id, outcome())
    assert min(scripts, 5) <= len(book.recorder.timelines()) <= 10


# -- what the judge is told ------------------------------------------------------------------------


def told(monkeypatch: pytest.MonkeyPatch, *outcomes: Outcome) -> list[Operation]:
    """The operations that the judge is told of."""
    operations: list[Operation] = []
    honest = SafetyJudge.ended

    def ended(self: SafetyJudge, token: object, operation: Operation) -> None:
        operations.append(operation)
        honest(self, token, operation)

    monkeypatch.setattr(SafetyJudge, "ended", ended)
    book = Book()
    for id, each in enumerate(outcomes):
        book.note(id, each, group=1)
    assert book.recorder.judge.verdict().checked == len(outcomes)
    return operations


def written(commit_ts: int) -> Outcome:
    """A script that wrote the key `k`."""
    made = outcome()
    made.start_ts, made.read_ns = 5, 11
    made.commit_ts, made.committed_ns = commit_ts, 77
    made.read_keys, made.written_keys = [b"a"], (b"k",)
    return made


def test_the_judge_is_told_names_instants_timestamps_and_keys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Never the store."""
    (operation,) = told(monkeypatch, written(64))
    assert operation == Operation("writers #0", 0, ms(1), 11, 5, 64, 77, [b"a"], (b"k",))


def test_an_unsettled_write_is_no_acknowledged_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its client was told of an error, so nobody may be held against it."""
    lost = written(64)
    lost.unsettled = True
    lost.fail(ErrorReply(b"etcd raft engine is not leader"))
    (operation,) = told(monkeypatch, lost)
    assert operation.commit_ts == 0


def test_before_the_first_write_the_judge_is_told_of_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing can have been missed; it only counts."""
    operations = told(monkeypatch, outcome(), outcome(), written(64), outcome())
    assert [operation.name for operation in operations] == ["writers #2", "writers #3"]


# -- long runs ------------------------------------------------------------------------------------


def test_rows_are_thinned_but_everything_is_counted_of_all_scripts() -> None:
    """A thousand scripts, a hundred rows: outcomes, executions and latencies of a thousand."""
    book = Book(rows=100)
    for number in range(1000):
        failed = number % 10 == 0
        reply = ErrorReply(b"no") if failed else 1
        tallies = [new_tally()] * (1 + number % 2)
        book.note(number, outcome(*tallies, reply=reply, failed=failed), takes_ns=1000 + number)
    rows = book.recorder.columns()
    assert 45 < len(rows["id"]) <= 100
    assert rows["latency_ns"] == [1000 + id for id in rows["id"]]
    scripts = book.recorder.histograms()["scripts"]
    assert scripts.fields == list(SCRIPTS)
    assert scripts.rows == [[0, 0, 0, 1, 400], [0, 0, 0, 2, 500], [0, 0, 1, 1, 100]]
    sketch = Sketch.from_json(book.recorder.sketches()["latency_ns"])
    kept = [1000 + number for number in range(1000) if number % 10]
    assert (sketch.count, sketch.sum) == (900, sum(kept))
    assert sketch.percentile(Fraction(99)) == sorted(kept)[890]


def test_rows_of_several_groups_are_thinned_alike() -> None:
    """Both groups number their scripts from 0; each keeps its part."""
    book = Book(rows=100)
    for number in range(1000):
        book.note(number, outcome(), group=0)
        book.note(number, outcome(), group=1)
    loads = book.column("load")
    assert 0.4 < sum(loads) / len(loads) < 0.6


def test_scripts_with_a_timeline_have_a_row() -> None:
    """Both are thinned by the same rule, so that the outcome of what is drawn is known."""
    book = Book(rows=100, timelines=8)
    for number in range(3000):
        book.note(number, outcome())
    drawn = [timeline.id for timeline in book.recorder.timelines()]
    assert 4 < len(drawn) <= 8
    assert {*drawn} <= {*book.column("id")}


def test_error_texts_without_number_are_told_together() -> None:
    """A script may put its own number into its error: memory must not grow with that."""
    book = Book()
    for number in range(OUTCOMES_MAX + 50):
        book.note(number, outcome(reply=ErrorReply(b"number %d" % number), failed=True))
    assert len(book.recorder.outcomes) == OUTCOMES_MAX + 2
    assert book.column("outcome").count(book.recorder.outcomes[OTHER_ERRORS]) == 50


def test_measuring_begins_with_the_first_measured_script() -> None:
    """Once, at the instant it is sent; the warm-up does not count."""
    began: list[int] = []
    book = Book(skip_scripts=2)
    book.recorder._measuring = lambda: began.append(book.kernel.now)
    for number in range(5):
        book.note(number, outcome())
    assert began == [ms(2)]
