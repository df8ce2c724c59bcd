"""Commands that wait for another client's push: what they do when they need not, and for what they
would wait.

A handler here answers at once, with the null array (BLMOVE and BRPOPLPUSH: nil) when there is
nothing; inside a script and a transaction that is all. Elsewhere who carries out commands asks
`Command.wait` of such a one, parks the client, and carries out `again` once one of the keys has
been written by a commit: an answer other than nothing goes to the client. It gets the null array
when the time is over.
"""

from typing import NamedTuple

from models.redis import lists, stream_reads, zsets
from models.redis.arguments import as_integer
from models.redis.context import Context
from models.redis.timeouts import timeout_seconds
from models.replies import Reply


class Wait(NamedTuple):
    """What a command that found nothing waits for."""

    keys: list[bytes]
    timeout_ms: int
    """0: for ever."""
    again: list[bytes]
    """The command as it is to be carried out later (XREAD's `$` means the end as it is now)."""


def blpop(context: Context, args: list[bytes]) -> Reply:
    """BLPOP key [key ...] timeout: the key, and its list's first element."""
    timeout_seconds(args[-1])
    return lists.first_popped(context, args[1:-1], left=True)


def brpop(context: Context, args: list[bytes]) -> Reply:
    """BRPOP key [key ...] timeout: the key, and its list's last element."""
    timeout_seconds(args[-1])
    return lists.first_popped(context, args[1:-1], left=False)


def blmove(context: Context, args: list[bytes]) -> Reply:
    """BLMOVE source destination LEFT|RIGHT LEFT|RIGHT timeout."""
    lists.check_sides(args)
    timeout_seconds(args[5])
    return lists.lmove(context, args)


def brpoplpush(context: Context, args: list[bytes]) -> Reply:
    """BRPOPLPUSH source destination timeout."""
    timeout_seconds(args[3])
    return lists.rpoplpush(context, args)


def blmpop(context: Context, args: list[bytes]) -> Reply:
    """BLMPOP timeout numkeys key [key ...] LEFT|RIGHT [COUNT count]."""
    lists.parse_lmpop(args[1:])
    timeout_seconds(args[1])
    return lists.lmpop(context, args[1:])


def bzpopmin(context: Context, args: list[bytes]) -> Reply:
    """BZPOPMIN key [key ...] timeout: the key, and its lowest member with the score."""
    timeout_seconds(args[-1])
    return zsets.first_popped(context, args[1:-1], lowest=True)


def bzpopmax(context: Context, args: list[bytes]) -> Reply:
    """BZPOPMAX key [key ...] timeout: the key, and its highest member with the score."""
    timeout_seconds(args[-1])
    return zsets.first_popped(context, args[1:-1], lowest=False)


def bzmpop(context: Context, args: list[bytes]) -> Reply:
    """BZMPOP timeout numkeys key [key ...] MIN|MAX [COUNT count]."""
    zsets.parse_zmpop(args[1:])
    timeout_seconds(args[1])
    return zsets.zmpop(context, args[1:])


# -- what they wait for, once they have found nothing ----------------------------------------------


def for_keys(context: Context, args: list[bytes]) -> Wait | None:
    """Any of the keys before a timeout that comes last."""
    return Wait(args[1:-1], timeout_seconds(args[-1]), args)


def for_source(context: Context, args: list[bytes]) -> Wait | None:
    """The first key; the timeout comes last."""
    return Wait(args[1:2], timeout_seconds(args[-1]), args)


def for_counted_keys(context: Context, args: list[bytes]) -> Wait | None:
    """So many keys as said; the timeout comes first."""
    count = as_integer(args[2])
    assert count is not None, "it was counted when the command was carried out"
    return Wait(args[3 : 3 + count], timeout_seconds(args[1]), args)


def for_streams(context: Context, args: list[bytes]) -> Wait | None:
    """New entries of any stream, if there is a BLOCK."""
    parsed = stream_reads.parse(context, args)
    if parsed.timeout_ms is None:
        return None
    again = args if parsed.in_group else stream_reads.resolved(context, args)
    return Wait(parsed.names, parsed.timeout_ms, again)
