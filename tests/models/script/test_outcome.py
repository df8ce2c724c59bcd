"""What passes between a script and who runs it."""

from models.replies import OK, ErrorReply, Reply
from models.script.machine import Machine
from models.script.outcome import NO_WRITES, read_only
from models.script.shebang import split_shebang
from tests.models.script.rig import run


def test_a_read_only_script_gets_an_error_for_each_write(machine: Machine) -> None:
    """Which it may catch; the answer is not asked."""
    asked: list[list[bytes]] = []

    def answer(args: list[bytes]) -> Reply:
        asked.append(args)
        return OK

    answers = read_only(answer, lambda args: args[0] == b"SET")
    assert run(machine, "redis.call('GET', 'a') return redis.pcall('SET', 'a', 1)", answers) == (
        NO_WRITES
    )
    raised = run(machine, "redis.call('SET', 'a', 1)", answers)
    assert isinstance(raised, ErrorReply)
    assert raised.text.startswith(NO_WRITES.text + b" script: ")
    assert asked == [[b"GET", b"a"]]


def test_the_flag_that_asks_for_it_is_in_the_first_line() -> None:
    """The one who answers reads it there."""
    header = split_shebang(b"#!lua flags=no-writes\nreturn 1")
    assert "no-writes" in header.flags
