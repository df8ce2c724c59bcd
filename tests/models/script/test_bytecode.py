"""Calls of library functions, in compiled code."""

import pytest
from lupa.lua51 import LuaRuntime

from models.replies import ErrorReply
from models.script.bytecode import with_callers_kept
from models.script.machine import Machine
from tests.models.script.rig import run

RUNTIME = LuaRuntime(encoding=None)
DUMP = RUNTIME.eval(b"string.dump")

KEPT = [
    "return tostring(f(1))",
    "return cjson.decode(x)",
    "local f return cjson.decode(f(1), x == 2 and 3 or 4)",
    "local a, b return cjson.decode(function() return a, b end)",
    "local a return tostring(function() local b return function() return a, b end end, a == 1)",
    "return x:find('y')",
    "return ('x'):find('y')",
    "local function g(...) return cjson.decode(...) end",
    "return function() return function() return cjson.decode(1) end end",
    "if x then return cjson.decode(1) else return cjson.encode(2) end",
]
LEFT = [
    "return 1",
    "return (cjson.decode(x))",
    "local f return f(1)",
    "local f return (x and cjson.decode or f)(1)",
    "local t return t.f(1)",
    "local t return t[cjson.null](1)",
    "local function f() return f() end",
    "return cjson.new().decode(1)",
    "return select(2, x)()",
]


def patched(body: str) -> tuple[bytes, bytes]:
    """The code of a text as Lua has it, and as we have it."""
    dump = DUMP(RUNTIME.compile(body.encode(), name=b"=x"))
    return dump, with_callers_kept(dump)


@pytest.mark.parametrize("body", KEPT)
def test_the_callers_frame_is_kept_in(body: str) -> None:
    """Only the operation differs, and Lua still loads the code."""
    before, after = patched(body)
    assert before != after
    assert len(before) == len(after)
    assert RUNTIME.eval(b"loadstring")(after) is not None


@pytest.mark.parametrize("body", LEFT)
def test_nothing_is_changed_in(body: str) -> None:
    """These call a script's own function, or are no tail calls."""
    before, after = patched(body)
    assert before == after


def test_a_script_can_still_recurse_by_tail_calls_without_end(machine: Machine) -> None:
    """That is what they are for."""
    body = "local function f(n) if n == 0 then return 'done' end return f(n - 1) end return f(1e5)"
    assert run(machine, body) == b"done"


def test_results_of_a_call_are_all_returned(machine: Machine) -> None:
    """None, one or many."""
    body = """
    local function none() return unpack({}) end
    local function many() return unpack({1, 2, 3}) end
    return {select('#', none()), select('#', many()), many()}
    """
    assert run(machine, body) == [0, 3, 1, 2, 3]


def test_an_error_in_tail_position_has_its_line(machine: Machine) -> None:
    """Which is what all this is for."""
    reply = run(machine, "\n\nreturn cjson.decode('[')")
    assert isinstance(reply, ErrorReply)
    assert reply.text.startswith(b"ERR user_script:3: Expected value but found T_END at ")
    assert reply.text.endswith(b", on @user_script:3.")
