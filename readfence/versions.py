"""Which readfence this is: the version, and in it the very code.

The version alone would not do for what is kept and sent elsewhere: in a checkout the code changes
from hour to hour under one version, and results of yesterday's code would pass for today's.
"""

import hashlib
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

_PACKAGES: Final = ("sim", "models", "reports", "readfence")
_SUFFIXES: Final = (".py", ".lua")
_DIGITS: Final = 12


@cache
def build() -> str:
    """Version and code of readfence, as in `0.1.0+3f0c94d2a1be`: equal where the code is."""
    digest = hashlib.sha256()
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
