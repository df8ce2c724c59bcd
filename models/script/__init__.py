"""Lua scripts: real Lua 5.1 in Redis's sandbox, suspended wherever a command has to wait."""
