"""What clients ask of a node, and what comes of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha1
from typing import NamedTuple

from models.engine.sites import Tally
from models.fence.policies import Policy
from models.redis.blocking import Wait
from models.redis.context import Context
from models.redis.state import Key
from models.replies import ErrorReply, Reply


@dataclass(slots=True)
class Request:
    """What a client sends: EVALSHA with a hash, EVAL with a body, FCALL, or a single command."""

    keys: list[bytes]
    argv: list[bytes]
    body: bytes = b""
    sha: bytes | None = None
    """Sent instead of the body, when set."""
    command: list[bytes] | None = None
    """Sent instead of a script, when set."""
    policy: Policy | None = None
    """A fence of its own instead of the node's."""
    parts: "list[Request] | None" = None
    """Sent instead of all that: requests carried out in one attempt, one after the other. The reply
    is a list, and an error of one does not keep the others from being carried out."""
    watched: "dict[bytes, Watch] | None" = None
    """Keys that may not have changed: else the reply is `NULL_ARRAY`, and nothing is done."""
    read_only: bool = False
    """Whether a script's writes are refused (EVAL_RO), or a function that may write (FCALL_RO)."""
    keeps_writes: bool = False
    """Whether what a script wrote before it failed is committed, as Redis does it. The modelled
    system forgets it."""
    function: bytes | None = None
    """The name of a Redis function, sent instead of a script, when set (FCALL)."""

    def digest(self) -> str:
        """The SHA1 of the script, or the name of the function."""
        if self.function is not None:
            return self.function.decode("latin-1")
        if self.sha is not None:
            return self.sha.decode("latin-1").lower()
        return sha1(self.body, usedforsecurity=False).hexdigest()

    def as_eval(self) -> "Request":
        """The same with its body, for a node that does not know the hash."""
        return replace(self, sha=None)


class Watch(NamedTuple):
    """What a watched key was when WATCH was sent."""

    since_ts: int
    """Commit timestamp since which it may not have been written."""
    expired: bool
    """Whether it was there and past its expiry, which it may then stay."""


class Applied(NamedTuple):
    """What applying a commit on a node gave."""

    conflict: bytes | None
    """The key that refused it, or None."""
    at_ns: int
    """When the first node applied it."""


class Outcome:
    """What came of a request, for the client and for the judges."""

    __slots__ = (
        "attempts", "commit_ts", "committed_ns", "cut_short", "failed", "keys", "published",
        "read_keys", "read_ns", "reply", "start_ts", "tallies", "unsettled", "wait", "written_keys",
    )  # fmt: skip

    def __init__(self) -> None:
        self.reply: Reply = None
        self.failed = False
        """Whether an error ended the script, so that nothing was committed."""
        self.cut_short = False
        """Whether the node ended the last attempt before it was through: a fence, a guard or a
        commit that failed, or the deadline. An error that the script raised did not."""
        self.attempts = 0
        self.tallies: list[Tally] = []
        """Per attempt; the last one belongs to the reply."""
        self.start_ts = 0
        """Read timestamp of the last attempt; 0 when none got that far."""
        self.read_ns = 0
        """When that timestamp was taken."""
        self.commit_ts = 0
        """0 when nothing was written."""
        self.committed_ns = 0
        """When the writes became visible on some node."""
        self.published: list[tuple[bytes, bytes]] = []
        """Channels and messages that the last attempt published: to be sent once it has committed,
        or has ended without writing."""
        self.unsettled = False
        """Whether a write was proposed whose fate the client was not told."""
        self.keys: Mapping[bytes, Key] = {}
        """What the last attempt knows of the keys that it did more with than read a string."""
        self.read_keys: Iterable[bytes] = ()
        self.written_keys: tuple[bytes, ...] = ()
        self.wait: Wait | None = None
        """What a command that found nothing would wait for."""

    def follow(self, context: Context) -> None:
        """Know what an attempt reads and publishes as it goes on."""
        self.keys = context.keys
        self.read_keys = context.views
        self.published = context.published

    def reset(self) -> None:
        """As new: the request is sent again in another form."""
        assert not self.tallies, "an attempt was made already"
        self.reply = None
        self.failed = False

    def fail(self, reply: ErrorReply) -> None:
        """End with an error."""
        self.reply = reply
        self.failed = True

    def cut(self, reply: ErrorReply) -> None:
        """End with an error, in the middle of an attempt."""
        self.fail(reply)
        self.cut_short = True
