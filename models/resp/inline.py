"""Commands typed as a line of words, as Redis splits them (`sdssplitargs`)."""

from typing import Final

_BLANKS: Final = frozenset(b" \n\r\t\v\f")
_HEX: Final = frozenset(b"0123456789abcdefABCDEF")
_ESCAPES: Final = {ord("n"): 10, ord("r"): 13, ord("t"): 9, ord("b"): 8, ord("a"): 7}
_QUOTE: Final = ord('"')
_APOSTROPHE: Final = ord("'")
_BACKSLASH: Final = ord("\\")


def split_words(line: bytes) -> list[bytes] | None:
    r"""The words of a line; None when a quote is not closed, or something sticks to its end.

    Within double quotes, `\n`, `\xff` and the like are escapes; within single ones only `\'`. Like
    all C, it ends at the first zero byte.
    """
    line = line.partition(b"\0")[0]
    if b'"' not in line and b"'" not in line:
        return line.split()
    words: list[bytes] = []
    at = 0
    while True:
        while at < len(line) and line[at] in _BLANKS:
            at += 1
        if at >= len(line):
            return words
        word, at = _word(line, at)
        if at < 0:
            return None
        words.append(word)


def _word(line: bytes, at: int) -> tuple[bytes, int]:
    """The word that begins at a place, and where it ends; -1 for a quote that is not closed."""
    word = bytearray()
    while at < len(line) and line[at] not in _BLANKS:
        byte = line[at]
        at += 1
        if byte not in (_QUOTE, _APOSTROPHE):
            word.append(byte)
            continue
        at = _quoted(line, at, byte, word)
        if at < 0 or (at < len(line) and line[at] not in _BLANKS):
            return b"", -1
        break
    return bytes(word), at


def _quoted(line: bytes, at: int, quote: int, word: bytearray) -> int:
    """Take in what stands before the closing quote; the place behind it, or -1."""
    while at < len(line):
        byte = line[at]
        at += 1
        if byte == quote:
            return at
        if byte == _BACKSLASH and at < len(line):
            if quote == _QUOTE:
                byte, at = _escaped(line, at)
            elif line[at] == _APOSTROPHE:
                byte = _APOSTROPHE
                at += 1
        word.append(byte)
    return -1


def _escaped(line: bytes, at: int) -> tuple[int, int]:
    """The byte that the escape behind a backslash stands for, and the place behind it."""
    digits = line[at + 1 : at + 3]
    if line[at] == ord("x") and len(digits) == 2 and _HEX.issuperset(digits):
        return int(digits, 16), at + 3
    return _ESCAPES.get(line[at], line[at]), at + 1
