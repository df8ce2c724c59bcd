"""Text of a run, put safely into what is written."""

from xml.etree import ElementTree

import pytest
from rich.text import Text

from reports.writing import (
    annotation,
    annotation_property,
    markdown,
    markdown_code,
    plain_text,
    printable,
    shortened,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET user:1", "GET user:1"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x00\x1b[31m", "\\x00\\x1b[31m"),
        ("a\u2028b\u00a0c", "a\\u2028b\\xa0c"),
        ("\ud800\uffff", "\\ud800\\uffff"),
        ("µ 日本 🙂", "µ 日本 🙂"),
    ],
)
def test_control_characters_are_shown_as_escapes(text: str, shown: str) -> None:
    """On one line, and nothing that moves a terminal's cursor."""
    assert printable(text) == shown


def test_printable_text_can_stand_in_xml() -> None:
    """Of the characters of the lower planes every one."""
    text = printable("".join(map(chr, range(0x1_0000))))
    element = ElementTree.Element("a", {"b": text})
    assert ElementTree.fromstring(ElementTree.tostring(element)).get("b") == text


def test_a_long_text_loses_its_middle() -> None:
    """Since both its ends tell."""
    assert shortened("tenant:user:profile:1", 12) == "tenan…file:1"
    assert shortened("short", 5) == "short"
    assert len(shortened("x" * 99, 10)) == 10


def test_markdown_is_not_forged() -> None:
    """Pipes, brackets and the like stand for themselves."""
    assert markdown("a|b [c](d) <e> `f` *g* _h_ ~i~\n") == (
        "a\\|b \\[c\\](d) \\<e\\> \\`f\\` \\*g\\* \\_h\\_ \\~i\\~\\\\n"
    )


def test_code_in_markdown_keeps_its_backticks_and_its_cell() -> None:
    """Longer quotes where there is a backtick inside."""
    assert markdown_code("a | b") == "`a \\| b`"
    assert markdown_code("a`b") == "`` a`b ``"


def test_workflow_commands_are_not_forged() -> None:
    """Percent signs and line ends everywhere, colons and commas in properties."""
    assert annotation("100%\r\n::error::x") == "100%25%0D%0A::error::x"
    assert annotation_property("a:b,c%\n") == "a%3Ab%2Cc%25%0A"


def test_plain_text_has_no_colour_and_no_trailing_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the environment asks for colour."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert plain_text(Text("red   ", style="bold red"), width=20) == "red\n"
