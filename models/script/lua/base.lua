-- The base functions that are not Lua's own: those that would write past a read-only shell, those
-- that would have to see its contents, and those whose answer would depend on the process.
--
-- Wordings of errors are Lua's. A replaced function called in tail position (`return next(nil)`)
-- reports no line, as Lua has then forgotten the caller; a C function would.

local kit = ...

local bad_argument, bad_type = kit.bad_argument, kit.bad_type
local contents_of, refuse_raw_write = kit.contents_of, kit.refuse_raw_write
local null = kit.null
local counting, weigh, VALUE = kit.counting, kit.weigh, kit.value_bytes
local globals, is_lua_function, try = kit.globals, kit.is_lua_function, kit.try
local byte, concat, dump, format = string.byte, table.concat, string.dump, string.format
local error, getmetatable, loadstring, next = error, getmetatable, loadstring, next
local rawget, rawset, select, setmetatable = rawget, rawset, select, setmetatable
local setfenv, text_of, tonumber, tostring, type = setfenv, kit.text_of, tonumber, tostring, type
local metatable_of = debug.getmetatable
local foreach, foreachi, insert = table.foreach, table.foreachi, table.insert

-- Reading and writing tables

local function next_of_shell(shell, key)
  return next(contents_of[shell], key)
end

function globals.next(list, key)
  if type(list) ~= "table" then
    bad_type(1, "table", list)
  end
  return next(contents_of[list] or list, key)
end

function globals.pairs(list)
  if type(list) ~= "table" then
    bad_type(1, "table", list)
  end
  if contents_of[list] then
    return next_of_shell, list, nil
  end
  return next, list, nil
end

function globals.rawget(list, key)
  if type(list) ~= "table" then
    bad_type(1, "table", list)
  end
  return rawget(contents_of[list] or list, key)
end

function globals.rawset(list, key, value)
  if type(list) ~= "table" then
    bad_type(1, "table", list)
  end
  if contents_of[list] then
    refuse_raw_write()
  end
  return rawset(list, key, value)
end

function globals.table.insert(list, ...)
  local count = select("#", ...)
  if type(list) ~= "table" then
    bad_type(1, "table", list)
  end
  if contents_of[list] then
    refuse_raw_write()
  end
  if count == 1 then
    insert(list, (...))
  elseif count == 2 then
    local position, value = ...
    local kind = type(position)
    if kind ~= "number" and (kind ~= "string" or not tonumber(position)) then
      bad_type(2, "number", position)
    end
    weigh((#list - kit.to_int(tonumber(position))) * VALUE)
    insert(list, position, value)
  else
    error("wrong number of arguments to 'insert'", 2)
  end
end

function globals.table.foreach(list, f)
  if type(list) ~= "table" then
    bad_type(1, "table", list)
  end
  if type(f) ~= "function" then
    bad_type(2, "function", f)
  end
  return foreach(contents_of[list] or list, counting(f))
end

function globals.table.foreachi(list, f)
  if type(list) ~= "table" then
    bad_type(1, "table", list)
  end
  if type(f) ~= "function" then
    bad_type(2, "function", f)
  end
  return foreachi(list, counting(f))
end

function globals.table.maxn(list)
  if type(list) ~= "table" then
    bad_type(1, "table", list)
  end
  local highest = 0
  for key in next, list do
    if type(key) == "number" and key > highest then
      highest = key
    end
  end
  return highest
end

-- Metatables

-- What getmetatable shows for a shell; nil unless set.
local shown_metatable = {}
kit.shown_metatable = shown_metatable

function globals.getmetatable(...)
  local value = ...
  if contents_of[value] then
    return shown_metatable[value]
  end
  if select("#", ...) == 0 then
    bad_argument(1, "value expected")
  end
  return getmetatable(value)
end

function globals.setmetatable(list, metatable)
  if type(list) ~= "table" then
    bad_type(1, "table", list)
  end
  if metatable ~= nil and type(metatable) ~= "table" then
    bad_argument(2, "nil or table expected")
  end
  if contents_of[list] then
    refuse_raw_write()
  end
  local old = metatable_of(list)
  if old and rawget(old, "__metatable") ~= nil then
    error("cannot change a protected metatable", 2)
  end
  return setmetatable(list, metatable)
end

-- Names of things

-- Lua names a table by its address, which differs from one process to the next. Here things are
-- numbered in the order in which a script asks, in words that look the same.
local FIRST_ADDRESS, ADDRESS_STEP = 0x7f0000000000, 0x40
local WEAK = { __mode = "k" }
local address_of, addresses

function kit.reset_addresses()
  address_of = nil
end

function globals.tostring(...)
  local value = ...
  local kind = type(value)
  if kind == "string" then
    return value
  end
  if kind == "number" or kind == "boolean" then
    return tostring(value)
  end
  if kind == "nil" then
    if select("#", ...) == 0 then
      bad_argument(1, "value expected")
    end
    return "nil"
  end
  local metatable = metatable_of(value)
  if metatable and rawget(metatable, "__tostring") ~= nil then
    return tostring(value)
  end
  if value == null then
    return "userdata: (nil)"
  end
  if not address_of then
    address_of, addresses = setmetatable({}, WEAK), 0
  end
  local address = address_of[value]
  if not address then
    address = FIRST_ADDRESS + addresses * ADDRESS_STEP
    addresses = addresses + 1
    address_of[value] = address
  end
  return format("%s: 0x%x", kind, address)
end

-- Functions of the prelude have no more text to show than the C functions they stand for.
function globals.string.dump(f)
  if type(f) ~= "function" then
    bad_type(1, "function", f)
  end
  if not is_lua_function(f) then
    error("unable to dump given function", 2)
  end
  local binary = dump(f)
  weigh(#binary)
  return binary
end

-- Memory. What it would say depends on which scripts the runtime has run before, so these accept
-- what Lua accepts, do nothing, and answer the same always.

local KILOBYTES = 400
local COLLECT_ANSWERS = {
  collect = 0,
  count = KILOBYTES,
  restart = 0,
  setpause = 200,
  setstepmul = 200,
  step = false,
  stop = 0,
}

function globals.collectgarbage(option)
  local answer = COLLECT_ANSWERS[option == nil and "collect" or option]
  if answer == nil then
    bad_argument(1, format("invalid option '%s'", tostring(option)))
  end
  return answer
end

function globals.gcinfo()
  return KILOBYTES
end

-- Source code. Only text is taken: bytecode could be made to read and write anywhere.

local ESCAPE = 27
-- Compiling a byte takes as long as handling so many.
local COMPILING = 16
-- What scripts see as _G, once run.lua has closed it.
local environment

function kit.set_environment(shell)
  environment = shell
end

-- Compile for the sandbox. As loadstring: a function, or nil and a message.
local function compile(text, name)
  weigh(#text * COMPILING)
  -- Lua reads bytecode where the text begins with ESC. A space before it makes it a syntax error;
  -- Redis has the same error at the same line.
  if byte(text) == ESCAPE then
    text = " " .. text
  end
  local f, problem = loadstring(text, name)
  if not f then
    return nil, problem
  end
  return setfenv(f, environment)
end

-- For code that Python has made; never for anything a script brings.
function kit.load_binary(binary)
  local main, problem = loadstring(binary)
  if not main then
    error(problem, 0)
  end
  return setfenv(main, environment)
end

function globals.loadstring(...)
  local given, name = ...
  local text = text_of(given)
  if not text then
    if select("#", ...) == 0 then
      bad_argument(1, "string expected, got no value")
    end
    bad_type(1, "string", given)
  end
  local chunk_name = text
  if name ~= nil then
    chunk_name = text_of(name)
    if not chunk_name then
      bad_type(2, "string", name)
    end
  end
  return compile(text, chunk_name)
end

function globals.load(reader, name)
  if type(reader) ~= "function" then
    bad_type(1, "function", reader)
  end
  local chunk_name = "=(load)"
  if name ~= nil then
    chunk_name = text_of(name)
    if not chunk_name then
      bad_type(2, "string", name)
    end
  end
  local pieces = {}
  while true do
    local ok, piece = try(reader)
    if not ok then
      return nil, piece
    end
    if piece == nil or piece == "" then
      return compile(concat(pieces), chunk_name)
    end
    if not text_of(piece) then
      return nil, "reader function must return a string"
    end
    pieces[#pieces + 1] = piece
  end
end
