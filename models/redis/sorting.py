"""SORT and SORT_RO. Replies are those of Redis 7 in the C locale, where texts compare as bytes.

Of a set or sorted set, what compares as equal comes in the order of the members, and not in that of
Redis's hash table, which differs from server to server. That Redis finds no numbers at all after
any command that met one out of range (it does not clear C's `errno`) is not repeated.
"""

from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from models.redis import reads
from models.redis.arguments import SYNTAX, integer, score
from models.redis.context import Context
from models.redis.encodings import set_members
from models.redis.partial_sort import sort_stretch
from models.redis.refused import Refused
from models.redis.state import Key, ListValue
from models.replies import WRONG_TYPE, ErrorReply, Reply

_NO_NUMBER: Final = ErrorReply(b"ERR One or more scores can't be converted into double")
_SMALLEST_NORMAL: Final = 2.0**-1022
_BLANKS: Final = b" \t\n\v\f\r"
_Keyed: TypeAlias = tuple[Any, bytes]
"""What an element is sorted by, and the element."""


@dataclass(slots=True)
class _Options:
    descending: bool = False
    alpha: bool = False
    start: int = 0
    count: int = -1
    by: bytes | None = None
    get: list[bytes] = field(default_factory=list)
    store: bytes | None = None

    def stretch(self, length: int) -> tuple[int, int]:
        """The first position that is shown, and the one after the last."""
        start = min(max(self.start, 0), length)
        return start, length if self.count < 0 else min(start + self.count, length)


def _options(args: list[bytes], *, storing: bool) -> _Options:
    options = _Options()
    rest = iter(args)
    left = len(args)
    for arg in rest:
        left -= 1
        word = arg.upper()
        if word in (b"ASC", b"DESC"):
            options.descending = word == b"DESC"
        elif word == b"ALPHA":
            options.alpha = True
        elif word == b"LIMIT" and left > 1:
            options.start, options.count = integer(next(rest)), integer(next(rest))
            left -= 2
        elif word in (b"STORE", b"BY", b"GET") and left and (storing or word != b"STORE"):
            argument = next(rest)
            left -= 1
            if word == b"GET":
                options.get.append(argument)
            elif word == b"BY":
                options.by = argument
            else:
                options.store = argument
        else:
            raise Refused(SYNTAX)
    return options


def _elements(context: Context, key: Key, kind: bytes) -> list[bytes]:
    if kind is reads.NONE:
        return []
    if kind is reads.LIST:
        return list(context.all_items(key))
    if kind is reads.SET:
        return set_members(context.load_set(key).data)
    if kind is reads.ZSET:
        return [member for _, member in context.load_zset(key).data.order]
    raise Refused(WRONG_TYPE)


def _looked_up(context: Context, pattern: bytes, element: bytes) -> bytes | None:
    """What a pattern leads to: the string, or the field behind `->`, of the key that it names."""
    if pattern.partition(b"\0")[0] == b"#":
        return element
    before, star, after = pattern.partition(b"*")
    if not star or b"\0" in before:
        return None
    arrow = after.partition(b"\0")[0].find(b"->")
    field_name = after[arrow + 2 :] if arrow >= 0 else b""
    in_hash = field_name.partition(b"\0")[0] != b""
    name = before + element + (after[:arrow] if in_hash else after)
    try:
        if in_hash:
            found: bytes | None = context.load_hash(context.key(name)).data.get(field_name)
        else:
            found = context.string(name)
    except Refused:
        return None
    return found


def _number(text: bytes) -> float:
    """What C's `strtod` makes of a text up to its first NUL; nothing is 0."""
    word = text.partition(b"\0")[0]
    value = score(word.lstrip(_BLANKS), _NO_NUMBER) if word else 0.0
    if 0 < abs(value) < _SMALLEST_NORMAL:
        raise Refused(_NO_NUMBER)
    return value


def _keyed(context: Context, options: _Options, element: bytes) -> _Keyed:
    if options.by is None:
        weight: bytes | None = element
    else:
        weight = _looked_up(context, options.by, element)
    if not options.alpha:
        return (0.0 if weight is None else _number(weight), element), element
    if weight is not None and options.store is None:
        weight = weight.partition(b"\0")[0]
    return (weight is not None, weight), element


def _in_order(context: Context, options: _Options, elements: list[bytes]) -> list[bytes]:
    keyed = [_keyed(context, options, element) for element in elements]
    start, end = options.stretch(len(keyed))
    sign = -1 if options.descending else 1
    if options.by is not None and end - start < len(keyed):
        sort_stretch(
            keyed,
            lambda one, other: sign * ((one[0] > other[0]) - (one[0] < other[0])),
            start,
            end - 1,
        )
    else:
        keyed.sort(key=lambda pair: pair[0], reverse=options.descending)
    return [element for _, element in keyed]


def _sort(context: Context, args: list[bytes], *, storing: bool) -> Reply:
    options = _options(args[2:], storing=storing)
    unsorted = options.by is not None and b"*" not in options.by.partition(b"\0")[0]
    key = context.key(args[1])
    kind = context.key_type(key)
    elements = _elements(context, key, kind)
    if unsorted and kind is reads.SET and (options.store is not None or context.from_script):
        unsorted, options.alpha, options.by = False, True, None
    if not unsorted:
        elements = _in_order(context, options, elements)
    elif options.descending and kind is not reads.SET:
        elements.reverse()
    start, end = options.stretch(len(elements))
    found: list[bytes | None] = list(elements[start:end])
    if options.get:
        shown = elements[start:end]
        found = [_looked_up(context, pattern, name) for name in shown for pattern in options.get]
    if options.store is None:
        return list(found)
    _store(context, options.store, [item or b"" for item in found])
    return len(found)


def _store(context: Context, name: bytes, values: list[bytes]) -> None:
    key = context.key(name)
    if values or context.exists(key):
        context.delete(key)
    if values:
        key.list = ListValue(exists=True, dirty=True, materialized=True, values=values)
        context.write(key)


def sort(context: Context, args: list[bytes]) -> Reply:
    """SORT key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC | DESC] [ALPHA]
    [STORE destination].
    """
    return _sort(context, args, storing=True)


def sort_ro(context: Context, args: list[bytes]) -> Reply:
    """SORT_RO: SORT without STORE."""
    return _sort(context, args, storing=False)
