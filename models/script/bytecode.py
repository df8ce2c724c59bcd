"""Compiled Lua 5.1, changed in one point: a call of a library function leaves its caller's frame.

`return cjson.decode(x)` is a tail call: Lua gives up the caller's frame and with it the line that
Redis names when decoding fails. In Redis the library is C, which Lua calls without giving up
anything. Here most of it is Lua, so tail calls of library functions become plain calls. Those of a
script's own functions stay what they are: recursion by tail calls has no limit.

Which is which can be seen in the code. A script cannot make globals, so what it calls by the name
of a global, or of a global's field, is the library's. A method is taken for one of a string. A
library function kept in a local variable is not recognised.

Format: `lundump.c` of Lua 5.1, as `string.dump` writes it on this machine, to be read on this
machine only.
"""

from array import array
from struct import calcsize, unpack_from
from typing import Final

MOVE: Final = 0
GETUPVAL: Final = 4
GETGLOBAL: Final = 5
GETTABLE: Final = 6
SELF: Final = 11
CALL: Final = 28
TAILCALL: Final = 29
CLOSURE: Final = 36
READERS: Final = frozenset([7, 8, 9, 22, 23, 24, 25, 26, 30, 34, 35])
"""Opcodes whose first operand is no register they write: SETGLOBAL, JMP, EQ, ..."""

OPCODE_MASK: Final = 0x3F
HEADER_BYTES: Final = 12

NIL: Final = 0
BOOLEAN: Final = 1
NUMBER: Final = 3
STRING: Final = 4


def with_callers_kept(dump: bytes, *, all_calls: bool = False) -> bytes:
    """The same code with plain calls: of library functions, or of all."""
    reader = _Reader(dump, all_calls)
    reader.skip(HEADER_BYTES)
    _function(reader)
    assert reader.position == len(dump), f"{len(dump) - reader.position} bytes were not understood"
    return bytes(reader.data)


class _Reader:
    """A place in a dump."""

    def __init__(self, dump: bytes, all_calls: bool) -> None:
        self.data = bytearray(dump)
        self.all_calls = all_calls
        self.position = 0

    def skip(self, size: int) -> None:
        self.position += size

    def byte(self) -> int:
        self.position += 1
        return self.data[self.position - 1]

    def count(self) -> int:
        """An int, which stands before every list."""
        (count,) = unpack_from("i", self.data, self.position)
        self.position += calcsize("i")
        return int(count)

    def skip_string(self) -> None:
        (size,) = unpack_from("N", self.data, self.position)
        self.position += calcsize("N") + size


def _function(reader: _Reader) -> None:
    reader.skip_string()  # the chunk's name
    reader.skip(2 * calcsize("i") + 4)  # first and last line; upvalues, parameters, varargs, stack
    _code(reader)
    for _ in range(reader.count()):
        _skip_constant(reader)
    for _ in range(reader.count()):
        _function(reader)
    reader.skip(reader.count() * calcsize("i"))  # lines
    for _ in range(reader.count()):
        reader.skip_string()
        reader.skip(2 * calcsize("i"))  # where a local variable begins and ends
    for _ in range(reader.count()):
        reader.skip_string()  # an upvalue's name


def _skip_constant(reader: _Reader) -> None:
    kind = reader.byte()
    if kind == STRING:
        reader.skip_string()
    elif kind == NUMBER:
        reader.skip(calcsize("d"))
    elif kind == BOOLEAN:
        reader.skip(1)
    else:
        assert kind == NIL, f"no constant of Lua 5.1 has type {kind}"


def _code(reader: _Reader) -> None:
    size = reader.count() * calcsize("I")
    code = array("I", bytes(reader.data[reader.position : reader.position + size]))
    for index, word in enumerate(code):
        if word & OPCODE_MASK != TAILCALL:
            continue
        if reader.all_calls or _calls_library(code, index):
            # Both want all results, and a tail call is always followed by their return.
            code[index] = word - TAILCALL + CALL
    reader.data[reader.position : reader.position + size] = code.tobytes()
    reader.skip(size)


def _calls_library(code: "array[int]", call: int) -> bool:
    """Whether the instruction that put the called function into its register took it from there."""
    register = _a(code[call])
    for index in range(call - 1, -1, -1):
        word = code[index]
        opcode = word & OPCODE_MASK
        if _a(word) != register or opcode in READERS or _is_capture(code, index):
            continue
        if opcode == SELF:
            return True
        if opcode == GETTABLE and word >> 23 == register and index > 0:
            word = code[index - 1]
            opcode = word & OPCODE_MASK if _a(word) == register else -1
        return opcode == GETGLOBAL
    return False


def _is_capture(code: "array[int]", index: int) -> bool:
    """Whether this is no instruction, but says what the closure made before it captures."""
    while code[index] & OPCODE_MASK in (MOVE, GETUPVAL) and _a(code[index]) == 0:
        index -= 1
        if index < 0:
            return False
        if code[index] & OPCODE_MASK == CLOSURE:
            return _a(code[index]) > 0
    return False


def _a(word: int) -> int:
    return word >> 6 & 0xFF
