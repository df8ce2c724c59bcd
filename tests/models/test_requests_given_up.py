"""What goes on behind the back of a requester that has given up: counts, lanes, deadlines."""

from typing import Any

import pytest

from models.engine.lanes import Lane, LaneLimits
from models.network.link import Link
from models.network.rules import DROP, PASS, Verdict
from models.raft.messages import HeartbeatResponse
from models.world import World
from sim.kernel import Kernel
from sim.record import VariantRecord
from sim.units import ms
from tests.models.worlds import ONE_WAY, Stage, let_pass, outcomes_of, partition, run, script

WRITING = {"lua": "return redis.call('SETEX', KEYS[1], 9, 'v')", "keys": [{"from": "session"}]}


def slow_acknowledgements(fence: str, **settings: Any) -> VariantRecord:
    """Deadlines pass before a quorum answers, which it does all the same."""
    _, record = run(
        fence=fence,
        script={"deadline": "20ms"},
        engine={"election": "10s"},
        data={"session": {"count": 50}},
        workload={"arrivals": {"rate": "200/s"}, "scripts": [WRITING]},
        events=[{"at": "100ms", "stall": "n2", "lasting": "100ms"},
                {"at": "100ms", "stall": "n3", "lasting": "100ms"}],
        stop={"scripts": 60},
        **settings,
    )  # fmt: skip
    assert outcomes_of(record)["context deadline exceeded"] > 10
    return record


def test_a_read_confirmed_too_late_is_told_apart() -> None:
    """On the wire, counted for nobody, and the ledger knows."""
    record = slow_acknowledgements("one_fence")
    assert record.counters["rounds.unclaimed"] > 10
    assert record.verdicts["ledger"].verdict == "ok"


def test_a_log_read_applied_too_late_is_told_apart() -> None:
    """It must not count at a script that was answered long ago."""
    assert slow_acknowledgements("log_read").verdicts["ledger"].verdict == "ok"


def test_a_log_read_that_outlives_its_leader_is_told_apart() -> None:
    """The next leader commits it, the deposed one applies it, nobody waits."""
    _, record = run(
        fence="log_read",
        workload={"clients": 8, "think": "1ms", "scripts": [{"lua": "return 1"}]},
        events=[{"at": "30300us", "step_down": "n1"}],
        stop={"time": "5s"},
    )
    assert record.verdicts["ledger"].verdict == "ok"


def test_a_call_whose_message_is_lost_is_given_up() -> None:
    """A serial lane goes on after its timeout."""
    stage = _serial_stage()
    stage.cluster.rules.append(partition(1))
    lost = stage.send(script("return 1"))
    stage.pass_time(ms(1))
    stage.cluster.rules.clear()
    stage.wait(lost)
    assert stage.ask(script("return 2")).latency_ns < ms(5)


def test_a_call_whose_return_is_lost_is_given_up() -> None:
    """As one whose message was: the next one leaves after the timeout."""
    kernel = Kernel()
    arrived: list[tuple[str, int]] = []
    calls, returns = (
        Link(kernel, source=source, target=3 - source, delay=lambda: ONE_WAY, rules=rules,
             deliver=lambda message: arrived.append((message, kernel.now)))
        for source, rules in ((1, []), (2, [lambda *_: DROP]))
    )  # fmt: skip
    lane = Lane(kernel, LaneLimits(64, 1, ms(50)), calls=calls, returns=returns)
    assert lane.send("first")
    assert lane.send("second")
    let_pass(kernel, ms(100))
    assert [message for message, _ in arrived] == ["first", "second"]
    assert ms(50) <= arrived[1][1] <= ms(52)


def _serial_stage() -> Stage:
    serial = {"capacity": 64, "in_flight": 1}
    lanes = {"heartbeats": serial, "others": serial, "call_timeout": "50ms"}
    return Stage(network={"one_way": "500us", "lanes": lanes})


@pytest.mark.parametrize("fence", ["one_fence", "as_merged", "per_call", "before"])
def test_lost_acknowledgements_delay_and_do_not_miscount(fence: str) -> None:
    """A third of them: later contexts or the periodic heartbeat release the reads."""

    def prepare(world: World) -> None:
        seen = [0]

        def lose(source: int, target: int, message: object, now: int) -> Verdict:
            seen[0] += isinstance(message, HeartbeatResponse)
            return DROP if isinstance(message, HeartbeatResponse) and seen[0] % 3 == 0 else PASS

        world.cluster.rules.append(lose)

    _, record = run(
        prepare=prepare,
        fence=fence,
        data={"session": {"count": 50, "state": "str_bare"}},
        workload={
            "clients": 3,
            "scripts": [{"lua": "return redis.call('GET', KEYS[1])", **_KEY}],
        },
        stop={"scripts": 12},
    )
    assert outcomes_of(record) == {"ok": 12}
    assert record.verdicts["ledger"].verdict == "ok"
    assert record.counters["rounds.confirmed"] == record.counters["rounds.sent"]


_KEY = {"keys": [{"from": "session"}]}
