"""Hiding values in a recording, so that it can leave the house.

Every text that is no name of a command, key, number or option is replaced by a part of its SHA1.
Equal values stay equal. A script that looks into its values will answer something else.
"""

import hashlib
import re
from typing import Any, Final

from models.redis.commands import COMMANDS

_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf|\(.*|[\[].*")
_WORD: Final = re.compile(r"[A-Za-z]{1,12}|[*$+>~=-]|0-0|\d+-\d+")
_SCRIPTS: Final = ("EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "FCALL", "FCALL_RO")
_PLAIN: Final = (
    "HELLO",
    "CLIENT",
    "CONFIG",
    "COMMAND",
    "SCRIPT",
    "FUNCTION",
    "INFO",
    "SUBSCRIBE",
    "PSUBSCRIBE",
)


class Hashing:
    """Remembers which texts are keys, which stay as they are."""

    def __init__(self) -> None:
        self._keys: dict[str, None] = {}

    def hashed(self, event: dict[str, Any]) -> dict[str, Any]:
        """The event without its values."""
        changed = dict(event)
        if "cmd" in event:
            changed["cmd"] = self._command(event["cmd"])
        for name in ("reply", "msg"):
            if event.get(name) is not None:
                changed[name] = self._reply(event[name])
        return changed

    def _command(self, words: list[Any]) -> list[Any]:
        name = words[0].upper() if isinstance(words[0], str) else ""
        if name in _PLAIN:
            return words
        if name == "AUTH":
            return [words[0], *(_hash(word) for word in words[1:])]
        if name in _SCRIPTS and len(words) > 2 and str(words[2]).isdigit():
            first = 3 + int(words[2])
            self._keys.update((word, None) for word in words[3:first] if isinstance(word, str))
            return [*words[:first], *(self._value(word) for word in words[first:])]
        command = COMMANDS.get(name.encode())
        if command is not None and command.keys.first:
            first, last, step = command.keys
            last = last if last > 0 else len(words) + last
            for word in words[first : last + 1 : step]:
                if isinstance(word, str):
                    self._keys[word] = None
        return [words[0], *(self._value(word) for word in words[1:])]

    def _value(self, word: Any) -> Any:
        if isinstance(word, str) and (
            word in self._keys or _NUMBER.fullmatch(word) or _WORD.fullmatch(word) or not word
        ):
            return word
        return _hash(word)

    def _reply(self, reply: Any) -> Any:
        if isinstance(reply, list):
            return [self._reply(element) for element in reply]
        changed = {}
        for mark, value in reply.items():
            if mark in "$=" and value is not None:
                changed[mark] = self._value(value)
            elif isinstance(value, list):
                changed[mark] = self._reply(value)
            else:
                changed[mark] = value
        return changed


def _hash(word: Any) -> str:
    text = word if isinstance(word, str) else word["b64"]
    return "#" + hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()[:16]
