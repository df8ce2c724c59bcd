"""Where values stand in a file, and what options do to them."""

from pathlib import Path

import pytest

from readfence.places import VALUES_MAX, Document, Location
from sim.errors import InputError

TEXT = """\
a: 1
group:
  name: x
  parts:
    - {p: 1}
    - p: 2
      q: |
        first
        second
      r: >
        folded
list: [1,
       2]
base: &base
  deep: {er: 1}
merged:
  <<: *base
  own: 2
true: yes
5: five
"""


def document(text: str = TEXT) -> Document:
    """The text as `f.yaml`."""
    return Document(Path("f.yaml"), text)


@pytest.mark.parametrize(
    ("location", "line"),
    [
        ((), None),
        (("a",), 1),
        (("group", "name"), 3),
        (("group", "parts"), 4),
        (("group", "parts", 0, "p"), 5),
        (("group", "parts", 1), 6),
        (("group", "parts", 1, "q"), 7),
        (("list", 0), 12),
        (("list", 1), 13),
        (("true",), 19),
        (("5",), 20),
        (("group", "missing"), 2),
        (("group", "parts", 7, "p"), 4),
        (("a", "below", "a", "number"), 1),
        (("missing", "altogether"), None),
        (("merged", "own"), 18),
        (("merged", "deep"), 16),
        (("merged", "deep", "er"), 15),
    ],
    ids=str,
)
def test_the_line_is_that_of_the_nearest_thing_that_stands_there(
    location: Location, line: int | None
) -> None:
    """Down to the value, or as far as the file knows the way; merged keys lie in their mapping."""
    assert document().line(location) == line
    assert document().place(location) == ("f.yaml" if line is None else f"f.yaml:{line}")


def test_a_list_of_one_may_stand_without_the_list() -> None:
    """Locations with its position lead to the same place, and are shown as written."""
    assert document().line(("group", 0, "name")) == 3
    assert document().as_written(("group", 0, "name")) == ("group", "name")
    assert document().as_written(("group", "parts", 0, "p")) == ("group", "parts", 0, "p")


@pytest.mark.parametrize(
    ("location", "line", "at"),
    [
        (("group", "parts", 1, "q"), 2, 9),
        (("group", "parts", 1, "r"), 1, None),
        (("a",), 1, None),
        (("group", "parts", 1, "s"), 1, None),
        (("missing",), 1, None),
    ],
    ids=["block", "folded", "number", "not there", "nowhere"],
)
def test_lines_of_a_block_have_lines_of_the_file(
    location: Location, line: int, at: int | None
) -> None:
    """In other texts the file's lines are not the text's."""
    assert document().line_of_text(location, line) == at


def test_content_is_plain() -> None:
    """Keys are text as YAML writes it; numbers are numbers; merge keys are merged."""
    content = document("{7: 0x10, true: 1_000, null: .5, d: 2020-01-01, e: [], f: {}}").content
    assert content == {"7": 16, "true": 1000, "null": 0.5, "d": "2020-01-01", "e": [], "f": {}}
    assert [type(value) for value in content.values()] == [int, int, float, str, list, dict]
    assert document().content["merged"] == {"deep": {"er": 1}, "own": 2}


def test_the_number_of_values_is_limited() -> None:
    """Aliases count as often as they are used: a file of a few lines may come to millions."""
    row = "[" + "1, " * 98 + "1]"  # 100 values with the list itself
    aliases = (VALUES_MAX - 102) // 100  # 102: the mapping, the first row, the list of aliases
    text = f"a: &a {row}\nb: [" + "*a, " * aliases + "]\n"
    assert len(document(text).content["b"]) == aliases
    with pytest.raises(InputError, match="expected at most 100,000 values, got more"):
        document(text.replace("[*a,", "[*a, *a,"))


# -- options ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("assignment", "location", "value"),
    [
        ("a=2", ("a",), 2),
        ("a=", ("a",), None),
        ("a=x=y", ("a",), "x=y"),
        ("new.and.deep=[1, 2]", ("new", "and", "deep"), [1, 2]),
        ("group.parts.1.p=true", ("group", "parts", 1, "p"), True),
        ("list.0={b: 1}", ("list", 0), {"b": 1}),
        ("group.parts.1.new.deep=1", ("group", "parts", 1, "new", "deep"), 1),
    ],
)
def test_an_option_sets_a_value(assignment: str, location: Location, value: object) -> None:
    """It is read as YAML; mappings on the way are made."""
    doc = document()
    doc.override(assignment, option=f"--set {assignment}")
    at: object = doc.content
    for part in location:
        at = at[part]  # type: ignore[index]
    assert at == value
    assert doc.place(location) == f"--set {assignment}"
    assert doc.line(location) is None


def test_a_list_of_one_needs_no_position() -> None:
    """Neither where the list is written nor where it is not."""
    doc = document("list: [{p: [{q: 1}]}]\n")
    doc.override("list.p.q=2", option="--set")
    doc.override("list.0.p.0.r=3", option="--set")
    assert doc.content == {"list": [{"p": [{"q": 2, "r": 3}]}]}


def test_the_last_of_two_options_is_named() -> None:
    """It is the one that holds."""
    doc = document()
    doc.override("a=1", option="--set a=1")
    doc.override("a=2", option="--set a=2")
    assert (doc.content["a"], doc.place(("a",))) == (2, "--set a=2")


def test_an_option_is_named_for_what_lies_beside_its_value() -> None:
    """What is wrong around it is wrong because of it, unless the file knows more of the place."""
    doc = document()
    doc.override("new.one=1", option="--set new.one=1")
    doc.override("group.parts.0.x=1", option="--set x")
    assert doc.place(("new", "other")) == "--set new.one=1"
    assert doc.place(("new",)) == "--set new.one=1"
    assert doc.place(("group", "parts", 0, "p")) == "f.yaml:5"
    assert doc.place(("group", "parts", 0, "missing")) == "f.yaml:5"
    assert doc.place(("group", "parts", 0, "x", "below")) == "--set x"


def test_missing_counts_the_parts_that_stand_nowhere() -> None:
    """Neither in the file nor in an option."""
    doc = document()
    doc.override("new.one=1", option="--set")
    assert doc.missing(("a",)) == 0
    assert doc.missing(("group", 0, "name")) == 0
    assert doc.missing(("group", "no", "where")) == 2
    assert doc.missing(("new", "one", "below")) == 1
    assert doc.missing(("no", "where")) == 2


def test_a_copy_is_changed_alone() -> None:
    """The one it was made of keeps its values and its places; the copy knows who set what."""
    doc = document("group:\n  a: 1\n  b: [1, 2]\n")
    twin = doc.copy()
    twin.put(["group", "a"], 5, option="a sweep")
    twin.put(["group", "b", "1"], 7, option="a sweep")
    assert twin.content == {"group": {"a": 5, "b": [1, 7]}}
    assert doc.content == {"group": {"a": 1, "b": [1, 2]}}
    assert twin.place(("group", "a")) == "a sweep"
    assert doc.place(("group", "a")).endswith(":2")
