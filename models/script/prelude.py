"""Sets up the sandbox in a new runtime: the Lua files of `lua/`, in their order.

The files hold what scripts see and what limits them; this module only loads them. Each is called
with one table, `kit`, in which it finds what earlier files left and leaves what later ones need.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from lupa.lua51 import LuaRuntime

from models.script.compiler import CHUNK_NAME
from models.script.host import Host

FOLDER: Final = Path(__file__).parent / "lua"
FILES: Final = (
    "tables",
    "arguments",
    "globals",
    "guard",
    "random",
    "base",
    "numbers",
    "bit",
    "struct",
    "cmsgpack",
    "json_encode",
    "json_decode",
    "cjson",
    "redis",
    "run",
)
SOURCE: Final = b"=sandbox"
"""What Lua's debug information calls these files. guard.lua and run.lua tell by it which functions
on the stack are not the script's."""

LuaFunction = Callable[..., Any]


class Entries(NamedTuple):
    """The functions of run.lua that Python calls, described there."""

    run: LuaFunction
    run_staged: LuaFunction
    stage: LuaFunction
    define: LuaFunction


@cache
def bytecode() -> tuple[bytes, ...]:
    """The prelude's files, compiled. Loading this takes a fraction of the time parsing does."""
    runtime = LuaRuntime(encoding=None, register_eval=False, register_builtins=False)
    dump = runtime.eval(b"string.dump")
    return tuple(
        dump(runtime.compile((FOLDER / f"{name}.lua").read_bytes(), name=SOURCE)) for name in FILES
    )


def open_sandbox(runtime: LuaRuntime, host: Host, instructions_max: int) -> Entries:
    """Load the prelude into a fresh runtime. Afterwards its global table is empty."""
    kit = runtime.table()
    kit[b"source"] = SOURCE
    kit[b"chunk_name"] = CHUNK_NAME
    kit[b"limit"] = instructions_max
    kit[b"failed"] = host.failed
    kit[b"take"] = host.take
    kit[b"interrupt"] = host.interrupt
    kit[b"emit"] = host.emit
    kit[b"host"] = runtime.table_from(host.functions())
    for code in bytecode():
        runtime.execute(code, kit)
    return Entries(kit[b"run"], kit[b"run_staged"], kit[b"stage"], kit[b"define"])
