"""SUBSCRIBE and its like, and PUBSUB. PUBLISH is a command of the store, so that scripts can."""

from typing import Final

from models.redis.glob import matcher
from models.replies import FlatMap, Reply
from models.server.channels import unsubscribe as end_subscription
from models.server.command import ANY, Command
from models.server.server import Server
from models.server.session import NO_REPLY, NoReply, Session


def _tables(
    server: Server, session: Session, word: bytes
) -> tuple[dict[bytes, dict[Session, None]], dict[bytes, None]]:
    """The table of subscriptions that a command is about, and the session's own part."""
    channels = server.channels
    if word.startswith(b"p"):
        return channels.patterns, session.patterns
    if word.startswith(b"s") and not word.startswith(b"sub"):
        return channels.shard_channels, session.shard_channels
    return channels.channels, session.channels


def _count(session: Session, word: bytes) -> int:
    if word.startswith(b"s") and not word.startswith(b"sub"):
        return len(session.shard_channels)
    return session.subscriptions


def subscribe(server: Server, session: Session, args: list[bytes]) -> NoReply:
    """SUBSCRIBE, PSUBSCRIBE, SSUBSCRIBE: one message for each channel."""
    word = args[0].lower()
    table, own = _tables(server, session, word)
    for name in args[1:]:
        own[name] = None
        table.setdefault(name, {})[session] = None
        session.push([word, name, _count(session, word)])
    return NO_REPLY


def unsubscribe(server: Server, session: Session, args: list[bytes]) -> NoReply:
    """UNSUBSCRIBE, PUNSUBSCRIBE, SUNSUBSCRIBE: of all without names."""
    word = args[0].lower()
    table, own = _tables(server, session, word)
    names = args[1:] or list(own)
    for name in names:
        own.pop(name, None)
        end_subscription(table, name, session)
        session.push([word, name, _count(session, word)])
    if not names:
        session.push([word, None, _count(session, word)])
    return NO_REPLY


def channels(server: Server, session: Session, args: list[bytes]) -> Reply:
    """PUBSUB CHANNELS [pattern], PUBSUB SHARDCHANNELS [pattern]."""
    table = server.channels.channels
    if args[1].upper() == b"SHARDCHANNELS":
        table = server.channels.shard_channels
    fits = matcher(args[2]) if len(args) > 2 else lambda name: True
    return [name for name in table if fits(name)]


def subscribers(server: Server, session: Session, args: list[bytes]) -> Reply:
    """PUBSUB NUMSUB [channel ...], PUBSUB SHARDNUMSUB [channel ...]."""
    table = server.channels.channels
    if args[1].upper() == b"SHARDNUMSUB":
        table = server.channels.shard_channels
    counts: list[Reply] = []
    for name in args[2:]:
        counts += [name, len(table.get(name, ()))]
    return FlatMap(counts) if args[1].upper() == b"SHARDNUMSUB" else counts


def patterns(server: Server, session: Session, args: list[bytes]) -> Reply:
    """PUBSUB NUMPAT."""
    return len(server.channels.patterns)


COMMANDS: Final = (
    Command(b"SUBSCRIBE", 2, ANY, action=subscribe, while_subscribed=True),
    Command(b"PSUBSCRIBE", 2, ANY, action=subscribe, while_subscribed=True),
    Command(b"SSUBSCRIBE", 2, ANY, action=subscribe, while_subscribed=True),
    Command(b"UNSUBSCRIBE", 1, ANY, action=unsubscribe, while_subscribed=True),
    Command(b"PUNSUBSCRIBE", 1, ANY, action=unsubscribe, while_subscribed=True),
    Command(b"SUNSUBSCRIBE", 1, ANY, action=unsubscribe, while_subscribed=True),
    Command(b"PUBSUB|CHANNELS", 2, 3, action=channels),
    Command(b"PUBSUB|NUMSUB", 2, ANY, action=subscribers),
    Command(b"PUBSUB|NUMPAT", 2, 2, action=patterns),
    Command(b"PUBSUB|SHARDCHANNELS", 2, 3, action=channels),
    Command(b"PUBSUB|SHARDNUMSUB", 2, ANY, action=subscribers),
)
