"""LCS: the longest common subsequence of two strings. Replies are those of Redis 7."""

from array import array
from collections.abc import Iterator
from typing import Final, NamedTuple

from models.redis.arguments import SYNTAX, integer
from models.redis.context import Context
from models.redis.refused import Refused
from models.redis.text import SIZE_MAX
from models.replies import ErrorReply, FlatMap, Reply

_NO_STRINGS: Final = ErrorReply(b"ERR The specified keys must contain string values")
_BOTH: Final = ErrorReply(
    b"ERR If you want both the length and indexes, please just use IDX."
)  # fmt: skip
_TOO_LARGE: Final = ErrorReply(
    b"ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"
)
_CELL_BYTES: Final = 4


class _Match(NamedTuple):
    """A stretch that the two strings have in common: where it begins, and how long it is."""

    first: int
    second: int
    length: int

    def reply(self, *, with_length: bool) -> list[Reply]:
        """As IDX tells it."""
        last = self.length - 1
        ranges: list[Reply] = [
            [self.first, self.first + last],
            [self.second, self.second + last],
        ]
        return [*ranges, self.length] if with_length else ranges


def _lengths(one: bytes, other: bytes) -> "list[array[int]]":
    """How long the longest common subsequence is of each two beginnings."""
    row = array("I", [0] * (len(other) + 1))
    rows = [row]
    for letter in one:
        above, row = row, array("I", [0])
        left = 0
        for at, second in enumerate(other):
            left = above[at] + 1 if letter == second else max(above[at + 1], left)
            row.append(left)
        rows.append(row)
    return rows


def _matches(one: bytes, other: bytes, lengths: "list[array[int]]") -> Iterator[_Match]:
    """The stretches of Redis's choice among the longest subsequences, from the last on."""
    i, j, run = len(one), len(other), 0
    while i > 0 and j > 0:
        if one[i - 1] == other[j - 1]:
            i, j, run = i - 1, j - 1, run + 1
            continue
        if run:
            yield _Match(i, j, run)
            run = 0
        if lengths[i - 1][j] > lengths[i][j - 1]:
            i -= 1
        else:
            j -= 1
    if run:
        yield _Match(i, j, run)


def lcs(context: Context, args: list[bytes]) -> Reply:
    """LCS key key [LEN] [IDX] [MINMATCHLEN length] [WITHMATCHLEN]."""
    try:
        one, other = (context.string(name) or b"" for name in args[1:3])
    except Refused:
        raise Refused(_NO_STRINGS) from None
    given: dict[bytes, int] = {}
    rest = iter(args[3:])
    for arg in rest:
        word = arg.upper()
        if word in (b"LEN", b"IDX", b"WITHMATCHLEN"):
            given[word] = 1
        elif word == b"MINMATCHLEN" and (length := next(rest, None)) is not None:
            given[word] = integer(length)
        else:
            raise Refused(SYNTAX)
    if b"LEN" in given and b"IDX" in given:
        raise Refused(_BOTH)
    if _CELL_BYTES * (len(one) + 1) * (len(other) + 1) > SIZE_MAX:
        raise Refused(_TOO_LARGE)
    lengths = _lengths(one, other)
    longest = lengths[-1][-1]
    if b"LEN" in given:
        return longest
    matches = list(_matches(one, other, lengths))
    if b"IDX" not in given:
        return b"".join(one[match.first :][: match.length] for match in reversed(matches))
    least, with_length = given.get(b"MINMATCHLEN", 0), b"WITHMATCHLEN" in given
    told = [match.reply(with_length=with_length) for match in matches if match.length >= least]
    return FlatMap([b"matches", told, b"len", longest])
