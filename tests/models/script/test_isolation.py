"""Ways out of the sandbox that are known, tried one by one.

What a script leaves behind is in test_prelude, endless and greedy scripts without libraries in
test_limits, and what Redis itself answers to many of these in parity/isolation.txt.
"""

import pytest

from models.replies import ErrorReply, Reply
from models.script.machine import Machine
from models.script.outcome import Done
from tests.models.script.rig import run, start

MEMORY = 8_000_000
LIMIT = 300_000

# Each tries to get hold of something and gives 'out' if it does.
ESCAPES = {
    "attributes of the host's functions":
        "for _, name in ipairs{'__class__', '__globals__', '__self__', 'func_globals'} do "
        "local ok, value = pcall(function() return redis.call[name] end) "
        "if ok and value then return 'out' end end",
    "lupa's own library":
        "for _, name in ipairs{'python', 'lupa', 'package', 'io', 'os', 'debug', 'ffi', 'jit'} do "
        "if rawget(_G, name) then return 'out' end end",
    "the metatable of null": "if getmetatable(cjson.null) then return 'out' end",
    "an attribute of null":
        "local ok, value = pcall(function() return cjson.null.__class__ end) "
        "if ok then return 'out' end",
    "a call of null": "if pcall(cjson.null) then return 'out' end",
    "null as an error":
        "local ok, value = pcall(error, cjson.null) if value ~= cjson.null then return 'out' end",
    "an exception of Python's":
        "local _, value = pcall(redis.call, 'X') "
        "if type(value) == 'userdata' then return 'out' end",
    "the metatable of strings":
        "getmetatable('').__index.rep = function() return 'out' end return ('x'):rep(1)",
    "another __index of strings":
        "getmetatable('').__index = function() return function() return 'out' end end "
        "return ('x'):rep(1)",
    "contents behind a library":
        "for _, library in pairs(_G) do if type(library) == 'table' and library ~= KEYS "
        "and library ~= ARGV then local m = getmetatable(library) "
        "if m and library ~= _G then return 'out' end end end",
    "contents through the metatable of _G":
        "getmetatable(_G).__index = function() return 'out' end return nothing",
    "a library's function replaced": "cjson.encode = function() return 'out' end",
    "a library's function replaced past metatables":
        "rawset(cjson, 'encode', function() return 'out' end)",
    "a function replaced by table functions":
        "table.insert(bit, function() return 'out' end) table.sort(cmsgpack)",
    "a field removed": "table.remove(struct)",
    "a metatable set on a library": "setmetatable(cjson, {__index = {x = 'out'}}) return cjson.x",
    "setfenv on a function of the host": "setfenv(redis.call, {}) return 'out'",
    "getfenv": "return getfenv(0) and 'out'",
    "newproxy": "return newproxy(true) and 'out'",
    "bytecode by loadstring":
        "if loadstring(string.dump(function() return 1 end)) then return 'out' end",
    "bytecode by load":
        "local code = string.dump(function() return 1 end) "
        "if load(function() local c = code code = nil return c end) then return 'out' end",
    "bytecode of a library's function":
        "if pcall(string.dump, cjson.encode) or pcall(string.dump, string.find) "
        "then return 'out' end",
    "a function of the prelude as a coroutine":
        "if pcall(coroutine.create, cjson.encode) then return 'out' end",
    "a global through loaded code": "loadstring('x = 5')() return x and 'out'",
    "__gc on a table":
        "setmetatable({}, {__gc = function() redis.call('OUT') end}) collectgarbage()",
    "a function given to Python": "redis.call(function() end) return 'out'",
    "a table given to Python": "redis.call({}) return 'out'",
    "null given to Python": "redis.call('X', cjson.null) return 'out'",
    "a key of cjson that is a method": "return cjson.decode('{\"__index\": 1}').rep and 'out'",
    "an unpacked table with a metatable": "return cmsgpack.unpack('\\129\\1\\1').rep and 'out'",
    "metamethods called by cjson":
        "cjson.encode(setmetatable({1, nil, 3}, {__index = function() return 'out' end, "
        "__len = function() return 9 end, __pairs = error}))",
}  # fmt: skip


def answer(args: list[bytes]) -> Reply:
    """No script gets as far as OUT."""
    assert args[0] != b"OUT"
    return ErrorReply(b"ERR x")


@pytest.mark.parametrize("what", ESCAPES)
def test_there_is_no_way_out_by(what: str) -> None:
    """An error is fine, and so is nothing. The next script finds everything as it was."""
    machine = Machine(instructions_max=LIMIT)
    done = start(machine, ESCAPES[what], answer)
    assert isinstance(done, Done)
    assert b"'out'" not in repr(done.reply).encode()
    check = "return {cjson.encode({5}), ('x'):rep(2), rawget(_G, 'x') == nil, bit.band(7, 2)}"
    assert run(machine, check) == [b"[5]", b"xx", 1, 2]


TOO_LARGE = ErrorReply(
    b"ERR script needs more than 8,000,000 bytes of Lua memory (script.memory_mb)"
)
TOO_LONG = ErrorReply(b"ERR script killed after 300,000 Lua instructions (script.instructions)")

GREEDY = {
    "cjson.encode of long strings":
        "local t = {} for i = 1, 50 do t[i] = string.rep('\\1', 1e5) end return cjson.encode(t)",
    "cjson.encode of what is in itself many times":
        "local t = {'0123456789'} for i = 1, 40 do t = {t, t} end return cjson.encode(t)",
    "cjson.encode of a sparse array":
        "cjson.encode_sparse_array(false, 0) return cjson.encode({[2e9] = 1})",
    "cmsgpack.pack of what is in itself many times":
        "local t = {1} for i = 1, 15 do t = {t, t, t, t, t, t, t, t} end return cmsgpack.pack(t)",
    "struct.pack of long strings":
        "local s = string.rep('x', 1e6) return struct.pack('ssssssss', s, s, s, s, s, s, s, s)",
    "string.rep and format": "return string.format('%s%s', string.rep('x', 4e6), 'y')",
    "table.concat": "local s, t = string.rep('x', 1e6), {} for i = 1, 100 do t[i] = s end "
        "return table.concat(t)",
    "cjson.decode of many arrays":
        "return cjson.decode('[' .. string.rep('[],', 2e5) .. '1]')",
    "cmsgpack.unpack of many maps":
        "return cmsgpack.unpack('\\221\\0\\1\\255\\255' .. string.rep('\\128', 131071))",
}  # fmt: skip


@pytest.mark.parametrize("what", GREEDY)
def test_memory_is_bounded_in(what: str) -> None:
    """The libraries are Lua: what they take counts, and so does what they do."""
    machine = Machine(memory_max=MEMORY, instructions_max=100_000_000)
    assert start(machine, GREEDY[what]) == Done(TOO_LARGE, raised=True)


ENDLESS = {
    "cjson.encode": "local t = {} for i = 1, 100 do t[i] = i end while true do cjson.encode(t) end",
    "cjson.decode": "while true do pcall(cjson.decode, '[1,2,{\"a\":[') end",
    "cmsgpack.pack": "while true do pcall(cmsgpack.pack, {1, 2, 3}) end",
    "cmsgpack.unpack": "while true do pcall(cmsgpack.unpack, '\\147\\1') end",
    "struct": "while true do pcall(struct.unpack, 'i4i4', 'abc') end",
    "bit": "while true do bit.bxor(12345, 54321) end",
    "cjson.new": "while true do cjson.new().encode_max_depth(5) end",
    "one long call": "cjson.encode_sparse_array(false, 0) cjson.encode({[1e9] = 1})",
}


@pytest.mark.parametrize("what", ENDLESS)
def test_instructions_are_counted_in(what: str) -> None:
    """However little of the script is its own."""
    machine = Machine(instructions_max=LIMIT)
    assert start(machine, ENDLESS[what]) == Done(TOO_LONG, raised=True)
    assert run(machine, "return cjson.encode(cjson.decode('[1]'))") == b"[1]"


@pytest.mark.parametrize(
    "call",
    [
        "string.find(s, p)",
        "string.match(s, p)",
        "string.gsub(s, p, '')",
        "string.gsub(s, p, function() end)",
        "string.gmatch(s, p)()",
        "string.gfind(s, p)()",
        "s:find(p)",
    ],
)
@pytest.mark.parametrize("item", ["a?", "a*", "a-", "()", "%f[a]"])
def test_a_pattern_that_would_overflow_the_stack_of_c_is_refused(
    machine: Machine, call: str, item: str
) -> None:
    """It would end the process."""
    body = f"""local s, p = string.rep("a", 3e5), string.rep("{item}", 3e5)
    return {{pcall(function() {call} end)}}"""
    assert run(machine, body) == [None, b"user_script:2: pattern too complex"]


def test_a_long_text_can_be_searched_for_as_it_is(machine: Machine) -> None:
    """Without patterns there is no recursion."""
    body = "local s = string.rep('a', 3e5) return {string.find('b' .. s, s, 1, true)}"
    assert run(machine, body) == [2, 300_001]
