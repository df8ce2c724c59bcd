"""What a scenario says: the schema of the YAML, with every default in one place.

`System` is all that one variant needs to run; `Scenario` adds what holds for all variants. The
descriptions are what `readfence schema` and the reference page show, so each names the source of
its default. system.md stands for the description of the modelled system.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from models.load_spec import DataSpec, FenceName, LoadSpec, NodeName
from sim.dist_spec import LawSpec
from sim.fields import Count, Duration, Number, Spec, said
from sim.plan_spec import PlanSpec
from sim.sweep_spec import SweepSpec


def _or_one(schema: dict[str, Any]) -> None:
    """Make the JSON schema of a list say that one entry may stand without the list."""
    schema["anyOf"] = [{key: schema.pop(key) for key in ("type", "items", "minItems")}]
    schema["anyOf"].append(schema["anyOf"][0]["items"])


class ClusterSpec(Spec):
    """Nodes of the one Raft group."""

    nodes: Annotated[int, Field(strict=True, ge=1, le=9)] = Field(
        default=3, description="Number of nodes, named n1, n2, ... Production example: 3."
    )
    leader: NodeName | Literal["elect"] = Field(
        default="n1",
        description="The node that leads from the start, in term 1; or `elect`: an election takes "
        "place first, in virtual time.",
    )
    cores: Count | Literal["unlimited"] = Field(
        default=14,
        description="Of each node, for the local work of scripts, which waits for a free one; the "
        "engine's loop has a thread of its own. Default: the machines of system.md 5 (#619).",
    )
    lost: list[NodeName] = Field(
        default=[],
        description="Nodes that never answer, from the start; a majority must be left. Such as "
        "`[n3]`, for what the loss of a follower costs.",
    )
    slow: dict[NodeName, Annotated[Number, Field(ge=1)]] = Field(
        default={},
        description="Nodes for which all takes so many times as long, such as `{n3: 10}`: loop, "
        "disk, local work, and every message from and to them.",
    )


class LaneSpec(Spec):
    """Room of one outbound lane to one peer."""

    capacity: Count = Field(description="Messages that may wait; what finds no room is dropped.")
    in_flight: Count | Literal["unlimited"] = Field(
        default=1,
        description="Unary calls under way at once. 1 is the modelled system: the next message "
        "leaves when the call before it has returned, so a lane carries 1/round trip per second.",
    )


class LanesSpec(Spec):
    """The outbound lanes. Defaults: system.md 3.1 (revision 546)."""

    heartbeats: LaneSpec = Field(
        default=LaneSpec(capacity=64),
        description="The priority lane: heartbeats, their acknowledgements, votes.",
    )
    others: LaneSpec = Field(
        default=LaneSpec(capacity=256), description="The normal lane: log entries and the rest."
    )
    call_timeout: Duration = said("5s", "After which a call whose message was lost is given up.")


class NetworkSpec(Spec):
    """Links between nodes. Every connection is first in, first out."""

    one_way: LawSpec = said(
        "500us",
        "Time of one message in one direction. Default: half of the 1 ms round trip of "
        "the modelled system's transport document.",
    )
    links: dict[Annotated[str, Field(pattern=r"^n[1-9]->n[1-9]$")], LawSpec] = Field(
        default={},
        description="Laws of single directions, such as `n1->n2: 12ms`; the others keep `one_way`.",
    )
    lanes: LanesSpec = LanesSpec()


class EngineSpec(Spec):
    """The Raft engine of a node: one event loop. Timers: production values of system.md 3.1."""

    tick: Duration = said("10ms", "What the timers count in.")
    heartbeat: Duration = said("200ms", "A whole number of ticks.")
    election: Duration = said(
        "2s",
        "Shortest election timeout; the drawn one lies in [this, twice this).",
    )
    read_sharing: Literal["none", "one_outstanding"] = Field(
        default="none",
        description="How reads share a round. `none`: a round for each, the modelled engine "
        "(system.md 3.1). `one_outstanding`: one round at a time, and those who ask meanwhile "
        "share the next one, as etcd's server does.",
    )
    inbound: Count = Field(default=1024, description="Messages from peers that may wait.")
    read: Duration = said(
        "5us",
        "Loop time of one ReadIndex request. Assumed: the modelled system publishes no figure. "
        "Measured in etcd 3.4, whole process and network code included: 30 us of CPU for a "
        "linearizable read above a local one, with 64 clients.",
    )
    message: Duration = said(
        "5us",
        "Loop time of one message. Assumed; etcd 3.4: 70 us of CPU of the whole process for a "
        "heartbeat and as much for its answer, with one client; sending is not the loop's work.",
    )
    proposal: Duration = said(
        "10us",
        "Loop time of one proposal. Assumed; etcd 3.4: 93 us of CPU of the whole process for a "
        "write, on the leader, with 64 clients.",
    )
    timer: Duration = said("5us", "Loop time of one timer. Assumed.")
    apply_entry: Duration = said(
        "10us",
        "Loop time to apply an entry. Assumed; etcd 3.4: 27 us of CPU of the whole process for an "
        "entry, on a follower, with 64 clients.",
    )
    apply_mutation: Duration = said(
        "1us",
        "The same per row that the entry writes. Assumed.",
    )
    fsync: LawSpec = said(
        "16.3us",
        "Time to persist entries, on the loop. 16.3 us without sync, 16.29 ms with it "
        "(system.md 5, #592); the default is the one that fits a commit of about 500 us.",
    )


class StoreSpec(Spec):
    """Local work of the versioned store, and when commits get their timestamp."""

    point_read: Duration = said(
        "10us",
        "One GetAt or ExistsAt with its lock probe. Assumed, system.md 9: 10-50 us. A whole local "
        "read took etcd 3.4 62 us of CPU with 64 clients, network code included.",
    )
    scan: Duration = said(
        "20us",
        "One ScanAt without its rows. Assumed, system.md 9: 20-100 us.",
    )
    scan_row: Duration = said("1us", "One row of a scan. Assumed.")
    commit_timestamp: Literal["at_proposal", "before_plan"] = Field(
        default="at_proposal",
        description="When a commit gets its timestamp. `at_proposal`: when its place in the log is "
        "decided, so that timestamps and log agree. `before_plan`: before the commit's own reads, "
        "as the modelled system does; two commits may then be applied against the order of their "
        "timestamps, and an update can be lost (hazard H1 of system.md 8.2).",
    )


class RetrySpec(Spec):
    """What follows a write conflict. Defaults: system.md 2.3."""

    executions: Count = Field(default=51, description="Runs of one script at most.")
    first: Duration = said("1ms", "First back-off; each next one doubles.")
    longest: Duration = said(
        "10ms",
        "Longest back-off. To each, up to half of it is added by chance.",
    )


class ScriptSpec(Spec):
    """Running Lua scripts on a node."""

    workers: Count = Field(
        default=1024, description="Scripts in progress at once on a node; others wait in line."
    )
    deadline: Duration = said("10s", "Of a whole script (system.md 2.5).")
    start: Duration = said(
        "59.255us",
        "Local work per attempt: a new Lua state, globals, compiling (#580 measured "
        "59,255 ns before its pool of states, 13,306 ns with it).",
    )
    call: LawSpec = said(
        "1us",
        "Local work per redis.call, apart from what it reads. Assumed. A law that varies keeps "
        "clients that asked at one instant from doing so for ever.",
    )
    commit: Duration = said(
        "0",
        "Local work per commit, on the cores of the node and beside the replication: encoding, "
        "logging, applying. The answer waits for both. The modelled system publishes no figure; "
        "etcd 3.4: 98 us of CPU of the whole process, on a follower, with one client.",
    )
    retry: RetrySpec = RetrySpec()
    instructions: Count = Field(
        default=10_000_000,
        description="Lua VM instructions after which a script is killed. A guard of the simulator: "
        "a script takes virtual time only by its calls.",
    )
    memory_mb: Count = Field(default=64, description="Memory of one Lua state, in MB; a guard too.")


class ExtentSpec(Spec):
    """How far: a number of scripts (of each group of clients) or a stretch of virtual time."""

    scripts: Annotated[int, Field(strict=True, ge=0)] | None = None
    time: Duration | None = None

    @model_validator(mode="after")
    def _one(self) -> "ExtentSpec":
        if (self.scripts is None) == (self.time is None):
            raise ValueError("expected either `scripts` or `time`")
        return self


class EventSpec(Spec):
    """Something that happens at a given instant; name one kind."""

    at: Duration
    step_down: NodeName | None = Field(
        default=None, description="This node stops leading; the others elect when they notice."
    )
    transfer_to: NodeName | None = Field(
        default=None, description="The leader hands leadership to this node."
    )
    stall: NodeName | None = Field(
        default=None, description="The node's event loop stands still (a pause, a hung disk)."
    )
    lasting: Duration = said("0", "For `stall`: how long.")

    @model_validator(mode="after")
    def _one_kind(self) -> "EventSpec":
        if sum(x is not None for x in (self.step_down, self.transfer_to, self.stall)) != 1:
            raise ValueError("expected one of `step_down`, `transfer_to` and `stall`")
        if (self.stall is not None) != (self.lasting > 0):
            raise ValueError("expected `lasting` above 0 with `stall`, and with nothing else")
        return self


class LimitsSpec(Spec):
    """Where a run is stopped, so that no scenario runs for ever; each above 0."""

    events: Count = Field(default=1_000_000_000, description="Events of the simulation.")
    virtual_time: Duration = said("24h", "Of the whole run.")
    wall_time: Duration = said("30m", "Real time, per variant; looked at now and then.")
    stall: Duration = said(
        "2m",
        "Virtual time in which no script ends, after which the run counts as stalled.",
    )


class System(Spec):
    """All that one variant needs to run."""

    fence: FenceName = Field(
        default="one_fence", description="The read fence; docs/fences.md tells what each does."
    )
    fidelity: Literal["messages", "rounds"] = Field(
        default="messages",
        description="`messages`: every message travels. `rounds`: one event per quorum round, "
        "whose time is worked out from the same laws and queues: a fraction of the events, for a "
        "cluster whose leader stays; no elections, no dropped messages, no events.",
    )
    cluster: ClusterSpec = ClusterSpec()
    network: NetworkSpec = NetworkSpec()
    engine: EngineSpec = EngineSpec()
    store: StoreSpec = StoreSpec()
    script: ScriptSpec = ScriptSpec()
    data: dict[str, DataSpec] = Field(default={}, description="Key sets, by name.")
    workload: Annotated[list[LoadSpec], Field(min_length=1)] = Field(
        description="Groups of clients; a single group may stand without the list.",
        json_schema_extra=_or_one,
    )
    warmup: ExtentSpec = Field(
        default=ExtentSpec(scripts=0), description="What is run first and not measured."
    )
    stop: ExtentSpec | None = Field(
        default=None,
        description="How much is measured, after the warm-up. What has begun is always finished. "
        "A replay alone needs none: it ends when everything has been answered.",
    )
    events: list[EventSpec] = []
    limits: LimitsSpec = LimitsSpec()
    timelines: Annotated[int, Field(strict=True, ge=0, le=100_000)] = Field(
        default=64, description="How many scripts are recorded span by span, for the waterfall."
    )
    rows: Annotated[int, Field(strict=True, ge=1, le=10_000_000)] = Field(
        default=250_000,
        description="How many scripts keep a row of their own in the record (start, latency, "
        "outcome, ...); of a longer run an evenly thinned part does. All others count all the "
        "same: only percentiles of latency are then told with an error, of 0.39 % at most.",
    )

    @field_validator("workload", mode="before")
    @classmethod
    def _one_group(cls, value: Any) -> Any:
        return [value] if isinstance(value, dict) else value


class Scenario(System):
    """A scenario file."""

    title: str = Field(default="", description="One line for tables and pictures.")
    about: str = Field(default="", description="The story.")
    seed: Annotated[int, Field(strict=True, ge=0)] = Field(
        default=1, description="Of every random stream; another seed is another run."
    )
    variants: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], dict[str, Any]] = Field(
        default={},
        description="Runs to compare: each shares all settings but those it names. Without any, "
        "there is one variant, named like its fence.",
    )
    expect: list[str] = Field(
        default=[],
        description="What must hold, such as `one_fence.verifications.per_script == 1`.",
    )
    drawn: Annotated[int, Field(strict=True, ge=0)] | None = Field(
        default=None,
        description="Which script the waterfall draws, by its number in the run; it must be among "
        "those recorded span by span. Default: one whose latency is typical.",
    )
    sweep: SweepSpec | None = Field(
        default=None, description="What `readfence sweep` varies; `run` and `check` ignore it."
    )
    plan: PlanSpec | None = Field(
        default=None, description="What `readfence plan` asks; `run` ignores it."
    )
