"""What is asked of an engine, and how it is refused."""

from collections.abc import Sequence
from typing import Final, NamedTuple

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


class ReadRequest(Future):
    """A read waiting for its quorum; resolves to the confirmed read index."""

    __slots__ = ("asked", "sharers", "site", "tally", "wait_applied")

    def __init__(self, site: Site, tally: Tally, wait_applied: bool) -> None:
        super().__init__(WAITING[site])
        self.site = site
        self.tally = tally
        self.wait_applied = wait_applied
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
