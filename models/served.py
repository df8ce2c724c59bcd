"""A served world: a cluster without clients of its own, and a Redis server in front of it."""

from typing import Any

from models.cluster import Cluster
from models.notes import SessionNotes
from models.outcome import variant_record
from models.recorder import Recorder
from models.rounds_cluster import RoundsCluster
from models.server.server import Clock, Server
from models.spec import System
from sim.kernel import Kernel
from sim.record import VariantRecord
from sim.resources import Watch
from sim.rng import Streams

GROUP = "clients"
"""What the record calls those who connect."""


class ServedWorld:
    """One variant of a scenario, without its workload, behind a server."""

    def __init__(
        self, kernel: Kernel, system: System, *, seed: int, clock: Clock, password: bytes, port: int
    ) -> None:
        self.kernel = kernel
        self._ready = False
        streams = Streams(seed)
        make = RoundsCluster if system.fidelity == "rounds" else Cluster
        self.cluster = make(kernel, system, streams, None, wall=clock.read)
        self._watch = Watch(self.cluster.resources())
        self.recorder = Recorder(
            kernel,
            loads=[GROUP],
            kinds=[[]],
            skip_scripts=0,
            skip_ns=0,
            timelines=system.timelines,
            rows=system.rows,
            measuring=self._watch.begin,
            trace=None,
        )
        self.server = Server(
            kernel,
            clock=clock,
            leader=lambda: self.cluster.leader.service,
            services=[node.service for node in self.cluster.nodes.values()],
            notes=SessionNotes(kernel, self.recorder),
            password=password,
            port=port,
        )

    def start(self) -> None:
        """Start the cluster and run it until somebody leads."""
        self.cluster.start(self._lead)
        while not self._ready:
            self.kernel.run_for(until_ns=None, events_max=1)
        self.recorder.start()

    def _lead(self) -> None:
        self._ready = True

    def settle(self) -> None:
        """Carry out to its end what has begun."""
        while self.server.busy and self.kernel.run_for(until_ns=None, events_max=1_000_000):
            pass

    def record(self, name: str, settings: dict[str, Any]) -> VariantRecord:
        """What was recorded so far."""
        return variant_record(
            self.kernel,
            self.cluster,
            self.recorder,
            self._watch,
            name,
            settings,
            under_way=self.server.busy,
        )
