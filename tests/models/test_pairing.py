"""Common random numbers: whatever the fence, script k is the same script with the same keys."""

from functools import cache
from typing import Any

import pytest

from models.service import Outcome
from models.workload.tickets import Ticket
from models.world import World
from sim.trail import Trail
from tests.models.worlds import run

FENCES = ("per_call", "one_fence", "as_merged", "before", "log_read", "none")
DATA = {
    "session": {"count": 50, "state": "str_bare"},
    "hot": {"count": 20, "state": "hash_wide"},
}
SCRIPTS = [
    {
        "name": "look",
        "weight": 3,
        "lua": "return redis.call('GET', KEYS[1])",
        "keys": [{"from": "session", "count": 2}],
    },
    {
        "name": "note",
        "lua": "return redis.call('HSET', KEYS[1], 'f', ARGV[1])",
        "keys": [{"from": "hot", "pick": "zipf"}],
        "argv": ["{id}"],
    },
    {"command": ["SETEX", "100", "{id}"], "keys": [{"from": "session"}]},
]
LOOPS: dict[str, dict[str, Any]] = {
    "closed": {"clients": 5},
    "poisson": {"arrivals": {"rate": "2000/s"}},
    "constant": {"arrivals": {"rate": "2000/s", "pattern": "constant"}},
    "bursts": {"arrivals": {"rate": "2000/s", "pattern": "bursts"}},
}
COUNT = 60
"""Scripts of each group."""
Sent = dict[tuple[int, int], tuple[int, Any]]
"""Per group and ticket: when it was sent, and what."""


@cache
def sent_by(fence: str, loop: str, groups: tuple[str, ...] = ("a", "b")) -> Sent:
    """What groups of clients of these names send."""
    seen: Sent = {}

    def watch(world: World) -> None:
        honest = world.recorder.began

        def began(group: int, ticket: Ticket, start: int, outcome: Outcome) -> Trail | None:
            request = ticket.request
            what = (ticket.kind, tuple(request.keys), tuple(request.argv), request.body)
            seen[group, ticket.id] = start, (*what, tuple(request.command or ()))
            return honest(group, ticket, start, outcome)

        world.recorder.began = began  # type: ignore[method-assign]

    workload = [{"name": name, "scripts": SCRIPTS, **LOOPS[loop]} for name in groups]
    run(prepare=watch, fence=fence, data=DATA, workload=workload, stop={"scripts": COUNT})
    assert len(seen) == COUNT * len(groups)
    return seen


@pytest.mark.parametrize("fence", FENCES[1:])
def test_a_closed_loop_sends_the_same_scripts(fence: str) -> None:
    """By number; when each is sent depends on how fast the others were."""
    ours, first = sent_by(fence, "closed"), sent_by(FENCES[0], "closed")
    assert {ticket: what for ticket, (_, what) in ours.items()} == {
        ticket: what for ticket, (_, what) in first.items()
    }
    assert {what[0] for _, what in ours.values()} == {0, 1, 2}
    assert any(ours[ticket][0] != first[ticket][0] for ticket in ours)


@pytest.mark.parametrize("loop", ["poisson", "constant", "bursts"])
@pytest.mark.parametrize("fence", FENCES[1:])
def test_an_open_loop_sends_them_at_the_same_instants(fence: str, loop: str) -> None:
    """Scripts, keys, arguments and arrivals, all by number."""
    assert sent_by(fence, loop) == sent_by(FENCES[0], loop)


def test_two_groups_of_one_run_send_different_scripts() -> None:
    """Each draws from streams of its own."""
    sent = sent_by("one_fence", "poisson")
    ours, theirs = ([sent[group, k] for k in range(COUNT)] for group in range(2))
    assert [start for start, _ in ours] != [start for start, _ in theirs]
    assert [what for _, what in ours] != [what for _, what in theirs]


def test_one_more_group_changes_nothing_for_the_others() -> None:
    """Streams are found by name, not by order."""
    alone = sent_by("one_fence", "poisson", ("b",))
    second = sent_by("one_fence", "poisson", ("a", "b"))
    assert [alone[0, k] for k in range(COUNT)] == [second[1, k] for k in range(COUNT)]
