"""Files that are written whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from readfence.exits import EnvironmentFailed
from sim.errors import InputError


@contextmanager
def written_whole(file: Path) -> Iterator[TextIO]:
    """A file to write, which takes its name once it is complete; what was there stays until then.

    What is no file but a device or a pipe is written as it comes. Raises `InputError` when there
    is no writing there, `EnvironmentFailed` when it fails later.
    """
    try:
        target = file.resolve()
        straight = target.exists() and not target.is_file()
        scratch = target if straight else target.with_name(f"{target.name}.part")
        opened = scratch.open("w", encoding="utf-8", newline="\n")
    except OSError as error:
        raise InputError(f"{file}: cannot write there: {error.strerror}") from error
    try:
        with opened:
            yield opened
        if not straight:
            scratch.replace(target)
    except OSError as error:
        raise EnvironmentFailed(f"{file}: cannot be written: {error.strerror}") from error
    finally:
        if not straight:
            scratch.unlink(missing_ok=True)
