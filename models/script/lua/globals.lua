-- The names of Lua's own library that a Redis 7 script sees, as plain tables still open to writing.
--
-- This is a list of what is let in. Whatever is not here does not exist for a script: io, os, debug,
-- package, require, print, dofile, loadfile, getfenv, setfenv, newproxy and lupa's `python`.
-- Functions that could reach past the sandbox are let in here and replaced in base.lua, guard.lua
-- and random.lua.
--
-- The order in which `pairs` goes through a table follows from its first size and the order in which
-- its keys came. Both are those of Redis here, so that `pairs` over a library gives the same order;
-- over the globals themselves it is another one.

local kit = ...

local coroutine, math, string, table = coroutine, math, string, table

local globals = { _G = false, assert = assert }
kit.globals = globals

-- Those of our own stand here for their place, and are set by the files that follow.
for name in string.gmatch([[
  collectgarbage error gcinfo getmetatable load loadstring next pcall rawequal rawget rawset select
  setmetatable tonumber tostring type unpack xpcall _VERSION ipairs pairs coroutine table string math
  debug cjson struct cmsgpack bit redis
]], "%S+") do
  globals[name] = _G[name] or false
end
globals.debug = nil
globals.cjson, globals.struct, globals.cmsgpack, globals.bit = {}, {}, {}, {}
globals.__redis__err__handler = false
globals.KEYS = false
globals.ARGV = false

globals.coroutine = {
  create = coroutine.create, resume = coroutine.resume, running = coroutine.running,
  status = coroutine.status, wrap = coroutine.wrap, yield = coroutine.yield,
}

globals.table = {
  concat = table.concat, foreach = table.foreach, foreachi = table.foreachi, getn = table.getn,
  maxn = table.maxn, insert = table.insert, remove = table.remove, setn = table.setn,
  sort = table.sort,
}

globals.string = {
  byte = string.byte, char = string.char, dump = string.dump, find = string.find,
  format = string.format, gfind = string.gfind, gmatch = string.gmatch, gsub = string.gsub,
  len = string.len, lower = string.lower, match = string.match, rep = string.rep,
  reverse = string.reverse, sub = string.sub, upper = string.upper,
}

globals.math = {
  abs = math.abs, acos = math.acos, asin = math.asin, atan2 = math.atan2, atan = math.atan,
  ceil = math.ceil, cosh = math.cosh, cos = math.cos, deg = math.deg, exp = math.exp,
  floor = math.floor, fmod = math.fmod, frexp = math.frexp, ldexp = math.ldexp,
  log10 = math.log10, log = math.log, max = math.max, min = math.min, modf = math.modf,
  pow = math.pow, rad = math.rad, random = math.random, randomseed = math.randomseed,
  sinh = math.sinh, sin = math.sin, sqrt = math.sqrt, tanh = math.tanh, tan = math.tan,
}
globals.math.pi = math.pi
globals.math.huge = math.huge
globals.math.mod = math.mod
