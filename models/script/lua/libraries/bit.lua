-- `bit`: operations on 32 bits, as Lua BitOp has them. Numbers come in as words from 0 to 2^32 and
-- go out signed.

local kit = ...

local bad_type, number_of = kit.bad_type, kit.number_of
local both = kit.numbers.common_bits
local floor, format, frexp, huge = math.floor, string.format, math.frexp, math.huge
local select, sub, type, upper = select, string.sub, type, string.upper

local WORD = 2 ^ 32
local SIGN = 2 ^ 31
-- Adding this rounds a number to an integer, which then stands in the low bits of its mantissa.
local ROUNDING = 2 ^ 52 + 2 ^ 51

-- The low word of a number that is not a moderate integer. Lua BitOp takes it from the mantissa,
-- whatever the exponent.
local function low_word(number)
  local shifted = number + ROUNDING
  if shifted ~= shifted or shifted == huge or shifted == -huge then
    return 0
  end
  local fraction = frexp(shifted < 0 and -shifted or shifted)
  return fraction * 2 ^ 53 % WORD
end

-- An argument as a word. `count` arguments came.
local function word_of(value, index, count)
  local number = type(value) == "number" and value or number_of(value)
  if not number then
    bad_type(index, "number", value, count)
  end
  if number >= -ROUNDING / 4 and number <= ROUNDING / 4 and floor(number) == number then
    return number % WORD
  end
  return low_word(number)
end

local function signed(word)
  return word >= SIGN and word - WORD or word
end

local function either(first, second)
  return first + second - both(first, second)
end

local function one_of(first, second)
  return first + second - 2 * both(first, second)
end

-- The arguments put together. Like Lua BitOp, the first and then from the last.
local function fold(combine, ...)
  local count = select("#", ...)
  local word = word_of(..., 1, count)
  for index = count, 2, -1 do
    word = combine(word, word_of((select(index, ...)), index, count))
  end
  return signed(word)
end

-- A word and how far to shift it, which only the low 5 bits say.
local function shift_arguments(...)
  local count = select("#", ...)
  local value, distance = ...
  local word = word_of(value, 1, count)
  return word, word_of(distance, 2, count) % 32
end

local function rotated_left(word, distance)
  if distance == 0 then
    return signed(word)
  end
  return signed(word * 2 ^ distance % WORD + floor(word / 2 ^ (32 - distance)))
end

kit.publish("bit", {
  tobit = function(...)
    local word = word_of((...), 1, select("#", ...))
    return signed(word)
  end,

  bnot = function(...)
    local word = word_of((...), 1, select("#", ...))
    return signed(WORD - 1 - word)
  end,

  band = function(...)
    local word = fold(both, ...)
    return word
  end,

  bor = function(...)
    local word = fold(either, ...)
    return word
  end,

  bxor = function(...)
    local word = fold(one_of, ...)
    return word
  end,

  lshift = function(...)
    local word, distance = shift_arguments(...)
    return signed(word * 2 ^ distance % WORD)
  end,

  rshift = function(...)
    local word, distance = shift_arguments(...)
    return signed(floor(word / 2 ^ distance))
  end,

  arshift = function(...)
    local word, distance = shift_arguments(...)
    return floor(signed(word) / 2 ^ distance)
  end,

  rol = function(...)
    local word, distance = shift_arguments(...)
    return rotated_left(word, distance)
  end,

  ror = function(...)
    local word, distance = shift_arguments(...)
    return rotated_left(word, (32 - distance) % 32)
  end,

  bswap = function(...)
    local word = word_of((...), 1, select("#", ...))
    local swapped = 0
    for _ = 1, 4 do
      local low = word % 256
      swapped = swapped * 256 + low
      word = (word - low) / 256
    end
    return signed(swapped)
  end,

  tohex = function(...)
    local count = select("#", ...)
    local value, digits = ...
    local text = format("%08x", word_of(value, 1, count))
    local wanted = count < 2 and 8 or signed(word_of(digits, 2, count))
    if wanted < 0 then
      wanted, text = -wanted, upper(text)
    end
    return sub(text, wanted < 8 and 9 - wanted or 1)
  end,
})
