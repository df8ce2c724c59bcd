"""What a Raft node knows and hands out, whatever its role: the ground of `core` and `leader`."""

from dataclasses import dataclass
from enum import Enum

from models.raft.log import RaftLog
from models.raft.messages import Message
from sim.errors import InputError


class Role(Enum):
    """What a node is at the moment; the values are for people."""

    FOLLOWER = "follower"
    PRE_CANDIDATE = "pre-candidate"
    CANDIDATE = "candidate"
    LEADER = "leader"


@dataclass(frozen=True, slots=True)
class Config:
    """Times of the protocol, in ticks. Raises `InputError` when they do not fit each other."""

    heartbeat_ticks: int
    """Between two heartbeats of a leader. As many as `election_ticks` would cost elections."""
    election_ticks: int
    """T: a follower campaigns after T to 2T ticks of silence, refuses votes for T ticks after
    hearing its leader, and a leader that hears no quorum within T ticks steps down. Too short, and
    delayed heartbeats cost elections; too long, and crashes cost availability."""

    def __post_init__(self) -> None:
        if not 1 <= self.heartbeat_ticks < self.election_ticks:
            raise InputError(
                "raft: expected 1 <= heartbeat ticks < election ticks, got "
                f"{self.heartbeat_ticks} and {self.election_ticks}"
            )


class State:
    """State of one node that every role shares. All attributes are to be read, few to be set.

    A driver reads any of them and sets `outbox` and `read_states`, to a new list, when it takes
    what is in the old.
    """

    __slots__ = (
        "commit_index",
        "config",
        "election_start",
        "id",
        "is_leader",
        "last_tick",
        "leader",
        "leader_changes",
        "log",
        "must_sync",
        "next_tick",
        "outbox",
        "read_states",
        "role",
        "term",
        "timeout",
        "voted_for",
        "voters",
    )

    def __init__(self, id: int, voters: tuple[int, ...], config: Config, tick: int) -> None:
        assert id in voters and len(set(voters)) == len(voters), (
            f"expected different voters with node {id} among them, got {voters}"
        )
        self.id = id
        self.voters = voters
        """All members, this node included; membership does not change."""
        self.config = config
        self.role = Role.FOLLOWER
        self.is_leader = False
        """Whether `role` is LEADER: a plain flag, cheap to ask before every read."""
        self.term = 0
        self.voted_for: int | None = None
        """Whom this node voted for in `term`."""
        self.leader: int | None = None
        """Who leads `term` as far as this node knows."""
        self.leader_changes = 0
        """Goes up whenever `leader` changes, so two looks at it show whether it did in between."""
        self.log = RaftLog()
        self.commit_index = 0
        """Entries up to this one are final. Never falls."""
        self.must_sync = False
        """Term, vote or entries changed that have to be persisted before any message is sent."""
        self.outbox: list[tuple[int, Message]] = []
        """(receiver, message) in the order of sending."""
        self.read_states: list[tuple[int, int]] = []
        """(context, index) of each confirmed read: it may be served once `index` is applied."""
        self.next_tick = 0
        """The tick at which the next timer is due. May move either way with every input."""
        self.last_tick = tick
        """The tick of the latest input."""
        self.election_start = tick
        """Without a leader's word since then, the election timer is due `timeout` ticks later."""
        self.timeout = 0
        """The election timeout drawn last, in ticks."""

    def set_leader(self, leader: int | None) -> None:
        """Note who leads, and that it changed if it did."""
        if self.leader != leader:
            self.leader = leader
            self.leader_changes += 1
