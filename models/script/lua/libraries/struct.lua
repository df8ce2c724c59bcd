-- `struct`: numbers and strings in the layout of C structures, as Redis's copy of Roberto
-- Ierusalimschy's library has it. A format is read up to its first zero byte.

local kit = ...

local bad_argument, bad_type, raise = kit.bad_argument, kit.bad_type, kit.raise
local numbers, number_of, text_of, weigh = kit.numbers, kit.number_of, kit.text_of, kit.weigh
local common_bits = numbers.common_bits
local byte, char, concat, find, floor = string.byte, string.char, table.concat, string.find, math.floor
local format, rep, reverse, select, sub = string.format, string.rep, string.reverse, select, string.sub
local tonumber, unpack = tonumber, unpack

local INT_MAX = 2147483647
local INTEGER_BYTES_MAX = 32
local ALIGNMENT_MAX = 8
-- What unpack may give back; beyond it the stack is full.
local RESULTS_MAX = 7997

local SIZES = { b = 1, B = 1, h = 2, H = 2, l = 8, L = 8, T = 8, f = 4, d = 8, x = 1 }
local INTEGERS = { b = true, h = true, l = true, i = true, B = false, H = false, L = false, T = false, I = false }

-- Reading a format

local layout, place, little, alignment

local function begin(text)
  layout, place, little, alignment = text, 1, true, 1
end

-- The number that stands at `place`, or `default`.
local function count_at(default)
  local first, last = find(layout, "^%d+", place)
  if not first then
    return default
  end
  local count = tonumber(sub(layout, first, last))
  if count > INT_MAX then
    raise("integral size overflow")
  end
  place = last + 1
  return count
end

-- The next option and its size; nil at the end.
local function next_option()
  local option = sub(layout, place, place)
  if option == "" or option == "\0" then
    return nil
  end
  place = place + 1
  if option == "c" then
    local size = count_at(1)
    return option, size
  end
  if option == "i" or option == "I" then
    local size = count_at(4)
    if size > INTEGER_BYTES_MAX then
      raise(format("integral size %d is larger than limit of %d", size, INTEGER_BYTES_MAX))
    end
    return option, size
  end
  return option, SIZES[option] or 0
end

-- An option that says how the next ones are laid out.
local function control(option)
  if option == ">" then
    little = false
  elseif option == "<" then
    little = true
  elseif option == "!" then
    local wanted = count_at(ALIGNMENT_MAX)
    if wanted == 0 or common_bits(wanted, wanted - 1) ~= 0 then
      raise(format("alignment %d is not a power of 2", wanted))
    end
    alignment = wanted
  elseif option ~= " " then
    bad_argument(1, format("invalid format option '%s'", option))
  end
end

-- The bytes to leave out before an element of `size` bytes at `length`.
local function padding(length, option, size)
  if size == 0 or option == "c" then
    return 0
  end
  if size > alignment then
    size = alignment
  end
  return common_bits(size - common_bits(length % 2 ^ 32, size - 1), size - 1)
end

-- Arguments

local function text_argument(index, value, count)
  local text = text_of(value)
  if not text then
    bad_type(index, "string", value, count)
  end
  return text
end

local function number_argument(index, value, count)
  local number = number_of(value)
  if not number then
    bad_type(index, "number", value, count)
  end
  return number
end

-- Packing

-- A word of 32 bits, the low byte first.
local function word_text(word)
  local first = word % 256
  word = (word - first) / 256
  local second = word % 256
  word = (word - second) / 256
  local third = word % 256
  return char(first, second, third, (word - third) / 256)
end

local function ordered(text)
  return little and text or reverse(text)
end

local function integer_text(number, size)
  local high, low = numbers.integer_words(number)
  local text = word_text(low) .. word_text(high)
  if size <= 8 then
    return ordered(sub(text, 1, size))
  end
  return ordered(text .. rep("\0", size - 8))
end

local function float_text(number, option)
  if option == "f" then
    return ordered(word_text(numbers.float_word(number)))
  end
  local high, low = numbers.double_words(number)
  return ordered(word_text(low) .. word_text(high))
end

-- The values come behind the format, so the first is argument 2. A nil stands behind the last one.
local function pack(layout_given, ...)
  local count = select("#", ...) + 2
  local values = { ... }
  begin(text_argument(1, layout_given))
  local pieces, piece_count, length, index = {}, 0, 0, 2
  for option, size in next_option do
    local skipped = padding(length, option, size)
    length = length + skipped
    local piece = ""
    if INTEGERS[option] ~= nil then
      piece = integer_text(number_argument(index, values[index - 1], count), size)
      index = index + 1
    elseif option == "x" then
      piece = "\0"
    elseif option == "f" or option == "d" then
      piece = float_text(number_argument(index, values[index - 1], count), option)
      index = index + 1
    elseif option == "c" or option == "s" then
      piece = text_argument(index, values[index - 1], count)
      index = index + 1
      size = size == 0 and #piece or size
      if #piece < size then
        bad_argument(index, "string too short")
      end
      piece = sub(piece, 1, size)
      if option == "s" then
        piece, size = piece .. "\0", size + 1
      end
    else
      control(option)
    end
    length = length + size
    weigh(skipped + size)
    piece_count = piece_count + 1
    pieces[piece_count] = skipped > 0 and rep("\0", skipped) .. piece or piece
  end
  return concat(pieces)
end

-- Unpacking

local function word_at(data, position)
  local first, second, third, fourth = byte(data, position, position + 3)
  return first + (second or 0) * 256 + (third or 0) * 65536 + (fourth or 0) * 16777216
end

-- A number of `bits` bits and its sign above them, of which every further bit counts as set if any is.
local function extended(high, low, bits)
  if bits < 32 then
    if high == 0 and low < 2 ^ bits then
      return low
    end
    return low % 2 ^ bits - 2 ^ bits
  end
  local top = 2 ^ (bits - 32)
  if high < top then
    return high * 2 ^ 32 + low
  end
  return (high % top - top) * 2 ^ 32 + low
end

local function integer_at(data, position, size, is_signed)
  if size == 0 then
    return 0
  end
  local text = ordered(sub(data, position, position + size - 1))
  local low = word_at(text, 1)
  local high = size > 4 and word_at(text, 5) or 0
  if size > 4 and size < 8 then
    high = high % 256 ^ (size - 4)
  end
  if not is_signed then
    return high * 2 ^ 32 + low
  end
  -- Redis shifts a mask by so many bits; processors take that modulo 64.
  local bits = (8 * size - 1) % 64
  if bits == 63 then
    return numbers.signed_of(high, low)
  end
  return extended(high, low, bits)
end

local function float_at(data, position, size)
  local text = ordered(sub(data, position, position + size - 1))
  if size == 4 then
    return numbers.float_of(word_at(text, 1))
  end
  return numbers.double_of(word_at(text, 5), word_at(text, 1))
end

local results, result_count

local function put(value)
  if result_count == RESULTS_MAX then
    raise("stack overflow (too many results)")
  end
  result_count = result_count + 1
  results[result_count] = value
end

local function require_bytes(data, position, size)
  if size < 0 or position + size > #data then
    bad_argument(2, "data string too short")
  end
end

-- The size that `c0` takes from the value before it.
local function previous_size()
  local size = result_count > 0 and number_of(results[result_count])
  if not size then
    raise("format 'c0' needs a previous size")
  end
  result_count = result_count - 1
  return floor(size)
end

-- One element at `position`, counted from 0. Gives the bytes it took.
local function unpack_one(data, position, option, size)
  if INTEGERS[option] ~= nil then
    put(integer_at(data, position + 1, size, INTEGERS[option]))
  elseif option == "f" or option == "d" then
    put(float_at(data, position + 1, size))
  elseif option == "c" then
    if size == 0 then
      size = previous_size()
      require_bytes(data, position, size)
    end
    weigh(size)
    put(sub(data, position + 1, position + size))
  elseif option == "s" then
    local last = find(data, "%z", position + 1)
    weigh((last or #data) - position)
    if not last then
      raise("unfinished string in data")
    end
    put(sub(data, position + 1, last - 1))
    return last - position
  elseif option ~= "x" then
    control(option)
  end
  return size
end

local function unpack_all(...)
  local count = select("#", ...)
  local layout_given, data_given, offset = ...
  local text = text_argument(1, layout_given, count)
  local data = text_argument(2, data_given, count)
  local position = 0
  if offset ~= nil then
    position = number_argument(3, offset)
    position = (position < 0 and -floor(-position) or floor(position)) - 1
  end
  if position == -1 then
    bad_argument(3, "offset must be 1 or greater")
  end
  begin(text)
  results, result_count = {}, 0
  for option, size in next_option do
    if position < 0 then
      bad_argument(2, "data string too short")
    end
    position = position + padding(position, option, size)
    require_bytes(data, position, size)
    position = position + unpack_one(data, position, option, size)
  end
  local all = results
  results = nil
  all[result_count + 1] = position + 1
  return unpack(all, 1, result_count + 1)
end

local function size_of(...)
  begin(text_argument(1, (...), select("#", ...)))
  local length = 0
  for option, size in next_option do
    length = length + padding(length, option, size)
    if option == "s" then
      bad_argument(1, "option 's' has no fixed size")
    elseif option == "c" and size == 0 then
      bad_argument(1, "option 'c0' has no fixed size")
    elseif not find(option, "%w") then
      control(option)
    end
    length = length + size
  end
  return length
end

kit.before_each_script(function()
  layout, results = nil, nil
end)

kit.publish("struct", {
  pack = function(...)
    if select("#", ...) == 0 then
      bad_type(1, "string", nil, 0)
    end
    local packed = pack(...)
    return packed
  end,
  unpack = unpack_all,
  size = size_of,
})
