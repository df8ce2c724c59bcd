"""The items of a list: as a dict of them, but that no version of it changes."""

import random

import pytest

from models.store.items import Items


def content(items: Items) -> dict[int, bytes]:
    """Number and item of each."""
    return {number: items[number] for number in items}


@pytest.mark.parametrize("seed", range(4))
def test_items_are_put_and_taken_as_in_a_dict(seed: int) -> None:
    """Below zero, too, over many blocks; every earlier version stays what it was."""
    rng = random.Random(seed)
    items, twin = Items(), dict[int, bytes]()
    versions: list[tuple[Items, dict[int, bytes]]] = []
    for step in range(3_000):
        number = rng.randrange(-600, 600)
        if rng.random() < 0.5:
            items, twin = items.put(number, b"%d" % step), {**twin, number: b"%d" % step}
        else:
            items = items.without(number)
            twin = {other: item for other, item in twin.items() if other != number}
        assert (len(items), number in items) == (len(twin), number in twin)
        if step % 100 == 0:
            versions.append((items, twin))
    assert len(twin) > 400
    for version, its_twin in versions:
        assert content(version) == its_twin


def test_items_are_told_in_order_between_two_numbers() -> None:
    """Whatever blocks they lie in; one that is missing is an error."""
    items = Items((number, b"%d" % number) for number in range(-300, 900))
    for first, end in ((-300, 900), (-1, 1), (255, 257), (256, 512), (5, 5), (700, 701)):
        assert items.between(first, end) == [b"%d" % number for number in range(first, end)]
    with pytest.raises(KeyError):
        items.between(899, 901)


def test_what_is_empty_has_nothing() -> None:
    """As when the last item has gone."""
    assert not Items()
    assert not Items([(3, b"x")]).without(3)
    assert 3 not in Items([(4, b"x")])
