-- The decoder of `cjson`: text to values, as lua-cjson 2.1.0 reads it.
--
-- What is well-formed is read by a few patterns. Only where something else stands than is expected,
-- `token_at` finds out what lua-cjson would call it. A zero byte ends the text.

local kit = ...

local raise, weigh = kit.raise, kit.weigh
local byte, char, concat, find, floor = string.byte, string.char, table.concat, string.find, math.floor
local format, lower, match, sub = string.format, string.lower, string.match, string.sub
local tonumber = tonumber

-- Places on the stack of Redis's Lua; an array in an array takes one, an object two.
local STACK_MAX = 8000

local NO_SPACE = "[^ \t\n\r]"
local COMMA, COLON, QUOTE = 44, 58, 34
local ARRAY_BEGIN, ARRAY_END, OBJECT_BEGIN, OBJECT_END = 91, 93, 123, 125

local NAMES = {
  ["{"] = "T_OBJ_BEGIN", ["}"] = "T_OBJ_END", ["["] = "T_ARR_BEGIN", ["]"] = "T_ARR_END",
  [","] = "T_COMMA", [":"] = "T_COLON", [""] = "T_END", ["\0"] = "T_END",
}
local PLAIN_ESCAPES = {
  ['"'] = '"', ["\\"] = "\\", ["/"] = "/",
  b = "\b", t = "\t", n = "\n", f = "\f", r = "\r",
}

-- Of the text that is being decoded.
local text, settings, null

local function after_space(position)
  return find(text, NO_SPACE, position) or #text + 1
end

-- Strings

local function utf8(codepoint)
  if codepoint < 0x80 then
    return char(codepoint)
  end
  local tail = codepoint % 64
  local rest = (codepoint - tail) / 64
  if codepoint < 0x800 then
    return char(0xC0 + rest, 0x80 + tail)
  end
  local middle = rest % 64
  rest = (rest - middle) / 64
  if codepoint < 0x10000 then
    return char(0xE0 + rest, 0x80 + middle, 0x80 + tail)
  end
  return char(0xF0 + floor(rest / 64), 0x80 + rest % 64, 0x80 + middle, 0x80 + tail)
end

-- The character of the escape code at a position, and what follows it; nil if it is wrong.
local function unicode_at(position)
  local digits = match(text, "^%x%x%x%x", position + 2)
  if not digits then
    return nil
  end
  local unit = tonumber(digits, 16)
  if unit < 0xD800 or unit > 0xDFFF then
    return utf8(unit), position + 6
  end
  digits = unit < 0xDC00 and match(text, "^\\u(%x%x%x%x)", position + 6)
  local low = digits and tonumber(digits, 16)
  if not low or low < 0xDC00 or low > 0xDFFF then
    return nil
  end
  return utf8(0x10000 + (unit - 0xD800) * 1024 + low - 0xDC00), position + 12
end

-- A string with escapes. Gives it and the position behind, or nil, what is wrong and where.
local function string_at(position)
  local pieces, count, from = {}, 0, position + 1
  while true do
    local stop = find(text, '["\\%z]', from) or #text + 1
    local code = byte(text, stop)
    if not code or code == 0 then
      return nil, "unexpected end of string", stop
    end
    count = count + 1
    pieces[count] = sub(text, from, stop - 1)
    if code == QUOTE then
      return concat(pieces), stop + 1
    end
    local escape = sub(text, stop + 1, stop + 1)
    local piece, after = PLAIN_ESCAPES[escape], stop + 2
    if escape == "u" then
      piece, after = unicode_at(stop)
    end
    if not piece then
      return nil, escape == "u" and "invalid unicode escape code" or "invalid escape code", stop
    end
    count = count + 1
    pieces[count], from = piece, after
  end
end

-- Numbers

-- The longest part that C's strtod takes for a number, and the position behind; nil if there is
-- none.
local function number_at(position)
  local digits = match(text, "^[-+]?()", position)
  local after = match(text, "^0[xX]%x+%.?%x*()", digits) or match(text, "^0[xX]%.%x+()", digits)
  if after then
    after = match(text, "^[pP][-+]?%d+()", after) or after
  else
    after = match(text, "^%d+%.?%d*()", digits) or match(text, "^%.%d+()", digits)
    if after then
      after = match(text, "^[eE][-+]?%d+()", after) or after
    else
      local word = lower(sub(text, digits, digits + 7))
      if word == "infinity" then
        after = digits + 8
      elseif sub(word, 1, 3) == "inf" then
        after = digits + 3
      elseif sub(word, 1, 3) == "nan" then
        after = match(text, "^%([%w_]*%)()", digits + 3) or digits + 3
      else
        return nil
      end
    end
  end
  return tonumber((match(sub(text, position, after - 1), "^[^(]*"))), after
end

-- Whether strict JSON knows no such number.
local function is_invalid(position)
  return find(text, "^%+", position)
    or find(text, "^-?0[xX%d]", position)
    or find(text, "^-?[iI][nN][fF]", position)
    or find(text, "^-?[nN][aA][nN]", position)
end

-- What begins with a digit, a sign or a letter. Gives the number and the position behind, or nil
-- and what is wrong.
local function numeric_at(position, code)
  if code == 45 or (code >= 48 and code <= 57) then
    if settings.decode_invalid_numbers == 0 and is_invalid(position) then
      return nil, "invalid number"
    end
  elseif settings.decode_invalid_numbers == 0 or not is_invalid(position) then
    return nil, "invalid token"
  end
  local number, after = number_at(position)
  if not number then
    return nil, "invalid number"
  end
  return number, after
end

-- Errors

-- What lua-cjson calls the token at a position, and where it says that it stands.
local function token_at(position)
  local first = sub(text, position, position)
  if NAMES[first] then
    return NAMES[first], position
  elseif first == '"' then
    local value, problem, place = string_at(position)
    if value then
      return "T_STRING", position
    end
    return problem, place
  elseif find(text, "^true", position) or find(text, "^false", position) then
    return "T_BOOLEAN", position
  elseif find(text, "^null", position) then
    return "T_NULL", position
  elseif not find(first, "[-+%diInN]") then
    return "invalid token", position
  end
  local number, problem = numeric_at(position, byte(first))
  return number and "T_NUMBER" or problem, position
end

local function fail(expected, position)
  local found, place = token_at(position)
  raise(format("Expected %s but found %s at character %d", expected, found, place))
end

local function check_depth(depth, places, position)
  if depth > settings.decode_max_depth or places > STACK_MAX then
    local problem = "Found too many nested data structures (%d) at character %d"
    raise(format(problem, depth, position))
  end
end

-- Values. Each function gets the position of a token, behind all space, and gives the value and the
-- position behind it; `depth` tables are around, and `places` of the stack taken.

local value_at

local function key_at(position)
  if byte(text, position) ~= QUOTE then
    fail("object key string", position)
  end
  local key, after = match(text, '^([^"\\%z]*)"()', position + 1)
  if not key then
    key, after = string_at(position)
    if not key then
      fail("object key string", position)
    end
  end
  return key, after
end

local function object_at(position, depth, places)
  check_depth(depth, places + 3, position)
  local object = {}
  position = after_space(position + 1)
  if byte(text, position) == OBJECT_END then
    return object, position + 1
  end
  while true do
    local key
    key, position = key_at(position)
    if byte(text, position) ~= COLON then
      position = after_space(position)
      if byte(text, position) ~= COLON then
        fail("colon", position)
      end
    end
    object[key], position = value_at(after_space(position + 1), depth, places + 2)
    local code = byte(text, position)
    if code ~= COMMA and code ~= OBJECT_END then
      position = after_space(position)
      code = byte(text, position)
    end
    if code == OBJECT_END then
      return object, position + 1
    elseif code ~= COMMA then
      fail("comma or object end", position)
    end
    position = after_space(position + 1)
  end
end

local function array_at(position, depth, places)
  check_depth(depth, places + 2, position)
  local array, index = {}, 0
  position = after_space(position + 1)
  if byte(text, position) == ARRAY_END then
    return array, position + 1
  end
  while true do
    index = index + 1
    array[index], position = value_at(position, depth, places + 1)
    local code = byte(text, position)
    if code ~= COMMA and code ~= ARRAY_END then
      position = after_space(position)
      code = byte(text, position)
    end
    if code == ARRAY_END then
      return array, position + 1
    elseif code ~= COMMA then
      fail("comma or array end", position)
    end
    position = after_space(position + 1)
  end
end

-- A word or number that the patterns of `value_at` do not cover.
local function rare_at(position)
  if find(text, "^true", position) then
    return true, position + 4
  elseif find(text, "^false", position) then
    return false, position + 5
  elseif find(text, "^null", position) then
    return null, position + 4
  end
  local code = byte(text, position)
  if not code or not find(text, "^[-+%diInN]", position) then
    fail("value", position)
  end
  local number, after = numeric_at(position, code)
  if not number then
    fail("value", position)
  end
  return number, after
end

function value_at(position, depth, places)
  local code = byte(text, position)
  local value, after
  if code == QUOTE then
    value, after = match(text, '^([^"\\%z]*)"()', position + 1)
    if not value then
      value, after = string_at(position)
      if not value then
        fail("value", position)
      end
    end
    return value, after
  elseif code == OBJECT_BEGIN then
    value, after = object_at(position, depth + 1, places)
    return value, after
  elseif code == ARRAY_BEGIN then
    value, after = array_at(position, depth + 1, places)
    return value, after
  end
  -- A number with nothing behind it that could belong to it, too.
  if settings.decode_invalid_numbers == 1 then
    value, after = match(text, "^(-?%d+%.?%d*)()[%],} \n]", position)
    value = value and tonumber(value)
  end
  if not value then
    value, after = rare_at(position)
  end
  return value, after
end

kit.before_each_script(function()
  text = nil
end)

-- The value a text stands for, under these settings.
function kit.decode_json(text_given, settings_given)
  text, settings, null = text_given, settings_given, kit.null
  weigh(#text)
  if find(text, "^%z.") or find(text, "^.%z") then
    raise("JSON parser does not support UTF-16 or UTF-32")
  end
  local value, position = value_at(after_space(1), 0, 1)
  position = after_space(position)
  local code = byte(text, position)
  if code and code ~= 0 then
    fail("the end", position)
  end
  text = nil
  return value
end
