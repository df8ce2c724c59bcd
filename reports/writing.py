"""Writing: text of a run put safely into what is written: terminals, Markdown, XML, annotations.

Keys, error replies and names may hold anything a client can send. Each form has characters that
would break it or forge a part of it; here they are escaped, and nowhere else. What is said is
decided by the callers.
"""

import re
from io import StringIO
from typing import Final

from rich.console import Console, RenderableType

_UNPRINTABLE: Final = re.compile(
    r"[^\S ]|[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]"
)
_MARKDOWN: Final = re.compile(r"([\\`*_\[\]<>|~])")


def printable(text: str) -> str:
    """The text on one line, control characters (and what XML cannot hold) as escapes."""
    return _UNPRINTABLE.sub(lambda found: repr(found[0])[1:-1], text)


def shortened(text: str, length: int) -> str:
    """The text in at most `length` characters: its middle makes room, since both ends tell."""
    if len(text) <= length:
        return text
    head = (length - 1) // 2
    return f"{text[:head]}…{text[len(text) - (length - 1 - head) :]}"


def markdown(text: str) -> str:
    """The text as it stands, inside a line or a table cell of Markdown."""
    return _MARKDOWN.sub(r"\\\1", printable(text))


def markdown_code(text: str) -> str:
    """The text as code, inside a line or a table cell of Markdown."""
    quoted = printable(text).replace("|", "\\|")
    return f"`` {quoted} ``" if "`" in quoted else f"`{quoted}`"


def annotation(text: str) -> str:
    """The text as the message of a GitHub workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def annotation_property(text: str) -> str:
    """The text as a property (file, title) of a GitHub workflow command."""
    return annotation(text).replace(":", "%3A").replace(",", "%2C")


def plain_text(view: RenderableType, *, width: int) -> str:
    """What rich would print, without any colour, in at most `width` columns."""
    file = StringIO()
    Console(file=file, width=width, color_system=None, legacy_windows=False).print(view)
    return "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines())
