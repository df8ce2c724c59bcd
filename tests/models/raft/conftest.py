"""A cluster in memory: the test is the network, the disk and the clock."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from models.raft.core import Raft
from models.raft.messages import Entry, Message
from models.raft.state import Config

Packet = tuple[int, int, Message]


class Fabric:
    """Nodes 1 to n whose messages wait on `wire` until the test lets them pass.

    Keeps the drain order that `core` asks for, and checks what the order promises: nothing is sent
    while something has yet to be persisted.
    """

    def __init__(
        self,
        nodes: int,
        *,
        leader: int | None = None,
        heartbeat: int = 2,
        election: int = 10,
        seed: int = 1,
        timeouts: dict[int, int] | None = None,
    ) -> None:
        self.now = 0
        self.every_tick = False
        self.wire: list[Packet] = []
        self.applied: dict[int, list[Entry]] = {}
        self.reads: dict[int, list[tuple[int, int]]] = {}
        self.synced: dict[int, int] = {}
        self.down: dict[int, bool] = {}
        self.nodes: dict[int, Raft] = {}
        voters = tuple(range(1, nodes + 1))
        for node in voters:
            fixed = (timeouts or {}).get(node)
            draw = random.Random(seed * 100 + node).randrange
            self.nodes[node] = Raft(
                node,
                voters,
                Config(heartbeat_ticks=heartbeat, election_ticks=election),
                draw if fixed is None else lambda low, high, fixed=fixed: fixed,
                leader=leader,
            )
            self.applied[node] = self.nodes[node].entries_between(0, 0 if leader is None else 1)
            self.reads[node] = []
            self.synced[node] = 0
            self.down[node] = False

    # -- one node -------------------------------------------------------------------------------

    def drain(self, node: int) -> None:
        """Persist, send, apply, hand out reads."""
        raft = self.nodes[node]
        if raft.must_sync:
            self.synced[node] += 1
            raft.stable()
        assert raft.unstable_count == 0 and not raft.must_sync
        outbox, raft.outbox = raft.outbox, []
        self.wire += [(node, to, message) for to, message in outbox]
        self.applied[node] += raft.entries_between(len(self.applied[node]), raft.commit_index)
        states, raft.read_states = raft.read_states, []
        self.reads[node] += states

    def propose(self, node: int, payload: Any) -> tuple[int, int] | None:
        place = self.nodes[node].propose(payload, self.now)
        self.drain(node)
        return place

    def read(self, node: int, context: int) -> bool:
        accepted = self.nodes[node].read_index(context, self.now)
        self.drain(node)
        return accepted

    def call(self, node: int, action: Callable[[Raft, int], Any]) -> Any:
        result = action(self.nodes[node], self.now)
        self.drain(node)
        return result

    def receive(self, node: int, message: Message) -> None:
        self.nodes[node].step(message, self.now)
        self.drain(node)

    # -- the network ----------------------------------------------------------------------------

    def take(self, *kinds: type, to: int | None = None, sender: int | None = None) -> list[Packet]:
        """Remove what fits from the wire and return it."""

        def fits(packet: Packet) -> bool:
            return (
                (not kinds or type(packet[2]) in kinds)
                and to in (None, packet[1])
                and sender in (None, packet[0])
            )

        taken = [packet for packet in self.wire if fits(packet)]
        self.wire = [packet for packet in self.wire if not fits(packet)]
        return taken

    def deliver(self, packets: list[Packet]) -> None:
        for _, to, message in packets:
            if not self.down[to]:
                self.receive(to, message)

    def settle(self, *, cut: tuple[int, ...] = (), limit: int = 10_000) -> None:
        """Deliver all there is, and what that brings, except to and from the nodes in `cut`."""
        for _ in range(limit):
            if not self.wire:
                return
            sender, to, message = self.wire.pop(0)
            if sender not in cut and to not in cut and not self.down[to]:
                self.receive(to, message)
        raise AssertionError("the cluster does not settle")

    # -- time -----------------------------------------------------------------------------------

    def tick(self) -> None:
        """One tick everywhere: a call where one is due or, with `every_tick`, to every node."""
        self.now += 1
        for node, raft in self.nodes.items():
            if not self.down[node] and (self.every_tick or self.now >= raft.next_tick):
                raft.tick(self.now)
                self.drain(node)

    def run(self, ticks: int, *, cut: tuple[int, ...] = ()) -> None:
        for _ in range(ticks):
            self.tick()
            self.settle(cut=cut)

    def elect(self, node: int) -> None:
        """Let the election timer of `node` run out, and the votes come in."""
        self.now = max(self.now, self.nodes[node].next_tick)
        self.nodes[node].tick(self.now)
        self.drain(node)
        self.settle()
        assert self.nodes[node].is_leader

    def leaders(self) -> list[int]:
        return [node for node, raft in self.nodes.items() if raft.is_leader]

    def payloads(self, node: int) -> list[Any]:
        """What the state machine of `node` has been given, no-ops left out."""
        return [entry.payload for entry in self.applied[node] if entry.payload is not None]


@pytest.fixture
def fabric() -> type[Fabric]:
    """The class, to be called with the number of nodes."""
    return Fabric


def picture(raft: Raft) -> dict[str, Any]:
    """All that can be seen of a node, and its log: two are equal when nothing has changed."""
    names = [name for kind in type(raft).__mro__ for name in getattr(kind, "__slots__", ())]
    shown = {name: getattr(raft, name) for name in names if not name.startswith("_")}
    leading = raft._leading
    shown["log"] = (
        raft.log.between(raft.log.compacted_index, raft.log.last_index),
        raft.log.stable_index,
    )
    shown["outbox"], shown["read_states"] = list(raft.outbox), list(raft.read_states)
    shown["votes"] = dict(raft._votes)
    if leading is not None:
        shown["progress"] = {
            peer: [getattr(progress, name) for name in progress.__slots__]
            for peer, progress in leading._progress.items()
        }
        shown["reads"] = repr(leading._reads._pending), list(leading._postponed)
        shown["timers"] = leading._heartbeat_at, leading._quorum_at
    return shown


@pytest.fixture
def check_unchanged() -> Callable[[Raft, Callable[[], Any], str], None]:
    """Assert that an input raises `AssertionError` with this text and changes nothing."""

    def check(raft: Raft, action: Callable[[], Any], text: str) -> None:
        before = picture(raft)
        with pytest.raises(AssertionError) as caught:
            action()
        assert text in str(caught.value)
        assert picture(raft) == before

    return check
