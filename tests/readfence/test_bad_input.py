"""Wrong input: what is said, whole, and that nothing but a bug in readfence shows a traceback.

That there is no traceback is asserted by `call` and `call_process` themselves.
"""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from readfence.exits import Exit
from sim.record import read_run
from tests.readfence.front_door import (
    KEPT,
    LUA,
    LUA_HANGS,
    call,
    call_process,
    command,
    small,
    words,
)

DURATION = "expected a duration with a unit (ns, us, ms, s, m, h), such as '1.5ms', got"
LAWS = (
    "expected a duration such as '1ms', {base: ..., jitter: ...}, or {law: ...} naming one of "
    "constant, uniform, normal, lognormal, exponential, gamma, pareto, empirical, mixture, got"
)
COMMANDS = (
    "DEL, EXISTS, GET, GETDEL, HGET, HGETALL, HSET, INCR, LPOP, LPUSH, PEXPIRE, PTTL, RENAME, "
    "RPOP, RPOPLPUSH, RPUSH, SADD, SET, SETEX, SETNX, TYPE, ZADD, ZCARD"
)
TOP_LEVEL = "about, cluster, data, drawn, engine, events, expect, fence and 15 more"
STOP = "stop: {scripts: 20}"
CLIENTS = "  clients: 2\n"
NONE = "none: {fence: none}"
STATES_MAX = 29
LONG = "expected whole numbers of at most 1,000 digits, got a longer one"
EXPECT = "expect=[errors == 0]"


def complaint(text: str | bytes, *options: str) -> str:
    """What `validate` says of a scenario, which it refuses."""
    path = Path("s.yaml")
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    ended = call("validate", path, *options)
    assert (ended.status, ended.stdout) == (Exit.INPUT, ""), ended
    assert ended.stderr.startswith("readfence: ") and ended.stderr.endswith("\n")
    return ended.stderr.removeprefix("readfence: ").removesuffix("\n")


# -- files --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no.yaml", "no.yaml: no such file, and no shipped scenario of that name "
                    "(see: readfence list)"),
        ("verify_strom", "verify_strom: no such file, and no shipped scenario of that name; did "
                         "you mean 'verify_storm'?"),
        (".", ".: expected a scenario file, got a folder"),
        ("", "expected a scenario file or the name of a shipped one, got nothing"),
        ("/dev/null", "/dev/null: expected a mapping of settings, got an empty file"),
        ("x" * 5_000, f"{'x' * 200}...: cannot be read: File name too long"),
    ],
    ids=["missing", "nearly shipped", "folder", "empty name", "device", "too long"],
)  # fmt: skip
@pytest.mark.parametrize("name_of_command", ["run", "check", "validate"])
def test_a_scenario_that_is_not_there(name_of_command: str, name: str, message: str) -> None:
    """Every command that takes one says so, and which shipped one may have been meant."""
    ended = call(name_of_command, name)
    assert (ended.status, ended.stdout) == (Exit.INPUT, "")
    assert ended.stderr == f"readfence: {message}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n- b\n", "s.yaml: expected a mapping of settings, got a list"),
        ("hello\n", "s.yaml: expected a mapping of settings, got a plain value"),
        ("", "s.yaml: expected a mapping of settings, got an empty file"),
        ("# nothing\n", "s.yaml: expected a mapping of settings, got an empty file"),
        ("a: 1\nb: [1\nc: 2\n", "s.yaml:3: no valid YAML: expected ',' or ']', but got ':'"),
        ("a:\n\t- 1\n",
         "s.yaml:2: no valid YAML: found character '\\t' that cannot start any token"),
        ("a: 1\n---\na: 1\n", "s.yaml:2: no valid YAML: expected a single document in the stream, "
                              "but found another document"),
        ("a: 1\nb: \x07\n", "s.yaml:2: no valid YAML: the character U+0007 is not allowed"),
        ("a: 1\nb: " + "9" * 1_001, f"s.yaml: {LONG}"),
        ("a: 1\nb: " + "9" * 5_000, f"s.yaml:2: {LONG}"),
        ("a: 0x" + "f" * 5_000, f"s.yaml: {LONG}"),
        ("a: 2001-13-45", "s.yaml: no valid YAML: month must be in 1..12"),
        (b"a: \xff\n", "s.yaml: cannot be read: 'utf-8' codec can't decode byte 0xff in position "
                       "3: invalid start byte"),
        ("a: 1\nb: *c\n", "s.yaml:2: no valid YAML: found undefined alias 'c'"),
        ("a: 1\n? [b]\n: 2\n", "s.yaml:2: expected a key that is text, got a list or a mapping"),
        ("a: " + "[" * 500, "s.yaml: expected less nesting, got hundreds of levels"),
        ("a: &a {b: 1}\nc: &c [" + "*a, " * 400 + "]\nd: &d [" + "*c, " * 400 + "]\n",
         "s.yaml: expected at most 100,000 values, got more"),
    ],
    ids=["list", "word", "empty", "comment", "bracket", "tab", "two documents", "control character",
         "long number", "very long number", "very long in hexadecimal", "no date",
         "not UTF-8", "alias of nothing", "key that is a list", "nesting", "aliases of aliases"],
)  # fmt: skip
def test_a_file_that_is_no_scenario(text: str | bytes, message: str) -> None:
    """YAML that is none, is not a mapping, or would fill the memory."""
    assert complaint(text) == message


def test_a_key_that_stands_there_twice() -> None:
    """YAML would take the last; an author meant one of them."""
    assert complaint(small(("seed: 1", "seed: 1\nseed: 2"))) == (
        's.yaml:3: a key stands there twice: found duplicate key "seed" with value "2" '
        '(original value: "1")'
    )


# -- keys and values ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title:", "titel:", "s.yaml:1: titel: unknown key; did you mean 'title'?"),
        ("title:", "xyz:", f"s.yaml:1: xyz: unknown key; expected one of {TOP_LEVEL}"),
        ("title: a small scenario", "5: x",
         f"s.yaml:1: 5: unknown key; expected one of {TOP_LEVEL}"),
        ("title: a small scenario", "null: x",
         f"s.yaml:1: null: unknown key; expected one of {TOP_LEVEL}"),
        (CLIENTS, CLIENTS + "  cliens: 3\n",
         "s.yaml:9: workload.cliens: unknown key; did you mean 'clients'?"),
        ("from: k", "from: k, pikc: zipf",
         "s.yaml:12: workload.scripts.0.keys.0.pikc: unknown key; did you mean 'pick'?"),
        (NONE, "none: {netwrk: {one_way: 1ms}}",
         "s.yaml:16: variants.none.netwrk: unknown key; did you mean 'network'?"),
        (NONE, "none: {network: {oneway: 1ms}}",
         "s.yaml:16: variants.none.network.oneway: unknown key; did you mean 'one_way'?"),
        (NONE, "none: {title: x}", "s.yaml:16: variants.none.title: expected a setting of a "
                                   "variant, got one of the whole scenario"),
        (STOP + "\n", "", "s.yaml: stop: expected a value, got none"),
        ("from: k", "count: 1",
         "s.yaml:12: workload.scripts.0.keys.0.from: expected a value, got none"),
    ],
    ids=["top level", "far from any", "number", "null", "deep", "in a union", "in a variant",
         "deep in a variant", "not for variants", "missing", "missing in a union"],
)  # fmt: skip
def test_an_unknown_or_missing_key(old: str, new: str, message: str) -> None:
    """Refused at its line, with the nearest known name if one is near."""
    assert complaint(small((old, new))) == message


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("5mz", f"{DURATION} '5mz'"),
        ("5", f"{DURATION} '5'"),
        ("five", "expected a number with a unit, got 'five'"),
        ("-5ms", "expected a duration of 0 or more, got '-5ms'"),
        ("0.1ns", "expected a whole number of nanoseconds, got '0.1ns'"),
        ("[1ms]", f"{LAWS} [1ms]"),
        ("", f"{LAWS} nothing"),
        ("{law: weird, mean: 1ms}", f"{LAWS} {{law: weird, mean: 1ms}}"),
        ("{base: 1ms, jitter: {law: exponental, mean: 1ms}}",
         f".jitter: {LAWS} {{law: exponental, mean: 1ms}}"),
        ("{law: lognormal, median: 1ms, sgma: 2}",
         ".sigma: expected a value, got none\n"
         "s.yaml:3: network.one_way.sgma: unknown key; did you mean 'sigma'?"),
        ("{law: lognormal, quantiles: {p50: 1ms}}",
         ".quantiles: expected at least 2 entries, got {p50: 1ms}"),
        ("{law: empirical, quantiles: {p50: 1ms, p999: 3ms}}",
         ".quantiles.p999: expected a probability such as 0.999 or p99.9, got 'p999'"),
        ("{law: mixture, parts: [{weight: 0, law: 5x}]}",
         ".parts.0.weight: expected more than 0, got 0\n"
         f"s.yaml:3: network.one_way.parts.0.law: {DURATION} '5x'"),
        ("1e15s", "constant: expected value to be a duration of 0 or more, 4611686018427387904 ns "
                  "at most, got 1000000000000000000000000 ns"),
    ],
    ids=lambda value: value if len(value) < 40 else "",
)  # fmt: skip
def test_a_wrong_duration_or_law(value: str, message: str) -> None:
    """One complaint about what was meant, not one for each law it is not."""
    text = small(("{base: 400us, jitter: {law: exponential, mean: 100us}}", value))
    dot = "" if message.startswith(".") else ": "
    assert complaint(text) == f"s.yaml:3: network.one_way{dot}{message}"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("-5/s", "expected a rate above 0, got '-5/s'"),
        ("0/s", "expected a rate above 0, got '0/s'"),
        ("5", "expected a rate with a unit (/s, /ms, /m, /h), such as '200/s', got '5'"),
        ("5/fortnight",
         "expected a rate with a unit (/s, /ms, /m, /h), such as '200/s', got '5/fortnight'"),
    ],
)  # fmt: skip
def test_a_wrong_rate(value: str, message: str) -> None:
    """Negative, zero, without a unit or with an unknown one."""
    text = small((CLIENTS, f"  arrivals: {{rate: {value}}}\n"))
    assert complaint(text) == f"s.yaml:8: workload.arrivals.rate: {message}"


@pytest.mark.parametrize(
    ("value", "got"),
    [("ten", "'ten'"), ("true", "true"), ("2.5", "2.5"), ("'2'", "'2'"), ("[2]", "[2]")],
)
def test_a_value_of_the_wrong_type(value: str, got: str) -> None:
    """Nothing is converted; what came is shown as YAML writes it."""
    text = small((CLIENTS, f"  clients: {value}\n"))
    assert complaint(text) == f"s.yaml:8: workload.clients: expected a whole number, got {got}"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (CLIENTS, "  clients: 0\n", "s.yaml:8: workload.clients: expected 1 or more, got 0"),
        (CLIENTS, "  speed: 1e-300\n" + CLIENTS,
         "s.yaml:8: workload.speed: expected 1e-06 or more, got 1e-300"),
        ("seed: 1", "seed: -1", "s.yaml:2: seed: expected 0 or more, got -1"),
        (STOP, STOP + "\ncluster: {nodes: 10}",
         "s.yaml:14: cluster.nodes: expected 9 or less, got 10"),
        ("name: get", "name: get\n      weight: .nan",
         "s.yaml:11: workload.scripts.0.weight: expected a finite number, got nan"),
        (STOP, "stop: {scripts: 0}", "s.yaml:13: stop.scripts: expected 1 or more, got 0"),
        (STOP, "stop: {time: 0}", "s.yaml:13: stop.time: expected a duration above 0, got 0"),
        (LUA, "lua: 5", "s.yaml:11: workload.scripts.0.lua: expected text, got 5"),
        (LUA, "command: GET", "s.yaml:11: workload.scripts.0.command: expected a list, got 'GET'"),
        (LUA, "command: []", "s.yaml:10: workload.scripts.0: expected a command with its "
                             "arguments, got an empty list"),
        (LUA, "command: [SET, true]",
         "s.yaml:11: workload.scripts.0.command.1: expected text, got true"),
        ("keys: [{from: k}]", "keys: [5]",
         "s.yaml:12: workload.scripts.0.keys.0: expected text or a mapping, got 5"),
        ("keys: [{from: k}]", "keys: {from: k}",
         "s.yaml:12: workload.scripts.0.keys: expected a list, got {from: k}"),
        ("str_new}", "str_new, value: 5}",
         "s.yaml:5: data.k.value: expected text, a list or a mapping, got 5"),
        ("str_new}", "hash_wide, value: {f: [1]}}",
         "s.yaml:5: data.k.value.f: expected text or a number, got [1]"),
        ("str_new}", "zset_wide, value: {f: x}}",
         "s.yaml:5: data.k.value.f: expected a number, got 'x'"),
        ("str_new}", "list_meta, value: x}",
         "s.yaml:5: data.k.value: expected a list for the state list_meta, got 'x'"),
        (NONE, "none:", "s.yaml:16: variants.none: expected a mapping, got nothing"),
        (NONE, "No-ne: {}", "s.yaml:16: variants.No-ne: expected text that matches "
                            "^[a-z][a-z0-9_]*$, got 'No-ne'"),
    ],
    ids=lambda value: value.partition(": ")[0] if value.startswith("s.yaml") else "",
)  # fmt: skip
def test_a_value_out_of_bounds_or_of_the_wrong_shape(old: str, new: str, message: str) -> None:
    """What was expected, and what came."""
    assert complaint(small((old, new))) == message


# -- what does not fit together -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("new", "got"),
    [(CLIENTS + "  arrivals: {rate: 5/s}\n", "`clients` and `arrivals`"), ("", "none")],
    ids=["both", "neither"],
)
def test_clients_or_arrivals(new: str, got: str) -> None:
    """A group is a closed or an open loop."""
    assert complaint(small((CLIENTS, new))) == (
        "s.yaml:6: workload: expected either `clients` (closed loop) or `arrivals` (open loop), "
        f"got {got}"
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (STOP, "stop: {scripts: 20, time: 1s}", "s.yaml:13: stop: expected either `scripts` or "
                                                "`time`, got `scripts` and `time`"),
        (STOP, STOP + "\nwarmup: {time: 1s}", "s.yaml:14: warmup: expected `scripts`, since `stop` "
                                              "counts scripts, got `time`"),
        (STOP, "stop: {time: 1s}\nwarmup: {scripts: 5}",
         "s.yaml:14: warmup: expected `time`, since `stop` is a time, got `scripts`"),
        ("{count: 10", "{keys: [a], count: 10",
         "s.yaml:5: data.k: expected either `count` or `keys`, got `count` and `keys`"),
        (LUA, LUA + "\n      command: [GET]", "s.yaml:10: workload.scripts.0: expected one of "
                 "`lua`, `lua_file`, `lua_package` and `command`, got `lua` and `command`"),
        (STOP, STOP + "\nevents: [{at: 1s}]", "s.yaml:14: events.0: expected one of `step_down`, "
                                              "`transfer_to` and `stall`, got none"),
        (STOP, STOP + "\nengine: {tick: 0}",
         "s.yaml:14: engine.tick: expected a duration above 0, got 0"),
        (STOP, STOP + "\nengine: {heartbeat: 15ms}",
         "s.yaml:14: engine.heartbeat: expected a whole number of ticks of 10ms, got '15ms'"),
        (STOP, STOP + "\nengine: {heartbeat: 3s}",
         "s.yaml:14: engine.heartbeat: expected less than the election timeout of 2s, got '3s'"),
        ("  k: {", "  j: {keys: ['k:3', a]}\n  k: {",
         "s.yaml:5: data.j.keys.0: the key 'k:3' is in 'k' already"),
        ("  k: {count: 10", "  j: {keys: [a, b]}\n  k: {keys: [b]",
         "s.yaml:6: data.k.keys.0: the key 'b' is in 'j' already"),
    ],
    ids=["extent", "warm-up", "warm-up in scripts", "data", "call", "event", "tick", "heartbeat",
         "election", "key of another set", "key twice"],
)  # fmt: skip
def test_settings_that_exclude_each_other(old: str, new: str, message: str) -> None:
    """Which of them came is said, too."""
    assert complaint(small((old, new))) == message


def test_an_unknown_fence() -> None:
    """The nearest one is offered."""
    assert complaint(small(("fence: none", "fence: non"))) == (
        "s.yaml:16: variants.none.fence: expected 'per_call', 'one_fence', 'as_merged', 'before', "
        "'log_read' or 'none', got 'non'; did you mean 'none'?"
    )


def test_an_unknown_key_state() -> None:
    """All of them are listed, and the nearest one is offered."""
    said = complaint(small(("str_new", "str_newer")))
    assert said.startswith("s.yaml:5: data.k.state: expected 'missing', 'str_new', ")
    assert said.endswith(" or 'stream', got 'str_newer'; did you mean 'str_new'?")
    assert said.count("', '") + said.count("' or '") == STATES_MAX - 1


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        (STOP, STOP + "\ncluster: {leader: n5}", "s.yaml:14: cluster.leader"),
        (STOP, STOP + "\nevents: [{at: 1s, stall: n5, lasting: 1s}]", "s.yaml:14: events.0.stall"),
        (CLIENTS, CLIENTS + "  attach: n5\n", "s.yaml:9: workload.attach"),
        ("network: {", "network: {links: {n1->n5: 1ms}, ", "s.yaml:3: network.links.n1->n5"),
        (NONE, "none: {workload: {attach: n5}}", "s.yaml:16: variants.none.workload.attach"),
    ],
    ids=["leader", "event", "attach", "link", "variant"],
)
def test_a_node_that_the_cluster_does_not_have(old: str, new: str, place: str) -> None:
    """Wherever nodes are named."""
    said = complaint(small((old, new)))
    assert said == f"{place}: expected a node from n1 to n3, got 'n5'"


def test_a_link_from_a_node_to_itself_or_to_no_node() -> None:
    """Links join two nodes."""
    assert complaint(small(("network: {", "network: {links: {n1->n1: 1ms}, "))) == (
        "s.yaml:3: network.links.n1->n1: expected two nodes, got 'n1' twice"
    )
    assert complaint(small(("network: {", "network: {links: {n1-n2: 1ms}, "))) == (
        "s.yaml:3: network.links.n1-n2: expected text that matches ^n[1-9]->n[1-9]$, got 'n1-n2'"
    )


@pytest.mark.parametrize(
    ("cluster", "message"),
    [
        ("lost: [n2, n3]", "cluster.lost: expected a majority of 3 nodes to be left, so 1 of them "
         "at most, got 2"),
        ("lost: [n1]", "cluster.leader: expected a node that is not lost (`cluster.lost`), got "
         "'n1'"),
        ("nodes: 2, lost: [n2]", "cluster.lost: expected a majority of 2 nodes to be left, so 0 of "
         "them at most, got 1"),
        ("lost: [n4]", "cluster.lost.0: expected a node from n1 to n3, got 'n4'"),
        ("slow: {n4: 2}", "cluster.slow.n4: expected a node from n1 to n3, got 'n4'"),
        ("slow: {n2: 0.5}", "cluster.slow.n2: expected 1 or more, got 0.5"),
    ],
    ids=["no majority", "the leader", "no majority of two", "no such node", "none slow", "faster"],
)  # fmt: skip
def test_losses_that_cannot_be(cluster: str, message: str) -> None:
    """What is left must be able to decide, and to do what the scenario asks of it."""
    said = complaint(small(("network: {", f"cluster: {{{cluster}}}\nnetwork: {{")))
    assert said.partition(": ")[2] == message


def test_clients_of_a_lost_node() -> None:
    """They would wait for ever."""
    lost = ("network: {", "cluster: {lost: [n3]}\nnetwork: {")
    assert complaint(small((CLIENTS, CLIENTS + "  attach: n3\n"), lost)).endswith(
        "workload.attach: expected a node that is not lost (`cluster.lost`), got 'n3'"
    )


def test_connections_of_a_closed_loop() -> None:
    """Each of its clients has one."""
    assert complaint(small((CLIENTS, CLIENTS + "  connections: 3\n"))) == (
        "s.yaml:6: workload: expected `arrivals` with `connections`; `clients` have one each, got "
        "`connections` and `clients`"
    )


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ("from: kk",
         "from: expected a key set of `data` (k), got 'kk'; did you mean 'k'?"),
        ("from: k, count: 11", "count: expected at most the 10 of the set, got 11"),
    ],
    ids=["no such set", "more than the set has"],
)  # fmt: skip
def test_keys_that_are_not_there(new: str, message: str) -> None:
    """Key sets are those under `data`, and a script's keys are all different."""
    said = complaint(small(("from: k", new)))
    assert said == f"s.yaml:12: workload.scripts.0.keys.0.{message}"


def test_a_problem_of_one_variant_names_it() -> None:
    """What stands outside of the variant is wrong in that variant only."""
    text = small(("from: k", "from: k, count: 5"), (NONE, "none: {data: {k: {count: 3}}}"))
    assert complaint(text) == (
        "s.yaml:12: workload.scripts.0.keys.0.count: expected at most the 3 of the set, got 5 "
        "(in variant none)"
    )


def test_two_groups_of_one_name() -> None:
    """Their random streams would be the same."""
    group = "{clients: 1, scripts: [{command: [GET, k]}]}"
    said = complaint(f"workload: [{group}, {group}]\nstop: {{scripts: 1}}\n")
    assert said == (
        "s.yaml:1: workload.1.name: expected a name of its own, got 'load', which another group has"
    )


ONLY = "which only `fidelity: messages` knows"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "cluster: {leader: elect}",
            "cluster.leader: expected the node that leads, got an election",
        ),
        ("cluster: {nodes: 1}", "cluster.nodes: expected 2 or more, got 1: no quorum rounds"),
        ("events: [{at: 1s, stall: n1, lasting: 1s}]", "events: expected none, got 1: faults"),
        (
            "cluster: {leader: n2}",
            "workload.attach: expected the leader, got 'n1': requests to a follower",
        ),
    ],
    ids=str,
)
def test_what_rounds_cannot_do_is_refused(setting: str, message: str) -> None:
    """By the key that asks for it; `messages` takes the same."""
    attach = ("  clients: 2\n", "  clients: 2\n  attach: n1\n")
    text = f"fidelity: rounds\n{setting}\n" + small(attach)
    assert complaint(text).split(": ", 1)[1] == f"{message}, {ONLY}"
    Path("s.yaml").write_text(text.replace("rounds", "messages"))
    assert call("validate", "s.yaml").status == Exit.OK


def test_a_fidelity_that_is_none() -> None:
    """Both words are named."""
    said = complaint("fidelity: atoms\n" + small())
    assert said == "s.yaml:1: fidelity: expected 'messages' or 'rounds', got 'atoms'"


def test_every_complaint_is_told_at_once() -> None:
    """One run shows all of a file's mistakes, each on its line."""
    text = small(("seed: 1", "seed: x"), (CLIENTS, "  clients: ten\n"), ("str_new", "odd"))
    lines = complaint(text).splitlines()
    assert [line.split(": ")[0] for line in lines] == ["s.yaml:5", "s.yaml:8", "s.yaml:2"]


# -- expectations -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("onefence.errors == 0", "column 1: unknown variant 'onefence'; did you mean 'one_fence'?"),
        ("one_fence.verifications.per_scrip == 1", "column 1: unknown figure "
         "'verifications.per_scrip'; did you mean 'verifications.per_script'?"),
        ("errors / 0 == 1", "column 10: division by zero"),
        ("errors = 0", "column 8: expected an operator (+ - * /) or a comparison (< <= == != >= "
         ">), got '='; for 'equal' write =="),
        ("errors ==", "column 10: expected a figure, a number or '(', got the end"),
        ("latency.p99 < 5", "column 15: latency.p99 is a duration, 5 is a plain number: they "
         "cannot be compared; write 5 with a unit, such as 5ms"),
        ("1 == 1", "column 1: there is no figure in it, so no run decides it"),
    ],
    ids=["variant", "figure", "zero", "operator", "end", "unit", "no figure"],
)  # fmt: skip
def test_a_wrong_expectation_is_refused_before_anything_runs(line: str, message: str) -> None:
    """With the line of the file, the text of the expectation, and the column in it."""
    assert complaint(small((KEPT, line))) == f"s.yaml:18: expect.0: expect '{line}': {message}"


def test_an_expectation_that_is_no_text() -> None:
    """YAML reads `a: b` as a mapping and 5 as a number."""
    assert complaint(small((KEPT, "5"))) == "s.yaml:18: expect.0: expected text, got 5"
    said = complaint(small((f"expect:\n  - {KEPT}", "expect: errors == 0")))
    assert said == "s.yaml:17: expect: expected a list, got 'errors == 0'"


def test_a_division_by_zero_in_the_run_is_wrong_input() -> None:
    """Not a broken gate: status 2, with the place of the expectation."""
    Path("s.yaml").write_text(small((KEPT, "one_fence.errors / one_fence.retries == 1")))
    ended = call("check", "s.yaml", "--quiet")
    assert (ended.status, ended.stdout) == (Exit.INPUT, "")
    assert ended.stderr == (
        "readfence: s.yaml:18: expect 'one_fence.errors / one_fence.retries == 1': column 20: "
        "division by zero: one_fence.retries is 0\n"
    )


def test_a_check_of_nothing() -> None:
    """A gate without expectations would never fail."""
    Path("s.yaml").write_text(small((f"expect:\n  - {KEPT}\n", "")))
    ended = call("check", "s.yaml")
    assert (ended.status, ended.stdout) == (Exit.INPUT, "")
    assert ended.stderr == (
        "readfence: s.yaml: expected lines under `expect:` to check, got none\n"
    )


# -- scripts ------------------------------------------------------------------------------------


def test_lua_that_is_none() -> None:
    """The line is that of the scenario where Lua stands in a block, with Lua's own words."""
    block = "lua: |\n        local x = 1\n        if x then\n        return x +\n"
    said = "no valid Lua: user_script:4: unexpected symbol near '<eof>'"
    assert complaint(small((LUA, block))) == f"s.yaml:15: workload.scripts.0.lua: {said}"
    assert complaint(small((LUA, "lua: 'return x +'"))) == (
        "s.yaml:11: workload.scripts.0.lua: no valid Lua: user_script:1: unexpected symbol near "
        "'<eof>'"
    )


def test_a_lua_file_that_is_not_there_or_no_lua() -> None:
    """Files are looked for beside the scenario."""
    text = small((LUA, "lua_file: lua/a.lua"))
    assert complaint(text) == (
        "s.yaml:11: workload.scripts.0.lua_file: expected a Lua file, got lua/a.lua, which cannot "
        "be read: No such file or directory"
    )
    Path("lua").mkdir()
    Path("lua/a.lua").write_text("return 1\nend\n")
    assert complaint(text) == (
        "s.yaml:11: workload.scripts.0.lua_file: no valid Lua: user_script:2: '<eof>' expected "
        "near 'end'"
    )


def test_an_unknown_command_is_found_before_anything_runs() -> None:
    """For `command:`, whose name is known beforehand."""
    assert complaint(small((LUA, "command: [GTE]"))) == (
        "s.yaml:11: workload.scripts.0.command.0: expected a command that "
        "docs/scenario-reference.md lists, got 'GTE'; did you mean 'GETEX'?"
    )


def outcomes(lua: str, *options: str) -> list[str]:
    """What scripts of this text were answered with, in a run that ends well."""
    Path("s.yaml").write_text(small((LUA, f"lua: {json.dumps(lua)}")))
    arguments = [word for option in options for word in ("--set", option)]
    ended = call("run", "s.yaml", "--no-plots", "--set", "stop.scripts=3", *arguments)
    assert ended.status == Exit.OK, ended.stderr
    (labels,) = {tuple(v.labels["outcome"]) for v in read_run(Path("out/s/run.json")).variants}
    return [label for label in labels if label != "ok"]


def gate_on_errors() -> str:
    """What a gate on errors says of the scenario that `outcomes` ran; it must break."""
    ended = call(
        "check", "s.yaml", "--quiet", "--set", "expect=[none.errors == 0]", "--markdown", "m"
    )
    assert ended.status == Exit.BROKEN
    return Path("m").read_text()


def test_an_unknown_command_inside_of_a_script() -> None:
    """Nobody can know it beforehand: the script ends in an error, the run goes on, a gate fails."""
    (outcome,) = outcomes("return redis.call('NOPE')")
    assert outcome.startswith("ERR Unknown Redis command called from script")
    assert "20 × ERR Unknown Redis command called" in gate_on_errors()


def test_a_script_that_never_ends() -> None:
    """It is killed after `script.instructions`; the message names the setting."""
    told = "ERR script killed after 20,000 Lua instructions (script.instructions)"
    assert outcomes("while true do end", "script.instructions=20000") == [told]


def test_a_script_that_never_ends_is_killed_by_default() -> None:
    """The default limit is not so large that a run would seem to hang."""
    began = time.monotonic()
    told = "ERR script killed after 10,000,000 Lua instructions (script.instructions)"
    assert outcomes("while true do end", "variants={none: {}}", EXPECT, "stop.scripts=1") == [told]
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    "name",
    ["python", "io", "os", "require", "dofile", "loadfile", "debug", "package", "_python", "lupa"],
)
def test_a_script_that_reaches_for_python_or_files(name: str) -> None:
    """There is no such global: an error reply, as in Redis, and the run goes on."""
    (outcome,) = outcomes(f"return {name}.x")
    assert f"nonexistent global variable '{name}'" in outcome
    assert "20 × ERR " in gate_on_errors()


def test_a_script_cannot_look_into_the_host() -> None:
    """Functions of the host are values without attributes."""
    (outcome,) = outcomes("return redis.call.__globals__")
    assert "attempt to index field 'call'" in outcome or "cannot look into Python" in outcome


def test_a_script_that_takes_all_memory() -> None:
    """It gets an error at `script.memory_mb`; the message names the setting."""
    lua = "local t = {} for i = 1, 1e9 do t[i] = string.rep('x', 1000) .. i end"
    told = "ERR script needs more than 8,000,000 bytes of Lua memory (script.memory_mb)"
    assert outcomes(lua, "script.memory_mb=8", "variants={none: {}}", EXPECT) == [told]


def test_a_script_that_calls_itself_for_ever() -> None:
    """Lua's stack ends, Python's does not."""
    (outcome,) = outcomes("local function f() return 1 + f() end return f()")
    assert "stack overflow" in outcome


# -- limits -------------------------------------------------------------------------------------

WAITING = "\n  clients client 0 waits for "
STOP_SOON = "stop.scripts=20"
"""The run ends by itself before anybody would look at its limits."""
MANY = ("--set", "stop.scripts=10000000", "--no-plots")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["limits.events=5000"], "stopped after 5,000 events at t="),
        (["limits.events=10", STOP_SOON], "stopped after 10 events at t="),
        (["limits.virtual_time=10ms"], "stopped at t=10 ms (limits.virtual_time)"),
        (["limits.wall_time=50ms"], "stopped at t="),
        (["limits.wall_time=1ns", STOP_SOON], "stopped at t="),
        (["limits.stall=10s", "workload.think=1h"], "no script ended in "),
        (["limits.stall=1us", STOP_SOON], "no script ended in "),
    ],
    ids=["events", "few events", "virtual_time", "wall_time", "no time", "stall", "short stall"],
)
def test_a_limit_ends_the_run(options: list[str], message: str) -> None:
    """Status 4, with the variant, the limit, and who waits for what."""
    Path("s.yaml").write_text(small())
    arguments = [word for option in options for word in ("--set", option)]
    ended = call("run", "s.yaml", "--quiet", *MANY, *arguments)
    assert (ended.status, ended.stdout) == (Exit.INCONCLUSIVE, "")
    assert ended.stderr.startswith(f"readfence: one_fence: {message}")
    assert STOP_SOON in options or WAITING in ended.stderr
    assert options[0].partition("=")[0] in ended.stderr


def test_a_run_without_a_leader_stalls() -> None:
    """With lanes that carry nothing in time, no election ends; the report names the waits."""
    Path("s.yaml").write_text(small())
    options = ["--set", "cluster.leader=elect", "--set", "network.one_way=20s",
               "--set", "limits.stall=30s"]  # fmt: skip
    ended = call("run", "s.yaml", "--quiet", *MANY, *options)
    assert ended.status == Exit.INCONCLUSIVE
    assert ended.stderr.startswith("readfence: one_fence: ")


def test_what_is_finished_before_a_limit_is_kept() -> None:
    """And named, with the file in which it lies."""
    Path("s.yaml").write_text(
        small((NONE, "late: {stop: {scripts: 10000000}, limits: {events: 9000}}"))
    )
    ended = call("run", "s.yaml", "--quiet", "--no-plots")
    assert ended.status == Exit.INCONCLUSIVE
    first, second = ended.stderr.splitlines()[:2]
    assert first == "finished before that: one_fence (in out/s/run.json)"
    assert second.startswith("readfence: late: stopped after ")
    assert [v.name for v in read_run(Path("out/s/run.json")).variants] == ["one_fence"]


# -- the machine --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--out", "s.yaml/below"], "s.yaml/below: cannot write there: Not a directory"),
        (["check", "--out", "s.yaml"], "s.yaml: cannot write there: not a folder"),
        (["run", "--trace", "s.yaml/t"], "s.yaml/t: cannot write there: Not a directory"),
        (["run", "--trace", "no/t"], "no/t: cannot write there: No such file or directory"),
        (["check", "--junit", "s.yaml/x.xml"], "s.yaml: cannot write there: not a folder"),
        (["check", "--markdown", "s.yaml/x.md"], "s.yaml: cannot write there: not a folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_place_where_nothing_can_be_written(arguments: list[str], message: str) -> None:
    """Found before anything is run: wrong input, status 2."""
    Path("s.yaml").write_text(small())
    ended = call(arguments[0], "s.yaml", *arguments[1:])
    assert (ended.status, ended.stdout, ended.stderr) == (
        Exit.INPUT,
        "",
        f"readfence: {message}\n",
    )


@pytest.mark.parametrize("arguments", [["run", "--no-plots"], ["check", "--out", "out/s"]], ids=str)
def test_a_disk_that_is_full_when_the_record_is_written(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status 5: neither the input nor readfence is wrong."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    Path("s.yaml").write_text(small())
    monkeypatch.setattr("readfence.runs.write_run", full)
    ended = call(arguments[0], "s.yaml", *arguments[1:])
    assert ended.status == Exit.ENVIRONMENT
    assert ended.stderr.endswith("readfence: out/s: cannot be written: No space left on device\n")


def test_a_disk_that_is_full_when_pictures_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The record is there already, and stays."""

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    Path("s.yaml").write_text(small())
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", full)
    ended = call("run", "s.yaml", "--quiet")
    assert ended.status == Exit.ENVIRONMENT
    assert ended.stderr == "readfence: out/s: cannot be written: No space left on device\n"
    assert len(read_run(Path("out/s/run.json")).variants) == 2


def test_a_report_that_cannot_be_written(folder: Path) -> None:
    """A file that turns out to be a folder: status 5, and no verdict."""
    Path("s.yaml").write_text(small())
    Path("x.xml").mkdir()
    ended = call("check", "s.yaml", "--quiet", "--junit", "x.xml")
    assert (ended.status, ended.stdout) == (Exit.ENVIRONMENT, "")
    assert ended.stderr == "readfence: x.xml: cannot be written: Is a directory\n"


def test_no_memory_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's limit, not a bug."""

    def exhausted(*_: object, **__: object) -> None:
        raise MemoryError

    Path("s.yaml").write_text(small())
    monkeypatch.setattr("readfence.cli.run_all", exhausted)
    ended = call("check", "s.yaml")
    assert (ended.status, ended.stderr) == (Exit.ENVIRONMENT, "readfence: no memory left\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device /dev/full")
@pytest.mark.parametrize(
    "arguments",
    [["check", "s.yaml"], ["run", "s.yaml", "--no-plots", "--json"], ["run", "s.yaml", "--no-plots",
     "--quiet", "--trace", "/dev/full"], ["--version"], ["--help"], ["run", "--help"]],
    ids=["table", "json", "trace", "version", "help", "help of a command"],
)  # fmt: skip
def test_an_output_that_is_full(arguments: list[str], folder: Path) -> None:
    """One line, status 5, and nothing from the interpreter when it flushes at its end."""
    Path("s.yaml").write_text(small())
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command(*arguments, *(["--set", "stop.scripts=200"] if "s.yaml" in arguments else [])),
            cwd=folder,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == Exit.ENVIRONMENT
    *progress, last = done.stderr.splitlines()
    assert last == "readfence: the machine failed: No space left on device"
    assert all(line.startswith("running ") for line in progress)


# -- Ctrl-C -------------------------------------------------------------------------------------


@contextmanager
def running(folder: Path, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
    """A command in a process of its own, ended if the test does not end it."""
    process = subprocess.Popen(
        command(*arguments),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(autouse=True)
def heeds_sigint() -> Iterator[None]:
    """Children inherit whether SIGINT is ignored, as it is for a shell's background jobs."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


LUA_LOOP = "for i = 1, 100000 do end return redis.call('GET', KEYS[1])"


@pytest.mark.parametrize("lua", ["return redis.call('GET', KEYS[1])", LUA_LOOP], ids=["io", "cpu"])
def test_ctrl_c_in_the_middle_of_a_run(folder: Path, lua: str) -> None:
    """Status 130; finished variants are kept and named; not a word more, whatever was going on."""
    Path("s.yaml").write_text(
        small((LUA, f"lua: {lua}"), (NONE, "late: {stop: {scripts: 9999999}}"))
    )
    with running(folder, "run", "s.yaml", "--no-plots") as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "running one_fence ...\n"
        assert process.stderr.readline() == "running late ...\n"
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout) == (Exit.INTERRUPTED, "")
    assert stderr == "finished before that: one_fence (in out/s/run.json)\ninterrupted\n"
    assert [v.name for v in read_run(Path("out/s/run.json")).variants] == ["one_fence"]


def test_ctrl_c_before_anything_is_finished(folder: Path) -> None:
    """There is nothing to keep, and nothing is written."""
    Path("s.yaml").write_text(small((STOP, "stop: {scripts: 9999999}")))
    with running(folder, "check", "s.yaml", "--out", "kept") as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "running one_fence ...\n"
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout, stderr) == (Exit.INTERRUPTED, "", "interrupted\n")
    assert list(Path("kept").iterdir()) == []


SPINS = "lua: while true do end"
MANY_INSTRUCTIONS = ("--set", "script.instructions=1000000000000")


@pytest.mark.parametrize("signalled", [True, False], ids=["ctrl-c", "limits.wall_time"])
@pytest.mark.parametrize("lua", [f"lua: {LUA_HANGS!r}", SPINS], ids=["in C", "in Lua"])
def test_lua_that_comes_back_to_nobody_is_ended(folder: Path, lua: str, signalled: bool) -> None:
    """Neither Ctrl-C nor the limit waits for Lua; what was finished is kept and named."""
    hangs = f"late: {{workload: {{clients: 1, scripts: [{{{lua}, argv: []}}]}}}}"
    Path("s.yaml").write_text(small((NONE, hangs)))
    limit = () if signalled else ("--set", "variants.late.limits.wall_time=100ms")
    with running(folder, "run", "s.yaml", "--no-plots", *MANY_INSTRUCTIONS, *limit) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "running one_fence ...\n"
        if signalled:
            while Path("out/s/run.json").exists() is False:
                time.sleep(0.02)
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=30)
    kept = "finished before that: one_fence (in out/s/run.json)\n"
    assert stdout == "" and kept in stderr
    said = stderr.partition(kept)[2]
    if signalled:
        assert (process.returncode, said) == (Exit.INTERRUPTED, "interrupted\n")
    else:
        assert process.returncode == Exit.INCONCLUSIVE
        assert said.startswith("readfence: late: stopped at t=")
        assert "limits.wall_time is 100 ms, and a single step went on after it" in said


SLOW_IMPORT = """\
import sys, time

class Slow:
    def find_spec(self, name, path, target=None):
        if name == "readfence.cli":
            print("importing", flush=True)
            time.sleep(30)

sys.meta_path.insert(0, Slow())
from readfence.__main__ import main
main()
"""


def test_ctrl_c_while_everything_is_being_imported() -> None:
    """Nobody is shown the imports of readfence, and the status is that of any interruption."""
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW_IMPORT],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "importing\n"
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=20)
    assert (process.returncode, stderr) == (Exit.INTERRUPTED, "interrupted\n")


# -- options ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("cluster.nodes", ": expected key=value, such as cluster.nodes=5"),
        ("=3", ": expected key=value, such as cluster.nodes=5"),
        ("a..b=3", ": expected key=value, such as cluster.nodes=5"),
        ("cluster.node=3", ": cluster.node: unknown key; did you mean 'nodes'?"),
        ("cluster.nodes=ten", ": cluster.nodes: expected a whole number, got 'ten'"),
        ("cluster.nodes=", ": cluster.nodes: expected a whole number, got nothing"),
        ("stop.scripts=[1", ": no valid YAML: expected ',' or ']', but got '<stream end>'"),
        ("title.x=3", ": title is a plain value, not a mapping"),
        ("variants=3", ": variants: expected a mapping, got 3"),
        ("workload=[]", ": workload: expected at least one entry, got []"),
        ("workload.scripts.5.name=x", ": expected a position from 0 to 0, got '5'"),
        ("expect.4=errors == 0", ": expected a position from 0 to 0, got '4'"),
        ("workload.1.clients=3", ": workload.1: unknown key; expected one of arrivals, attach, "
                 "clients, connections, lua_packages, name, replay, scripts and 2 more"),
        ("engine.tick=7ms", ": engine.heartbeat: expected a whole number of ticks of 7ms, got "
                            "'200ms'\n--set engine.tick=7ms: engine.election: expected a whole "
                            "number of ticks of 7ms, got '2s'"),
        ("network={one_way: {law: constant}}",
         ": network.one_way.value: expected a value, got none"),
        ("stop.time=1s", ", s.yaml:13: stop: expected either `scripts` or `time`, got `scripts` "
                         "and `time`"),
        ("stop.scripts=null", ", s.yaml:13: stop: expected either `scripts` or `time`, got none"),
        ("stop=null", ": stop: expected a value, got none"),
        ("limits.stall=0", ": limits.stall: expected a duration above 0, got 0"),
        ("limits.wall_time=0", ": limits.wall_time: expected a duration above 0, got 0"),
        ("limits.virtual_time=0", ": limits.virtual_time: expected a duration above 0, got 0"),
        ("workload.clients=1000001", ": workload.clients: expected 1,000,000 or less, got 1000001"),
        ("expect=[errorz == 0]", ": expect.0: expect 'errorz == 0': column 1: unknown figure or "
                                 "word 'errorz'; did you mean 'errors'?"),
        ("workload.scripts.lua=return +",
         ": workload.scripts.0.lua: no valid Lua: user_script:1: unexpected symbol near '+'"),
        ("variants.none.fence=nope", ": variants.none.fence: expected 'per_call', 'one_fence', "
         "'as_merged', 'before', 'log_read' or 'none', got 'nope'; did you mean 'none'?"),
    ],
    ids=lambda value: value if not value.startswith(":") else "",
)  # fmt: skip
def test_a_wrong_override(option: str, message: str) -> None:
    """The complaint names the option, since the file is not to blame."""
    assert complaint(small(), "--set", option) == f"--set {option}{message}"


@pytest.mark.parametrize("key", ["seed", "workload.clients", "workload.scripts.argv"])
def test_an_override_with_a_number_of_thousands_of_digits(key: str) -> None:
    """Python would refuse to read it, in its own words."""
    assignment = f"{key}={'9' * 5_000}"
    assert complaint(small(), "--set", assignment) == f"--set {assignment[:200]}...: {LONG}"


@pytest.mark.parametrize("option", ["--out", "--trace"])
def test_an_empty_path(option: str) -> None:
    """Such as of a variable that is not set; it does not stand for the current folder."""
    Path("s.yaml").write_text(small())
    ended = call("run", "s.yaml", option, "")
    assert (ended.status, ended.stdout) == (Exit.INPUT, "")
    assert "expected a path, got an empty one" in words(ended.stderr)


def test_an_override_does_not_hide_the_file_s_mistakes() -> None:
    """What the file says wrong is told at its line, the option's part at the option."""
    said = complaint(small(("seed: 1", "seed: x")), "--set", "cluster.nodes=0")
    assert said == (
        "--set cluster.nodes=0: cluster.nodes: expected 1 or more, got 0\n"
        "s.yaml:2: seed: expected a whole number, got 'x'"
    )


def test_a_real_process_shows_no_traceback(folder: Path) -> None:
    """As above, but past everything that a test runner might catch."""
    Path("s.yaml").write_text(small((CLIENTS, "  clients: ten\n")))
    ended = call_process("run", "s.yaml", cwd=folder)
    assert (ended.status, ended.stdout) == (Exit.INPUT, "")
    assert ended.stderr == (
        "readfence: s.yaml:8: workload.clients: expected a whole number, got 'ten'\n"
    )
