-- The `redis` table. Functions that can raise an error are C functions over the host's, so that the
-- error keeps its line also in tail position (see guard.lua); the others are here.

local kit = ...

local find, gsub, select, sub, type = string.find, string.gsub, select, string.sub, type

local WRONG = "ERR wrong number or type of arguments"

local redis = {
  LOG_DEBUG = 0,
  LOG_VERBOSE = 1,
  LOG_NOTICE = 2,
  LOG_WARNING = 3,
  REDIS_VERSION = "7.0.15",
  REDIS_VERSION_NUM = 0x07000f,
  REPL_NONE = 0,
  REPL_AOF = 1,
  REPL_SLAVE = 2,
  REPL_REPLICA = 2,
  REPL_ALL = 3,
}
kit.globals.redis = redis

for name, f in pairs(kit.host) do
  redis[name] = python.as_function(f)
end

-- An error table. One leading dash goes, and a text of a single word gets the code ERR.
function redis.error_reply(...)
  local text = ...
  if select("#", ...) ~= 1 or type(text) ~= "string" then
    return { err = WRONG }
  end
  if sub(text, 1, 1) == "-" then
    text = sub(text, 2)
  end
  local space = find(text, " ", 1, true)
  local code = space and sub(text, 1, space - 1) or "ERR"
  local message = space and sub(text, space + 1) or text
  message = gsub(gsub(message, "^[\r\n]+", ""), "[\r\n]+$", "")
  return { err = code .. " " .. message }
end

function redis.status_reply(...)
  local text = ...
  if select("#", ...) ~= 1 or type(text) ~= "string" then
    return { err = WRONG }
  end
  return { ok = text }
end

-- Replication by effects is all there is, and has been accepted as a request ever since.
function redis.replicate_commands()
  return true
end

-- The debugger is not there; these say so as Redis does outside a debugging session.
function redis.breakpoint()
  return false
end

function redis.debug()
end
