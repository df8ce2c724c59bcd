"""The trace: an append-only list of what happened, for people who debug a scenario.

Not part of the record, and off unless asked for: whoever would write to it is then built without
the call, so that it costs nothing. Holds names and numbers, never an object's `repr`.
"""

import json
from typing import TextIO


class Trace:
    """Writes one JSON line per event: run, instant in ns, where, what, and details."""

    def __init__(self, file: TextIO, run: str) -> None:
        """`run` stands on each line, so that several runs can share a file."""
        self._file = file
        self._run = run

    def add(self, t_ns: int, where: str, what: str, **details: int | str | None) -> None:
        """Append one event."""
        line = {"run": self._run, "t_ns": t_ns, "where": where, "what": what, **details}
        self._file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
