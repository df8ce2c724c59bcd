"""One test per claim of the Raft paper, sections 5.1 to 5.4, in its order."""

from typing import Any

import pytest

from models.raft.messages import (
    Append,
    AppendResponse,
    Entry,
    Heartbeat,
    HeartbeatResponse,
    VoteRequest,
    VoteResponse,
)
from models.raft.state import Role


def ask(term: int, sender: int, last: tuple[int, int] = (0, 0)) -> VoteRequest:
    """A request for a real vote from a node whose log ends with (index, term)."""
    return VoteRequest(term, sender, *last, is_pre=False, is_transfer=False)


def entries(first: int, *terms: int) -> tuple[Entry, ...]:
    """Entries from `first` on with these terms."""
    return tuple(Entry(first + place, term, f"t{term}") for place, term in enumerate(terms))


# -- 5.1 terms ------------------------------------------------------------------------------------


@pytest.mark.parametrize("message", [Heartbeat(9, 2, 0, None), Append(9, 2, 0, 0, (), 0)])
def test_a_greater_term_makes_any_node_a_follower(fabric: Any, message: Any) -> None:
    """Followers, candidates and leaders that hear of a greater term take it over and follow."""
    follower, candidate, leader = fabric(3), fabric(3), fabric(3, leader=1)
    candidate.now = candidate.nodes[1].next_tick
    candidate.call(1, lambda raft, now: raft.tick(now))
    assert candidate.nodes[1].role is Role.PRE_CANDIDATE
    for cluster in (follower, candidate, leader):
        raft = cluster.nodes[1]
        raft.step(message, cluster.now)
        assert raft.must_sync  # the term has to be persisted before anybody is answered
        assert (raft.role, raft.term, raft.leader) == (Role.FOLLOWER, 9, 2)


def test_a_smaller_term_is_refused(fabric: Any) -> None:
    """A message of an old leader changes nothing, and the old leader learns the new term."""
    cluster = fabric(3)
    cluster.elect(1)
    before = cluster.nodes[2].log.last_index, cluster.nodes[2].commit_index
    term = cluster.nodes[2].term
    cluster.nodes[2].step(Heartbeat(term + 1, 3, 0, None), cluster.now)
    cluster.drain(2)
    cluster.take()
    cluster.receive(2, Append(term, 1, 1, 1, entries(2, term), 2))
    assert (cluster.nodes[2].log.last_index, cluster.nodes[2].commit_index) == before
    assert cluster.take() == [(2, 1, AppendResponse(term + 1, 2, index=0, rejected=True))]


# -- 5.2 elections --------------------------------------------------------------------------------


def test_nodes_start_as_followers(fabric: Any) -> None:
    """A new node follows nobody in term 0 and has an empty log."""
    raft = fabric(3).nodes[1]
    assert (raft.role, raft.term, raft.leader, raft.log.last_index) == (Role.FOLLOWER, 0, None, 0)


def test_a_leader_sends_heartbeats_and_stays(fabric: Any) -> None:
    """Followers that hear heartbeats in time never campaign."""
    cluster = fabric(3, leader=1)
    cluster.run(500)
    assert cluster.leaders() == [1]
    assert {raft.term for raft in cluster.nodes.values()} == {1}


def test_heartbeats_go_out_once_per_interval(fabric: Any) -> None:
    """With a heartbeat every 2 ticks, 10 ticks bring 5 to each peer."""
    cluster = fabric(3, leader=1)
    sent = []
    for _ in range(10):
        cluster.tick()
        sent += [to for _, to, message in cluster.wire if type(message) is Heartbeat]
        cluster.settle()
    assert sent == [2, 3] * 5


def test_silence_starts_an_election(fabric: Any) -> None:
    """After its timeout a follower asks for votes in the next term, its own being the first."""
    cluster = fabric(3)
    cluster.elect(2)
    assert cluster.nodes[2].term == 1
    assert [raft.voted_for for raft in cluster.nodes.values()] == [2, 2, 2]


@pytest.mark.parametrize(
    ("nodes", "granted", "leads"),
    [(1, 0, True), (3, 0, False), (3, 1, True), (4, 1, False), (5, 1, False), (5, 2, True)],
)
def test_a_majority_of_all_nodes_elects(fabric: Any, nodes: int, granted: int, leads: bool) -> None:
    """A candidate leads with the votes of more than half of all nodes, itself included."""
    cluster = fabric(nodes)
    raft = cluster.nodes[1]
    cluster.now = raft.next_tick
    cluster.call(1, lambda raft, now: raft.tick(now))
    for voter in range(2, nodes // 2 + 2):
        cluster.receive(1, VoteResponse(1, voter, is_pre=True, granted=True))
    for voter in range(2, 2 + granted):
        cluster.receive(1, VoteResponse(1, voter, is_pre=False, granted=True))
    assert raft.is_leader == leads


def test_one_vote_per_term_first_come_first_served(fabric: Any) -> None:
    """The second candidate of a term gets no vote; the first may ask again; a new term is new."""
    cluster = fabric(3)
    for request, granted in ((ask(1, 1), True), (ask(1, 2), False), (ask(1, 1), True),
                             (ask(2, 2), True)):  # fmt: skip
        cluster.receive(3, request)
        answer = VoteResponse(request.term, 3, is_pre=False, granted=granted)
        assert cluster.take() == [(3, request.sender, answer)]


def test_a_vote_is_persisted_before_it_is_sent(fabric: Any) -> None:
    """A node that grants a vote has something to write before its answer may leave."""
    cluster = fabric(3)
    cluster.receive(3, Append(5, 1, 0, 0, entries(1, 5), 0))
    cluster.now = 50
    cluster.receive(3, ask(6, 2))  # refused for its log, but the term is taken over
    raft = cluster.nodes[3]
    assert raft.voted_for is None and not raft.must_sync
    raft.step(ask(6, 1, (1, 5)), 50)
    assert raft.voted_for == 1 and raft.must_sync and raft.outbox


def test_a_candidate_follows_the_leader_of_its_term(fabric: Any) -> None:
    """A candidate that hears a leader of its own term gives up; of an older term, it does not."""
    cluster = fabric(3)
    cluster.now = cluster.nodes[1].next_tick
    cluster.call(1, lambda raft, now: raft.tick(now))
    cluster.receive(1, VoteResponse(1, 2, is_pre=True, granted=True))
    raft = cluster.nodes[1]
    assert (raft.role, raft.term) == (Role.CANDIDATE, 1)
    cluster.receive(1, Heartbeat(1, 3, 0, None))
    assert (raft.role, raft.term, raft.leader) == (Role.FOLLOWER, 1, 3)


def test_election_timeouts_are_spread_over_one_to_two_times_the_minimum(fabric: Any) -> None:
    """Over many elections every timeout from T to 2T - 1 ticks occurs, and no other."""
    raft = fabric(3, election=10).nodes[1]
    drawn = set()
    for term in range(1, 300):
        raft.step(Heartbeat(term, 2, 0, None), 0)
        drawn.add(raft.next_tick)
    assert drawn == set(range(10, 20))


def test_a_split_vote_is_resolved_by_another_election(fabric: Any) -> None:
    """Two candidates that share the votes both fail; then timeouts differ, and one is elected."""
    cluster = fabric(4)
    for node in (1, 2):
        cluster.now = max(cluster.now, cluster.nodes[node].next_tick)
    for node in (1, 2):
        cluster.call(node, lambda raft, now: raft.tick(now))
    cluster.deliver(cluster.take())  # everybody says yes to both when only asked about it
    cluster.deliver(cluster.take())
    assert {cluster.nodes[node].role for node in (1, 2)} == {Role.CANDIDATE}
    cluster.deliver(cluster.take(to=3, sender=1) + cluster.take(to=4, sender=2) + cluster.take())
    cluster.settle()
    assert cluster.leaders() == []
    cluster.run(100)
    assert len(cluster.leaders()) == 1


def test_a_candidate_draws_a_new_timeout(fabric: Any) -> None:
    """Those who tied once must not be tied again."""
    cluster = fabric(3)
    raft = cluster.nodes[1]
    drawn = iter(range(11, 20))
    raft._random_ticks = lambda low, high: next(drawn)
    cluster.now = raft.next_tick
    cluster.call(1, lambda raft, now: raft.tick(now))
    cluster.receive(1, VoteResponse(1, 2, is_pre=True, granted=True))
    assert raft.role is Role.CANDIDATE
    assert raft.next_tick == cluster.now + 11
    campaign_over = raft.next_tick
    cluster.take()
    cluster.now = campaign_over
    cluster.call(1, lambda raft, now: raft.tick(now))
    assert raft.role is Role.PRE_CANDIDATE  # and it asks again, for the term after


# -- 5.3 log replication --------------------------------------------------------------------------


def test_an_entry_is_committed_when_a_majority_holds_it(fabric: Any) -> None:
    """One answer of four is not enough, the second is; then the entry is applied on the leader."""
    cluster = fabric(5, leader=1)
    assert cluster.propose(1, "a") == (2, 1)
    cluster.deliver(cluster.take(to=2) + cluster.take(to=3))
    first, second = cluster.take(AppendResponse)
    cluster.deliver([first])
    assert cluster.nodes[1].commit_index == 1
    cluster.deliver([second])
    assert cluster.nodes[1].commit_index == 2
    assert cluster.payloads(1) == ["a"]


def test_a_leader_counts_its_own_entry_only_when_persisted(fabric: Any) -> None:
    """With one of two peers' answers in hand the commit waits for the leader's own disk."""
    cluster = fabric(3, leader=1)
    raft = cluster.nodes[1]
    raft.propose("a", 0)
    append = next(message for to, message in raft.outbox if to == 2)
    cluster.receive(2, append)
    raft.step(cluster.take(AppendResponse)[0][2], 0)
    assert raft.commit_index == 1
    raft.stable()
    assert raft.commit_index == 2


def test_a_new_leader_counts_its_noop_only_when_persisted(fabric: Any) -> None:
    """Elected, and its no-op acknowledged by one of two peers, it still has to write it itself."""
    cluster = fabric(3)
    raft = cluster.nodes[1]
    raft.tick(raft.next_tick)
    for is_pre in (True, False):
        raft.step(VoteResponse(1, 2, is_pre=is_pre, granted=True), raft.last_tick)
    raft.step(AppendResponse(1, 2, 1), raft.last_tick)
    assert raft.is_leader and raft.commit_index == 0
    raft.stable()
    assert raft.commit_index == 1


def test_followers_learn_of_a_commit_at_once(fabric: Any) -> None:
    """The commit index goes out with an append of its own as soon as it has moved."""
    cluster = fabric(3, leader=1)
    cluster.propose(1, "a")
    cluster.settle()
    assert [cluster.payloads(node) for node in cluster.nodes] == [["a"], ["a"], ["a"]]
    assert cluster.now == 0


def test_entries_are_applied_in_log_order_everywhere(fabric: Any) -> None:
    """Proposals sent without waiting for each other are applied in their order on all nodes."""
    cluster = fabric(3, leader=1)
    for payload in "abcdef":
        cluster.propose(1, payload)
    cluster.settle()
    assert [cluster.payloads(node) for node in cluster.nodes] == [list("abcdef")] * 3


def test_appends_do_not_wait_for_each_other(fabric: Any) -> None:
    """Each proposal is sent once and alone to a peer that is up to date."""
    cluster = fabric(3, leader=1)
    for payload in "abc":
        cluster.propose(1, payload)
    sent = [[entry.payload for entry in message.entries] for _, _, message in cluster.take(to=2)]
    assert sent == [["a"], ["b"], ["c"]]


def test_a_new_leader_sends_what_it_lacks_as_soon_as_a_peer_agrees(fabric: Any) -> None:
    """Until the first answer one append is under way; what was proposed meanwhile follows it."""
    cluster = fabric(5)
    cluster.now = cluster.nodes[1].next_tick
    cluster.call(1, lambda raft, now: raft.tick(now))
    while not cluster.nodes[1].is_leader:
        cluster.deliver(cluster.take())
    cluster.propose(1, "a")
    cluster.propose(1, "b")
    assert [len(message.entries) for _, _, message in cluster.take(to=3)] == [1]
    cluster.deliver(cluster.take(to=2))
    cluster.take()
    cluster.receive(1, AppendResponse(1, 2, 1))
    ((_, to, message),) = cluster.take()
    assert to == 2 and [entry.payload for entry in message.entries] == ["a", "b"]


def test_a_lost_append_is_sent_again(fabric: Any) -> None:
    """A follower that missed entries gets them after the next heartbeat shows it."""
    cluster = fabric(3, leader=1)
    cluster.propose(1, "a")
    cluster.propose(1, "b")
    cluster.settle(cut=(2,))
    assert cluster.payloads(1) == ["a", "b"] and cluster.payloads(2) == []
    cluster.run(3)
    assert cluster.payloads(2) == ["a", "b"]


def test_a_follower_rejects_entries_that_do_not_follow_its_log(fabric: Any) -> None:
    """Without the entry before, nothing is appended, and the answer says where it could be."""
    cluster = fabric(3, leader=1)
    cluster.receive(2, Append(1, 1, 5, 1, entries(6, 1), 1))
    assert cluster.nodes[2].log.last_index == 1
    assert cluster.take() == [(2, 1, AppendResponse(1, 2, 5, rejected=True, hint=1))]


@pytest.mark.parametrize(
    "log",
    [
        (1, 1),
        (1, 1, 1, 4, 4, 5, 5, 6, 6, 6),
        (1, 1, 1, 4, 4, 4, 4),
        (1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3),
    ],
)
def test_a_leader_brings_every_log_into_line_with_its_own(
    fabric: Any, log: tuple[int, ...]
) -> None:
    """Figure 7: whatever a follower lacks or has too much, it ends with the leader's log."""
    theirs = (1, 1, 1, 4, 4, 5, 5, 6, 6)
    cluster = fabric(3)
    for node, sender, terms in ((1, 2, theirs), (2, 1, log), (3, 1, theirs)):
        cluster.receive(node, Append(7, sender, 0, 0, entries(1, *terms), 0))
    cluster.take()
    cluster.now = 1_000
    cluster.elect(1)
    cluster.propose(1, "new")
    cluster.run(10)
    ends = [raft.log.between(0, raft.log.last_index) for raft in cluster.nodes.values()]
    assert ends[0] == ends[1] == ends[2]
    assert [entry.term for entry in ends[0]] == [*theirs, 8, 8]


def test_an_old_append_that_arrives_late_cuts_nothing_off(fabric: Any) -> None:
    """A delayed copy of an earlier append leaves the entries that came after it."""
    cluster = fabric(3, leader=1)
    cluster.propose(1, "a")
    late = cluster.wire[0][2]
    cluster.propose(1, "b")
    cluster.settle()
    cluster.receive(2, late)
    assert cluster.nodes[2].log.last_index == 3


def test_a_follower_commits_no_further_than_the_message_reaches(fabric: Any) -> None:
    """The leader's commit index counts only up to the last entry known to agree.

    What a follower holds beyond that may be of an old leader, and lose.
    """
    cluster = fabric(3, leader=1)
    cluster.receive(2, Append(1, 1, 1, 1, entries(2, 1, 1, 1), 1))
    cluster.now = 50
    cluster.receive(2, Append(2, 3, 1, 1, entries(2, 1), 9))
    assert cluster.nodes[2].log.last_index == 4
    assert cluster.nodes[2].commit_index == 2


# -- 5.4 safety -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last", "granted"),
    [((3, 2), True), ((4, 2), True), ((1, 3), True), ((2, 2), False), ((9, 1), False)],
)
def test_votes_go_to_logs_that_are_no_older(
    fabric: Any, last: tuple[int, int], granted: bool
) -> None:
    """5.4.1: the later last term wins, then the longer log; the voter's ends with (3, term 2)."""
    cluster = fabric(3)
    cluster.receive(3, Append(2, 1, 0, 0, entries(1, 1, 2, 2), 0))
    cluster.take()
    cluster.now = 100
    cluster.receive(3, ask(5, 2, last))
    assert cluster.take() == [(3, 2, VoteResponse(5, 3, is_pre=False, granted=granted))]


def test_entries_of_earlier_terms_are_not_committed_by_counting(fabric: Any) -> None:
    """5.4.2, figure 8: an old entry on a majority is final only with one of the leader's term."""
    cluster = fabric(3, leader=1)
    cluster.propose(1, "old")
    cluster.deliver(cluster.take(to=2))
    cluster.take()
    cluster.down[1] = True
    cluster.now = cluster.nodes[2].next_tick
    raft = cluster.nodes[2]
    cluster.call(2, lambda raft, now: raft.tick(now))
    while not raft.is_leader:
        cluster.deliver(cluster.take())
    first = cluster.take(Append)[0][2]
    # Node 3 gets the old entry, and the new leader's no-op is lost.
    cluster.receive(3, Append(first.term, 2, 1, 1, raft.log.between(1, 2), first.commit))
    cluster.deliver(cluster.take(AppendResponse))
    assert raft.matches()[3] == 2 and raft.commit_index == 1
    cluster.settle()
    cluster.run(4)
    assert raft.commit_index == 3
    assert cluster.payloads(2) == cluster.payloads(3) == ["old"]


def test_answers_to_a_deposed_leader_are_ignored(fabric: Any) -> None:
    """Acknowledgements that arrive after the leadership ended commit and confirm nothing."""
    cluster = fabric(3, leader=1)
    cluster.propose(1, "a")
    cluster.deliver(cluster.take(to=2))
    answers = cluster.take()
    cluster.call(1, lambda raft, now: raft.step_down(now))
    cluster.deliver(answers)
    cluster.receive(1, HeartbeatResponse(1, 2, 7))
    assert cluster.nodes[1].commit_index == 1 and cluster.reads[1] == []
