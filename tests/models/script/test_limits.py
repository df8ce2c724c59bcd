"""Endless and greedy scripts."""

import pytest

from models.replies import OK, ErrorReply, Reply
from models.script.functions import library
from models.script.host import BYTES_PER_INSTRUCTION
from models.script.machine import Machine
from models.script.outcome import Done
from tests.models.script.rig import no_answer, run, start

LIMIT = 300_000
TOO_LONG = ErrorReply(b"ERR script killed after 300,000 Lua instructions (script.instructions)")
MEMORY = 8_000_000
TOO_LARGE = ErrorReply(
    b"ERR script needs more than 8,000,000 bytes of Lua memory (script.memory_mb)"
)

ENDLESS = {
    "a loop": "while true do end",
    "a loop that catches": "while true do pcall(function() while true do end end) end",
    "a loop that catches with xpcall":
        "while true do xpcall(function() while true do end end, function(e) return e end) end",
    "an error handler": "xpcall(error, function() while true do end end)",
    "an error handler that fails":
        "local function f() xpcall(f, function() return f() end) f() end f()",
    "a coroutine": "coroutine.wrap(function() while true do end end)()",
    "a coroutine that is resumed":
        "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
    "a coroutine that yields": """
        local co = coroutine.create(function()
          while true do for i = 1, 50 do end coroutine.yield() end
        end)
        while true do coroutine.resume(co) end""",
    "many short coroutines":
        "while true do coroutine.wrap(function() for i = 1, 90 do end end)() end",
    "many short coroutines that are resumed":
        "while true do coroutine.resume(coroutine.create(function() end)) end",
    "nested coroutines":
        "local function f() coroutine.wrap(f)() end while true do pcall(f) end",
    "a comparison of table.sort":
        "table.sort({3, 2, 1}, function() while true do end end)",
    "a callback of string.gsub": "string.gsub('abc', '.', function() while true do end end)",
    "__index": "return setmetatable({}, {__index = function() while true do end end}).x",
    "__index of an error":
        "pcall(error, setmetatable({}, {__index = function() while true do end end}))",
    "__newindex of an error":
        "error(setmetatable({}, {__newindex = function() while true do end end}))",
    "__tostring":
        "tostring(setmetatable({}, {__tostring = function() while true do end end}))",
    "a reader of load": "load(function() while true do end end)",
    "a reader of load that never ends": "load(function() return 'x ' end)",
    "recursion": "local function f() return f() end f()",
    "recursion through pcall": "local function f() pcall(f) pcall(f) end f()",
    "recursion through pcall in loops":
        "local function f() while true do pcall(f) end end f()",
    # No call is possible any more where these two spin, not even that of the hook.
    "a full C stack": """
        local function spin() while true do end end
        local function down() if not pcall(down) then while true do pcall(spin) end end end
        down()""",
    "a full Lua stack": """
        local function spin(n) if n == 0 then while true do end end return 1 + spin(n - 1) end
        for depth = 19900, 20000 do pcall(spin, depth) end
        while true do pcall(spin, 19995) end""",
    "calls that fail": "while true do pcall(redis.call) end",
    "loaded code": "loadstring('while true do end')()",
}  # fmt: skip


@pytest.mark.parametrize("what", ENDLESS)
def test_an_endless_script_is_killed_in(what: str) -> None:
    """Nothing it does keeps it alive, and the machine can be used again."""
    machine = Machine(instructions_max=LIMIT)
    assert start(machine, ENDLESS[what]) == Done(TOO_LONG, raised=True)
    assert machine.reusable
    assert run(machine, "return {pcall(error, 'x')}") == [None, b"x"]


LONG = "local s = string.rep('a', 1e6) local n = 0 while true do n = n + 1 "
MANY = "local t = {} for i = 1, 20000 do t[i] = 'x' end local n = 0 while true do n = n + 1 "
WORKING = {
    "making a long text": "while true do string.rep('x', 1e7) end",
    "repeating nothing": "while true do string.rep('', 1e9) end",
    "making a text too long": "while true do pcall(string.rep, 'x', 1e9) end",
    "upper": LONG + "s:upper() end",
    "lower": LONG + "s:lower() end",
    "reverse": LONG + "s:reverse() end",
    "sub": LONG + "s:sub(2) end",
    "byte": LONG + "s:byte(1, 7000) end",
    "char":
        "local t = {} for i = 1, 3900 do t[i] = 65 end while true do string.char(unpack(t)) end",
    "format": LONG + "string.format('%s', s) end",
    "a format that fails": LONG + "pcall(string.format, '%s%d', s, {}) end",
    "find": LONG + "s:find('b') end",
    "find as it is": LONG + "s:find('b', 1, true) end",
    "find of a long text as it is": LONG + "(s .. 'b'):find(s .. 'c', 1, true) end",
    "match": LONG + "s:match('^a*b') end",
    "a match that may take long":
        "local s = string.rep('a', 2000) while true do s:match('a-b') end",
    "gmatch": LONG + "s:gmatch('b')() end",
    "gsub": LONG + "s:gsub('b', 'c') end",
    "concat": MANY + "table.concat(t) end",
    "a concat that fails": MANY + "t[20000] = {} pcall(table.concat, t) end",
    "sort": MANY + "table.sort(t) end",
    "sort with a function of C": MANY + "pcall(table.sort, t, rawequal) end",
    "insert": MANY + "table.insert(t, 1, 'x') end",
    "anything, once a count has gone wrong":
        "string.rep('', 0/0) string.rep('', tonumber('nan')) while true do end",
    "remove": MANY + "t[20001] = 'x' table.remove(t, 1) end",
    "unpack": MANY + "unpack(t, 1, 3900) end",
    "unpack of most there can be": MANY + "unpack(t, 1, 7900) end",
    "maxn": MANY + "table.maxn(t) end",
    "foreach": MANY + "table.foreach(t, rawequal) end",
    "foreachi": MANY + "table.foreachi(t, rawequal) end",
    "loadstring": "local s = string.rep(' ', 1e5) while true do loadstring(s) end",
    "cjson.encode": LONG + "cjson.encode(s) end",
    "cjson.decode": LONG + "pcall(cjson.decode, s) end",
    "cmsgpack.pack": LONG + "cmsgpack.pack(s) end",
    "cmsgpack.unpack":
        "local s = cmsgpack.pack(string.rep('a', 1e6)) while true do cmsgpack.unpack(s) end",
    "struct.pack": LONG + "struct.pack('s', s) end",
    "struct.unpack": LONG + "pcall(struct.unpack, 's', s) end",
    "redis.error_reply": LONG + "redis.error_reply(s) end",
    "redis.sha1hex": LONG + "redis.sha1hex(s) end",
    "redis.log": LONG + "redis.log(3, s) end",
    "a call's arguments": LONG + "redis.pcall('SET', 'k', s) end",
    "a call's many arguments": "local t = {} for i = 1, 3900 do t[i] = string.rep('x', 900) end "
        "while true do redis.call('RPUSH', unpack(t)) end",
}  # fmt: skip


@pytest.mark.parametrize("what", WORKING)
def test_a_script_that_has_c_functions_work_is_killed_in(what: str) -> None:
    """What they handle counts: it has ended long before its own instructions come to the limit."""
    machine = Machine(instructions_max=LIMIT)
    calls: list[list[bytes]] = []

    def answer(args: list[bytes]) -> Reply:
        calls.append(args)
        assert sum(len(arg) for args in calls for arg in args) < LIMIT * BYTES_PER_INSTRUCTION
        return OK

    assert start(machine, WORKING[what], answer) == Done(TOO_LONG, raised=True)


@pytest.mark.parametrize(
    "work",
    [
        "table.insert(t, 0/0, '')",
        "table.insert(t, 2^32, '')",
        "t[20001] = '' table.remove(t, 2^32 + 1)",
        "table.concat(t, '', 2^32 + 1)",
    ],
)
def test_a_place_counts_as_what_c_makes_of_it(work: str) -> None:
    """No number of the script's hides how many values a function goes through."""
    calls: list[list[bytes]] = []

    def answer(args: list[bytes]) -> Reply:
        calls.append(args)
        return OK

    fill = "local t = {} for i = 1, 20000 do t[i] = '' end "
    body = f"{fill}while true do redis.call('T') {work} end"
    assert run(Machine(instructions_max=LIMIT), body, answer) == TOO_LONG
    assert len(calls) < 100


@pytest.mark.parametrize("count", ["0/0", "2^32", "1e300", "-1"])
def test_nothing_repeated_a_strange_number_of_times_is_nothing(count: str) -> None:
    """As in Redis, where C takes each of these for no times."""
    assert run(Machine(), f"return string.rep('', {count})") == b""


@pytest.mark.parametrize("reply", [b"x" * 1_000_000, [b"x"] * 10_000, [[b"x" * 100_000]]])
def test_a_script_that_is_handed_long_replies_is_killed(reply: Reply) -> None:
    """Texts and arrays; those of two machines end at the same call."""
    counts = []
    for _ in range(2):
        calls: list[list[bytes]] = []

        def answer(args: list[bytes], calls: list[list[bytes]] = calls) -> Reply:
            calls.append(args)
            return reply

        assert run(Machine(instructions_max=LIMIT), "while true do redis.call('GET', 'k') end",
                   answer) == TOO_LONG  # fmt: skip
        counts.append(len(calls))
    assert counts[0] == counts[1] < 200


@pytest.mark.parametrize(
    "body",
    [
        "local t for i = 1, 40 do t = {t, t} end return t",
        "local t = {} t[1] = t t[2] = t return t",
        "local s, t = string.rep('x', 1e5), {} for i = 1, 200 do t[i] = s end return t",
        "local s, t = string.rep('x', 1e5), {0} for i = 1, 200 do t[i + 1] = s end return t",
        "local s, t = string.rep('x', 1e5), {} for i = 1, 200 do t[i] = {ok = s} end return t",
        "local s, t = string.rep('x', 1e5), {} for i = 1, 200 do t[i] = {err = s} end return t",
        "local s, t = {big_number = string.rep('1', 1e5)}, {} "
        "for i = 1, 200 do t[i] = s end return t",
        "local s, t = {verbatim_string = {string = string.rep('x', 1e5), format = 'txt'}}, {} "
        "for i = 1, 200 do t[i] = s end return t",
        "local s, t = {map = {[string.rep('x', 1e5)] = 1}}, {} "
        "for i = 1, 200 do t[i] = s end return t",
        "local s, t = {}, {} for i = 1, 20 do s[i] = '' end "
        "for i = 1, 9000 do t[i] = s end return t",
    ],
)
def test_a_script_that_returns_too_much_is_killed(body: str) -> None:
    """One table can stand in many places of a reply: what goes to Python is what counts."""
    machine = Machine(instructions_max=LIMIT)
    assert start(machine, body) == Done(TOO_LONG, raised=True)
    assert machine.reusable
    assert run(machine, "return {1, {'x'}}") == [1, [b"x"]]


def test_a_reply_may_be_long() -> None:
    """As many values as any script has a use for are far from the limit."""
    body = "local t = {} for i = 1, 100000 do t[i] = {i, 'x'} end return t"
    reply = run(Machine(), body)
    assert isinstance(reply, list)
    assert len(reply) == 100_000


def test_short_work_costs_its_instructions_only() -> None:
    """Texts as scripts usually have them."""
    machine = Machine(instructions_max=LIMIT)
    body = """
        local n = 0
        for i = 1, 500 do
          n = n + #string.rep('x', 10) + #('a:b'):upper() + #table.concat({'a', i}, ':')
          n = n + #cjson.encode({i}) + #string.format('%d', i) + (('a:b'):find(':', 1, true))
        end
        return n"""
    assert isinstance(run(machine, body), int)


@pytest.mark.parametrize(("calls", "reply"), [(9_374, 9_374), (9_376, TOO_LONG)])
def test_a_call_counts_as_a_thousand_bytes(calls: int, reply: Reply) -> None:
    """However short it is: what it does takes time, too."""
    machine = Machine(instructions_max=LIMIT)
    body = "local n = tonumber(ARGV[1]) for _ = 1, n do redis.call('GET', 'a') end return n"
    assert run(machine, f"local ARGV = {{'{calls}'}} {body}", lambda _: None) == reply


def test_the_limit_is_that_of_one_script() -> None:
    """Neither what earlier ones used nor how far they got into an interval counts."""
    machine = Machine(instructions_max=LIMIT)
    # About one instruction per turn.
    for _ in range(5):
        assert isinstance(run(machine, "for i = 1, 295000 do end return 1"), int)
        assert run(machine, "for i = 1, 305000 do end") == TOO_LONG


def test_what_one_script_has_spent_never_ends_the_next() -> None:
    """Wherever in an interval of the counter the one before it ends, killed or not."""
    machine = Machine(instructions_max=1_000)
    for turns in range(900, 1_000):
        run(machine, f"for turn = 1, {turns} do end", no_answer)
        assert run(machine, "return 1", no_answer) == 1, turns


def test_the_same_script_ends_at_the_same_turn_in_any_machine() -> None:
    """However much of an interval the scripts before it have left."""

    def turns(machine: Machine) -> int:
        seen: list[int] = []

        def answer(args: list[bytes]) -> Reply:
            seen.append(int(args[1]))
            return OK

        body = "local i = 0 while true do i = i + 1 if i % 100 == 0 then redis.call('T', i) end end"
        assert run(machine, body, answer) == TOO_LONG
        return seen[-1]

    fresh = turns(Machine(instructions_max=LIMIT))
    used = Machine(instructions_max=LIMIT)
    for number in range(5):
        run(used, f"for i = 1, {number * 777} do end")
        assert turns(used) == fresh


def test_a_small_limit_is_kept_to_exactly() -> None:
    """The interval of the count is never longer than the limit."""
    machine = Machine(instructions_max=100)
    assert run(machine, "return 1") == 1
    done = start(machine, "for i = 1, 200 do end")
    assert done == Done(
        ErrorReply(b"ERR script killed after 100 Lua instructions (script.instructions)"),
        raised=True,
    )


@pytest.mark.parametrize(
    "body",
    [
        "return string.rep('x', 1e9)",
        "local s = 'x' while true do s = s .. s end",
        "local t = {} for i = 1, 1e9 do t[i] = i end",
        "local t = {} for i = 1, 1e9 do t[i] = 'text' .. i end",
        "local t = {} while true do t = {t, t} t[1] = {} t[3] = t end",
        "return (string.rep('x', 1e5):gsub('x', string.rep('y', 1e5)))",
        "local t = {} for i = 1, 1e3 do t[i] = string.rep('x', 1e4) end return table.concat(t)",
        "return loadstring(string.rep('local x = {1, 2, 3} ', 1e6))",
        "coroutine.wrap(function() local s = 'x' while true do s = s .. s end end)()",
        "local t = {} for i = 1, 1e9 do t[i] = coroutine.create(function() end) end",
    ],
)
def test_a_greedy_script_gets_an_error_reply(body: str) -> None:
    """The process lives, and so would the machine, but it is not used again."""
    machine = Machine(memory_max=MEMORY, instructions_max=100_000_000)
    assert start(machine, body) == Done(TOO_LARGE, raised=True)
    assert not machine.reusable
    assert run(machine, "return 1") == 1


def test_want_of_memory_can_be_caught() -> None:
    """It is an error like any other: the script gives up what it wanted and goes on."""
    machine = Machine(memory_max=MEMORY)
    assert run(machine, "return {pcall(string.rep, 'x', 1e9)}") == [None, b"not enough memory"]
    assert machine.reusable


# A table that has to grow fails with much memory left; a chain of small ones takes the rest.
FULL = """
local hoard, chain = {}, {}
pcall(function() for i = 1, 1e9 do hoard[i] = 'text' .. i end end)
pcall(function() while true do chain = {chain} end end)
"""


@pytest.mark.parametrize(
    "body",
    [
        "return redis.call('GET')",
        "return redis.call('GET', {}, {}, {}, redis.call, function() end)",
        "return redis.sha1hex('x')",
        "return redis.pcall('GET')",
        "return redis.pcall()",
        "return {redis.call('GET')}",
        "coroutine.wrap(function() redis.call('GET') end)()",
    ],
)
@pytest.mark.parametrize(
    "reply", [b"x" * 100, OK, ErrorReply(b"ERR " + b"x" * 100), [b"a", b"b"], [[None]]]
)
def test_a_call_with_the_memory_full_is_an_error_reply(body: str, reply: Reply) -> None:
    """Handing the reply over would hang the process."""
    machine = Machine(memory_max=2_000_000)
    done = start(machine, FULL + body, lambda args: reply)
    assert isinstance(done, Done)
    assert isinstance(done.reply, ErrorReply)
    assert run(machine, "return 1") == 1


def test_a_reply_too_large_for_the_memory_is_an_error() -> None:
    """Strings, arrays, and what is nested in them."""
    machine = Machine(memory_max=MEMORY)
    large: list[Reply] = [
        b"x" * MEMORY,
        [b"x" * 100] * 100_000,
        [[b"x", None]] * 50_000,
        [None] * 100_000,
    ]
    for reply in large:

        def answer(args: list[bytes], reply: Reply = reply) -> Reply:
            return reply

        caught = run(machine, "return {pcall(redis.call, 'GET')}", answer)
        assert caught == [None, b"not enough memory"]
        outcome = start(machine, "return redis.call('GET')", answer)
        assert outcome == Done(TOO_LARGE, raised=True)


def test_arguments_too_large_for_the_memory_are_an_error() -> None:
    """The script is not begun."""
    machine = Machine(memory_max=MEMORY)
    body = "return #ARGV"
    assert run(machine, body, argv=[b"x" * MEMORY]) == TOO_LARGE
    assert run(machine, body, no_answer, [], [b"x"] * 200_000) == TOO_LARGE
    assert run(machine, body, argv=[b"x" * (MEMORY // 4)]) == 1


def test_a_text_too_large_for_the_memory_is_an_error() -> None:
    """Before and while it is compiled."""
    machine = Machine(memory_max=MEMORY)
    assert run(machine, b"--" + b"x" * MEMORY) == TOO_LARGE
    assert run(machine, b"x() " * 900_000) == TOO_LARGE
    assert run(machine, "return 1") == 1


def test_garbage_of_earlier_scripts_does_not_count() -> None:
    """Each may use all of it."""
    machine = Machine(memory_max=MEMORY)
    for _ in range(20):
        assert run(machine, "return #string.rep('x', 1.5e6)") == 1_500_000


def test_what_a_library_keeps_is_garbage_after_its_function() -> None:
    """However that ended: what the next script may use does not depend on who ran before it."""
    code = b"""#!lua name=abc
        local kept = ('y'):rep(2.5e6)
        redis.register_function('f', function() error(#kept) end)"""
    (function,) = library(b"abc", code, [(b"f", None, [])]).functions
    machine = Machine(memory_max=MEMORY)
    for _ in range(3):
        assert isinstance(machine.start(function.script, [], [], no_answer), Done)
        assert run(machine, "return #string.rep('x', 2.5e6)") == 2_500_000


def test_garbage_does_not_keep_a_reply_out() -> None:
    """It is collected when a reply needs the room."""
    machine = Machine(memory_max=MEMORY)
    body = "for i = 1, 200 do local s = string.rep('x', 1e6 + i) redis.call('GET') end return 1"
    assert run(machine, body, lambda args: b"y" * 500_000) == 1
