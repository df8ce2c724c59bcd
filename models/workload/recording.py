"""A recording of clients' traffic, checked: who sent what when, and what was answered.

The file is one JSON object per line (see docs/serving.md). Only what a replay needs is kept
here; where the file lies, and reading it, is the front door's part.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from models.resp.typed import Typed, check_typed, text_from_json
from sim.errors import InputError
from sim.units import NS_PER

_US: Final = NS_PER["us"]
_WHOLE_MAX: Final = 2**63 // _US - 1
"""Of an instant in us, so that its ns are an integer of 64 bits."""


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
    lines: Iterable[bytes], file: str, script: Callable[[str], bytes | None]
) -> Recording:
    """The recording in these lines; `script` finds the text of a script by its SHA1.

    Raises `InputError` with file and line.
    """
    sent: list[Sent] = []
    known = _Known()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = _entry(json.loads(line.decode()), known, script)
        except (ValueError, KeyError, RecursionError) as error:
            shown = line.strip()[:80].decode(errors="replace")
            raise InputError(
                f"{file}:{number}: expected an event of a recording, got {shown!r} ({_why(error)})"
            ) from error
        if entry is not None:
            sent.append(entry)
    if not any(entry.words for entry in sent):
        raise InputError(f"{file}: expected a recording, got one without any command")
    # Sorting is stable, and keeps each connection's order even where clocks went back.
    return Recording(sorted(sent, key=lambda entry: entry.at_ns))


def _why(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    if isinstance(error, json.JSONDecodeError):
        return f"no JSON: {error.msg}"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


class _Known:
    """What there was in the lines before."""

    def __init__(self) -> None:
        self.connections: set[int] = set()
        self.commands: set[int] = set()


def _entry(event: Any, known: _Known, script: Callable[[str], bytes | None]) -> Sent | None:
    """What an event says."""
    if not isinstance(event, dict):
        raise ValueError("expected an object")
    kind = event["ev"]
    if kind == "header":
        return None
    if kind not in ("cmd", "open", "close", "push"):
        raise ValueError(f"ev: expected header, open, close, cmd or push, got {kind!r}")
    at_ns, connection = _whole(event, "t") * _US, _whole(event, "conn")
    if kind == "close" and connection not in known.connections:
        raise ValueError(f"conn: {connection} was never opened")
    known.connections.add(connection)
    if kind == "close":
        return Sent(at_ns, connection, None, [])
    if kind != "cmd":
        return None
    for name in ("seq", "clk", "lat", "rseq", "rt"):
        if name in event:
            _whole(event, name)
    if event.get("seq") in known.commands:
        raise ValueError(f"seq: {event['seq']} is there twice, as in two recordings in one file")
    if "seq" in event:
        known.commands.add(event["seq"])
    if not isinstance(event["cmd"], list) or not event["cmd"]:
        raise ValueError(f"cmd: expected a list of texts, got {event['cmd']!r}")
    words = [_word(word, script) for word in event["cmd"]]
    return Sent(at_ns, connection, words, _replies(event.get("reply")))


def _whole(event: dict[str, Any], name: str) -> int:
    value = event[name]
    if type(value) is not int or not 0 <= value <= _WHOLE_MAX:
        raise ValueError(f"{name}: expected a whole number up to {_WHOLE_MAX}, got {value!r}")
    return value


def _replies(reply: Any) -> list[Typed]:
    if reply is None:
        return []
    several = reply["multi"] if isinstance(reply, dict) and "multi" in reply else [reply]
    if not isinstance(several, list):
        raise ValueError(f"reply: expected a list in multi, got {several!r}")
    for each in several:
        check_typed(each)
    return several


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
