"""Places on earth as one number: the cells of a grid, halved in turn by longitude and latitude.

A score of 52 bits is a cell of the finest grid, and its place the middle of that cell. Doubles are
added and multiplied in Redis's order, so that every digit of a reply agrees.
"""

import math
from collections.abc import Iterator
from typing import Final, NamedTuple

LONGITUDE_MAX: Final = 180.0
LATITUDE_MAX: Final = 85.05112878
"""There are no places nearer to the poles."""
STEPS_MAX: Final = 26
"""How often each axis is halved for a score."""
_EARTH_RADIUS: Final = 6372797.560856
_DEGREE: Final = math.pi / 180.0
_MERCATOR_MAX: Final = 20037726.37
_FAR_NORTH: Final = 66
_FARTHEST_NORTH: Final = 80
_ALPHABET: Final = b"0123456789bcdefghjkmnpqrstuvwxyz"
_WORD: Final = 2**32


class Place(NamedTuple):
    """In degrees."""

    longitude: float
    latitude: float

    def distance(self, other: "Place") -> float:
        """Metres along the great circle."""
        half_up = math.sin((other.latitude * _DEGREE - self.latitude * _DEGREE) / 2)
        half_along = math.sin((other.longitude * _DEGREE - self.longitude * _DEGREE) / 2)
        narrowing = math.cos(self.latitude * _DEGREE) * math.cos(other.latitude * _DEGREE)
        root = math.sqrt(half_up * half_up + narrowing * half_along * half_along)
        return 2.0 * _EARTH_RADIUS * math.asin(min(root, 1.0))


class _Edges(NamedTuple):
    west: float
    south: float
    east: float
    north: float


class Cell(NamedTuple):
    """A cell of the grid of so many steps, counted from the south-west."""

    x: int
    y: int
    steps: int

    def bits(self) -> int:
        """Both counts, bit by bit in turn."""
        return _spread(self.x) << 1 | _spread(self.y)

    def scores(self) -> tuple[int, int]:
        """The lowest score of a place in it, and the one after the highest."""
        shift = 2 * (STEPS_MAX - self.steps)
        return self.bits() << shift, self.bits() + 1 << shift

    def neighbour(self, east: int, north: int) -> "Cell":
        """The cell so many to the east and north, around the world if need be."""
        count = 1 << self.steps
        x = (self.x + east) % count if east else self.x
        y = (self.y + north) % count if north else self.y
        return Cell(x, y, self.steps)

    def edges(self) -> _Edges:
        """Where it ends."""
        return _Edges(
            _degrees(self.x, self.steps, LONGITUDE_MAX),
            _degrees(self.y, self.steps, LATITUDE_MAX),
            _degrees((self.x + 1) % _WORD, self.steps, LONGITUDE_MAX),
            _degrees((self.y + 1) % _WORD, self.steps, LATITUDE_MAX),
        )


def _spread(count: int) -> int:
    return int(f"{count:b}", 4)  # a binary digit becomes one of base four: two bits


def _gathered(bits: int) -> int:
    return int(f"{bits:064b}"[1::2], 2)  # every second bit, down to the lowest


def _degrees(count: int, steps: int, most: float) -> float:
    return -most + (count * 1.0 / (1 << steps)) * (most + most)


def _count(degrees: float, steps: int, most: float) -> int:
    return int((degrees + most) / (most + most) * (1 << steps))


def cell_of(place: Place, steps: int = STEPS_MAX) -> Cell:
    """The cell in which a place lies."""
    x = _count(place.longitude, steps, LONGITUDE_MAX)
    return Cell(x, _count(place.latitude, steps, LATITUDE_MAX), steps)


def place_of(score: float) -> Place:
    """The place for which a score stands, if only by being a number."""
    bits = _as_unsigned(score)
    cell = Cell(_gathered(bits >> 1), _gathered(bits), STEPS_MAX)
    edges = cell.edges()
    return Place(
        min(max((edges.west + edges.east) / 2, -LONGITUDE_MAX), LONGITUDE_MAX),
        min(max((edges.south + edges.north) / 2, -LATITUDE_MAX), LATITUDE_MAX),
    )


def _as_unsigned(score: float) -> int:
    """A double as 64 bits, as processors of Intel's kind make them of those out of range."""
    if score < 2**63:
        return int(max(score, -(2.0**63))) % 2**64
    return int(score) if score < 2**64 else 0


def text_of(place: Place) -> bytes:
    """The geohash that others know, for which latitudes go up to 90 degrees."""
    x = _count(place.longitude, STEPS_MAX, LONGITUDE_MAX)
    bits = Cell(x, _count(place.latitude, STEPS_MAX, 90.0), STEPS_MAX).bits()
    letters = bytes(_ALPHABET[bits >> shift & 31] for shift in range(47, 0, -5))
    return letters + b"0"  # whose bits would be behind the last


class Shape(NamedTuple):
    """Where to search, in metres: in a circle around a place, or in a box around it."""

    centre: Place
    width: float
    """From the centre on."""
    height: float
    is_box: bool

    def distance(self, place: Place) -> float | None:
        """How far a place is from the centre; None outside."""
        if self.is_box:
            along = place.distance(Place(self.centre.longitude, place.latitude))
            up = place.distance(Place(place.longitude, self.centre.latitude))
            if along > self.width or up > self.height:
                return None
            return self.centre.distance(place)
        distance = self.centre.distance(place)
        return None if distance > self.width else distance

    def _edges(self) -> _Edges:
        up = self.height / _EARTH_RADIUS / _DEGREE
        latitude = self.centre.latitude
        nearer_pole = latitude - up if latitude < 0 else latitude + up
        along = self.width / _EARTH_RADIUS / math.cos(nearer_pole * _DEGREE) / _DEGREE
        longitude = self.centre.longitude
        return _Edges(longitude - along, latitude - up, longitude + along, latitude + up)

    def _reach(self) -> float:
        return math.hypot(self.width, self.height) if self.is_box else self.width

    def cells(self) -> Iterator[Cell]:
        """The cells to be searched, in Redis's order."""
        steps = _steps_for(self._reach(), self.centre.latitude)
        cell = cell_of(self.centre, steps)
        edges = self._edges() if steps > 1 else None
        if edges is not None and not _reaches(cell, edges):
            steps -= 1
            cell = cell_of(self.centre, steps)
        yield cell
        before = None
        for east, north in _AROUND:
            neighbour = cell.neighbour(east, north)
            useless = edges is not None and steps > 1 and _is_useless(cell, edges, east, north)
            if not useless and neighbour != before:
                yield neighbour
                before = neighbour


def _reaches(cell: Cell, edges: _Edges) -> bool:
    """Whether a shape with these edges lies within a cell and those around it."""
    return (
        cell.neighbour(0, 1).edges().north >= edges.north
        and cell.neighbour(0, -1).edges().south <= edges.south
        and cell.neighbour(1, 0).edges().east >= edges.east
        and cell.neighbour(-1, 0).edges().west <= edges.west
    )


def _is_useless(cell: Cell, edges: _Edges, east: int, north: int) -> bool:
    """Whether the shape in a cell does not reach the one so many to the east and north."""
    own = cell.edges()
    return (
        (east < 0 and own.west < edges.west)
        or (east > 0 and own.east > edges.east)
        or (north < 0 and own.south < edges.south)
        or (north > 0 and own.north > edges.north)
    )


_AROUND: Final = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1))
"""To the east and to the north."""


def _steps_for(reach: float, latitude: float) -> int:
    """The finest grid in which a cell and those around it hold everything that near."""
    if reach == 0:
        return STEPS_MAX
    steps = -1
    while reach < _MERCATOR_MAX:
        reach *= 2
        steps += 1
    if abs(latitude) > _FAR_NORTH:
        steps -= 1
    if abs(latitude) > _FARTHEST_NORTH:
        steps -= 1
    return min(max(steps, 1), STEPS_MAX)
