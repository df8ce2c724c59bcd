"""Points: what they hold, what comes of them, and how they are told apart."""

import json

import pytest

from models.spec import System
from readfence.exits import EnvironmentFailed
from readfence.points import Point, PointResult, point_of, run_point, run_text
from readfence.runs import run_all
from readfence.scenarios import load
from tests.readfence.front_door import KEPT, LUA
from tests.readfence.points import points


def test_a_result_is_that_of_the_run() -> None:
    """Digest, figures and counters are those of the record of the same variant."""
    (point,) = points(1)
    measured = run_point(point).measured
    assert measured is not None
    record = run_all(load("small.yaml")).record.variant("one_fence")
    latencies = sorted(record.columns["latency_ns"])
    assert measured.digest == record.digest
    assert measured.counters == record.counters
    assert measured.figures["latency.p99"] == latencies[-1]
    assert measured.figures["verifications.per_script"] == {"min": 1, "mean": 1, "max": 1}
    assert measured.figures["safety"] == record.verdicts["safety"].verdict == "ok"
    assert measured.attempts == record.histograms["attempts"]
    assert measured.resources == record.resources != {}
    assert measured.series.start_ns == []


def test_a_point_survives_its_text() -> None:
    """So does its result; and the text of a result is the same wherever it was run."""
    (point,) = points(1, series=3)
    text = run_text(point.model_dump_json())
    assert Point.model_validate_json(point.model_dump_json()) == point
    assert PointResult.model_validate_json(text).to_text() == text == run_point(point).to_text()
    assert System.model_validate(point.system) == load("small.yaml").variants[0].system


def test_the_hash_is_of_all_that_matters() -> None:
    """Scenario, Lua, seed, version, and how much of a series is asked for."""
    one, other = points(2)
    changes = [
        {"readfence": "0"}, {"series": 5}, {"lua_files": {"a.lua": ""}},
        {"system": {**one.system, "fence": "none"}},
    ]  # fmt: skip
    changed = [one.model_copy(update=change) for change in changes]
    assert len({point.hash for point in (one, other, *changed)}) == 6
    shuffled = {**one.model_dump(), "system": dict(reversed(one.system.items()))}
    assert Point.model_validate(shuffled).hash == one.hash


def test_a_series_is_thinned_evenly() -> None:
    """In order of arrival, from the first on; all of it when there is room."""
    lua = "for i = 1, ARGV[1] % 5 == 0 and 9 or 1 do redis.call('GET', KEYS[i]) end"
    uneven = (LUA, f'lua: {lua}\n      argv: ["{{id}}"]\n      fence: per_call')
    changes = (uneven, ("[{from: k}]", "[{from: k, count: 9}]"), (KEPT, "safety == ok"))
    (all_of_it,) = points(1, *changes, series=1000)
    whole, some = (run_point(p).measured for p in (all_of_it, *points(1, *changes, series=5)))
    assert whole is not None and some is not None
    columns = run_all(load("small.yaml")).record.variant("one_fence").columns
    assert columns["start_ns"] != sorted(columns["start_ns"]), "nobody overtook anybody"
    assert len(whole.series.start_ns) == 20
    assert whole.series.start_ns == sorted(whole.series.start_ns)
    assert some.series.start_ns == whole.series.start_ns[::4]
    assert some.series.latency_ns == whole.series.latency_ns[::4]


HUNG = """\
engine: {election: 5h}
script: {deadline: 20h}
events: [{at: 0, stall: n2, lasting: 10h}, {at: 0, stall: n3, lasting: 10h}]
limits: """
"""No quorum answers, and the client is patient."""


@pytest.mark.parametrize(
    ("limits", "status", "reason", "lasting"),
    [
        ("{events: 50, stall: 40h}", "limit", "limits.events is 50", True),
        ("{virtual_time: 1us}", "limit", "limits.virtual_time", True),
        ("{wall_time: 1ns, stall: 40h}", "limit", "limits.wall_time is 1 ns", False),
        ("{stall: 1ns}", "stalled", "no script ended", True),
    ],
)
def test_a_limit_is_a_result(limits: str, status: str, reason: str, lasting: bool) -> None:
    """It lasts unless it is a limit of the machine's time."""
    (point,) = points(1, ("network:", f"{HUNG}{limits}\nnetwork:"))
    result = run_point(point)
    assert (result.status, result.lasting, result.measured) == (status, lasting, None)
    assert result.reason.startswith("one_fence: ") and reason in result.reason
    assert "\n" not in result.reason and "waits for" in result.details


def test_a_crash_is_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its seed and its traceback, and it is not kept, since the machine may be at fault."""

    def broken(*args: object, **kwargs: object) -> None:
        raise ZeroDivisionError("a bug")

    point = points(7)[-1]
    monkeypatch.setattr("readfence.runs.World", broken)
    result = run_point(point)
    assert (result.status, result.seed, result.lasting) == ("error", 7, False)
    assert result.reason == "ZeroDivisionError: a bug"
    assert "in broken" in result.details


def test_a_point_of_another_version_is_refused() -> None:
    """Its result would pass for one of that version."""
    (point,) = points(1)
    foreign = point.model_copy(update={"readfence": "0.0.9+abc"})
    with pytest.raises(EnvironmentFailed, match=r"^version mismatch: a point of readfence 0\.0\.9"):
        run_text(foreign.model_dump_json())


def test_a_point_holds_the_lua_of_its_files() -> None:
    """And says them in JSON, so that nothing depends on files."""
    loaded = load("verify_storm")
    point = point_of(loaded.variants[0], seed=1, lua_files={"a.lua": "return 1"})
    assert json.loads(point.model_dump_json())["lua_files"] == {"a.lua": "return 1"}
