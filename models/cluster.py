"""The cluster: nodes wired to each other, their data, and what is scripted to happen to them."""

from collections.abc import Callable
from typing import Any, TypeAlias

from models.attempt import LocalCosts
from models.audit.wire import WireTap
from models.data import key_names, rows_of
from models.engine.costs import loop_costs
from models.engine.engine import COUNTERS, Engine
from models.engine.lanes import Lane, LaneLimits
from models.engine.requests import Asked
from models.fence.policies import POLICIES
from models.network.link import Link
from models.network.rules import DROP, PASS, Rule, Verdict
from models.node import Node
from models.raft.core import Raft
from models.raft.state import Config
from models.redis.context import ALONE
from models.redis.key_states import MISSING_STATE
from models.script.pool import MachinePool
from models.service import Applied, RetryLimits, Service
from models.spec import EventSpec, System
from models.store.clock import CommitClock
from models.store.versions import Commit, Store
from sim.kernel import Event, Kernel
from sim.resources import Measured, Servers, Slots
from sim.rng import Streams
from sim.trace import Trace

Apply: TypeAlias = Callable[[Commit], tuple[Applied, int]]
"""Carries out a commit on a node: what came of it, and how many mutations it held."""
Delay: TypeAlias = Callable[[], int]


class Cluster:
    """All nodes of one run, and every message between them."""

    def __init__(
        self,
        kernel: Kernel,
        system: System,
        streams: Streams,
        trace: Trace | None,
        wall: Callable[[], int] | None = None,
    ) -> None:
        """`wall` is what the nodes' clocks say, in ns; without it, virtual time."""
        self._kernel = kernel
        self._wall = wall or (lambda: kernel.now)
        self._trace = trace
        self._system = system
        self._streams = streams
        self.tap: WireTap | None = WireTap(system.cluster.nodes)
        self.rules: list[Rule] = []
        self._ids = range(1, system.cluster.nodes + 1)
        self._lost = [number(name) for name in system.cluster.lost]
        if self._lost:
            self.rules.append(self._deaf)
        self._applied_first: dict[int, tuple[int, int]] = {}
        """Per commit not yet applied everywhere: when it first was, and on how many it is not."""
        self.machines = MachinePool(
            instructions_max=system.script.instructions,
            memory_max=system.script.memory_mb * 1_000_000,
        )
        self._engines: dict[int, Engine] = {}
        self.nodes = self._make_nodes()
        self._install()

    def start(self, ready: Callable[[], None]) -> None:
        """Arm the timers and the scripted events; `ready` is called once, when somebody leads."""
        self._ready: Callable[[], None] | None = ready
        for id, engine in self._engines.items():
            if id not in self._lost:
                engine.start(self._find_leader)
        for event in self._system.events:
            self._kernel.after(event.at, self._happen, event)
        self._find_leader()

    @property
    def leader(self) -> Node:
        """Who leads in the newest term, as far as anyone knows; the first node when nobody does."""
        return self._leader

    def _find_leader(self) -> None:
        engines = self._engines
        leader = max(self.nodes, key=lambda id: (engines[id].is_leader, engines[id].raft.term))
        self._leader = self.nodes[leader]
        if self._ready is not None and engines[leader].is_leader:
            ready, self._ready = self._ready, None
            ready()

    def node(self, name: str) -> Node:
        """The node called `n1`, `n2`, ..."""
        return self.nodes[number(name)]

    def counters(self) -> dict[str, int]:
        """Counters of all nodes, summed."""
        total: dict[str, int] = {}
        engines = self._engines.values()
        for engine in engines:
            for name, value in engine.counters.items():
                total[name] = total.get(name, 0) + value
        total["messages.sent"] = sum(engine.messages_sent for engine in engines)
        total["rounds.sent"] = sum(engine.rounds_sent for engine in engines)
        total["rounds.confirmed"] = sum(engine.rounds_confirmed for engine in engines)
        for id, engine in self._engines.items():
            total[f"n{id}.loop.busy_ns"] = engine.usage().busy_ns
        total["conflicts"] = sum(node.service.conflicts for node in self.nodes.values())
        for node in self.nodes.values():
            for name, count in sorted(node.service.unsupported.items()):
                total[name] = total.get(name, 0) + count
        return total

    def resources(self) -> dict[str, Measured]:
        """What can saturate, by name, node after node; lost nodes do nothing, and have none."""
        found: dict[str, Measured] = {}
        for id, node in self.nodes.items():
            if id in self._lost:
                continue
            if node.cores is not None:
                found[f"{node.name}.cores"] = node.cores
            found[f"{node.name}.workers"] = node.workers
            found |= self._engines[id].resources()
        return found

    def _deaf(self, source: int, target: int, message: object, now: int) -> Verdict:
        """The rule of the network for lost nodes."""
        return DROP if source in self._lost or target in self._lost else PASS

    def _slowness(self, *ids: int) -> float:
        """How many times as long all takes that has to do with these nodes."""
        slow: dict[str, float] = self._system.cluster.slow
        return max(slow.get(f"n{id}", 1.0) for id in ids)

    def _make_nodes(self) -> dict[int, Node]:
        nodes = {id: self._make_node(id, self._make_engine) for id in self._ids}
        for source in self._ids:
            for target in self._ids:
                if source != target:
                    self._connect(source, target)
        return nodes

    def _make_engine(self, id: int, apply: Apply) -> Engine:
        assert self.tap is not None
        engine = self._engines[id] = Engine(
            self._kernel,
            self._make_raft(id),
            costs=loop_costs(self._system.engine, self._slowness(id)),
            fsync=self._fsync(id),
            tick_ns=self._system.engine.tick,
            inbound_capacity=self._system.engine.inbound,
            apply=apply,
            tap=self.tap,
            share_reads=self._system.engine.read_sharing == "one_outstanding",
            lost=self._lost,
        )
        return engine

    def _make_node(self, id: int, make_engine: Callable[[int, Apply], Asked]) -> Node:
        system, kernel, name = self._system, self._kernel, f"n{id}"
        slowness = self._slowness(id)
        store = Store()

        def apply(commit: Commit) -> tuple[Applied, int]:
            applied = Applied(store.apply(commit), self._visible_since(commit.commit_ts))
            return applied, commit.size

        engine = make_engine(id, apply)
        retry = system.script.retry
        cores, workers = self._make_cores(id), self._make_workers(id)
        elements = self._streams.unit(f"elements/{name}")
        service = Service(
            kernel,
            wall=self._wall,
            engine=engine,
            store=store,
            clock=CommitClock(id),
            policy=POLICIES[system.fence],
            costs=_local_costs(system, slowness, self._calls(id)),
            cores=_at_once if cores is None else cores.serve,
            retry=RetryLimits(retry.executions, retry.first, retry.longest),
            deadline_ns=system.script.deadline,
            timestamp_at_proposal=system.store.commit_timestamp == "at_proposal",
            machines=self.machines,
            workers=workers,
            jitter=self._streams.unit(f"retry/{name}"),
            surroundings=ALONE._replace(draw=lambda below: int(elements() * below)),
        )
        return Node(name, engine, store, service, cores, workers)

    def _calls(self, id: int) -> Callable[[int], int]:
        law = self._system.script.call.build()
        draw = _slowed(self._streams.sampler(f"calls/n{id}", law), self._slowness(id))
        if law.constant is None:
            return lambda calls: sum(draw() for _ in range(calls))
        each = draw()
        return lambda calls: calls * each

    def _make_cores(self, id: int) -> Servers | None:
        count = self._system.cluster.cores
        return None if count == "unlimited" else Servers(self._kernel, f"n{id}'s cores", count)

    def _make_workers(self, id: int) -> Slots:
        return Slots(self._kernel, self._system.script.workers, f"one of n{id}'s script workers")

    def _fsync(self, id: int) -> Callable[[], int]:
        sampler = self._streams.sampler(f"fsync/n{id}", self._system.engine.fsync.build())
        return _slowed(sampler, self._slowness(id))

    def _visible_since(self, commit_ts: int) -> int:
        """A node applies a commit now: when the first of them did.

        That is the proposer, unless it was deposed meanwhile and learns late what became of it.
        """
        answering = len(self._ids) - len(self._lost)
        first, left = self._applied_first.get(commit_ts, (self._kernel.now, answering))
        if left > 1:
            self._applied_first[commit_ts] = first, left - 1
        else:
            self._applied_first.pop(commit_ts, None)
        return first

    def _make_raft(self, id: int) -> Raft:
        engine = self._system.engine
        generator = self._streams.generator(f"election/n{id}")
        config = Config(
            election_ticks=engine.election // engine.tick,
            heartbeat_ticks=engine.heartbeat // engine.tick,
        )
        leader = self._system.cluster.leader
        return Raft(
            id,
            tuple(self._ids),
            config,
            lambda low, high: int(generator.integers(low, high)),
            leader=None if leader == "elect" else number(leader),
        )

    def _connect(self, source: int, target: int) -> None:
        """The connection that `source` opens to `target`: calls there, their returns back."""

        def link(start: int, end: int, delay: Delay, deliver: Callable[[Any], None]) -> Link:
            return Link(
                self._kernel,
                source=start,
                target=end,
                delay=delay,
                rules=self.rules,
                deliver=deliver,
            )

        there, back = self._delays(source, target)
        receive: Callable[[Any], None] = self._engines[target].receive
        if self._trace is not None:
            receive = _traced(receive, self._trace, self._kernel, f"n{source}->n{target}")
        calls = link(source, target, there, receive)
        returns = link(target, source, back, lambda _: None)
        heartbeats, others = (
            Lane(self._kernel, limits, calls=calls, returns=returns)
            for limits in lane_limits(self._system)
        )
        self._engines[source].connect(target, heartbeats=heartbeats, others=others)

    def _delays(self, source: int, target: int) -> tuple[Delay, Delay]:
        """What a message takes on the connection that `source` opens to `target`, and a return."""
        network, name = self._system.network, f"network/n{source}->n{target}"
        laws = (
            network.links.get(f"n{start}->n{end}", network.one_way).build()
            for start, end in ((source, target), (target, source))
        )
        there, back = (
            _slowed(self._streams.sampler(stream, law), self._slowness(source, target))
            for stream, law in zip((name, f"{name}/return"), laws, strict=True)
        )
        return there, back

    def _install(self) -> None:
        for set_name, data in self._system.data.items():
            if data.state == MISSING_STATE:
                continue
            rows = rows_of(data, self._wall())
            for key in key_names(set_name, data):
                for node in self.nodes.values():
                    node.store.install(key, rows)

    def _happen(self, happening: Event) -> None:
        event: EventSpec = happening.argument
        if event.step_down is not None:
            self._engines[number(event.step_down)].step_down()
        elif event.transfer_to is not None:
            self._engines[number(self.leader.name)].transfer(number(event.transfer_to))
        elif event.stall is not None:
            self._engines[number(event.stall)].stall(event.lasting)


def counter_names(nodes: int) -> list[str]:
    """The counters that a cluster of so many nodes has."""
    return [
        *COUNTERS,
        "messages.sent",
        "rounds.sent",
        "rounds.confirmed",
        *(f"n{id}.loop.busy_ns" for id in range(1, nodes + 1)),
        "conflicts",
    ]


def resource_names(system: System) -> list[str]:
    """What a run of this system has that can saturate, by the names of its record."""
    loads = [load.name for load in system.workload if load.connections != "unlimited"]
    return cluster_resource_names(system) + [f"{name}.connections" for name in loads]


def cluster_resource_names(system: System) -> list[str]:
    """Those of them that its cluster has."""
    nodes = [f"n{id}" for id in range(1, system.cluster.nodes + 1)]
    lanes = system.network.lanes
    limited = [
        kind
        for kind, lane in (("heartbeats", lanes.heartbeats), ("others", lanes.others))
        if lane.in_flight != "unlimited"
    ]
    names = []
    for node in nodes:
        if node not in system.cluster.lost:
            if system.cluster.cores != "unlimited":
                names.append(f"{node}.cores")
            names += [f"{node}.{each}" for each in ("workers", "loop", "fsync")]
            names += [
                f"{node}->{peer}.{kind}" for kind in limited for peer in nodes if peer != node
            ]
    return names


def _traced(
    receive: Callable[[Any], None], trace: Trace, kernel: Kernel, where: str
) -> Callable[[Any], None]:
    """`receive`, with each message noted before."""

    def noted(message: Any) -> None:
        trace.add(
            kernel.now,
            where,
            type(message).__name__,
            term=message.term,
            context=getattr(message, "context", None),
        )
        receive(message)

    return noted


def number(name: str) -> int:
    """The id of the node called `n1`, `n2`, ..."""
    return int(name[1:])


def _at_once(service_ns: int) -> int:
    """Unlimited cores: nobody waits for one."""
    return service_ns


def _slowed(sampler: Callable[[], int], times: float) -> Callable[[], int]:
    """The same draws, so many times as long."""
    return sampler if times == 1 else lambda: round(sampler() * times)


def lane_limits(system: System) -> tuple[LaneLimits, LaneLimits]:
    """Of the heartbeats' lane and of the other one."""
    lanes = system.network.lanes
    heartbeats, others = (
        LaneLimits(
            lane.capacity,
            None if lane.in_flight == "unlimited" else lane.in_flight,
            lanes.call_timeout,
        )
        for lane in (lanes.heartbeats, lanes.others)
    )
    return heartbeats, others


def _local_costs(system: System, times: float, calls: Callable[[int], int]) -> LocalCosts:
    return LocalCosts(
        script=round(system.script.start * times),
        calls=calls,
        point_read=round(system.store.point_read * times),
        scan=round(system.store.scan * times),
        scan_row=round(system.store.scan_row * times),
        commit=round(system.script.commit * times),
    )
