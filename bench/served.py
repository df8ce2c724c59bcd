"""readfence beside fakeredis and a real Redis, on the same scripts.

    python3 dev.py served            all rows
    python3 dev.py served --quick    the same, small: for tests
    python3 dev.py served --json     JSON instead of a table

Two scripts of seven calls: one that reads, and one that writes. readfence runs them under
`one_fence` and `fidelity: rounds`, in-process as a scenario's workload, and served over TCP at
`--speed max`; fakeredis in-process, by EVALSHA; a real redis-server, where there is one, over TCP.
Then readfence replays a recording of many scripts, which is made here.

What is counted are the CPU seconds of the process that runs the scripts. The clients of a server,
redis-py with pipelines over several connections, are another process, whose cost is not counted.
So the figures are scripts per CPU second of one core, and hold on a busy machine, too.
"""

import argparse
import json
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import psutil
import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from rich.console import Console
from rich.table import Table

from bench.mixes import MIXES, Mix, calls, fill, system_of
from models.world import World
from readfence.runs import unhurried_collector

CLIENTS: Final = 8
"""Of a scenario; their scripts overlap in virtual time."""
CONNECTIONS: Final = 8
PIPELINE: Final = 50
"""Scripts that a client sends before it reads the replies."""
BASE: Final = "fakeredis"
REAL: Final = "redis-server"
SCRIPTS: Final = {
    "readfence in-process": 20_000,
    "readfence served": 20_000,
    BASE: 20_000,
    REAL: 100_000,
}
"""How many each runs, of each mix: enough for seconds."""
TARGETS: Final = {"readfence in-process": 3.0, "readfence served": 1.0}
"""How many times as fast as fakeredis in-process each should be."""
REPLAYED: Final = 100_000
REPLAY_TARGET_S: Final = 60.0
REPLAY_GAP_US: Final = 500
"""Between two scripts of the recording: each connection sends one every 4 ms."""
QUICK: Final = 50
"""Under `--quick`, only one in so many."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one system took for one mix."""

    system: str
    mix: str
    scripts: int
    cpu_s: float
    wall_s: float

    @property
    def per_cpu_s(self) -> float:
        """Scripts per CPU second."""
        return self.scripts / self.cpu_s


# -- in-process, each in a process of its own ------------------------------------------------------


def run_scenario(mix: Mix, scripts: int) -> float:
    """CPU seconds of a scenario's run."""
    keys = [{"from": kind} for kind in mix.kinds]
    script = {"lua": mix.lua, "keys": keys, "argv": ["{id}"]}
    workload = {"clients": CLIENTS, "scripts": [script]}
    world = World(system_of(workload, stop={"scripts": scripts}), seed=1, lua_files={})
    with unhurried_collector():
        began = time.process_time()
        world.run("one_fence", {})
        return time.process_time() - began


def run_fakeredis(mix: Mix, scripts: int) -> float:
    """CPU seconds of as many EVALSHA."""
    import fakeredis  # noqa: PLC0415 - takes a second, and only this needs it

    client = fakeredis.FakeRedis()
    fill(client)
    sha = client.script_load(mix.lua)
    words = list(calls(mix, scripts))
    began = time.process_time()
    for each in words:
        client.evalsha(sha, len(mix.kinds), *each)
    return time.process_time() - began


IN_PROCESS: Final[dict[str, Callable[[Mix, int], float]]] = {
    "readfence in-process": run_scenario,
    BASE: run_fakeredis,
}


def in_process(system: str, mix: str, scripts: int) -> Row:
    """One row, measured in a process of its own."""
    command = [sys.executable, "-m", "bench.served", "--row", system, mix, str(scripts)]
    began = time.perf_counter()
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Row(system, mix, scripts, float(output), time.perf_counter() - began)


# -- over TCP --------------------------------------------------------------------------------------


@contextmanager
def readfence_serving() -> Iterator[tuple[psutil.Process, int]]:
    """A `readfence serve` without data, and its port."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "readfence", "serve", "--port", "0", "--speed", "max"]
        settings = ["--set", "fidelity=rounds", "--quiet", "--out", folder]
        server = subprocess.Popen([*command, *settings], stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            found = re.search(r":(\d+),", server.stdout.readline())
            assert found is not None, "readfence does not serve"
            yield psutil.Process(server.pid), int(found[1])
        finally:
            server.send_signal(signal.SIGINT)
            server.communicate()


@contextmanager
def redis_serving() -> Iterator[tuple[psutil.Process, int]]:
    """A redis-server without persistence, and its port."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        options = ["--port", str(port), "--save", "", "--dir", folder, "--logfile", f"{folder}/log"]
        server = subprocess.Popen(["redis-server", *options])
        try:
            yield psutil.Process(server.pid), port
        finally:
            server.terminate()
            server.wait()


def over_tcp(system: str, mix: str, scripts: int) -> Row:
    """One row: clients here, the server in a process of its own."""
    serving = redis_serving if system == REAL else readfence_serving
    with serving() as (process, port):
        retry = Retry(ConstantBackoff(0.05), 100)
        client = redis.Redis(port=port, retry=retry)
        fill(client)
        sha = client.script_load(MIXES[mix].lua)
        words = list(calls(MIXES[mix], scripts))
        before, began = _cpu_s(process), time.perf_counter()
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            parts = [words[number::CONNECTIONS] for number in range(CONNECTIONS)]
            for sent in [pool.submit(_send, port, sha, part) for part in parts]:
                sent.result()
        return Row(system, mix, scripts, _cpu_s(process) - before, time.perf_counter() - began)


def _send(port: int, sha: str, words: list[list[str]]) -> None:
    """One client: pipeline after pipeline."""
    client = redis.Redis(port=port)
    for first in range(0, len(words), PIPELINE):
        pipeline = client.pipeline(transaction=False)
        for each in words[first : first + PIPELINE]:
            pipeline.evalsha(sha, len(each) - 1, *each)
        pipeline.execute()


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# -- a recording, replayed -------------------------------------------------------------------------


def write_recording(file: Path, scripts: int) -> None:
    """A recording of the writing mix, with the replies that it must have.

    Each connection has keys of its own, so that what is answered does not depend on who is first.
    """
    mix = MIXES["writes"]
    with file.open("w") as lines:
        for number in range(scripts):
            connection, at_us = number % CONNECTIONS, number * REPLAY_GAP_US
            keys = [f"{kind}:{connection}:{number // CONNECTIONS % 100}" for kind in mix.kinds]
            before = number - 100 * CONNECTIONS
            reply = str(before) if before >= 0 else None
            words = ["EVAL", mix.lua, str(len(keys)), *keys, str(number)]
            event = {"ev": "cmd", "seq": number, "conn": connection, "t": at_us, "clk": at_us}
            lines.write(json.dumps({**event, "cmd": words, "reply": {"$": reply}}) + "\n")


def replay(scripts: int) -> Row:
    """`readfence run` of a scenario that replays such a recording, all told: reading it, too."""
    with tempfile.TemporaryDirectory() as folder:
        write_recording(Path(folder) / "traffic.jsonl", scripts)
        scenario = Path(folder) / "replay.yaml"
        fence = "fidelity: rounds\nfence: one_fence\n"
        scenario.write_text(f"{fence}workload: {{replay: traffic.jsonl}}\nexpect: []\n")
        command = [sys.executable, "-m", "readfence", "run", str(scenario), "--quiet"]
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run([*command, "--out", f"{folder}/out"], check=True)
        wall = time.perf_counter() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        run = json.loads((Path(folder) / "out" / "run.json").read_text())
    counters = run["variants"][0]["counters"]
    assert counters["replay.equal"] == scripts, counters
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Row("readfence replay", "writes", scripts, cpu, wall)


# -- what is said ----------------------------------------------------------------------------------


def measured(*, quick: bool) -> Iterator[Row]:
    """All rows, as they come."""
    share = QUICK if quick else 1
    for mix in MIXES:
        for system, scripts in SCRIPTS.items():
            if system == REAL and shutil.which(REAL) is None:
                continue
            run = in_process if system in IN_PROCESS else over_tcp
            yield run(system, mix, scripts // share)
    yield replay(REPLAYED // share)


def judged(rows: list[Row]) -> list[dict[str, Any]]:
    """The rows with their ratio to fakeredis, their target, and whether it is met."""
    base = {row.mix: row.per_cpu_s for row in rows if row.system == BASE}
    content = []
    for row in rows:
        ratio = row.per_cpu_s / base[row.mix]
        target = TARGETS.get(row.system)
        met = None if target is None else ratio >= target
        said = "" if target is None else f">= {target:.0f}x"
        if row.system == "readfence replay":
            said, met = f"<= {REPLAY_TARGET_S:.0f} s", row.cpu_s <= REPLAY_TARGET_S
        shown = {**asdict(row), "per_cpu_s": row.per_cpu_s, "ratio": ratio}
        content.append({**shown, "target": said, "met": met})
    return content


def table(content: list[dict[str, Any]]) -> Table:
    """The same for a terminal."""
    shown = Table(title="scripts of seven calls, one_fence under rounds; ratios to fakeredis")
    for heading in ("system", "mix"):
        shown.add_column(heading)
    for heading in ("scripts", "CPU s", "scripts per CPU s", "wall s", "ratio", "target"):
        shown.add_column(heading, justify="right")
    shown.add_column("")
    for row in content:
        shown.add_row(
            row["system"],
            row["mix"],
            f"{row['scripts']:,}",
            f"{row['cpu_s']:.2f}",
            f"{row['per_cpu_s']:,.0f}",
            f"{row['wall_s']:.2f}",
            f"{row['ratio']:.2f}x",
            row["target"],
            {None: "", True: "met", False: "missed"}[row["met"]],
        )
    return shown


def main() -> None:
    """Run the rows and tell."""
    parser = argparse.ArgumentParser(
        prog="dev.py served", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="small numbers, for tests")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--row", nargs=3, metavar=("SYSTEM", "MIX", "SCRIPTS"), help="one row")
    options = parser.parse_args()
    if options.row:
        system, mix, scripts = options.row
        print(IN_PROCESS[system](MIXES[mix], int(scripts)))
        return
    content = judged(list(measured(quick=options.quick)))
    if options.json:
        print(json.dumps(content, indent=2))
    else:
        Console(width=140).print(table(content))


if __name__ == "__main__":
    main()
