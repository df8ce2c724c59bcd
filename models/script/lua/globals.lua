-- The names of Lua's own library that a Redis 7 script sees, as plain tables still open to writing.
--
-- This is a list of what is let in. Whatever is not here does not exist for a script: io, os, debug,
-- package, require, print, dofile, loadfile, getfenv, setfenv, newproxy and lupa's `python`.
-- Functions that could reach past the sandbox are let in here and replaced in base.lua, guard.lua
-- and random.lua.

local kit = ...

local function pick(library, names)
  local picked = {}
  for name in string.gmatch(names, "%S+") do
    picked[name] = library[name]
  end
  return picked
end

local globals = pick(_G, [[
  _VERSION assert collectgarbage error gcinfo getmetatable ipairs load loadstring next pairs pcall
  rawequal rawget rawset select setmetatable tonumber tostring type unpack xpcall
]])

globals.coroutine = pick(coroutine, "create resume running status wrap yield")
globals.math = pick(math, [[
  abs acos asin atan atan2 ceil cos cosh deg exp floor fmod frexp huge ldexp log log10 max min mod
  modf pi pow rad random randomseed sin sinh sqrt tan tanh
]])
globals.string = pick(string, [[
  byte char dump find format gfind gmatch gsub len lower match rep reverse sub upper
]])
globals.table = pick(table, [[
  concat foreach foreachi getn insert maxn remove setn sort
]])

kit.globals = globals
