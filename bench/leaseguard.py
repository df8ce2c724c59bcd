"""The workload of LeaseGuard beside its published figures: python3 dev.py leaseguard

LeaseGuard (muratdem/RaftLeaderLeases, arXiv 2512.15659) is a Python simulator of Raft reads in
virtual time, the nearest relative of this project. Its workload ships as `scenarios/log_read_lan`;
here it is run at each one-way delay of its table. docs/validation.md tells the known differences.
"""

import time

import numpy as np
from rich.console import Console
from rich.table import Table

from readfence.runs import run_all
from readfence.scenarios import load
from sim.record import VariantRecord

PUBLISHED = {
    1: (3.65, 3.60),
    2: (5.53, 5.43),
    3: (7.73, 7.68),
    5: (11.65, 11.60),
    10: (21.59, 21.52),
}
"""Per one-way delay in ms: p90 of a quorum read and of a quorum write, in ms."""
THEIR_SECONDS = "67 to 117"
"""Wall time of their 10,000 operations on a 2-core machine."""


def p90_ms(variant: VariantRecord, script: str) -> float:
    """The 90th percentile of one kind of script's latency, in ms."""
    kind = variant.labels["script"].index(script)
    kinds = np.array(variant.columns["script"])
    latencies = np.array(variant.columns["latency_ns"])[kinds == kind]
    return float(np.percentile(latencies, 90)) / 1e6


def main() -> None:
    """Run the table and print it."""
    table = Table(title="p90 in ms of 10,000 operations, half reads and half writes")
    for heading in (
        "one-way", "quorum read: LeaseGuard", "log_read", "write: LeaseGuard", "blind write",
        "read index", "seconds",
    ):  # fmt: skip
        table.add_column(heading, justify="right")
    for one_way, (read, write) in PUBLISHED.items():
        deviation = (one_way * 1000) ** 0.5
        law = f"network.one_way={{law: lognormal, mean: {one_way}ms, std: {deviation:.3f}us}}"
        loaded = load("log_read_lan", [law])
        began = time.perf_counter()
        run = run_all(loaded).record
        seconds = (time.perf_counter() - began) / len(run.variants)
        log, index = run.variant("log_read"), run.variant("read_index")
        table.add_row(
            f"{one_way} ms",
            f"{read:.2f}",
            f"{p90_ms(log, 'read'):.2f}",
            f"{write:.2f}",
            f"{p90_ms(log, 'write'):.2f}",
            f"{p90_ms(index, 'read'):.2f}",
            f"{seconds:.1f}",
        )
    console = Console(width=110)
    console.print(table)
    console.print(f"LeaseGuard needs {THEIR_SECONDS} seconds for each row, measured with 2 cores.")


if __name__ == "__main__":
    main()
