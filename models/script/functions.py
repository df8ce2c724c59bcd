"""Redis functions: libraries of Lua code, by name, and the functions that they register.

Knows nothing of Lua: a machine that runs its `listing` tells what a library registers.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha1
from typing import Final, NamedTuple

from models.replies import quoted
from models.resp.inline import split_words
from models.script.cache import Script

_NAME: Final = re.compile(rb"[A-Za-z0-9_]+")


class Function(NamedTuple):
    """What a library has registered."""

    name: bytes
    description: bytes | None
    flags: list[bytes]
    script: Script
    """What runs it."""


@dataclass(frozen=True, slots=True)
class Library:
    """A library's text, its first line included, and what it registers."""

    name: bytes
    code: bytes
    functions: tuple[Function, ...]


class BadLibrary(Exception):
    """A library that cannot be loaded; `text` is that of the error reply."""

    def __init__(self, text: bytes) -> None:
        super().__init__(text)
        self.text = text


class Functions:
    """The libraries that a node knows. All nodes know the same."""

    def __init__(self) -> None:
        self._libraries: dict[bytes, Library] = {}
        self._functions: dict[bytes, Function] = {}
        """By name in lower case, which is how Redis finds them."""

    def find(self, name: bytes) -> Function | None:
        """The function of this name; None if no library has registered it."""
        return self._functions.get(name.lower())

    def libraries(self) -> Iterator[Library]:
        """All libraries, in the order in which they were first loaded."""
        return iter(self._libraries.values())

    def check_name(self, name: bytes) -> None:
        """Raises `BadLibrary` if there is a library of this name."""
        if name in self._libraries:
            raise BadLibrary(b"ERR Library '%b' already exists" % name)

    def check(self, library: Library) -> None:
        """Raises `BadLibrary` if it cannot be added to these, in place of that of its name."""
        known = self._libraries.get(library.name)
        if not library.functions:
            raise BadLibrary(b"ERR No functions registered")
        own = () if known is None else known.functions
        for function in library.functions:
            other = self.find(function.name)
            if other is not None and other not in own:
                raise BadLibrary(b"ERR Function %b already exists" % function.name)

    def add(self, library: Library) -> None:
        """Add a library that was checked, in place of that of its name."""
        self.remove(library.name)
        self._libraries[library.name] = library
        self._functions |= {function.name.lower(): function for function in library.functions}

    def remove(self, name: bytes) -> bool:
        """Take away a library and its functions; False if there is none of this name."""
        library = self._libraries.pop(name, None)
        if library is None:
            return False
        for function in library.functions:
            self._functions.pop(function.name.lower(), None)
        return True

    def clear(self) -> None:
        """Take away all."""
        self._libraries.clear()
        self._functions.clear()


def library_name(code: bytes) -> bytes:
    """The name that the first line of a library gives it. Raises `BadLibrary`."""
    if not code.startswith(b"#!"):
        raise BadLibrary(b"ERR Missing library metadata")
    line, newline, _ = code.partition(b"\n")
    if not newline:
        raise BadLibrary(b"ERR Invalid library metadata")
    words = split_words(line)
    if words is None:
        raise BadLibrary(b"ERR Invalid library metadata")
    engine, *options = words
    name = None
    for option in options:
        if not option.lower().startswith(b"name="):
            raise BadLibrary(b"ERR Invalid metadata value given: " + quoted(option))
        if name is not None:
            raise BadLibrary(b"ERR Invalid metadata value, name argument was given multiple times")
        name = option[5:]
    if name is None:
        raise BadLibrary(b"ERR Library name was not given")
    if not _NAME.fullmatch(name):
        raise BadLibrary(
            b"ERR Library names can only contain letters, numbers, or underscores(_) and must be "
            b"at least one character long"
        )
    if engine[2:].lower() != b"lua":
        raise BadLibrary(b"ERR Engine '%b' not found" % quoted(engine[2:]))
    return name


def listing(code: bytes) -> Script:
    """What tells which functions a library registers: name, description and flags of each."""
    return _script(code, b"", no_writes=True)


def library(
    name: bytes, code: bytes, listed: list[tuple[bytes, bytes | None, list[bytes]]]
) -> Library:
    """A library, of what its `listing` told."""
    return Library(
        name,
        code,
        tuple(
            Function(name, description, flags, _script(code, name, no_writes=b"no-writes" in flags))
            for name, description, flags in listed
        ),
    )


def _script(code: bytes, function: bytes, *, no_writes: bool) -> Script:
    digest, name = sha1(code, usedforsecurity=False).hexdigest(), function.decode("latin-1")
    return Script(f"{digest} {name}", code, name, no_writes)
