"""The first line of a script."""

import pytest

from models.script.shebang import split_shebang


def test_a_script_without_the_line_is_all_code() -> None:
    """Nothing is cut off."""
    assert split_shebang(b"return 1\n") == (b"return 1\n", frozenset(), None)


def test_the_code_keeps_its_line_numbers() -> None:
    """The line goes, its end stays."""
    code, flags, error = split_shebang(b"#!lua flags=no-writes,allow-stale\nreturn 1")
    assert (code, error) == (b"\nreturn 1", None)
    assert flags == {"no-writes", "allow-stale"}


@pytest.mark.parametrize(
    "line",
    [b"#!lua 'flags=no-writes'", b'#!"lua"  flags="no-writes"', b'#!lua flags="\\x6eo-writes"'],
)
def test_words_may_be_quoted(line: bytes) -> None:
    """As in an inline command."""
    assert split_shebang(line + b"\nreturn 1") == (b"\nreturn 1", {"no-writes"}, None)


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"#!lua", b"ERR Invalid script shebang"),
        (b"#!python\n", b"ERR Unexpected engine in script shebang: #!python"),
        (b"#! lua\n", b"ERR Unexpected engine in script shebang: #!"),
        (b"#!lua name=x\n", b"ERR Unknown lua shebang option: name=x"),
        (b"#!lua flags='quick\n", b"ERR Invalid engine in script shebang"),
        (b"#!lua flags=quick\n", b"ERR Unexpected flag in script shebang: quick"),
        (b"#!lua flags=no-writes,\n", b"ERR Unexpected flag in script shebang: "),
    ],
)
def test_a_line_that_makes_no_sense_is_refused_in_redis_words(line: bytes, error: bytes) -> None:
    """As the real server refuses it, which test_redis_parity asks."""
    assert split_shebang(line) == (b"", frozenset(), error)
