"""Carrying out a request on an attempt: a command, a script, or several, one after the other."""

from functools import partial
from typing import Final

from models.attempt import Attempt
from models.engine.requests import DeadlineExceeded
from models.redis.table import refused_as_write, wait_of
from models.replies import NULL_ARRAY, ErrorReply, Reply
from models.request import Outcome, Request
from models.script.cache import NO_SCRIPT, Script, ScriptCache
from models.script.machine import PENDING, Answer, Call, Machine, Pending
from models.script.shebang import split_shebang
from sim.kernel import Steps

DEADLINE: Final = ErrorReply(str(DeadlineExceeded()).encode())


def script_of(request: Request, scripts: ScriptCache) -> Script | None:
    """The script of a request; None if its digest is not known."""
    if request.sha is None:
        return scripts.load(request.body)
    return scripts.find(request.sha)


def carry_out(
    request: Request,
    scripts: ScriptCache,
    machine: Machine | None,
    attempt: Attempt,
    outcome: Outcome,
    deadline: int,
) -> Steps:
    """Carry out a request; the reply is in `outcome`, where nothing is committed yet."""
    if request.parts is None:
        yield from _carry_out_one(request, scripts, machine, attempt, outcome, deadline)
        return
    replies: list[Reply] = []
    for part in request.parts:
        yield from _carry_out_one(part, scripts, machine, attempt, outcome, deadline)
        if outcome.cut_short:
            return
        replies.append(outcome.reply)
    outcome.reply = replies
    outcome.failed = False


def _carry_out_one(
    request: Request,
    scripts: ScriptCache,
    machine: Machine | None,
    attempt: Attempt,
    outcome: Outcome,
    deadline: int,
) -> Steps:
    """Carry out one command or script on an attempt."""
    context = attempt.context
    context.from_script = request.command is None
    if request.command is not None:
        reply = attempt.answer(request.command)
        if reply is PENDING:
            reply = yield from attempt.settle()
        outcome.reply = reply
        outcome.failed = isinstance(reply, ErrorReply)
        if reply is None or reply is NULL_ARRAY:
            outcome.wait = wait_of(context, request.command)
        return
    script = script_of(request, scripts)
    if script is None:
        outcome.fail(NO_SCRIPT)
        return
    assert machine is not None
    answer = attempt.answer
    if request.read_only or _is_read_only(script):
        answer = partial(_answer_reads, answer)
    state = machine.start(script, request.keys, request.argv, answer)
    while type(state) is Call:
        reply = yield from attempt.settle()
        if attempt.now_ns >= deadline:
            # The read itself has no deadline; the Lua VM notices after it.
            state = machine.kill(DEADLINE.text)
            outcome.cut_short = True
        else:
            state = machine.resume(reply)
    outcome.reply = state.reply
    outcome.failed = state.raised


def _is_read_only(script: Script) -> bool:
    return script.body.startswith(b"#!") and "no-writes" in split_shebang(script.body).flags


def _answer_reads(answer: Answer, args: list[bytes]) -> "Reply | Pending":
    """Answer what does not write."""
    return refused_as_write(args) or answer(args)
