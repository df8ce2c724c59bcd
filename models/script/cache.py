"""The scripts a server knows, by the SHA1 of their text.

Knows nothing of Lua: a text is kept whether or not it compiles, and each machine compiles it for
itself.
"""

from dataclasses import dataclass
from hashlib import sha1
from typing import Final

from models.replies import ErrorReply
from models.script.shebang import declares_no_writes

NO_SCRIPT: Final = ErrorReply(b"NOSCRIPT No matching script. Please use EVAL.")
"""The reply to EVALSHA with a digest the cache does not know."""


@dataclass(frozen=True, slots=True)
class Script:
    """A script's text and its SHA1 in lower-case hexadecimal, which names it in error messages."""

    sha: str
    """Of a function, that of its library and its name: what a script is known by."""
    body: bytes
    function: str | None = None
    """The function to run, of the library that `body` is; "" tells which functions it registers."""
    no_writes: bool = False
    """Whether it says that it does not write: all its writes are refused."""

    @property
    def name(self) -> str:
        """What error messages call it."""
        return self.sha if self.function is None else self.function


class ScriptCache:
    """Scripts by digest. EVAL and SCRIPT LOAD put them in; SCRIPT FLUSH takes them out."""

    def __init__(self) -> None:
        self._by_sha: dict[bytes | str, Script] = {}
        # EVAL brings the whole text each time; its digest is computed once.
        self._by_body: dict[bytes, Script] = {}

    def load(self, body: bytes) -> Script:
        """The script of this text, new or known."""
        script = self._by_body.get(body)
        if script is None:
            sha = sha1(body, usedforsecurity=False).hexdigest()
            script = Script(sha, body, no_writes=declares_no_writes(body))
            self._by_body[body] = script
            self._by_sha[script.sha] = self._by_sha[script.sha.encode()] = script
        return script

    def find(self, sha: bytes | str) -> Script | None:
        """The script of this digest, in either case of letters; None if it was never loaded."""
        return self._by_sha.get(sha) or self._by_sha.get(sha.lower())

    def clear(self) -> None:
        """Forget every script."""
        self._by_sha.clear()
        self._by_body.clear()

    def __len__(self) -> int:
        return len(self._by_body)
