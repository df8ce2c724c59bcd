"""Scripts compiled once in a process."""

import pytest
from lupa.lua51 import LuaRuntime

from models.script.compiler import NoMemory, NotCompiled, compiled

MEMORY = 8_000_000


def test_a_text_is_compiled_once() -> None:
    """The same object comes back."""
    assert compiled(b"return 1", MEMORY) is compiled(b"return 1", MEMORY)


def test_the_code_runs_in_any_runtime() -> None:
    """And remembers its name."""
    load = LuaRuntime(encoding=None).eval(b"loadstring")
    assert load(compiled(b"return 1 + 1", MEMORY))() == 2


def test_what_is_no_lua_is_refused_with_the_line() -> None:
    """Bytecode too: it could be made to read any memory."""
    with pytest.raises(NotCompiled, match="user_script:2: unexpected symbol near"):
        compiled(b"local a\n= =", MEMORY)
    with pytest.raises(NotCompiled, match=r"user_script:1: unexpected symbol near 'char\(27\)'"):
        compiled(b"\x1bLuaQ", MEMORY)


def test_a_text_that_takes_too_much_memory_is_refused() -> None:
    """Compiled code takes several times as much as the text."""
    with pytest.raises(NoMemory):
        compiled(b"x() " * 900_000, MEMORY)
