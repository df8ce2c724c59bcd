"""Tickless: called only when a timer is due, a node does what it does when called at every tick."""

import random
from typing import Any

import pytest

from models.raft.messages import Heartbeat


def transcript(fabric: Any, seed: int, *, every_tick: bool) -> list[Any]:
    """What a cluster sends, applies and confirms over 600 ticks of drawn trouble."""
    cluster = fabric(3, seed=seed)
    cluster.every_tick = every_tick
    rng = random.Random(seed)
    told: list[Any] = []
    cut: tuple[int, ...] = ()
    for tick in range(600):
        if rng.random() < 0.03:
            cut = (rng.randint(1, 3),) if rng.random() < 0.6 else ()
        event, node = rng.random(), rng.randint(1, 3)
        cluster.tick()
        told += [(tick, *packet) for packet in cluster.wire]
        if event < 0.2:
            cluster.propose(node, tick)
        elif event < 0.4:
            cluster.read(node, tick)
        elif event < 0.41:
            cluster.call(node, lambda raft, now: raft.step_down(now))
        elif event < 0.42:
            to = node % 3 + 1
            cluster.call(node, lambda raft, now, to=to: raft.transfer_leadership(to, now))
        elif event < 0.43:
            cluster.call(node, lambda raft, now: raft.restart(now))
        cluster.settle(cut=cut)
        told.append((tick, [raft.commit_index for raft in cluster.nodes.values()],
                     [raft.role for raft in cluster.nodes.values()],
                     [raft.next_tick for raft in cluster.nodes.values()],
                     [list(reads) for reads in cluster.reads.values()]))  # fmt: skip
    return told


def packets(told: list[Any]) -> list[Any]:
    """The messages of a transcript as (tick, sender, receiver, message)."""
    return [each for each in told if len(each) == 4]


@pytest.mark.parametrize("seed", range(10))
def test_tickless_and_ticking_drivers_see_the_same(fabric: Any, seed: int) -> None:
    """Every message, commit, role and confirmed read is equal, tick by tick."""
    tickless = transcript(fabric, seed, every_tick=False)
    ticking = transcript(fabric, seed, every_tick=True)
    assert tickless == ticking
    elections = {message.term for _, _, _, message in packets(tickless)}
    assert len(elections) > 3 and tickless[-1][-1] != [[], [], []]  # something did happen


def test_the_schedules_that_are_compared_differ(fabric: Any) -> None:
    """Another seed gives another transcript, so that equal ones mean something."""
    assert transcript(fabric, 1, every_tick=False) != transcript(fabric, 2, every_tick=False)


def test_a_node_at_rest_needs_few_calls(fabric: Any) -> None:
    """A leader is due once per heartbeat interval; a follower that hears it, never."""
    cluster = fabric(3, leader=1, heartbeat=20, election=200)
    calls = {1: 0, 2: 0, 3: 0}
    for _ in range(2_000):
        cluster.now += 1
        for node, raft in cluster.nodes.items():
            if cluster.now >= raft.next_tick:
                calls[node] += 1
                raft.tick(cluster.now)
                cluster.drain(node)
        cluster.settle()
    assert calls == {1: 100, 2: 0, 3: 0}


def test_calls_before_the_due_tick_do_nothing(fabric: Any) -> None:
    """A timer that rings too early is harmless."""
    cluster = fabric(3, leader=1, heartbeat=5, election=50)
    for tick in range(5):
        cluster.nodes[1].tick(tick)
        assert cluster.nodes[1].outbox == []
    cluster.nodes[1].tick(5)
    assert [type(message) for _, message in cluster.nodes[1].outbox] == [Heartbeat] * 2


def test_a_late_call_does_what_was_due_once(fabric: Any) -> None:
    """A driver that was busy for three intervals sends one round of heartbeats, not three."""
    cluster = fabric(3, leader=1, heartbeat=2, election=50)
    cluster.nodes[1].tick(7)
    assert len(cluster.nodes[1].outbox) == 2
    assert cluster.nodes[1].next_tick == 9
