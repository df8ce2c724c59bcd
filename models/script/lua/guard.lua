-- Limits, and everything that catches an error.
--
-- A script is ended from outside in three ways: it has run too many instructions (the hook below),
-- its deadline has passed while it waited (the host says so), or Python has failed (likewise). It
-- must not survive by catching the error, so each function that catches errors, pcall, xpcall and
-- coroutine.resume, is replaced by one that looks at `killed` and raises again.
--
-- redis.call is a C function over a Python function, so that `return redis.call(...)` keeps the
-- caller's stack frame and the error its line. Python can end it in one way only: by raising the
-- constant `failed`, which reaches Lua as an object no script may see. What really happened is
-- fetched from the host with `take`. The same three functions translate it. The exception to the
-- rule is Ctrl-C, which Python may raise before a function of the host could catch it: any other
-- object of Python's goes back to the host with `interrupt`.
--
-- Invariants:
-- * once `killed` is set no instruction of the script runs any more in this run;
-- * no object of Python's ever reaches a script.

local kit = ...

local bad_argument, failed, limit, take = kit.bad_argument, kit.failed, kit.limit, kit.take
local interrupt = kit.interrupt
local create, real_pcall, real_resume = coroutine.create, pcall, coroutine.resume
local real_wrap, real_xpcall = coroutine.wrap, xpcall
local error, find, getinfo, gsub, select = error, string.find, debug.getinfo, string.gsub, select
local type = type
local sethook, source = debug.sethook, kit.source

-- What `take` says about a failure, in convert.py's `Failure`.
local REPLY, KILL, MEMORY = 1, 2, 3

-- cjson.null. Redis has a light userdata, the null pointer, which plain Lua cannot make. This is the
-- only userdata a script can hold.
local null = newproxy(false)
kit.null = null

local INTERVAL = limit < 10000 and limit or 10000
-- Instructions are counted per coroutine, from zero, so a coroutine pays in advance for what it may
-- run before it is first looked at. A short interval keeps that small.
local COROUTINE_INTERVAL = INTERVAL < 1000 and INTERVAL or 1000
local KILLED = {}

local spent = 0
local killed = false
kit.KILLED = KILLED

local function charge(instructions)
  spent = spent + instructions
  -- NaN is less than nothing, so no count that has gone wrong passes the limit unseen.
  if not (spent < limit) then
    killed = true
  end
  if killed then
    error(KILLED, 0)
  end
end

kit.charge = charge

-- Have a C function's work count: so many bytes as one instruction. A value of a table is as good as
-- its bytes. What is short has been paid for by the instructions around it.
local SHORT, BYTES_PER_INSTRUCTION = 1024, kit.bytes_per_instruction
kit.value_bytes = 16

function kit.weigh(bytes)
  if bytes >= SHORT then
    charge(bytes / BYTES_PER_INSTRUCTION)
  end
end

local function on_count()
  charge(INTERVAL)
end

local function on_count_in_coroutine()
  charge(COROUTINE_INTERVAL)
end

-- Begin a run: nothing spent, nothing killed. Setting the hook again also sets its counter back,
-- so that what one script left of an interval is not taken from the next one's limit.
function kit.begin()
  spent = 0
  killed = false
  sethook(on_count, "", INTERVAL)
end

function kit.is_killed()
  return killed
end

-- Turn what was caught into what a script may see. KILLED if the script must end.
local function translate(err)
  if type(err) == "userdata" and err ~= failed and err ~= null then
    interrupt(err)
    killed = true
  elseif err == failed then
    local text, kind = take()
    if kind == KILL then
      killed = true
    elseif kind == MEMORY then
      return "not enough memory"
    elseif kind == REPLY then
      return { err = text, ignore_error_stats_update = true }
    else
      return { err = text }
    end
  end
  if killed then
    return KILLED
  end
  if type(err) == "string" then
    -- Of a C function that stands behind one of the prelude, whose lines are nobody's business.
    return (gsub(err, "^sandbox:%d+: ", ""))
  end
  return err
end
kit.translate = translate

-- The hook is a function call itself, so where the stack is full it fails instead of counting. A
-- script that catches that error pays here.
local function pay_for_overflow(err)
  if
    type(err) == "string"
    and (find(err, "stack overflow", 1, true) or err == "error in error handling")
  then
    charge(INTERVAL)
  end
end

local function caught(ok, ...)
  if ok then
    return ok, ...
  end
  local err = translate((...))
  if killed then
    error(KILLED, 0)
  end
  if type(err) == "table" then
    -- Redis hands the text of an error table to who catches it with pcall, as older versions
    -- raised plain strings.
    local text = err.err
    local kind = type(text)
    if kind == "string" or kind == "number" then
      return false, text
    end
  else
    pay_for_overflow(err)
  end
  return false, err
end

local function caught_whole(ok, ...)
  if ok then
    return ok, ...
  end
  local err = translate((...))
  if killed then
    error(KILLED, 0)
  end
  pay_for_overflow(err)
  return false, err
end

-- Call `f` as pcall does, but hand over what it raised as it is.
function kit.try(f, ...)
  return caught_whole(real_pcall(f, ...))
end

local globals = kit.globals

function globals.pcall(f, ...)
  return caught(real_pcall(f, ...))
end

function globals.xpcall(f, ...)
  if select("#", ...) == 0 then
    bad_argument(2, "value expected")
  end
  local handler = ...
  local guarded = handler
  if type(handler) == "function" then
    guarded = function(err)
      err = translate(err)
      if err == KILLED then
        return err
      end
      return handler(err)
    end
  end
  return caught_whole(real_xpcall(f, guarded))
end

-- Functions of the prelude count as C, which is what they are in Redis.
local function is_lua_function(f)
  if type(f) ~= "function" then
    return false
  end
  local info = getinfo(f, "S")
  return info.what ~= "C" and info.source ~= source
end
kit.is_lua_function = is_lua_function

-- A function that counts whenever it is called: `f`, or one of Lua around it.
function kit.counting(f)
  if is_lua_function(f) then
    return f
  end
  return function(one, other)
    return f(one, other)
  end
end

function globals.coroutine.create(f)
  if not is_lua_function(f) then
    bad_argument(1, "Lua function expected")
  end
  charge(COROUTINE_INTERVAL)
  local thread = create(f)
  sethook(thread, on_count_in_coroutine, "", COROUTINE_INTERVAL)
  return thread
end

-- Lua's own wrap does not show its thread, so the hook is set from inside, before `f` runs.
function globals.coroutine.wrap(f)
  if not is_lua_function(f) then
    bad_argument(1, "Lua function expected")
  end
  charge(COROUTINE_INTERVAL)
  return real_wrap(function(...)
    sethook(on_count_in_coroutine, "", COROUTINE_INTERVAL)
    return f(...)
  end)
end

function globals.coroutine.resume(thread, ...)
  if type(thread) ~= "thread" then
    bad_argument(1, "coroutine expected")
  end
  return caught_whole(real_resume(thread, ...))
end
