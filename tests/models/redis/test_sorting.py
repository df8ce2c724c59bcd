"""SORT: what comes first of what compares as equal, and other corners, as in a real server."""

import random

import pytest

from models.redis import table
from models.redis.context import Context
from models.redis.partial_sort import sort_stretch
from models.replies import Reply
from tests.models.redis.differential import SINGLE, Difference, Duel, wall_clock_ms
from tests.models.redis.resp2 import Client
from tests.models.redis.scenes import Scene, empty_context

CORNERS = (
    "SADD u b a c|SORT u ALPHA|SORT u ALPHA DESC LIMIT 1 1|SORT u BY constant STORE d|LINDEX d 0",
    "ZADD z 1 b 2 a 3 c|SORT z ALPHA|SORT z BY constant|SORT z BY constant DESC LIMIT 0 2|"
    "SORT z BY constant DESC GET # LIMIT 2 5|SORT z BY constant LIMIT 3 1|SORT z BY x GET no*",
    "RPUSH l 10 9 0x10 1e1 -0 0 +1 inf -inf|SORT l|SORT l DESC|SORT l LIMIT 2 3|SORT l LIMIT -1 2",
    "RPUSH l 1 2 3|HSET w1 f 3|HSET w2 f 1|SORT l BY w*->f|SORT l BY w*->f GET w*->f GET #|"
    "SORT l BY w*-> DESC|SORT l BY w*->f STORE l|LRANGE l 0 -1|SORT l GET w*->f STORE l|LLEN l",
    "RPUSH l x|SORT l|SORT none STORE l|EXISTS l|SORT l BY|SORT l LIMIT 1|SORT l GET|SORT l STORE",
    "RPUSH l 1 nan|SORT l|RPUSH m 1 5e-324|SORT m|RPUSH n 1 1e400|SORT n|RPUSH o 1x|SORT o STORE p",
    "RPUSH l 3 1 2|PEXPIRE l 100000|SORT l STORE l|PTTL l|SORT_RO l STORE m|SORT_RO l DESC",
    "RPUSH l a c b|SORT l ALPHA LIMIT 9223372036854775807 9223372036854775807|SORT l ALPHA LIMIT 1 "
    "9223372036854775807|SORT l ALPHA LIMIT 0 -5|SORT l ALPHA LIMIT -9223372036854775808 1",
)  # fmt: skip


@pytest.mark.parametrize("corner", CORNERS)
def test_corners(client: Client, corner: str) -> None:
    """Corners that random sequences seldom meet are as in Redis."""
    context = empty_context()
    for line in corner.split("|"):
        command = line.encode().split()
        client.ask(b"ZADD", b"unused", b"XX", b"1", b"m")  # clears errno, which SORT trusts
        assert table.call(context, command) == client.ask(*command), line


@pytest.mark.parametrize("length", [3, 6, 7, 8, 20, 41, 150])
def test_ties(client: Client, length: int) -> None:
    """Which of several equal elements are shown, and in which order, is as in Redis."""
    rng = random.Random(length)
    context = empty_context()
    for _ in range(12):
        weights = [rng.choice([b"a", b"b", b"c", b"d"]) for _ in range(length)]
        filling: list[list[bytes]] = [[b"DEL", b"l"]]
        filling += [[b"SET", b"w%d" % n, weight] for n, weight in enumerate(weights)]
        filling.append([b"RPUSH", b"l", *(b"%d" % n for n in range(length + 2))])
        limit = [b"LIMIT", b"%d" % rng.randrange(length), b"%d" % rng.randrange(1, length)]
        sort = [b"SORT", b"l", b"BY", b"w*", b"ALPHA"]
        for command in (*filling, sort, [*sort, b"DESC"], [*sort, *limit],
                        [*sort, *limit, b"DESC"]):  # fmt: skip
            assert table.call(context, command) == client.ask(*command), command


def test_a_stretch_is_in_order() -> None:
    """What is to be shown is what a whole sort would show there, whatever lies around it."""
    rng = random.Random(1)
    for length in range(1, 100):
        items = [rng.randrange(10_000) for _ in range(length)]
        first = rng.randrange(length)
        last = rng.randrange(first, length)
        expected = sorted(items)[first : last + 1]
        sort_stretch(items, lambda a, b: a - b, first, last)
        assert items[first : last + 1] == expected


@pytest.mark.parametrize(
    "command",
    [b"SORT u1 ALPHA", b"SORT u1 BY w* ALPHA", b"SORT u1 BY constant", b"SORT l1 BY w* ALPHA"],
)
def test_a_wrong_sort_is_caught(redis_server: int, command: bytes) -> None:
    """The order is free where it hangs on a hash table, and there the number of elements is not."""

    def lies(context: Context, args: list[bytes]) -> Reply:
        reply = table.call(context, args)
        if args[0] != b"SORT" or not isinstance(reply, list):
            return reply
        return reply[::-1] if args[1] == b"l1" else reply[:-1]

    commands = [b"SADD u1 c b a".split(), b"RPUSH l1 c b a".split(), command.split()]
    duel = Duel(redis_server, lies)
    with pytest.raises(Difference):
        duel.fight(SINGLE, Scene({}, wall_clock_ms()), commands)
    duel.close()
