"""The cluster under `fidelity: rounds`: the leader's node alone, its followers as queues."""

from collections.abc import Callable

from models.cluster import Apply, Cluster, lane_limits, loop_costs, number
from models.engine.rounds import RoundsEngine
from models.node import Node
from models.spec import System
from sim.kernel import Kernel
from sim.rng import Streams
from sim.trace import Trace


class RoundsCluster(Cluster):
    """The node that leads; what its followers take is worked out, not simulated."""

    def __init__(
        self, kernel: Kernel, system: System, streams: Streams, trace: Trace | None
    ) -> None:
        super().__init__(kernel, system, streams, trace)
        self.tap = None

    def start(self, ready: Callable[[], None]) -> None:
        """Arm the timer; the leader leads already."""
        self._engine.start()
        ready()

    def counters(self) -> dict[str, int]:
        """As `Cluster.counters`, and what would have been dropped."""
        return {**self._engine.counters(), "conflicts": self._leader.service.conflicts}

    def _make_nodes(self) -> dict[int, Node]:
        id = number(self._system.cluster.leader)
        self._leader = self._make_node(id, self._make_rounds_engine)
        return {id: self._leader}

    def _make_rounds_engine(self, id: int, apply: Apply) -> RoundsEngine:
        engine, (heartbeats, others) = self._system.engine, lane_limits(self._system)
        self._engine = RoundsEngine(
            self._kernel,
            node=id,
            costs=loop_costs(self._system),
            fsync=self._fsync(id),
            tick_ns=engine.tick,
            heartbeat_ticks=engine.heartbeat // engine.tick,
            election_ticks=engine.election // engine.tick,
            inbound_capacity=engine.inbound,
            apply=apply,
            mutations=lambda commit: len(commit.mutations),
        )
        for peer in self._ids:
            if peer != id:
                self._engine.connect(
                    peer,
                    fsync=self._fsync(peer),
                    heartbeats=heartbeats,
                    others=others,
                    delays=self._delays,
                )
        return self._engine

    def _visible_since(self, commit_ts: int) -> int:
        """No follower applies anything that could be seen."""
        return self._kernel.now
