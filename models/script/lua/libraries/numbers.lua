-- Numbers as the words of 32 bits that a processor would have: IEEE 754, and two's complement.
--
-- All arithmetic here is exact: on powers of two and whole numbers below 2^53.

local kit = ...

local floor, frexp, huge, ldexp, tostring = math.floor, math.frexp, math.huge, math.ldexp, tostring

local numbers = {}
kit.numbers = numbers

local WORD = 2 ^ 32
local SIGN = 2 ^ 31

-- The sign bit as it stands in a word, and the number without it.
local function split_sign(number)
  if number < 0 or (number == 0 and 1 / number < 0) then
    return SIGN, -number
  end
  return 0, number
end

-- The high and the low word of a double. Of what a NaN may carry only the sign is kept.
function numbers.double_words(number)
  if number ~= number then
    return tostring(number) == "-nan" and 0xFFF80000 or 0x7FF80000, 0
  end
  local sign, size = split_sign(number)
  if size == huge then
    return sign + 0x7FF00000, 0
  end
  local fraction, exponent = frexp(size)
  exponent = exponent + 1022
  local bits
  if exponent <= 0 or size == 0 then
    exponent, bits = 0, ldexp(size, 1074)
  else
    bits = (fraction * 2 - 1) * 2 ^ 52
  end
  local low = bits % WORD
  return sign + exponent * 2 ^ 20 + (bits - low) / WORD, low
end

-- The number of a sign, exponent and mantissa of `width` bits.
local function compose(negative, exponent, bits, width, bias)
  local size
  if exponent == 2 * bias + 1 then
    size = bits == 0 and huge or 0 / 0
    if bits ~= 0 then
      -- What 0 / 0 gives has its sign set.
      return negative and size or -size
    end
  elseif exponent == 0 then
    size = ldexp(bits, 1 - bias - width)
  else
    size = ldexp(bits + 2 ^ width, exponent - bias - width)
  end
  return negative and -size or size
end

function numbers.double_of(high, low)
  local negative = high >= SIGN
  high = negative and high - SIGN or high
  local exponent = floor(high / 2 ^ 20)
  return compose(negative, exponent, (high - exponent * 2 ^ 20) * WORD + low, 52, 1023)
end

-- The word of a float, rounded to the nearest, to even where two are as near.
function numbers.float_word(number)
  if number ~= number then
    return tostring(number) == "-nan" and 0xFFC00000 or 0x7FC00000
  end
  local sign, size = split_sign(number)
  if size >= 2 ^ 128 then
    return sign + 0x7F800000
  end
  local fraction, exponent = frexp(size)
  exponent = exponent + 126
  local bits
  if exponent <= 0 or size == 0 then
    exponent, bits = 0, ldexp(size, 149)
  else
    bits = (fraction * 2 - 1) * 2 ^ 23
  end
  -- Adding 2^52 leaves no room behind the point; a carry runs over into the exponent, as it should.
  return sign + exponent * 2 ^ 23 + ((bits + 2 ^ 52) - 2 ^ 52)
end

function numbers.float_of(word)
  local negative = word >= SIGN
  word = negative and word - SIGN or word
  local exponent = floor(word / 2 ^ 23)
  return compose(negative, exponent, word - exponent * 2 ^ 23, 23, 127)
end

-- The words of a number converted to an integer of 64 bits: signed if it is negative, else unsigned.
-- Out of range comes what the processor gives, which is the smallest, or 0 above.
function numbers.integer_words(number)
  if number ~= number or number < -2 ^ 63 then
    return SIGN, 0
  end
  if number >= 2 ^ 64 then
    return 0, 0
  end
  local whole = number < 0 and -floor(-number) or floor(number)
  local low = whole % WORD
  return (whole - low) / WORD % WORD, low
end

-- The number nearest to a signed integer of 64 bits.
function numbers.signed_of(high, low)
  return (high >= SIGN and high - WORD or high) * WORD + low
end

-- What two groups of 4 bits have in common, at 16 * first + second; made when it is first needed.
local common

local function make_common()
  common = {}
  for first = 0, 15 do
    for second = 0, 15 do
      local shared, unit = 0, 1
      while unit < 16 do
        if first % (2 * unit) >= unit and second % (2 * unit) >= unit then
          shared = shared + unit
        end
        unit = 2 * unit
      end
      common[16 * first + second] = shared
    end
  end
end

-- The bits that two words have in common. With them `or` and `xor` are a matter of adding.
function numbers.common_bits(first, second)
  if not common then
    make_common()
  end
  local shared, unit = 0, 1
  while first > 0 and second > 0 do
    local low, other = first % 16, second % 16
    shared = shared + common[16 * low + other] * unit
    first, second, unit = (first - low) / 16, (second - other) / 16, unit * 16
  end
  return shared
end
