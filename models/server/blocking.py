"""Commands that wait for a push: BLPOP and its like, XREAD and XREADGROUP with BLOCK.

They are tried once. What finds nothing waits, and is tried again for one key when a commit has made
that key ready: it is then served from this key alone, as Redis 7.0 serves it.
"""

from typing import Final

from models.redis.blocking import Wait
from models.replies import NULL_ARRAY, Reply
from models.server.server import Server
from models.server.session import Session
from models.server.waiting import NEVER, Blocked
from models.service import Request
from sim.kernel import Steps
from sim.units import NS_PER

_MS: Final = NS_PER["ms"]
_STREAMS: Final = (b"XREAD", b"XREADGROUP")


def block_unless_served(server: Server, session: Session, args: list[bytes]) -> Steps:
    """Carry out a command that may block."""
    name = args[0].upper()
    words = args
    while True:
        request = Request([], [], command=words)
        outcome = yield from server.perform(request, name.decode())
        wait: Wait | None = outcome.wait
        if wait is None or outcome.failed:
            reply: Reply = outcome.reply
            return reply
        words = wait.again
        service = server.leader()
        if not any(service.written_since(key, outcome.start_ts) for key in wait.keys):
            break
        # Somebody has written between this attempt's snapshot and now.
    now = server.clock.read()
    deadline = (now // _MS + wait.timeout_ms) * _MS if wait.timeout_ms else NEVER
    blocked = Blocked(
        session,
        keys=wait.keys,
        words=lambda key: for_one_key(wait.again, key),
        deadline_ns=deadline,
        nothing=NULL_ARRAY,
        patient=name in _STREAMS,
    )
    return (yield from server.block(blocked))


def for_one_key(words: list[bytes], key: bytes) -> list[bytes]:
    """A command that waits for several keys, as it is carried out for one of them."""
    name = words[0].upper()
    if name in (b"BLPOP", b"BRPOP", b"BZPOPMIN", b"BZPOPMAX"):
        return [words[0], key, words[-1]]
    if name in (b"BLMPOP", b"BZMPOP"):
        return [*words[:2], b"1", key, *words[3 + int(words[2]) :]]
    if name not in _STREAMS:
        return words
    first = [word.upper() for word in words].index(b"STREAMS") + 1
    names, ids = _halves(words[first:])
    return [*words[:first], key, ids[names.index(key)]]


def _halves(words: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    middle = len(words) // 2
    return words[:middle], words[middle:]
