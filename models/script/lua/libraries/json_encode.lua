-- The encoder of `cjson`: values to text, as lua-cjson 2.1.0 writes them.

local kit = ...

local contents_of, raise, weigh = kit.contents_of, kit.raise, kit.weigh
local char, concat, find, floor, format = string.char, table.concat, string.find, math.floor, string.format
local gsub, huge, next, rawget, type = string.gsub, math.huge, next, rawget, type

-- The digits Lua itself writes, so that such numbers need no formatting of ours.
local PRECISION_OF_LUA = 14
-- Places on the stack of Redis's Lua; an array in an array takes one, an object two.
local STACK_MAX = 8000

local ESCAPED = '[%c"\\/]'
local ESCAPES = {}
for code = 0, 31 do
  ESCAPES[char(code)] = format("\\u%04x", code)
end
ESCAPES["\b"], ESCAPES["\t"], ESCAPES["\n"] = "\\b", "\\t", "\\n"
ESCAPES["\f"], ESCAPES["\r"], ESCAPES["\127"] = "\\f", "\\r", "\\u007f"
ESCAPES['"'], ESCAPES["\\"], ESCAPES["/"] = '\\"', "\\\\", "\\/"

-- Of the value that is being encoded.
local settings, null, pieces, count

local function refuse(kind, reason)
  raise(format("Cannot serialise %s: %s", kind, reason))
end

local function escaped(text)
  weigh(#text)
  if find(text, ESCAPED) then
    return (gsub(text, ESCAPED, ESCAPES))
  end
  return text
end

local function number_text(number)
  if number ~= number or number == huge or number == -huge then
    if settings.encode_invalid_numbers == 0 then
      refuse("number", "must not be NaN or Inf")
    elseif settings.encode_invalid_numbers == 2 then
      return "null"
    elseif number ~= number then
      return "nan"
    end
  end
  if settings.encode_number_precision ~= PRECISION_OF_LUA then
    return format("%." .. settings.encode_number_precision .. "g", number)
  end
  return number
end

-- The length a table has as an array, or nil: it is an object.
local function array_length(list)
  local longest, items = 0, 0
  for key in next, list do
    if type(key) ~= "number" or key < 1 or floor(key) ~= key then
      return nil
    end
    if key > longest then
      -- Counted in an int of C.
      longest = key <= 2147483647 and key or -2147483648
    end
    items = items + 1
  end
  local ratio = settings.sparse_ratio
  if ratio > 0 and longest > items * ratio and longest > settings.sparse_safe then
    if not settings.sparse_convert then
      refuse("table", "excessively sparse array")
    end
    return nil
  end
  return longest > 0 and longest or nil
end

local put

local function put_object(list, depth, places)
  local start = "{"
  for key, value in next, list do
    local kind = type(key)
    if kind == "string" then
      key = escaped(key)
    elseif kind == "number" then
      key = number_text(key)
    else
      refuse(kind, "table key must be a number or string")
    end
    count = count + 1
    pieces[count] = start .. '"' .. key .. '":'
    put(value, depth, places + 2)
    start = ","
  end
  count = count + 1
  pieces[count] = start == "{" and "{}" or "}"
end

local function put_array(list, length, depth, places)
  local start = "["
  for index = 1, length do
    count = count + 1
    pieces[count] = start
    put(rawget(list, index), depth, places + 1)
    start = ","
  end
  count = count + 1
  pieces[count] = "]"
end

-- `depth` tables are around the value; it is on place `places` of the stack.
function put(value, depth, places)
  local kind = type(value)
  if kind == "table" then
    depth = depth + 1
    if depth > settings.encode_max_depth or places + 3 > STACK_MAX then
      raise(format("Cannot serialise, excessive nesting (%d)", depth))
    end
    value = contents_of[value] or value
    local length = array_length(value)
    if length then
      put_array(value, length, depth, places)
    else
      put_object(value, depth, places)
    end
    return
  end
  count = count + 1
  if kind == "string" then
    pieces[count] = '"' .. escaped(value) .. '"'
  elseif kind == "number" then
    pieces[count] = number_text(value)
  elseif kind == "boolean" then
    pieces[count] = value and "true" or "false"
  elseif kind == "nil" or value == null then
    pieces[count] = "null"
  else
    refuse(kind, "type not supported")
  end
end

kit.before_each_script(function()
  pieces = nil
end)

-- The text of a value, under these settings.
function kit.encode_json(value, settings_given)
  settings, null, pieces, count = settings_given, kit.null, {}, 0
  put(value, 0, 1)
  local text = concat(pieces)
  pieces = nil
  return text
end
