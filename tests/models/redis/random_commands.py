"""Random commands, good and bad, for comparing the model's replies with a real server's.

All expiries drawn in one sequence lie at least 100 s apart and away from now, so that what is alive
and which of two expires first does not depend on how long the comparison takes.
"""

import random
from collections.abc import Callable

from models.redis.table import COMMANDS

KEYS = (b"a", b"b", b"c")
_FIELDS = (b"f1", b"f2", b"f3", b"", b"\x00\xff\r\n")
_VALUES = (b"0", b"7", b"-3", b"", b"abc", b"\x00\xff\r\n", b" 1", b"1 ", b"+1", b"01", b"-0",
           b"1.0", b"1e3", b"9007199254740993", b"9223372036854775806", b"9223372036854775807",
           b"-9223372036854775808", b"9223372036854775808", b"x" * 200)  # fmt: skip
_SCORES = (b"1", b"2", b"-1.5", b"3.0", b".5", b"1.", b"0.1", b"-0", b"1e22", b"1e17",
           b"7350000000000001", b"123456789012345678", b"5e-324", *(b"inf", b"+inf", b"-inf") * 4,
           b"Infinity", b"nan", b"1e400", b"1e-400", b"0x10", b"", b" 1", b"1 ", b"1_0", b"one",
           b"1e", b"--1", b"1\x00")  # fmt: skip
_BAD_AMOUNTS = (b"0", b"-1", b"abc", b"", b"1.5", b"9223372036854775807", b"-9223372036854775808",
                b"9223372036854775", b"9223372036854776", b"99999999999999999999")  # fmt: skip
_COUNTS = (b"0", b"1", b"2", b"5", b"-1", b"x", b"", b"9223372036854775807",
           b"9223372036854775808")  # fmt: skip
_STRAYS = (b"", b"-1", b"\x00", b"a", b"NX", b"KEEPTTL", b"7")


class Draw:
    """A source of random commands."""

    def __init__(self, rng: random.Random, now_ms: int) -> None:
        self.rng = rng
        self._now_ms = now_ms
        self._steps = 0

    def command(self) -> list[bytes]:
        """One command; one in twelve is spoiled."""
        name = self.rng.choice(_NAMES)
        args = [self._spelled(name), *_ARGUMENTS[name](self)]
        return self._spoiled(args) if self.rng.random() < 1 / 12 else args

    def key(self) -> bytes:
        return self.rng.choice(KEYS)

    def some(self, pool: tuple[bytes, ...], most: int = 3) -> list[bytes]:
        return [self.rng.choice(pool) for _ in range(self.rng.randint(1, most))]

    def value(self) -> bytes:
        return self.rng.choice(_VALUES)

    def pairs(self, first: tuple[bytes, ...], second: tuple[bytes, ...]) -> list[bytes]:
        drawn = [(self.rng.choice(first), self.rng.choice(second)) for _ in self.some(first)]
        return [part for pair in drawn for part in pair]

    def amount(self, unit_ms: int = 1, absolute: bool = False) -> bytes:
        """A time to live, or an instant, in units of `unit_ms`; some are refused."""
        if self.rng.random() < 0.2:
            return self.rng.choice(_BAD_AMOUNTS)
        self._steps += 1
        huge = 2**62 if unit_ms == 1 and self.rng.random() < 0.1 else 0
        ms = huge + self._steps * 100_000 + self.rng.randint(0, 10_000)
        return b"%d" % ((ms + (self._now_ms if absolute else 0)) // unit_ms)

    def set_options(self) -> list[bytes]:
        options: list[bytes] = []
        while self.rng.random() < 0.45:
            word = self.rng.choice((b"NX", b"XX", b"GET", b"KEEPTTL", *_UNITS))
            options.append(self._spelled(word))
            if word in _UNITS and self.rng.random() < 0.95:
                options.append(self.amount(*_UNITS[word]))
        return options

    def flags(self, words: tuple[bytes, ...]) -> list[bytes]:
        options: list[bytes] = []
        while self.rng.random() < 0.4:
            options.append(self._spelled(self.rng.choice(words)))
        return options

    def _spelled(self, word: bytes) -> bytes:
        return word.lower() if self.rng.random() < 0.3 else word

    def _spoiled(self, args: list[bytes]) -> list[bytes]:
        kind = self.rng.randrange(3)
        if kind == 0:
            return args[:-1]
        if kind == 1 or len(args) == 1:
            return [*args, self.rng.choice(_STRAYS)]
        at = self.rng.randrange(1, len(args))
        return [*args[:at], self.rng.choice(_STRAYS), *args[at + 1 :]]


def number(rng: random.Random) -> bytes:
    """A text that is a number, nearly one, or none at all."""
    if rng.random() < 0.5:
        return rng.choice((*_VALUES, *_SCORES, *_BAD_AMOUNTS, *_COUNTS))
    return bytes(rng.choice(b"0011234567889+-..eExXpaifnN_ ") for _ in range(rng.randint(1, 7)))


_UNITS: dict[bytes, tuple[int, bool]] = {
    b"EX": (1000, False),
    b"PX": (1, False),
    b"EXAT": (1000, True),
    b"PXAT": (1, True),
}

_ARGUMENTS: dict[bytes, Callable[[Draw], list[bytes]]] = {
    b"DEL": lambda draw: draw.some(KEYS),
    b"EXISTS": lambda draw: draw.some(KEYS),
    b"GET": lambda draw: [draw.key()],
    b"GETDEL": lambda draw: [draw.key()],
    b"HGET": lambda draw: [draw.key(), draw.rng.choice(_FIELDS)],
    b"HGETALL": lambda draw: [draw.key()],
    b"HSET": lambda draw: [draw.key(), *draw.pairs(_FIELDS, _VALUES[:-1])],
    b"INCR": lambda draw: [draw.key()],
    b"LPOP": lambda draw: [draw.key(), *draw.some(_COUNTS, 1)[: draw.rng.randrange(2)]],
    b"LPUSH": lambda draw: [draw.key(), *draw.some(_VALUES)],
    b"PEXPIRE": lambda draw: [
        draw.key(),
        draw.amount(),
        *draw.flags((b"NX", b"XX", b"GT", b"LT", b"YY")),
    ],
    b"PTTL": lambda draw: [draw.key()],
    b"RENAME": lambda draw: [draw.key(), draw.key()],
    b"RPOP": lambda draw: [draw.key(), *draw.some(_COUNTS, 1)[: draw.rng.randrange(2)]],
    b"RPOPLPUSH": lambda draw: [draw.key(), draw.key()],
    b"RPUSH": lambda draw: [draw.key(), *draw.some(_VALUES)],
    b"SADD": lambda draw: [draw.key(), *draw.some(_VALUES)],
    b"SET": lambda draw: [draw.key(), draw.value(), *draw.set_options()],
    b"SETEX": lambda draw: [draw.key(), draw.amount(1000), draw.value()],
    b"SETNX": lambda draw: [draw.key(), draw.value()],
    b"TYPE": lambda draw: [draw.key()],
    b"ZADD": lambda draw: [
        draw.key(),
        *draw.flags((b"NX", b"XX", b"GT", b"LT", b"CH", b"INCR")),
        *draw.pairs(_SCORES, _FIELDS),
    ],
    b"ZCARD": lambda draw: [draw.key()],
}
"""What follows a command's name, per built command."""

assert _ARGUMENTS.keys() == COMMANDS.keys(), "every built command is drawn"
_NAMES = tuple(_ARGUMENTS)
