"""Commands typed as a line."""

import pytest

from models.resp.inline import split_words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"  set  a\tb ", [b"set", b"a", b"b"]),
        (rb'"a\x41\n\"\q" b', [b'aA\n"q', b"b"]),
        (rb"'it\'s\n'", [rb"it's\n"]),
        (b'""', [b""]),
        (b'a"b"', [b"ab"]),
        (b'"a"b', None),
        (b'"a', None),
        (b"'a", None),
        (b"a\0b 'c", [b"a"]),
        (b"", []),
        (rb'"\xzz"', [b"xzz"]),
    ],
)
def test_words_are_split_as_redis_splits_them(line: bytes, words: list[bytes] | None) -> None:
    """Quotes, escapes, and what is refused."""
    assert split_words(line) == words
