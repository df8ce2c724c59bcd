"""Recording what passes, and replaying it: the same replies.

`tests/data/recordings/*.jsonl` were made by this module (`drive` through `readfence record` in
front of a redis-server 7.0.15) and are replayed as they are.
"""

import json
import resource
import socket
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from models.replies import Status
from readfence.recordings.files import load_recording
from readfence.recordings.hashing import Hashing
from sim.errors import InputError
from tests.readfence.front_door import RECORDINGS, call
from tests.readfence.serving.serving import running, talking

PUSH = b"redis.call('RPUSH', KEYS[1], ARGV[1]) return redis.call('LLEN', KEYS[1])"


def drive(port: int) -> None:
    """A session of three clients: data, scripts, a transaction, one that waits, one that listens.

    No reply depends on the clock.
    """
    with talking(port) as first, talking(port) as listener:
        first.ask(b"SET", b"counter", b"41")
        first.ask(b"INCR", b"counter")
        first.ask(b"HSET", b"hash", b"a", b"1", b"b", "caf\u00e9".encode())
        first.ask(b"HGETALL", b"hash")
        first.ask(b"ZADD", b"scores", b"1.5", b"x", b"7350000000000000", b"y")
        first.ask(b"ZRANGE", b"scores", b"0", b"-1", b"WITHSCORES")
        first.ask(b"GET", b"hash")
        first.ask(b"SET", b"binary", b"\xff\x00")
        first.ask(b"GET", b"binary")
        listener.ask(b"SUBSCRIBE", b"news")
        waiting = threading.Thread(target=_wait_for_a_push, args=(port,))
        waiting.start()
        time.sleep(0.3)
        first.ask(b"EVALSHA", b"0" * 40, b"0")
        sha = first.ask(b"SCRIPT", b"LOAD", PUSH)
        assert isinstance(sha, bytes)
        first.ask(b"EVALSHA", sha, b"1", b"queue", b"job")
        waiting.join()
        first.ask(b"EVAL", b"return redis.call('PUBLISH', 'news', ARGV[1])", b"0", b"hello")
        for words in ((b"MULTI",), (b"INCR", b"counter"), (b"LLEN", b"hash"), (b"EXEC",)):
            first.ask(*words)
        first.ask(b"EVAL", b"return {1, 'two', false, {err='ERR three'}, {ok='four'}}", b"0")
        time.sleep(0.5)  # the simulated cluster takes longer, and listeners must still be there


def _wait_for_a_push(port: int) -> None:
    with talking(port) as client:
        client.ask(b"BLPOP", b"other", b"queue", b"10")


def replayed(recording: Path, folder: Path) -> dict[str, int]:
    """The counters of a replay in virtual time."""
    scenario = folder / "replay.yaml"
    scenario.write_text(f"workload: {{replay: {json.dumps(str(recording))}}}\n")
    ended = call("run", scenario, "--no-plots", "--quiet", "--out", folder)
    assert ended.status == 0, ended.stderr
    (variant,) = json.loads((folder / "run.json").read_text())["variants"]
    counters: dict[str, int] = variant["counters"]
    return counters


def test_a_recorded_session_is_replayed_with_the_same_replies(
    redis_server: int, tmp_path: Path
) -> None:
    """Recorded in front of a real Redis, replayed by the simulated cluster."""
    with talking(redis_server) as client:
        client.ask(b"FLUSHALL")
        client.ask(b"SCRIPT", b"FLUSH")
    file = tmp_path / "traffic.jsonl"
    upstream = f"127.0.0.1:{redis_server}"
    with running("record", file, "--listen", "0", "--upstream", upstream) as proxy:
        drive(proxy.port)
        status, printed = proxy.stop()
    assert (status, "20 commands recorded" in printed) == (0, True), printed
    events = [json.loads(line) for line in file.read_text().splitlines()]
    (blocked,) = [event for event in events if event.get("blocked")]
    assert blocked["cmd"] == ["BLPOP", "other", "queue", "10"]
    assert events[0]["ev"] == "header"
    assert sum(event["ev"] == "push" for event in events) == 1
    counters = replayed(file, tmp_path)
    assert counters["replay.equal"] == 20
    assert counters["replay.different"] == 0


@pytest.mark.parametrize("name", sorted(file.name for file in RECORDINGS.glob("*.jsonl")))
def test_the_recordings_of_this_project_are_answered_as_they_were(
    name: str, tmp_path: Path
) -> None:
    """By a cluster that takes its time for every command."""
    counters = replayed(RECORDINGS / name, tmp_path)
    assert counters["replay.different"] == 0
    assert counters["replay.equal"] >= 20


def test_a_changed_reply_is_counted(tmp_path: Path) -> None:
    """The comparison can fail."""
    file = tmp_path / "changed.jsonl"
    text = (RECORDINGS / "session.jsonl").read_text()
    assert text.count('"reply": {":": 42}') == 1
    file.write_text(text.replace('"reply": {":": 42}', '"reply": {":": 43}'))
    assert replayed(file, tmp_path)["replay.different"] == 1


def test_a_replay_goes_on_until_everything_is_answered(tmp_path: Path) -> None:
    """Recorded commands that are sent faster than they are answered are all answered, and a client
    who is blocked at the end keeps nobody waiting.
    """
    file = tmp_path / "fast.jsonl"
    words = [["INCR", "n"]] * 50
    events = [
        {"ev": "cmd", "seq": n, "conn": 1, "t": n, "clk": n, "cmd": cmd, "reply": {":": n + 1}}
        for n, cmd in enumerate(words)
    ]
    blocked = {"ev": "cmd", "seq": 50, "conn": 2, "t": 9, "clk": 9, "cmd": ["BLPOP", "q", "0"]}
    file.write_text("".join(json.dumps(event) + "\n" for event in [*events, blocked]))
    counted = replayed(file, tmp_path)
    assert (counted["replay.equal"], counted["replay.different"]) == (50, 0)


def test_values_can_be_hidden() -> None:
    """Keys, numbers and the words of commands stay; equal values stay equal."""
    hashing = Hashing()
    event = {"cmd": ["SET", "user:1", "Jane Doe", "EX", "10"], "reply": {"+": "OK"}}
    hidden = hashing.hashed(event)["cmd"]
    assert hidden[:2] + hidden[3:] == ["SET", "user:1", "EX", "10"]
    assert "Jane" not in str(hidden)
    got = hashing.hashed({"cmd": ["GET", "user:1"], "reply": {"$": "Jane Doe"}})
    assert got["reply"] == {"$": hidden[2]}
    script = {"cmd": ["EVAL", "return 1", "1", "k", "secret"], "reply": {"*": [{"$": "k"}]}}
    hidden_script = hashing.hashed(script)
    assert hidden_script["cmd"][:4] == ["EVAL", "return 1", "1", "k"]
    assert hidden_script["reply"] == {"*": [{"$": "k"}]}


def test_a_recording_tells_what_it_holds() -> None:
    """Scripts by digest with calls per run, commands, undeclared keys."""
    ended = call("summary", RECORDINGS / "session.jsonl", "--json")
    assert ended.status == 0
    told = json.loads(ended.stdout)
    assert told["commands"]["EVAL"] == 2
    calls = sorted(use["calls_p50"] for use in told["scripts"].values())
    assert calls == [0, 1, 2]
    assert call("summary", RECORDINGS / "session.jsonl").stdout.startswith("script")


MONITOR = rb"""OK
1700000000.000000 [0 127.0.0.1:5000] "SET" "a" "caf\xc3\xa9 \"x\""
1700000000.500000 [0 [::1]:6000] "EVAL" "return redis.call('GET', KEYS[1])" "1" "a"
1700000000.500100 [0 lua] "GET" "a"
1700000001.000000 [3 127.0.0.1:5000] "SET" "elsewhere" "1"
"""


def test_the_output_of_monitor_can_be_imported(tmp_path: Path) -> None:
    """Commands and instants; calls of scripts and other databases are left out, and told."""
    log = tmp_path / "monitor.log"
    log.write_bytes(MONITOR)
    ended = call("import", log)
    assert ended.status == 0
    assert "2 commands of 2 connections" in ended.stdout
    assert "1 calls of scripts, 1 commands to other" in ended.stdout
    recording = load_recording(tmp_path / "monitor.jsonl")
    assert recording.sent[0].words == [b"SET", b"a", 'caf\u00e9 "x"'.encode()]
    assert recording.sent[1].at_ns - recording.sent[0].at_ns == 500_000_000
    counters = replayed(tmp_path / "monitor.jsonl", tmp_path)
    assert (counters["replay.equal"], counters["replay.different"]) == (0, 0)


def test_a_real_monitor_output_can_be_imported(redis_server: int, tmp_path: Path) -> None:
    """As the server itself writes it."""
    log = tmp_path / "monitor.log"
    with socket.create_connection(("127.0.0.1", redis_server), 10) as watcher:
        watcher.sendall(b"MONITOR\r\n")
        printed = watcher.recv(100)
        with talking(redis_server) as client:
            client.ask(b"SET", b"a", b'\x00\r\n\xff"\\')
            client.ask(b"EVAL", b"return redis.call('GET', KEYS[1])", b"1", b"a")
        while printed.count(b"\n") < 4:
            printed += watcher.recv(1000)
    log.write_bytes(printed)
    assert call("import", log).status == 0
    recording = load_recording(tmp_path / "monitor.jsonl")
    assert [entry.words[0] for entry in recording.sent if entry.words] == [b"SET", b"EVAL"]
    assert recording.sent[0].words == [b"SET", b"a", b'\x00\r\n\xff"\\']


COMMAND = '{"ev": "cmd", "conn": 1, "cmd": ["PING"], %s}'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no json\n", "t.jsonl:1: expected an event of a recording"),
        ("\xff\n", "t.jsonl:1: expected an event of a recording, .*it is not UTF-8"),
        ("[]", "expected an object"),
        ('{"ev": "nope"}', "ev: expected header, open, close, cmd or push, got 'nope'"),
        (COMMAND % '"t": 1e400', "t: expected a whole number up to .*, got inf"),
        (COMMAND % '"t": -1', "t: expected a whole number up to .*, got -1"),
        (COMMAND % '"t": 9999999999999999999', "t: expected a whole number"),
        (COMMAND % '"t": 1, "seq": "x"', "seq: expected a whole number up to .*, got 'x'"),
        ("\n".join([COMMAND % '"t": 1, "seq": 1'] * 2), "t.jsonl:2: .*seq: 1 is there twice"),
        (COMMAND % '"t": 1, "cmd": "GET"', "cmd: expected a list of texts, got 'GET'"),
        (COMMAND % '"t": 1, "cmd": []', "cmd: expected a list of texts"),
        (COMMAND % '"t": 1, "reply": {"?": "a"}', "expected a reply such as"),
        (COMMAND % '"t": 1, "reply": {":": "a"}', "expected a reply such as"),
        (COMMAND % '"t": 1, "reply": {"*": [{"$": 1}]}', "expected text"),
        (COMMAND % '"t": 1, "reply": {"%": [[{":": 1}]]}', "expected a pair"),
        (COMMAND % '"t": 1, "reply": {"multi": 1}', "expected a list in multi"),
        ('{"ev": "close", "t": 1, "conn": 7}', "conn: 7 was never opened"),
        ("[" * 100_000, "nested too deeply"),
        ('{"ev": "header"}', "t.jsonl: expected a recording, got one without any command"),
        ("", "t.jsonl: expected a recording, got one without any command"),
        ('\n{"ev": "cmd"}\n', "t.jsonl:2: expected an event"),
        ('{"ev": "cmd", "t": 1, "conn": 1, "cmd": [{"script": "ab"}]}', "script ab is in no file"),
    ],
)
def test_a_broken_recording_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    """File, line, what was expected."""
    file = tmp_path / "t.jsonl"
    file.write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=said):
        load_recording(file)
    assert call("summary", file).status == 2
    assert call("import", tmp_path / "nowhere.log").status == 2


def test_what_is_no_monitor_output_is_told(tmp_path: Path) -> None:
    """With its line."""
    log = tmp_path / "m.log"
    log.write_text("OK\nhello\n")
    ended = call("import", log)
    assert ended.status == 2
    assert f"{log}:2: expected a line of MONITOR" in ended.stderr


@pytest.mark.parametrize("out", [(), ("--out", "link.jsonl")])
def test_an_import_never_writes_over_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: tuple[str, ...]
) -> None:
    """A log named as a recording would be its own result."""
    monkeypatch.chdir(tmp_path)
    log = Path("monitor.jsonl")
    log.write_bytes(MONITOR)
    Path("link.jsonl").symlink_to(log)
    ended = call("import", log, *out)
    assert (ended.status, log.read_bytes()) == (2, MONITOR)
    assert "expected another file than LOG" in ended.stderr


def test_an_import_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    """And says what it could not write."""
    log, file = tmp_path / "m.log", tmp_path / "m.jsonl"
    log.write_bytes(MONITOR + b"\xff\x00\n")
    file.write_text("an earlier recording")
    ended = call("import", log)
    assert (ended.status, file.read_text()) == (2, "an earlier recording")
    log.write_bytes(MONITOR)
    ended = call("import", log, "--out", "/dev/full")
    assert ended.status == 5
    assert "readfence: /dev/full: cannot be written: No space left on device" in ended.stderr


def test_a_recorder_that_cannot_begin_leaves_the_file_alone(tmp_path: Path) -> None:
    """It tells of both its ends; a file that holds something is never written over."""
    file = tmp_path / "traffic.jsonl"
    file.write_text("an earlier recording")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = call("record", file, "--listen", place, "--upstream", "127.0.0.1:1")
        assert ended.status == 2
        assert "--upstream 127.0.0.1:1: cannot connect" in ended.stderr
        assert f"--listen {place}: cannot listen there" in ended.stderr
        ended = call("record", file, "--listen", "0", "--upstream", place)
        assert ended.status == 2
        assert "expected a new file" in ended.stderr
        ended = call("record", "/dev/full", "--listen", "0", "--upstream", place)
        assert ended.status == 5
        assert "readfence: /dev/full: cannot be written: No space left" in ended.stderr
    assert file.read_text() == "an earlier recording"


def test_a_recorder_ends_when_its_file_takes_no_more(tmp_path: Path) -> None:
    """With one complaint; what was recorded before is kept."""
    file = tmp_path / "traffic.jsonl"
    with (
        running("serve", "--port", "0", "--speed", "max", "--out", tmp_path) as served,
        running("record", file, "--listen", "0", "--upstream", f":{served.port}") as proxy,
        talking(proxy.port) as client,
    ):
        client.ask(b"SET", b"a", b"1")
        kept = file.read_text()
        limit = len(kept) + 10
        resource.prlimit(proxy.process.pid, resource.RLIMIT_FSIZE, (limit, limit))
        with suppress(
            ConnectionError, AssertionError
        ):  # whether the reply comes before the end is left open
            client.ask(b"SET", b"a", b"2")
        printed, _ = proxy.process.communicate(timeout=30)
    assert proxy.process.returncode == 5
    assert printed == f"readfence: {file}: cannot be written: File too large\n"
    assert file.read_text().startswith(kept)


def test_a_recorder_without_room_for_another_socket_goes_on(
    redis_server: int, tmp_path: Path
) -> None:
    """It turns away whom it has no room for, and says nothing of asyncio's."""
    file = tmp_path / "traffic.jsonl"
    address = f"127.0.0.1:{redis_server}"
    with running("record", file, "--listen", "0", "--upstream", address) as recorder:
        resource.prlimit(recorder.process.pid, resource.RLIMIT_NOFILE, (24, 24))
        with ExitStack() as crowd:
            for _ in range(40):
                crowd.enter_context(socket.create_connection(("127.0.0.1", recorder.port), 20))
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with suppress(OSError), talking(recorder.port) as client:
                if client.ask(b"PING") == Status(b"PONG"):
                    break
        status, printed = recorder.stop()
    assert status == 0 and "Traceback" not in printed, printed
    assert "commands recorded" in printed
