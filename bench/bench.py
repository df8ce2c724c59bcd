"""How fast readfence simulates, as a ratio to a floor measured in the same run.

The floor is what no simulator built on simpy and lupa can undercut: the same scripts on bare lupa
over a dict, plus six bare simpy timeouts per quorum round (a round of three nodes is a request, two
messages out, two back, and a release).

    python3 dev.py bench              all rows
    python3 dev.py bench --quick      the same, small: for tests
    python3 dev.py bench --million    one_fence with a million scripts, for its memory
    python3 dev.py bench --processes  how much faster two processes finish a sweep than one

Each row runs in a process of its own: peak memory is that process's. Times are CPU seconds of one
core. Machines are noisy: compare ratios, and the digest, which tells whether two versions simulate
the same.
"""

import argparse
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
SCRIPT = """
local value
for i, key in ipairs(KEYS) do value = redis.call('GET', key) end
return value
"""
ROWS = (
    # fence, key state, scripts, scripts when quick
    ("none", "str_new", 20_000, 400),
    ("one_fence", "str_new", 20_000, 400),
    ("log_read", "str_new", 10_000, 200),
    ("per_call", "str_new", 4_000, 100),
    ("per_call", "str_bare", 1_500, 60),
    ("as_merged", "str_bare", 400, 10),
    ("before", "str_bare", 400, 10),
)
TARGETS = {("one_fence", "str_new"): 5.0, ("per_call", "str_bare"): 8.0}
"""Ratio to the floor that a row should stay under."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one row measured."""

    fence: str
    state: str
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


def system(fence: str, state: str, scripts: int) -> System:
    """32 clients in a closed loop, 1 ms round trip, lanes wide open."""
    lane = {"capacity": 64, "in_flight": "unlimited"}
    return System.model_validate(
        {
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


def floor_per_script(rounds: float) -> float:
    """CPU seconds per script of bare lupa over a dict and bare simpy timeouts."""
    return _bare_lua() + rounds * TIMEOUTS_PER_ROUND * _bare_timeout()


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


def measure(fence: str, state: str, scripts: int, repeats: int) -> Row:
    """Run one row in this process: the best of some repeats, each between two looks at the floor.

    CPU time, and the best of both: what else the machine does is neither's fault.
    """
    floor = floor_per_script(_rounds(fence, state))
    seconds = float("inf")
    for _ in range(repeats):
        world = World(system(fence, state, scripts), seed=1, lua_files={})
        began = time.process_time()
        with unhurried_collector():
            record = world.run(fence, {})
        seconds = min(seconds, time.process_time() - began)
        floor = min(floor, floor_per_script(_rounds(fence, state)))
    rounds = (record.counters["rounds.confirmed"] + record.counters["rounds.log"]) / scripts
    return Row(
        fence=fence,
        state=state,
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


def in_a_process(fence: str, state: str, scripts: int, repeats: int) -> Row:
    """`measure` in a process of its own."""
    row = [fence, state, str(scripts), str(repeats)]
    command = [sys.executable, "-m", "bench.bench", "--row", *row]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Row(**json.loads(output))


def table(rows: list[Row]) -> Table:
    """The rows for a terminal."""
    shown = Table(
        title=f"{CALLS} GETs, {CLIENTS} clients, round trip 1 ms, lanes wide open, tracing off"
    )
    for heading in (
        "fence", "keys", "rounds", "events", "scripts/s", "floor", "ratio", "target",
        "virtual/cpu", "peak MB", "digest",
    ):  # fmt: skip
        shown.add_column(heading, justify="left" if heading in ("fence", "keys") else "right")
    for row in rows:
        target = TARGETS.get((row.fence, row.state))
        shown.add_row(
            row.fence,
            row.state,
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
    parser.add_argument("--million", action="store_true", help="a million scripts of one_fence")
    parser.add_argument("--processes", action="store_true", help="two processes against one")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--row", nargs=4, metavar=("FENCE", "STATE", "SCRIPTS", "REPEATS"), help="one row"
    )
    options = parser.parse_args()
    if options.row:
        fence, state, scripts, repeats = options.row
        print(json.dumps(asdict(measure(fence, state, int(scripts), int(repeats)))))
        return
    if options.processes:
        for line in processes.lines():
            print(line, flush=True)
        return
    if options.million:
        rows = [in_a_process("one_fence", "str_new", 1_000_000, 1)]
    else:
        rows = [
            in_a_process(fence, state, *((quick, 1) if options.quick else (scripts, 3)))
            for fence, state, scripts, quick in ROWS
        ]
    if options.json:
        content: list[dict[str, Any]] = [{**asdict(row), "ratio": row.ratio} for row in rows]
        print(json.dumps(content, indent=2))
    else:
        Console(width=120).print(table(rows))


if __name__ == "__main__":
    main()
