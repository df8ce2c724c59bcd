"""ReadIndex (Raft thesis 6.4): a quorum confirms that its leader led after a read was asked for."""

from typing import Any

import pytest

from models.raft.messages import (
    Append,
    AppendResponse,
    Heartbeat,
    HeartbeatResponse,
    VoteRequest,
    VoteResponse,
)
from models.raft.read_only import PendingReads


def test_a_read_is_confirmed_by_one_round_of_heartbeats(fabric: Any) -> None:
    """Each peer gets one heartbeat that names the read; the first answer of two confirms it."""
    cluster = fabric(3, leader=1)
    cluster.propose(1, "a")
    cluster.settle()
    assert cluster.read(1, 7) is True
    assert cluster.wire == [(1, peer, Heartbeat(1, 1, 2, 7)) for peer in (2, 3)]
    assert cluster.wire[0][2] is cluster.wire[1][2]  # one object for both: the hot path
    cluster.deliver(cluster.take(Heartbeat))
    first, second = cluster.take(HeartbeatResponse)
    assert first == (2, 1, HeartbeatResponse(1, 2, 7))
    cluster.deliver([first])
    assert cluster.reads[1] == [(7, 2)]
    cluster.deliver([second])
    assert cluster.reads[1] == [(7, 2)]


def test_of_five_nodes_two_peers_must_answer(fabric: Any) -> None:
    """One answer is not enough, nor is the same one twice."""
    cluster = fabric(5, leader=1)
    cluster.read(1, 7)
    cluster.deliver(cluster.take())
    answers = cluster.take()
    cluster.deliver([answers[0], answers[0]])
    assert cluster.reads[1] == []
    cluster.deliver([answers[3]])
    assert cluster.reads[1] == [(7, 1)]


def test_a_later_confirmation_releases_earlier_reads(fabric: Any) -> None:
    """When the answers to the first read are lost, those to the second release both, in order."""
    cluster = fabric(3, leader=1)
    cluster.read(1, 7)
    cluster.deliver(cluster.take())
    cluster.take()  # both answers lost
    cluster.propose(1, "a")
    cluster.settle()
    cluster.read(1, 8)
    cluster.settle()
    assert cluster.reads[1] == [(7, 1), (8, 2)]


def test_an_earlier_confirmation_releases_no_later_read(fabric: Any) -> None:
    """An answer that left before a read was asked for says nothing about it."""
    cluster = fabric(3, leader=1)
    cluster.read(1, 7)
    cluster.deliver(cluster.take())
    answers = cluster.take()
    cluster.read(1, 8)
    cluster.deliver(answers)
    assert cluster.reads[1] == [(7, 1)]


def test_the_next_heartbeat_makes_up_for_a_lost_one(fabric: Any) -> None:
    """A read whose heartbeats were all lost is confirmed by the periodic one, which names it."""
    cluster = fabric(3, leader=1)
    cluster.read(1, 7)
    cluster.read(1, 8)
    cluster.take()
    cluster.tick()
    cluster.tick()
    assert [message.context for _, _, message in cluster.wire] == [8, 8]
    cluster.settle()
    assert cluster.reads[1] == [(7, 1), (8, 1)]
    cluster.run(1)
    cluster.tick()
    assert [message.context for _, _, message in cluster.wire] == [None, None]


def test_a_read_waits_for_the_first_commit_of_the_term(fabric: Any) -> None:
    """A new leader confirms reads only after its no-op, and then at an index that includes it."""
    cluster = fabric(3, leader=1)
    cluster.propose(1, "a")
    cluster.settle()
    cluster.call(1, lambda raft, now: raft.step_down(now))
    cluster.now = cluster.nodes[2].next_tick
    cluster.call(2, lambda raft, now: raft.tick(now))
    while not cluster.nodes[2].is_leader:
        cluster.deliver(cluster.take(VoteRequest, VoteResponse))
    assert cluster.read(2, 7) is True and cluster.read(2, 8) is True
    appends = cluster.take(Append)
    assert cluster.wire == []  # no heartbeat names the read yet
    assert cluster.reads[2] == []
    cluster.deliver(appends)
    cluster.settle()
    assert cluster.reads[2] == [(7, 3), (8, 3)]


def test_postponed_reads_are_lost_with_the_leadership(fabric: Any) -> None:
    """A read that waits for the first commit is forgotten when its leader steps down before it."""
    cluster = fabric(3)
    cluster.elect(1)
    raft = cluster.nodes[1]
    cluster.call(1, lambda raft, now: raft.step_down(now))
    cluster.now = raft.next_tick
    cluster.call(1, lambda raft, now: raft.tick(now))
    while not raft.is_leader:
        cluster.deliver(cluster.take(VoteRequest, VoteResponse))
    cluster.read(1, 7)
    cluster.call(1, lambda raft, now: raft.step_down(now))
    cluster.settle()
    cluster.run(100)
    assert cluster.reads[1] == []


def test_a_single_voter_answers_at_once(fabric: Any) -> None:
    """Alone, a leader is its own quorum: no message, no wait."""
    cluster = fabric(1, leader=1)
    cluster.propose(1, "a")
    assert cluster.read(1, 7) is True
    assert cluster.reads[1] == [(7, 2)] and cluster.wire == []


def test_a_follower_refuses_reads(fabric: Any) -> None:
    """Reads are not forwarded: only a leader takes them."""
    cluster = fabric(3, leader=1)
    assert cluster.read(2, 7) is False
    assert cluster.wire == []


@pytest.mark.parametrize("seed", range(20))
def test_a_deposed_leader_never_confirms_a_read(fabric: Any, seed: int) -> None:
    """Cut off with heartbeats under way, it confirms nothing once another leader is elected.

    Its read stays behind an entry that the new leader commits, so confirming it would be a stale
    read. All messages of the old leader, and the answers to them, arrive after the election.
    """
    cluster = fabric(5, leader=1, seed=seed)
    cluster.read(1, 7)
    held = cluster.take()
    while len(cluster.leaders()) < 2 and cluster.now < 200:
        cluster.tick()
        held += cluster.take(sender=1)
        cluster.settle(cut=(1,))
        if cluster.nodes[1].is_leader:
            cluster.read(1, 100 + cluster.now)
            held += cluster.take()
    new = next(node for node in cluster.nodes if node != 1 and cluster.nodes[node].is_leader)
    cluster.propose(new, "newer")
    cluster.settle(cut=(1,))
    assert cluster.payloads(new) == ["newer"]
    cluster.deliver(held)
    cluster.settle()
    cluster.run(30)
    assert cluster.reads[1] == []


def test_answers_from_before_the_election_may_still_confirm(fabric: Any) -> None:
    """Acknowledged by a majority while it led, a read is sound however late the answers come.

    The read began before the answers left, and then no other leader could have committed anything.
    """
    cluster = fabric(3, leader=1)
    cluster.read(1, 7)
    cluster.deliver(cluster.take())
    answers = cluster.take(HeartbeatResponse)
    for _ in range(9):
        cluster.tick()
        cluster.take()
    cluster.deliver(answers)
    assert cluster.reads[1] == [(7, 1)]


def test_a_read_shows_the_commit_index_of_its_moment(fabric: Any) -> None:
    """What is committed between the request and its confirmation does not move its index."""
    cluster = fabric(3, leader=1)
    cluster.read(1, 7)
    beats = cluster.take()
    cluster.propose(1, "a")
    cluster.settle()
    assert cluster.nodes[1].commit_index == 2
    cluster.deliver(beats)
    cluster.settle()
    assert cluster.reads[1] == [(7, 1)]


def test_a_heartbeat_commits_no_more_than_the_peer_is_known_to_hold(fabric: Any) -> None:
    """Peers that differ in what they hold get different heartbeats."""
    cluster = fabric(3, leader=1)
    cluster.propose(1, "a")
    cluster.settle(cut=(3,))
    cluster.read(1, 7)
    assert cluster.wire == [(1, 2, Heartbeat(1, 1, 2, 7)), (1, 3, Heartbeat(1, 1, 1, 7))]


def test_an_answer_to_a_heartbeat_repairs_a_log(fabric: Any) -> None:
    """A peer that answers while it lacks entries is sent an append again."""
    cluster = fabric(3, leader=1)
    cluster.propose(1, "a")
    cluster.settle(cut=(3,))
    cluster.read(1, 7)
    cluster.deliver(cluster.take())
    cluster.deliver(cluster.take(HeartbeatResponse))
    assert [to for _, to, _ in cluster.wire] == [3]
    assert type(cluster.wire[0][2]) is Append
    cluster.deliver(cluster.take())
    assert cluster.wire == [(3, 1, AppendResponse(1, 3, 2, rejected=True, hint=1))]
    cluster.settle()
    assert cluster.payloads(3) == ["a"]


def test_pending_reads_know_the_newest() -> None:
    """The newest is the one asked for last, also after others have been released."""
    reads = PendingReads(3)
    assert reads.newest is None
    for context in (5, 3, 9):
        reads.add(context, context)
    assert reads.newest == 9 and 3 in reads and 4 not in reads
    assert reads.acknowledge(3, 1) == [(5, 5), (3, 3)]
    assert reads.newest == 9
    assert reads.acknowledge(3, 2) == ()
    assert reads.acknowledge(9, 2) == [(9, 9)]
    assert reads.newest is None
