"""Replies as they stand in a recording: JSON that says which RESP type each value has.

`{"+": text}` status, `{"-": text}` error, `{":": number}`, `{"$": text or null}`, `{"*": [...]}`,
and RESP3's `_` `#` `,` `(` `!` `=` `%` (a list of pairs) `~` `>`. Text is a JSON string if it is
valid UTF-8, else `{"b64": ...}`.
"""

from base64 import b64decode, b64encode
from typing import Any, Final, TypeAlias

Typed: TypeAlias = dict[str, Any]

_TEXTS: Final = "+-"
_BULKS: Final = "$=!"
_LISTS: Final = "*~>"


class NotAReply(Exception):
    """What arrived is no RESP."""


def text_to_json(text: bytes) -> Any:
    """Bytes as a recording holds them."""
    try:
        return text.decode()
    except UnicodeDecodeError:
        return {"b64": b64encode(text).decode()}


def text_from_json(value: Any) -> bytes:
    """The bytes that a recording holds. Raises `ValueError` for anything else."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, dict) and isinstance(value.get("b64"), str):
        return b64decode(value["b64"], validate=True)
    raise ValueError(f"expected text or {{'b64': ...}}, got {value!r}")


def check_typed(reply: Any) -> None:
    """Raises `ValueError` for what is no reply."""
    if not isinstance(reply, dict) or len(reply) != 1:
        raise ValueError(f"expected a reply such as {{'+': 'OK'}}, got {reply!r}")
    ((mark, value),) = reply.items()
    if mark in ("$", "*", "_") and value is None:
        return
    if mark in (*_TEXTS, *_BULKS):
        text_from_json(value)
    elif mark in _LISTS and isinstance(value, list):
        for element in value:
            check_typed(element)
    elif mark == "%" and isinstance(value, list):
        for pair in value:
            if not isinstance(pair, list) or len(pair) != 2:
                raise ValueError(f"expected a pair, got {pair!r}")
            check_typed(pair[0])
            check_typed(pair[1])
    elif type(value) is not {":": int, "#": bool, ",": str, "(": str}.get(mark):
        raise ValueError(f"expected a reply such as {{'+': 'OK'}}, got {reply!r}")


def parse(data: bytes, at: int = 0) -> tuple[Typed, int] | None:
    """The reply that begins at a place, and where it ends; None when it is not all there.

    Raises `NotAReply`.
    """
    end = data.find(b"\r\n", at)
    if end < 0:
        return None
    mark, line, at = chr(data[at]), data[at + 1 : end], end + 2
    try:
        if mark in _TEXTS:
            return {mark: text_to_json(line)}, at
        if mark == ":":
            return {mark: int(line)}, at
        if mark in ",(":
            return {mark: line.decode()}, at
        if mark == "_":
            return {mark: None}, at
        if mark == "#":
            return {mark: line == b"t"}, at
        size = int(line)
    except ValueError as error:
        raise NotAReply(f"{mark}{line!r}") from error
    if mark in _BULKS:
        if size < 0:
            return {"$": None}, at
        text = data[at : at + size]
        return ({mark: text_to_json(text)}, at + size + 2) if len(data) >= at + size + 2 else None
    if mark in _LISTS and size < 0:
        return {"*": None}, at
    if mark in _LISTS:
        found = _elements(data, at, size)
        return None if found is None else ({mark: found[0]}, found[1])
    if mark == "%":
        found = _elements(data, at, 2 * size)
        if found is None:
            return None
        flat = found[0]
        return {mark: [list(pair) for pair in zip(flat[::2], flat[1::2], strict=True)]}, found[1]
    raise NotAReply(f"{mark}{line!r}")


def _elements(data: bytes, at: int, count: int) -> tuple[list[Typed], int] | None:
    elements = []
    for _ in range(count):
        found = parse(data, at)
        if found is None:
            return None
        element, at = found
        elements.append(element)
    return elements, at
