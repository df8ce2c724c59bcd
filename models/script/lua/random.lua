-- math.random and math.randomseed as Redis has them: its own 48-bit linear congruential generator.
-- It is set back before each script to where it stands in a server that has just been started;
-- there it would go on from script to script.
--
-- It lives in Lua because Lua's own generator is the C library's, one for the whole process: what
-- one script draws would change what another one sees.
--
-- A Lua number holds 53 bits, one factor of the generator has 35 and the other 48, so numbers are
-- kept as three limbs of 16 bits and multiplied limb by limb.

local kit = ...

local bad_argument, bad_type, number_of = kit.bad_argument, kit.bad_type, kit.number_of
local error, floor, select, to_int = error, math.floor, select, kit.to_int

local WORD = 65536
-- x' = x * 0x5DEECE66D + 0xB
local FACTOR_0, FACTOR_1, FACTOR_2, ADDEND = 0xE66D, 0xDEEC, 0x5, 0xB
local FRESH_0, FRESH_1, FRESH_2 = 0x330E, 0xABCD, 0x1234
local SEED_0 = FRESH_0
local INT_MAX = 2147483647

local x0, x1, x2 = FRESH_0, FRESH_1, FRESH_2

-- The next 31 bits.
local function draw()
  local sum = FACTOR_0 * x0 + ADDEND
  local y0 = sum % WORD
  sum = FACTOR_0 * x1 + FACTOR_1 * x0 + (sum - y0) / WORD
  local y1 = sum % WORD
  sum = FACTOR_0 * x2 + FACTOR_1 * x1 + FACTOR_2 * x0 + (sum - y1) / WORD
  x0, x1, x2 = y0, y1, sum % WORD
  return x2 * 32768 + floor(x1 / 2)
end

function kit.reset_random()
  x0, x1, x2 = FRESH_0, FRESH_1, FRESH_2
end

local mathematics = kit.globals.math

function mathematics.random(...)
  local count = select("#", ...)
  local share = draw() % INT_MAX / INT_MAX
  if count == 0 then
    return share
  end
  if count > 2 then
    error("wrong number of arguments", 2)
  end
  local first, second = ...
  local low = number_of(first)
  if not low then
    bad_type(1, "number", first)
  end
  low = to_int(low)
  if count == 1 then
    if low < 1 then
      bad_argument(1, "interval is empty")
    end
    return floor(share * low) + 1
  end
  local high = number_of(second)
  if not high then
    bad_type(2, "number", second)
  end
  high = to_int(high)
  if low > high then
    bad_argument(2, "interval is empty")
  end
  -- The width overflows an int in Redis, too.
  return floor(share * to_int(high - low + 1)) + low
end

function mathematics.randomseed(...)
  local given = ...
  local seed = number_of(given)
  if not seed then
    if select("#", ...) == 0 then
      bad_argument(1, "number expected, got no value")
    end
    bad_type(1, "number", given)
  end
  seed = to_int(seed)
  x0, x1, x2 = SEED_0, seed % WORD, floor(seed / WORD) % WORD
end
