-- `cjson`: the table, its settings, and what each function takes. Encoding and decoding themselves
-- are in json_encode.lua and json_decode.lua.
--
-- In Redis a change of the settings stays until the server ends. Here each script begins with the
-- defaults: nothing one script does can be seen by the next one.

local kit = ...

local bad_argument, bad_type = kit.bad_argument, kit.bad_type
local decode_json, encode_json = kit.decode_json, kit.encode_json
local number_of, text_of, to_int = kit.number_of, kit.text_of, kit.to_int
local format, next, select, type = string.format, next, select, type

local INT_MAX = 2147483647
local OFF_ON = { off = 0, on = 1 }
local OFF_ON_NULL = { off = 0, on = 1, null = 2 }

local DEFAULTS = {
  sparse_convert = false,
  sparse_ratio = 2,
  sparse_safe = 10,
  encode_max_depth = 1000,
  decode_max_depth = 1000,
  encode_number_precision = 14,
  encode_keep_buffer = 1,
  encode_invalid_numbers = 0,
  decode_invalid_numbers = 1,
}

local function set_defaults(settings)
  for name, value in next, DEFAULTS do
    settings[name] = value
  end
end

local function require_at_most(limit, ...)
  if select("#", ...) > limit then
    bad_argument(limit + 1, "found too many arguments")
  end
end

-- An argument that sets a number, if it came.
local function set_integer(settings, name, index, value, lowest, highest)
  if value ~= nil then
    local number = number_of(value)
    if not number then
      bad_type(index, "number", value)
    end
    number = to_int(number)
    if number < lowest or number > highest then
      -- Whichever argument it was, lua-cjson names the first.
      bad_argument(1, format("expected integer between %d and %d", lowest, highest))
    end
    settings[name] = number
  end
  return settings[name]
end

-- An argument that is true, false or one of some words: the number it stands for, or nil if it did
-- not come.
local function choice_of(options, index, value)
  if value == nil then
    return nil
  elseif type(value) == "boolean" then
    return value and 1 or 0
  end
  local text = text_of(value)
  if not text then
    bad_type(index, "string", value)
  end
  local choice = options[text]
  if not choice then
    bad_argument(index, format("invalid option '%s'", text))
  end
  return choice
end

local function set_choice(settings, name, options, ...)
  require_at_most(1, ...)
  settings[name] = choice_of(options, 1, (...)) or settings[name]
  local choice = settings[name]
  if choice == 2 then
    return "null"
  end
  return choice == 1
end

-- The settings of the shared table; others go with the table they were made for.
local shared_settings = {}
local touched = false

kit.before_each_script(function()
  if touched then
    set_defaults(shared_settings)
    touched = false
  end
end)

local make

-- The functions that change settings, in the order in which lua-cjson has them.
local function add_settings(cjson, settings)
  function cjson.encode_sparse_array(...)
    touched = true
    require_at_most(3, ...)
    local convert, ratio, safe = ...
    local choice = choice_of(OFF_ON, 1, convert)
    if choice then
      settings.sparse_convert = choice == 1
    end
    ratio = set_integer(settings, "sparse_ratio", 2, ratio, 0, INT_MAX)
    safe = set_integer(settings, "sparse_safe", 3, safe, 0, INT_MAX)
    return settings.sparse_convert, ratio, safe
  end

  local function integer_setting(name, lowest, highest)
    cjson[name] = function(...)
      touched = true
      require_at_most(1, ...)
      local number = set_integer(settings, name, 1, (...), lowest, highest)
      return number
    end
  end

  local function choice_setting(name, options)
    cjson[name] = function(...)
      touched = true
      local choice = set_choice(settings, name, options, ...)
      return choice
    end
  end

  integer_setting("encode_max_depth", 1, INT_MAX)
  integer_setting("decode_max_depth", 1, INT_MAX)
  integer_setting("encode_number_precision", 1, 14)
  choice_setting("encode_keep_buffer", OFF_ON)
  choice_setting("encode_invalid_numbers", OFF_ON_NULL)
  choice_setting("decode_invalid_numbers", OFF_ON)
end

function make(settings)
  set_defaults(settings)
  local cjson = {}

  function cjson.encode(...)
    if select("#", ...) ~= 1 then
      bad_argument(1, "expected 1 argument")
    end
    local text = encode_json((...), settings)
    return text
  end

  function cjson.decode(...)
    if select("#", ...) ~= 1 then
      bad_argument(1, "expected 1 argument")
    end
    local text = text_of((...))
    if not text then
      bad_type(1, "string", (...))
    end
    local value = decode_json(text, settings)
    return value
  end

  add_settings(cjson, settings)

  function cjson.new()
    return (make({}))
  end

  cjson.null = kit.null
  cjson._NAME = "cjson"
  cjson._VERSION = "2.1.0"
  return cjson
end

kit.publish("cjson", make(shared_settings))
