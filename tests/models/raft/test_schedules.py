"""Drawn schedules with every kind of trouble; after each step, what Raft promises still holds."""

import random
from typing import Any

import pytest

from models.raft.messages import Entry


class Watch:
    """The promises of figure 3 of the Raft paper, and that of ReadIndex, checked from outside."""

    def __init__(self, cluster: Any) -> None:
        self.cluster = cluster
        self.leaders: dict[int, int] = {}
        self.committed: dict[int, Entry] = {1: Entry(1, 1, None)}
        self.known_in = {1: 1}
        """For each committed entry, a term in which it was known to be: its own or a later one."""
        self.seen = dict.fromkeys(cluster.nodes, 1)
        self.asked: dict[int, int] = {}
        self.confirmed = dict.fromkeys(cluster.nodes, 0)
        self.reads = 0

    def look(self) -> None:
        """Check all promises."""
        for node, raft in self.cluster.nodes.items():
            self._state_machine(node)
            if raft.is_leader:
                self._leader(node)
        self._reads()

    def _state_machine(self, node: int) -> None:
        """State machine safety: no two nodes apply different entries at one index."""
        applied = self.cluster.applied[node]
        assert [entry.index for entry in applied] == list(range(1, len(applied) + 1))
        for entry in applied[self.seen[node] :]:
            assert self.committed.setdefault(entry.index, entry) == entry
            self.known_in.setdefault(entry.index, self.cluster.nodes[node].term)
        self.seen[node] = len(applied)

    def _leader(self, node: int) -> None:
        raft = self.cluster.nodes[node]
        if raft.term in self.leaders:
            assert self.leaders[raft.term] == node, f"two leaders in term {raft.term}"
            return
        self.leaders[raft.term] = node
        # Leader completeness: at its election it holds all that was committed in earlier terms.
        log = raft.log
        for entry in self.committed.values():
            # A leader of an earlier term, elected by late votes, need not hold it.
            if self.known_in[entry.index] < raft.term and entry.index > log.compacted_index:
                assert log.agrees(entry.index, entry.term), f"node {node} lacks {entry}"

    def _reads(self) -> None:
        """A confirmed read is at an index that covers all that was committed when it was asked."""
        for node, reads in self.cluster.reads.items():
            for context, index in reads[self.confirmed[node] :]:
                assert index >= self.asked[context], f"read {context} is stale on node {node}"
                self.reads += 1
            self.confirmed[node] = len(reads)

    def compare_logs(self) -> None:
        """Log matching: where two logs have the same term, they are the same up to there."""
        logs = [
            (raft.log.compacted_index, raft.log.between(raft.log.compacted_index,
                                                        raft.log.last_index))
            for raft in self.cluster.nodes.values()
        ]  # fmt: skip
        for place, (cut, log) in enumerate(logs):
            for other_cut, other in logs[place + 1 :]:
                start = max(cut, other_cut)
                mine, theirs = log[start - cut :], other[start - other_cut :]
                same = [one.term == two.term for one, two in zip(mine, theirs, strict=False)]
                agreeing = len(same) - same[::-1].index(True) if True in same else 0
                assert mine[:agreeing] == theirs[:agreeing]


def disturb(cluster: Any, watch: Watch, rng: random.Random, step: int) -> None:
    """One drawn event: mostly a delivery, sometimes a loss, a copy, a tick, a request, a crash."""
    nodes = list(cluster.nodes)
    draw, node = rng.random(), rng.choice(nodes)
    if cluster.wire and draw < 0.62:
        # One of the oldest few: deliveries overtake each other.
        packet = cluster.wire.pop(rng.randrange(min(8, len(cluster.wire))))
        cluster.deliver([packet])
    elif cluster.wire and draw < 0.69:
        cluster.wire.pop(rng.randrange(len(cluster.wire)))
    elif cluster.wire and draw < 0.71:
        cluster.wire.append(rng.choice(cluster.wire))
    elif draw < 0.82:
        cluster.tick()
    elif draw < 0.89:
        cluster.propose(rng.choice(cluster.leaders() or nodes), step)
    elif draw < 0.97:
        watch.asked[step] = max(watch.committed)
        cluster.read(rng.choice(cluster.leaders() or nodes), step)
    elif draw < 0.98:
        cluster.call(node, lambda raft, now: raft.restart(now))
    elif draw < 0.99:
        cluster.call(node, lambda raft, now: raft.step_down(now))
    elif draw < 0.995:
        to = rng.choice(nodes)
        cluster.call(node, lambda raft, now: raft.transfer_leadership(to, now))
    else:
        raft = cluster.nodes[node]
        held = min(len(entries) for entries in cluster.applied.values())
        raft.compact(max(0, min(held, raft.commit_index) - 10))


@pytest.mark.parametrize("nodes", [3, 4, 5])
@pytest.mark.parametrize("seed", range(8))
def test_no_schedule_breaks_a_promise(fabric: Any, nodes: int, seed: int) -> None:
    """4,000 drawn steps with losses, copies, reordering, crashes and hand-overs; then all heals."""
    rng = random.Random(1000 * nodes + seed)
    cluster = fabric(nodes, leader=1, heartbeat=2, election=6, seed=seed)
    watch = Watch(cluster)
    for step in range(4_000):
        disturb(cluster, watch, rng, step)
        watch.look()
        if step % 50 == 0:
            watch.compare_logs()
    cluster.run(200)
    watch.look()
    (leader,) = cluster.leaders()
    assert cluster.propose(leader, "last") is not None
    cluster.run(10)
    watch.look()
    watch.compare_logs()
    assert {cluster.payloads(node)[-1] for node in cluster.nodes} == {"last"}
    assert len({tuple(entries) for entries in cluster.applied.values()}) == 1
    # The schedule was worth something.
    assert len(watch.leaders) > 2 and len(watch.committed) > 40 and watch.reads > 10
