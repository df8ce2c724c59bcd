"""The cluster under `fidelity: rounds`: the leader's node alone, its followers as queues."""

from collections.abc import Callable

from models.cluster import (
    Apply,
    Cluster,
    cluster_resource_names,
    lane_limits,
    number,
)
from models.engine.costs import loop_costs
from models.engine.foreseen import Foreseen
from models.engine.rounds import RoundsEngine
from models.node import Node
from models.spec import System
from sim.kernel import Kernel
from sim.resources import Measured
from sim.rng import Streams
from sim.trace import Trace


class RoundsCluster(Cluster):
    """The node that leads; what its followers take is worked out, not simulated."""

    def __init__(
        self,
        kernel: Kernel,
        system: System,
        streams: Streams,
        trace: Trace | None,
        wall: Callable[[], int] | None = None,
    ) -> None:
        super().__init__(kernel, system, streams, trace, wall)
        self.tap = None

    def start(self, ready: Callable[[], None]) -> None:
        """Arm the timer; the leader leads already."""
        self._engine.start()
        ready()

    def expect_no_proposals(self) -> None:
        """It is certain that nothing will be put into the log."""
        self._engine.only_heartbeats = True

    def counters(self) -> dict[str, int]:
        """As `Cluster.counters`, and what would have been dropped."""
        lost = {f"n{id}.loop.busy_ns": 0 for id in self._lost}
        conflicts = self._leader.service.conflicts
        return {**lost, **self._engine.counters(), "conflicts": conflicts}

    def resources(self) -> dict[str, Measured]:
        """As `Cluster.resources`; whatever only followers could use, nobody does."""
        leader, found = self._leader, self._engine.resources()
        for id in self._ids:
            mine = f"n{id}" == leader.name
            cores = leader.cores if mine else self._make_cores(id)
            if cores is not None:
                found[f"n{id}.cores"] = cores
            found[f"n{id}.workers"] = leader.workers if mine else self._make_workers(id)
        heartbeats, others = (limits.in_flight or 1 for limits in lane_limits(self._system))
        return {
            name: found.get(name)
            or Foreseen(self._kernel, heartbeats if name.endswith("heartbeats") else others)
            for name in cluster_resource_names(self._system)
        }

    def _make_nodes(self) -> dict[int, Node]:
        id = number(self._system.cluster.leader)
        self._leader = self._make_node(id, self._make_rounds_engine)
        return {id: self._leader}

    def _make_rounds_engine(self, id: int, apply: Apply) -> RoundsEngine:
        engine, (heartbeats, others) = self._system.engine, lane_limits(self._system)
        self._engine = RoundsEngine(
            self._kernel,
            node=id,
            costs=loop_costs(self._system.engine, self._slowness(id)),
            fsync=self._fsync(id),
            tick_ns=engine.tick,
            heartbeat_ticks=engine.heartbeat // engine.tick,
            election_ticks=engine.election // engine.tick,
            inbound_capacity=engine.inbound,
            apply=apply,
            mutations=lambda commit: commit.size,
            share_reads=engine.read_sharing == "one_outstanding",
            lost=len(self._lost),
        )
        for peer in self._ids:
            if peer != id and peer not in self._lost:
                self._engine.connect(
                    peer,
                    costs=loop_costs(self._system.engine, self._slowness(peer)),
                    fsync=self._fsync(peer),
                    heartbeats=heartbeats,
                    others=others,
                    delays=self._delays,
                )
        return self._engine

    def _visible_since(self, commit_ts: int) -> int:
        """No follower applies anything that could be seen."""
        return self._kernel.now
