"""Publishing and subscribing: who listens to which channel or pattern."""

from models.redis.glob import matcher
from models.server.session import Session


class Channels:
    """All subscriptions. Sessions are kept in the order in which they subscribed."""

    def __init__(self) -> None:
        self.channels: dict[bytes, dict[Session, None]] = {}
        self.patterns: dict[bytes, dict[Session, None]] = {}
        self.shard_channels: dict[bytes, dict[Session, None]] = {}

    def receivers(self, channel: bytes) -> int:
        """How many would get a message; who listens twice counts twice."""
        count = len(self.channels.get(channel, ()))
        return count + sum(
            len(sessions)
            for pattern, sessions in self.patterns.items()
            if matcher(pattern)(channel)
        )

    def publish(self, channel: bytes, message: bytes) -> int:
        """Send a message to all who listen; how many got it."""
        listeners = list(self.channels.get(channel, ()))
        for session in listeners:
            session.push([b"message", channel, message])
        count = len(listeners)
        for pattern, sessions in list(self.patterns.items()):
            if matcher(pattern)(channel):
                for session in list(sessions):
                    session.push([b"pmessage", pattern, channel, message])
                    count += 1
        for session in list(self.shard_channels.get(channel, ())):
            session.push([b"smessage", channel, message])
            count += 1
        return count

    def forget(self, session: Session) -> None:
        """End all subscriptions of a session."""
        for table, own in (
            (self.channels, session.channels),
            (self.patterns, session.patterns),
            (self.shard_channels, session.shard_channels),
        ):
            for name in own:
                unsubscribe(table, name, session)
            own.clear()


def unsubscribe(table: dict[bytes, dict[Session, None]], name: bytes, session: Session) -> None:
    """End one subscription."""
    sessions = table.get(name)
    if sessions is not None:
        sessions.pop(session, None)
        if not sessions:
            del table[name]
