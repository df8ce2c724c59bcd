"""Whole scripts against the tables of system.md 1.10 and 6: every figure comes out of a run."""

import pytest

from models.engine.sites import POINT_READS, SCANS
from models.service import Request
from tests.models.worlds import (
    CallCost,
    Stage,
    costs_of,
    costs_on,
    data_of,
    lua_of,
    run,
    script,
)

MIXED = ("GET s", "SET s v", "HGET h f1", "ZADD z 5 z9", "LPUSH l x", "RPOPLPUSH src l", "INCR n")
MIXED_STATES = {
    "s": "str_new", "h": "hash_wide", "z": "zset_wide", "l": "list_meta", "src": "list_meta",
    "n": "str_new",
}  # fmt: skip
GETS = tuple(f"GET k{n}" for n in range(7))
LIMITER = ("INCR n", "PEXPIRE n 60000")
BULLMQ = (
    "HGET meta paused", "ZRANGEBYSCORE delayed 0 100", "HEXISTS meta paused",
    "RPOPLPUSH wait active", "ZCARD prioritized", "SET lock token PX 30000", "HGETALL job",
)  # fmt: skip
BULLMQ_STATES = {"meta": "hash_wide", "wait": "list_meta", "active": "list_meta",
                 "job": "hash_wide"}  # fmt: skip


def seven(state: str) -> dict[str, str]:
    """Seven keys in one state."""
    return {f"k{n}": state for n in range(7)}


SCRIPTS = {
    "worked example": (MIXED, MIXED_STATES),
    "7 new": (GETS, seven("str_new")),
    "7 legacy": (GETS, seven("str_legacy")),
    "7 bare": (GETS, seven("str_bare")),
    "7 missing": (GETS, {}),
    "limiter": (LIMITER, {"n": "str_new"}),
    "mixed 7 missing": (MIXED, {}),
    "BullMQ-like": (BULLMQ, BULLMQ_STATES),
}

FENCES = ("before", "as_merged", "one_fence")
ROUNDS = {
    "worked example": (177, 176, 2),
    "7 new": (140, 134, 1),
    "7 legacy": (161, 148, 1),
    "7 bare": (182, 162, 1),
    "7 missing": (126, 127, 1),
    "limiter": (58, 58, 2),
    "mixed 7 missing": (241, 242, 2),
    "BullMQ-like": (118, 119, 2),
}
"""Quorum rounds under each of `FENCES`: before, 546, ideal (system.md 1.10)."""

READS = {
    "worked example": (95, 79, 2),
    "7 new": (84, 49, 7),
    "7 legacy": (98, 49, 14),
    "7 bare": (112, 49, 21),
    "7 missing": (77, 49, 0),
    "limiter": (32, 24, 1),
    "mixed 7 missing": (140, 100, 0),
    "BullMQ-like": (68, 49, 0),
}
"""Point reads, scans and, at before, explicit verifications (system.md 6, rows before and 546)."""

WRITES = ("worked example", "limiter", "mixed 7 missing", "BullMQ-like")


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("fence", FENCES)
def test_quorum_rounds(name: str, fence: str) -> None:
    """A script asks a quorum as often as its revision is known to."""
    commands, states = SCRIPTS[name]
    costs = costs_of(lua_of(*commands), states, fence)
    assert costs.rounds == ROUNDS[name][FENCES.index(fence)]
    assert sum(costs.letters) == costs.rounds


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("fence", ["before", "per_call", "as_merged", "one_fence", "none"])
def test_reads_and_letters(name: str, fence: str) -> None:
    """What is read is the same under every fence; who asks a quorum for it is the fence's own."""
    commands, states = SCRIPTS[name]
    points, scans, string_reads = READS[name]
    costs = costs_of(lua_of(*commands), states, fence)
    assert (costs.tally[POINT_READS], costs.tally[SCANS]) == (points, scans)
    assert costs.letters == (
        string_reads if fence in ("before", "per_call") else 0,
        points + scans if fence in ("before", "as_merged") else 0,
        1 if fence in ("as_merged", "one_fence") else 0,
        1 if name in WRITES and fence != "none" else 0,
    )


def test_worked_example_call_by_call() -> None:
    """Each call of the worked example, and its commit, asks for what the table says of it."""
    costs = costs_of(lua_of(*MIXED), MIXED_STATES, "before")
    expected = [
        ("GET s", 12, 7, 1),
        ("SET s v", 1, 0, 0),
        ("HGET h f1", 3, 4, 0),
        ("ZADD z 5 z9", 5, 8, 0),
        ("LPUSH l x", 4, 1, 0),
        ("RPOPLPUSH src l", 4, 2, 0),
        ("INCR n", 12, 7, 1),
    ]
    assert costs.calls == [
        CallCost(name, points, scans, verifies, points + scans)
        for name, points, scans, verifies in expected
    ]
    assert costs.commit == CallCost("commit", 54, 50, 0, 104)


@pytest.mark.parametrize("fence", ["as_merged", "one_fence", "per_call"])
def test_calls_read_the_same_under_every_fence(fence: str) -> None:
    """Call by call, another fence changes verifications and nothing else."""
    before = costs_of(lua_of(*MIXED), MIXED_STATES, "before")
    other = costs_of(lua_of(*MIXED), MIXED_STATES, fence)
    assert other.reply == before.reply
    for theirs, ours in zip([*before.calls, before.commit], [*other.calls, other.commit],
                            strict=True):  # fmt: skip
        assert ours[:3] == theirs[:3]
        assert ours.verifications == (theirs.verifications if fence == "per_call" else 0)
        assert ours.fences == (theirs.fences if fence == "as_merged" else 0)


def test_a_failing_call_costs_what_it_read_up_to_the_error() -> None:
    """GET of a list probes type and expiry and is not verified; the script may go on."""
    lua = "local e = redis.pcall('GET', 'l')\nredis.call('GET', 's')\nreturn e"
    costs = costs_of(lua, {"l": "list_meta", "s": "str_legacy"}, "before")
    assert costs.calls == [CallCost("GET l", 3, 0, 0, 3), CallCost("GET s", 14, 7, 2, 21)]
    assert costs.commit == CallCost("commit", 0, 0, 0, 0)
    assert costs.letters == (2, 24, 0, 0)


def test_calls_made_inside_callbacks_of_lua_count_like_any_other() -> None:
    """From table.sort, gsub and pcall, suspended at every store operation."""
    lua = """
        local words = {'b', 'a'}
        table.sort(words, function(x, y) redis.call('EXISTS', x) return x < y end)
        string.gsub('s', '.', function(k) redis.call('GET', k) end)
        return {pcall(function() return redis.call('GET', 's') end), #words}
    """
    costs = costs_of(lua, {"s": "str_new"}, "before")
    names = [call.name for call in costs.calls]
    exists = names.count("EXISTS a") + names.count("EXISTS b")
    assert exists == len(names) - 2 >= 1
    assert all(call[1:] == (11, 7, 0, 18) for call in costs.calls[:exists])
    assert [call[1:] for call in costs.calls[exists:]] == [(12, 7, 1, 19), (0, 0, 0, 0)]


@pytest.mark.parametrize("form", ["EVAL", "EVALSHA", "single commands"])
def test_the_form_in_which_it_is_sent_changes_no_count(form: str) -> None:
    """A body, its hash, or one command at a time: each command reads what it reads alone."""
    stage = Stage(fence="before", data=data_of(seven("str_bare")))
    if form == "single commands":
        alone = [costs_on(stage, Request([], [], command=get.encode().split())) for get in GETS]
        assert [costs.calls for costs in alone] == [[CallCost(get, 16, 7, 3, 23)] for get in GETS]
        return
    request = script(lua_of(*GETS))
    if form == "EVALSHA":
        sha = stage.node().service.scripts.load(request.body).sha
        request = Request([], [], sha=sha.encode())
    assert costs_on(stage, request).rounds == 182


@pytest.mark.parametrize("name", ["worked example", "7 bare"])
def test_a_world_records_the_same_counts(name: str) -> None:
    """What the record's histogram says of one script is what the stage counted."""
    commands, states = SCRIPTS[name]
    for fence, rounds in zip(FENCES, ROUNDS[name], strict=True):
        _, record = run(
            fence=fence,
            data=data_of(states),
            workload={"clients": 1, "scripts": [{"lua": lua_of(*commands)}]},
        )
        ((*tally, count),) = record.histograms["attempts"].rows
        costs = costs_of(lua_of(*commands), states, fence)
        assert (tally, count) == (costs.tally, 1)
        assert record.counters["rounds.confirmed"] == rounds
        assert record.verdicts["ledger"].verdict == "ok"
