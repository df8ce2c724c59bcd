"""What does not fit together in a system whose parts are each valid: names of nodes and key sets,
commands, Lua, timers, content of keys.
"""

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from models.load_spec import CallSpec, DataSpec
from models.redis.commands import COMMANDS
from models.redis.key_states import type_of
from models.redis.refused import Refused
from models.redis.stream import ZERO
from models.redis.stream_ids import parse_id
from models.script.syntax import syntax_error
from models.spec import System
from readfence.complaints import nearest
from readfence.places import Location
from sim.errors import InputError
from sim.units import format_duration

Problem: TypeAlias = tuple[Location, str]

_CONTENT: Final[dict[str, tuple[type, str]]] = {
    "string": (str, "text"),
    "list": (list, "a list"),
    "set": (list, "a list"),
    "hash": (dict, "a mapping of field to value"),
    "zset": (dict, "a mapping of member to score"),
    "stream": (dict, "a mapping of id to value"),
}
"""How the content of each type is written."""


def reference_problems(
    system: System, lua_files: Mapping[str, str | InputError]
) -> Iterator[Problem]:
    """Every problem, with its place. `lua_files`: the text of each file, or why there is none."""
    yield from _node_problems(system)
    yield from _lost_problems(system)
    yield from _fidelity_problems(system)
    yield from _timer_problems(system)
    yield from _extent_problems(system)
    yield from _group_problems(system)
    for g, load in enumerate(system.workload):
        for c, call in enumerate(load.scripts):
            at: Location = ("workload", g, "scripts", c)
            yield from _script_problems(at, call, lua_files)
            yield from _key_problems(at, call, system.data)
    yield from _content_problems(system.data)
    yield from _twice_problems(system.data)


def _node_problems(system: System) -> Iterator[Problem]:
    named: list[tuple[Location, str | None]] = [(("cluster", "leader"), system.cluster.leader)]
    for link in system.network.links:
        named += [(("network", "links", link), name) for name in link.split("->")]
    for i, event in enumerate(system.events):
        for kind in ("step_down", "transfer_to", "stall"):
            named.append((("events", i, kind), getattr(event, kind)))
    for g, load in enumerate(system.workload):
        named.append((("workload", g, "attach"), load.attach))
    for key in ("lost", "slow"):
        for i, name in enumerate(getattr(system.cluster, key)):
            named.append((("cluster", key, i if key == "lost" else name), name))
    nodes = [f"n{i}" for i in range(1, system.cluster.nodes + 1)]
    for location, name in named:
        if name not in (None, "elect", "leader", *nodes):
            yield location, f"expected a node from n1 to {nodes[-1]}, got {name!r}"
    for link in system.network.links:
        start, end = link.split("->")
        if start == end:
            yield ("network", "links", link), f"expected two nodes, got {start!r} twice"


def _lost_problems(system: System) -> Iterator[Problem]:
    """What cannot be done without the nodes that are lost."""
    cluster = system.cluster
    lost = dict.fromkeys(cluster.lost)
    if len(lost) >= (cluster.nodes + 1) // 2:
        most, were = (cluster.nodes - 1) // 2, "node" if cluster.nodes == 1 else "nodes"
        yield (
            ("cluster", "lost"),
            f"expected a majority of {cluster.nodes} {were} to be left, so {most} of them at most, "
            f"got {len(lost)}",
        )
    needed: list[tuple[Location, str | None]] = [(("cluster", "leader"), cluster.leader)]
    for i, event in enumerate(system.events):
        kinds = ("step_down", "transfer_to", "stall")
        needed += [(("events", i, kind), getattr(event, kind)) for kind in kinds]
    needed += [(("workload", g, "attach"), load.attach) for g, load in enumerate(system.workload)]
    for location, name in needed:
        if name in lost:
            yield location, f"expected a node that is not lost (`cluster.lost`), got {name!r}"


def _fidelity_problems(system: System) -> Iterator[Problem]:
    """What only `messages` can do."""
    if system.fidelity != "rounds":
        return
    only = "which only `fidelity: messages` knows"
    leader = system.cluster.leader
    if leader == "elect":
        yield ("cluster", "leader"), f"expected the node that leads, got an election, {only}"
    if system.cluster.nodes == 1:
        yield ("cluster", "nodes"), f"expected 2 or more, got 1: no quorum rounds, {only}"
    if system.events:
        yield ("events",), f"expected none, got {len(system.events)}: faults, {only}"
    for g, load in enumerate(system.workload):
        if leader != "elect" and load.attach not in ("leader", leader):
            yield (
                ("workload", g, "attach"),
                f"expected the leader, got {load.attach!r}: requests to a follower, {only}",
            )


def _timer_problems(system: System) -> Iterator[Problem]:
    engine = system.engine
    if engine.tick == 0:
        yield ("engine", "tick"), "expected a duration above 0, got 0"
        return
    for name in ("heartbeat", "election"):
        duration = getattr(engine, name)
        if duration % engine.tick or duration == 0:
            text = format_duration(duration)
            tick = format_duration(engine.tick)
            yield ("engine", name), f"expected a whole number of ticks of {tick}, got {text!r}"
    if engine.heartbeat >= engine.election:
        text, election = format_duration(engine.heartbeat), format_duration(engine.election)
        yield (
            ("engine", "heartbeat"),
            f"expected less than the election timeout of {election}, got {text!r}",
        )


def _extent_problems(system: System) -> Iterator[Problem]:
    stop, warmup = system.stop, system.warmup
    replays = [g for g, load in enumerate(system.workload) if load.replay is not None]
    if replays and len(system.workload) > 1:
        yield ("workload", replays[0], "replay"), "expected to be the only group of the workload"
    if replays and stop is not None:
        yield ("stop",), "expected none with a replay, which ends by itself"
    if stop is None:
        if not replays:
            yield ("stop",), "expected a value, got none"
        return
    if stop.scripts == 0:
        yield ("stop", "scripts"), "expected 1 or more, got 0"
    if stop.time == 0:
        yield ("stop", "time"), "expected a duration above 0, got 0"
    for name in ("virtual_time", "wall_time", "stall"):
        if getattr(system.limits, name) == 0:
            yield ("limits", name), "expected a duration above 0, got 0"
    if stop.scripts is not None and warmup.time is not None:
        yield ("warmup",), "expected `scripts`, since `stop` counts scripts, got `time`"
    if stop.scripts is None and (warmup.scripts or 0) > 0:
        yield ("warmup",), "expected `time`, since `stop` is a time, got `scripts`"


def _group_problems(system: System) -> Iterator[Problem]:
    seen: set[str] = set()
    for g, load in enumerate(system.workload):
        if load.name in seen:
            yield (
                ("workload", g, "name"),
                f"expected a name of its own, got {load.name!r}, which another group has",
            )
        seen.add(load.name)


def _script_problems(
    at: Location, call: CallSpec, lua_files: Mapping[str, str | InputError]
) -> Iterator[Problem]:
    if call.command is not None:
        name = call.command[0]
        known = [command.decode() for command in COMMANDS]
        if name.upper() not in known:
            hint = nearest(name.upper(), known)
            yield (
                (*at, "command", 0),
                f"expected a command that docs/scenario-reference.md lists, got {name!r}{hint}",
            )
        return
    key, body = "lua", call.lua or ""
    if call.source is not None:
        key = "lua_file" if call.lua_package is None else "lua_package"
        file = lua_files[call.source]
        if isinstance(file, InputError):
            yield (*at, key), str(file)
            return
        body = file
    error = syntax_error(body.encode())
    if error is not None:
        yield (*at, key), f"no valid Lua: {error}"


def _key_problems(at: Location, call: CallSpec, data: Mapping[str, DataSpec]) -> Iterator[Problem]:
    for k, keys in enumerate(call.keys):
        if isinstance(keys, str):
            continue
        where: Location = (*at, "keys", k)
        key_set = data.get(keys.from_)
        if key_set is None:
            known = ", ".join(data) or "none there"
            yield (
                (*where, "from"),
                f"expected a key set of `data` ({known}), got {keys.from_!r}"
                f"{nearest(keys.from_, data)}",
            )
        elif keys.count > (size := _size(key_set)):
            yield (*where, "count"), f"expected at most the {size} of the set, got {keys.count}"


def _size(key_set: DataSpec) -> int:
    return len(key_set.keys or ()) if key_set.count is None else key_set.count


def _content_problems(data: Mapping[str, DataSpec]) -> Iterator[Problem]:
    for name, key_set in data.items():
        kind, value = type_of(key_set.state), key_set.value
        expected = _CONTENT.get(kind)
        if value is not None and expected is not None and not isinstance(value, expected[0]):
            yield (
                ("data", name, "value"),
                f"expected {expected[1]} for the state {key_set.state}, got {value!r}",
            )
        elif kind == "zset" and isinstance(value, dict):
            for member, score in value.items():
                if isinstance(score, str):
                    yield ("data", name, "value", member), f"expected a number, got {score!r}"
        elif kind == "stream" and isinstance(value, dict):
            yield from _id_problems(name, value)


def _id_problems(name: str, entries: Mapping[str, object]) -> Iterator[Problem]:
    """Ids of a stream's entries that are none, or do not rise."""
    last = ZERO
    for text in entries:
        try:
            id = parse_id(text.encode())
        except Refused:
            yield ("data", name, "value", text), f"expected an id such as 5-1, got {text!r}"
            continue
        if id <= last:
            yield ("data", name, "value", text), f"expected rising ids above 0-0, got {text!r}"
        last = max(last, id)


def _twice_problems(data: Mapping[str, DataSpec]) -> Iterator[Problem]:
    """Keys that two sets hold, or one set twice."""
    seen: dict[str, str] = {}
    for name, key_set in data.items():
        for i, key in enumerate(key_set.keys or ()):
            other = seen.get(key) or _counted_set_of(key, data)
            if other is not None:
                yield ("data", name, "keys", i), f"the key {key!r} is in {other!r} already"
            seen[key] = name


def _counted_set_of(key: str, data: Mapping[str, DataSpec]) -> str | None:
    """The set with `count` that a key belongs to by its name."""
    name, _, position = key.rpartition(":")
    key_set = data.get(name)
    if key_set is None or key_set.count is None:
        return None
    inside = position.isdecimal() and str(int(position)) == position
    return name if inside and int(position) < key_set.count else None
