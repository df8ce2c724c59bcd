"""Commands on the time a key has to live. Redis counts it in whole milliseconds, and so is it kept
here: instants (ns) of expiry are multiples of one.
"""

import math
from typing import Final

from models.redis.arguments import INT_MAX, bad_expiry, in_range, integer, whole_ms
from models.redis.context import Context
from models.redis.refused import Refused
from models.replies import ErrorReply, Reply, quoted
from sim.units import NS_PER

_MS: Final = NS_PER["ms"]
_S: Final = NS_PER["s"]
_NEVER: Final = math.inf
"""Later than any expiry: what a key without one is compared by."""


def _expire(context: Context, args: list[bytes], unit_ns: int, *, absolute: bool) -> Reply:
    key = context.key(args[1])
    exists = context.exists(key)
    options = args[3:]
    if options:
        context.diverged = True  # The modelled system does not look at them.
        options = [] if context.as_modelled else options
    conditions = _conditions(options)
    amount = integer(args[2])
    name = args[0].lower()
    if unit_ns == _S and not -(INT_MAX // 1000) <= amount <= INT_MAX // 1000:
        raise Refused(bad_expiry(name))
    now = whole_ms(context.now)
    until = in_range(amount * unit_ns + (0 if absolute else now), name)
    if not exists:
        return 0
    if conditions and not _allowed(conditions, context.ttl(key), until):
        return 0
    if until <= now:
        context.delete(key)
    else:
        key.touched = True
        key.set_ttl(until)
    return 1


def expire(context: Context, args: list[bytes]) -> Reply:
    """EXPIRE key seconds [NX | XX | GT | LT]."""
    return _expire(context, args, _S, absolute=False)


def pexpire(context: Context, args: list[bytes]) -> Reply:
    """PEXPIRE key ms [NX | XX | GT | LT]."""
    return _expire(context, args, _MS, absolute=False)


def expireat(context: Context, args: list[bytes]) -> Reply:
    """EXPIREAT key instant [NX | XX | GT | LT], the instant in seconds."""
    return _expire(context, args, _S, absolute=True)


def pexpireat(context: Context, args: list[bytes]) -> Reply:
    """PEXPIREAT key instant [NX | XX | GT | LT], the instant in ms."""
    return _expire(context, args, _MS, absolute=True)


def _conditions(options: list[bytes]) -> dict[bytes, None]:
    chosen: dict[bytes, None] = {}
    for option in options:
        word = option.upper()
        if word not in (b"NX", b"XX", b"GT", b"LT"):
            raise Refused(ErrorReply(b"ERR Unsupported option " + quoted(option)))
        chosen[word] = None
    if b"NX" in chosen and len(chosen) > 1:
        raise Refused(
            ErrorReply(b"ERR NX and XX, GT or LT options at the same time are not compatible")
        )
    if b"GT" in chosen and b"LT" in chosen:
        raise Refused(ErrorReply(b"ERR GT and LT options at the same time are not compatible"))
    return chosen


def _allowed(conditions: dict[bytes, None], current: int | None, until: int) -> bool:
    if b"NX" in conditions:
        return current is None
    if b"XX" in conditions and current is None:
        return False
    if b"GT" in conditions:
        return until > (_NEVER if current is None else current)
    if b"LT" in conditions:
        return until < (_NEVER if current is None else current)
    return True


def persist(context: Context, args: list[bytes]) -> Reply:
    """PERSIST key: 1 if there was an expiry to remove."""
    key = context.key(args[1])
    if not context.exists(key) or context.ttl(key) is None:
        return 0
    key.touched = True
    key.set_ttl(None)
    return 1


def _time_to_live(context: Context, name: bytes, *, absolute: bool) -> int:
    """Milliseconds to live, or the instant; -1 without an expiry, -2 when missing."""
    key = context.key(name)
    if not context.exists(key):
        return -2
    ttl = context.ttl(key)
    if ttl is None:
        return -1
    return ttl // _MS if absolute else max(ttl // _MS - context.now // _MS, 0)


def _in_seconds(ms: int) -> int:
    return ms if ms < 0 else (ms + 500) // 1000


def ttl(context: Context, args: list[bytes]) -> Reply:
    """TTL key: seconds to live, rounded; -1 without an expiry, -2 when missing."""
    return _in_seconds(_time_to_live(context, args[1], absolute=False))


def pttl(context: Context, args: list[bytes]) -> Reply:
    """PTTL key: ms to live, -1 without an expiry, -2 when missing."""
    return _time_to_live(context, args[1], absolute=False)


def expiretime(context: Context, args: list[bytes]) -> Reply:
    """EXPIRETIME key: the instant in seconds; -1 without an expiry, -2 when missing."""
    return _in_seconds(_time_to_live(context, args[1], absolute=True))


def pexpiretime(context: Context, args: list[bytes]) -> Reply:
    """PEXPIRETIME key: the instant in ms; -1 without an expiry, -2 when missing."""
    return _time_to_live(context, args[1], absolute=True)
