"""The sandbox: nothing leads out of it, and nothing stays in it."""

import pytest

from models.replies import ErrorReply, Reply
from models.script.machine import Machine
from models.script.prelude import FILES, FOLDER, FUNCTIONS, LIBRARIES, parts_used
from tests.models.script.rig import pending, run, start

FORBIDDEN = [
    "python", "debug", "io", "os", "package", "require", "module", "dofile", "loadfile", "print",
    "getfenv", "setfenv", "newproxy", "arg", "_PROMPT", "luanet", "ffi", "jit",
]  # fmt: skip


@pytest.mark.parametrize("name", FORBIDDEN)
def test_there_is_no(machine: Machine, name: str) -> None:
    """Not by name, by rawget, or from loaded code."""
    error = f"Script attempted to access nonexistent global variable '{name}'".encode()
    assert run(machine, f"return {{pcall(function() return {name} end)}}") == [
        None, b"user_script:1: " + error,
    ]  # fmt: skip
    assert run(machine, f"return rawget(_G, '{name}') == nil") == 1
    loaded = run(machine, f"return {{pcall(loadstring('return {name}', '=x'))}}")
    assert loaded == [None, b"x:1: " + error]


def test_every_file_of_the_prelude_is_loaded() -> None:
    """A file forgotten in the list would be dead."""
    assert sorted((*FILES, FUNCTIONS)) == sorted(path.stem for path in FOLDER.glob("*.lua"))
    parts = {part for parts in LIBRARIES.values() for part in parts}
    assert sorted(parts) == sorted(path.stem for path in FOLDER.glob("libraries/*.lua"))


@pytest.mark.parametrize(
    ("code", "parts"),
    [
        (b"return redis.call('GET', KEYS[1])", []),
        (b"return cjson.encode(KEYS)", ["json_encode", "json_decode", "cjson"]),
        (b"return struct.size('b') + bit.band(1, 2)", ["numbers", "bit", "struct"]),
        (b"return rawget(_G, 'c' .. 'json')",
         ["numbers", "bit", "struct", "cmsgpack", "json_encode", "json_decode", "cjson"]),
    ],
)  # fmt: skip
def test_a_library_is_loaded_for_the_scripts_that_can_reach_it(
    machine: Machine, code: bytes, parts: list[str]
) -> None:
    """It makes no difference to them."""
    assert parts_used(code) == tuple(f"libraries/{part}" for part in parts)
    run(machine, code, lambda args: None, keys=[b"k"])


@pytest.mark.parametrize(
    "body",
    [
        "return ({value}).encode({{5}})",
        "local found for name, f in pairs({value}) do if name == 'encode' then found = f end end "
        "return found({{5}})",
        "return rawget({value}, 'encode')({{5}})",
    ],
)
@pytest.mark.parametrize(
    "value",
    ["cjson", "_G.cjson", "_G['cj' .. 'son']", "loadstring('return cj' .. 'son')()"],
)
def test_however_a_script_gets_at_a_library_it_is_there(body: str, value: str) -> None:
    """In a machine in which nobody has used it before."""
    assert run(Machine(), body.format(value=value)) == b"[5]"


WALK = """
local seen, bad = {}, {}
local function walk(value, path)
  local kind = type(value)
  if kind == 'userdata' and value == cjson.null then
    if getmetatable(value) then bad[#bad + 1] = 'null has a metatable' end
  elseif kind == 'userdata' or kind == 'thread' then bad[#bad + 1] = path .. ' ' .. kind end
  if kind ~= 'table' or seen[value] then return end
  seen[value] = true
  for key, inner in pairs(value) do
    walk(key, path .. '.key')
    walk(inner, path .. '.' .. tostring(key))
  end
  local metatable = getmetatable(value)
  if metatable then walk(metatable, path .. '.metatable') end
end
walk(_G, '_G')
walk(getmetatable(''), 'string metatable')
for _, value in ipairs({1, true, walk, coroutine.create(walk)}) do
  if getmetatable(value) then bad[#bad + 1] = type(value) .. ' has a metatable' end
end
return bad
"""


def test_no_object_of_python_can_be_reached(machine: Machine) -> None:
    """Nothing a script can walk to is userdata, which is what Python's objects are in Lua."""
    assert run(machine, WALK) == []


@pytest.mark.parametrize(
    "body",
    [
        "return redis.call.__globals__",
        "return redis.call['__class__']",
        "return redis.call()()",
        "redis.call.x = 1",
        "return #redis.call",
        "return redis.call .. ''",
        "for x in redis.call do end",
    ],
)
def test_the_hosts_functions_are_functions_and_no_more(machine: Machine, body: str) -> None:
    """No attribute, no item, no iteration."""
    reply = run(machine, body)
    assert isinstance(reply, ErrorReply)
    assert b"__" not in reply.text.partition(b" script: ")[0].replace(b"'__", b"")


CATCH = """
local kinds = {}
local function note(e) kinds[#kinds + 1] = type(e) return e end
note(select(2, pcall(redis.call, 'X')))
note(select(3, pcall(pcall, redis.call, 'X')))
xpcall(function() redis.call('X') end, note)
note(select(2, xpcall(function() redis.call('X') end, function(e) return e end)))
note(select(2, coroutine.resume(coroutine.create(function() redis.call('X') end))))
note(select(2, pcall(coroutine.wrap(function() redis.call('X') end))))
xpcall(coroutine.wrap(function() redis.call('X') end), note)
note(select(2, pcall(string.gsub, 'x', '.', function() redis.call('X') end)))
note(select(2, pcall(table.sort, {2, 1}, function() redis.call('X') end)))
note(select(2, load(function() redis.call('X') end)))
note(select(2, pcall(tostring, setmetatable({}, {__tostring = function() redis.call('X') end}))))
note(select(2, xpcall(error, function() redis.call('X') end)))
note(redis.pcall('X'))
return kinds
"""


@pytest.mark.parametrize("later", [False, True])
def test_what_a_script_catches_is_a_string_or_a_table(machine: Machine, later: bool) -> None:
    """Though it is an exception that leaves the host."""
    error = ErrorReply(b"ERR x")
    if later:
        outcome = start(machine, CATCH, pending)
        while not hasattr(outcome, "reply"):
            outcome = machine.resume(error)
        kinds = outcome.reply
    else:
        kinds = run(machine, CATCH, lambda args: error)
    assert isinstance(kinds, list)
    assert len(kinds) > 12
    assert set(map(repr, kinds)) <= {"b'string'", "b'table'"}


def test_arguments_that_are_no_text_do_not_reach_the_answer(machine: Machine) -> None:
    """Functions, tables, threads: lupa would wrap them."""

    def answer(args: list[bytes]) -> Reply:
        raise AssertionError(args)

    for value in ("redis.call", "{}", "function() end", "coroutine.create(function() end)", "nil"):
        reply = run(machine, f"return redis.pcall('GET', {value}, 'x')", answer)
        assert isinstance(reply, ErrorReply)
        assert reply.text == b"ERR Lua redis lib command arguments must be strings or integers"


@pytest.mark.parametrize(
    "body",
    [
        "return loadstring(string.dump(function() return 1 end)) == nil",
        "local i = 0 return load(function() i = i + 1 return string.dump(error_f or function() end)"
        ":sub(i, i) end) == nil",
        "local code = string.dump(function() return 1 end) "
        "local done = false "
        "return load(function() if done then return nil end done = true return code end) == nil",
    ],
)
def test_bytecode_is_not_loaded(machine: Machine, body: str) -> None:
    """It could be made to read any memory."""
    assert run(machine, body.replace("error_f or ", "")) == 1


# Each tries to leave something behind. None may fail in itself: what it tries is in pcall.
TRACES = [
    "pcall(rawset, _G, 'left', 1)",
    "pcall(rawset, redis, 'left', 1)",
    "pcall(function() left = 1 end)",
    "pcall(function() _G.left = 1 end)",
    "pcall(function() redis.left = 1 end)",
    "pcall(function() string.upper = nil end)",
    "for _, t in ipairs({_G, redis, string, math, table, coroutine}) do "
    "pcall(table.insert, t, 'left') pcall(table.insert, t, 1, 'left') pcall(table.sort, t) "
    "pcall(table.setn, t, 5) pcall(rawset, t, 1, 'left') pcall(setmetatable, t, {}) end",
    "pcall(function() getmetatable('').__index = nil end)",
    "pcall(rawset, getmetatable(''), '__index', nil)",
    "pcall(rawset, getmetatable(_G), '__index', nil)",
    "pcall(setmetatable, getmetatable(''), {})",
    "for _, t in ipairs({_G, redis, string}) do for k in pairs(t) do "
    "pcall(rawset, t, k, nil) pcall(function() t[k] = nil end) end end",
    "table.foreach(_G, function(k, v) pcall(function() v.left = 1 end) end)",
    "KEYS.left = 1 ARGV.left = 1 KEYS[1] = 'left' setmetatable(KEYS, {__index = error})",
    "math.randomseed(123) math.random()",
    "collectgarbage('stop') collectgarbage('setpause', 1000)",
    "coroutine.wrap(function() coroutine.yield() end)()",
    "co = nil",
    "local f = function() return left end loadstring('left = 1')",
    "pcall(loadstring('left = 1'))",
    "return tostring({})",
    "local t = {} t[1] = t return t",
    "error({err = 'left', source = 'left', line = 'left'})",
    "return {pcall(error, 'left')}",
    "redis.log(3, 'left')",
    "while true do end",
    "pcall(string.rep, 'x', 1e12)",
    "return redis.call('X')",
    "return redis.pcall('X')",
    "xpcall(function() redis.call('X') end, function() error('left') end)",
    "local r = redis.pcall('X') r.err = 'left' r.left = 1",
    "redis.error_reply('a b').left = 1 redis.status_reply('left').ok = 5",
    "__redis__err__handler({})",
]

STATE = """
local lines = {}
for name, value in pairs(_G) do
  lines[#lines + 1] = name .. type(value)
  if type(value) == 'table' then
    for inner, what in pairs(value) do
      lines[#lines + 1] = tostring(name) .. '.' .. tostring(inner) .. type(what)
    end
  end
end
for key, value in pairs(getmetatable('')) do lines[#lines + 1] = key .. type(value) end
lines[#lines + 1] = tostring(math.random()) .. tostring({}) .. ('x'):upper()
lines[#lines + 1] = #KEYS .. #ARGV .. tostring(getmetatable(KEYS)) .. tostring(rawget(_G, 'left'))
lines[#lines + 1] = redis.pcall('X').err .. select(2, pcall(redis.call, 'X'))
lines[#lines + 1] = redis.error_reply('a b').err .. collectgarbage('count')
lines[#lines + 1] = select(2, pcall(loadstring('return left')))
return lines
"""


def failing(args: list[bytes]) -> Reply:
    """Each command fails."""
    return ErrorReply(b"ERR x")


def test_a_script_leaves_no_trace() -> None:
    """After each attempt the next script sees what it would see in a new machine."""
    machine = Machine(instructions_max=100_000)
    fresh = run(machine, STATE, failing)
    assert isinstance(fresh, list) and len(fresh) > 100
    for body in TRACES:
        start(machine, body, failing)
        assert run(machine, STATE, failing) == fresh, body
    start(machine, "redis.call('X')", pending)
    machine.kill(b"ERR left")
    assert run(machine, STATE, failing) == fresh


def test_the_same_script_starts_afresh_each_time(machine: Machine) -> None:
    """Its compiled form is kept, its variables are not."""
    body = "local n = 0 local function f() n = n + 1 return n end f() return f()"
    assert [run(machine, body) for _ in range(3)] == [2, 2, 2]


def test_things_are_named_in_the_order_in_which_a_script_asks(machine: Machine) -> None:
    """Not by address, which differs between processes."""
    body = """
    local a, b = {}, function() end
    return {tostring(a), tostring(b), tostring(a), tostring(redis), tostring(coroutine.create(b))}
    """
    expected: Reply = [
        b"table: 0x7f0000000000",
        b"function: 0x7f0000000040",
        b"table: 0x7f0000000000",
        b"table: 0x7f0000000080",
        b"thread: 0x7f00000000c0",
    ]
    assert run(machine, body) == expected
    assert run(machine, body) == expected


def test_libraries_can_be_listed_though_they_are_read_only(machine: Machine) -> None:
    """`pairs`, next, rawget and table.foreach look behind the shell."""
    body = """
    local count = 0
    for _ in pairs(table) do count = count + 1 end
    for _ in next, table do count = count + 1 end
    table.foreach(table, function() count = count + 1 end)
    return {count, rawget(table, 'concat') == table.concat, next(table) ~= nil}
    """
    assert run(machine, body) == [27, 1, 1]
