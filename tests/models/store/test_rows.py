"""Views of one key: what is present, and that a view never changes."""

import random
from typing import Any

from models.store.items import Items
from models.store.rows import (
    BARE,
    DELETED,
    HASH_FIELD,
    LIST_ITEM,
    MISSING,
    NEW_FORMAT,
    ONLY,
    STR,
    TTL,
    KeyView,
    Rows,
    RowWrites,
    StringRow,
    in_shape,
)

FAMILIES = (STR, TTL, HASH_FIELD, LIST_ITEM)


def plain(view: KeyView) -> dict[str, dict[Any, Any]]:
    """The rows, copied into dicts."""
    return {family: {id: ids[id] for id in ids} for family, ids in view.rows.items()}


def test_a_missing_key_has_no_rows() -> None:
    """Of a missing key nothing is present, and it never expires."""
    assert (MISSING.rows, MISSING.shape, MISSING.expiry) == ({}, 0, None)
    assert not MISSING.has(STR)
    assert MISSING.count(LIST_ITEM) == 0
    assert MISSING.only(BARE) is None


def test_shape_names_the_families() -> None:
    """The shape holds which families are present and whether the string row is a new one."""
    old = KeyView({STR: {ONLY: StringRow(b"v", False, None)}, TTL: {ONLY: 9}})
    new = KeyView({STR: {ONLY: StringRow(b"v", True, None)}, TTL: {ONLY: 9}})
    assert in_shape(old.shape) == in_shape(new.shape) == {STR, TTL}
    assert new.shape == old.shape | NEW_FORMAT
    assert old.shape != new.shape


def test_expiry_is_inline_in_new_strings_only() -> None:
    """A new string row holds the expiry itself; for all others the index row holds it."""
    index: Rows = {TTL: {ONLY: 9}}
    assert KeyView({STR: {ONLY: StringRow(b"v", True, 7)}, **index}).expiry == 7
    assert KeyView({STR: {ONLY: StringRow(b"v", True, None)}, **index}).expiry is None
    assert KeyView({STR: {ONLY: StringRow(b"v", False, None)}, **index}).expiry == 9
    assert KeyView({HASH_FIELD: {b"f": b"v"}, **index}).expiry == 9


def test_removing_what_is_not_there_does_nothing() -> None:
    """Neither of a family that is there, nor of one that is not."""
    for family, rows in ((HASH_FIELD, {2: b"y"}), (LIST_ITEM, Items([(2, b"y")]))):
        view = KeyView({family: rows})
        after = view.changed({(family, 0): DELETED, (STR, ONLY): DELETED, (family, 1): b"x"})
        assert plain(after) == {family: {2: b"y", 1: b"x"}}
    assert MISSING.changed({(LIST_ITEM, 0): DELETED}).rows == {}


def test_a_family_without_rows_is_gone() -> None:
    """With its last row a family leaves the shape."""
    view = KeyView({HASH_FIELD: {b"f": b"v"}, TTL: {ONLY: 9}})
    after = view.changed({(HASH_FIELD, b"f"): DELETED})
    assert not after.has(HASH_FIELD)
    assert in_shape(after.shape) == {TTL}


def test_a_row_written_anew_comes_last() -> None:
    """Rows keep the order of their last writing, which is that of a rewritten hash."""
    view = KeyView({HASH_FIELD: {b"f": b"1", b"g": b"2"}})
    after = view.changed({(HASH_FIELD, b"f"): b"3"})
    assert list(after.rows[HASH_FIELD]) == [b"g", b"f"]
    assert list(view.rows[HASH_FIELD]) == [b"f", b"g"]


def test_views_never_change() -> None:
    """Changing a view, again and again, leaves every earlier one as it was."""
    rng = random.Random(1)
    views = [MISSING]
    copies = [plain(MISSING)]
    for _ in range(500):
        views.append(rng.choice(views).changed(_random_writes(rng)))
        copies.append(plain(views[-1]))
    assert [plain(view) for view in views] == copies
    assert max(view.count(LIST_ITEM) for view in views) > 2


def _random_writes(rng: random.Random) -> RowWrites:
    writes: RowWrites = {}
    for _ in range(rng.randint(1, 6)):
        family = rng.choice(FAMILIES)
        id = ONLY if family in (STR, TTL) else rng.randrange(4)
        value: Any = StringRow(b"v", rng.random() < 0.5, None) if family == STR else 1
        writes[family, id] = DELETED if rng.random() < 0.4 else value
    return writes
