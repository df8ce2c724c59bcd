"""Patterns matched in Lua, which counts instructions, and in C, which does not."""

from hashlib import sha1

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.replies import ErrorReply
from models.script import prelude
from models.script.cache import Script
from models.script.machine import Machine
from models.script.outcome import Done, Outcome
from tests.models.script.rig import no_answer, run

IN_C = Machine()
with pytest.MonkeyPatch.context() as patch:
    patch.setattr(prelude, "MATCH_STEPS_MAX", 0)
    IN_LUA = Machine()

ITEMS = ["a", "b", ".", "%a", "%d", "[ab]", "[^a]", "(", ")", "()", "%1", "%b()", "%f[a]", "*", "+",
         "-", "?", "^", "$", "%", "[", "%s", "%.", "\\0", "[]]", "[a-c%d]"]  # fmt: skip
REPLACEMENTS = ["'<%0>'", "'%1'", "'x'", "'%'", "'%%'", "function(a) return a end", "{a = '1'}",
                "function() return nil end", "function() return {} end"]  # fmt: skip

BODY = """
local s, p = '%s', '%s'
local seen = {}
local function put(...)
  for i = 1, select('#', ...) do seen[#seen + 1] = tostring((select(i, ...))) end
  seen[#seen + 1] = '|'
end
put(pcall(string.find, s, p, %s))
put(pcall(function() return s:match(p, %s) end))
put(pcall(string.gsub, s, p, %s, %s))
put(pcall(function() return s:gsub(p, %s, %s) end))
put(pcall(function() for a, b in s:gmatch(p) do put(a, b) end end))
return seen
"""


def outcome(machine: Machine, body: str) -> Outcome:
    """How the script ends there."""
    text = body.encode()
    return machine.start(Script(sha1(text).hexdigest(), text), [], [], no_answer)


@given(
    subject=st.text("aab(c)1 .", max_size=9),
    pattern=st.lists(st.sampled_from(ITEMS), max_size=6).map("".join),
    place=st.sampled_from(["nil", "1", "2", "-2", "9", "-9"]),
    replacement=st.sampled_from(REPLACEMENTS),
    limit=st.sampled_from(["nil", "1", "0", "-1"]),
)
def test_both_match_alike(
    subject: str, pattern: str, place: str, replacement: str, limit: str
) -> None:
    """Results, captures, and errors with their line."""
    body = BODY % (subject, pattern, place, place, replacement, limit, replacement, limit)
    assert outcome(IN_LUA, body) == outcome(IN_C, body)


@pytest.mark.parametrize(
    "call",
    [
        "('a'):rep(30000):find(('.-'):rep(4) .. 'b')",
        "('a'):rep(30):match(('a?'):rep(40) .. ('a'):rep(31))",
        "('a'):rep(300000):gsub('.-b', 'x')",
        "('a'):rep(300000):gsub('a-b', function() end)",
        "('a'):rep(300000):gmatch('a-b')()",
        "('('):rep(300000):find('%b()')",
        "('^'):rep(60000):gmatch('^.-X')()",
        "('a'):rep(3000):find('[' .. ('b'):rep(1900) .. 'a]-X')",
        "('a'):rep(3000000):find(('a'):rep(1900) .. 'X.')",
    ],
)
def test_a_match_that_would_take_for_ever_is_killed(call: str) -> None:
    """In C it would run for minutes or years, and nothing could end it."""
    done = outcome(Machine(instructions_max=1_000_000), f"return {call}")
    error = b"ERR script killed after 1,000,000 Lua instructions (script.instructions)"
    assert done == Done(ErrorReply(error), raised=True)


def test_a_long_subject_is_matched_though_it_might_have_been_slow(machine: Machine) -> None:
    """Lua finds it as C would."""
    body = "local s = ('x'):rep(50000) .. ' b ' return {s:find('^x+%s*(.-)%s*$')}"
    assert run(machine, body) == [1, 50_003, b"b"]
