"""Validation errors in the words of an author: locations without unions, one text for each."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from readfence.complaints import complaints, nearest


class Strict(BaseModel):
    """Refuses unknown keys, as all of the schema does."""

    model_config = ConfigDict(extra="forbid")


class Cat(Strict):
    """One member of a union of mappings."""

    law: Literal["cat"]
    lives: Annotated[int, Field(strict=True, ge=0, le=9)]


class Dog(Strict):
    """The other one."""

    law: Literal["dog"]
    tricks: list[str] = []


class Box(Strict):
    """Either of two keys, never both."""

    left: int | None = None
    right: int | None = None

    @model_validator(mode="after")
    def _one(self) -> "Box":
        if (self.left is None) == (self.right is None):
            raise ValueError("expected either `left` or `right`")
        return self


class Model(Strict):
    """Every shape that the schema of scenarios has."""

    text: str = ""
    flag: Annotated[bool, Field(strict=True)] = False
    number: Annotated[int, Field(strict=True, gt=0, lt=10)] | None = None
    words: Annotated[list[str], Field(min_length=1, max_length=2)] = ["a"]
    either: Annotated[int, Field(strict=True)] | Literal["many", "few"] = "few"
    pets: list[Annotated[Cat | Dog, Field(discriminator="law")] | str] = []
    pet: Annotated[Cat | Dog, Field(discriminator="law")] | None = None
    mixed: str | list[str] | dict[str, str | Annotated[float, Field(strict=True)]] | None = None
    keyed: dict[Annotated[str, Field(pattern="^[a-z]$")], Cat] = {}
    named: str | Box | None = Field(default=None, alias="name")
    box: Box = Box(left=1)


def told(**content: Any) -> list[tuple[str, str]]:
    """The complaints about a content that is wrong."""
    with pytest.raises(ValidationError) as caught:
        Model.model_validate(content)
    return [
        (".".join(map(str, location)), text) for location, text in complaints(Model, caught.value)
    ]


@pytest.mark.parametrize(
    ("content", "location", "text"),
    [
        ({"text": 5}, "text", "expected text, got 5"),
        ({"text": None}, "text", "expected text, got nothing"),
        ({"text": ["a", None, True]}, "text", "expected text, got [a, null, true]"),
        ({"text": {"a": 1.5}}, "text", "expected text, got {a: 1.5}"),
        ({"text": list(range(99))}, "text",
         "expected text, got [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16..."),
        ({"number": 0}, "number", "expected more than 0, got 0"),
        ({"number": 10}, "number", "expected less than 10, got 10"),
        ({"number": True}, "number", "expected a whole number, got true"),
        ({"flag": "x"}, "flag", "expected a valid boolean, got 'x'"),
        ({"words": []}, "words", "expected at least one entry, got []"),
        ({"words": ["a", "b", "c"]}, "words", "expected at most 2 entries, got [a, b, c]"),
        ({"words": ["a", 2]}, "words.1", "expected text, got 2"),
        ({"words": "a"}, "words", "expected a list, got 'a'"),
        ({"box": {}}, "box", "expected either `left` or `right`, got none"),
        ({"box": {"left": 1, "right": 2}}, "box",
         "expected either `left` or `right`, got `left` and `right`"),
        ({"keyed": {"AB": {"law": "cat", "lives": 1}}}, "keyed.AB",
         "expected text that matches ^[a-z]$, got 'AB'"),
        ({"keyed": {"a": {"law": "cat", "lives": 10}}}, "keyed.a.lives",
         "expected 9 or less, got 10"),
    ],
    ids=str,
)  # fmt: skip
def test_a_plain_complaint(content: dict[str, Any], location: str, text: str) -> None:
    """What was expected, and what came as YAML would write it, shortened when it is long."""
    assert told(**content) == [(location, text)]


@pytest.mark.parametrize(
    ("content", "location", "text"),
    [
        ({"either": "mnay"}, "either", "expected a whole number or 'many' or 'few', got 'mnay'; "
                                       "did you mean 'many'?"),
        ({"either": 1.5}, "either", "expected a whole number or 'many' or 'few', got 1.5"),
        ({"mixed": 5}, "mixed", "expected text, a list or a mapping, got 5"),
        ({"mixed": ["a", 5]}, "mixed.1", "expected text, got 5"),
        ({"mixed": {"f": []}}, "mixed.f", "expected text or a number, got []"),
        ({"name": {"left": "x"}}, "name.left",
         "expected a whole number, got 'x'"),
        ({"name": 5}, "name", "expected text or a mapping, got 5"),
        ({"name": {"lft": 1, "left": 1}}, "name.lft", "unknown key; did you mean 'left'?"),
    ],
    ids=str,
)  # fmt: skip
def test_a_union_is_one_complaint(content: dict[str, Any], location: str, text: str) -> None:
    """Alternatives are listed, unless the value shows by its kind which one was meant."""
    assert told(**content) == [(location, text)]


def test_the_tag_of_a_union_is_no_part_of_the_location() -> None:
    """The names known are those of the member that was meant."""
    assert told(pet={"law": "dog", "lives": 1}) == [
        ("pet.lives", "unknown key; expected one of law, tricks")
    ]
    assert told(pets=["a", {"law": "cat", "tricks": []}]) == [
        ("pets.1.lives", "expected a value, got none"),
        ("pets.1.tricks", "unknown key; expected one of law, lives"),
    ]


def test_unknown_keys_of_the_top_level() -> None:
    """The nearest known name is offered; aliases are the names that count."""
    assert told(nam="x") == [("nam", "unknown key; did you mean 'name'?")]
    known = "box, either, flag, keyed, mixed, name, number, pet and 3 more"
    assert told(zzz=1) == [("zzz", f"unknown key; expected one of {known}")]


def test_all_complaints_are_told_in_the_order_of_the_schema() -> None:
    """None hides another, and two unions do not mix."""
    found = told(text=5, either=1.5, mixed=5, pets=[{"law": "cat", "lives": 10}, 5])
    assert [location for location, _ in found] == ["text", "either", "pets.0.lives", "pets.1",
                                                   "mixed"]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("clinets", ["clients", "think"], "; did you mean 'clients'?"),
        ("a", ["clients", "think"], ""),
        ("x", [], ""),
        ("same", ["same"], "; did you mean 'same'?"),
    ],
)
def test_the_nearest_name_is_offered_only_if_it_is_near(
    name: str, known: list[str], hint: str
) -> None:
    """A far-fetched one would mislead."""
    assert nearest(name, known) == hint
