"""Latencies measured in a real etcd: the cells of tests/data/etcd.json, or of a file like it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.errors import InputError

MEASURED = Path(__file__).parent.parent / "tests" / "data" / "etcd.json"


@dataclass(frozen=True)
class Cell:
    """One measured run: its setting, what was measured, and how much it can be trusted."""

    setup: str
    nodes: int
    delays_ms: dict[str, float]
    """One-way, per directed link such as `n1->n2`."""
    tmpfs: bool
    at: str
    op: str
    clients: int
    rate: float | None
    n: int
    mean_us: float
    p50_us: float
    p99_us: float
    cpu_s: tuple[float, ...]
    """Of each member."""
    foreign_cores: float

    @property
    def setting(self) -> tuple[str, str, int, float | None]:
        """All but what was asked for."""
        return self.setup, self.at, self.clients, self.rate

    @property
    def key(self) -> str:
        """A name for tables and for the list of known misses."""
        load = f"{self.clients} client{'s' * (self.clients > 1)}"
        if self.rate is not None:
            load = f"{self.rate:g}/s"
        return f"{self.setup} {self.op} {load}"


def read_cells(path: Path) -> list[Cell]:
    """The measured cells of a file. Raises `InputError` when it cannot be read as such."""
    try:
        setups = json.loads(path.read_text(encoding="utf-8"))["latency"]
        return [_cell(name, setup, run) for name, setup in setups.items() for run in setup["runs"]]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise InputError(f"{path}: cannot be read as measured cells: {error!r}") from error


def _cell(name: str, setup: dict[str, Any], run: dict[str, Any]) -> Cell:
    delays = {}
    for link, (law, *parameters) in setup["matrix"].items():
        if law != "fixed":
            raise ValueError(f"{name}: expected fixed delays, got {law}")
        source, target = link.split("->")
        delays[f"n{source}->n{target}"] = float(parameters[0])
    latency = run["lat_us"]
    return Cell(
        setup=name,
        nodes=setup["nodes"],
        delays_ms=delays,
        tmpfs=setup.get("data_dir", "tmpfs") == "tmpfs",
        at=run["client_at"],
        op=run["op"],
        clients=run["clients"],
        rate=run["rate"],
        n=latency["n"],
        mean_us=latency["mean"],
        p50_us=latency["p50"],
        p99_us=latency["p99"],
        cpu_s=tuple(run["cpu_s"].values()),
        foreign_cores=run.get("foreign_cores", 0.0),
    )
