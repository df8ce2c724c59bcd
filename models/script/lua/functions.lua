-- Redis functions. A library's code registers them, with nothing to use but `redis.register_function`
-- and the log; what runs later is one of them, which sees what scripts see, KEYS and ARGV apart.
--
-- The code is run anew before each call, so that nothing it keeps in its locals lasts longer than one
-- call. In Redis it lasts until the library is loaded again.

local kit = ...

local charge, globals, is_lua_function = kit.charge, kit.globals, kit.is_lua_function
local missing_global, read_only = kit.missing_global, kit.read_only
local error, find, getmetatable, lower = error, string.find, getmetatable, string.lower
local next, rawget, select, setfenv = next, rawget, select, setfenv
local tostring, type = tostring, type

local FLAGS = {
  ["no-writes"] = true, ["allow-oom"] = true, ["allow-stale"] = true, ["no-cluster"] = true,
  ["allow-cross-slot-keys"] = true,
}

-- Errors of C code carry no place.
local function refuse(text)
  error({ err = "ERR " .. text }, 0)
end

-- What libraries register

-- Of the library that is being loaded: its functions in order, and by name. Else nil.
local registered, by_name

local function add(entry)
  if find(entry.name, "^[%w_]+$") == nil then
    refuse("Library names can only contain letters, numbers, or underscores(_) and must be at least "
      .. "one character long")
  elseif by_name[entry.name] then
    refuse("Function already exists in the library")
  end
  registered[#registered + 1] = entry
  by_name[entry.name] = entry
end

local function text_of(value, problem)
  local kind = type(value)
  if kind ~= "string" and kind ~= "number" then
    refuse(problem)
  end
  return tostring(value)
end

local function callback_of(value, problem)
  if type(value) ~= "function" then
    refuse(problem)
  end
  return value
end

local function flags_of(list)
  if type(list) ~= "table" then
    refuse("flags argument to redis.register_function must be a table representing function flags")
  end
  local flags = {}
  local flag = rawget(list, 1)
  while flag ~= nil do
    charge(1)
    if not FLAGS[flag] then
      refuse("unknown flag given")
    end
    flags[#flags + 1] = flag
    flag = rawget(list, #flags + 1)
  end
  return flags
end

local READ = {
  function_name = function(entry, value)
    entry.name = text_of(
      value, "function_name argument given to redis.register_function must be a string"
    )
  end,
  description = function(entry, value)
    entry.description = text_of(
      value, "description argument given to redis.register_function must be a string"
    )
  end,
  callback = function(entry, value)
    entry.callback = callback_of(
      value, "callback argument given to redis.register_function must be a function"
    )
  end,
  flags = function(entry, value)
    entry.flags = flags_of(value)
  end,
}

local function named(arguments)
  local entry = { flags = {} }
  for key, value in next, arguments do
    local read = READ[lower(text_of(
      key, "named argument key given to redis.register_function is not a string"
    ))]
    if not read then
      refuse("unknown argument given to redis.register_function")
    end
    read(entry, value)
  end
  if not entry.name then
    refuse("redis.register_function must get a function name argument")
  elseif not entry.callback then
    refuse("redis.register_function must get a callback argument")
  end
  return entry
end

local function register_function(...)
  if not registered then
    refuse("redis.register_function can only be called on FUNCTION LOAD command")
  end
  local count = select("#", ...)
  local first, second = ...
  if count ~= 1 and count ~= 2 then
    refuse("wrong number of arguments to redis.register_function")
  elseif count == 2 then
    add({
      name = text_of(first, "first argument to redis.register_function must be a string"),
      callback = callback_of(second, "second argument to redis.register_function must be a function"),
      flags = {},
    })
  elseif type(first) ~= "table" then
    refuse("calling redis.register_function with a single argument is only applicable to Lua table "
      .. "(representing named arguments).")
  else
    add(named(first))
  end
end

-- What libraries see

local while_loading = { register_function = register_function }
local api = kit.contents_of[globals.redis]
for name in string.gmatch(
  "log LOG_DEBUG LOG_VERBOSE LOG_NOTICE LOG_WARNING REDIS_VERSION_NUM REDIS_VERSION", "%S+"
) do
  while_loading[name] = api[name]
end

local while_running = {}
for name, value in next, api do
  while_running[name] = value
end
while_running.breakpoint, while_running.debug, while_running.replicate_commands = nil, nil, nil

local function with_missing(contents)
  return read_only(contents, missing_global)
end

local shell = with_missing({})
kit.shown_metatable[shell] = read_only({ __index = missing_global })
local loading_globals = { redis = with_missing(while_loading) }
with_missing(loading_globals)
local running_globals = {}
for name, value in next, globals do
  running_globals[name] = value
end
running_globals.KEYS, running_globals.ARGV = nil, nil
running_globals._G, running_globals.redis = shell, read_only(while_running)
with_missing(running_globals)

local function show(contents)
  getmetatable(shell).__index = contents
  kit.contents_of[shell] = contents
end

-- Ways in

-- After an error, and for texts that a function has compiled.
kit.before_each_script(function()
  registered, by_name = nil, nil
  kit.set_environment(kit.global_shell)
end)

-- What the library's code registers: in order, and by name.
local function load(code)
  registered, by_name = {}, {}
  show(loading_globals)
  code()
  local in_order, of_name = registered, by_name
  registered, by_name = nil, nil
  return in_order, of_name
end

-- What runs a function of a library. Of the name "", what returns their names, descriptions and flags.
function kit.function_of(code, name)
  setfenv(code, shell)
  if name == "" then
    return function()
      local in_order = load(code)
      local list = {}
      for index, entry in next, in_order do
        list[index] = { entry.name, entry.description or false, entry.flags }
      end
      return list
    end
  end
  return function()
    local _, of_name = load(code)
    local callback = of_name[name].callback
    show(running_globals)
    kit.set_environment(shell)
    local value = callback(globals.KEYS, globals.ARGV)
    return value
  end
end
