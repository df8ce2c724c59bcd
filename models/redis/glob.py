"""Patterns of KEYS, SCAN, HSCAN, SSCAN, ZSCAN and PSUBSCRIBE, as Redis matches them.

Translated to regular expressions of Python: `*`, `?`, `[abc]`, `[^a-z]` and a backslash. Redis is
lenient about brackets: one that is never closed reaches to the end of the pattern.
"""

import re
from collections.abc import Callable
from functools import lru_cache


@lru_cache(maxsize=1024)
def matcher(pattern: bytes) -> Callable[[bytes], bool]:
    """Whether a name matches the pattern."""
    compiled = re.compile(_translated(pattern), re.DOTALL)
    return lambda name: compiled.fullmatch(name) is not None


def _translated(pattern: bytes) -> bytes:
    parts: list[bytes] = []
    at = 0
    while at < len(pattern):
        char = pattern[at : at + 1]
        at += 1
        if char == b"*":
            if parts[-1:] != [b".*"]:
                parts.append(b".*")
        elif char == b"?":
            parts.append(b".")
        elif char == b"[":
            part, at = _bracket(pattern, at)
            parts.append(part)
        else:
            if char == b"\\" and at < len(pattern):
                char = pattern[at : at + 1]
                at += 1
            parts.append(re.escape(char))
    return b"".join(parts)


def _bracket(pattern: bytes, at: int) -> tuple[bytes, int]:
    """The expression for a bracket whose inside begins at `at`, and where it ends."""
    negated = pattern[at : at + 1] == b"^"
    at += negated
    ranges: list[tuple[int, int]] = []
    while at < len(pattern) and pattern[at : at + 1] != b"]":
        if pattern[at : at + 1] == b"\\" and at + 1 < len(pattern):
            ranges.append((pattern[at + 1], pattern[at + 1]))
            at += 2
        elif pattern[at + 1 : at + 2] == b"-" and at + 2 < len(pattern):
            low, high = sorted((pattern[at], pattern[at + 2]))
            ranges.append((low, high))
            at += 3
        else:
            ranges.append((pattern[at], pattern[at]))
            at += 1
    inside = b"".join(b"\\x%02x-\\x%02x" % pair for pair in ranges)
    if not inside:
        return (b"." if negated else b"(?!)"), at + 1
    return b"[" + (b"^" if negated else b"") + inside + b"]", at + 1
