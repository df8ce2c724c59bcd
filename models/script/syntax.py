"""Whether a text is a script at all, for those who must know before anything runs.

Compiles in a runtime of its own and runs nothing.
"""

from lupa.lua51 import LuaError, LuaRuntime

from models.script.prelude import CHUNK_NAME
from models.script.shebang import split_shebang


def syntax_error(body: bytes) -> str | None:
    """What is wrong with a script's text, with its line; None if it compiles."""
    code, _flags, error = split_shebang(body)
    if error is not None:
        return error.removeprefix(b"ERR ").decode(errors="replace")
    runtime = LuaRuntime(encoding=None, register_eval=False, register_builtins=False)
    try:
        # Lua takes a text that begins with ESC for bytecode; behind a space it is a syntax error.
        runtime.compile(b" " + code, name=CHUNK_NAME)
    except LuaError as problem:
        return bytes(problem.args[0]).decode(errors="replace")
    return None
