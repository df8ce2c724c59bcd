"""Which readfence this is: the version, and in it the very code and what it runs on.

The version alone would not do for what is kept and sent elsewhere: in a checkout the code changes
from hour to hour under one version, and results of yesterday's code would pass for today's. So
would those of another Python, whose `sum` of floats may round otherwise, or of another numpy.
"""

import hashlib
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from platform import python_version_tuple
from typing import Final

_LIBRARIES: Final = ("simpy", "lupa", "greenlet", "numpy", "scipy", "pydantic")
"""Others that a run goes through: they order events, run Lua, draw, reckon, and read settings."""
_PACKAGES: Final = ("sim", "models", "reports", "readfence")
_SUFFIXES: Final = (".py", ".lua")
_DIGITS: Final = 12
SAME: Final = (
    "install the same version everywhere, on the same Python, with the same versions of "
    f"{', '.join(_LIBRARIES)}"
)
"""What to do about two builds that are to work together."""


@cache
def build() -> str:
    """Version and code of readfence, as in `0.1.0+3f0c94d2a1be`: equal where results are."""
    beneath = [f"python {'.'.join(python_version_tuple()[:2])}"]
    beneath += [f"{name} {version(name)}" for name in _LIBRARIES]
    digest = hashlib.sha256("\0".join(beneath).encode())
    for package in _PACKAGES:
        spec = find_spec(package)
        assert spec is not None and spec.origin is not None, f"no package {package}"
        folder = Path(spec.origin).parent
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            # Scenarios are in the wheel and not in a checkout; a point holds its own text.
            if path.suffix in _SUFFIXES and not name.startswith("scenarios/"):
                digest.update(f"{package}/{name}\0".encode() + path.read_bytes() + b"\0")
    return f"{version('readfence')}+{digest.hexdigest()[:_DIGITS]}"
