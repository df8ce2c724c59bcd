"""A recording of clients' traffic, checked: who sent what when, and what was answered.

The file is one JSON object per line (see docs/recordings.md). Only what a replay needs is kept
here; where the file lies, and reading it, is the front door's part.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from models.resp.typed import Typed, text_from_json
from sim.errors import InputError
from sim.units import NS_PER

_US: Final = NS_PER["us"]


class Sent(NamedTuple):
    """One thing that a client did."""

    at_ns: int
    """By the recorded clock, ns since 1970."""
    connection: int
    words: list[bytes] | None
    """The command; None: the connection was closed."""
    replies: list[Typed]
    """What was answered; empty when that was not recorded, or there was nothing."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What was recorded, in the order in which it happened."""

    sent: list[Sent] = field(default_factory=list)

    @property
    def began_ns(self) -> int:
        """When the first command was sent; 0 for an empty recording."""
        return self.sent[0].at_ns if self.sent else 0

    @property
    def commands(self) -> int:
        """How many commands there are."""
        return sum(entry.words is not None for entry in self.sent)


def read_recording(
    lines: Iterable[str], file: str, script: Callable[[str], bytes | None]
) -> Recording:
    """The recording in these lines; `script` finds the text of a script by its SHA1.

    Raises `InputError` with file and line.
    """
    sent = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            event = json.loads(line)
            entry = _entry(event, script)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"{file}:{number}: expected an event of a recording, got {line.strip()[:80]!r} "
                f"({type(error).__name__}: {error})"
            ) from error
        if entry is not None:
            sent.append(entry)
    # Sorting is stable, and keeps each connection's order even where clocks went back.
    return Recording(sorted(sent, key=lambda entry: entry.at_ns))


def _entry(event: dict[str, Any], script: Callable[[str], bytes | None]) -> Sent | None:
    kind = event["ev"]
    if kind == "close":
        return Sent(int(event["t"]) * _US, int(event["conn"]), None, [])
    if kind != "cmd":
        return None
    words = [_word(word, script) for word in event["cmd"]]
    if not words:
        raise ValueError("a command without words")
    reply = event.get("reply")
    replies = [] if reply is None else reply.get("multi", [reply])
    return Sent(int(event["t"]) * _US, int(event["conn"]), words, replies)


def _word(word: Any, script: Callable[[str], bytes | None]) -> bytes:
    if isinstance(word, dict) and "script" in word:
        body = script(word["script"])
        if body is None:
            raise ValueError(
                f"the text of script {word['script']} is in no file beside it, and in none of the "
                "packages that `lua_packages` names"
            )
        return body
    return text_from_json(word)
