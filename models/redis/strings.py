"""Commands on strings. Reads are those of system.md 1.5; replies are those of Redis 7."""

from dataclasses import dataclass

from models.redis.arguments import INT_MAX, SYNTAX, expiry, integer
from models.redis.context import Context, Refused
from models.redis.state import Key
from models.replies import OK, ErrorReply, Reply
from sim.units import NS_PER


def get(context: Context, args: list[bytes]) -> Reply:
    """GET key."""
    data: bytes | None = context.string(args[1]).data  # None when absent
    return data


@dataclass(slots=True)
class _SetOptions:
    if_missing: bool = False
    if_present: bool = False
    keep_ttl: bool = False
    get: bool = False
    unit: bytes | None = None
    amount: bytes = b""

    def until(self, now: int) -> int | None:
        """The instant (ns) of the expiry asked for, or None."""
        if self.unit is None:
            return None
        unit_ns, absolute = _EXPIRY_OPTIONS[self.unit]
        return expiry(self.amount, unit_ns, now, absolute, b"set")


_EXPIRY_OPTIONS = {
    b"EX": (NS_PER["s"], False),
    b"PX": (NS_PER["ms"], False),
    b"EXAT": (NS_PER["s"], True),
    b"PXAT": (NS_PER["ms"], True),
}


def _set_options(args: list[bytes]) -> _SetOptions:
    options = _SetOptions()
    rest = iter(args)
    for arg in rest:
        word = arg.upper()
        if word == b"NX" and not options.if_present:
            options.if_missing = True
        elif word == b"XX" and not options.if_missing:
            options.if_present = True
        elif word == b"GET":
            options.get = True
        elif word == b"KEEPTTL" and options.unit is None:
            options.keep_ttl = True
        elif (
            word in _EXPIRY_OPTIONS
            and options.unit in (None, word)
            and not options.keep_ttl
            and (amount := next(rest, None)) is not None
        ):
            options.unit, options.amount = word, amount
        else:
            raise Refused(SYNTAX)
    return options


def set_(context: Context, args: list[bytes]) -> Reply:
    """SET key value [NX | XX] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]."""
    key = context.key(args[1])
    exists = context.exists(key)
    kept = context.ttl(key)
    options = _set_options(args[3:])
    until = options.until(context.now)
    previous = get(context, args) if options.get else None
    skipped = exists if options.if_missing else options.if_present and not exists
    if not skipped:
        _replace(context, key, args[2], kept if options.keep_ttl else until)
    if options.get:
        return previous
    return None if skipped else OK


def _replace(context: Context, key: Key, data: bytes, ttl: int | None) -> None:
    """Make the key this string, whatever it held; one that has expired already is not there."""
    context.delete(key)
    if ttl is None or ttl > context.now:
        context.write_string(key, data)
        key.set_ttl(ttl)


def setex(context: Context, args: list[bytes]) -> Reply:
    """SETEX key seconds value: the only write that reads nothing first."""
    until = expiry(args[2], NS_PER["s"], context.now, False, b"setex")
    _replace(context, context.key(args[1]), args[3], until)
    return OK


def setnx(context: Context, args: list[bytes]) -> Reply:
    """SETNX key value."""
    key = context.key(args[1])
    exists = context.exists(key)
    context.ttl(key)
    if exists:
        return 0
    _replace(context, key, args[2], None)
    return 1


def getdel(context: Context, args: list[bytes]) -> Reply:
    """GETDEL key."""
    key = context.key(args[1])
    value = context.load_string(key)
    if not value.exists:
        return None
    data: bytes = value.data
    context.delete(key)
    return data


def incr(context: Context, args: list[bytes]) -> Reply:
    """INCR key."""
    key = context.key(args[1])
    value = context.load_string(key)
    number = integer(value.data) if value.exists else 0
    if number == INT_MAX:
        raise Refused(ErrorReply(b"ERR increment or decrement would overflow"))
    context.write_string(key, b"%d" % (number + 1))
    return number + 1
