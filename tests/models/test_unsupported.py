"""Commands that the modelled revision would refuse are counted, by name, once per call made."""

import pytest

from models.redis.commands import COMMANDS
from models.redis.context import Surroundings
from models.service import Request
from sim.record import UNSUPPORTED
from tests.models.worlds import Stage, costs_on, data_of, run, script


def test_they_are_counted_for_the_record() -> None:
    """One counter per command that was used; a run that used none has none."""
    lua = "redis.call('INCRBY', 'n', 2) redis.call('incrby', 'n', 3) return redis.call('TTL', 'n')"
    _, using = run(workload={"clients": 1, "scripts": [{"lua": lua}]}, stop={"scripts": 3})
    _, plain = run(workload={"clients": 1, "scripts": [{"command": ["INCR", "n"]}]})
    counted = {
        name: count for name, count in using.counters.items() if name.startswith(UNSUPPORTED)
    }
    assert counted == {UNSUPPORTED + "INCRBY": 6, UNSUPPORTED + "TTL": 3}
    assert not any(name.startswith(UNSUPPORTED) for name in plain.counters)


@pytest.mark.parametrize(
    ("command", "relative"), [("INCRBY s 2", "INCR s"), ("EXPIRE s 100", "PEXPIRE s 100000")]
)
def test_they_cost_as_their_relatives(command: str, relative: str) -> None:
    """In a whole script, commit included."""
    assert (
        COMMANDS[command.split(maxsplit=1)[0].encode()].costs_as
        == relative.split(maxsplit=1)[0].encode()
    )
    costs = []
    for words in (command, relative):
        stage = Stage(fence="before", data=data_of({"s": "str_legacy"}))
        sent = costs_on(stage, Request([], [], command=words.encode().split()))
        costs.append((sent.tally, sent.rounds, [call[1:] for call in sent.calls]))
    assert costs[0] == costs[1]


def test_what_a_script_publishes_is_there_for_who_sends_it() -> None:
    """The number of receivers is asked at once; the messages wait for the commit."""
    stage = Stage()
    service = stage.node().service
    service.surroundings = Surroundings(lambda below: 0, len)
    sent = stage.send(script("redis.call('SET', 'k', 'v') return redis.call('PUBLISH', 'ch', 'm')"))
    stage.pass_time(10**9)
    assert sent.reply == 2
    assert sent.outcome.published == [(b"ch", b"m")]


def test_chance_is_drawn_from_named_streams() -> None:
    """Two runs of one seed pop the same members; another seed pops others."""

    def popped(seed: int) -> list[object]:
        stage = Stage(seed=seed)
        fill = " ".join(f"m{n}" for n in range(60))
        costs_on(stage, Request([], [], command=f"SADD s {fill}".encode().split()))
        return [costs_on(stage, Request([], [], command=[b"SPOP", b"s"])).reply for _ in range(8)]

    assert popped(1) == popped(1) != popped(2)
