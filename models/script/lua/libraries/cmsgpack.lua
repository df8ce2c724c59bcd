-- `cmsgpack`: MessagePack as Redis's lua-cmsgpack 0.4.0 speaks it. It knows neither binary nor
-- extension types, writes every number that is one as an integer, and a table whose keys are exactly
-- 1 to n as an array.

local kit = ...

local bad_argument, bad_type, raise = kit.bad_argument, kit.bad_type, kit.raise
local contents_of, numbers, number_of, text_of = kit.contents_of, kit.numbers, kit.number_of, kit.text_of
local byte, char, concat, error, floor = string.byte, string.char, table.concat, error, math.floor
local format, next, select, sub, type, unpack = string.format, next, select, string.sub, type, unpack
local to_int, weigh = kit.to_int, kit.weigh

local NESTING_MAX = 16
-- Where the stack of Redis's Lua is full: arguments of pack, results of unpack, and tables in each
-- other, of which each takes two places.
local ARGUMENTS_MAX = 3999
local RESULTS_MAX = 7999
local STACK_MAX = 8000
local TOO_MANY_RESULTS = "stack overflow (too many return values at once; "
  .. "use unpack_one or unpack_limit instead.)"
local TOO_DEEP = "stack overflow (in function mp_decode_to_lua_array)"

-- Packing

local pieces, piece_count

local function put(piece)
  piece_count = piece_count + 1
  pieces[piece_count] = piece
end

local function put_word(head, word)
  local fourth = word % 256
  word = (word - fourth) / 256
  local third = word % 256
  word = (word - third) / 256
  local second = word % 256
  put(char(head, (word - second) / 256, second, third, fourth))
end

local function put_long(head, high, low)
  put_word(head, high)
  -- The low word has no head of its own.
  put_word(0, low)
  pieces[piece_count] = sub(pieces[piece_count], 2)
end

local function put_short(head, number)
  put(char(head, floor(number / 256), number % 256))
end

local function put_positive(number)
  if number <= 127 then
    put(char(number))
  elseif number <= 255 then
    put(char(0xCC, number))
  elseif number <= 65535 then
    put_short(0xCD, number)
  elseif number < 2 ^ 32 then
    put_word(0xCE, number)
  else
    put_long(0xCF, floor(number / 2 ^ 32), number % 2 ^ 32)
  end
end

local function put_negative(number)
  if number >= -32 then
    put(char(number + 256))
  elseif number >= -128 then
    put(char(0xD0, number + 256))
  elseif number >= -32768 then
    put_short(0xD1, number + 65536)
  elseif number >= -2 ^ 31 then
    put_word(0xD2, number + 2 ^ 32)
  else
    put_long(0xD3, floor(number / 2 ^ 32) % 2 ^ 32, number % 2 ^ 32)
  end
end

local function put_number(number)
  if floor(number) == number and number >= -2 ^ 63 and number < 2 ^ 63 then
    if number >= 0 then
      return put_positive(number)
    end
    return put_negative(number)
  end
  local word = numbers.float_word(number)
  if numbers.float_of(word) == number then
    return put_word(0xCA, word)
  end
  local high, low = numbers.double_words(number)
  return put_long(0xCB, high, low)
end

local function put_string(text)
  local size = #text
  weigh(size)
  if size < 32 then
    put(char(0xA0 + size))
  elseif size <= 255 then
    put(char(0xD9, size))
  elseif size <= 65535 then
    put_short(0xDA, size)
  else
    put_word(0xDB, size)
  end
  put(text)
end

-- How many elements a table has, and whether its keys are exactly 1 to that.
local function measure(list)
  local count, longest, is_array = 0, 0, true
  for key in next, list do
    count = count + 1
    if type(key) ~= "number" or key < 1 or key > 2147483647 or floor(key) ~= key then
      is_array = false
    elseif key > longest then
      longest = key
    end
  end
  return count, is_array and longest == count
end

local function put_head(count, short, long)
  if count <= 15 then
    put(char(short + count))
  elseif count <= 65535 then
    put_short(long, count)
  else
    put_word(long + 1, count)
  end
end

local put_value

local function put_table(list, level)
  list = contents_of[list] or list
  local count, is_array = measure(list)
  if is_array then
    put_head(count, 0x90, 0xDC)
    for index = 1, count do
      put_value(list[index], level)
    end
  else
    put_head(count, 0x80, 0xDE)
    for key, value in next, list do
      put_value(key, level)
      put_value(value, level)
    end
  end
end

-- `level` tables are around the value.
function put_value(value, level)
  local kind = type(value)
  if kind == "string" then
    put_string(value)
  elseif kind == "number" then
    put_number(value)
  elseif kind == "boolean" then
    put(value and "\195" or "\194")
  elseif kind == "table" and level < NESTING_MAX then
    put_table(value, level + 1)
  else
    put("\192")
  end
end

local function pack(...)
  local count = select("#", ...)
  if count == 0 then
    bad_argument(0, "MessagePack pack needs input.")
  elseif count > ARGUMENTS_MAX then
    bad_argument(0, "Too many arguments for MessagePack pack.")
  end
  pieces, piece_count = {}, 0
  if count == 1 then
    put_value((...), 0)
  else
    local values = { ... }
    for index = 1, count do
      put_value(values[index], 0)
    end
  end
  local packed = concat(pieces)
  pieces = nil
  return packed
end

-- Unpacking

local data, size

local function missing_bytes()
  raise("Missing bytes in input.")
end

local function word_at(position)
  local first, second, third, fourth = byte(data, position, position + 3)
  if not fourth then
    missing_bytes()
  end
  return ((first * 256 + second) * 256 + third) * 256 + fourth
end

local function short_at(position)
  local first, second = byte(data, position, position + 1)
  if not second then
    missing_bytes()
  end
  return first * 256 + second
end

local function byte_at(position)
  local first = byte(data, position)
  if not first then
    missing_bytes()
  end
  return first
end

local function string_at(position, length)
  local after = position + length
  if after > size + 1 then
    missing_bytes()
  end
  weigh(length)
  return sub(data, position, after - 1), after
end

local value_at

-- `places` of the stack are taken in Redis when this begins.
local function array_at(position, count, places)
  if places + 1 >= STACK_MAX then
    raise(TOO_DEEP)
  end
  local array = {}
  for index = 1, count do
    array[index], position = value_at(position, places + 2)
  end
  return array, position
end

local function map_at(position, count, places)
  local map = {}
  for _ = 1, count do
    local key, value
    key, position = value_at(position, places + 1)
    value, position = value_at(position, places + 2)
    if key == nil then
      error("table index is nil", 0)
    elseif key ~= key then
      error("table index is NaN", 0)
    end
    map[key] = value
  end
  return map, position
end

-- What begins with each of the codes from 0xC0 to 0xDF. Called with the position behind the code.
local CODED = {
  [0xC0] = function(position)
    return nil, position
  end,
  [0xC2] = function(position)
    return false, position
  end,
  [0xC3] = function(position)
    return true, position
  end,
  [0xCA] = function(position)
    return numbers.float_of(word_at(position)), position + 4
  end,
  [0xCB] = function(position)
    return numbers.double_of(word_at(position), word_at(position + 4)), position + 8
  end,
  [0xCC] = function(position)
    return byte_at(position), position + 1
  end,
  [0xCD] = function(position)
    return short_at(position), position + 2
  end,
  [0xCE] = function(position)
    return word_at(position), position + 4
  end,
  [0xCF] = function(position)
    -- Redis hands it over as a signed integer, too.
    return numbers.signed_of(word_at(position), word_at(position + 4)), position + 8
  end,
  [0xD0] = function(position)
    local number = byte_at(position)
    return number >= 128 and number - 256 or number, position + 1
  end,
  [0xD1] = function(position)
    local number = short_at(position)
    return number >= 32768 and number - 65536 or number, position + 2
  end,
  [0xD2] = function(position)
    local number = word_at(position)
    return number >= 2 ^ 31 and number - 2 ^ 32 or number, position + 4
  end,
  [0xD3] = function(position)
    return numbers.signed_of(word_at(position), word_at(position + 4)), position + 8
  end,
  [0xD9] = function(position)
    local text, after = string_at(position + 1, byte_at(position))
    return text, after
  end,
  [0xDA] = function(position)
    local text, after = string_at(position + 2, short_at(position))
    return text, after
  end,
  [0xDB] = function(position)
    local text, after = string_at(position + 4, word_at(position))
    return text, after
  end,
  [0xDC] = function(position, places)
    local array, after = array_at(position + 2, short_at(position), places)
    return array, after
  end,
  [0xDD] = function(position, places)
    local array, after = array_at(position + 4, word_at(position), places)
    return array, after
  end,
  [0xDE] = function(position, places)
    local map, after = map_at(position + 2, short_at(position), places)
    return map, after
  end,
  [0xDF] = function(position, places)
    local map, after = map_at(position + 4, word_at(position), places)
    return map, after
  end,
}

-- The value at a position, and the position behind it.
function value_at(position, places)
  local code = byte(data, position)
  if not code then
    missing_bytes()
  end
  if places >= STACK_MAX then
    raise(TOO_MANY_RESULTS)
  end
  if code < 0x80 then
    return code, position + 1
  elseif code >= 0xE0 then
    return code - 256, position + 1
  elseif code >= 0xC0 then
    local read = CODED[code]
    if not read then
      raise("Bad data format in input.")
    end
    local value, after = read(position + 1, places)
    return value, after
  elseif code >= 0xA0 then
    local after = position + 1 + code - 0xA0
    if after > size + 1 then
      missing_bytes()
    end
    return sub(data, position + 1, after - 1), after
  elseif code >= 0x90 then
    local array, after = array_at(position + 1, code - 0x90, places)
    return array, after
  end
  local map, after = map_at(position + 1, code - 0x80, places)
  return map, after
end

-- Up to `limit` values from `offset` on, as a table and its length, and how far that went.
local function values_from(text, offset, limit)
  data, size = text, #text
  local values, count, position = {}, 0, offset + 1
  while position <= size and count < limit do
    count = count + 1
    values[count], position = value_at(position, count)
  end
  data = nil
  return values, count, position
end

local function text_argument(...)
  local text = text_of((...))
  if not text then
    bad_type(1, "string", (...), select("#", ...))
  end
  return text
end

-- An argument as C's 64-bit integer, which is cut to 32 bits where an error names it.
local function integer_argument(index, value, count)
  local number = number_of(value)
  if not number then
    bad_type(index, "number", value, count)
  end
  if number ~= number or number >= 2 ^ 63 or number < -2 ^ 63 then
    return -2 ^ 63
  end
  return number < 0 and -floor(-number) or floor(number)
end

-- All values at once. Lua's unpack needs three places on the stack for itself.
local function spread(values, count)
  if count <= RESULTS_MAX - 3 then
    return unpack(values, 1, count)
  end
  return values[1], values[2], values[3], unpack(values, 4, count)
end

local function unpack_part(text, offset, limit)
  if offset < 0 or limit < 0 then
    local problem = "Invalid request to unpack with offset of %d and limit of %d."
    raise(format(problem, to_int(offset), #text))
  elseif offset > #text then
    local problem = "Start offset %d greater than input length %d."
    raise(format(problem, to_int(offset), #text))
  end
  local values, count, position = values_from(text, offset, limit)
  local next_offset = position > #text and -1 or position - 1
  return next_offset, spread(values, count)
end

local function unpack_all(...)
  local text = text_argument(...)
  local values, count = values_from(text, 0, RESULTS_MAX + 1)
  return spread(values, count)
end

kit.before_each_script(function()
  pieces, data = nil, nil
end)

local cmsgpack = {}

cmsgpack.pack = pack
cmsgpack.unpack = unpack_all

function cmsgpack.unpack_one(...)
  local text, offset = ...
  offset = offset == nil and 0 or integer_argument(2, offset)
  text = text_argument(...)
  return unpack_part(text, offset, 1)
end

function cmsgpack.unpack_limit(...)
  local text, limit, offset = ...
  limit = integer_argument(2, limit, select("#", ...))
  offset = offset == nil and 0 or integer_argument(3, offset)
  text = text_argument(...)
  if limit == 0 and offset == 0 then
    return unpack_all(text)
  end
  return unpack_part(text, offset, limit)
end

cmsgpack._NAME = "cmsgpack"
cmsgpack._VERSION = "lua-cmsgpack 0.4.0"
cmsgpack._COPYRIGHT = "Copyright (C) 2012, Salvatore Sanfilippo"
cmsgpack._DESCRIPTION = "MessagePack C implementation for Lua"

kit.publish("cmsgpack", cmsgpack)
