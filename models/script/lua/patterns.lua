-- The string functions that take a pattern.
--
-- Lua matches by recursion in C, one level for each repeated item of the pattern, so that a pattern
-- long enough ends the process. (It ends a Redis server.) Here such patterns are refused in the words
-- of later Lua versions. How long a match takes is not limited: in C there is nothing to interrupt.

local kit = ...

local bad_argument, raise = kit.bad_argument, kit.raise
local error, pcall, tonumber, type = error, pcall, tonumber, type

local strings = kit.globals.string
local find, gsub, match = strings.find, strings.gsub, strings.match

-- Longest pattern, in bytes. 50,000 are still too few for 8 MB of stack.
local PATTERN_MAX = 2000

-- Raise again what a C function raised that was called without a name or place to tell.
local function explain(err)
  if type(err) ~= "string" or err == "not enough memory" then
    error(err, 0)
  end
  local index, problem = match(err, "^bad argument #(%d+) to '%?' %((.*)%)$")
  if index then
    bad_argument(tonumber(index), problem)
  end
  raise(err)
end

local function results(ok, ...)
  if ok then
    return ...
  end
  explain((...))
end

local function check_length(pattern)
  if type(pattern) == "string" and #pattern > PATTERN_MAX then
    raise("pattern too complex")
  end
end

local function guarded(f)
  return function(...)
    local _, pattern = ...
    check_length(pattern)
    return results(pcall(f, ...))
  end
end

strings.match = guarded(match)
strings.gmatch = guarded(strings.gmatch)
strings.gfind = strings.gmatch

function strings.find(...)
  local _, pattern, _, plain = ...
  if not plain then
    check_length(pattern)
  end
  return results(pcall(find, ...))
end

-- A function that gives what a script's function or table has for a match.
local function replacing(replacement)
  local is_function = type(replacement) == "function"
  return function(...)
    local value
    if is_function then
      value = replacement(...)
    else
      value = replacement[(...)]
    end
    local kind = type(value)
    if value and kind ~= "string" and kind ~= "number" then
      -- Above us are gsub, its guard, and the script.
      error("invalid replacement value (a " .. kind .. ")", 4)
    end
    return value
  end
end

function strings.gsub(...)
  local subject, pattern, replacement, limit = ...
  check_length(pattern)
  local kind = type(replacement)
  if kind ~= "function" and kind ~= "table" then
    return results(pcall(gsub, ...))
  end
  -- What the script's function raises must pass through unharmed, so what can be wrong with the
  -- arguments and the pattern is found before.
  results(pcall(gsub, subject, pattern, "", limit == nil and 1 or limit))
  return gsub(subject, pattern, replacing(replacement), limit)
end
