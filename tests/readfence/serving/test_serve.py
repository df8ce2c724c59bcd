"""`readfence serve`: who may connect, how time passes, what is left behind."""

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from models.replies import ErrorReply
from readfence.exits import Exit
from readfence.recordings.proxy import encode_command
from tests.readfence.front_door import call
from tests.readfence.serving.serving import running, serving, talking


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_exposure_without_a_password_is_refused(tmp_path: Path, address: str) -> None:
    """Before anything listens."""
    ended = call("serve", "--listen", address, "--port", "0", "--out", tmp_path)
    assert ended.status == 2
    assert "expected --requirepass" in ended.stderr


def test_it_listens_on_loopback_only(tmp_path: Path) -> None:
    """Unless told otherwise."""
    with serving(tmp_path) as served:
        other = "127.0.0.2"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((other, served.port), 2)


def test_a_password_can_be_asked_for(tmp_path: Path) -> None:
    """Then nothing is told to strangers, however much they send."""
    with serving(tmp_path, "--requirepass", "secret") as served:
        with talking(served.port) as client:
            refused = client.ask(b"GET", b"a")
            assert refused == ErrorReply(b"NOAUTH Authentication required.")
            client.ask(b"AUTH", b"secret")
            assert client.ask(b"GET", b"a") is None
        with socket.create_connection(("127.0.0.1", served.port), 5) as stranger:
            stranger.sendall(b"*11\r\n")
            said = stranger.recv(100)
    assert said == b"-ERR Protocol error: unauthenticated multibulk length\r\n"


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [("--speed", "0", "a factor from 1e-06 on, or max"), ("--speed", "1e-300", "a factor from"),
     ("--variant", "nope", "expected one of one_fence")],
)  # fmt: skip
def test_wrong_options_are_told(tmp_path: Path, option: str, value: str, said: str) -> None:
    """With what was expected."""
    ended = call("serve", option, value, "--port", "0", "--out", tmp_path)
    assert ended.status == 2
    assert said in ended.stderr


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    """It is no bug."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = call("serve", "--port", str(port), "--out", tmp_path)
    assert ended.status == 2
    assert "cannot listen there" in ended.stderr


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, "SHUTDOWN"])
def test_a_stopped_session_leaves_a_record(tmp_path: Path, how: "signal.Signals | str") -> None:
    """As any other run does; also a snapshot of the figures."""
    metrics = tmp_path / "metrics.json"
    with serving(tmp_path, "--metrics", str(metrics)) as served:
        with talking(served.port) as client:
            client.ask(b"SET", b"a", b"1")
            client.ask(b"EVAL", b"return redis.call('GET', KEYS[1])", b"1", b"a")
        if isinstance(how, str):
            with socket.create_connection(("127.0.0.1", served.port), 5) as other:
                other.sendall(b"SHUTDOWN NOSAVE\r\n")
                assert other.recv(10) == b""
            printed, _ = served.process.communicate(timeout=60)
            status = served.process.returncode
        else:
            status, printed = served.stop(how)
    assert status == 0, printed
    assert "verifications per script" in printed
    run = json.loads((tmp_path / "run.json").read_text())
    (variant,) = run["variants"]
    assert variant["labels"]["script"][0] == "SET"
    assert variant["labels"]["script"][1].startswith("script ")
    assert variant["verdicts"]["safety"]["verdict"] == "ok"
    assert variant["verdicts"]["ledger"]["verdict"] == "ok"
    snapshot = json.loads(metrics.read_text())
    assert snapshot["requests"] == 2
    assert snapshot["verifications"]["script_start"] == 2


@pytest.mark.alone
def test_at_real_speed_latencies_are_waited_for(tmp_path: Path) -> None:
    """A fence over links of 20 ms takes 40; ten times as fast, 4."""
    options = ("--port", "0", "--set", "network.one_way=20ms", "--out", tmp_path)
    took = {}
    for speed in ("1", "10"):
        with running("serve", *options, "--speed", speed) as served:
            with talking(served.port) as client:
                client.ask(b"GET", b"a")
                began = time.monotonic()
                for _ in range(5):
                    client.ask(b"GET", b"a")
            took[speed] = (time.monotonic() - began) / 5
    assert took["1"] >= 0.040
    assert took["10"] < took["1"] / 2


@pytest.mark.alone
def test_a_blocked_client_is_woken_by_time(tmp_path: Path) -> None:
    """At real speed, and as fast as it goes: by the machine's clock."""
    for speed in ("1", "max"):
        with running("serve", "--port", "0", "--speed", speed, "--out", tmp_path) as served:
            began = time.monotonic()
            with talking(served.port) as client:
                client.ask(b"BLPOP", b"q", b"0.3")
            assert 0.25 < time.monotonic() - began < 5


def test_a_snapshot_is_told_to_clients(tmp_path: Path) -> None:
    """READFENCE.METRICS."""
    with serving(tmp_path) as served, talking(served.port) as client:
        client.ask(b"SET", b"a", b"1")
        told = client.ask(b"READFENCE.METRICS")
        assert isinstance(told, bytes)
        assert json.loads(told)["outcomes"] == {"ok": 1}


@pytest.mark.parametrize(
    "signals", [[signal.SIGINT], [signal.SIGTERM, signal.SIGINT], [signal.SIGTERM] * 2]
)
def test_a_session_that_hears_nothing_any_more_is_ended_and_kept(
    tmp_path: Path, signals: list[signal.Signals]
) -> None:
    """After a while, or by a second signal; what had been answered before is in its record."""
    options = ("--set", "script.instructions=1000000000000")
    with serving(tmp_path, *options) as served, talking(served.port) as client:
        client.ask(b"SET", b"a", b"1")
        with socket.create_connection(("127.0.0.1", served.port), 5) as other:
            other.sendall(encode_command([b"EVAL", b"while true do end", b"0"]))
            time.sleep(0.5)
            for number in signals:
                served.process.send_signal(number)
                time.sleep(0.2)
            printed, _ = served.process.communicate(timeout=20)
    assert served.process.returncode == 130
    assert printed.startswith("interrupted\n")
    assert "verifications per script" in printed
    (variant,) = json.loads((tmp_path / "run.json").read_text())["variants"]
    assert variant["labels"]["script"][0] == "SET"
    assert variant["columns"]["outcome"][0] == variant["labels"]["outcome"].index("ok")
    verdicts = {name: verdict["verdict"] for name, verdict in variant["verdicts"].items()}
    assert verdicts == {"safety": "ok", "ledger": "unknown"}


def test_snapshots_that_cannot_be_written_are_told_at_once(tmp_path: Path) -> None:
    """Before anybody is served."""
    options = ("serve", "--port", "0", "--out", tmp_path, "--metrics")
    ended = call(*options, tmp_path / "nowhere" / "m.json")
    assert (ended.status, ended.stdout) == (2, "")
    assert "nowhere/m.json: cannot write there: No such file" in ended.stderr
    ended = call(*options, "/dev/full")
    assert (ended.status, ended.stdout) == (5, "")
    assert "/dev/full: cannot be written: No space left" in ended.stderr


def test_a_session_outlives_its_snapshots(tmp_path: Path) -> None:
    """Its record is kept; that the last snapshot is missing is told by the exit status."""
    folder = tmp_path / "snapshots"
    folder.mkdir()
    with serving(tmp_path, "--metrics", str(folder / "m.json")) as served:
        with talking(served.port) as client:
            client.ask(b"SET", b"a", b"1")
            shutil.rmtree(folder)
            time.sleep(1.2)
            client.ask(b"SET", b"a", b"1")
        status, printed = served.stop()
    assert status == 5
    assert "verifications per script" in printed
    assert "m.json: cannot write there" in printed
    (variant,) = json.loads((tmp_path / "run.json").read_text())["variants"]
    assert len(variant["columns"]["id"]) == 2


BROKEN = """
import sys
from models.service import Service
from readfence.__main__ import main

def concluded(self, request, attempt, outcome, deadline):
    raise KeyError("nobody expected this")

Service._concluded = concluded
sys.argv = ["readfence", *sys.argv[1:]]
sys.exit(main())
"""


def test_a_bug_ends_the_session_and_what_was_recorded_is_kept(tmp_path: Path) -> None:
    """It would serve nobody any more, and never end."""
    options = ["serve", "--port", "0", "--out", str(tmp_path)]
    command = [sys.executable, "-c", BROKEN, *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        found = re.search(r":(\d+),", process.stdout.readline())
        assert found is not None
        with socket.create_connection(("127.0.0.1", int(found[1]))) as client:
            client.sendall(encode_command([b"GET", b"key"]))
            try:
                _, told = process.communicate(timeout=30)
            finally:
                process.kill()  # or a session that goes on would be waited for
    assert process.returncode == Exit.BUG
    assert "this is a bug in readfence" in told and "nobody expected this" in told
    assert json.loads((tmp_path / "run.json").read_text())["variants"]
