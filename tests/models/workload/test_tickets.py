"""Tickets: what script k sends depends on the seed and k alone."""

from collections import Counter
from itertools import islice
from typing import Any

import pytest

from models.fence.policies import POLICIES
from models.workload.tickets import CallKind, KeyPick, Ticket, draw_tickets
from sim.rng import Streams

NAMES = tuple(b"k%d" % n for n in range(50))


def kind(**changes: Any) -> CallKind:
    """A kind of script."""
    plain: dict[str, Any] = {
        "name": "plain", "weight": 1.0, "body": b"return 1", "sha": None, "command": (),
        "keys": (), "argv": (), "policy": None,
    }  # fmt: skip
    return CallKind(**plain | changes)


def tickets(*kinds: CallKind, count: int = 200, seed: int = 1, group: str = "g") -> list[Ticket]:
    """The first tickets of a group."""
    return list(islice(draw_tickets(Streams(seed), group, list(kinds)), count))


def contents(drawn: list[Ticket]) -> list[tuple[Any, ...]]:
    """All that is sent."""
    return [
        (id, kind, request.keys, request.argv, request.command, request.body, request.sha)
        for id, kind, request in drawn
    ]


PICKING = kind(keys=(KeyPick(NAMES, 2, 0.0), b"fixed", KeyPick(NAMES, 1, 1.0)), argv=(b"{id}",))


def test_numbers_count_up_from_zero() -> None:
    """Over all kinds together."""
    drawn = tickets(kind(), kind(weight=5.0), count=3000)
    assert [ticket.id for ticket in drawn] == list(range(3000))


def test_the_number_stands_in_for_id_in_arguments_and_commands() -> None:
    """Anywhere in a word; keys and bodies are left alone."""
    numbered = kind(argv=(b"{id}", b"x", b"<{id}{id}>"), keys=(b"{id}",), body=b"return '{id}'")
    request = tickets(numbered)[42].request
    assert request.argv == [b"42", b"x", b"<4242>"]
    assert (request.keys, request.body) == ([b"{id}"], b"return '{id}'")
    setting = kind(body=b"", command=(b"SET", b"{id}"), keys=(b"k",))
    assert [ticket.request.command for ticket in tickets(setting, count=3)] == [
        [b"SET", b"k", b"0"], [b"SET", b"k", b"1"], [b"SET", b"k", b"2"],
    ]  # fmt: skip


def test_an_argument_without_id_is_sent_as_it_is() -> None:
    """The same for all."""
    drawn = tickets(kind(argv=(b"a", b"{ID}")))
    assert {tuple(ticket.request.argv) for ticket in drawn} == {(b"a", b"{ID}")}


def test_keys_stand_in_the_order_of_the_settings() -> None:
    """Drawn ones and fixed ones; those drawn together are different."""
    for ticket in tickets(PICKING):
        first, second, fixed, last = ticket.request.keys
        assert fixed == b"fixed"
        assert {first, second, last} <= set(NAMES)
        assert first != second


def test_the_first_keys_of_a_set() -> None:
    """Always the same, and no draw."""
    drawn = tickets(kind(keys=(KeyPick(NAMES, 3, None),)))
    assert {tuple(ticket.request.keys) for ticket in drawn} == {NAMES[:3]}


def test_keys_of_a_command_follow_its_name() -> None:
    """Arguments follow the keys."""
    command = kind(body=b"", command=(b"RENAME", b"to"), keys=(b"from",))
    (ticket,) = tickets(command, count=1)
    assert ticket.request.command == [b"RENAME", b"from", b"to"]


def test_kinds_come_by_their_weights() -> None:
    """3 to 1, within four standard deviations."""
    drawn = tickets(kind(weight=3.0), kind(weight=1.0), count=8000)
    counts = Counter(ticket.kind for ticket in drawn)
    assert abs(counts[0] - 6000) < 4 * (8000 * 0.75 * 0.25) ** 0.5


def test_body_hash_and_fence_are_those_of_the_kind() -> None:
    """Each ticket carries all that a node needs."""
    fenced = kind(sha=b"abc", policy=POLICIES["none"])
    (ticket,) = tickets(fenced, count=1)
    assert (ticket.request.body, ticket.request.sha) == (b"return 1", b"abc")
    assert ticket.request.policy is POLICIES["none"]
    assert ticket.request.as_eval().sha is None
    assert ticket.request.as_eval().body == b"return 1"


def test_the_same_seed_draws_the_same_tickets() -> None:
    """Another seed, or a group of another name, draws others."""
    same = contents(tickets(PICKING, kind()))
    assert contents(tickets(PICKING, kind())) == same
    assert contents(tickets(PICKING, kind(), seed=2)) != same
    assert contents(tickets(PICKING, kind(), group="h")) != same


def test_a_ticket_does_not_depend_on_when_it_is_taken() -> None:
    """Two groups that take turns draw what each draws alone."""
    streams = Streams(1)
    together = [draw_tickets(streams, name, [PICKING, kind(weight=2.0)]) for name in "ab"]
    pairs = [tuple(next(group) for group in together) for _ in range(100)]
    for place, name in enumerate("ab"):
        alone = tickets(PICKING, kind(weight=2.0), count=100, group=name)
        assert contents([pair[place] for pair in pairs]) == contents(alone)


def test_another_kind_does_not_move_a_kinds_keys() -> None:
    """The n-th ticket of a kind has the same keys whichever others there are."""
    alone = [ticket.request.keys for ticket in tickets(PICKING, count=500)]
    mixed = [
        ticket.request.keys for ticket in tickets(PICKING, kind(), count=500) if ticket.kind == 0
    ]
    assert 200 < len(mixed) < 300
    assert mixed == alone[: len(mixed)]


@pytest.mark.parametrize("argv", [(), (b"{id}",)])
def test_tickets_share_nothing_that_a_numbered_one_changes(argv: tuple[bytes, ...]) -> None:
    """All tickets can be held at once."""
    drawn = tickets(kind(argv=argv), count=5)
    expected = [[b"%d" % n] if argv else [] for n in range(5)]
    assert [ticket.request.argv for ticket in drawn] == expected
