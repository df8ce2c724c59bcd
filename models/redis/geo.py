"""Commands on sorted sets whose scores are places. Replies are those of Redis 7."""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, NamedTuple

from models.redis import extended, zsets
from models.redis.arguments import SYNTAX, integer, score
from models.redis.context import Context
from models.redis.geohash import (
    LATITUDE_MAX,
    LONGITUDE_MAX,
    Place,
    Shape,
    cell_of,
    place_of,
    text_of,
)
from models.redis.partial_sort import sort_stretch
from models.redis.refused import Refused
from models.redis.sorted_set import SortedSet
from models.replies import NULL_ARRAY, Double, ErrorReply, Reply, quoted

_UNITS: Final = {b"m": 1.0, b"km": 1000.0, b"ft": 0.3048, b"mi": 1609.34}
_NO_UNIT: Final = ErrorReply(b"ERR unsupported unit provided. please use M, KM, FT, MI")
_ORIGIN: Final = Place(0.0, 0.0)
_NO_MEMBER: Final = ErrorReply(b"ERR could not decode requested zset member")


def _place(longitude: bytes, latitude: bytes) -> Place:
    place = Place(score(longitude), score(latitude))
    if abs(place.longitude) > LONGITUDE_MAX or abs(place.latitude) > LATITUDE_MAX:
        raise Refused(ErrorReply(b"ERR invalid longitude,latitude pair %f,%f" % place))
    return place


def _unit(text: bytes) -> float:
    """How many metres it has."""
    metres = _UNITS.get(text.lower())
    if metres is None:
        raise Refused(_NO_UNIT)
    return metres


def _length(text: bytes, word: bytes) -> float:
    return score(text, ErrorReply(b"ERR need numeric " + word))


def _coordinates(place: Place) -> Reply:
    return [Double(extended.text_of(Fraction(degrees))) for degrees in place]


def _distance(metres: float) -> bytes:
    return b"%.4f" % metres


def _scores(context: Context, name: bytes) -> dict[bytes, float]:
    scores: dict[bytes, float] = context.load_zset(context.key(name)).data.scores
    return scores


def geoadd(context: Context, args: list[bytes]) -> Reply:
    """GEOADD key [NX | XX] [CH] longitude latitude member [...]."""
    at = 2
    while at < len(args) and args[at].upper() in (b"NX", b"XX", b"CH"):
        at += 1
    options = args[2:at]
    words = [option.upper() for option in options]
    if (len(args) - at) % 3 or (b"NX" in words and b"XX" in words):
        raise Refused(SYNTAX)
    scored: list[bytes] = []
    for i in range(at, len(args), 3):
        first, _ = cell_of(_place(args[i], args[i + 1])).scores()
        scored += [b"%d" % first, args[i + 2]]
    return zsets.zadd(context, [b"zadd", args[1], *options, *scored])


def geopos(context: Context, args: list[bytes]) -> Reply:
    """GEOPOS key [member ...]."""
    scores = _scores(context, args[1])
    return [
        _coordinates(place_of(scores[name])) if name in scores else NULL_ARRAY for name in args[2:]
    ]


def geohash(context: Context, args: list[bytes]) -> Reply:
    """GEOHASH key [member ...]."""
    scores = _scores(context, args[1])
    return [text_of(place_of(scores[name])) if name in scores else None for name in args[2:]]


def geodist(context: Context, args: list[bytes]) -> Reply:
    """GEODIST key member member [M | KM | FT | MI]."""
    if len(args) > 5:
        raise Refused(SYNTAX)
    metres = _unit(args[4]) if len(args) == 5 else 1.0
    scores = _scores(context, args[1])
    if args[2] not in scores or args[3] not in scores:
        return None
    one, other = place_of(scores[args[2]]), place_of(scores[args[3]])
    return _distance(one.distance(other) / metres)


# -- searching ------------------------------------------------------------------------------------


class _Found(NamedTuple):
    """A member within the shape."""

    distance: float
    member: bytes
    score: float
    place: Place


_SHOWN: Final[dict[bytes, Callable[[_Found, float], Reply]]] = {
    b"WITHDIST": lambda found, metres: _distance(found.distance / metres),
    b"WITHHASH": lambda found, metres: int(found.score),
    b"WITHCOORD": lambda found, metres: _coordinates(found.place),
}
"""What may be told of a member, in this order."""
_WHERE: Final = {b"FROMMEMBER": 2, b"FROMLONLAT": 3, b"BYRADIUS": 3, b"BYBOX": 4}
"""Options of GEOSEARCH alone, and how many words they take."""


def _sort(found: list[_Found], count: int, *, descending: bool) -> None:
    sign = -1 if descending else 1
    if 0 < count < len(found):
        sort_stretch(
            found,
            lambda one, other: (
                sign * ((one.distance > other.distance) - (one.distance < other.distance))
            ),
            0,
            count - 1,
        )
    else:
        found.sort(key=lambda item: item.distance, reverse=descending)


@dataclass(slots=True)
class _Search:
    """What is asked for, as far as it has been read."""

    members: SortedSet
    store: bytes | None = None
    by_distance: bool = False
    """Whether distances are stored."""
    centre: Place = _ORIGIN
    centre_by: bytes = b""
    """The word that said where it is."""
    size: tuple[float, float] = (0.0, 0.0)
    """In metres, from the centre on."""
    size_by: bytes = b""
    metres: float = 1.0
    """Of the unit."""
    descending: bool | None = None
    count: int = 0
    any: bool = False
    shown: tuple[bytes, ...] = ()
    """What is told of each member."""

    def at_member(self, member: bytes) -> None:
        """Search around a member."""
        if self.members:  # which no key is without
            if member not in self.members.scores:
                raise Refused(_NO_MEMBER)
            self.centre = place_of(self.members.scores[member])

    def in_circle(self, radius: bytes, unit: bytes) -> None:
        """Search so far around."""
        length = _length(radius, b"radius")
        if length < 0:
            raise Refused(ErrorReply(b"ERR radius cannot be negative"))
        self.metres = _unit(unit)
        self.size = length * self.metres, length * self.metres

    def in_box(self, width: bytes, height: bytes, unit: bytes) -> None:
        """Search in a box."""
        lengths = _length(width, b"width"), _length(height, b"height")
        if min(lengths) < 0:
            raise Refused(ErrorReply(b"ERR height or width cannot be negative"))
        self.metres = _unit(unit)
        self.size = self.metres * (lengths[0] / 2), self.metres * (lengths[1] / 2)

    def option(self, rest: list[bytes], *, storing: bool) -> int:
        """Read an option that every search has; how many words it takes, 0 for another one."""
        word = rest[0].upper()
        if word in (b"ASC", b"DESC"):
            self.descending = word == b"DESC"
        elif word == b"ANY":
            self.any = True
        elif word in _SHOWN:
            self.shown = (*self.shown, word)
        elif word == b"COUNT" and len(rest) > 1:
            self.count = integer(rest[1])
            if self.count <= 0:
                raise Refused(ErrorReply(b"ERR COUNT must be > 0"))
            return 2
        elif word in (b"STORE", b"STOREDIST") and storing and len(rest) > 1:
            self.store, self.by_distance = rest[1], word == b"STOREDIST"
            return 2
        else:
            return 0
        return 1

    def where(self, rest: list[bytes]) -> int:
        """Read an option of GEOSEARCH alone, likewise."""
        word = rest[0].upper()
        words = _WHERE.get(word, 0)
        if not 0 < words <= len(rest):
            return 0
        if word.startswith(b"FROM"):
            if self.centre_by not in (b"", word):
                return 0
            self.centre_by = word
        else:
            if self.size_by not in (b"", word):
                return 0
            self.size_by = word
        if word == b"FROMMEMBER":
            self.at_member(rest[1])
        elif word == b"FROMLONLAT":
            self.centre = _place(rest[1], rest[2])
        elif word == b"BYRADIUS":
            self.in_circle(rest[1], rest[2])
        else:
            self.in_box(rest[1], rest[2], rest[3])
        return words

    def check(self, *, name: bytes, stored_by: bytes, by_words: bool) -> None:
        """Refuse what does not go together."""
        problem = b""
        if self.store is not None and self.shown:
            problem = (
                stored_by + b" is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
            )
        elif by_words and not self.centre_by:
            problem = b"exactly one of FROMMEMBER or FROMLONLAT can be specified for " + name
        elif by_words and not self.size_by:
            problem = b"exactly one of BYRADIUS and BYBOX can be specified for " + name
        elif self.any and not self.count:
            problem = b"the ANY argument requires COUNT argument"
        if problem:
            raise Refused(ErrorReply(b"ERR " + quoted(problem)))

    def found(self) -> list[_Found]:
        """The members within the shape, as many and in the order that is asked for."""
        order = self.members.order
        shape = Shape(self.centre, *self.size, is_box=self.size_by == b"BYBOX")
        found: list[_Found] = []
        for cell in shape.cells():
            lowest, after = cell.scores()
            if self.any and len(found) >= self.count:
                break
            for value, member in order[bisect_left(order, (lowest,)) :]:
                if value >= after or (self.any and len(found) >= self.count):
                    break
                place = place_of(value)
                distance = shape.distance(place)
                if distance is not None:
                    found.append(_Found(distance, member, value, place))
        descending = self.descending
        if descending is None and self.count and not self.any:
            descending = False
        if descending is not None:
            _sort(found, self.count, descending=descending)
        return found[: self.count or None]


def _answer(context: Context, search: _Search) -> Reply:
    found = search.found() if search.members else []
    if search.store is not None:
        by_distance = search.by_distance
        scores = {
            item.member: item.distance / search.metres if by_distance else item.score
            for item in found
        }
        context.replace(search.store, "zset", SortedSet(scores))
        return len(found)
    shown = [tell for word, tell in _SHOWN.items() if word in search.shown]
    if not shown:
        return [item.member for item in found]
    return [[item.member, *(tell(item, search.metres) for tell in shown)] for item in found]


def _older(context: Context, args: list[bytes], *, of_member: bool, storing: bool) -> Reply:
    search = _Search(context.load_zset(context.key(args[1])).data)
    at = 5 if of_member else 6
    if not of_member:
        search.centre = _place(args[2], args[3])
        search.in_circle(args[4], args[5])
    elif search.members:
        search.at_member(args[2])
        search.in_circle(args[3], args[4])
    while at < len(args):
        words = search.option(args[at:], storing=storing)
        if not words:
            raise Refused(SYNTAX)
        at += words
    search.check(name=args[0], stored_by=b"STORE option in GEORADIUS", by_words=False)
    return _answer(context, search)


def georadius(context: Context, args: list[bytes]) -> Reply:
    """GEORADIUS key longitude latitude radius unit [WITHCOORD] [WITHDIST] [WITHHASH]
    [COUNT count [ANY]] [ASC | DESC] [STORE key | STOREDIST key].
    """
    return _older(context, args, of_member=False, storing=True)


def georadius_ro(context: Context, args: list[bytes]) -> Reply:
    """GEORADIUS_RO: GEORADIUS that does not store."""
    return _older(context, args, of_member=False, storing=False)


def georadiusbymember(context: Context, args: list[bytes]) -> Reply:
    """GEORADIUSBYMEMBER key member radius unit, and options as of GEORADIUS."""
    return _older(context, args, of_member=True, storing=True)


def georadiusbymember_ro(context: Context, args: list[bytes]) -> Reply:
    """GEORADIUSBYMEMBER_RO: GEORADIUSBYMEMBER that does not store."""
    return _older(context, args, of_member=True, storing=False)


def _newer(context: Context, args: list[bytes], at: int, store: bytes | None) -> Reply:
    search = _Search(context.load_zset(context.key(args[at])).data, store)
    at += 1
    while at < len(args):
        rest = args[at:]
        words = search.option(rest, storing=False) or search.where(rest)
        if store is not None and rest[0].upper() == b"STOREDIST":
            search.by_distance, words = True, 1
        if not words:
            raise Refused(SYNTAX)
        at += words
    search.check(name=args[0], stored_by=b"GEOSEARCHSTORE", by_words=True)
    return _answer(context, search)


def geosearch(context: Context, args: list[bytes]) -> Reply:
    """GEOSEARCH key FROMMEMBER member | FROMLONLAT longitude latitude, BYRADIUS radius unit |
    BYBOX width height unit [ASC | DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH].
    """
    return _newer(context, args, 1, None)


def geosearchstore(context: Context, args: list[bytes]) -> Reply:
    """GEOSEARCHSTORE destination, and what GEOSEARCH takes [STOREDIST]."""
    return _newer(context, args, 2, args[1])
