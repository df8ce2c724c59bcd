"""How many bytes Redis's listpack takes: what decides when a node of a stream is full.

An element is encoded as an integer if it reads as one, else as text, and followed by its own
length, for walking backwards.
"""

from typing import Final

from models.redis.arguments import as_integer

EMPTY_BYTES: Final = 7
"""Header and end of a listpack without elements."""

_INTEGERS: Final = ((127, 0, 1), (4095, -4096, 2), (2**15 - 1, -(2**15), 3),
                    (2**23 - 1, -(2**23), 4), (2**31 - 1, -(2**31), 5))  # fmt: skip
"""Highest and lowest value that fit, and how many bytes they take."""
_LARGEST: Final = 9


def integer_bytes(value: int) -> int:
    """Bytes of an integer element."""
    for highest, lowest, size in _INTEGERS:
        if lowest <= value <= highest:
            return size + 1
    return _LARGEST + 1


def text_bytes(text: bytes) -> int:
    """Bytes of an element given as text."""
    value = as_integer(text)
    if value is not None:
        return integer_bytes(value)
    size = len(text)
    header = 1 if size < 64 else 2 if size < 4096 else 5
    return header + size + _length_bytes(header + size)


def _length_bytes(size: int) -> int:
    for count, limit in enumerate((128, 16383, 2097151, 268435455), start=1):
        if size < limit:
            return count
    return 5
