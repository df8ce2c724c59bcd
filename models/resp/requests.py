"""Requests as they arrive: bytes in, commands out, in pieces of any size.

A request is an array of bulk strings or a line of words ("inline"). The limits and the words of
every refusal are those of Redis 7.0 (`networking.c`); like Redis, nothing looks at the two bytes
that end a bulk string.

Commands are taken one at a time, since what one does (AUTH) can change how the next is read. What
has arrived is copied a bounded number of times, however it was cut.
"""

from typing import Final

from models.replies import ErrorReply
from models.resp.inline import split_words

INLINE_MAX: Final = 64 * 1024
"""Bytes of a line: an inline command, or the header of an array or a bulk string."""
ARGUMENTS_MAX: Final = 2**31 - 1
"""Arguments of a command. (Redis 7.0 has no limit of its own below a C integer.)"""
BULK_MAX: Final = 512 * 1024 * 1024
"""Bytes of an argument (proto-max-bulk-len)."""
STRANGER_ARGUMENTS_MAX: Final = 10
STRANGER_BULK_MAX: Final = 16 * 1024
"""What a client may send that has not given the password yet."""

_SMALL: Final = {b"%d" % number: number for number in range(1024)}
_DIGITS: Final = frozenset(b"0123456789")
_LENGTH_DIGITS_MAX: Final = 19
_ARRAY: Final = ord("*")
_BULK: Final = ord("$")


class Requests:
    """The requests of one connection."""

    def __init__(self, *, bulk_max: int = BULK_MAX) -> None:
        self.trusted = True
        """False while a password is asked for and has not been given."""
        self.error: ErrorReply | None = None
        """Set once what arrives is no request: nothing more is read, the connection must close."""
        self._bulk_max = bulk_max
        self._data = b""
        self._at = 0
        self._later: list[bytes] = []
        """What has arrived and is not joined to `_data` yet."""
        self._later_bytes = 0
        self._wanted = 0
        """While less than this is there, looking again is of no use."""
        self._arguments: list[bytes] = []
        self._missing = 0
        """Arguments that the array still lacks."""

    def feed(self, data: bytes) -> None:
        """Take in what has arrived."""
        if self._at == len(self._data) and not self._later:
            self._data = data
            self._at = 0
        else:
            self._later.append(data)
            self._later_bytes += len(data)

    @property
    def waiting_bytes(self) -> int:
        """Bytes that have arrived and were not handed out as commands."""
        return len(self._data) - self._at + self._later_bytes

    def next(self) -> list[bytes] | None:
        """The next command, or None when it is not all there, or `error` is set.

        An empty array and an empty line are no commands, and are passed over.
        """
        while self.error is None and self.waiting_bytes >= self._wanted:
            try:
                command = self._read()
            except _NotARequest as refused:
                self.error = ErrorReply(b"ERR Protocol error: " + refused.why)
                return None
            if command:
                return command
            if command is None:
                if not self._later:
                    return None
                self._join()
        return None

    def _join(self) -> None:
        self._data = b"".join((memoryview(self._data)[self._at :], *self._later))
        self._at = 0
        self._later.clear()
        self._later_bytes = 0

    def _read(self) -> list[bytes] | None:
        """A command; empty for none; None when more must arrive, or after an error."""
        self._wanted = 0
        if not self._missing:
            if self._at == len(self._data):
                return None
            if self._data[self._at] != _ARRAY:
                return self._inline()
            count = self._header(b"mbulk count")
            if count is None:
                return None
            length = _number(count)
            if length is None or length > ARGUMENTS_MAX:
                raise _NotARequest(b"invalid multibulk length")
            if length > STRANGER_ARGUMENTS_MAX and not self.trusted:
                raise _NotARequest(b"unauthenticated multibulk length")
            if length <= 0:
                return []
            self._missing = length
        return self._bulks()

    def _bulks(self) -> list[bytes] | None:
        data, at, arguments = self._data, self._at, self._arguments
        size = len(data)
        while self._missing:
            # The commonest case written out: a short header, all there.
            end = data.find(b"\r", at, at + 6)
            if end < 0 or data[at] != _BULK or (length := _SMALL.get(data[at + 1 : end])) is None:
                self._at = at
                found = self._bulk_length()
                if found is None:
                    return None
                length, begin = found, self._at
            else:
                begin = end + 2
            end = begin + length
            if end + 2 > size:
                # The header is read again, which costs less than remembering it.
                self._at = at
                self._wanted = end + 2 - at
                return None
            arguments.append(data[begin:end])
            at = end + 2
            self._missing -= 1
        self._at = at
        self._arguments = []
        return arguments

    def _bulk_length(self) -> int | None:
        if self._at < len(self._data) and self._data.find(b"\r", self._at) < 0:
            self._incomplete(b"bulk count")
            return None
        if self._at >= len(self._data):
            return None
        if self._data[self._at] != _BULK:
            got = self._data[self._at : self._at + 1].translate(_ONE_LINE)
            raise _NotARequest(b"expected '$', got '%b'" % got)
        begun = self._at
        header = self._header(b"bulk count")
        if header is None:
            return None
        length = _number(header)
        if length is None or not 0 <= length <= self._bulk_max:
            raise _NotARequest(b"invalid bulk length")
        if length > STRANGER_BULK_MAX and not self.trusted:
            raise _NotARequest(b"unauthenticated bulk length")
        if self._at + length + 2 > len(self._data):
            self._wanted = self._at + length + 2 - begun
        return length

    def _header(self, what: bytes) -> bytes | None:
        """The text of the line that begins here, without its first byte; passes over the line."""
        end = self._data.find(b"\r", self._at)
        if end < 0:
            self._incomplete(what)
            return None
        if end + 2 > len(self._data):
            return None
        text = self._data[self._at + 1 : end]
        self._at = end + 2
        return text

    def _incomplete(self, what: bytes) -> None:
        """More must arrive, unless it is too long already."""
        if self.waiting_bytes > INLINE_MAX and not self._later:
            raise _NotARequest(b"too big %b string" % what)

    def _inline(self) -> list[bytes] | None:
        end = self._data.find(b"\n", self._at)
        if end < 0:
            if len(self._data) - self._at > INLINE_MAX and not self._later:
                raise _NotARequest(b"too big inline request")
            return None
        line = self._data[self._at : end].removesuffix(b"\r")
        self._at = end + 1
        words = split_words(line)
        if words is None:
            raise _NotARequest(b"unbalanced quotes in request")
        return words


class _NotARequest(Exception):
    """What has arrived cannot be read."""

    def __init__(self, why: bytes) -> None:
        super().__init__(why)
        self.why = why


_ONE_LINE: Final = bytes.maketrans(b"\r\n", b"  ")


def _number(text: bytes) -> int | None:
    """A length written the one way Redis takes it; None for anything else."""
    small = _SMALL.get(text)
    if small is not None:
        return small
    digits = text[1:] if text[:1] == b"-" else text
    if not 0 < len(digits) <= _LENGTH_DIGITS_MAX or digits[:1] == b"0":
        return None
    return int(text) if _DIGITS.issuperset(digits) else None
