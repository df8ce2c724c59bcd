-- Lua's pattern matching once more, in Lua, for matches that might take very long: here the count of
-- instructions goes on, which in C it does not. Results and errors are those of lstrlib.c.
--
-- Positions count from 1. A zero byte ends a pattern.

local kit = ...

local raise = kit.raise
local byte, char, find, sub, unpack = string.byte, string.char, string.find, string.sub, unpack

local matching = {}
kit.matching = matching

local CAPTURES_MAX = 32
local UNFINISHED, POSITION = -1, -2

-- Of the match that runs.
local subject, pattern, subject_end, pattern_end, starts, lengths, level

-- item of a pattern -> the bytes it stands for
local items = {}

local function bytes_of(item)
  local bytes = items[item]
  if not bytes then
    bytes = {}
    for code = 0, 255 do
      bytes[code] = find(char(code), "^" .. item .. "$") ~= nil
    end
    items[item] = bytes
  end
  return bytes
end

local function item_end(at)
  local first = byte(pattern, at)
  at = at + 1
  if first == 37 then -- %
    if at > pattern_end then
      raise("malformed pattern (ends with '%')")
    end
    return at + 1
  elseif first == 91 then -- [
    if byte(pattern, at) == 94 then
      at = at + 1
    end
    repeat
      if at > pattern_end then
        raise("malformed pattern (missing ']')")
      end
      local code = byte(pattern, at)
      at = at + 1
      if code == 37 and at <= pattern_end then
        at = at + 1
      end
    until byte(pattern, at) == 93 and at <= pattern_end
    return at + 1
  end
  return at
end

local try

local function start_capture(position, at, length)
  if level >= CAPTURES_MAX then
    raise("too many captures")
  end
  starts[level], lengths[level] = position, length
  level = level + 1
  local after = try(position, at)
  if not after then
    level = level - 1
  end
  return after
end

local function end_capture(position, at)
  for index = level - 1, 0, -1 do
    if lengths[index] == UNFINISHED then
      lengths[index] = position - starts[index]
      local after = try(position, at)
      if not after then
        lengths[index] = UNFINISHED
      end
      return after
    end
  end
  raise("invalid pattern capture")
end

local function balanced(position, at)
  if at + 1 > pattern_end then
    raise("unbalanced pattern")
  end
  local opening, closing = byte(pattern, at, at + 1)
  if position > subject_end or byte(subject, position) ~= opening then
    return nil
  end
  local depth = 1
  for place = position + 1, subject_end do
    local code = byte(subject, place)
    if code == closing then
      depth = depth - 1
      if depth == 0 then
        return place + 1
      end
    elseif code == opening then
      depth = depth + 1
    end
  end
end

local function repeated(position, digit)
  local index = digit - 49
  if index < 0 or index >= level or lengths[index] == UNFINISHED then
    raise("invalid capture index")
  end
  local length = lengths[index]
  if length == POSITION or subject_end + 1 - position < length then
    return nil
  end
  local start = starts[index]
  if sub(subject, start, start + length - 1) == sub(subject, position, position + length - 1) then
    return position + length
  end
end

-- What begins with % and is no plain item: the position behind, and where the pattern goes on. False
-- if it is a plain item.
local function special(position, at)
  local code = byte(pattern, at + 1)
  if at == pattern_end then
    return false
  elseif code == 98 then -- b
    return balanced(position, at + 2), at + 4
  elseif code == 102 then -- f
    at = at + 2
    if byte(pattern, at) ~= 91 or at > pattern_end then
      raise("missing '[' after '%f' in pattern")
    end
    local after = item_end(at)
    local bytes = bytes_of(sub(pattern, at, after - 1))
    local before = position > 1 and byte(subject, position - 1) or 0
    if bytes[before] or not bytes[position <= subject_end and byte(subject, position) or 0] then
      return nil
    end
    return position, after
  elseif code >= 48 and code <= 57 then
    return repeated(position, code), at + 2
  end
  return false
end

-- As often as possible, and then ever less often.
local function longest(position, bytes, at)
  local place = position
  while place <= subject_end and bytes[byte(subject, place)] do
    place = place + 1
  end
  while place >= position do
    local after = try(place, at)
    if after then
      return after
    end
    place = place - 1
  end
end

-- As seldom as possible, and then ever more often.
local function shortest(position, bytes, at)
  while true do
    local after = try(position, at)
    if after then
      return after
    elseif position <= subject_end and bytes[byte(subject, position)] then
      position = position + 1
    else
      return nil
    end
  end
end

-- The position behind what the rest of the pattern matches, or nil.
function try(position, at)
  while at <= pattern_end do
    local code = byte(pattern, at)
    if code == 40 then -- (
      if byte(pattern, at + 1) == 41 then
        return start_capture(position, at + 2, POSITION)
      end
      return start_capture(position, at + 1, UNFINISHED)
    elseif code == 41 then -- )
      return end_capture(position, at + 1)
    elseif code == 36 and at == pattern_end then -- $
      return position == subject_end + 1 and position or nil
    end
    local after, next_at = false, nil
    if code == 37 then
      after, next_at = special(position, at)
    end
    if after == nil then
      return nil
    elseif after then
      position, at = after, next_at
    else
      next_at = item_end(at)
      local bytes = bytes_of(sub(pattern, at, next_at - 1))
      local fits = position <= subject_end and bytes[byte(subject, position)]
      local suffix = next_at <= pattern_end and byte(pattern, next_at)
      if suffix == 42 then -- *
        return longest(position, bytes, next_at + 1)
      elseif suffix == 43 then -- +
        return fits and longest(position + 1, bytes, next_at + 1) or nil
      elseif suffix == 45 then -- -
        return shortest(position, bytes, next_at + 1)
      elseif suffix == 63 then -- ?
        after = fits and try(position + 1, next_at + 1)
        if after then
          return after
        end
        at = next_at + 1
      elseif fits then
        position, at = position + 1, next_at
      else
        return nil
      end
    end
  end
  return position
end

local function capture(index, first, after)
  if index >= level then
    if index ~= 0 then
      raise("invalid capture index")
    end
    return sub(subject, first, after - 1)
  end
  if lengths[index] == UNFINISHED then
    raise("unfinished capture")
  elseif lengths[index] == POSITION then
    return starts[index]
  end
  return sub(subject, starts[index], starts[index] + lengths[index] - 1)
end

-- All captures; the whole match, if there is none and it is wanted.
local function captures(first, after, want_whole)
  local all, count = {}, level
  if level == 0 and want_whole then
    count = 1
  end
  for index = 1, count do
    all[index] = capture(index - 1, first, after)
  end
  return unpack(all, 1, count)
end
matching.captures = captures
matching.capture = capture

-- Begin with a subject and a pattern. Gives where in the pattern to begin, and whether it is bound to
-- the place.
function matching.begin(subject_given, pattern_given)
  subject, pattern = subject_given, pattern_given
  subject_end = #subject
  pattern_end = (find(pattern, "%z") or #pattern + 1) - 1
  local is_bound = byte(pattern, 1) == 94
  return is_bound and 2 or 1, is_bound
end

function matching.subject()
  return subject
end

-- Match at one place: the position behind, or nil.
function matching.at(position, at)
  starts, lengths, level = {}, {}, 0
  return try(position, at)
end
