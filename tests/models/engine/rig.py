"""Engines of one Raft group on constant links, without stores or scripts."""

from collections.abc import Callable
from typing import Any

from models.audit.wire import WireTap
from models.engine.costs import LoopCosts
from models.engine.engine import Engine
from models.engine.lanes import Lane, LaneLimits
from models.engine.sites import Site, Tally, new_tally
from models.network.link import Link
from models.network.rules import Rule
from models.raft.core import Raft
from models.raft.state import Config
from sim.kernel import Future, Kernel, Steps
from sim.units import ms, us

COSTS = LoopCosts(
    read=us(5),
    message=us(5),
    proposal=us(10),
    tick=us(5),
    apply_entry=us(10),
    apply_mutation=us(1),
)


class Rig:
    """A group of engines; node 1 leads from the start."""

    def __init__(
        self,
        *,
        nodes: int = 3,
        one_way_ns: int = us(500),
        in_flight: int | None = None,
        capacity: int = 64,
        costs: LoopCosts = COSTS,
        fsync_ns: int = 0,
        share_reads: bool = False,
        lost: tuple[int, ...] = (),
    ) -> None:
        self.kernel = Kernel()
        self.tap = WireTap(nodes)
        self.rules: list[Rule] = []
        self.applied: dict[int, list[Any]] = {id: [] for id in range(1, nodes + 1)}
        ids = tuple(range(1, nodes + 1))
        self.engines = {
            id: Engine(
                self.kernel,
                Raft(
                    id,
                    ids,
                    Config(heartbeat_ticks=20, election_ticks=200),
                    lambda low, high, id=id: low + 7 * id,
                    leader=1,
                ),
                costs=costs,
                fsync=lambda: fsync_ns,
                tick_ns=ms(10),
                inbound_capacity=1024,
                apply=self._applier(id),
                tap=self.tap,
                share_reads=share_reads,
                lost=lost,
            )
            for id in ids
        }
        limits = LaneLimits(capacity, in_flight, ms(5000))
        for source in ids:
            for target in ids:
                if source != target:
                    calls = self._link(source, target, one_way_ns, self.engines[target].receive)
                    returns = self._link(target, source, one_way_ns, lambda _: None)
                    lanes = (
                        Lane(self.kernel, limits, calls=calls, returns=returns) for _ in range(2)
                    )
                    heartbeats, others = lanes
                    self.engines[source].connect(target, heartbeats=heartbeats, others=others)
        for engine in self.engines.values():
            engine.start()

    def _applier(self, id: int) -> Callable[[Any], tuple[Any, int]]:
        def apply(payload: Any) -> tuple[Any, int]:
            self.applied[id].append(payload)
            return f"applied {payload}", 1

        return apply

    def _link(self, source: int, target: int, delay: int, deliver: Callable[[Any], None]) -> Link:
        return Link(
            self.kernel,
            source=source,
            target=target,
            delay=lambda: delay,
            rules=self.rules,
            deliver=deliver,
        )

    @property
    def leader(self) -> Engine:
        """The engine that leads from the start."""
        return self.engines[1]

    def run_for(self, duration_ns: int) -> None:
        """Let so much virtual time pass."""
        self.kernel.after(duration_ns, lambda _: self.kernel.halt())
        self.kernel._halted = False
        self.kernel.run_until_halted(events_max=10**8, stall_ns=10**15)

    def wait(self, future: Future) -> "Waiter":
        """Note when and how a future ends."""
        waiter = Waiter(self.kernel)
        self.kernel.spawn("waiter", waiter.wait(future))
        return waiter

    def verify(self, engine: Engine | None = None, tally: Tally | None = None) -> "Waiter":
        """Ask an engine to verify its leadership."""
        asked = engine or self.leader
        return self.wait(asked.verify_leader(Site.STRING_READ, tally or new_tally()))


class Waiter:
    """When and how a future ended."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self.ended_ns: int | None = None
        self.value: Any = None
        self.error: Exception | None = None

    def wait(self, future: Future) -> Steps:
        """A task that waits for it."""
        try:
            self.value = yield future
        except Exception as error:
            self.error = error
        self.ended_ns = self._kernel.now
