"""Commands that need no key: the clock, the wire, and messages to subscribers."""

from models.redis.arguments import wrong_count
from models.redis.context import Context
from models.replies import Reply, Status
from sim.units import NS_PER


def time(context: Context, args: list[bytes]) -> Reply:
    """TIME: seconds since the epoch, and microseconds of the current one."""
    seconds, rest = divmod(context.now, NS_PER["s"])
    return [b"%d" % seconds, b"%d" % (rest // NS_PER["us"])]


def ping(context: Context, args: list[bytes]) -> Reply:
    """PING [message]."""
    if len(args) > 2:
        raise wrong_count(args[0])
    return args[1] if len(args) == 2 else Status(b"PONG")


def echo(context: Context, args: list[bytes]) -> Reply:
    """ECHO message."""
    return args[1]


def publish(context: Context, args: list[bytes]) -> Reply:
    """PUBLISH channel message, and SPUBLISH: how many clients get it, once this has committed."""
    context.published.append((args[1], args[2]))
    return context.surroundings.receivers(args[1])
