"""Commands on whole strings. Reads are those of system.md 1.5; replies are those of Redis 7."""

from dataclasses import dataclass
from typing import Final

from models.redis.arguments import SYNTAX, expiry, whole_ms, wrong_count
from models.redis.context import Context
from models.redis.refused import Refused
from models.redis.state import Key
from models.replies import OK, Reply
from sim.units import NS_PER


def get(context: Context, args: list[bytes]) -> Reply:
    """GET key."""
    return context.string(args[1])


@dataclass(slots=True)
class _Options:
    if_missing: bool = False
    if_present: bool = False
    keep_ttl: bool = False
    get: bool = False
    persist: bool = False
    unit: bytes | None = None
    amount: bytes = b""

    def until(self, now: int, command: bytes) -> int | None:
        """The instant (ns) of the expiry asked for, or None."""
        if self.unit is None:
            return None
        unit_ns, absolute = _EXPIRY_OPTIONS[self.unit]
        return expiry(self.amount, unit_ns, now, absolute, command)


_PLAIN: Final = _Options()
_EXPIRY_OPTIONS: Final = {
    b"EX": (NS_PER["s"], False),
    b"PX": (NS_PER["ms"], False),
    b"EXAT": (NS_PER["s"], True),
    b"PXAT": (NS_PER["ms"], True),
}


def _options(args: list[bytes], *, setting: bool) -> _Options:
    """Options of SET or, if not `setting`, of GETEX."""
    options = _Options()
    rest = iter(args)
    for arg in rest:
        word = arg.upper()
        if setting and word == b"NX" and not options.if_present:
            options.if_missing = True
        elif setting and word == b"XX" and not options.if_missing:
            options.if_present = True
        elif setting and word == b"GET":
            options.get = True
        elif setting and word == b"KEEPTTL" and options.unit is None:
            options.keep_ttl = True
        elif not setting and word == b"PERSIST" and options.unit is None:
            options.persist = True
        elif (
            word in _EXPIRY_OPTIONS
            and options.unit in (None, word)
            and not (options.keep_ttl or options.persist)
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
    options = _options(args[3:], setting=True) if len(args) > 3 else _PLAIN
    until = options.until(context.now, b"set")
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
    if not context.expired(ttl):
        context.write_string(key, data)
        key.set_ttl(ttl)


def setex(context: Context, args: list[bytes]) -> Reply:
    """SETEX key seconds value: reads nothing first."""
    until = expiry(args[2], NS_PER["s"], context.now, False, b"setex")
    _replace(context, context.key(args[1]), args[3], until)
    return OK


def psetex(context: Context, args: list[bytes]) -> Reply:
    """PSETEX key ms value."""
    until = expiry(args[2], NS_PER["ms"], context.now, False, b"psetex")
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


def getset(context: Context, args: list[bytes]) -> Reply:
    """GETSET key value: the old value; the expiry goes."""
    previous = get(context, args)
    _replace(context, context.key(args[1]), args[2], None)
    return previous


def getex(context: Context, args: list[bytes]) -> Reply:
    """GETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST]."""
    options = _options(args[2:], setting=False)
    key = context.key(args[1])
    value = context.load_string(key)
    if not value.exists:
        return None
    data: bytes = value.data
    until = options.until(context.now, b"getex")
    if until is not None and until <= whole_ms(context.now):
        context.delete(key)
    elif until is not None or (options.persist and context.ttl(key) is not None):
        key.touched = True
        key.set_ttl(until)
    return data


def mget(context: Context, args: list[bytes]) -> Reply:
    """MGET key [key ...]: what is no string counts as missing."""
    values: list[Reply] = []
    for name in args[1:]:
        try:
            values.append(context.string(name))
        except Refused:
            values.append(None)
    return values


def mset(context: Context, args: list[bytes]) -> Reply:
    """MSET key value [key value ...]."""
    if len(args) % 2 == 0:
        raise wrong_count(args[0])
    for name, data in zip(args[1::2], args[2::2], strict=True):
        _replace(context, context.key(name), data, None)
    return OK


def msetnx(context: Context, args: list[bytes]) -> Reply:
    """MSETNX key value [key value ...]: all of them, or none if any is there."""
    if len(args) % 2 == 0:
        raise wrong_count(args[0])
    for name in args[1::2]:
        if context.exists(context.key(name)):
            return 0
    mset(context, args)
    return 1
