"""How fast readfence simulates, as a ratio to a floor measured in the same run.

The floor is what no simulator built on simpy and lupa can undercut: the same scripts on bare lupa
over a dict, plus six bare simpy timeouts per quorum round (a round of three nodes is a request, two
messages out, two back, and a release).

    python3 dev.py bench              all rows
    python3 dev.py bench --quick      the same, small: for tests
    python3 dev.py bench --million    one_fence with a million scripts, for its memory

Each row runs in a process of its own: peak memory is that process's. Machines are noisy: compare
ratios, and the digest, which tells whether two versions simulate the same.
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

from models.spec import System
from models.world import World

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
    ("none", "str_new", 40_000, 400),
    ("one_fence", "str_new", 40_000, 400),
    ("log_read", "str_new", 20_000, 200),
    ("per_call", "str_new", 8_000, 100),
    ("per_call", "str_bare", 3_000, 60),
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


def floor_per_script(scripts: int, rounds: float) -> float:
    """Seconds per script of bare lupa over a dict and bare simpy timeouts."""
    runtime = lupa.lua51.LuaRuntime(encoding=None)
    make = runtime.eval(
        b"function(get) return function(...) local v"
        b" for i = 1, select('#', ...) do v = get((select(i, ...))) end return v end end"
    )
    values = {b"key:%d" % i: b"1" for i in range(KEYS)}
    script = make(values.__getitem__)
    keys = [b"key:%d" % i for i in range(CALLS)]
    count = max(scripts, 2000)
    began = time.perf_counter()
    for _ in range(count):
        script(*keys)
    lua = (time.perf_counter() - began) / count

    timeouts = max(round(count * min(rounds, 5) * TIMEOUTS_PER_ROUND), 20_000)
    environment = simpy.Environment()

    def process(steps: int) -> Iterator[simpy.Event]:
        for _ in range(steps):
            yield environment.timeout(1000)

    for _ in range(CLIENTS):
        environment.process(process(timeouts // CLIENTS))  # type: ignore[arg-type]
    began = time.perf_counter()
    environment.run()
    per_timeout = (time.perf_counter() - began) / timeouts
    return lua + rounds * TIMEOUTS_PER_ROUND * per_timeout


def measure(fence: str, state: str, scripts: int) -> Row:
    """Run one row in this process, the floor before and after it."""
    World(system(fence, state, 50), seed=1, lua_files={}).run(fence, {})  # warm caches
    world = World(system(fence, state, scripts), seed=1, lua_files={})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    del before
    floors = [floor_per_script(min(scripts, 20_000), _rounds(fence, state))]
    began = time.perf_counter()
    record = world.run(fence, {})
    wall = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    floors.append(floor_per_script(min(scripts, 20_000), _rounds(fence, state)))
    rounds = (record.counters["rounds.confirmed"] + record.counters["rounds.log"]) / scripts
    return Row(
        fence=fence,
        state=state,
        scripts=scripts,
        rounds_per_script=rounds,
        events_per_script=record.events / scripts,
        scripts_per_s=scripts / wall,
        floor_scripts_per_s=2 / sum(floors),
        virtual_per_wall=record.virtual_ns / 1e9 / wall,
        peak_mb=peak,
        digest=record.digest[:12],
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


def in_a_process(fence: str, state: str, scripts: int) -> Row:
    """`measure` in a process of its own."""
    command = [sys.executable, "-m", "bench.bench", "--row", fence, state, str(scripts)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Row(**json.loads(output))


def table(rows: list[Row]) -> Table:
    """The rows for a terminal."""
    shown = Table(
        title=f"{CALLS} GETs, {CLIENTS} clients, round trip 1 ms, lanes wide open, tracing off"
    )
    for heading in (
        "fence", "keys", "rounds", "events", "scripts/s", "floor", "ratio", "target",
        "virtual/real", "peak MB", "digest",
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
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--row", nargs=3, metavar=("FENCE", "STATE", "SCRIPTS"), help="one row")
    options = parser.parse_args()
    if options.row:
        fence, state, scripts = options.row
        print(json.dumps(asdict(measure(fence, state, int(scripts)))))
        return
    if options.million:
        rows = [in_a_process("one_fence", "str_new", 1_000_000)]
    else:
        rows = [
            in_a_process(fence, state, quick if options.quick else scripts)
            for fence, state, scripts, quick in ROWS
        ]
    if options.json:
        content: list[dict[str, Any]] = [{**asdict(row), "ratio": row.ratio} for row in rows]
        print(json.dumps(content, indent=2))
    else:
        Console(width=120).print(table(rows))


if __name__ == "__main__":
    main()
