"""What the tests of the script engine share."""

from collections.abc import Callable, Sequence

from models.replies import Reply
from models.script.cache import Script, ScriptCache
from models.script.machine import Machine
from models.script.outcome import PENDING, Answer, Call, Done, Outcome, Pending

CACHE = ScriptCache()


def script(body: str | bytes) -> Script:
    """A script of this text."""
    return CACHE.load(body.encode() if isinstance(body, str) else body)


def no_answer(args: list[bytes]) -> Reply:
    """For scripts that call nothing."""
    raise AssertionError(f"unexpected call {args}")


def pending(args: list[bytes]) -> Pending:
    """Every reply has to be waited for."""
    return PENDING


def start(
    machine: Machine,
    body: str | bytes,
    answer: Answer = no_answer,
    keys: Sequence[bytes] = (),
    argv: Sequence[bytes] = (),
) -> Outcome:
    """Start a script of this text."""
    return machine.start(script(body), list(keys), list(argv), answer)


def run(
    machine: Machine,
    body: str | bytes,
    answer: Answer = no_answer,
    keys: Sequence[bytes] = (),
    argv: Sequence[bytes] = (),
) -> Reply:
    """The reply of a script that must not wait."""
    outcome = start(machine, body, answer, keys, argv)
    assert isinstance(outcome, Done), outcome
    return outcome.reply


def run_waiting(
    machine: Machine, body: str | bytes, replies: Callable[[list[bytes]], Reply]
) -> tuple[Reply, int]:
    """The reply of a script all of whose calls wait, and how often it waited."""
    outcome = start(machine, body, pending)
    waits = 0
    while isinstance(outcome, Call):
        waits += 1
        outcome = machine.resume(replies(outcome.args))
    return outcome.reply, waits
