-- The way in: compile a script, run it, and say how it ended.
--
-- What is said goes to Python as plain numbers and strings. A table handed to Python needs a place in
-- the registry, and where that has none left, memory at a moment where running out of it cannot be
-- caught. One table at a time is fine: places are set up in advance (see machine.py).
--
-- This is the last file of the prelude. It closes the sandbox and empties the global table.

local kit = ...

local emit, emit_strings = kit.emit, kit.emit_strings
local globals, source = kit.globals, kit.source
local begin, is_killed, translate = kit.begin, kit.is_killed, kit.translate
local reset_addresses, reset_random, weigh = kit.reset_addresses, kit.reset_random, kit.weigh
local load_binary = kit.load_binary
local CHUNK_NAME, KILLED = kit.chunk_name, kit.KILLED
local getinfo, sethook = debug.getinfo, debug.sethook
local metatable_of = debug.getmetatable
local error, next, pcall, rawget = error, next, pcall, rawget
local select, type = select, type
local tostring = kit.globals.tostring
local setfenv, unpack, xpcall = setfenv, unpack, xpcall

-- How a script ended, in convert.py's `Ending`.
local STATUS, ERROR, RAISED, KILL, BROKEN, TOKENS = 1, 2, 3, 4, 5, 6

-- Tokens are sent in pieces: a C function takes no more than a few thousand values.
local PIECE = 200
-- From here on it pays to hand an array of strings to Python as it is.
local MANY = 20
-- Bytes that a token takes in Python, as what it stands for. The same table may be sent many times, so
-- neither Lua's memory nor what its making cost bounds a reply: what is sent counts.
local TOKEN_BYTES = 128
-- How deep a reply may nest; Redis gives up at 7,996, which Python could not walk.
local DEPTH_MAX = 500

-- Where an error happened

-- Whether a frame is the prelude's, or that of a C function that the prelude has called. `caller` is
-- the level, for us, of the one that called. Behind a forgotten frame a C function is the one that
-- runs the script.
local function is_ours(frame, caller, forgotten)
  if frame.what ~= "C" or forgotten then
    return frame.source == source
  end
  local by = getinfo(caller, "S")
  return by and by.source == source
end

-- Write into an error object where it happened: the function that raised it, or the caller of the C
-- function that did. A function of the prelude is a C function in Redis, together with the C
-- functions it calls. `level` is that of the raising function as seen from our caller.
local function add_place(err, level)
  level = level + 1
  local frame = getinfo(level, "Sl")
  if frame and frame.what == "C" then
    level = level + 1
    frame = getinfo(level, "Sl")
  end
  local forgotten = false
  while frame and (is_ours(frame, level + 2, forgotten) or frame.what == "tail") do
    forgotten = forgotten or frame.what == "tail"
    level = level + 1
    frame = getinfo(level, "Sl")
  end
  if forgotten and frame and frame.what == "C" then
    -- The main chunk called one of our functions in tail position, and left no trace.
    frame = { source = CHUNK_NAME, currentline = -1 }
  end
  if type(err) ~= "table" then
    err = { err = "ERR " .. tostring(err) }
  end
  if frame then
    err.source = frame.source
    err.line = frame.currentline
  end
  return err
end

-- Redis's error handler is a global, so scripts can call it, too.
function globals.__redis__err__handler(err)
  local placed = add_place(err, 2)
  return placed
end

-- What `on_error` leaves for `run_main`.
local raised_text, raised_place

local function on_error(err)
  err = translate(err)
  if err == KILLED then
    return err
  end
  err = add_place(err, 2)
  local text, file, line = err.err, err.source, err.line
  -- Redis 7.0.15 does not survive an error object without a text.
  raised_text = text ~= nil and tostring(text) or "ERR unknown error"
  raised_place = file and line and tostring(file) .. ":" .. tostring(line)
  return err
end

-- Replies

-- `text_bytes` is those of the texts among the tokens.
local tokens, token_count, text_bytes

local function send()
  weigh(token_count * TOKEN_BYTES + text_bytes)
  emit(unpack(tokens, 1, token_count))
  token_count, text_bytes = 0, 0
end

local function put(token)
  token_count = token_count + 1
  tokens[token_count] = token
  if token_count == PIECE then
    send()
  end
end

local function put_text(text)
  text_bytes = text_bytes + #text
  put(text)
end

-- nil never stands for a value: it announces that the next token says what follows.
local function put_mark(mark)
  put(nil)
  put(mark)
end

local put_value

local function put_map(list, depth)
  put_mark("%")
  for key, value in next, list do
    put_value(key, depth)
    put_value(value, depth)
  end
  put_mark("]")
end

local function put_set(list, depth)
  put_mark("~")
  for key in next, list do
    put_value(key, depth)
  end
  put_mark("]")
end

-- The rarer shapes of a reply, of which RESP2 makes strings and arrays. False if it is none.
local function put_wrapped(list, depth)
  local wrapped = rawget(list, "double")
  if type(wrapped) == "number" then
    put_mark(",")
    put(wrapped)
    return true
  end
  wrapped = rawget(list, "big_number")
  if type(wrapped) == "string" then
    put_mark("(")
    put_text(wrapped)
    return true
  end
  wrapped = rawget(list, "verbatim_string")
  if type(wrapped) == "table" and type(rawget(wrapped, "format")) == "string" then
    local text = rawget(wrapped, "string")
    if type(text) == "string" then
      put_mark("=")
      put_text(text)
      put_text(rawget(wrapped, "format"))
      return true
    end
  end
  wrapped = rawget(list, "map")
  if type(wrapped) == "table" then
    put_map(wrapped, depth)
    return true
  end
  wrapped = rawget(list, "set")
  if type(wrapped) == "table" then
    put_set(wrapped, depth)
    return true
  end
  return false
end

-- What an array of many strings that `next` goes through in order takes, in bytes. Nil if it is none.
local function strings_bytes(list)
  local count, bytes = 0, 0
  for key, value in next, list do
    count = count + 1
    if key ~= count or type(value) ~= "string" then
      return nil
    end
    bytes = bytes + #value
  end
  return count >= MANY and count * TOKEN_BYTES + bytes or nil
end

local function put_table(list, depth)
  local text = rawget(list, "err")
  if type(text) == "string" then
    put_mark("-")
    return put_text(text)
  end
  text = rawget(list, "ok")
  if type(text) == "string" then
    put_mark("+")
    return put_text(text)
  end
  if put_wrapped(list, depth) then
    return
  end
  local bytes = strings_bytes(list)
  if bytes then
    weigh(bytes)
    send()
    return emit_strings(list)
  end
  put_mark("[")
  local index = 1
  local value = rawget(list, 1)
  while value ~= nil do
    put_value(value, depth)
    index = index + 1
    value = rawget(list, index)
  end
  put_mark("]")
end

function put_value(value, depth)
  local kind = type(value)
  if kind == "string" then
    put_text(value)
  elseif kind == "number" or kind == "boolean" then
    put(value)
  elseif kind ~= "table" then
    put_mark("_")
  elseif depth == DEPTH_MAX then
    put_mark("-")
    put("ERR reached lua stack limit")
  else
    put_table(value, depth + 1)
  end
end

local function put_all(list)
  put_table(list, 1)
  send()
end

local function finish_table(list)
  local text = rawget(list, "err")
  if type(text) == "string" then
    return text, ERROR
  end
  text = rawget(list, "ok")
  if type(text) == "string" then
    return text, STATUS
  end
  tokens, token_count, text_bytes = {}, 0, 0
  local ok, problem = pcall(put_all, list)
  tokens = nil
  if is_killed() then
    return nil, KILL
  elseif not ok then
    error(problem, 0)
  end
  return nil, TOKENS
end

-- Running

-- What libraries do before each script: forget the last one's settings, and what they worked on when
-- an error ended them.
local resets, reset_count = {}, 0

function kit.before_each_script(reset)
  reset_count = reset_count + 1
  resets[reset_count] = reset
end

local function run_main(main)
  begin()
  reset_random()
  reset_addresses()
  for index = 1, reset_count do
    resets[index]()
  end
  local ok, value = xpcall(main, on_error)
  -- Else it might look, and find the limit passed, before the next script begins.
  sethook()
  if not ok then
    if is_killed() then
      return nil, KILL
    end
    if type(value) == "table" then
      return raised_text, RAISED, raised_place
    end
    -- Lua gave up before it could ask `on_error`.
    return value, BROKEN
  end
  local kind = type(value)
  if kind == "table" then
    return finish_table(value)
  end
  if kind == "string" or kind == "number" or kind == "boolean" then
    return value
  end
end

function kit.run(main, key_count, ...)
  local count = select("#", ...)
  if count == key_count then
    globals.KEYS, globals.ARGV = { ... }, {}
  else
    globals.KEYS = key_count == 0 and {} or { unpack({ ... }, 1, key_count) }
    globals.ARGV = { select(key_count + 1, ...) }
  end
  return run_main(main)
end

-- The same with many values, of which Python has made tables.
function kit.run_tables(main, keys, arguments)
  globals.KEYS, globals.ARGV = keys, arguments
  return run_main(main)
end

-- A function to pass to `run`, of code that compiler.py has made.
function kit.define(binary)
  return load_binary(binary)
end

-- The same for a function of a library, see functions.lua.
function kit.define_function(binary, name)
  return kit.function_of(load_binary(binary), name)
end

-- Libraries

-- What they may use of Lua, which is gone when they are loaded.
local lua = {}
for name, value in next, _G do
  lua[name] = value
end

-- Load a file of a library, which only a script that uses it has to pay for.
function kit.load_part(binary)
  local part = setfenv(load_binary(binary), lua)
  part(kit)
end

-- Closing the sandbox

local format = string.format

local function missing_global(_, name)
  local kind = type(name)
  if kind ~= "string" and kind ~= "number" then
    error("Second argument to luaProtectedTableError must be a string or number", 2)
  end
  error(format("Script attempted to access nonexistent global variable '%s'", tostring(name)), 2)
end

kit.missing_global = missing_global

for name, library in next, globals do
  if type(library) == "table" then
    globals[name] = kit.read_only(library)
  end
end
globals.KEYS, globals.ARGV = {}, {}
local global_shell = kit.read_only(globals, missing_global)
globals._G = global_shell
kit.set_environment(global_shell)
kit.global_shell = global_shell
kit.shown_metatable[global_shell] = kit.read_only({ __index = missing_global })

local string_metatable = metatable_of("")
string_metatable.__index = kit.contents_of[globals.string]
string_metatable.__metatable = kit.read_only({ __index = globals.string })

local real_globals = _G
for name in next, real_globals do
  real_globals[name] = nil
end
