"""Whether a text is a script."""

from models.script.syntax import syntax_error


def test_a_script_that_compiles_has_no_error() -> None:
    """Globals are not looked up: that is the run's affair."""
    assert (
        syntax_error(b"#!lua flags=no-writes\nreturn redis.call('GET', KEYS[1]) + nonsense") is None
    )


def test_an_error_names_the_line() -> None:
    """The words are Lua's."""
    assert syntax_error(b"local a = 1\nlocal = 2") == "user_script:2: '<name>' expected near '='"


def test_a_bad_first_line_is_an_error() -> None:
    """The words are Redis's, without the code."""
    assert syntax_error(b"#!awk\n") == "Unexpected engine in script shebang: #!awk"


def test_bytecode_is_no_script() -> None:
    """Loading it could crash the process."""
    assert syntax_error(b"\x1bLuaQ") == "user_script:1: unexpected symbol near 'char(27)'"
