"""Inputs that only a bug can cause: each raises with the numbers, and changes nothing."""

from collections.abc import Callable
from typing import Any

import pytest

from models.raft.log import LogCompacted
from models.raft.messages import (
    Append,
    AppendResponse,
    Entry,
    Heartbeat,
    HeartbeatResponse,
    VoteRequest,
    VoteResponse,
)

CASES = {
    "commit 7 is beyond the last index 3": Heartbeat(1, 1, 7, None),
    "commit 9 is beyond the last index 3": Heartbeat(2, 3, 9, None),
    "two leaders in term 1: 1 and 3": Heartbeat(1, 3, 1, None),
    "entry 2 is committed with term 1, but the leader 3 has term 2": Append(5, 3, 2, 2, (), 1),
    "node 2 got a message from 2, which is no peer of it": Heartbeat(3, 2, 1, None),
    "node 2 got a message from 8, which is no peer of it": VoteRequest(2, 8, 9, 9, False, True),
    "node 2 got a message from 7, which is no peer of it": VoteResponse(4, 7, False, False),
    "node 2 got a message from 6, which is no peer of it": Append(1, 6, 0, 0, (), 0),
    "node 2 got a message from 5, which is no peer of it": AppendResponse(3, 5, 1),
}


def settled(fabric: Any) -> Any:
    """Three nodes with entries 2 and 3 committed, node 1 leading."""
    cluster = fabric(3, leader=1)
    for payload in "ab":
        cluster.propose(1, payload)
    cluster.settle()
    return cluster


@pytest.mark.parametrize(("text", "message"), CASES.items())
def test_impossible_messages_are_refused_whole(
    fabric: Any, check_unchanged: Callable[..., None], text: str, message: Any
) -> None:
    """A follower that is sent nonsense says why, and is the same afterwards."""
    raft = settled(fabric).nodes[2]
    check_unchanged(raft, lambda: raft.step(message, 5), text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("two leaders in term 1: 1 and 2", Heartbeat(1, 2, 1, None)),
        ("two leaders in term 1: 1 and 2", Append(1, 2, 0, 0, (), 0)),
        (
            "node 2 acknowledges entry 9, which is beyond the last index 3",
            AppendResponse(1, 2, 9),
        ),
        ("node 1 got a message from 4, which is no peer of it", AppendResponse(1, 4, 1)),
        ("node 1 got a message from 4, which is no peer of it", HeartbeatResponse(1, 4, 1)),
    ],
)
def test_a_leader_refuses_what_cannot_be(
    fabric: Any, check_unchanged: Callable[..., None], text: str, message: Any
) -> None:
    """A rival of the same term or an acknowledgement of what was never sent changes nothing."""
    raft = settled(fabric).nodes[1]
    check_unchanged(raft, lambda: raft.step(message, 5), text)


def test_time_does_not_run_backwards(fabric: Any, check_unchanged: Callable[..., None]) -> None:
    """Each input is refused when its tick is before that of the last."""
    raft = settled(fabric).nodes[1]
    raft.tick(1)
    text = "tick 0 after tick 1"
    check_unchanged(raft, lambda: raft.tick(0), text)
    check_unchanged(raft, lambda: raft.step(HeartbeatResponse(1, 2, None), 0), text)
    check_unchanged(raft, lambda: raft.propose("a", 0), text)
    check_unchanged(raft, lambda: raft.read_index(1, 0), text)
    check_unchanged(raft, lambda: raft.step_down(0), text)
    check_unchanged(raft, lambda: raft.transfer_leadership(2, 0), text)
    check_unchanged(raft, lambda: raft.restart(0), text)


def test_a_context_is_pending_once(fabric: Any, check_unchanged: Callable[..., None]) -> None:
    """The same context twice could not be told apart, so the second is refused."""
    cluster = settled(fabric)
    raft = cluster.nodes[1]
    raft.read_index(7, 0)
    check_unchanged(raft, lambda: raft.read_index(7, 0), "read 7 is pending already")


def test_a_postponed_context_is_pending_too(
    fabric: Any, check_unchanged: Callable[..., None]
) -> None:
    """A read that waits for the first commit of the term holds its context as well."""
    cluster = fabric(3)
    raft = cluster.nodes[1]
    raft.tick(raft.next_tick)
    raft.step(VoteResponse(1, 2, is_pre=True, granted=True), raft.last_tick)
    raft.step(VoteResponse(1, 2, is_pre=False, granted=True), raft.last_tick)
    raft.read_index(7, raft.last_tick)
    check_unchanged(raft, lambda: raft.read_index(7, raft.last_tick), "read 7 is pending already")


def test_only_committed_entries_are_given_out_or_dropped(
    fabric: Any, check_unchanged: Callable[..., None]
) -> None:
    """Neither the state machine nor compaction goes beyond the commit index."""
    raft = settled(fabric).nodes[1]
    raft.propose("c", 0)
    check_unchanged(
        raft, lambda: raft.entries_between(1, 4), "entry 4 is beyond the commit index 3"
    )
    check_unchanged(raft, lambda: raft.compact(4), "entry 4 is beyond the commit index 3")


def test_a_compacted_log_keeps_working(fabric: Any) -> None:
    """Old entries go; new ones are replicated, also to a peer that lacks only some of those."""
    cluster = settled(fabric)
    for node, raft in cluster.nodes.items():
        raft.compact(2)
        assert (raft.log.compacted_index, raft.log.last_index) == (2, 3), node
        with pytest.raises(LogCompacted):
            raft.entries_between(1, 3)
    cluster.propose(1, "c")
    cluster.settle(cut=(2,))
    cluster.run(4)
    assert [cluster.payloads(node) for node in cluster.nodes] == [["a", "b", "c"]] * 3
    cluster.call(1, lambda raft, now: raft.step_down(now))
    cluster.run(60)
    assert len(cluster.leaders()) == 1


def test_a_peer_that_needs_dropped_entries_is_an_error(fabric: Any) -> None:
    """There are no snapshots, so the run ends with the numbers instead of a silent hang."""
    cluster = fabric(3, leader=1)
    for payload in "abc":
        cluster.propose(1, payload)
    cluster.settle(cut=(3,))
    cluster.nodes[1].compact(4)
    with pytest.raises(LogCompacted) as caught:
        cluster.run(10)
    assert str(caught.value) == (
        "node 3 needs entry 2, but the log of its leader 1 begins at 5; snapshots are not "
        "modelled, so more of the log must be kept"
    )


def test_an_append_from_before_the_commit_index_is_answered_with_it(fabric: Any) -> None:
    """A delayed append to a follower whose log was compacted since is no conflict."""
    cluster = settled(fabric)
    cluster.nodes[2].compact(3)
    cluster.receive(2, Append(1, 1, 1, 1, (Entry(2, 1, "a"),), 1))
    assert cluster.take() == [(2, 1, AppendResponse(1, 2, 3))]


def test_a_late_rejection_of_what_was_dropped_since_is_no_error(fabric: Any) -> None:
    """It speaks of the past: the peer is asked where it is now."""
    cluster = settled(fabric)
    leader = cluster.nodes[1]
    for payload in "cd":
        cluster.propose(1, payload)
    cluster.settle(cut=(3,))
    leader.compact(5)
    cluster.receive(1, AppendResponse(1, 3, 4, rejected=True, hint=3))
    ((_, to, message),) = cluster.take()
    assert (to, message.previous_index, message.entries) == (3, 5, ())


def test_a_peer_that_has_what_was_dropped_is_no_error(fabric: Any) -> None:
    """When only its answers were lost, the leader finds out at the oldest entry it still has."""
    cluster = fabric(3, leader=1)
    for payload in "abc":
        cluster.propose(1, payload)
    cluster.deliver(cluster.take(to=3))
    cluster.take(sender=3)
    cluster.settle(cut=(3,))
    cluster.nodes[1].compact(4)
    cluster.propose(1, "d")
    cluster.take(to=3)
    cluster.settle()
    cluster.run(4)
    assert cluster.payloads(3) == list("abcd")


def test_messages_that_are_wrong_in_themselves_cannot_be_built() -> None:
    """Negative indexes and entries with gaps are refused before they are sent."""
    for build in (
        lambda: Append(1, 1, -1, 0, (), 0),
        lambda: Append(1, 1, 0, 0, (), -1),
        lambda: Append(0, 1, 0, 0, (), 0),
        lambda: AppendResponse(1, 1, -1),
        lambda: AppendResponse(1, 1, 1, rejected=True, hint=-1),
        lambda: VoteRequest(1, 1, -1, 0, is_pre=False, is_transfer=False),
        lambda: VoteRequest(0, 1, 1, 1, is_pre=False, is_transfer=False),
    ):
        with pytest.raises(AssertionError, match="negative"):
            build()
    with pytest.raises(AssertionError, match="entries begin at 3, which does not follow 1"):
        Append(1, 1, 1, 1, (Entry(3, 1, None),), 0)
    with pytest.raises(AssertionError, match="2 entries from 2 to 4"):
        Append(1, 1, 1, 1, (Entry(2, 1, None), Entry(4, 1, None)), 0)
