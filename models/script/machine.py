"""One Lua runtime and the script it runs: sans-IO, suspended wherever a reply is not there yet.

A script is started with its keys, arguments and an `Answer`. Each redis.call asks the answer. A
reply goes straight back into Lua, which is the fast way. `PENDING` suspends the script in the
middle of its call: `start` returns `Call`, and `resume` brings the reply.

Lua 5.1 cannot yield out of pcall, table.sort or a gsub callback, so it is not Lua that yields: the
whole C stack, Lua's frames included, lives in a greenlet, and the host's function switches away
from it. One greenlet serves all scripts of a machine, one after the other.

Not here: what scripts see (`lua/`), what their calls reach (`host`), values (`convert`), who
decides how long to wait.

Invariants:

- one script at a time, and one runtime for each script in flight: a runtime shared between
  suspended scripts ends the process;
- nothing one script does can be seen by the next one;
- Python raises nothing but `AssertionError` (misuse) and what an `Answer` raised.
"""

from collections.abc import Iterable
from enum import Enum
from typing import Any, Final, NoReturn

from greenlet import GreenletExit, getcurrent, greenlet
from lupa.lua51 import LuaError, LuaRuntime

from models.replies import ErrorReply, Reply
from models.script.cache import Script
from models.script.compiler import (
    CHUNK_NAME,
    FUNCTION_CHUNK_NAME,
    NoMemory,
    NotCompiled,
    compiled,
)
from models.script.convert import (
    ENTRY_BYTES,
    STRING_BYTES,
    Ending,
    Failure,
    LuaFailure,
    error_reply,
    reply_from_tokens,
    scalar_reply,
    status_reply,
)
from models.script.host import Host
from models.script.outcome import PENDING, Answer, Call, Done, Outcome, Pending
from models.script.prelude import FUNCTIONS, LuaFunction, bytecode, open_sandbox, parts_used
from models.script.shebang import split_shebang

__all__ = ["PENDING", "Answer", "Call", "Done", "Machine", "Outcome", "Pending", "State"]

INSTRUCTIONS_MAX: Final = 10_000_000
"""Lua instructions a script may run, unless told otherwise."""

MEMORY_MAX: Final = 64 * 1024 * 1024
"""Bytes a runtime may use, unless told otherwise."""

# Up to here it is faster to pass keys and arguments one by one than to make tables of them.
ARGUMENTS_MAX: Final = 50
# Share of the memory that the texts of a runtime's compiled scripts may have. Compiled they take a
# few times as much, all of it out of what scripts may use.
TEXTS_SHARE: Final = 64
# Lua's words, and the host's. Something may stand before them.
NO_MEMORY: Final = b"not enough memory"
# Places in Lua's registry set up in advance. A table among a call's arguments takes one at a moment
# where running out of memory cannot be caught.
REFERENCES: Final = 128


class State(Enum):
    """Where a machine is."""

    IDLE = "idle"
    RUNNING = "running"
    WAITING = "waiting"


# Looked at for every script; a module's global is found faster than a member of an Enum.
IDLE: Final = State.IDLE
RUNNING: Final = State.RUNNING
WAITING: Final = State.WAITING


class Machine:
    """One runtime, one script in flight. Taken from a `MachinePool`.

    `instructions_max` counts Lua instructions per script, to a precision of 10,000; what functions
    in C and commands handle counts, too, see `lua/costs.lua` and `host`. `memory_max` is
    in bytes; a script gets an error when it asks for more, and commands' replies are handed to it
    only while less than half is in use.
    """

    def __init__(
        self, *, instructions_max: int = INSTRUCTIONS_MAX, memory_max: int = MEMORY_MAX
    ) -> None:
        assert instructions_max > 0, f"instructions_max must be positive, got {instructions_max}"
        runtime = LuaRuntime(
            encoding=None,
            attribute_filter=_no_attribute,
            register_eval=False,
            register_builtins=False,
            unpack_returned_tuples=True,
            max_memory=memory_max,
        )
        self.reusable = True
        """Whether another script may run here. False after the runtime has run out of memory."""
        self._host = Host(runtime, memory_max, instructions_max)
        self._host.wait = self._wait
        # There is no garbage yet that would be worth looking for.
        with runtime.nogc():
            self._entries = open_sandbox(runtime, self._host, instructions_max)
        self._run_lua = self._entries.run
        self._runtime = runtime
        self._memory_used = runtime.get_memory_used
        self._collect_above = memory_max // 8
        self._instructions_max = instructions_max
        self._memory_max = memory_max
        self._mains: dict[str, LuaFunction | ErrorReply] = {}
        self._parts: set[str] = set()
        """Files of libraries that are loaded."""
        self._texts = 0
        """Bytes of their texts."""
        self._state = IDLE
        self._kill_error: bytes | None = None
        self._failure: BaseException | None = None
        self._caller = getcurrent()
        self._greenlet = greenlet(_live)
        self._greenlet.switch(self._caller)
        references = [runtime.table() for _ in range(REFERENCES)]
        del references

    @property
    def state(self) -> State:
        """Idle, running (inside an answer) or waiting for a reply."""
        return self._state

    @property
    def log(self) -> list[tuple[int, bytes]]:
        """What the current or last script has logged, (level, text), the last 100 lines."""
        return list(self._host.log)

    @property
    def resp(self) -> int:
        """The protocol whose types the script sees now: 2, or 3 after `redis.setresp(3)`.

        Replies say both; an `Answer` needs this only if it would have to say something else.
        """
        return self._host.resp

    def compile(self, script: Script) -> ErrorReply | None:
        """What is wrong with the script's text, as EVAL and SCRIPT LOAD say it; None if nothing."""
        assert self._state is IDLE, f"cannot compile, the machine is {self._state.value}"
        main = self._main_of(script)
        return main if isinstance(main, ErrorReply) else None

    def start(
        self, script: Script, keys: list[bytes], argv: list[bytes], answer: Answer
    ) -> Outcome:
        """Run a script up to its first call that has to wait, or to its end.

        Raises what `answer` raised, if it did; the script has then ended.
        """
        assert self._state is IDLE, f"cannot start, the machine is {self._state.value}"
        self._state = RUNNING
        self._host.answer = answer
        self._caller = getcurrent()
        outcome: Outcome | None = self._greenlet.switch(self, script, keys, argv)
        return self._raise_failure() if outcome is None else outcome

    def resume(self, reply: Reply) -> Outcome:
        """Bring the reply of the `Call` the script waits for. As `start` otherwise."""
        assert self._state is WAITING, f"nothing waits, the machine is {self._state.value}"
        self._state = RUNNING
        self._caller = getcurrent()
        outcome: Outcome | None = self._greenlet.switch(reply)
        return self._raise_failure() if outcome is None else outcome

    def kill(self, error: bytes) -> Done:
        """End the script that waits; its reply is `error`, which it cannot catch."""
        assert self._state is WAITING, f"nothing waits, the machine is {self._state.value}"
        self._kill_error = error
        self._caller = getcurrent()
        done = self._greenlet.throw(LuaFailure(Failure.KILL))
        assert isinstance(done, Done), f"a killed script went on: {done!r}"
        return done

    def _raise_failure(self) -> NoReturn:
        failure, self._failure = self._failure, None
        assert failure is not None
        try:
            raise failure
        finally:
            # The exception knows this frame; the frame must not know the exception.
            del failure

    # Inside the greenlet

    def _wait(self, words: list[bytes]) -> Reply:
        self._state = WAITING
        reply: Reply = self._caller.switch(Call(words))
        return reply

    def _run(self, script: Script, keys: list[bytes], argv: list[bytes]) -> Done:
        main = self._mains.get(script.sha) or self._main_of(script)
        if type(main) is ErrorReply:
            return Done(main, raised=True)
        count = len(keys) + len(argv)
        size = len(b"".join(keys)) + len(b"".join(argv)) + count * ENTRY_BYTES
        if self._memory_used() + size > self._collect_above and not self._make_room(size):
            return Done(self._out_of_memory(), raised=True)
        self._host.begin()
        try:
            if count <= ARGUMENTS_MAX:
                value = self._run_lua(main, len(keys), *keys, *argv)
            else:
                table = self._runtime.table_from
                value = self._entries.run_tables(main, table(keys), table(argv))
        except LuaError:
            # Everything of the script is run protected; what gets here is want of memory.
            return Done(self._out_of_memory(), raised=True)
        if type(value) is bytes:
            return Done(value)
        if type(value) is tuple:
            return self._ending(script, *value)
        return Done(scalar_reply(value, self._host.resp))

    def _ending(self, script: Script, text: Any, ending: int, place: bytes | None = None) -> Done:
        tokens, self._host.tokens = self._host.tokens, []
        if ending == Ending.TOKENS:
            return Done(reply_from_tokens(tokens, self._host.resp))
        if ending == Ending.STATUS:
            return Done(status_reply(text))
        if ending == Ending.ERROR:
            return Done(error_reply(text))
        return Done(self._error(script, text, ending, place), raised=True)

    def _error(self, script: Script, text: Any, ending: int, place: bytes | None) -> ErrorReply:
        if ending == Ending.KILL:
            return self._killed()
        if text.endswith(NO_MEMORY):
            return self._out_of_memory()
        if script.function == "":
            return error_reply(b"ERR Error registering functions: " + text.partition(b"\0")[0])
        name = script.name.encode("latin-1")
        if ending == Ending.RAISED:
            text = text.partition(b"\0")[0]
            if place is not None:
                text += b" script: %b, on %b." % (name, place)
            return error_reply(text)
        return error_reply(b"ERR Error running script %b, %b" % (name, text))

    def _killed(self) -> ErrorReply:
        error, self._host.error = self._host.error, None
        if error is not None:
            raise error
        text, self._kill_error = self._kill_error, None
        if text is not None:
            return ErrorReply(text)
        limit = f"{self._instructions_max:,}".encode()
        return ErrorReply(
            b"ERR script killed after %b Lua instructions (script.instructions)" % limit
        )

    def _out_of_memory(self) -> ErrorReply:
        self.reusable = False
        self._host.tokens = []
        limit = f"{self._memory_max:,}".encode()
        return ErrorReply(
            b"ERR script needs more than %b bytes of Lua memory (script.memory_mb)" % limit
        )

    def _make_room(self, size: int) -> bool:
        self._runtime.gccollect()
        return self._host.has_room(size)

    def _main_of(self, script: Script) -> LuaFunction | ErrorReply:
        main = self._mains.get(script.sha)
        if main is None:
            self._texts += len(script.body)
            if self._texts > self._memory_max // TEXTS_SHARE:
                self._mains.clear()
                self._texts = len(script.body)
            main = self._mains[script.sha] = self._compile(script)
        return main

    def _compile(self, script: Script) -> LuaFunction | ErrorReply:
        function = script.function
        if function is None:
            code, _flags, error = split_shebang(script.body)
            if error is not None:
                return error_reply(error)
            chunk, what = CHUNK_NAME, b"script (new function)"
        else:
            code = script.body[script.body.index(b"\n") :]
            chunk, what = FUNCTION_CHUNK_NAME, b"function"
        if not self._host.has_room(len(code) + STRING_BYTES):
            return self._out_of_memory()
        try:
            binary = compiled(code, self._memory_max, chunk)
            if not self._host.has_room(len(binary) + STRING_BYTES):
                return self._out_of_memory()
            self._load_parts(
                parts_used(code) if function is None else (*parts_used(code), FUNCTIONS)
            )
            main: LuaFunction
            if function is None:
                main = self._entries.define(binary)
            else:
                main = self._entries.define_function(binary, function.encode("latin-1"))
        except NotCompiled as refused:
            return error_reply(b"ERR Error compiling %b: %b" % (what, refused.problem))
        except (NoMemory, LuaError):
            return self._out_of_memory()
        return main

    def _load_parts(self, parts: Iterable[str]) -> None:
        for part in parts:
            if part not in self._parts:
                self._entries.load_part(bytecode(part))
                self._parts.add(part)


def _live(creator: greenlet) -> None:
    """The greenlet of a machine: run a script, hand over the outcome, wait for the next one.

    While it waits it holds no reference to the machine, and it was not started with one. A
    greenlet's stack is invisible to the garbage collector: one reference from there would keep the
    machine for ever.
    """
    switch = creator.switch
    outcome: Done | None = None
    while True:
        machine, script, keys, argv = switch(outcome)
        try:
            outcome = machine._run(script, keys, argv)
        except GreenletExit:
            # Nobody holds the machine any more.
            return
        except BaseException as error:
            outcome, machine._failure = None, error
        machine._state = IDLE
        machine._host.forget_answer()
        switch = machine._caller.switch
        del machine, script, keys, argv


def _no_attribute(obj: object, name: object, is_setting: bool) -> object:
    raise AttributeError("scripts cannot look into Python objects")
