-- The arguments of library functions: what Lua's C functions take for a string or a number, and the
-- wording of errors.
--
-- A function of the prelude is a C function in Redis, together with all it calls. So an error names
-- the function that the script called, and the script's line. (Nothing in the prelude is a tail call,
-- see prelude.py: no frame is missing.)

local kit = ...

local error, floor, getinfo, tonumber, tostring = error, math.floor, debug.getinfo, tonumber, tostring
local format, match, source, type = string.format, string.match, kit.source, type

local INT_MAX = 2147483647

-- The level, as our caller sees it, of the function that the script called.
local function entry_level()
  local level = 3
  while getinfo(level + 1, "S").source == source do
    level = level + 1
  end
  return level - 1
end

-- Raise an error at the line of the script's call.
function kit.raise(message)
  local level = entry_level()
  error(message, level + 1)
end

-- Raise Lua's "bad argument" error.
function kit.bad_argument(index, problem)
  local level = entry_level()
  local info = getinfo(level, "n")
  local name = info.name or "?"
  if info.namewhat == "method" then
    index = index - 1
    if index == 0 then
      error(format("calling '%s' on bad self (%s)", name, problem), level + 1)
    end
  end
  error(format("bad argument #%d to '%s' (%s)", index, name, problem), level + 1)
end
local bad_argument = kit.bad_argument

-- Raise again what a C function raised that was called without a name or place to tell.
function kit.explain(err)
  if type(err) ~= "string" or err == "not enough memory" then
    error(err, 0)
  end
  local index, problem = match(err, "^bad argument #(%d+) to '%?' %((.*)%)$")
  if index then
    bad_argument(tonumber(index), problem)
  end
  kit.raise(err)
end
local explain = kit.explain

-- What a C function gave that was called by pcall.
function kit.results(ok, ...)
  if ok then
    return ...
  end
  explain((...))
end

-- Likewise for an argument of a wrong type; `expected` is a type's name. `count` is how many
-- arguments came, if that may be fewer than `index`.
function kit.bad_type(index, expected, value, count)
  local given = count and count < index and "no value" or type(value)
  bad_argument(index, format("%s expected, got %s", expected, given))
end

-- The argument as a number if it is one or reads as one, else nil.
function kit.number_of(value)
  local kind = type(value)
  return (kind == "number" or kind == "string") and tonumber(value) or nil
end

-- The argument as a string if it is one or a number, else nil.
function kit.text_of(value)
  local kind = type(value)
  if kind == "string" then
    return value
  end
  return kind == "number" and tostring(value) or nil
end

-- A number as C's int: towards zero, then the low 32 bits, two's complement.
function kit.to_int(number)
  if number ~= number or number >= 2 ^ 63 or number <= -2 ^ 63 then
    return 0
  end
  local whole = number < 0 and -floor(-number) or floor(number)
  local low = whole % 4294967296
  return low > INT_MAX and low - 4294967296 or low
end
