"""Handing the leadership over (Raft thesis 3.10)."""

from typing import Any

from models.raft.messages import Append, TimeoutNow


def hand_over(cluster: Any, to: int) -> Any:
    """Ask node 1 to hand over to `to`."""
    return cluster.call(1, lambda raft, now: raft.transfer_leadership(to, now))


def test_an_up_to_date_peer_takes_over_at_once(fabric: Any) -> None:
    """It campaigns without waiting or asking first, and voters that hear their leader say yes."""
    cluster = fabric(3, leader=1)
    assert hand_over(cluster, 2) is True
    assert cluster.wire == [(1, 2, TimeoutNow(1, 1))]
    cluster.settle()
    assert cluster.leaders() == [2] and cluster.now == 0
    assert {raft.term for raft in cluster.nodes.values()} == {2}
    assert {raft.leader for raft in cluster.nodes.values()} == {2}


def test_a_peer_that_is_behind_is_brought_up_to_date_first(fabric: Any) -> None:
    """The word to campaign follows the acknowledgement of the last entry."""
    cluster = fabric(3, leader=1)
    cluster.propose(1, "a")
    cluster.settle(cut=(2,))
    hand_over(cluster, 2)
    assert cluster.take(TimeoutNow) == []
    cluster.settle()
    assert cluster.leaders() == [2]
    assert cluster.payloads(2) == ["a"]


def test_proposals_are_refused_meanwhile(fabric: Any) -> None:
    """New entries would keep the peer from ever catching up."""
    cluster = fabric(3, leader=1)
    hand_over(cluster, 2)
    cluster.take()
    assert cluster.nodes[1].transferee == 2
    assert cluster.propose(1, "a") is None
    assert cluster.nodes[1].log.last_index == 1 and cluster.take(Append) == []


def test_a_transfer_is_given_up_after_an_election_timeout(fabric: Any) -> None:
    """When the peer does not take over, the leader goes on leading and taking proposals."""
    cluster = fabric(3, leader=1, election=10)
    cluster.run(5)
    hand_over(cluster, 3)
    cluster.run(9, cut=(3,))
    assert cluster.nodes[1].transferee == 3
    cluster.run(1, cut=(3,))
    assert cluster.nodes[1].transferee is None and cluster.leaders() == [1]
    assert cluster.propose(1, "a") == (2, 1)


def test_a_transfer_to_oneself_or_a_stranger_is_refused(fabric: Any) -> None:
    """Only a peer can take over."""
    cluster = fabric(3, leader=1)
    assert hand_over(cluster, 1) is False
    assert hand_over(cluster, 9) is False
    assert cluster.wire == [] and cluster.nodes[1].transferee is None


def test_asking_twice_is_asking_once_and_another_peer_replaces_the_first(fabric: Any) -> None:
    """The same transfer is not begun again; a different one takes its place."""
    cluster = fabric(3, leader=1)
    hand_over(cluster, 2)
    assert hand_over(cluster, 2) is True
    assert cluster.take() == [(1, 2, TimeoutNow(1, 1))]
    assert hand_over(cluster, 3) is True
    cluster.settle()
    assert cluster.leaders() == [3]


def test_reads_go_on_during_a_transfer(fabric: Any) -> None:
    """A leader that hands over still leads, so a quorum can confirm it."""
    cluster = fabric(3, leader=1)
    hand_over(cluster, 2)
    cluster.take()
    assert cluster.read(1, 7) is True
    cluster.settle()
    assert cluster.reads[1] == [(7, 1)]
