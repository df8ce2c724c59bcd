"""Whether a text is a script at all, for those who must know before anything runs.

Runs nothing.
"""

from models.script.compiler import NoMemory, NotCompiled, compiled
from models.script.machine import MEMORY_MAX
from models.script.shebang import split_shebang


def syntax_error(body: bytes) -> str | None:
    """What is wrong with a script's text, with its line; None if it compiles."""
    code, _flags, error = split_shebang(body)
    if error is not None:
        return error.removeprefix(b"ERR ").decode(errors="replace")
    try:
        compiled(code, MEMORY_MAX)
    except NotCompiled as problem:
        return problem.problem.decode(errors="replace")
    except NoMemory:
        return "takes too much memory to compile"
    return None
