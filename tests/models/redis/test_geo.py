"""Places: searches of all sizes everywhere on earth, to the last digit, as in Redis."""

import random
from collections.abc import Iterator

import pytest

from models.redis import table
from models.redis.geohash import Cell, Place, Shape, cell_of, place_of
from tests.models.redis.resp2 import Client
from tests.models.redis.scenes import empty_context

WITH = [b"WITHCOORD", b"WITHDIST", b"WITHHASH"]


def _number(value: float) -> bytes:
    return b"%.7f" % value


def _places(rng: random.Random, spread: float) -> Iterator[tuple[bytes, bytes]]:
    """Around one place, as far as there are places."""
    east, north = rng.uniform(-180, 180), rng.uniform(-85.05, 85.05)
    for _ in range(150):
        longitude = east + rng.gauss(0, spread)
        latitude = north + rng.gauss(0, spread / 2)
        yield _number((longitude + 180) % 360 - 180), _number(min(max(latitude, -85.05), 85.05))


@pytest.mark.parametrize("spread", [0.0001, 0.05, 1, 8, 60])
def test_searches(client: Client, spread: float) -> None:
    """Members, their order without sorting, ties, coordinates and distances are the same."""
    rng = random.Random(int(spread * 10_000))
    for _ in range(4):
        context = empty_context()
        places = list(_places(rng, spread))
        words = [part for n, place in enumerate(places) for part in (*place, b"m%d" % (n % 140))]
        filling = [[b"FLUSHALL"], [b"GEOADD", b"z", *words]]
        names = [b"m%d" % n for n in range(0, 150, 7)]
        asking = [[b"GEOPOS", b"z", *names], [b"GEOHASH", b"z", *names],
                  [b"GEODIST", b"z", names[0], names[1], b"mi"]]  # fmt: skip
        for _ in range(40):
            metres = 111_000 * spread * rng.choice([0.01, 0.1, 0.5, 1, 2, 5, 20])
            length = [_number(metres / 1000), _number(metres * rng.uniform(0.2, 3) / 1000)]
            shape = rng.choice([[b"BYRADIUS", length[0]], [b"BYBOX", *length]])
            centre = rng.choice([[b"FROMMEMBER", names[3]], [b"FROMLONLAT", *rng.choice(places)]])
            order = rng.choice([[], [], [b"ASC"], [b"DESC"]])
            count = rng.choice([[], [b"COUNT", b"9"], [b"COUNT", b"3", b"ANY"]])
            query = [*centre, *shape, b"km", *order, *count]
            asking += [[b"GEOSEARCH", b"z", *query, *rng.sample(WITH, rng.randrange(4))],
                       [b"GEOSEARCHSTORE", b"s", b"z", *query, b"STOREDIST"],
                       [b"ZRANGE", b"s", b"0", b"-1", b"WITHSCORES"]]  # fmt: skip
        for command in (*filling, *asking):
            assert table.call(context, command) == client.ask(*command), command


def test_what_is_no_place_has_one_all_the_same(client: Client) -> None:
    """Any score is read as bits of a place."""
    rng = random.Random(5)
    context = empty_context()
    scores = [b"-1", b"0.5", b"1e300", b"-inf", b"inf", b"1.8e19", b"9.3e18", b"-9.3e18"]
    scores += [b"%d" % rng.randrange(2**64) for _ in range(20)]
    words = [part for n, score in enumerate(scores) for part in (score, b"%d" % n)]
    names = words[1::2]
    for command in ([b"ZADD", b"z", *words], [b"GEOPOS", b"z", *names], [b"GEOHASH", b"z", *names],
                    [b"GEORADIUS", b"z", b"0", b"0", b"inf", b"m", b"WITHDIST"]):  # fmt: skip
        assert table.call(context, command) == client.ask(*command), command


def test_a_cell_holds_the_places_of_its_scores() -> None:
    """A place is within a cell's width of the one that its score stands for."""
    rng = random.Random(6)
    for _ in range(200):
        place = Place(rng.uniform(-180, 180), rng.uniform(-85, 85))
        cell = cell_of(place)
        first, after = cell.scores()
        assert after == first + 1
        assert place.distance(place_of(first)) < 1
        wider = cell_of(place, 7)
        lowest, end = wider.scores()
        assert lowest <= first < end
        assert wider.neighbour(1, 0).neighbour(-1, 0) == wider


def test_few_cells_are_searched() -> None:
    """A small shape in the middle of a cell needs no other; one near a corner needs four."""
    middle = place_of(Cell(5000, 9000, 15).scores()[0] + (1 << 21) + (1 << 20))
    assert len(list(Shape(middle, 10.0, 10.0, is_box=False).cells())) <= 4
    assert len(list(Shape(middle, 1e7, 1e7, is_box=False).cells())) >= 4
