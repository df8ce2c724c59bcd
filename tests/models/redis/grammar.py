"""Command sequences, good and bad, drawn by hypothesis from a grammar of one line per command.

In a line, `word` is one of the draws below, `a|b` a choice, `[...]` may be left out, `{...}` comes
one to three times, `(...)` groups, capitals stand for themselves.

Everything is small, so that commands meet: two keys per type and one that may be of any. Times to
live lie at least 100 s apart and from now, so that what is alive and which of two is the later does
not depend on how long the comparison takes; they count up within a sequence, see `timed`.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from models.redis.key_states import MISSING_STATE, STATES, type_of

KEYS: Final = {
    "string": (b"s1", b"s2"), "hash": (b"h1", b"h2"), "list": (b"l1", b"l2"),
    "set": (b"u1", b"u2"), "zset": (b"z1", b"z2"), "stream": (b"x1", b"x2"),
}  # fmt: skip
ANY_KEYS: Final = (b"a", *(name for names in KEYS.values() for name in names))
"""All keys there are."""

_TEXTS = (b"", b"abc", b"\x00\xff\r\n", b"0", b"7", b"-3", b"x" * 40)
_FIELDS = (b"f1", b"f2", b"f3", b"10", b"", b"\x00\xff\r\n")
_MEMBERS = (b"m1", b"m2", b"m3", b"a", b"b", b"c", b"", b"\x00\xff", b"9", b"1", b"2")
_INTEGERS = (b"1", b"2", b"3", b"7", b"10", b"-5", b"9223372036854775807",
             b"-9223372036854775808", b"300")  # fmt: skip
_NUMBERS = (*_TEXTS, b"0", b"7", b"-3", b" 1", b"1 ", b"+1", b"01", b"-0", b"1.0", b"1e3", b"1.5",
            b"9007199254740993", b"9223372036854775806", b"9223372036854775807",
            b"-9223372036854775808", b"9223372036854775808", b"3.14159265358979",
            b"0x1f")  # fmt: skip
_FLOATS = (b"1", b"-1", b"0.1", b"3.0e3", b"1e-5", b"-1.5", b"1e17", b".5", b"5.", b"inf",
           b"-inf", b"nan", b"abc", b"", b" 1", b"1 ", b"0x10", b"1e30",
           b"123456789.123456789", b"+2", b"1e-30", b"1_0", b"9007199254740993")  # fmt: skip
_SCORES = (b"1", b"1", b"2", b"2", b"3", b"-1.5", b"3.0", b".5", b"1.", b"0.1", b"-0", b"0",
           b"1e22", b"1e17", b"7350000000000001", b"123456789012345678", b"5e-324", b"inf", b"+inf",
           b"-inf", b"Infinity")  # fmt: skip
_BAD_SCORES = (b"nan", b"1e400", b"1e-400", b"0x10", b"0x", b"", b" 1", b"1 ", b"1_0", b"one",
               b"1e", b"--1", b"1\x00")  # fmt: skip
_BOUNDS = (b"-inf", b"+inf", b"(1", b"1", b"2", b"(2", b"3", b"(-inf", b"-1.5", b"0", b"(0.1",
           b"1e17")  # fmt: skip
_BAD_BOUNDS = (
    b"",
    b"(",
    b"nan",
    b"(nan",
    b"x",
    b" 1",
    b"1 ",
    b"1e999",
    b"(1e999",
    b"0x2",
    b"1\x00x",
)
_LEX = (b"-", b"+", b"[a", b"(a", b"[b", b"(b", b"[c", b"[m1", b"(m2", b"[", b"(")
_BAD_LEX = (b"a", b"", b"-x", b"+x")
_INDEXES = (b"0", b"1", b"2", b"-1", b"-2", b"5", b"-5", b"100", b"-100")
_COUNTS = (b"0", b"1", b"1", b"2", b"5")
_IDS = (b"1-1", b"1-2", b"2-0", b"2-1", b"3", b"3-5", b"5-0", b"5-5", b"9-9", b"0-1", b"0")
_NEW_IDS = (*_IDS, b"4-*", b"5-*", b"9-*", b"18446744073709551615-1")
_BAD_IDS = (b"-", b"+", b"x", b"1-", b"-1", b"1-x", b"1--1", b"18446744073709551616", b"(1", b"",
            b"1-1-1", b"01-01", b"+1", b" 1", b"*", b"$", b">",
            b"18446744073709551615-18446744073709551615")  # fmt: skip
_PATTERNS = (b"*", b"s?", b"[sh]1", b"[^s]*", b"h*", b"f[1-2]", b"m\\1", b"x", b"", b"*1", b"[a-",
             b"?[", b"f**3", b"[z-a]1", b"\\", b"[]", b"[^]")  # fmt: skip
_MESS = (b"", b"-1", b"\x00", b"a", b"NX", b"KEEPTTL", b"77777777", b"abc", b"COUNT", b"LIMIT",
         b"0", b"1.5", b"WITHSCORES", b"9223372036854775808")  # fmt: skip

_POOLS: Final[dict[str, tuple[bytes, ...]]] = {
    "text": _TEXTS, "field": _FIELDS, "member": _MEMBERS, "integer": _INTEGERS, "number": _NUMBERS,
    "float": _FLOATS, "score": _SCORES, "bound": _BOUNDS, "lex": _LEX, "index": _INDEXES,
    "count": _COUNTS, "pattern": _PATTERNS,
    "id": _IDS, "newid": _NEW_IDS, "anyid": (*_IDS, b"-", b"+", b"(1-1", b"(2-1", b"(9-9"),
    "score_or_worse": (*_SCORES, *_BAD_SCORES), "bound_or_worse": (*_BOUNDS, *_BAD_BOUNDS),
    "lex_or_worse": (*_LEX, *_BAD_LEX), "id_or_worse": (*_IDS, *_BAD_IDS),
    "element": (b"a", b"b", b"c", b"", b"\x00\xff\r\n", b"7", b"1", b"2"),
    "type": (b"u1", b"u4", b"i5", b"i8", b"u8", b"i1", b"u63", b"i64"),
    "badtype": (b"u64", b"i65", b"x8", b"u0", b"I8", b"i"),
    "at": (b"0", b"1", b"5", b"17", b"#0", b"#1", b"#3"), "badat": (b"-1", b"#-1", b"#", b"##1"),
    "database": (b"0", b"0", b"0", b"1", b"-1", b"X", b"2147483648"),
    "east": (*(b"13.361389", b"15.087269", b"13.5", b"-179.9", b"180", b"0", b"-0.001") * 3, b"x"),
    "north": (*(b"38.115556", b"37.502669", b"38.2", b"-85.05", b"85.05112878", b"0") * 3, b"90"),
    "far": (*(b"0", b"100", b"200", b"5000", b"1e6", b"1e7", b"3e7", b"0.5", b"inf") * 3, b"-1",
            b"x"),
    "unit": (*(b"m", b"km", b"KM", b"ft", b"mi", b"km") * 3, b"yd"),
    "by": (b"s*", b"h*->f1", b"*", b"#", b"l*", b"h*->", b"constant"),
    "got": (b"s*", b"h*->f1", b"#", b"#", b"*1", b"h*->", b"*->f2", b"constant"),
    "small": (b"0", b"1", b"2", b"3"), "bit": (b"0", b"1", b"1", b"2"),
    "offset": (b"0", b"1", b"5", b"7", b"20", b"-1"),
    "group": (b"g1", b"g1", b"g1", b"g2"), "consumer": (b"c1", b"c2"),
    "idle": (b"0", b"0", b"250000", b"-1"), "set_idle": (b"150000", b"350000", b"0"),
    "retries": (b"0", b"3", b"-1"), "block": (b"0", b"10", b"-1", b"x", b"1.5"),
    "timeout": (b"0", b"0.01", b"1e-3", b"3", b"-1", b"abc", b"inf", b"nan"),
    "channel": (b"news",),
}  # fmt: skip


class Timed(NamedTuple):
    """A time that is filled in when the sequence is complete."""

    unit_ms: int
    absolute: bool
    ahead: int
    """How many steps of 100 s from now, at least; below 1 for a time that has passed."""


_TIMES: Final = {
    "seconds": (1000, False), "ms": (1, False), "at_seconds": (1000, True), "at_ms": (1, True),
}  # fmt: skip
_BAD_TIMES: Final = (b"0", b"-1", b"abc", b"", b"1.5", b"9223372036854775807",
                     b"99999999999999999999", b"-9223372036854775808", b"9223372036854775",
                     b"9223372036854776")  # fmt: skip

Word = bytes | Timed
Words = list[Word]

_TOKEN: Final = re.compile(r"[\[\](){}|]|[^\s\[\](){}|]+")


class _Parser:
    """Turns a line of the grammar into a strategy."""

    def __init__(self, line: str, kind: str) -> None:
        self._tokens = _TOKEN.findall(line)
        self._at = 0
        self._kind = kind

    def whole(self) -> SearchStrategy[Words]:
        """The strategy of the whole line."""
        made = self._choice()
        assert self._at == len(self._tokens), f"not understood: {self._tokens[self._at :]}"
        return made

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _choice(self) -> SearchStrategy[Words]:
        options = [self._row()]
        while self._peek() == "|":
            self._at += 1
            options.append(self._row())
        return options[0] if len(options) == 1 else st.one_of(options)

    def _row(self) -> SearchStrategy[Words]:
        parts = []
        while self._peek() not in ("", "|", "]", ")", "}"):
            parts.append(self._part())
        if len(parts) == 1:
            return parts[0]
        return st.tuples(*parts).map(lambda rows: [word for row in rows for word in row])

    def _part(self) -> SearchStrategy[Words]:
        token = self._tokens[self._at]
        self._at += 1
        if token in "[({":
            inside = self._choice()
            self._at += 1
            if token == "[":
                return st.one_of(st.just([]), inside)
            if token == "{":
                many = st.lists(inside, min_size=1, max_size=3)
                return many.map(lambda rows: [word for row in rows for word in row])
            return inside
        return _draw(token, self._kind)


def _draw(token: str, kind: str) -> SearchStrategy[Words]:
    if token == "key":
        own = KEYS.get(kind, ANY_KEYS)
        return st.sampled_from([[name] for name in (*own * 20, b"a", *ANY_KEYS)])
    if token in KEYS:
        return st.sampled_from([[name] for name in KEYS[token]])
    if token in _TIMES:
        unit_ms, absolute = _TIMES[token]
        times = [Timed(unit_ms, absolute, ahead) for ahead in (1, 1, 2, 3, -3)]
        return st.sampled_from([[time] for time in (*times * 3, *_BAD_TIMES)])
    if token in _POOLS:
        return st.sampled_from([[word] for word in _POOLS[token]])
    assert token == token.upper() or token in ("x1", "g1", "l1", "s2"), f"no draw {token!r}"
    return st.just([token.encode()])


def timed(sequence: list[Words], now_ms: int) -> list[list[bytes]]:
    """The sequence with its times filled in, no two of them equal and none close to another."""
    taken: dict[int, None] = {}
    filled = []
    for words in sequence:
        line = []
        for word in words:
            if isinstance(word, Timed):
                step = word.ahead
                while step in taken:
                    step += 1 if step > 0 else -1
                taken[step] = None
                ms = step * 100_000 + (now_ms if word.absolute else 0)
                line.append(b"%d" % (ms // word.unit_ms))
            else:
                line.append(word)
        filled.append(line)
    return filled


@st.composite
def _spoiled(draw: st.DrawFn, command: Words) -> Words:
    """A command with one thing wrong."""
    if len(command) == 1:
        return [*command, draw(st.sampled_from(_MESS))]
    at = draw(st.integers(1, len(command) - 1))
    how = draw(st.integers(0, 3))
    if how == 0:
        return command[:-1]
    if how == 1:
        return [*command[:at], *command[at + 1 :]]
    stray = draw(st.sampled_from(_MESS))
    return [*command[:at], stray, *command[at + (how == 2) :]]


def _commands(table: dict[str, dict[str, str]]) -> Iterator[tuple[bytes, SearchStrategy[Words]]]:
    for kind, lines in table.items():
        for name, line in lines.items():
            arguments = _Parser(line, kind).whole() if line else st.just([])
            head = name.encode().split()
            spelled = [[word.lower() for word in head], *[head] * 3]
            yield (
                name.encode(),
                st.tuples(st.sampled_from(spelled), arguments).map(
                    lambda parts: [*parts[0], *parts[1]]
                ),
            )


def sequences(
    table: dict[str, dict[str, str]], first: tuple[str, ...], size: int
) -> SearchStrategy[list[Words]]:
    """Up to `size` commands of a table (per type of key, a line per command), one in
    sixteen spoiled; before them most of those in `first`, which fill keys.
    """
    every = dict(_commands(table))
    good = st.sampled_from(list(every)).flatmap(lambda name: every[name])
    nothing: SearchStrategy[Words] = st.just([])

    def line_of(chance: int) -> SearchStrategy[Words]:
        # What shrinks first is left out, so that a minimal sequence has few commands.
        return nothing if chance == 0 else good if chance < 16 else good.flatmap(_spoiled)

    line = st.integers(0, 16).flatmap(line_of)
    fillings = [
        _Parser(line.partition(" ")[2], "any")
        .whole()
        .map(lambda words, line=line: [line.partition(" ")[0].encode(), *words])
        for line in first
    ]
    some = [st.one_of(st.just([]), filling, filling, filling) for filling in fillings]
    return st.tuples(*some, *[line] * size).map(lambda lines: [words for words in lines if words])


def scenes() -> SearchStrategy[dict[bytes, str]]:
    """Traced states for some of the keys, as scenarios may put them in."""
    states = [state for state in STATES if state not in (MISSING_STATE, "hll")]
    choices = {
        names[0]: st.sampled_from([None, None, *(s for s in states if type_of(s) == kind)])
        for kind, names in KEYS.items()
    }
    every = st.fixed_dictionaries({**choices, b"a": st.sampled_from([None, *states])})
    return every.map(lambda drawn: {name: state for name, state in drawn.items() if state})
