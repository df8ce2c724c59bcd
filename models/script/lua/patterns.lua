-- The string functions that take a pattern.
--
-- Lua matches in C. There a long pattern takes one level of the stack for each repeated item, until
-- the process ends, as a Redis server does. Such patterns are refused in the words of later Lua
-- versions. And there nothing counts instructions, so the steps that a match might take count as
-- bytes of its subject would, and one that might take for ever is done by matching.lua instead.

local kit = ...

local matching, raise, results, weigh = kit.matching, kit.raise, kit.results, kit.weigh
local concat, error, floor, max = table.concat, error, math.floor, math.max
local number_of = kit.number_of
local pcall, sub, text_of, tonumber, type = pcall, string.sub, kit.text_of, tonumber, type

local strings = kit.globals.string
local find, gmatch, gsub, match = strings.find, strings.gmatch, strings.gsub, strings.match

-- Longest pattern, in bytes. 50,000 are still too few for 8 MB of stack.
local PATTERN_MAX = 2000
-- Steps that a match may take in C for each byte of the subject, at worst.
local STEPS_MAX = kit.match_steps_max
-- Steps that take about as long as handling a byte.
local STEPS_PER_BYTE = 4
-- Bytes of a pattern that C goes through in about the time of a step: it reads a set byte by byte
-- each time, and a text at each place.
local PATTERN_BYTES_PER_STEP = 8
-- Bytes of a text that C may compare with every place of a subject.
local HEAD = 256

-- Without one of these `find` searches for the pattern as it is.
local SPECIALS = "[%^%$%*%+%?%.%(%[%%%-]"

-- How many places of a pattern repeat, at most, not counting that it is tried at each place of the
-- subject; how many are a choice; whether it is bound to one place; and how many steps one is.
local repeats_of, known = {}, 0

local function repeats(pattern)
  local count = repeats_of[pattern]
  if not count then
    local _, loops = gsub(pattern, "[*+%-]", "")
    local _, choices = gsub(pattern, "%?", "")
    local _, balances = gsub(pattern, "%%b", "")
    local is_bound = sub(pattern, 1, 1) == "^"
    count = { loops + balances, choices, is_bound, max(1, #pattern / PATTERN_BYTES_PER_STEP) }
    if known > 200 then
      repeats_of, known = {}, 0
    end
    known = known + 1
    repeats_of[pattern] = count
  end
  return count
end

-- Whether a match has to be watched. Raises an error for a pattern that cannot be matched at all.
-- `is_never_bound` where "^" stands for itself, as in gmatch.
local function is_slow(subject, pattern, is_never_bound)
  if type(pattern) ~= "string" or not text_of(subject) then
    return false
  end
  if #pattern > PATTERN_MAX then
    raise("pattern too complex")
  end
  local count = repeats(pattern)
  local size = #text_of(subject) + 1
  local loops = (count[3] and not is_never_bound) and count[1] or count[1] + 1
  local steps = size ^ loops * 2 ^ count[2] * count[4]
  if steps > STEPS_MAX * size then
    return true
  end
  weigh(steps / STEPS_PER_BYTE)
  return false
end

-- Where to begin in the subject, as `find` and `match` take it. Arguments are known to be right.
local function first_place(subject, given)
  local place = given == nil and 1 or number_of(given)
  place = place < 0 and -floor(-place) or floor(place)
  if place < 0 then
    place = #subject + place + 1
  end
  if place < 1 then
    return 1
  end
  return place > #subject + 1 and #subject + 1 or place
end

-- Search from a place on: where the match begins, and the position behind it.
local function search(subject, pattern, place)
  local at, is_bound = matching.begin(subject, pattern)
  repeat
    local after = matching.at(place, at)
    if after then
      return place, after
    end
    place = place + 1
  until is_bound or place > #subject + 1
end

-- As `find` looks for a text as it is: by its head, so that comparing the whole can count.
local function find_long(subject, text, place)
  local head, size = sub(text, 1, HEAD), #text
  while true do
    local at = find(subject, head, place, true)
    weigh((at or #subject) - place)
    if not at then
      return nil
    end
    weigh(size)
    if sub(subject, at, at + size - 1) == text then
      return at, at + size - 1
    end
    place = at + 1
  end
end

function strings.find(...)
  local subject, pattern, place, plain = ...
  if not plain and is_slow(subject, pattern) and find(match(pattern, "^%Z*"), SPECIALS) then
    -- What is wrong with the arguments is found as ever.
    results(pcall(find, "", "", place))
    subject = text_of(subject)
    local first, after = search(subject, pattern, first_place(subject, place))
    if not first then
      return nil
    end
    return first, after - 1, matching.captures(first, after, false)
  end
  if type(subject) == "string" and type(pattern) == "string" then
    if plain and #pattern > HEAD then
      results(pcall(find, "", "", place))
      return find_long(subject, pattern, first_place(subject, place))
    end
    weigh(#subject)
  end
  return results(pcall(find, ...))
end

function strings.match(...)
  local subject, pattern, place = ...
  if is_slow(subject, pattern) then
    results(pcall(match, "", "", place))
    subject = text_of(subject)
    local first, after = search(subject, pattern, first_place(subject, place))
    if not first then
      return nil
    end
    return matching.captures(first, after, true)
  end
  return results(pcall(match, ...))
end

function strings.gmatch(...)
  local subject, pattern = ...
  if not is_slow(subject, pattern, true) then
    return results(pcall(gmatch, ...))
  end
  subject = text_of(subject)
  local place = 1
  return function()
    matching.begin(subject, pattern)
    while place <= #subject + 1 do
      local first = place
      local after = matching.at(first, 1)
      if after then
        place = after == first and after + 1 or after
        return matching.captures(first, after, true)
      end
      place = place + 1
    end
  end
end
strings.gfind = strings.gmatch

-- What a script's function or table has for a match: its value, checked.
local function replaced(replacement, ...)
  local value
  if type(replacement) == "function" then
    value = replacement(...)
  else
    value = replacement[(...)]
  end
  local kind = type(value)
  if value and kind ~= "string" and kind ~= "number" then
    return value, "invalid replacement value (a " .. kind .. ")"
  end
  return value
end

-- The text for a match, of a replacement that is a string.
local function expanded(text, first, after)
  local pieces, count, from = {}, 0, 1
  while true do
    local stop = find(text, "%", from, true)
    count = count + 1
    pieces[count] = sub(text, from, (stop or 0) - 1)
    if not stop then
      return concat(pieces)
    end
    local digit = sub(text, stop + 1, stop + 1)
    count = count + 1
    if digit == "0" then
      pieces[count] = sub(matching.subject(), first, after - 1)
    elseif find(digit, "^%d") then
      pieces[count] = matching.capture(tonumber(digit) - 1, first, after)
    else
      pieces[count] = digit == "" and "\0" or digit
    end
    from = stop + 2
  end
end

-- gsub by matching.lua.
local function substitute(subject, pattern, replacement, limit)
  local is_text = type(replacement) ~= "function" and type(replacement) ~= "table"
  local pieces, count, place, replacements = {}, 0, 1, 0
  local at, is_bound = matching.begin(subject, pattern)
  while replacements < limit do
    local after = matching.at(place, at)
    if after then
      replacements = replacements + 1
      local value, problem
      if is_text then
        value = expanded(text_of(replacement), place, after)
      else
        value, problem = replaced(replacement, matching.captures(place, after, true))
        -- The script's function may have matched something itself.
        matching.begin(subject, pattern)
        if problem then
          raise(problem)
        end
      end
      count = count + 1
      pieces[count] = value or sub(subject, place, after - 1)
    end
    if after and after > place then
      place = after
    elseif place <= #subject then
      count = count + 1
      pieces[count] = sub(subject, place, place)
      place = place + 1
    else
      break
    end
    if is_bound then
      break
    end
  end
  pieces[count + 1] = sub(subject, place)
  return concat(pieces), replacements
end

-- What gsub gave for a replacement that is a string.
local function substituted(ok, text, replacements)
  if not ok and text == "not enough memory" then
    weigh(kit.memory)
  end
  weigh(#text)
  return results(ok, text, replacements)
end

function strings.gsub(...)
  local subject, pattern, replacement, limit = ...
  local kind = type(replacement)
  local is_text = kind ~= "function" and kind ~= "table"
  if is_slow(subject, pattern) then
    results(pcall(gsub, "", "a", replacement, limit))
    subject = text_of(subject)
    local most = limit == nil and #subject + 1 or kit.to_int(number_of(limit))
    return substitute(subject, pattern, replacement, most)
  elseif is_text then
    return substituted(pcall(gsub, ...))
  end
  -- What the script's function raises must pass through unharmed, so what can be wrong with the
  -- arguments and the pattern is found before.
  results(pcall(gsub, subject, pattern, "", limit == nil and 1 or limit))
  if limit == nil or number_of(limit) >= 1 then
    results(pcall(match, subject, pattern))
  end
  return gsub(subject, pattern, function(...)
    local value, problem = replaced(replacement, ...)
    if problem then
      -- Above us are gsub, its guard, and the script.
      error(problem, 4)
    end
    return value
  end, limit)
end
