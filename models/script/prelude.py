"""Sets up the sandbox in a new runtime: the Lua files of `lua/`, in their order.

The files hold what scripts see and what limits them; this module only loads them. Each is called
with one table, `kit`, in which it finds what earlier files left and leaves what later ones need.
"""

from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from lupa.lua51 import LuaRuntime

from models.script.bytecode import with_callers_kept
from models.script.compiler import CHUNK_NAME, KEPT_MAX
from models.script.host import BYTES_PER_INSTRUCTION, Host

FOLDER: Final = Path(__file__).parent / "lua"
FILES: Final = (
    "tables",
    "arguments",
    "globals",
    "guard",
    "random",
    "base",
    "matching",
    "patterns",
    "costs",
    "redis",
    "run",
)
LIBRARIES: Final = {
    b"bit": ("numbers", "bit"),
    b"struct": ("numbers", "struct"),
    b"cmsgpack": ("numbers", "cmsgpack"),
    b"cjson": ("json_encode", "json_decode", "cjson"),
}
"""Of each library of Redis its files, in `lua/libraries`. They are loaded when a script needs them:
most do not, and together they are half of the prelude."""
FUNCTIONS: Final = "functions"
"""The file that runs functions of libraries, which is loaded when there is one to run."""
MATCH_STEPS_MAX: Final = 10**4
"""Steps a pattern may take in C at worst for each byte of its subject, where nothing interrupts it.
They count for about what the instructions are that a byte usually takes when Lua matches, which it
does beyond."""
SOURCE: Final = b"=sandbox"
"""What Lua's debug information calls these files. guard.lua and run.lua tell by it which functions
on the stack are not the script's."""

LuaFunction = Callable[..., Any]


class Entries(NamedTuple):
    """The functions of run.lua that Python calls, described there."""

    run: LuaFunction
    run_tables: LuaFunction
    define: LuaFunction
    define_function: LuaFunction
    load_part: LuaFunction


@cache
def bytecode(name: str) -> bytes:
    """A file of the prelude, compiled. Loading this takes a fraction of the time parsing does."""
    runtime = LuaRuntime(encoding=None, register_eval=False, register_builtins=False)
    dump = runtime.eval(b"string.dump")
    binary: bytes = dump(runtime.compile((FOLDER / f"{name}.lua").read_bytes(), name=SOURCE))
    # An error is told by the function that the script called: its frame must be there. Only what
    # calls a script's function must not be seen above it.
    return binary if name == "guard" else with_callers_kept(binary, all_calls=True)


@lru_cache(maxsize=KEPT_MAX)
def parts_used(code: bytes) -> tuple[str, ...]:
    """The files of the libraries that a script may reach.

    It has to name them: as a word in its text, or put together, for which it needs `_G` or a
    function that loads text.
    """
    all_of_them = b"_G" in code or b"load" in code
    names = [name for name in LIBRARIES if all_of_them or name in code]
    return tuple(dict.fromkeys(f"libraries/{part}" for name in names for part in LIBRARIES[name]))


def open_sandbox(runtime: LuaRuntime, host: Host, instructions_max: int) -> Entries:
    """Load the prelude into a fresh runtime. Afterwards its global table is empty."""
    kit = runtime.table()
    kit[b"source"] = SOURCE
    kit[b"chunk_name"] = CHUNK_NAME
    kit[b"limit"] = instructions_max
    kit[b"match_steps_max"] = MATCH_STEPS_MAX
    kit[b"memory"] = 2 * host.room
    kit[b"bytes_per_instruction"] = BYTES_PER_INSTRUCTION
    kit[b"failed"] = host.failed
    kit[b"take"] = host.take
    kit[b"interrupt"] = host.interrupt
    kit[b"emit"] = host.emit
    kit[b"emit_strings"] = host.emit_strings
    kit[b"host"] = runtime.table_from(host.functions())
    for name in FILES:
        runtime.execute(bytecode(name), kit)
    return Entries(*(kit[name.encode()] for name in Entries._fields))
