"""One client's connection, as the server knows it: what it has said about itself, and its replies.

Plain state. Commands act on it (`connection`, `transactions`, ...); who decides what a command may
do is `dispatch`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

from models.replies import ErrorReply, Push, Reply
from models.service import Request, Watch


class NoReply:
    """The type of `NO_REPLY`."""


NO_REPLY: Final = NoReply()
"""What a command returns that has sent all its replies itself, or has none."""


Answer: TypeAlias = "Reply | NoReply"
"""What a command of the session comes to."""


class Queued(NamedTuple):
    """A command that waits for EXEC: one for the store, or one that concerns the session."""

    request: Request | None
    action: Callable[[], Answer] | None


@dataclass(eq=False)
class Session:
    """What is known of one client."""

    id: int
    address: str
    send: Callable[[Reply, int], None]
    """Takes a reply or a message, and the protocol (2 or 3) in which it goes out."""
    since_ns: int
    trusted: bool
    """Whether the password has been given, or none is asked for."""
    protocol: int = 2
    name: bytes = b""
    library: bytes = b""
    library_version: bytes = b""
    last_command: bytes = b""
    active_ns: int = 0
    """When the last command arrived, by the wall clock."""
    closing: bool = False
    """Whether the connection ends once its replies are sent."""
    gone: bool = False
    """Whether the client has gone away."""
    silent: bool = False
    """CLIENT REPLY OFF."""
    skip: int = 0
    """CLIENT REPLY SKIP: 2 until its own (absent) reply, 1 until that of the next command."""
    queue: list[Queued] | None = None
    """What a transaction has queued; None outside of one."""
    spoilt: bool = False
    """Whether a command of the transaction was refused, so that EXEC will be."""
    held: list[Reply] | None = None
    """What EXEC will answer so far, while it carries out what concerns the session."""
    watched: dict[bytes, Watch] = field(default_factory=dict)
    channels: dict[bytes, None] = field(default_factory=dict)
    patterns: dict[bytes, None] = field(default_factory=dict)
    shard_channels: dict[bytes, None] = field(default_factory=dict)
    waiting: Any = None
    """What a blocked client waits for (`blocking.Blocked`)."""
    no_evict: bool = False
    """CLIENT NO-EVICT; nothing is evicted here."""

    def reply(self, reply: Answer) -> None:
        """Answer a command."""
        if isinstance(reply, NoReply) or self.gone:
            return
        if self.silent or self.skip:
            return
        self.send(reply, self.protocol)

    def push(self, message: list[Any]) -> None:
        """Send what was not asked for; within EXEC it becomes part of its reply."""
        if self.held is not None:
            self.held.append(Push(message))
        elif not self.gone:
            self.send(Push(message), self.protocol)

    def end_transaction(self) -> None:
        """Forget what was queued and watched."""
        self.queue = None
        self.spoilt = False
        self.watched.clear()

    @property
    def subscriptions(self) -> int:
        """Channels and patterns subscribed to, without those of shards."""
        return len(self.channels) + len(self.patterns)


def wrong_count(name: bytes) -> ErrorReply:
    """The refusal of a command with too few or too many arguments."""
    return ErrorReply(b"ERR wrong number of arguments for '%b' command" % name.lower())
