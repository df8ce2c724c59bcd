"""The first line of a script, if it is `#!lua ...`: its options.

Knows nothing of Lua. Whether a flag is kept to (no-writes) is for the one who answers the calls.
"""

from typing import Final, NamedTuple

from models.replies import quoted
from models.resp.inline import split_words

FLAGS: Final = ("no-writes", "allow-oom", "allow-stale", "no-cluster", "allow-cross-slot-keys")
"""The flags Redis 7 knows."""

ENGINE: Final = b"#!lua"
OPTION: Final = b"flags="


class Header(NamedTuple):
    """What the first line says, and what remains to be compiled.

    `code` keeps the line's end, so that line numbers stay those of the text. `error` is the text of
    the error reply if the line cannot be understood; then `code` is empty.
    """

    code: bytes
    flags: frozenset[str]
    error: bytes | None


def split_shebang(body: bytes) -> Header:
    """Part a script's text into its options and its code."""
    if not body.startswith(b"#!"):
        return Header(body, frozenset(), None)
    end = body.find(b"\n")
    if end < 0:
        return _refused(b"ERR Invalid script shebang")
    words = split_words(body[:end])
    if words is None:
        return _refused(b"ERR Invalid engine in script shebang")
    engine, *options = words
    if engine != ENGINE:
        return _refused(b"ERR Unexpected engine in script shebang: " + quoted(engine))
    flags = set()
    for option in options:
        if not option.startswith(OPTION):
            return _refused(b"ERR Unknown lua shebang option: " + quoted(option))
        if option == OPTION:
            continue
        for flag in option[len(OPTION) :].split(b","):
            name = flag.decode("latin-1")
            if name not in FLAGS:
                return _refused(b"ERR Unexpected flag in script shebang: " + quoted(flag))
            flags.add(name)
    return Header(body[end:], frozenset(flags), None)


def declares_no_writes(body: bytes) -> bool:
    """Whether a script's text says that it does not write."""
    return body.startswith(b"#!") and "no-writes" in split_shebang(body).flags


def _refused(error: bytes) -> Header:
    return Header(b"", frozenset(), error)
