"""`readfence import`: the output of `redis-cli MONITOR` as a recording.

What MONITOR does not tell is missing: replies (so a replay compares nothing), when connections
close, AUTH and what else Redis keeps to itself, and how long anything took. The calls of scripts
(`[0 lua]`) are left out: a replay makes them itself. So is what was sent to another database than
0.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from models.resp.inline import split_words
from models.resp.typed import text_to_json
from sim.errors import InputError

_LINE: Final = re.compile(rb"(\d+)\.(\d{6}) \[(\d+) ([^\]]+|\[[^\]]*\]:\d+)\] (.*)", re.DOTALL)
_GREETINGS: Final = (b"OK", b"")


@dataclass(slots=True)
class Imported:
    """What was read, and what was left out."""

    commands: int = 0
    script_calls: int = 0
    other_databases: int = 0
    connections: dict[bytes, int] = field(default_factory=dict)


def events_of(lines: Iterable[bytes], file: str, told: Imported) -> Iterator[dict[str, Any]]:
    """The events in a MONITOR output. Raises `InputError` with file and line."""
    for number, written in enumerate(lines, 1):
        line = written.rstrip(b"\r\n").removeprefix(b"+")
        if line in _GREETINGS:
            continue
        found = _LINE.fullmatch(line)
        words = None if found is None else split_words(found[5])
        if found is None or not words:
            shown = line[:80].decode(errors="replace")
            raise InputError(f"{file}:{number}: expected a line of MONITOR, got {shown!r}")
        if found[4] == b"lua":
            told.script_calls += 1
            continue
        if found[3] != b"0":
            told.other_databases += 1
            continue
        told.commands += 1
        connection = told.connections.setdefault(found[4], len(told.connections) + 1)
        at = int(found[1]) * 1_000_000 + int(found[2])
        yield {
            "ev": "cmd", "seq": told.commands, "conn": connection, "t": at, "clk": at,
            "cmd": [text_to_json(word) for word in words], "reply": None,
        }  # fmt: skip


def lines_of(events: Iterable[dict[str, Any]], name: str) -> Iterator[str]:
    """A recording's lines, its header first."""
    yield json.dumps({"ev": "header", "session": name, "split": "imported", "lib": "MONITOR"})
    for event in events:
        yield json.dumps(event, ensure_ascii=False)
