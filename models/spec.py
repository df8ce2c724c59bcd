"""What a scenario says: the schema of the YAML, with every default in one place.

`System` is all that one variant needs to run; `Scenario` adds what holds for all variants. The
descriptions are what `readfence schema` and the reference page show, so each names the source of
its default. system.md stands for the description of the modelled system.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema, field_validator, model_validator

from models.fence.policies import POLICIES
from models.redis.key_states import STATES
from sim.dist_spec import LawSpec
from sim.fields import Duration, Number, Rate, Spec


def _or_one(schema: dict[str, Any]) -> None:
    """Make the JSON schema of a list say that one entry may stand without the list."""
    schema["anyOf"] = [{key: schema.pop(key) for key in ("type", "items", "minItems")}]
    schema["anyOf"].append(schema["anyOf"][0]["items"])


def _said(default: str, description: str) -> Any:
    """A field whose default is text with a unit, as a scenario would say it."""
    return Field(default=default, description=description)


Word = Annotated[str, WithJsonSchema({"type": ["string", "number"]})]
"""An argument of a command; numbers are taken as their text."""
Count = Annotated[int, Field(strict=True, ge=1)]
NodeName = Annotated[str, Field(pattern=r"^n[1-9]$", examples=["n1"])]
FenceName = Literal["per_call", "one_fence", "as_merged", "before", "log_read", "none"]
assert set(FenceName.__args__) == set(POLICIES)  # type: ignore[attr-defined]
assert len(STATES) == 29


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
    call_timeout: Duration = _said("5s", "After which a call whose message was lost is given up.")


class NetworkSpec(Spec):
    """Links between nodes. Every connection is first in, first out."""

    one_way: LawSpec = _said(
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

    tick: Duration = _said("10ms", "What the timers count in.")
    heartbeat: Duration = _said("200ms", "A whole number of ticks.")
    election: Duration = _said(
        "2s",
        "Shortest election timeout; the drawn one lies in [this, twice this).",
    )
    inbound: Count = Field(default=1024, description="Messages from peers that may wait.")
    read: Duration = _said(
        "5us",
        "Loop time of one ReadIndex request. Assumed: no figure is published.",
    )
    message: Duration = _said("5us", "Loop time of one message. Assumed.")
    proposal: Duration = _said("10us", "Loop time of one proposal. Assumed.")
    timer: Duration = _said("5us", "Loop time of one timer. Assumed.")
    apply_entry: Duration = _said("10us", "Loop time to apply an entry. Assumed.")
    apply_mutation: Duration = _said(
        "1us",
        "The same per row that the entry writes. Assumed.",
    )
    fsync: LawSpec = _said(
        "16.3us",
        "Time to persist entries, on the loop. 16.3 us without sync, 16.29 ms with it "
        "(system.md 5, #592); the default is the one that fits a commit of about 500 us.",
    )


class StoreSpec(Spec):
    """Local work of the versioned store, and when commits get their timestamp."""

    point_read: Duration = _said(
        "10us",
        "One GetAt or ExistsAt with its lock probe. Assumed, system.md 9: 10-50 us.",
    )
    scan: Duration = _said(
        "20us",
        "One ScanAt without its rows. Assumed, system.md 9: 20-100 us.",
    )
    scan_row: Duration = _said("1us", "One row of a scan. Assumed.")
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
    first: Duration = _said("1ms", "First back-off; each next one doubles.")
    longest: Duration = _said(
        "10ms",
        "Longest back-off. To each, up to half of it is added by chance.",
    )


class ScriptSpec(Spec):
    """Running Lua scripts on a node."""

    workers: Count = Field(
        default=1024, description="Scripts in progress at once on a node; others wait in line."
    )
    deadline: Duration = _said("10s", "Of a whole script (system.md 2.5).")
    start: Duration = _said(
        "59.255us",
        "Local work per attempt: a new Lua state, globals, compiling (#580 measured "
        "59,255 ns before its pool of states, 13,306 ns with it).",
    )
    call: Duration = _said(
        "1us",
        "Local work per redis.call, apart from what it reads. Assumed.",
    )
    retry: RetrySpec = RetrySpec()
    instructions: Count = Field(
        default=10_000_000,
        description="Lua VM instructions after which a script is killed. A guard of the simulator: "
        "a script takes virtual time only by its calls.",
    )
    memory_mb: Count = Field(default=64, description="Memory of one Lua state, in MB; a guard too.")


class DataSpec(Spec):
    """A set of keys that is there when the run starts."""

    count: Annotated[int, Field(strict=True, ge=1, le=10_000_000)] | None = Field(
        default=None, description="How many keys; they are named `<set>:0`, `<set>:1`, ..."
    )
    keys: list[str] | None = Field(default=None, description="Or: their names.")
    state: Literal[STATES] = Field(  # type: ignore[valid-type]
        default="str_new",
        description="The encoding the keys lie in; what each means is in the scenario reference.",
    )
    value: str | list[str] | dict[str, str | Number] | None = Field(
        default=None,
        description="Content: text for a string, a list for lists and sets, a mapping for hashes "
        "(field: value) and sorted sets (member: score). Default: a small one of the right type.",
    )
    expires: Duration = _said(
        "1h",
        "For `_ttl` states: time to live at the start. `_expired` ones are past it.",
    )

    @model_validator(mode="after")
    def _named_once(self) -> "DataSpec":
        if (self.count is None) == (self.keys is None):
            raise ValueError("expected either `count` or `keys`")
        return self


class KeySpec(Spec):
    """Keys drawn from a key set."""

    from_: str = Field(alias="from", description="Name of a set under `data`.")
    count: Count = Field(default=1, description="How many keys, all different.")
    pick: Literal["uniform", "zipf", "first"] = Field(
        default="uniform",
        description="`zipf`: key number k with weight 1/k^exponent. `first`: always the first.",
    )
    exponent: Annotated[Number, Field(gt=0)] = Field(default=1.0, description="For `zipf`.")


class CallSpec(Spec):
    """One kind of script (or single command) that clients send."""

    name: str = Field(default="", description="For tables; default: `script` or the command.")
    weight: Annotated[Number, Field(gt=0)] = Field(default=1.0, description="Share among others.")
    lua: str | None = Field(default=None, description="The script's text.")
    lua_file: str | None = Field(
        default=None, description="Or its file, relative to the scenario's folder."
    )
    command: list[Word] | None = Field(
        default=None, description="Or one Redis command, run as a one-call script."
    )
    fence: FenceName | None = Field(
        default=None, description="A fence of its own instead of the variant's."
    )
    send: Literal["eval", "evalsha"] = Field(
        default="evalsha", description="`evalsha` falls back to EVAL on NOSCRIPT, as clients do."
    )
    keys: list[str | KeySpec] = Field(default=[], description="KEYS, in order.")
    argv: list[Word] = Field(
        default=[], description="ARGV; `{id}` stands for the script's number in the run."
    )

    @model_validator(mode="after")
    def _says_what(self) -> "CallSpec":
        if sum(x is not None for x in (self.lua, self.lua_file, self.command)) != 1:
            raise ValueError("expected one of `lua`, `lua_file` and `command`")
        if self.command is not None and not self.command:
            raise ValueError("expected a command with its arguments, got an empty list")
        return self

    @field_validator("argv", "command", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        if isinstance(value, list):
            return [str(v) if type(v) in (int, float) else v for v in value]
        return value


class ArrivalsSpec(Spec):
    """Open-loop arrivals: they do not wait for answers."""

    rate: Rate = Field(description="Offered load, in scripts per unit of time.")
    pattern: Literal["poisson", "constant", "bursts"] = Field(
        default="poisson", description="`bursts`: `burst` arrivals at once, the bursts Poisson."
    )
    burst: Count = Field(default=10, description="Arrivals per burst, for `bursts`.")


class LoadSpec(Spec):
    """A group of clients: closed loop (`clients`) or open loop (`arrivals`)."""

    name: str = Field(default="load", description="Names the group's random streams.")
    clients: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = Field(
        default=None,
        description="Closed loop: each client sends its next script when the last is answered.",
    )
    think: LawSpec = _said("0", "Closed loop: pause before the next.")
    arrivals: ArrivalsSpec | None = Field(
        default=None, description="Open loop; latency counts from the intended arrival."
    )
    attach: NodeName | Literal["leader"] = Field(
        default="leader",
        description="Where they send: to whoever leads (found for free), or always to one node.",
    )
    scripts: Annotated[list[CallSpec], Field(min_length=1)]

    @model_validator(mode="after")
    def _open_or_closed(self) -> "LoadSpec":
        if (self.clients is None) == (self.arrivals is None):
            raise ValueError("expected either `clients` (closed loop) or `arrivals` (open loop)")
        return self


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
    lasting: Duration = _said("0", "For `stall`: how long.")

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
    virtual_time: Duration = _said("24h", "Of the whole run.")
    wall_time: Duration = _said("30m", "Real time, per variant; looked at now and then.")
    stall: Duration = _said(
        "2m",
        "Virtual time in which no script ends, after which the run counts as stalled.",
    )


class System(Spec):
    """All that one variant needs to run."""

    fence: FenceName = Field(
        default="one_fence", description="The read fence; docs/fences.md tells what each does."
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
    stop: ExtentSpec = Field(
        description="How much is measured, after the warm-up. What has begun is always finished."
    )
    events: list[EventSpec] = []
    limits: LimitsSpec = LimitsSpec()
    timelines: Annotated[int, Field(strict=True, ge=0, le=100_000)] = Field(
        default=64, description="How many scripts are recorded span by span, for the waterfall."
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
