"""What a served session is doing: the live line, and the snapshot as JSON."""

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from models.engine.sites import Site
from models.served import ServedWorld
from readfence.files import written_whole
from readfence.machine import steady_s
from sim.errors import ReadfenceError
from sim.record import UNSUPPORTED
from sim.units import human_duration

PERIOD_S: Final = 1.0


class Metrics:
    """Figures of a served world."""

    def __init__(self, world: ServedWorld) -> None:
        self._world = world
        self._began = steady_s()
        self._seen = (self._began, 0, 0, 0)
        self._rates = {"commands": 0.0, "requests": 0.0, "verifications": 0.0}

    def snapshot(self) -> dict[str, Any]:
        """All figures as they stand now."""
        server, recorder = self._world.server, self._world.recorder
        return {
            "uptime_s": round(steady_s() - self._began, 3),
            "virtual_ns": self._world.kernel.now,
            "clients": len(server.sessions),
            "blocked_clients": server.waiting.count,
            "commands": server.commands,
            "requests": self._world.kernel.progress,
            "verifications": {
                site.name.lower(): count
                for site, count in zip(Site, recorder.by_site(), strict=True)
            },
            "per_second": {name: round(rate, 1) for name, rate in self._rates.items()},
            "latency_ns": {
                f"p{percent}": recorder.latency_percentile(percent) for percent in (50, 90, 99)
            },
            "outcomes": recorder.outcome_counts(),
            "unsupported": {
                name.removeprefix(UNSUPPORTED): count
                for name, count in self._world.cluster.counters().items()
                if name.startswith(UNSUPPORTED)
            },
        }

    def as_json(self) -> bytes:
        """The snapshot, as JSON."""
        return json.dumps(self.snapshot()).encode()

    def write(self, file: Path) -> None:
        """Write the snapshot. Raises `ReadfenceError` when it cannot be written."""
        with written_whole(file) as text:
            text.write(json.dumps(self.snapshot()) + "\n")

    async def tell(self, file: Path | None, *, quiet: bool) -> None:
        """Every second: a line on the terminal, a snapshot in the file. Until cancelled.

        A snapshot that cannot be written is left out: the session is worth more.
        """
        line = sys.stderr.isatty() and not quiet
        try:
            while True:
                await asyncio.sleep(PERIOD_S)
                self._measure()
                if file is not None:
                    with suppress(ReadfenceError):
                        self.write(file)
                if line:
                    sys.stderr.write(f"\r\x1b[K{self._line()}")
                    sys.stderr.flush()
        finally:
            if line:
                sys.stderr.write("\r\x1b[K")

    def _measure(self) -> None:
        now = steady_s()
        world = self._world
        counts = (world.server.commands, world.kernel.progress, world.recorder.counted())
        then, *before = self._seen
        for name, count, seen in zip(self._rates, counts, before, strict=True):
            self._rates[name] = (count - seen) / (now - then)
        self._seen = (now, *counts)

    def _line(self) -> str:
        figures = self.snapshot()
        rates, p99 = figures["per_second"], figures["latency_ns"]["p99"]
        return (
            f"{figures['clients']} clients  {rates['commands']:,.0f} commands/s  "
            f"{rates['verifications']:,.0f} verifications/s  "
            f"p99 {'-' if p99 is None else human_duration(p99)}"
        )
