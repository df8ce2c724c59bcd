"""The store of finished points: a file each, under the hash of the point.

A result is kept once it is whole, and given back only if it is whole, of the same build and of the
very point asked for. So whoever starts the same work again, after an interruption or a loss of
power, runs what is missing and nothing else.
"""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from readfence.exits import writing
from readfence.points import Point, PointResult, canonical


class PointStore:
    """Finished points in a folder, which is made when there is something to keep."""

    def __init__(self, folder: Path, tell: Callable[[str], None]) -> None:
        """`tell` is handed a word about each file that cannot be used."""
        self.folder = folder
        self._tell = tell

    def get(self, point: Point) -> PointResult | None:
        """The result of a point, None when it has to be run."""
        path = self._path(point.hash)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._tell(f"{path}: ignored, cannot be read: {error.strerror}")
            return None
        try:
            return _checked(content, point)
        except (ValueError, KeyError, TypeError) as error:
            self._tell(f"{path}: ignored, and run again: {_why(error)}")
            return None

    def put(self, result: PointResult) -> None:
        """Keep a result, if it is one to keep; whole, or not at all.

        Raises `EnvironmentFailed` when it cannot be written.
        """
        if not result.lasting:
            return
        path = self._path(result.point)
        # With the process in its name: two sweeps of one folder must not write into one file.
        scratch = path.with_name(f"{path.name}.{os.getpid()}.part")
        with writing(path):
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                scratch.write_text(_sealed(result), encoding="utf-8", newline="\n")
                scratch.replace(path)
            finally:
                scratch.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"


def _sealed(result: PointResult) -> str:
    text = result.to_text()
    return canonical({"result": json.loads(text), "sha256": _sha256(text)}) + "\n"


def _checked(content: bytes, point: Point) -> PointResult:
    """The result in a file; `ValueError` when it is damaged or another's."""
    sealed = json.loads(content)
    if _sha256(canonical(sealed["result"])) != sealed["sha256"]:
        raise ValueError("its checksum does not fit")
    if sealed["result"]["readfence"] != point.readfence:
        found = sealed["result"]["readfence"]
        raise ValueError(f"it is of readfence {found}, not {point.readfence}")
    result = PointResult.model_validate(sealed["result"])
    if result.point != point.hash:
        raise ValueError("it is the result of another point")
    return result


def _why(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError | KeyError | TypeError):
        return "it is damaged"
    return "no result of a point" if isinstance(error, ValidationError) else str(error)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
