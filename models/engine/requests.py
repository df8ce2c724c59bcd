"""What is asked of an engine, and how it is refused."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol

from models.engine.sites import ROUNDS, Site, Tally
from sim.kernel import Future

WAITING: Final = tuple(f"a quorum ({site.name.lower()})" for site in Site)
"""Per site: what somebody waits for, for the report of a stalled run."""


class NotLeader(Exception):
    """The node does not lead, or stopped leading while the request was pending."""

    def __init__(self) -> None:
        super().__init__("etcd raft engine is not leader")


class DeadlineExceeded(Exception):
    """The deadline of the requester passed first."""

    def __init__(self) -> None:
        super().__init__("context deadline exceeded")


class Asked(Protocol):
    """What a service asks of its node's engine."""

    def verify_leader(self, site: Site, tally: Tally, deadline: int | None = None) -> Future:
        """Have a quorum confirm that this node leads: VerifyLeader.

        The future resolves to the confirmed read index without waiting for anything to be applied.
        It fails with `NotLeader`, or at the instant `deadline` with `DeadlineExceeded`.
        """

    def linearizable_read(self, site: Site, tally: Tally, deadline: int | None = None) -> Future:
        """Verify leadership and wait until all that was committed by then is applied on this node.

        Resolves to the read index: a fence and nothing else, no timestamp to read at. Fails as
        `verify_leader` does.
        """

    def propose(self, make: Callable[[], Any], deadline: int | None = None) -> Future:
        """Put a payload through the log; `make()` builds it when its place in the log is decided.

        The future resolves to what applying it on this node gave. It fails with `NotLeader`, and
        then the payload may still be applied later, or with `DeadlineExceeded`, likewise.
        """

    def log_read(self, site: Site, tally: Tally, deadline: int | None = None) -> Future:
        """A read fence that is an entry in the log: committed by a quorum, applied, then answered.

        Resolves to None; fails as `propose` does. Counted at `site` when it is applied.
        """


class ReadRequest(Future):
    """A read waiting for its quorum; resolves to the confirmed read index."""

    __slots__ = ("asked", "deadline", "sharers", "site", "tally", "wait_applied")

    def __init__(
        self, site: Site, tally: Tally, wait_applied: bool, deadline: int | None = None
    ) -> None:
        Future.__init__(self, WAITING[site])  # `super()` takes as long as all the rest
        self.site = site
        self.tally = tally
        self.wait_applied = wait_applied
        self.deadline = deadline
        self.sharers: Sequence[ReadRequest] = ()
        """Who shares the round that this one began."""
        self.asked = 0
        """When it was asked, as the wire tap counts; 0 where no round is shared."""


class LogRead(NamedTuple):
    """Payload of a read fence in the log."""

    site: Site
    tally: Tally

    def note(self) -> None:
        """Its quorum has answered, and somebody waits for it."""
        self.tally[self.site] += 1
        self.tally[ROUNDS] += 1
