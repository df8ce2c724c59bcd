-- The `redis` table. Functions that can raise an error are C functions over the host's, so that the
-- error keeps its line also in tail position (see guard.lua); the others are here.

local kit = ...

local find, gsub, select, sub, type = string.find, string.gsub, select, string.sub, type
local weigh = kit.weigh

local WRONG = "ERR wrong number or type of arguments"

local redis = {}
kit.globals.redis = redis

-- Those of our own stand here for their place in the order of `pairs`, see globals.lua.
for name in string.gmatch([[
  call pcall log LOG_DEBUG LOG_VERBOSE LOG_NOTICE LOG_WARNING REDIS_VERSION_NUM REDIS_VERSION setresp
  sha1hex error_reply status_reply set_repl REPL_NONE REPL_AOF REPL_SLAVE REPL_REPLICA REPL_ALL
  acl_check_cmd breakpoint debug replicate_commands
]], "%S+") do
  local host_function = kit.host[name]
  redis[name] = host_function and python.as_function(host_function) or false
end

redis.LOG_DEBUG, redis.LOG_VERBOSE, redis.LOG_NOTICE, redis.LOG_WARNING = 0, 1, 2, 3
redis.REDIS_VERSION, redis.REDIS_VERSION_NUM = "7.0.15", 0x07000f
redis.REPL_NONE, redis.REPL_AOF, redis.REPL_SLAVE, redis.REPL_REPLICA, redis.REPL_ALL = 0, 1, 2, 2, 3

-- An error table. One leading dash goes, and a text of a single word gets the code ERR.
function redis.error_reply(...)
  local text = ...
  if select("#", ...) ~= 1 or type(text) ~= "string" then
    return { err = WRONG }
  end
  weigh(#text)
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
