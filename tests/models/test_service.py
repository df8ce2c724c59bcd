"""The life cycle of a script on a node: fence, read timestamp, run, commit, and what can fail."""

from collections.abc import Callable
from hashlib import sha1

import pytest

from models.engine.sites import CALLS, FIELDS, POINT_READS, ROUNDS, SCANS, Site
from models.fence.policies import POLICIES
from models.replies import OK, ErrorReply, Reply
from models.script.machine import Machine, State
from models.service import Request
from sim.units import SECOND, ms, us
from tests.models.worlds import (
    NETWORK,
    NOT_LEADER,
    ONE_WAY,
    TOO_LATE,
    Sent,
    Stage,
    command,
    data_of,
    partition,
    script,
)

STARTING = ("one_fence", "as_merged", "log_read")
"""Fences that ask before the script begins."""
SET = "return redis.call('SET', 'k', 'new')"
SHA = sha1(SET.encode()).hexdigest()
FORMS: dict[str, Request] = {
    "EVAL": script(SET),
    "EVALSHA": Request([], [], sha=SHA.encode()),
    "command": command("SET k new"),
}
"""The same write as a script, by its hash, and as a single command."""
SLOW = NETWORK | {"one_way": "500ms"}
"""A round trip of a second."""


def stage_with_k(**settings: object) -> Stage:
    """A cluster whose key `k` holds "1", with the script known everywhere by its hash."""
    stage = Stage(data=data_of({"k": "str_new", "m": "str_new"}), **settings)
    for node in stage.cluster.nodes.values():
        node.service.scripts.load(SET.encode())
    return stage


def value_of(stage: Stage, key: str = "k", node: str = "n1") -> Reply:
    """What a node's store holds, asked without any fence."""
    request = command(f"GET {key}")
    request.policy = POLICIES["none"]
    return stage.ask(request, to=node).reply


def assert_untouched(stage: Stage, sent: Sent) -> None:
    """The script did not run: no call, no read, no entry in the log, no pin left, old values."""
    assert [sent.tally[field] for field in (CALLS, POINT_READS, SCANS)] == [0, 0, 0]
    assert (sent.outcome.start_ts, sent.outcome.commit_ts) == (0, 0)
    assert list(sent.outcome.read_keys) == []
    for node in stage.cluster.nodes.values():
        assert node.store._pins == {}
        assert value_of(stage, node=node.name) == b"1"


# -- the fence at script start ---------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("fence", STARTING)
def test_a_healthy_fence_lets_the_script_run(fence: str, form: str) -> None:
    """Its result is the reply, and what it wrote is there."""
    stage = stage_with_k(fence=fence)
    sent = stage.ask(FORMS[form])
    assert sent.reply == OK
    assert sent.tally[Site.SCRIPT_START] == 1
    assert sent.tally[CALLS] == 1
    assert value_of(stage) == b"new"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("fence", STARTING)
def test_a_follower_answers_with_an_error(fence: str, form: str) -> None:
    """In the words of the engine, and the script does not run."""
    stage = stage_with_k(fence=fence)
    sent = stage.ask(FORMS[form], to="n2")
    assert sent.reply == ErrorReply(NOT_LEADER)
    assert sent.outcome.failed
    assert sent.tally == [0] * len(FIELDS)
    assert_untouched(stage, sent)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("fence", STARTING)
def test_a_step_down_in_the_middle_of_a_fence_fails_it_at_that_instant(
    fence: str, form: str
) -> None:
    """Acknowledgements on their way do not save it."""
    stage = stage_with_k(fence=fence)
    sent = stage.send(FORMS[form])
    stage.pass_time(us(300))
    assert sent.answered_ns is None
    stage.node().engine.step_down()
    stage.pass_time(0)
    assert sent.reply == ErrorReply(NOT_LEADER)
    assert sent.latency_ns == us(300)
    if fence != "log_read":  # its entry is in the log; whoever leads next may still commit it
        assert_untouched(stage, sent)


def test_a_scripted_step_down_does_the_same() -> None:
    """A step-down that the scenario names, at the time that it names."""
    stage = stage_with_k(events=[{"at": "300us", "step_down": "n1"}])
    sent = stage.ask(FORMS["EVAL"])
    assert sent.reply == ErrorReply(NOT_LEADER)
    assert sent.latency_ns == us(300)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("fence", STARTING)
def test_the_callers_deadline_ends_a_waiting_fence(fence: str, form: str) -> None:
    """At the very instant, when no quorum answers."""
    stage = stage_with_k(fence=fence, script={"deadline": "300ms"})
    stage.cluster.rules.append(partition(1))
    stage.pass_time(ms(7))
    sent = stage.send(FORMS[form])
    stage.pass_time(ms(400))
    assert sent.reply == ErrorReply(TOO_LATE)
    assert sent.latency_ns == ms(300)
    assert_untouched(stage, sent)


@pytest.mark.parametrize("fence", ["one_fence", "none", "per_call"])
def test_the_deadline_ends_local_work_as_well(fence: str) -> None:
    """Whatever the fence: the Lua VM notices between two calls, and nothing is committed."""
    stage = stage_with_k(fence=fence, script={"deadline": "300ms"}, store={"point_read": "1s"})
    sent = stage.ask(script("redis.call('GET', 'k') return redis.call('SET', 'k', 'new')"))
    assert sent.reply == ErrorReply(TOO_LATE)
    assert sent.outcome.cut_short
    assert sent.latency_ns == ms(300) if fence != "per_call" else sent.latency_ns > ms(300)
    assert sent.outcome.commit_ts == 0


def test_without_a_quorum_the_leader_gives_up_and_says_so() -> None:
    """Long before a deadline of 10 s: it steps down when it has heard nobody for 2 s."""
    stage = stage_with_k()
    stage.cluster.rules.append(partition(1))
    sent = stage.ask(FORMS["EVAL"])
    assert sent.reply == ErrorReply(NOT_LEADER)
    assert 2 * SECOND <= sent.latency_ns <= 4 * SECOND
    assert_untouched(stage, sent)


def test_a_fence_that_waits_for_the_log_to_be_applied_has_the_deadline_too() -> None:
    """The quorum has answered, but a stalled loop answers nobody in time."""
    stage = stage_with_k(script={"deadline": "2ms"})
    sent = stage.send(FORMS["EVAL"])
    stage.pass_time(us(100))
    stage.node().engine.stall(ms(50))
    stage.pass_time(ms(60))
    assert sent.reply == ErrorReply(TOO_LATE)
    assert sent.latency_ns == ms(2)
    assert_untouched(stage, sent)


def test_a_failing_fence_is_no_failed_attempt_of_others() -> None:
    """The next script starts with a clean slate."""
    stage = stage_with_k(script={"deadline": "10ms"})
    stage.cluster.rules.append(partition(1))
    assert stage.ask(FORMS["EVAL"]).reply == ErrorReply(TOO_LATE)
    stage.cluster.rules.clear()
    assert stage.ask(FORMS["EVAL"]).reply == OK


def test_fence_latency_is_one_round_trip_and_service_times() -> None:
    """Loop, one way, loop, one way, loop; then the script's own start."""
    stage = stage_with_k(
        script={"start": "0", "call": "0"}, engine={"read": "5us", "message": "5us"}
    )
    sent = stage.ask(script("return 1"))
    assert sent.latency_ns == 2 * ONE_WAY + 3 * us(5)
    assert sent.outcome.read_ns == sent.answered_ns


# -- the read timestamp ----------------------------------------------------------------------------


@pytest.mark.parametrize("fence", STARTING)
def test_the_read_timestamp_is_taken_after_the_fence(fence: str) -> None:
    """A write that is applied while the fence waits is seen by the script behind it."""
    stage = stage_with_k(fence=fence)
    writer = _proposed(stage)
    reader = stage.send(script("return redis.call('GET', 'k')"))
    stage.wait(writer, reader)
    applied_ns = writer.outcome.committed_ns
    assert reader.sent_ns < applied_ns < reader.outcome.read_ns
    assert reader.outcome.start_ts == writer.outcome.commit_ts
    assert reader.reply == b"new"


def test_the_read_timestamp_is_no_index_of_the_log() -> None:
    """It is the newest commit timestamp on the node, which is of another order of magnitude."""
    stage = stage_with_k()
    stage.pass_time(ms(1))
    written = stage.ask(FORMS["EVAL"])
    read = stage.ask(script("return redis.call('GET', 'k')"))
    assert read.outcome.start_ts == written.outcome.commit_ts > 10**6
    assert stage.node().engine.raft.commit_index < 10


def test_all_reads_of_an_attempt_are_of_one_snapshot() -> None:
    """Between two verified reads another script rewrites both keys: neither is seen."""
    stage = stage_with_k(fence="per_call")
    reader = stage.send(script("return {redis.call('GET', 'k'), redis.call('GET', 'm')}"))
    stage.pass_time(us(100))
    both = script("redis.call('SETEX', 'k', 9, '2') redis.call('SETEX', 'm', 9, '2')")
    both.policy = POLICIES["none"]
    writer = stage.send(both)
    stage.wait(reader, writer)
    assert reader.answered_ns is not None and writer.answered_ns is not None
    assert reader.outcome.read_ns < writer.outcome.committed_ns < reader.answered_ns
    assert reader.reply == [b"1", b"1"]
    assert value_of(stage, "m") == b"2"


def test_the_read_timestamp_is_pinned_while_the_script_runs() -> None:
    """And released however it ends."""
    ends: dict[str, Callable[[Stage], object]] = {
        "redis.call('GET', 'k')": lambda stage: None,
        "redis.call('GET', 'k') error('x')": lambda stage: None,
        "redis.call('GET', 'k') ": lambda stage: stage.node().engine.step_down(),
    }
    for lua, happening in ends.items():
        stage = stage_with_k(fence="per_call")
        sent = stage.send(script(lua))
        stage.pass_time(us(300))
        assert stage.node().store._pins == {sent.outcome.start_ts: 1}
        happening(stage)
        stage.wait(sent)
        assert stage.node().store._pins == {}


# -- scripts and their hashes ----------------------------------------------------------------------


def test_an_unknown_hash_is_answered_at_once() -> None:
    """NOSCRIPT, with no fence, no attempt and no time gone."""
    stage = Stage()
    sent = stage.send(FORMS["EVALSHA"])
    assert sent.reply == ErrorReply(b"NOSCRIPT No matching script. Please use EVAL.")
    assert sent.latency_ns == 0
    assert sent.outcome.tallies == []
    assert stage.node().engine.rounds_sent == 0


@pytest.mark.parametrize("spelling", [SHA, SHA.upper()], ids=["lower case", "upper case"])
def test_a_loaded_script_is_found_by_its_hash(spelling: str) -> None:
    """SCRIPT LOAD, then EVALSHA in either case of letters."""
    stage = Stage()
    assert stage.node().service.scripts.load(SET.encode()).sha == SHA
    assert stage.ask(Request([], [], sha=spelling.encode())).reply == OK


def test_eval_loads_the_script_on_its_node_alone() -> None:
    """The cache is each node's own; so after a fail-over clients see NOSCRIPT."""
    stage = Stage()
    stage.ask(FORMS["EVAL"])
    assert stage.ask(FORMS["EVALSHA"]).reply == OK
    assert stage.ask(FORMS["EVALSHA"], to="n2").reply == ErrorReply(
        b"NOSCRIPT No matching script. Please use EVAL."
    )


def test_a_script_that_does_not_compile_is_known_all_the_same() -> None:
    """It is stored before it is compiled, which happens behind the fence."""
    stage = Stage()
    broken = "return ("
    first = stage.ask(script(broken))
    sha = sha1(broken.encode()).hexdigest().encode()
    again = stage.ask(Request([], [], sha=sha))
    assert isinstance(first.reply, ErrorReply)
    assert first.reply == again.reply
    assert first.reply.text.startswith(b"ERR Error compiling script")
    assert first.tally[Site.SCRIPT_START] == 1


def test_keys_and_arguments_reach_the_script() -> None:
    """As KEYS and ARGV."""
    sent = Stage().ask(script("return {KEYS[1], KEYS[2], ARGV[1]}", "a", "b", argv=("c",)))
    assert sent.reply == [b"a", b"b", b"c"]


def test_ctrl_c_on_the_way_into_a_script_is_no_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine, which says that it runs, is not used again."""

    def interrupted(machine: Machine, *args: object) -> None:
        machine._state = State.RUNNING
        raise KeyboardInterrupt

    monkeypatch.setattr(Machine, "start", interrupted)
    stage = Stage()
    with pytest.raises(KeyboardInterrupt):
        stage.ask(script("return 1"))
    assert all(len(node.service._machines) == 0 for node in stage.cluster.nodes.values())


# -- verifications inside the script ---------------------------------------------------------------


def test_a_script_past_its_deadline_is_killed_and_cannot_catch_it() -> None:
    """The verification itself has no deadline; Lua notices when it is over, in whatever pcall."""
    caught = script("""
        redis.call('SETEX', 'm', 100, 'written')
        pcall(redis.call, 'GET', 'k')
        pcall(function() pcall(redis.call, 'INCR', 'm0') redis.pcall('GET', 'm1') end)
        return 'caught'
    """)
    stage = Stage(
        fence="per_call",
        network=SLOW,
        script={"deadline": "1500ms"},
        data=data_of(dict.fromkeys(("k", "m0", "m1"), "str_new")),
    )
    sent = stage.ask(caught)
    assert sent.reply == ErrorReply(TOO_LATE)
    assert sent.outcome.failed
    assert sent.tally[CALLS] == 3
    assert sent.tally[Site.STRING_READ] == 2
    assert 2 * SECOND <= sent.latency_ns < 2 * SECOND + ms(2)
    assert sent.outcome.commit_ts == 0
    assert value_of(stage, "m") is None


def test_a_deadline_that_passes_behind_the_last_wait_is_not_noticed() -> None:
    """The commit has a deadline of its own."""
    stage = stage_with_k(network=SLOW, script={"deadline": "1500ms"})
    sent = stage.ask(FORMS["EVAL"])
    assert sent.reply == OK
    assert sent.latency_ns > 3 * SECOND


@pytest.mark.parametrize("fence", ["per_call", "before"])
def test_a_verification_that_fails_is_the_answer_of_the_call(fence: str) -> None:
    """Raised by redis.call, an error table from redis.pcall, an error reply to a command."""
    stage = stage_with_k(fence=fence)
    raised = stage.ask(script("return redis.call('GET', 'k')"), to="n2")
    assert isinstance(raised.reply, ErrorReply)
    assert raised.reply.text.startswith(NOT_LEADER + b" script: ")
    returned = stage.ask(script("return redis.pcall('GET', 'k')"), to="n2")
    assert returned.reply == ErrorReply(NOT_LEADER)
    alone = stage.ask(command("GET k"), to="n2")
    assert alone.reply == ErrorReply(NOT_LEADER)
    assert raised.tally[ROUNDS] == returned.tally[ROUNDS] == alone.tally[ROUNDS] == 0


def test_after_a_failed_verification_nothing_is_answered_from_what_was_loaded() -> None:
    """Else a deposed leader would serve what nobody has verified, to a script that asks twice."""
    stage = stage_with_k(fence="per_call")
    sent = stage.ask(
        script("""
            local first = redis.pcall('GET', 'k')
            local second = redis.pcall('GET', 'k')
            local third = redis.pcall('EXISTS', 'm')
            return {first.err, second.err, third.err}
        """),
        to="n2",
    )
    assert sent.reply == [NOT_LEADER] * 3
    assert sent.tally[CALLS] == 3
    assert list(sent.outcome.read_keys) == []


def test_after_a_failed_verification_nothing_is_written() -> None:
    """Not even by a script that caught the error, before it or after it."""
    stage = stage_with_k(fence="per_call", network=SLOW)
    sent = stage.send(
        script("""
            redis.call('SETEX', 'm', 100, 'before')
            redis.pcall('GET', 'k')
            redis.pcall('SETEX', 'm', 100, 'after')
            return 'done'
        """)
    )
    stage.pass_time(ms(100))
    stage.node().engine.step_down()
    stage.wait(sent)
    assert sent.reply == ErrorReply(NOT_LEADER)
    assert sent.outcome.commit_ts == 0
    assert stage.node().engine.raft.log.last_index == 1


def test_a_command_that_fails_is_answered_and_writes_nothing() -> None:
    """A single command that meets a key of another type."""
    stage = Stage(data=data_of({"l": "list_meta"}))
    sent = stage.ask(command("INCR l"))
    assert isinstance(sent.reply, ErrorReply)
    assert sent.reply.text.startswith(b"WRONGTYPE")
    assert sent.outcome.failed
    assert sent.outcome.commit_ts == 0


# -- the commit ------------------------------------------------------------------------------------


def test_a_script_that_only_reads_leaves_no_entry_in_the_log() -> None:
    """And asks for no guard."""
    stage = stage_with_k()
    sent = stage.ask(script("return redis.call('GET', 'k')"))
    assert sent.tally[Site.COMMIT_GUARD] == 0
    assert stage.node().engine.raft.log.last_index == 1


def test_all_that_a_script_writes_is_one_entry_behind_one_guard() -> None:
    """Two keys, one entry, on all nodes in the end."""
    stage = stage_with_k()
    sent = stage.ask(script("redis.call('SET', 'k', 'a') redis.call('SET', 'm', 'b')"))
    assert sent.tally[Site.COMMIT_GUARD] == 1
    assert stage.node().engine.raft.log.last_index == 2
    assert sorted(sent.outcome.written_keys) == [b"k", b"m"]
    stage.pass_time(ms(300))
    for name in ("n1", "n2", "n3"):
        assert [value_of(stage, key, name) for key in ("k", "m")] == [b"a", b"b"]


def test_a_guard_that_fails_keeps_the_commit_out_of_the_log() -> None:
    """A follower may run a script of blind writes under `per_call`, but it cannot commit it."""
    stage = stage_with_k(fence="per_call")
    sent = stage.ask(script("return redis.call('SETEX', 'k', 100, 'v')"), to="n2")
    assert sent.reply == ErrorReply(NOT_LEADER)
    assert sent.tally[CALLS] == 1
    assert not sent.outcome.unsettled
    assert [node.engine.raft.log.last_index for node in stage.cluster.nodes.values()] == [1] * 3


def test_without_a_guard_the_proposal_itself_is_refused() -> None:
    """The negative control has no guard; Raft still takes no entry from a follower."""
    stage = stage_with_k(fence="none")
    sent = stage.ask(FORMS["EVAL"], to="n2")
    assert sent.reply == ErrorReply(NOT_LEADER)
    assert not sent.outcome.unsettled
    assert sent.outcome.commit_ts == 0


def _proposed(stage: Stage) -> Sent:
    """A write whose entry has just been proposed."""
    sent = stage.send(FORMS["EVAL"])
    while not sent.outcome.commit_ts:
        stage.pass_time(us(50))
    assert sent.answered_ns is None
    return sent


def test_a_proposal_lost_by_a_step_down_is_unsettled() -> None:
    """The client is told of the step-down, and nobody can say yet whether it was written."""
    stage = stage_with_k()
    sent = _proposed(stage)
    stage.node().engine.step_down()
    stage.wait(sent)
    assert sent.reply == ErrorReply(NOT_LEADER)
    assert sent.outcome.unsettled
    assert sent.outcome.commit_ts > 0
    stage.pass_time(10 * SECOND)  # the next leader commits what the others hold already
    assert stage.cluster.leader.engine.is_leader
    assert value_of(stage, node=stage.cluster.leader.name) == b"new"


def test_a_proposal_that_takes_too_long_is_unsettled() -> None:
    """Its deadline is of the commit alone, and as long as a whole script's."""
    stage = stage_with_k(script={"deadline": "300ms"})
    sent = _proposed(stage)
    stage.cluster.rules.append(partition(1))
    begun = stage.kernel.now
    stage.wait(sent)
    assert sent.reply == ErrorReply(TOO_LATE)
    assert sent.outcome.unsettled
    assert ms(299) <= sent.latency_ns - (begun - sent.sent_ns) <= ms(300)


def test_the_work_of_a_call_may_follow_a_law() -> None:
    """A draw for each call, the same in every run; a constant is the same for all."""
    law = {"law": "uniform", "low": "1ms", "high": "3ms"}

    def latencies(call: object, seed: int = 1) -> list[int]:
        stage = Stage(seed=seed, fence="none", script={"call": call, "start": "0s"})
        asked = [stage.ask(script("redis.call('PING') redis.call('PING')")) for _ in range(20)]
        return [each.latency_ns for each in asked]

    assert latencies("2ms") == [ms(4)] * 20
    drawn = latencies(law)
    assert drawn == latencies(law) != latencies(law, seed=2)
    assert len(set(drawn)) == 20
    assert ms(2) <= min(drawn) < us(3500) < us(4500) < max(drawn) <= ms(6)


def written_with(commit: str, cores: int = 14, scripts: int = 1) -> tuple[Stage, list[Sent]]:
    """Scripts that write at once on one node, with this much local work per commit."""
    stage = stage_with_k(script={"commit": commit}, cluster={"cores": cores})
    write = "return redis.call('SETEX', KEYS[1], 100, 'v')"
    sent = [stage.send(script(write, f"key{n}")) for n in range(scripts)]
    stage.wait(*sent)
    return stage, sent


def test_the_work_of_a_commit_goes_on_beside_its_replication() -> None:
    """Less than the round trip is not waited for; more is, from the proposal on, and no longer."""
    (_, [free]), (_, [short]), (_, [long]) = (written_with(work) for work in ("0", "400us", "7ms"))
    assert short.latency_ns == free.latency_ns
    assert free.latency_ns > 3 * ONE_WAY
    before_proposal = free.latency_ns - 2 * ONE_WAY - us(100)
    assert before_proposal < long.latency_ns - ms(7) < free.latency_ns
    assert long.reply == OK


def test_commits_share_the_cores_for_their_work() -> None:
    """Four of 7 ms on two cores are two after two; a script that writes nothing asks for none."""
    stage, sent = written_with("7ms", cores=2, scripts=4)
    first, second, third, fourth = (each.latency_ns for each in sent)
    assert (third - first, fourth - second) == (ms(7), ms(7))
    assert stage.ask(script("return redis.call('GET', 'k')")).latency_ns < ms(3)


# -- workers ---------------------------------------------------------------------------------------


def test_scripts_wait_in_line_for_a_worker() -> None:
    """First come, first served, each with the Lua state of the one before."""
    stage = stage_with_k(script={"workers": 1})
    sent = [stage.send(script(f"return {n}")) for n in range(5)]
    stage.wait(*sent)
    assert [each.reply for each in sent] == [0, 1, 2, 3, 4]
    latencies = [each.latency_ns for each in sent]
    assert latencies == [latencies[0] * (n + 1) for n in range(5)]
    assert stage.cluster.machines.created == 1


def test_a_deadline_counts_from_the_arrival_not_from_the_worker() -> None:
    """Who waited in line past it is answered so without being begun, under any fence."""
    for fence in ("per_call", "one_fence", "none"):
        stage = stage_with_k(fence=fence, network=SLOW, script={"workers": 1, "deadline": "700ms"})
        first = stage.send(FORMS["EVAL"])
        second = stage.send(FORMS["EVAL"])
        stage.wait(first, second)
        assert second.reply == ErrorReply(TOO_LATE)
        assert second.outcome.attempts == 0
        assert second.answered_ns == first.answered_ns


def test_errors_give_the_worker_and_the_lua_state_back() -> None:
    """However a script ends."""
    stage = stage_with_k(
        script={"workers": 1, "deadline": "1500ms"}, fence="per_call", network=SLOW
    )
    for lua in ("error('x')", "return (", "redis.call('GET', 'k') redis.call('GET', 'm')", "x.y()"):
        stage.ask(script(lua))
    stage.cluster.rules.append(partition(1))
    stage.ask(script("redis.call('GET', 'k')"))
    assert stage.cluster.machines.created == len(stage.cluster.machines) == 1
    assert stage.ask(script("return 7")).reply == 7
