"""How fast readfence simulates, as a ratio to a floor measured in the same run.

The floor is what no simulator built on simpy and lupa can undercut: the same scripts on bare lupa
over a dict, and for each quorum round six bare simpy timeouts (a round of three nodes is a request,
two messages out, two back, and a release). Under `fidelity: rounds` it is one timeout for a round,
and a switch to a greenlet and back for each call that waits for one.

    python3 dev.py bench                     all rows
    python3 dev.py bench --quick             the same, small: for tests
    python3 dev.py bench --growth 1000000    one_fence under rounds, with 10,000 scripts and with so
                                             many: whether cost and memory grow
    python3 dev.py bench --processes         how much faster two processes finish a sweep than one

Each row runs in a process of its own: peak memory is that process's. Times are CPU seconds of one
core. Machines are noisy: compare ratios, and the digest, which tells whether two versions simulate
the same.
"""

import argparse
import gc
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import lupa.lua51
import simpy
from greenlet import getcurrent, greenlet
from rich.console import Console
from rich.table import Table

from bench import processes
from models.spec import System
from models.world import World
from readfence.runs import unhurried_collector

CLIENTS = 32
KEYS = 1000
CALLS = 7
TIMEOUTS_PER_ROUND = 6
TEXTS = ("fence", "keys", "fidelity")
SCRIPT = """
local value
for i, key in ipairs(KEYS) do value = redis.call('GET', key) end
return value
"""
ROWS = (
    # fence, key state, fidelity, scripts, scripts when quick
    ("none", "str_new", "messages", 20_000, 400),
    ("one_fence", "str_new", "messages", 20_000, 400),
    ("log_read", "str_new", "messages", 10_000, 200),
    ("per_call", "str_new", "messages", 4_000, 100),
    ("per_call", "str_bare", "messages", 1_500, 60),
    ("as_merged", "str_bare", "messages", 400, 10),
    ("before", "str_bare", "messages", 400, 10),
    ("one_fence", "str_new", "rounds", 20_000, 400),
    ("log_read", "str_new", "rounds", 10_000, 200),
    ("per_call", "str_new", "rounds", 10_000, 100),
    ("per_call", "str_bare", "rounds", 4_000, 60),
    ("as_merged", "str_bare", "rounds", 1_000, 10),
)
TARGETS = {
    ("one_fence", "str_new", "messages"): 5.0,
    ("per_call", "str_bare", "messages"): 8.0,
    ("one_fence", "str_new", "rounds"): 3.0,
    ("per_call", "str_bare", "rounds"): 3.0,
}
"""Ratio to the floor that a row should stay under."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one row measured."""

    fence: str
    state: str
    fidelity: str
    scripts: int
    rounds_per_script: float
    events_per_script: float
    scripts_per_s: float
    floor_scripts_per_s: float
    virtual_per_wall: float
    peak_mb: float
    digest: str

    @property
    def ratio(self) -> float:
        """How many times slower than the floor."""
        return self.floor_scripts_per_s / self.scripts_per_s


def system(fence: str, state: str, fidelity: str, scripts: int) -> System:
    """32 clients in a closed loop, 1 ms round trip, lanes wide open."""
    lane = {"capacity": 64, "in_flight": "unlimited"}
    return System.model_validate(
        {
            "fidelity": fidelity,
            "fence": fence,
            "network": {"one_way": "500us", "lanes": {"heartbeats": lane, "others": lane}},
            "data": {"key": {"count": KEYS, "state": state}},
            "workload": {
                "clients": CLIENTS,
                "scripts": [{"lua": SCRIPT, "keys": [{"from": "key", "count": CALLS}]}],
            },
            "stop": {"scripts": scripts},
        }
    )


def floor_per_script(fence: str, state: str, fidelity: str) -> float:
    """CPU seconds per script that bare lupa over a dict, simpy and greenlet take."""
    rounds = _rounds(fence, state)
    if fidelity == "messages":
        return _bare_lua() + rounds * TIMEOUTS_PER_ROUND * _bare_timeout()
    waiting = 0 if fence in ("none", "one_fence", "log_read") else CALLS
    return _bare_lua() + rounds * _bare_timeout() + waiting * _bare_switch()


def _bare_lua(count: int = 4000) -> float:
    """The same script, its KEYS and a redis.call that looks into a dict: no Redis, no sandbox."""
    runtime = lupa.lua51.LuaRuntime(encoding=None)
    values = {b"key:%d" % i: b"1" for i in range(KEYS)}
    names = runtime.globals()
    names[b"redis"] = runtime.table_from({b"call": lambda command, key: values[key]})
    script = runtime.compile(SCRIPT.encode())
    keys = [b"key:%d" % i for i in range(CALLS)]
    began = time.process_time()
    for _ in range(count):
        names[b"KEYS"] = runtime.table_from(keys)
        script()
    return (time.process_time() - began) / count


def _bare_timeout(count: int = 20_000) -> float:
    environment = simpy.Environment()

    def process(steps: int) -> Iterator[simpy.Event]:
        for _ in range(steps):
            yield environment.timeout(1000)

    for _ in range(CLIENTS):
        environment.process(process(count // CLIENTS))  # type: ignore[arg-type]
    began = time.process_time()
    environment.run()
    return (time.process_time() - began) / count


def _bare_switch(count: int = 100_000) -> float:
    """Into a greenlet and back."""
    switch = greenlet(_switch_back).switch
    switch(getcurrent())
    began = time.process_time()
    for _ in range(count):
        switch()
    return (time.process_time() - began) / count


def _switch_back(parent: greenlet) -> None:
    while True:
        parent.switch()


def measure(fence: str, state: str, fidelity: str, scripts: int, repeats: int) -> Row:
    """Run one row in this process: the best of some repeats, each between two looks at the floor.

    CPU time, and the best of both: what else the machine does is neither's fault.
    """
    gc.freeze()  # as the processes do that run points
    floor = floor_per_script(fence, state, fidelity)
    seconds = float("inf")
    for _ in range(repeats):
        world = World(system(fence, state, fidelity, scripts), seed=1, lua_files={})
        began = time.process_time()
        with unhurried_collector():
            record = world.run(fence, {})
        seconds = min(seconds, time.process_time() - began)
        floor = min(floor, floor_per_script(fence, state, fidelity))
    rounds = (record.counters["rounds.confirmed"] + record.counters["rounds.log"]) / scripts
    return Row(
        fence=fence,
        state=state,
        fidelity=fidelity,
        scripts=scripts,
        rounds_per_script=rounds,
        events_per_script=record.events / scripts,
        scripts_per_s=scripts / seconds,
        floor_scripts_per_s=1 / floor,
        virtual_per_wall=record.virtual_ns / 1e9 / seconds,
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        digest=record.digest[:10],
    )


def _rounds(fence: str, state: str) -> float:
    """Rounds per script, known from the cost model; the run confirms them."""
    verified = {"str_new": 1, "str_bare": 3}[state] * CALLS
    reads = {"str_new": 133, "str_bare": 161}[state]
    return {
        "none": 0,
        "one_fence": 1,
        "log_read": 1,
        "per_call": verified,
        "as_merged": 1 + reads,
        "before": verified + reads,
    }[fence]


def in_a_process(fence: str, state: str, fidelity: str, scripts: int, repeats: int) -> Row:
    """`measure` in a process of its own."""
    row = [fence, state, fidelity, str(scripts), str(repeats)]
    command = [sys.executable, "-m", "bench.bench", "--row", *row]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Row(**json.loads(output))


def table(rows: list[Row]) -> Table:
    """The rows for a terminal."""
    shown = Table(
        title=f"{CALLS} GETs, {CLIENTS} clients, round trip 1 ms, lanes wide open, tracing off"
    )
    for heading in (
        "fence", "keys", "fidelity", "rounds", "events", "scripts/s", "floor", "ratio", "target",
        "virtual/cpu", "peak MB", "digest",
    ):  # fmt: skip
        shown.add_column(heading, justify="left" if heading in TEXTS else "right")
    for row in rows:
        target = TARGETS.get((row.fence, row.state, row.fidelity))
        shown.add_row(
            row.fence,
            row.state,
            row.fidelity,
            f"{row.rounds_per_script:.0f}",
            f"{row.events_per_script:.1f}",
            f"{row.scripts_per_s:,.0f}",
            f"{row.floor_scripts_per_s:,.0f}",
            f"{row.ratio:.1f}x",
            "" if target is None else f"< {target:.0f}x",
            f"{row.virtual_per_wall:.2f}",
            f"{row.peak_mb:,.0f}",
            row.digest,
        )
    return shown


def main() -> None:
    """Run the rows and print the table."""
    parser = argparse.ArgumentParser(
        prog="dev.py bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="small numbers, for tests")
    parser.add_argument("--growth", type=int, metavar="SCRIPTS", help="one_fence, few and many")
    parser.add_argument("--processes", action="store_true", help="two processes against one")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--row",
        nargs=5,
        metavar=("FENCE", "STATE", "FIDELITY", "SCRIPTS", "REPEATS"),
        help="one row",
    )
    options = parser.parse_args()
    if options.row:
        *what, scripts, repeats = options.row
        print(json.dumps(asdict(measure(*what, int(scripts), int(repeats)))))
        return
    if options.processes:
        for line in processes.lines():
            print(line, flush=True)
        return
    if options.growth:
        sizes = ((10_000, 3), (options.growth, 1))
        rows = [in_a_process("one_fence", "str_new", "rounds", *size) for size in sizes]
    else:
        rows = [
            in_a_process(*what, *((quick, 1) if options.quick else (scripts, 3)))
            for *what, scripts, quick in ROWS
        ]
    if options.json:
        content: list[dict[str, Any]] = [{**asdict(row), "ratio": row.ratio} for row in rows]
        print(json.dumps(content, indent=2))
    else:
        Console(width=140).print(table(rows))


if __name__ == "__main__":
    main()
