"""Carrying out a request on an attempt: a command, a script, or several, one after the other."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from models.attempt import Attempt
from models.engine.requests import DeadlineExceeded
from models.redis.context import Context
from models.redis.table import refused_as_write, wait_of
from models.replies import NULL_ARRAY, ErrorReply, Reply
from models.request import Outcome, Request
from models.script.cache import NO_SCRIPT, Script, ScriptCache
from models.script.functions import Functions
from models.script.machine import PENDING, Answer, Call, Pending
from models.script.pool import MachinePool
from sim.kernel import Steps

DEADLINE: Final = ErrorReply(str(DeadlineExceeded()).encode())
NO_FUNCTION: Final = ErrorReply(b"ERR Function not found")
_WRITES: Final = ErrorReply(b"ERR Can not execute a script with write flag using *_ro command.")


@dataclass(frozen=True, slots=True)
class Known:
    """The scripts and functions that a node knows."""

    scripts: ScriptCache
    functions: Functions

    def script_of(self, request: Request) -> Script | ErrorReply:
        """What a request runs, or why there is nothing to run."""
        if request.function is not None:
            function = self.functions.find(request.function)
            if function is None:
                return NO_FUNCTION
            return (
                _WRITES if request.read_only and not function.script.no_writes else function.script
            )
        if request.sha is None:
            return self.scripts.load(request.body)
        return self.scripts.find(request.sha) or NO_SCRIPT


def carry_out(
    request: Request,
    known: Known,
    machines: MachinePool,
    attempt: Attempt,
    outcome: Outcome,
    deadline: int,
) -> Steps:
    """Carry out a request; the reply is in `outcome`, where nothing is committed yet."""
    if request.parts is None:
        yield from _carry_out_one(request, known, machines, attempt, outcome, deadline)
        return
    replies: list[Reply] = []
    for part in request.parts:
        yield from _carry_out_one(part, known, machines, attempt, outcome, deadline)
        if outcome.cut_short:
            return
        replies.append(outcome.reply)
    outcome.reply = replies
    outcome.failed = False


def _carry_out_one(
    request: Request,
    known: Known,
    machines: MachinePool,
    attempt: Attempt,
    outcome: Outcome,
    deadline: int,
) -> Steps:
    """Carry out one command or script on an attempt."""
    context = attempt.context
    context.from_script = request.command is None
    if request.command is not None:
        reply = attempt.answer()(request.command)
        if reply is PENDING:
            reply = yield from attempt.settle()
        outcome.reply = reply
        outcome.failed = isinstance(reply, ErrorReply)
        if reply is None or reply is NULL_ARRAY:
            outcome.wait = wait_of(context, request.command)
        return
    script = known.script_of(request)
    if isinstance(script, ErrorReply):
        outcome.fail(script)
        return
    answer = attempt.answer()
    if request.read_only or script.no_writes:
        answer = partial(_answer_reads, context, answer)
    # Only now: who waits for a fence holds no Lua state, and one just used is the fastest.
    machine, interrupted = machines.take(), False
    try:
        state = machine.start(script, request.keys, request.argv, answer)
        while type(state) is Call:
            reply = yield from attempt.settle()
            if attempt.now_ns >= deadline:
                # The read itself has no deadline; the Lua VM notices after it.
                state = machine.kill(DEADLINE.text)
                outcome.cut_short = True
            else:
                state = machine.resume(reply)
    except KeyboardInterrupt:
        interrupted = True  # on the way into the machine, or out of it: it may be anywhere
        raise
    finally:
        if not interrupted:
            machines.give_back(machine)
    outcome.reply = state.reply
    outcome.failed = state.raised


def _answer_reads(context: Context, answer: Answer, args: list[bytes]) -> "Reply | Pending":
    """Answer what does not write."""
    return refused_as_write(context, args) or answer(args)
