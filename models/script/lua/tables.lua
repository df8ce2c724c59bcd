-- Tables a script may read and never change.
--
-- Redis patches Lua so that a table can be marked read-only. Stock Lua 5.1 has no such mark, so a
-- read-only table is two tables: an empty shell, which scripts see, and its contents, which they
-- never hold. Reads fall through the shell to the contents, writes meet `__newindex`.
--
-- Invariants:
-- * a shell stays empty: whatever writes past metatables (rawset, table.insert, setmetatable) is
--   replaced in base.lua by a function that asks `contents_of` first;
-- * every function of the prelude that a script can reach uses locals and upvalues alone, since
-- the global table is emptied before the first script runs.

local kit = ...

local error, setmetatable = error, setmetatable

local READ_ONLY = "Attempt to modify a readonly table"

-- shell -> contents
local contents_of = {}
kit.contents_of = contents_of

local function refuse_write()
  error(READ_ONLY, 2)
end

-- The same error as C code raises it: without a position.
function kit.refuse_raw_write()
  error(READ_ONLY, 0)
end

-- A read-only view of `contents`. `missing` is called with (shell, key) for absent keys.
function kit.read_only(contents, missing)
  if missing then
    setmetatable(contents, { __index = missing })
  end
  local shell = setmetatable({}, { __index = contents, __newindex = refuse_write })
  contents_of[shell] = contents
  return shell
end

-- Give a library's shell its contents.
function kit.publish(name, contents)
  local shell = kit.globals[name]
  setmetatable(shell, { __index = contents, __newindex = refuse_write })
  contents_of[shell] = contents
end
