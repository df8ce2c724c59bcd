"""A world: one variant of a scenario, built and run to its end, and what it leaves behind."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha1
from itertools import islice
from types import MappingProxyType
from typing import Any

from models.cluster import Cluster
from models.data import key_names
from models.fence.policies import POLICIES, Start
from models.load_spec import CallSpec, KeySpec, LoadSpec
from models.notes import SessionNotes
from models.outcome import variant_record
from models.recorder import Recorder
from models.rounds_cluster import RoundsCluster
from models.server.server import Notes, Server
from models.service import Service
from models.spec import System
from models.workload.clients import Group, burst_gaps, constant_gaps, poisson_gaps
from models.workload.recording import Recording
from models.workload.replay import Replay
from models.workload.tickets import CallKind, KeyPick, draw_tickets
from sim.errors import LimitReached
from sim.kernel import Event, Kernel
from sim.record import VariantRecord
from sim.resources import Measured, Slots, Watch
from sim.rng import Streams
from sim.trace import Trace
from sim.units import human_duration


class OffsetClock:
    """The wall clock of a world: virtual time from an instant on."""

    def __init__(self, kernel: Kernel, began_ns: int) -> None:
        self._kernel = kernel
        self._began_ns = began_ns

    def read(self) -> int:
        """What it says, in ns since 1970."""
        return self._began_ns + self._kernel.now

    def set(self, now_ns: int | None) -> None:
        """It cannot be set: it follows virtual time."""


class World:
    """One variant, ready to run."""

    def __init__(
        self,
        system: System,
        *,
        seed: int,
        lua_files: dict[str, str],
        recordings: Mapping[str, Recording] = MappingProxyType({}),
        notes: Notes | None = None,
        trace: Trace | None = None,
        tie_break: Callable[[], int] | None = None,
    ) -> None:
        """`lua_files` and `recordings` hold the content of each file that the scenario names.

        `notes` takes down what a replay sends, instead of the recorder.
        Neither `trace` nor `tie_break` (see `sim.kernel`) changes what is recorded; the latter may
        change figures, but no verdict.
        """
        self._system = system
        self._lua_files = lua_files
        self.kernel = Kernel(tie_break=tie_break)
        self._streams = Streams(seed)
        recording = recordings.get(system.workload[0].replay or "")
        clock = OffsetClock(self.kernel, 0 if recording is None else recording.began_ns)
        make = RoundsCluster if system.fidelity == "rounds" else Cluster
        self.cluster = make(self.kernel, system, self._streams, trace, wall=clock.read)
        self._connections = {
            load.name: Slots(self.kernel, load.connections, f"one of {load.name}'s connections")
            for load in system.workload
            if load.connections != "unlimited"
        }
        self._watch = Watch(self._resources())
        kinds = [[self._kind(call) for call in load.scripts] for load in system.workload]
        only_reads = recording is None and self._only_reads(kinds)
        if only_reads and isinstance(self.cluster, RoundsCluster):
            self.cluster.expect_no_proposals()
        self.recorder = Recorder(
            self.kernel,
            loads=[load.name for load in system.workload],
            kinds=[[kind.name for kind in group] for group in kinds],
            skip_scripts=system.warmup.scripts or 0,
            skip_ns=system.warmup.time or 0,
            timelines=system.timelines,
            rows=system.rows,
            measuring=self._watch.begin,
            trace=trace,
        )
        self._running = sum(load.clients or 1 for load in system.workload)
        """Clients of closed loops, and open loops, that have not finished."""
        self._groups = [
            self._group(number, load, group)
            for number, (load, group) in enumerate(zip(system.workload, kinds, strict=True))
            if load.replay is None
        ]
        self.replay = None if recording is None else self._replay(recording, clock, notes)

    def run(
        self, name: str, settings: dict[str, Any], keep_on: Callable[[], str | None] = lambda: None
    ) -> VariantRecord:
        """Run to the end and tell. `name` and `settings` are those of the variant.

        Raises `LimitReached` or `Stalled`; `keep_on` as in `Kernel.run_until_halted`.
        """
        self.start()
        limits = self._system.limits
        self.kernel.after(limits.virtual_time, self._out_of_time)
        if self._running:
            self.kernel.run_until_halted(
                events_max=limits.events, stall_ns=limits.stall, keep_on=keep_on
            )
        extra = {}
        if self.replay is not None:
            extra["replay.equal"] = self.replay.equal
            extra["replay.different"] = self.replay.different
        return variant_record(
            self.kernel, self.cluster, self.recorder, self._watch, name, settings, extra
        )

    def start(self) -> None:
        """Start the cluster at the present instant, and the clients as soon as somebody leads."""
        self.cluster.start(self._start_clients)

    def _start_clients(self) -> None:
        self.recorder.start()
        if self.replay is not None:
            self.replay.start(self._finished)
            return
        stop = self._system.stop
        assert stop is not None
        if stop.time is not None:
            self.kernel.after((self._system.warmup.time or 0) + stop.time, self._close)
        for load, group in zip(self._system.workload, self._groups, strict=True):
            if load.clients is not None:
                think = self._streams.sampler(f"think/{load.name}", load.think.build())
                group.start_closed(load.clients, think, self._finished)
            else:
                group.start_open(self._gaps(load), self._finished)

    def tickets_in_all(self) -> int | None:
        """How many scripts will be run, or None when time decides."""
        stop, warmup = self._system.stop, self._system.warmup.scripts or 0
        if stop is None or stop.scripts is None:
            return None
        return (warmup + stop.scripts) * len(self._groups)

    def _finished(self) -> None:
        self._running -= 1
        if self._running == 0:
            self.kernel.halt()

    def _close(self, event: Event) -> None:
        for group in self._groups:
            group.closed = True

    def _out_of_time(self, event: Event) -> None:
        raise LimitReached(
            f"stopped at t={human_duration(self.kernel.now)} (limits.virtual_time)"
            f"{self.kernel.waiting()}"
        )

    # -- clients --------------------------------------------------------------------------------

    def _kind(self, call: CallSpec) -> CallKind:
        body, name = call.lua or "", "script"
        if call.command is not None:
            name = call.command[0].upper()
        elif call.source is not None:
            body, name = self._lua_files[call.source], call.source.removesuffix(".lua")
        text = body.encode()
        return CallKind(
            name=call.name or name,
            weight=call.weight,
            body=text,
            sha=sha1(text).hexdigest().encode() if call.send == "evalsha" and body else None,
            command=tuple(word.encode() for word in call.command or ()),
            keys=tuple(self._keys(keys) for keys in call.keys),
            argv=tuple(word.encode() for word in call.argv),
            policy=None if call.fence is None else POLICIES[call.fence],
        )

    def _only_reads(self, kinds: Iterable[Iterable[CallKind]]) -> bool:
        """Whether it is certain that nothing is put into the log."""
        usual = POLICIES[self._system.fence]
        return not any(
            kind.may_write or (kind.policy or usual).start is Start.LOG
            for group in kinds
            for kind in group
        )

    def _keys(self, keys: str | KeySpec) -> bytes | KeyPick:
        if isinstance(keys, str):
            return keys.encode()
        names = key_names(keys.from_, self._system.data[keys.from_])
        exponent = {"uniform": 0.0, "zipf": keys.exponent, "first": None}[keys.pick]
        return KeyPick(names, keys.count, exponent)

    def _group(self, number: int, load: LoadSpec, kinds: list[CallKind]) -> Group:
        tickets = draw_tickets(self._streams, load.name, kinds)
        stop = self._system.stop
        if stop is not None and stop.scripts is not None:
            count = (self._system.warmup.scripts or 0) + stop.scripts
            tickets = islice(tickets, count)
        return Group(
            self.kernel,
            number=number,
            name=load.name,
            tickets=tickets,
            target=self._target(load),
            notebook=self.recorder,
            connections=self._connections.get(load.name),
        )

    def _replay(self, recording: Recording, clock: OffsetClock, notes: Notes | None) -> Replay:
        server = Server(
            self.kernel,
            clock=clock,
            leader=lambda: self.cluster.leader.service,
            services=[node.service for node in self.cluster.nodes.values()],
            notes=notes or SessionNotes(self.kernel, self.recorder),
        )
        speed = self._system.workload[0].speed
        return Replay(self.kernel, recording, speed=speed, server=server)

    def _resources(self) -> dict[str, Measured]:
        found = self.cluster.resources()
        for name, slots in self._connections.items():
            found[f"{name}.connections"] = slots
        return found

    def _target(self, load: LoadSpec) -> Callable[[], Service]:
        if load.attach != "leader":
            service = self.cluster.node(load.attach).service
            return lambda: service
        return lambda: self.cluster.leader.service

    def _gaps(self, load: LoadSpec) -> Iterator[int]:
        arrivals = load.arrivals
        assert arrivals is not None
        stream = f"arrivals/{load.name}"
        if arrivals.pattern == "constant":
            return constant_gaps(arrivals.rate)
        if arrivals.pattern == "bursts":
            return burst_gaps(self._streams, stream, arrivals.rate, arrivals.burst)
        return poisson_gaps(self._streams, stream, arrivals.rate)
