"""The scenario schema: production defaults, round trips, and what it refuses by itself."""

from typing import Any

import pytest
from pydantic import ValidationError

from models.redis.key_states import STATES
from models.spec import Scenario, System
from readfence.scenarios import load, shipped, shipped_folder
from sim.units import NS_PER, SECOND, ms, us
from tests.packages import need_those_of

LEAST: dict[str, Any] = {
    "workload": {"clients": 1, "scripts": [{"lua": "return 1"}]},
    "stop": {"scripts": 1},
}
"""The shortest scenario."""


def system(**settings: Any) -> System:
    """The shortest one with these settings."""
    return System.model_validate(LEAST | settings)


def refused(**settings: Any) -> str:
    """Why these settings are refused, in the words of the first error."""
    with pytest.raises(ValidationError) as error:
        system(**settings)
    text: str = error.value.errors()[0]["msg"]
    return text


# -- defaults --------------------------------------------------------------------------------------


def test_timers_are_those_of_production() -> None:
    """Tick 10 ms, heartbeat 200 ms, election 2 s (system.md 3.1)."""
    engine = system().engine
    assert (engine.tick, engine.heartbeat, engine.election) == (ms(10), ms(200), 2 * SECOND)


def test_lanes_are_those_of_revision_546() -> None:
    """Priority lane 64, normal lane 256, one unary call at a time, 5 s per message."""
    lanes = system().network.lanes
    assert (lanes.heartbeats.capacity, lanes.heartbeats.in_flight) == (64, 1)
    assert (lanes.others.capacity, lanes.others.in_flight) == (256, 1)
    assert lanes.call_timeout == 5 * SECOND


def test_three_nodes_and_a_round_trip_of_a_millisecond() -> None:
    """The production example, and the figure of its transport document."""
    assert system().cluster.nodes == 3
    assert system().cluster.leader == "n1"
    assert 2 * system().network.one_way.build().constant == ms(1)  # type: ignore[operator]


def test_retries_are_those_of_the_modelled_system() -> None:
    """51 executions, 1 ms doubling to 10 ms (system.md 2.3), within a deadline of 10 s (2.5)."""
    script = system().script
    retry = script.retry
    assert (retry.executions, retry.first, retry.longest) == (51, ms(1), ms(10))
    assert script.deadline == 10 * SECOND


def test_local_work_has_published_or_assumed_figures() -> None:
    """Within the ranges of system.md 9; the fsync and the Lua state as measured."""
    store, script = system().store, system().script
    assert us(10) <= store.point_read <= us(50)
    assert us(20) <= store.scan <= us(100)
    assert script.start == 59_255
    assert system().engine.fsync.build().constant == 16_300


def test_commits_follow_the_log_and_one_fence_is_the_rule() -> None:
    """What a scenario gets that asks for nothing."""
    assert system().store.commit_timestamp == "at_proposal"
    assert system().fence == "one_fence"
    assert system().timelines == 64
    assert system().warmup.scripts == 0


def test_every_run_is_limited() -> None:
    """Events, virtual time, real time, and virtual time without progress."""
    limits = system().limits
    assert limits.events == 10**9
    assert (limits.virtual_time, limits.wall_time, limits.stall) == (
        24 * NS_PER["h"], 30 * NS_PER["m"], 2 * NS_PER["m"],
    )  # fmt: skip


def test_a_group_by_itself_is_a_list_of_one() -> None:
    """A single group of clients may stand without the list."""
    assert system() == system(workload=[LEAST["workload"]])


# -- round trips -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*shipped(), "must_fail/lost_update"])
def test_a_scenario_written_back_reads_the_same(name: str) -> None:
    """As run.json holds it: every default filled in, every duration as text."""
    need_those_of(name)
    scenario = load(str(shipped_folder() / f"{name}.yaml")).scenario
    written = scenario.model_dump(mode="json", by_alias=True)
    again = Scenario.model_validate(written)
    assert again == scenario
    assert again.model_dump(mode="json", by_alias=True) == written


def test_durations_and_laws_survive_a_round_trip() -> None:
    """Also those that no shipped scenario uses."""
    made = system(
        network={
            "one_way": {"law": "lognormal", "quantiles": {"p50": "1ms", "p99.9": "40ms"}},
            "links": {"n1->n2": {"base": "1.5ms", "jitter": {"law": "pareto", "minimum": "1us",
                                                             "alpha": 2.5}}},
        },
        data={
            "h": {"keys": ["h"], "state": "hash_blob", "value": {"f": "1"}, "expires": "90s"},
            "z": {"keys": ["z"], "state": "zset_wide_ttl", "value": {"m": 1.25}},
        },
        workload={"arrivals": {"rate": "12/m"}, "scripts": [{"command": ["GET"], "keys": ["h"]}]},
        events=[{"at": "1.5s", "stall": "n1", "lasting": "250us"}],
        stop={"time": "1m"},
        warmup={"time": "3ns"},
    )  # fmt: skip
    assert System.model_validate(made.model_dump(mode="json", by_alias=True)) == made
    assert made.network.one_way.build() == made.network.one_way.build()


# -- what the schema refuses -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"stop": {}}, "expected either `scripts` or `time`"),
        ({"stop": {"scripts": 1, "time": "1s"}}, "expected either `scripts` or `time`"),
        ({"data": {"a": {}}}, "expected either `count` or `keys`"),
        ({"data": {"a": {"count": 1, "keys": ["a"]}}}, "expected either `count` or `keys`"),
        ({"events": [{"at": "1s"}]}, "expected one of `step_down`, `transfer_to` and `stall`"),
        (
            {"events": [{"at": "1s", "stall": "n1", "step_down": "n1"}]},
            "expected one of `step_down`, `transfer_to` and `stall`",
        ),
        (
            {"events": [{"at": "1s", "stall": "n1"}]},
            "expected `lasting` above 0 with `stall`, and with nothing else",
        ),
        (
            {"events": [{"at": "1s", "step_down": "n1", "lasting": "1s"}]},
            "expected `lasting` above 0 with `stall`, and with nothing else",
        ),
        (
            {"workload": {"scripts": [{"lua": ""}]}},
            "expected either `clients` (closed loop) or `arrivals` (open loop)",
        ),
        (
            {"workload": {"clients": 1, "scripts": [{"lua": "", "command": ["GET"]}]}},
            "expected one of `lua`, `lua_file`, `lua_package` and `command`",
        ),
        (
            {"workload": {"clients": 1, "scripts": [{"command": []}]}},
            "expected a command with its arguments, got an empty list",
        ),
        ({"cluster": {"nodes": 10}}, "Input should be less than or equal to 9"),
        ({"cluster": {"nodes": True}}, "Input should be a valid integer"),
        ({"timelines": -1}, "Input should be greater than or equal to 0"),
        ({"script": {"retry": {"executions": 0}}}, "Input should be greater than or equal to 1"),
    ],
)
def test_what_does_not_fit_is_refused(settings: dict[str, Any], message: str) -> None:
    """In words that say what was expected."""
    assert refused(**settings).removeprefix("Value error, ") == message


@pytest.mark.parametrize("where", ["", "cluster", "network", "engine", "store", "script", "limits"])
def test_unknown_keys_are_refused_everywhere(where: str) -> None:
    """A slip of the pen must not be a setting that does nothing."""
    settings = {where: {"nosuch": 1}} if where else {"nosuch": 1}
    assert refused(**settings) == "Extra inputs are not permitted"


def test_numbers_in_arguments_are_text() -> None:
    """As clients send them."""
    call = {"command": ["SETEX", 100, 1.5], "argv": []}
    made = system(workload={"clients": 1, "scripts": [call]})
    assert made.workload[0].scripts[0].command == ["SETEX", "100", "1.5"]
    lua = {"lua": "return 1", "argv": [7, "x"]}
    assert system(workload={"clients": 1, "scripts": [lua]}).workload[0].scripts[0].argv == [
        "7", "x",
    ]  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_every_key_state_may_be_asked_for(state: str) -> None:
    """By its name in `key_states.json`."""
    assert system(data={"a": {"count": 1, "state": state}}).data["a"].state == state


def test_a_system_cannot_be_changed() -> None:
    """Two variants may share parts of it."""
    with pytest.raises(ValidationError, match="frozen"):
        system().fence = "none"
