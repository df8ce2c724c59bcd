-- What C functions do counts against the limit, too.
--
-- Lua counts its instructions, which are the same few for a call of string.rep whatever it makes. So
-- the bytes that a C function handles count as instructions, see `weigh` in guard.lua. They count
-- behind the call where the limit on memory bounds what one call can do, else before it.
--
-- Functions that take patterns are in patterns.lua, those of tables that base.lua replaces are
-- there. What Lua does by itself is one instruction, whatever its size: `..` and `<` of strings.

local kit = ...

local charge, counting, number_of, results = kit.charge, kit.counting, kit.number_of, kit.results
local explain, memory, weigh, VALUE = kit.explain, kit.memory, kit.weigh, kit.value_bytes
local to_int = kit.to_int
local max, min, pcall, select, type = math.max, math.min, pcall, select, type

local globals = kit.globals
local strings, tables = globals.string, globals.table
local byte, format, rep, sub = strings.byte, strings.format, strings.rep, strings.sub
local concat, remove, sort, unpack = tables.concat, tables.remove, tables.sort, globals.unpack

-- What no call gives more of: places on the stack of a C function.
local RESULTS_MAX = 8000

-- The text that a function has made.
local function made(ok, text)
  if not ok then
    if text == "not enough memory" then
      weigh(memory)
    end
    explain(text)
  end
  weigh(#text)
  return text
end

for name in string.gmatch("char lower reverse upper", "%a+") do
  local make = strings[name]
  strings[name] = function(...)
    return made(pcall(make, ...))
  end
end

function strings.rep(...)
  local text, count = ...
  if text == "" then
    -- Nothing is made, but as often as is said.
    charge(max(to_int(number_of(count) or 0), 0))
  end
  return made(pcall(rep, ...))
end

function strings.sub(...)
  local text, first, last = ...
  local is_plain = type(text) == "string" and type(first) == "number"
  if is_plain and (last == nil or type(last) == "number") then
    local part = sub(text, first, last)
    weigh(#part)
    return part
  end
  return made(pcall(sub, ...))
end

function strings.format(...)
  local ok, text = pcall(format, ...)
  if not ok then
    for index = 1, select("#", ...) do
      local argument = select(index, ...)
      weigh(type(argument) == "string" and #argument or 0)
    end
  end
  return made(ok, text)
end

local function counted(ok, ...)
  if not ok then
    explain((...))
  end
  weigh(select("#", ...) * VALUE)
  return ...
end

function strings.byte(...)
  local text, first, last = ...
  if type(text) == "string" and last == nil and (first == nil or type(first) == "number") then
    return byte(text, first)
  end
  return counted(pcall(byte, ...))
end

function tables.concat(...)
  local list, _, first, last = ...
  local ok, text = pcall(concat, ...)
  if ok then
    local items = to_int(number_of(last) or #list) - to_int(number_of(first) or 1) + 1
    weigh(max(items, 0) * VALUE)
  elseif type(list) == "table" then
    for index = number_of(first) or 1, #list do
      local item = list[index]
      if type(item) ~= "string" and type(item) ~= "number" then
        break
      end
      weigh(type(item) == "string" and #item or 0)
    end
  end
  return made(ok, text)
end

function tables.remove(...)
  local list, position = ...
  if type(list) == "table" and (position == nil or type(position) == "number") then
    local place = position and to_int(position) or 0
    weigh(place > 0 and (#list - place) * VALUE or 0)
    return remove(list, position)
  end
  return results(pcall(remove, ...))
end

local function is_less(one, other)
  return one < other
end

-- Compared by a function of Lua's, which counts by itself: how often depends on the values.
function tables.sort(...)
  local list, less = ...
  if type(list) ~= "table" or (less ~= nil and type(less) ~= "function") then
    return results(pcall(sort, ...))
  end
  sort(list, less == nil and is_less or counting(less))
end

function globals.unpack(...)
  local list, first, last = ...
  local is_plain = type(list) == "table" and (first == nil or type(first) == "number")
  if is_plain and (last == nil or type(last) == "number") then
    local count = (last or #list) - (first or 1) + 1
    if count <= RESULTS_MAX / 2 then
      weigh(max(count, 0) * VALUE)
      return unpack(list, first, last)
    end
  end
  return counted(pcall(unpack, ...))
end
