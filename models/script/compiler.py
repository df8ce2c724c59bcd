"""From a script's text to code that every runtime can load.

A text is compiled once in a process, in a runtime of its own that runs nothing; machines load the
result, which takes a fraction of the time.
"""

from functools import lru_cache
from typing import Final

from lupa.lua51 import LuaError, LuaMemoryError, LuaRuntime

from models.script.bytecode import with_callers_kept

CHUNK_NAME: Final = b"@user_script"
"""What error messages call a script."""
FUNCTION_CHUNK_NAME: Final = b"@user_function"
"""What they call a library of functions."""

KEPT_MAX: Final = 512
ESCAPE: Final = b"\x1b"


class NotCompiled(Exception):
    """The text is no Lua. `problem` is Lua's message, with the line."""

    def __init__(self, problem: bytes) -> None:
        super().__init__(problem)
        self.problem = problem


class NoMemory(Exception):
    """Compiling takes more memory than there is."""


@lru_cache(maxsize=KEPT_MAX)
def compiled(code: bytes, memory_max: int, name: bytes = CHUNK_NAME) -> bytes:
    """Code for `loadstring`; error messages call it `name`. Raises `NotCompiled` or `NoMemory`."""
    runtime = LuaRuntime(
        encoding=None, register_eval=False, register_builtins=False, max_memory=memory_max
    )
    dump = runtime.eval(b"string.dump")
    # Lua takes a text that begins with ESC for bytecode, which could be made to read and write
    # anywhere; behind a space it is a syntax error, as in Redis.
    text = b" " + code if code.startswith(ESCAPE) else code
    try:
        main = runtime.compile(text, name=name)
        binary: bytes = dump(main)
    except LuaMemoryError:
        raise NoMemory from None
    except LuaError as error:
        raise NotCompiled(bytes(error.args[0])) from None
    return with_callers_kept(binary)
