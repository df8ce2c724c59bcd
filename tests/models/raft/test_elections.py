"""PreVote, CheckQuorum, scripted step-downs and restarts: what etcd raft adds to the paper."""

from typing import Any

import pytest

from models.raft.core import Raft
from models.raft.messages import (
    Append,
    AppendResponse,
    Heartbeat,
    TimeoutNow,
    VoteRequest,
    VoteResponse,
)
from models.raft.state import Config, Role
from sim.errors import InputError


def campaign(cluster: Any, node: int) -> None:
    """Let the election timer of `node` run out."""
    cluster.now = max(cluster.now, cluster.nodes[node].next_tick)
    cluster.call(node, lambda raft, now: raft.tick(now))


def test_a_node_asks_before_it_moves_the_term(fabric: Any) -> None:
    """PreVote: a campaign begins with a question about the next term, in which nobody is yet."""
    cluster = fabric(3)
    campaign(cluster, 1)
    raft = cluster.nodes[1]
    assert (raft.role, raft.term, raft.voted_for) == (Role.PRE_CANDIDATE, 0, None)
    assert not raft.must_sync and cluster.synced[1] == 0
    requests = [message for _, _, message in cluster.take(VoteRequest)]
    assert requests == [VoteRequest(1, 1, 0, 0, is_pre=True, is_transfer=False)] * 2


def test_being_asked_binds_nobody(fabric: Any) -> None:
    """A voter says yes to two campaigns that only ask, and its term and vote stay as they were."""
    cluster = fabric(3)
    for sender in (1, 2):
        cluster.receive(3, VoteRequest(1, sender, 0, 0, is_pre=True, is_transfer=False))
    answers = [message for _, _, message in cluster.take()]
    assert answers == [VoteResponse(1, 3, is_pre=True, granted=True)] * 2
    assert (cluster.nodes[3].term, cluster.nodes[3].voted_for) == (0, None)


def test_a_node_that_was_cut_off_disturbs_nobody(fabric: Any) -> None:
    """It campaigns in vain, without moving its term, and follows again once it hears the leader."""
    cluster = fabric(3, leader=1)
    cluster.run(100, cut=(3,))
    assert cluster.nodes[3].role is Role.PRE_CANDIDATE and cluster.nodes[3].term == 1
    cluster.run(5)
    assert {raft.leader for raft in cluster.nodes.values()} == {1}
    assert {raft.term for raft in cluster.nodes.values()} == {1}


def test_voters_that_hear_their_leader_ignore_campaigns(fabric: Any) -> None:
    """Within an election timeout of the leader's last word not even an answer is sent."""
    cluster = fabric(3, leader=1, election=10)
    cluster.now = 5
    cluster.receive(2, Heartbeat(1, 1, 1, None))
    cluster.take()
    for is_pre in (True, False):
        cluster.now = 14
        cluster.receive(2, VoteRequest(2, 3, 9, 9, is_pre=is_pre, is_transfer=False))
        cluster.receive(1, VoteRequest(2, 3, 9, 9, is_pre=is_pre, is_transfer=False))
        assert cluster.take() == [] and cluster.nodes[2].term == 1
    cluster.now = 15
    cluster.receive(2, VoteRequest(2, 3, 9, 9, is_pre=True, is_transfer=False))
    assert cluster.take() == [(2, 3, VoteResponse(2, 2, is_pre=True, granted=True))]


def test_a_node_that_follows_a_leader_votes_for_no_rival_of_its_term(fabric: Any) -> None:
    """Even with its vote of the term unused: the election is over."""
    cluster = fabric(3)
    cluster.receive(2, Heartbeat(5, 3, 0, None))
    cluster.take()
    cluster.now = 50
    cluster.receive(2, VoteRequest(5, 1, 9, 9, is_pre=False, is_transfer=False))
    assert cluster.take() == [(2, 1, VoteResponse(5, 2, is_pre=False, granted=False))]


def test_a_campaign_that_the_leader_asked_for_is_heard(fabric: Any) -> None:
    """The request of a transfer passes even while the voter hears its leader."""
    cluster = fabric(3, leader=1)
    cluster.receive(2, VoteRequest(2, 3, 1, 1, is_pre=False, is_transfer=True))
    assert cluster.take() == [(2, 3, VoteResponse(2, 2, is_pre=False, granted=True))]


def test_a_refused_question_ends_the_campaign(fabric: Any) -> None:
    """When a majority says no, the node goes back to following, in its old term."""
    cluster = fabric(3, leader=1)
    campaign(cluster, 3)
    for voter in (1, 2):
        cluster.receive(3, VoteResponse(1, voter, is_pre=True, granted=False))
    assert (cluster.nodes[3].role, cluster.nodes[3].term) == (Role.FOLLOWER, 1)


def test_a_campaigner_that_is_behind_learns_the_term(fabric: Any) -> None:
    """A question about a past term is answered with the present one, which is taken over."""
    cluster = fabric(3)
    cluster.nodes[2].step(Heartbeat(5, 3, 0, None), 0)
    cluster.drain(2)
    cluster.take()
    cluster.receive(2, VoteRequest(1, 1, 0, 0, is_pre=True, is_transfer=False))
    assert cluster.wire == [(2, 1, VoteResponse(5, 2, is_pre=True, granted=False))]
    cluster.settle()
    assert cluster.nodes[1].term == 5


def test_a_leader_that_hears_no_quorum_steps_down(fabric: Any) -> None:
    """CheckQuorum: within two election timeouts of being cut off, a leader leads no more."""
    cluster = fabric(3, leader=1, election=10)
    cluster.run(9)
    assert cluster.leaders() == [1]
    cluster.run(11, cut=(1,))
    raft = cluster.nodes[1]
    assert (raft.role, raft.term, raft.leader) == (Role.FOLLOWER, 1, None)


def test_a_leader_that_hears_one_of_two_peers_stays(fabric: Any) -> None:
    """With itself that is a quorum of three."""
    cluster = fabric(3, leader=1)
    cluster.run(100, cut=(3,))
    assert cluster.leaders() == [1]


def test_an_old_leader_is_told_by_those_who_went_on(fabric: Any) -> None:
    """Its heartbeat of an old term brings back the new term, so it steps down at once."""
    cluster = fabric(3, leader=1)
    cluster.run(40, cut=(1,))
    old = cluster.nodes[1]
    beat = Heartbeat(1, 1, 1, None)
    cluster.take()
    cluster.receive(2, beat)
    answer = AppendResponse(cluster.nodes[2].term, 2, index=0, rejected=True)
    assert cluster.take() == [(2, 1, answer)]
    cluster.receive(1, answer)
    assert (old.role, old.term) == (Role.FOLLOWER, cluster.nodes[2].term)


def test_a_scripted_step_down_leaves_the_term_and_its_log(fabric: Any) -> None:
    """The node follows nobody in the same term; another leader appears after an election."""
    cluster = fabric(3, leader=1)
    changes = cluster.nodes[1].leader_changes
    assert cluster.call(1, lambda raft, now: raft.step_down(now)) is True
    raft = cluster.nodes[1]
    assert (raft.role, raft.term, raft.leader, raft.is_leader) == (Role.FOLLOWER, 1, None, False)
    assert raft.leader_changes == changes + 1
    cluster.run(50)
    assert len(cluster.leaders()) == 1 and cluster.nodes[cluster.leaders()[0]].term > 1


def test_what_only_a_leader_can_do_is_refused_elsewhere(fabric: Any) -> None:
    """A follower takes no proposal, no read, no step-down and no transfer, and sends nothing."""
    cluster = fabric(3, leader=1)
    raft = cluster.nodes[2]
    assert raft.propose("a", 0) is None
    assert raft.read_index(1, 0) is False
    assert raft.step_down(0) is False
    assert raft.transfer_leadership(3, 0) is False
    assert raft.outbox == [] and raft.log.last_index == 1 and not raft.must_sync
    assert raft.matches() == {} and raft.transferee is None


def test_a_restart_keeps_term_vote_and_log(fabric: Any) -> None:
    """A node comes back as a follower that cannot vote twice, with its entries and no messages."""
    cluster = fabric(3)
    cluster.elect(1)
    cluster.propose(1, "a")
    raft = cluster.nodes[1]
    term, last = raft.term, raft.log.last_index
    raft.read_index(1, cluster.now)
    raft.restart(cluster.now)
    assert (raft.role, raft.leader, raft.outbox, raft.read_states) == (Role.FOLLOWER, None, [], [])
    assert (raft.term, raft.voted_for, raft.log.last_index) == (term, 1, last)
    assert not raft.must_sync and raft.unstable_count == 0
    cluster.take()
    cluster.receive(1, VoteRequest(term, 2, 99, term, is_pre=False, is_transfer=False))
    assert cluster.take() == [(1, 2, VoteResponse(term, 1, is_pre=False, granted=False))]


def test_a_single_voter_elects_itself_and_commits(fabric: Any) -> None:
    """Alone, a node needs nobody's vote, and commits what it has persisted."""
    cluster = fabric(1)
    cluster.elect(1)
    assert cluster.nodes[1].commit_index == 1
    cluster.propose(1, "a")
    assert cluster.payloads(1) == ["a"] and cluster.wire == []


def test_a_bootstrapped_cluster_is_at_rest(fabric: Any) -> None:
    """It starts in term 1 with one committed no-op everywhere and nothing to send or persist."""
    cluster = fabric(5, leader=3)
    for node, raft in cluster.nodes.items():
        assert (raft.term, raft.leader, raft.commit_index) == (1, 3, 1)
        assert raft.is_leader == (node == 3) == (raft.role is Role.LEADER)
        assert not raft.must_sync and raft.outbox == [] and raft.unstable_count == 0
    assert cluster.nodes[3].matches() == dict.fromkeys((3, 1, 2, 4, 5), 1)
    assert cluster.call(3, lambda raft, now: raft.propose("a", now)) == (2, 1)
    cluster.settle()
    assert [cluster.payloads(node) for node in cluster.nodes] == [["a"]] * 5


def test_a_leader_ignores_what_is_meant_for_others(fabric: Any) -> None:
    """Late votes and a late request to campaign do not touch a leader."""
    cluster = fabric(3, leader=1)
    cluster.receive(1, VoteResponse(1, 2, is_pre=False, granted=False))
    cluster.receive(1, TimeoutNow(1, 2))
    assert cluster.leaders() == [1] and cluster.take() == []


def test_an_append_counts_as_hearing_the_leader(fabric: Any) -> None:
    """An append moves the election timer just as a heartbeat does."""
    cluster = fabric(3, leader=1)
    raft = cluster.nodes[2]
    before = raft.next_tick
    cluster.now = 7
    cluster.receive(2, Append(1, 1, 1, 1, (), 1))
    assert raft.next_tick == before + 7


@pytest.mark.parametrize(("heartbeat", "election"), [(0, 10), (10, 10), (11, 10)])
def test_times_that_do_not_fit_are_refused(heartbeat: int, election: int) -> None:
    """A heartbeat interval must be positive and shorter than the election timeout."""
    with pytest.raises(InputError) as caught:
        Config(heartbeat_ticks=heartbeat, election_ticks=election)
    assert str(caught.value) == (
        f"raft: expected 1 <= heartbeat ticks < election ticks, got {heartbeat} and {election}"
    )


@pytest.mark.parametrize(
    ("id", "voters", "leader", "text"),
    [
        (4, (1, 2, 3), None, "expected different voters with node 4 among them, got (1, 2, 3)"),
        (1, (1, 2, 2), None, "expected different voters with node 1 among them, got (1, 2, 2)"),
        (1, (1, 2, 3), 4, "node 4 is no voter: (1, 2, 3)"),
    ],
)
def test_members_that_do_not_fit_are_refused(
    id: int, voters: tuple[int, ...], leader: int | None, text: str
) -> None:
    """A node is one of its voters, voters are different, and only a voter can start as leader."""
    with pytest.raises(AssertionError) as caught:
        Raft(id, voters, Config(1, 10), lambda low, high: low, leader=leader)
    assert str(caught.value) == text
