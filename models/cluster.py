"""The cluster: nodes wired to each other, their data, and what is scripted to happen to them."""

from collections.abc import Callable
from typing import Any, Final

from models.attempt import LocalCosts
from models.audit.wire import WireTap
from models.engine.costs import LoopCosts
from models.engine.engine import COUNTERS, Engine
from models.engine.lanes import Lane, LaneLimits
from models.fence.policies import POLICIES
from models.network.link import Link
from models.network.rules import Rule
from models.node import Node
from models.raft.core import Raft
from models.raft.state import Config
from models.redis.key_states import MISSING_STATE, make_rows, type_of
from models.script.pool import MachinePool
from models.service import Applied, RetryLimits, Service
from models.spec import DataSpec, EventSpec, System
from models.store.clock import CommitClock
from models.store.rows import Rows
from models.store.versions import Commit, Store
from sim.kernel import Event, Kernel, Slots
from sim.rng import BLOCK, Streams
from sim.trace import Trace

_DEFAULT_CONTENT: Final[dict[str, Any]] = {
    "string": "1",
    "list": ["a", "b", "c"],
    "hash": {"f1": "1", "f2": "2", "f3": "3"},
    "set": ["m1", "m2"],
    "zset": {"z1": 1.0, "z2": 2.0},
    "stream": {"1-1": "1"},
}
"""Content of a key whose scenario names none: small, of the right type."""

EPOCH_NS: Final = 3600 * 10**9
"""Expired keys lie this long in the past; virtual time starts at 0, so their expiry is negative."""


class Cluster:
    """All nodes of one run."""

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
        self.tap = WireTap(system.cluster.nodes)
        self.rules: list[Rule] = []
        self._ids = range(1, system.cluster.nodes + 1)
        self._applied_first: dict[int, tuple[int, int]] = {}
        """Per commit not yet applied everywhere: when it first was, and on how many it is not."""
        self.machines = MachinePool(
            instructions_max=system.script.instructions,
            memory_max=system.script.memory_mb * 1_000_000,
        )
        self.nodes = {id: self._make_node(id) for id in self._ids}
        for source in self._ids:
            for target in self._ids:
                if source != target:
                    self._connect(source, target)
        self._install()

    def start(self, ready: Callable[[], None]) -> None:
        """Arm the timers and the scripted events; `ready` is called once, when somebody leads."""
        self._ready: Callable[[], None] | None = ready
        for node in self.nodes.values():
            node.engine.start(self._find_leader)
        for event in self._system.events:
            self._kernel.after(event.at, self._happen, event)
        self._find_leader()

    @property
    def leader(self) -> Node:
        """Who leads in the newest term, as far as anyone knows; the first node when nobody does."""
        return self._leader

    def _find_leader(self) -> None:
        self._leader = max(
            self.nodes.values(),
            key=lambda node: (node.engine.is_leader, node.engine.raft.term),
        )
        if self._ready is not None and self._leader.engine.is_leader:
            ready, self._ready = self._ready, None
            ready()

    def node(self, name: str) -> Node:
        """The node called `n1`, `n2`, ..."""
        return self.nodes[number(name)]

    def counters(self) -> dict[str, int]:
        """Counters of all nodes, summed."""
        total: dict[str, int] = {}
        for node in self.nodes.values():
            for name, value in node.engine.counters.items():
                total[name] = total.get(name, 0) + value
        engines = [node.engine for node in self.nodes.values()]
        total["messages.sent"] = sum(engine.messages_sent for engine in engines)
        total["rounds.sent"] = sum(engine.rounds_sent for engine in engines)
        total["rounds.confirmed"] = sum(engine.rounds_confirmed for engine in engines)
        for node in self.nodes.values():
            total[f"{node.name}.loop.busy_ns"] = node.engine.busy_ns
        total["conflicts"] = sum(node.service.conflicts for node in self.nodes.values())
        return total

    def _make_node(self, id: int) -> Node:
        system, kernel, name = self._system, self._kernel, f"n{id}"
        store = Store()

        def apply(commit: Commit) -> tuple[Applied, int]:
            applied = Applied(store.apply(commit), self._visible_since(commit.commit_ts))
            return applied, len(commit.mutations)

        engine = Engine(
            kernel,
            self._make_raft(id),
            costs=_loop_costs(system),
            fsync=self._streams.sampler(f"fsync/{name}", system.engine.fsync.build()),
            tick_ns=system.engine.tick,
            inbound_capacity=system.engine.inbound,
            apply=apply,
            tap=self.tap,
        )
        retry = system.script.retry
        service = Service(
            kernel,
            wall=self._wall,
            engine=engine,
            store=store,
            clock=CommitClock(id),
            policy=POLICIES[system.fence],
            costs=_local_costs(system),
            retry=RetryLimits(retry.executions, retry.first, retry.longest),
            deadline_ns=system.script.deadline,
            timestamp_at_proposal=system.store.commit_timestamp == "at_proposal",
            machines=self.machines,
            workers=Slots(kernel, system.script.workers, f"one of {name}'s script workers"),
            jitter=self._unit_sampler(f"retry/{name}"),
        )
        return Node(name, engine, store, service)

    def _visible_since(self, commit_ts: int) -> int:
        """A node applies a commit now: when the first of them did.

        That is the proposer, unless it was deposed meanwhile and learns late what became of it.
        """
        first, left = self._applied_first.get(commit_ts, (self._kernel.now, len(self._ids)))
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

    def _unit_sampler(self, stream: str) -> Callable[[], float]:
        generator = self._streams.generator(stream)

        def draws() -> Any:
            while True:
                yield from generator.random(BLOCK).tolist()

        sampler: Callable[[], float] = draws().__next__
        return sampler

    def _connect(self, source: int, target: int) -> None:
        """The connection that `source` opens to `target`: calls there, their returns back."""
        network = self._system.network

        def link(start: int, end: int, stream: str, deliver: Callable[[Any], None]) -> Link:
            law = network.links.get(f"n{start}->n{end}", network.one_way)
            return Link(
                self._kernel,
                source=start,
                target=end,
                delay=self._streams.sampler(stream, law.build()),
                rules=self.rules,
                deliver=deliver,
            )

        name = f"network/n{source}->n{target}"
        receive: Callable[[Any], None] = self.nodes[target].engine.receive
        if self._trace is not None:
            receive = _traced(receive, self._trace, self._kernel, f"n{source}->n{target}")
        calls = link(source, target, name, receive)
        returns = link(target, source, f"{name}/return", lambda _: None)
        limits = network.lanes
        heartbeats, others = (
            Lane(
                self._kernel,
                LaneLimits(
                    lane.capacity,
                    None if lane.in_flight == "unlimited" else lane.in_flight,
                    limits.call_timeout,
                ),
                calls=calls,
                returns=returns,
            )
            for lane in (limits.heartbeats, limits.others)
        )
        self.nodes[source].engine.connect(target, heartbeats=heartbeats, others=others)

    def _install(self) -> None:
        for set_name, data in self._system.data.items():
            if data.state == MISSING_STATE:
                continue
            rows = _rows(data, self._wall())
            for key in key_names(set_name, data):
                for node in self.nodes.values():
                    node.store.install(key, rows)

    def _happen(self, happening: Event) -> None:
        event: EventSpec = happening.argument
        if event.step_down is not None:
            self.node(event.step_down).engine.step_down()
        elif event.transfer_to is not None:
            self.leader.engine.transfer(number(event.transfer_to))
        elif event.stall is not None:
            self.node(event.stall).engine.stall(event.lasting)


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


def key_names(set_name: str, data: DataSpec) -> tuple[bytes, ...]:
    """The keys of a set."""
    if data.keys is not None:
        return tuple(key.encode() for key in data.keys)
    assert data.count is not None
    return tuple(f"{set_name}:{i}".encode() for i in range(data.count))


def _rows(data: DataSpec, now: int) -> Rows:
    kind = type_of(data.state)
    value: Any = _DEFAULT_CONTENT[kind] if data.value is None else data.value
    content: Any
    if isinstance(value, str):
        content = value.encode()
    elif isinstance(value, list):
        content = [item.encode() for item in value]
    elif kind == "zset":
        content = {name.encode(): float(score) for name, score in value.items()}
    else:
        content = {name.encode(): str(item).encode() for name, item in value.items()}
    expiry = None
    if data.state.endswith("_ttl"):
        expiry = now + data.expires
    elif data.state.endswith("_expired"):
        expiry = now - EPOCH_NS
    return make_rows(data.state, content, expiry)


def _loop_costs(system: System) -> LoopCosts:
    engine = system.engine
    return LoopCosts(
        read=engine.read,
        message=engine.message,
        proposal=engine.proposal,
        tick=engine.timer,
        apply_entry=engine.apply_entry,
        apply_mutation=engine.apply_mutation,
    )


def _local_costs(system: System) -> LocalCosts:
    return LocalCosts(
        script=system.script.start,
        call=system.script.call,
        point_read=system.store.point_read,
        scan=system.store.scan,
        scan_row=system.store.scan_row,
    )
