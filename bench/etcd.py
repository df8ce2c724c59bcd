"""A real etcd, predicted: python3 dev.py etcd [FILE]

tests/data/etcd.json holds latencies measured in a real etcd of three members, with known delays
between them. Its constants are derived from three of its cells (`calibrate`); every other cell is
then predicted with `scenarios/etcd_1ms` and compared. FILE holds more cells in the same format.

The limits are: p50 of `lin` and `put` within 15 %, of sequences and mixtures within 25 %, the ratio
of per-call reads to one fence within 20 %, and no two cells of one setting in the wrong order. A
local read alone (`ser`) with several clients is shown without a limit, and so is every p99.
docs/validation.md discusses what misses.
"""

import json
import math
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.etcd_cells import MEASURED, Cell, read_cells
from readfence.runs import run_variant
from readfence.scenarios import load
from sim.errors import InputError

CALIBRATED_ON = ("n3_d1", 1)
"""Setup and clients of the three cells that the constants are derived from."""
LIMIT_SINGLE, LIMIT_SEQUENCE, LIMIT_RATIO = 0.15, 0.25, 0.20
TIE = 0.02
"""Two medians nearer than this have no order."""
CLEAN = 0.3
"""A cell is clean when other processes used less than so many cores meanwhile."""
CLOSED_LOOP_MAX = 600
"""Scripts of one predicted cell: so many settle the median of a closed loop of constant times."""
SATURATED = (
    "the cores are the bottleneck, and what a linearizable read costs them beyond a local one "
    "does not show with one client"
)
INTERLEAVED = (
    "twenty local reads are twenty requests, which interleave with those of others and find cold "
    "caches after a wait; here they are one job of a script"
)
FOREIGN = "other processes used 0.8 of the two cores while this was measured"
KNOWN_MISSES = {
    "n3_d1 lin 64 clients": SATURATED,
    "n3_d1 s7x1 64 clients": SATURATED,
    "n3_d1 s7x3 64 clients": FOREIGN,
    "n3_d1 lin 100/s": "a machine that mostly sleeps takes longer to wake up",
    "n3_d1 lin 2000/s": "at the limit; rounds are slower where others keep the cores half busy",
    "n3_d1 s7x3 1 client / f1s20": INTERLEAVED,
    "n3_d1 s7x3 8 clients / f1s20": INTERLEAVED,
    "n3_d1 s7x3 64 clients / f1s20": FOREIGN,
    "n3_d5 s7x3 64 clients / f1s20": "local reads are cheaper by the dozen: 105 us with 64 clients",
}
"""What is known to miss in `MEASURED`, and why; docs/validation.md has more."""
FSYNC_US = {True: 0.3, False: 121}
"""What an fdatasync takes on the measured machine, in memory and on its disk (median), as the file
of cells says under `fsync`: measured without etcd, an input like the delays."""
GETS = "for _, key in ipairs(KEYS) do redis.call('GET', key) end"


def limit_of(op: str) -> float | None:
    """How far off the predicted median of an operation may be."""
    if op == "ser":
        return None
    return LIMIT_SINGLE if op in ("lin", "put") else LIMIT_SEQUENCE


@dataclass(frozen=True)
class Constants:
    """What the three cells come to, in microseconds; `scenarios/etcd_1ms` says what each is."""

    call: float
    """The median."""
    spread: float
    """Standard deviation of the natural logarithm of `call`."""
    message: float
    read: float
    commit: float

    def settings(self, cell: Cell) -> list[str]:
        """The same as overrides of the scenario, with the delays of a cell."""
        links = [
            f"network.links.{link}={1000 * delay + self.message:.3f}us"
            for link, delay in sorted(cell.delays_ms.items())
        ]
        return [
            f"script.call={{law: lognormal, median: {self.call:.3f}us, sigma: {self.spread:.3f}}}",
            f"script.commit={self.commit:.3f}us",
            f"engine.read={self.read:.3f}us",
            f"engine.fsync={FSYNC_US[cell.tmpfs]}us",
            *links,
        ]


@dataclass(frozen=True)
class Predicted:
    """One cell beside what the model says of it."""

    cell: Cell
    p50_us: float
    p99_us: float

    @property
    def error(self) -> float:
        """Of the median, as a fraction of the measured one."""
        return self.p50_us / self.cell.p50_us - 1

    @property
    def misses(self) -> bool:
        """Whether the median is further off than it may be."""
        limit = limit_of(self.cell.op)
        return limit is not None and abs(self.error) > limit


@dataclass(frozen=True)
class Ratio:
    """Per-call verification over one fence, for the same number of reads and one setting."""

    many: Predicted
    one: Predicted

    @property
    def key(self) -> str:
        """A name for tables and for the list of known misses."""
        return f"{self.many.cell.key} / {self.one.cell.op}"

    @property
    def measured(self) -> float:
        """Of the measured medians."""
        return self.many.cell.p50_us / self.one.cell.p50_us

    @property
    def predicted(self) -> float:
        """Of the predicted medians."""
        return self.many.p50_us / self.one.p50_us

    @property
    def error(self) -> float:
        """As a fraction of the measured one."""
        return self.predicted / self.measured - 1

    @property
    def misses(self) -> bool:
        """Whether it is further off than it may be."""
        return abs(self.error) > LIMIT_RATIO


@dataclass(frozen=True)
class Comparison:
    """All cells beside their predictions, and what follows from them."""

    rows: list[Predicted]

    @cached_property
    def ratios(self) -> list[Ratio]:
        """Of every pair of sequences with the same number of reads, under one setting."""
        found = []
        for many in self.rows:
            for one in self.rows:
                reads = per_call_reads(many.cell.op)
                same = many.cell.setting == one.cell.setting
                if same and reads and one.cell.op == f"f1s{reads - 1}":
                    found.append(Ratio(many, one))
        return found

    @cached_property
    def wrong_orders(self) -> list[tuple[Predicted, Predicted]]:
        """Pairs of one setting of which the model takes the slower one for the faster."""
        return [
            (a, b)
            for a, b in combinations(self.rows, 2)
            if a.cell.setting == b.cell.setting
            and _order(a.cell.p50_us, b.cell.p50_us) * _order(a.p50_us, b.p50_us) < 0
        ]

    @property
    def misses(self) -> list[str]:
        """The names of all cells and ratios that are further off than they may be."""
        return [row.cell.key for row in self.rows if row.misses] + [
            ratio.key for ratio in self.ratios if ratio.misses
        ]


def _order(a: float, b: float) -> int:
    """1 when `a` is the larger, -1 when it is the smaller, 0 when they are about the same."""
    return 0 if abs(a / b - 1) < TIE else 1 if a > b else -1


def per_call_reads(op: str) -> int:
    """How many linearizable reads one after the other `op` is; 0 if it is none of that kind."""
    match = re.fullmatch(r"s(\d+)x(\d+)", op)
    return int(match[1]) * int(match[2]) if match else 0


def calibrate(cells: Iterable[Cell]) -> Constants:
    """The constants, from the one-client cells `ser`, `lin` and `put` of the 1 ms setup.

    Differences are of means, since means add up along a sequence.
    """
    found = {
        cell.op: cell
        for cell in cells
        if (cell.setup, cell.clients) == CALIBRATED_ON and cell.at == "leader" and not cell.rate
    }
    ser, lin, put = (found[op] for op in ("ser", "lin", "put"))
    round_trip = 2000.0
    return Constants(
        call=ser.p50_us,
        spread=math.sqrt(2 * math.log(ser.mean_us / ser.p50_us)),
        message=(put.mean_us - round_trip - ser.mean_us) / 2,
        read=lin.mean_us - put.mean_us,
        commit=_follower_cpu_us(put) - _follower_cpu_us(lin),
    )


def _follower_cpu_us(cell: Cell) -> float:
    """CPU of one follower for one operation; the first member led."""
    followers = cell.cpu_s[1:]
    return 1e6 * sum(followers) / len(followers) / cell.n


def unpredicted(cell: Cell) -> str | None:
    """Why the model says nothing of a cell, or None."""
    if cell.at != "leader":
        return "etcd forwards to the leader what a follower is asked; the modelled system refuses"
    return None if _sequence(cell.op) else "no such operation here"


def _sequence(op: str) -> tuple[str, list[dict[str, Any]]] | None:
    """The fence and the scripts of an operation of the measurement."""

    def reads(count: int, lua: str = GETS) -> dict[str, Any]:
        return {"name": "reads", "lua": lua, "keys": [{"from": "keys", "count": count}]}

    write = {
        "name": "put",
        "lua": "return redis.call('SETEX', KEYS[1], 3600, 'v')",
        "keys": [{"from": "keys"}],
        "fence": "none",
    }
    if op == "put":
        return "none", [write]
    if match := re.fullmatch(r"mix(\d+)", op):
        share = int(match[1])
        return "one_fence", [reads(1) | {"weight": share}, write | {"weight": 100 - share}]
    if match := re.fullmatch(r"ser(\d*)", op):
        return "none", [reads(int(match[1] or 1))]
    if op == "lin":
        return "one_fence", [reads(1)]
    if match := re.fullmatch(r"f1s(\d+)", op):
        return "one_fence", [reads(1 + int(match[1]))]
    if count := per_call_reads(op):
        return "per_call", [reads(count)]
    if match := re.fullmatch(r"s(\d+)t\d+", op):  # a transaction is one request
        return "per_call", [reads(int(match[1]))]
    if match := re.fullmatch(r"s(\d+)l1s(\d+)", op):
        # TYPE reads no row of a string's value, so nothing is verified for it.
        beat = 1 + int(match[2])
        which = f"i % {beat} == 1 and 'GET' or 'TYPE'"
        lua = f"for i, key in ipairs(KEYS) do redis.call({which}, key) end"
        return "per_call", [reads(int(match[1]) * beat, lua)]
    return None


def predict(cell: Cell, constants: Constants, changes: Sequence[str] = ()) -> Predicted:
    """Run the scenario as a cell was measured; `changes` are further overrides of it."""
    sequence = _sequence(cell.op)
    assert sequence is not None, cell.op
    fence, scripts = sequence
    clients: dict[str, Any] = {"clients": cell.clients}
    if cell.rate is not None:
        clients = {"arrivals": {"rate": f"{cell.rate}/s"}}
    settings = {
        "fidelity": "rounds",
        "fence": fence,
        "cluster": {"nodes": cell.nodes, "cores": 2},
        "workload": {"name": "clients", "scripts": scripts, **clients},
        "variants": {},
        "expect": [],
        "timelines": 0,
        # The first scripts of a closed loop all come at once.
        "warmup": {"scripts": 4 * cell.clients},
        "stop": {"scripts": cell.n if cell.rate else min(cell.n, CLOSED_LOOP_MAX)},
    }
    assignments = [f"{name}={json.dumps(value)}" for name, value in settings.items()]
    loaded = load("etcd_1ms", [*assignments, *constants.settings(cell), *changes])
    (variant,) = loaded.variants
    record = run_variant(variant, seed=loaded.scenario.seed, lua_files={})
    p50, p99 = np.percentile(np.array(record.columns["latency_ns"]), [50, 99]) / 1000
    return Predicted(cell, float(p50), float(p99))


def compare(cells: Iterable[Cell], constants: Constants, changes: Sequence[str] = ()) -> Comparison:
    """Predict every cell of which the model says something."""
    return Comparison(
        [predict(cell, constants, changes) for cell in cells if unpredicted(cell) is None]
    )


def _lines(comparison: Comparison) -> Iterator[tuple[str, ...]]:
    for row in comparison.rows:
        cell = row.cell
        limit = limit_of(cell.op)
        remarks = ["MISS"] if row.misses else []
        if cell.foreign_cores >= CLEAN:
            remarks.append(f"other processes used {cell.foreign_cores:.1f} cores meanwhile")
        if (cell.setup, cell.clients) == CALIBRATED_ON and cell.op in ("ser", "lin", "put"):
            remarks.append("calibrated on")
        yield (
            cell.key,
            *(f"{us / 1000:.2f}" for us in (cell.p50_us, row.p50_us)),
            f"{row.error:+.1%}",
            "" if limit is None else f"{limit:.0%}",
            *(f"{us / 1000:.2f}" for us in (cell.p99_us, row.p99_us)),
            ", ".join(remarks),
        )


def main(arguments: Sequence[str]) -> None:
    """Print the constants, the table, the ratios, and what misses."""
    cells = read_cells(MEASURED)
    constants = calibrate(cells)
    if arguments:
        cells = [cell for path in arguments for cell in read_cells(Path(path))]
    console = Console(width=130)
    console.print(
        f"from three cells, in µs: script.call median {constants.call:.2f} and sigma "
        f"{constants.spread:.3f}, message {constants.message:.2f}, engine.read "
        f"{constants.read:.2f}, script.commit {constants.commit:.2f}"
    )
    comparison = compare(cells, constants)
    headings = ("p50", "model", "error", "limit", "p99", "model")
    console.print(
        _table("latency in ms: a real etcd and its prediction", headings, _lines(comparison))
    )
    lines = [
        (
            ratio.key,
            f"{ratio.measured:.2f}",
            f"{ratio.predicted:.2f}",
            f"{ratio.error:+.1%}",
            f"{LIMIT_RATIO:.0%}",
            "MISS" if ratio.misses else "",
        )
        for ratio in comparison.ratios
    ]
    console.print(
        _table("per-call reads / one fence, ratio of p50", ("measured", *headings[1:4]), lines)
    )
    judged = sum(limit_of(row.cell.op) is not None for row in comparison.rows)
    console.print(
        f"{judged} cells and {len(comparison.ratios)} ratios have a limit, "
        f"{len(comparison.misses)} miss it; {len(comparison.wrong_orders)} orders are wrong"
    )
    for key in comparison.misses:
        console.print(f"- {key}: {KNOWN_MISSES.get(key, 'not seen before')}")
    for a, b in comparison.wrong_orders:
        console.print(f"- wrong order: {a.cell.key} and {b.cell.key}")
    left_out = [(unpredicted(cell), f"{cell.key} at the {cell.at}") for cell in cells]
    for why in dict.fromkeys(why for why, _ in left_out if why):
        names = ", ".join(name for reason, name in left_out if reason == why)
        console.print(f"not predicted, since {why}: {names}")


def _table(title: str, headings: Iterable[str], lines: Iterable[tuple[str, ...]]) -> Table:
    table = Table("cell", title=title)
    for heading in headings:
        table.add_column(heading, justify="right")
    table.add_column("")
    for line in lines:
        table.add_row(*line)
    return table


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except InputError as error:
        sys.exit(str(error))
