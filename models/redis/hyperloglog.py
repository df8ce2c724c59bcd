"""HyperLogLog: how many different elements a set had, from 16,384 registers of six bits.

The string is byte for byte Redis's: a header with the last count, and the registers, either one
after the other (dense) or as runs of equal ones (sparse).
"""

import math
from typing import Final, NamedTuple

from models.redis.refused import Refused
from models.replies import ErrorReply

REGISTERS: Final = 1 << 14
_RANK_MAX: Final = 50
"""Bits of a hash that do not choose its register."""
_MAGIC: Final = b"HYLL"
_HEADER: Final = 16
_DENSE, _SPARSE = 0, 1
_DENSE_BYTES: Final = _HEADER + REGISTERS * 6 // 8
_SPARSE_BYTES_MAX: Final = 3000
"""`hll-sparse-max-bytes` as Redis is shipped."""
_RUN_VALUE_MAX: Final = 32
_RUN_MAX: Final = 4
_ZEROS_MAX: Final = 64
"""Most registers of a run, and of one of zeros that takes one byte."""
_SCANNED: Final = 5
_OUTDATED: Final = 1 << 63
"""Bit of the count that says that it is to be computed anew."""
_SEED: Final = 0xADC83B19
_MIX: Final = 0xC6A4A7935BD1E995
_WORD: Final = 2**64 - 1
_ALPHA: Final = 0.721347520444481703680
_NOT_ONE: Final = ErrorReply(b"WRONGTYPE Key is not a valid HyperLogLog string value.")
_CORRUPT: Final = ErrorReply(b"INVALIDOBJ Corrupted HLL object detected")


class _Run(NamedTuple):
    """So many registers of one value."""

    value: int
    length: int
    wide: bool = False
    """Whether two bytes are taken where one would do, which Redis itself never writes."""

    def text(self) -> bytes:
        """As the string has it."""
        if self.value:
            return bytes([0x80 | self.value - 1 << 2 | self.length - 1])
        if self.length <= _ZEROS_MAX and not self.wide:
            return bytes([self.length - 1])
        return (0x4000 | self.length - 1).to_bytes(2)


class HyperLogLog:
    """The string, taken apart."""

    def __init__(self, text: bytes | None) -> None:
        """Empty without a text. Raises `Refused` for one that is none of a HyperLogLog."""
        self.count = 0
        """The last one, with a bit that says whether it still holds."""
        self.dense: list[int] | None = None
        """All registers, or None where there are runs instead."""
        self._runs = [_Run(0, REGISTERS)]
        self._half = b""
        self._unused = bytes(3)
        if text is None:
            return
        if len(text) < _HEADER or text[:4] != _MAGIC or text[4] > _SPARSE:
            raise Refused(_NOT_ONE)
        if text[4] == _DENSE and len(text) != _DENSE_BYTES:
            raise Refused(_NOT_ONE)
        self._unused = text[5:8]
        self.count = int.from_bytes(text[8:_HEADER], "little")
        if text[4] == _DENSE:
            bits = f"{int.from_bytes(text[_HEADER:], 'little'):0{6 * REGISTERS}b}"
            self.dense = [int(bits[at : at + 6], 2) for at in range(len(bits) - 6, -1, -6)]
        else:
            self._runs, self._half = _runs(text[_HEADER:])

    def text(self) -> bytes:
        """The string."""
        if self.dense is None:
            encoding, body = _SPARSE, b"".join(run.text() for run in self._runs) + self._half
        else:
            bits = "".join(f"{value:06b}" for value in reversed(self.dense))
            encoding, body = _DENSE, int(bits, 2).to_bytes(REGISTERS * 6 // 8, "little")
        return _MAGIC + bytes([encoding]) + self._unused + self.count.to_bytes(8, "little") + body

    @property
    def registers(self) -> list[int]:
        """All of them. Raises `Refused` for runs that do not add up to them."""
        if self.dense is not None:
            return self.dense
        if sum(run.length for run in self._runs) != REGISTERS:
            raise Refused(_CORRUPT)
        return [run.value for run in self._runs for _ in range(run.length)]

    def make_dense(self) -> list[int]:
        """Give up the runs. The registers, to be changed."""
        self.dense = self.registers
        return self.dense

    def outdate(self) -> None:
        """The count no longer holds."""
        self.count |= _OUTDATED

    def estimate(self) -> tuple[int, bool]:
        """The count, and whether it had to be computed."""
        if not self.count & _OUTDATED:
            return self.count, False
        self.count = estimate(self.registers)
        return self.count, True

    def add(self, element: bytes) -> bool:
        """Add an element; whether that changed anything."""
        hashed = murmur(element)
        rest = hashed >> 14 | 1 << _RANK_MAX
        return self.raise_to(hashed % REGISTERS, (rest & -rest).bit_length())

    def raise_to(self, index: int, value: int) -> bool:
        """Make a register at least this; whether it was less."""
        dense = self.dense
        if dense is None and value <= _RUN_VALUE_MAX:
            changed = self._raise_in_runs(index, value)
            if changed is not None:
                return changed
        if dense is None:
            dense = self.make_dense()
        if dense[index] >= value:
            return False
        dense[index] = value
        return True

    def _raise_in_runs(self, index: int, value: int) -> bool | None:
        """As `raise_to`; None where the runs would become too many."""
        at = first = 0
        while at < len(self._runs) and index >= first + self._runs[at].length:
            first += self._runs[at].length
            at += 1
        if at == len(self._runs):
            raise Refused(_CORRUPT)
        old, length, _ = self._runs[at]
        if old >= value:
            return False
        before, after = index - first, first + length - index - 1
        new = [_Run(old, before)] * (before > 0) + [_Run(value, 1)]
        new += [_Run(old, after)] * (after > 0)
        grown = sum(len(run.text()) for run in new) - len(self._runs[at].text())
        if grown > 0 and len(self.text()) + grown > _SPARSE_BYTES_MAX:
            return None
        self._runs[at : at + 1] = new
        self._join(max(at - 1, 0))
        self.outdate()
        return True

    def _join(self, at: int) -> None:
        """Join equal runs, from here on and as far as Redis looks."""
        for _ in range(_SCANNED):
            if at + 1 >= len(self._runs):
                break
            (value, one, _), (other, two, _) = self._runs[at : at + 2]
            if value and value == other and one + two <= _RUN_MAX:
                self._runs[at : at + 2] = [_Run(value, one + two)]
            else:
                at += 1


def _runs(body: bytes) -> tuple[list[_Run], bytes]:
    """The runs, and the first half of one that was cut off."""
    runs = []
    at = 0
    while at < len(body):
        byte = body[at]
        if byte & 0x80:
            runs.append(_Run((byte >> 2 & 31) + 1, (byte & 3) + 1))
        elif byte & 0x40:
            if at + 1 == len(body):
                break
            at += 1
            runs.append(_Run(0, ((byte & 63) << 8 | body[at]) + 1, wide=True))
        else:
            runs.append(_Run(0, byte + 1))
        at += 1
    return runs, body[at:]


def murmur(data: bytes) -> int:
    """MurmurHash64A."""
    hashed = _SEED ^ (len(data) * _MIX & _WORD)
    whole = len(data) - len(data) % 8
    for at in range(0, whole, 8):
        part = int.from_bytes(data[at : at + 8], "little") * _MIX & _WORD
        part = (part ^ part >> 47) * _MIX & _WORD
        hashed = (hashed ^ part) * _MIX & _WORD
    if whole < len(data):
        hashed = (hashed ^ int.from_bytes(data[whole:], "little")) * _MIX & _WORD
    hashed = (hashed ^ hashed >> 47) * _MIX & _WORD
    return hashed ^ hashed >> 47


def estimate(registers: list[int]) -> int:
    """How many different elements left such registers behind: Ertl's improved estimator."""
    histogram = [0] * 64
    for value in registers:
        histogram[value] += 1
    total = REGISTERS * _tau((REGISTERS - histogram[_RANK_MAX + 1]) / REGISTERS)
    for count in histogram[_RANK_MAX:0:-1]:
        total = (total + count) * 0.5
    total += REGISTERS * _sigma(histogram[0] / REGISTERS)
    return math.floor(_ALPHA * REGISTERS * REGISTERS / total + 0.5)


def _sigma(x: float) -> float:
    if x == 1.0:
        return math.inf
    before, y, z = -1.0, 1.0, x
    while before != z:
        x *= x
        before = z
        z += x * y
        y += y
    return z


def _tau(x: float) -> float:
    if x in (0.0, 1.0):
        return 0.0
    before, y, z = -1.0, 1.0, 1 - x
    while before != z:
        x = math.sqrt(x)
        before = z
        y *= 0.5
        z -= (1 - x) ** 2 * y
    return z / 3
