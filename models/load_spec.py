"""What a scenario says of its clients and their data; part of the schema in `models.spec`."""

from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema, field_validator, model_validator

from models.fence.policies import POLICIES
from models.redis.key_states import STATES
from sim.dist_spec import LawSpec
from sim.fields import Count, Duration, Number, Rate, Spec, said

Word = Annotated[str, WithJsonSchema({"type": ["string", "number"]})]
"""An argument of a command; numbers are taken as their text."""
NodeName = Annotated[str, Field(pattern=r"^n[1-9]$", examples=["n1"])]
FenceName = Literal["per_call", "one_fence", "as_merged", "before", "log_read", "none"]
assert set(FenceName.__args__) == set(POLICIES)  # type: ignore[attr-defined]
assert len(STATES) == 29


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
        "(field: value), sorted sets (member: score) and streams (id: value of its one field). "
        "Default: a small one of the right type.",
    )
    expires: Duration = said(
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


class LuaPackageSpec(Spec):
    """A script that an installed Python package brings along; it is read as text, never run."""

    package: str = Field(description="Name under which it is installed.", examples=["bullmq"])
    file: str | None = Field(
        default=None, description="A file of it, as installed: `limits/resources/.../x.lua`."
    )
    attribute: str | None = Field(
        default=None,
        pattern=r"^\w+(\.\w+)*:\w+(\.\w+)*$",
        description="Or a text in one of its modules: `redis.lock:Lock.LUA_RELEASE_SCRIPT`.",
    )

    @model_validator(mode="after")
    def _says_where(self) -> "LuaPackageSpec":
        if (self.file is None) == (self.attribute is None):
            raise ValueError("expected either `file` or `attribute`")
        return self

    @property
    def source(self) -> str:
        """Names the script among the texts of a scenario."""
        return f"{self.package}:{self.file or self.attribute}"


class CallSpec(Spec):
    """One kind of script (or single command) that clients send."""

    name: str = Field(default="", description="For tables; default: `script` or the command.")
    weight: Annotated[Number, Field(gt=0)] = Field(default=1.0, description="Share among others.")
    lua: str | None = Field(default=None, description="The script's text.")
    lua_file: str | None = Field(
        default=None, description="Or its file, relative to the scenario's folder."
    )
    lua_package: LuaPackageSpec | None = Field(
        default=None, description="Or where it stands in an installed package."
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
        ways = (self.lua, self.lua_file, self.lua_package, self.command)
        if sum(way is not None for way in ways) != 1:
            raise ValueError("expected one of `lua`, `lua_file`, `lua_package` and `command`")
        if self.command is not None and not self.command:
            raise ValueError("expected a command with its arguments, got an empty list")
        return self

    @property
    def source(self) -> str | None:
        """Where its text is found, outside the scenario; None when it stands there."""
        return self.lua_file if self.lua_package is None else self.lua_package.source

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
    """A group of clients: closed loop (`clients`), open loop (`arrivals`), or a `replay`."""

    name: str = Field(default="load", description="Names the group's random streams.")
    clients: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = Field(
        default=None,
        description="Closed loop: each client sends its next script when the last is answered.",
    )
    think: LawSpec = said("0", "Closed loop: pause before the next.")
    arrivals: ArrivalsSpec | None = Field(
        default=None, description="Open loop; latency counts from the intended arrival."
    )
    connections: Count | Literal["unlimited"] = Field(
        default="unlimited",
        description="Open loop: scripts under way at once; the next waits for a free connection, "
        "and its latency counts that. In a closed loop each client has one.",
    )
    attach: NodeName | Literal["leader"] = Field(
        default="leader",
        description="Where they send: to whoever leads (found for free), or always to one node.",
    )
    scripts: list[CallSpec] = Field(default=[], description="What they send; not for a replay.")
    replay: str | None = Field(
        default=None,
        description="A recording (`readfence record`, `readfence import`), relative to the "
        "scenario's folder: each of its connections sends what it sent, when it sent it.",
    )
    lua_packages: list[str] = Field(
        default=[],
        description="Of a replay: installed packages in whose Lua files the scripts are looked for "
        "that the recording names by their SHA-1.",
        examples=[["bullmq"]],
    )
    speed: Annotated[Number, Field(ge=1e-6)] = Field(
        default=1.0, description="Of a replay: 2 sends everything in half the time."
    )

    @model_validator(mode="after")
    def _open_or_closed(self) -> "LoadSpec":
        if self.replay is not None:
            if self.clients is not None or self.arrivals is not None or self.scripts:
                raise ValueError("expected `replay` without `clients`, `arrivals` and `scripts`")
            return self
        if self.lua_packages:
            raise ValueError("expected `replay` with `lua_packages`; scripts have `lua_package`")
        if not self.scripts:
            raise ValueError("expected `scripts`, at least one")
        if (self.clients is None) == (self.arrivals is None):
            raise ValueError("expected either `clients` (closed loop) or `arrivals` (open loop)")
        if self.clients is not None and self.connections != "unlimited":
            raise ValueError("expected `arrivals` with `connections`; `clients` have one each")
        return self
