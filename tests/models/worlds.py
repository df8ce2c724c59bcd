"""Whole systems for tests: worlds from short settings, and a stage to send scripts by hand.

`run` runs a world to its end. `Stage` is a cluster without clients: a test sends scripts, lets time
pass and looks. `costs_of` tells what each call of a script reads and asks of the quorum.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from textwrap import dedent
from typing import Any, NamedTuple
from unittest.mock import patch

from models.attempt import Attempt
from models.cluster import Cluster
from models.engine.sites import CALLS, POINT_READS, ROUNDS, SCANS, Site, Tally
from models.network.rules import DROP, PASS, Rule, Verdict
from models.node import Node
from models.replies import Reply
from models.script.machine import PENDING, Answer, Pending
from models.service import Outcome, Request
from models.spec import System
from models.world import World
from sim.kernel import Kernel, Steps
from sim.record import RunRecord, VariantRecord
from sim.rng import Streams
from sim.trail import Trail
from sim.units import SECOND, us

OPEN_LANES = {
    "heartbeats": {"capacity": 64, "in_flight": "unlimited"},
    "others": {"capacity": 256, "in_flight": "unlimited"},
}
"""Lanes in which nothing waits."""
NETWORK = {"one_way": "500us", "lanes": OPEN_LANES}
ONE_WAY = us(500)
NOT_LEADER = b"etcd raft engine is not leader"
TOO_LATE = b"context deadline exceeded"


def make_system(**settings: Any) -> System:
    """A system with wide open lanes, no timelines, one client and one script, unless told."""
    base: dict[str, Any] = {
        "network": NETWORK,
        "timelines": 0,
        "workload": {"clients": 1, "scripts": [{"lua": "return 1"}]},
        "stop": {"scripts": 1},
    }
    return System.model_validate(base | settings)


def data_of(states: dict[str, str]) -> dict[str, Any]:
    """One key per entry, named and in the state given."""
    return {name: {"keys": [name], "state": state} for name, state in states.items()}


def run(
    *, seed: int = 1, prepare: Callable[[World], None] = lambda world: None, **settings: Any
) -> tuple[World, VariantRecord]:
    """Run a world to its end; `prepare` may change it before it starts."""
    world = World(make_system(**settings), seed=seed, lua_files={})
    prepare(world)
    return world, world.run(settings.get("fence", "one_fence"), {})


def record_of(*variants: VariantRecord) -> RunRecord:
    """A run record as `readfence run` would write it."""
    return RunRecord(readfence="test", name="test", seed=1, scenario={}, variants=list(variants))


def outcomes_of(record: VariantRecord) -> dict[str, int]:
    """How many scripts ended how."""
    texts = record.labels["outcome"]
    return {texts[code]: record.columns["outcome"].count(code) for code in range(len(texts))}


def let_pass(kernel: Kernel, duration_ns: int) -> None:
    """Let so much virtual time pass."""
    kernel.after(duration_ns, lambda _: kernel.halt())
    kernel.run_until_halted(events_max=kernel.events + 10**8, stall_ns=10**15)


def mutant(method: Callable[..., Any], *changes: tuple[str, str]) -> Callable[..., Any]:
    """A method whose source has been changed: each first text, which it must hold once, replaced.

    For the mistakes that a test must be able to notice.
    """
    source = dedent(inspect.getsource(method))
    for old, new in changes:
        assert source.count(old) == 1, f"{method.__qualname__} does not hold once: {old}"
        source = source.replace(old, new)
    made: dict[str, Any] = {}
    exec(compile(source, f"<mutant of {method.__qualname__}>", "exec"), method.__globals__, made)
    changed: Callable[..., Any] = made[method.__name__]
    return changed


def partition(*nodes: int) -> Rule:
    """A rule that cuts these nodes off from the others."""

    def cut(source: int, target: int, message: object, now: int) -> Verdict:
        return DROP if (source in nodes) != (target in nodes) else PASS

    return cut


class Sent:
    """A script that was sent, and what became of it."""

    def __init__(self, sent_ns: int) -> None:
        self.outcome = Outcome()
        self.sent_ns = sent_ns
        self.answered_ns: int | None = None

    @property
    def reply(self) -> Reply:
        """What it answered; it must have."""
        assert self.answered_ns is not None, "not answered yet"
        return self.outcome.reply

    @property
    def latency_ns(self) -> int:
        """From sending it to its answer."""
        assert self.answered_ns is not None, "not answered yet"
        return self.answered_ns - self.sent_ns

    @property
    def tally(self) -> Tally:
        """What the only attempt counted."""
        (tally,) = self.outcome.tallies
        return tally


class Stage:
    """A cluster without clients."""

    def __init__(self, *, seed: int = 1, **settings: Any) -> None:
        self.kernel = Kernel()
        self.cluster = Cluster(self.kernel, make_system(**settings), Streams(seed), None)
        self.cluster.start(lambda: None)

    def node(self, name: str = "n1") -> Node:
        """A node by its name."""
        return self.cluster.node(name)

    def pass_time(self, duration_ns: int) -> None:
        """Let so much virtual time pass."""
        let_pass(self.kernel, duration_ns)

    def send(self, request: Request, *, to: str = "n1", trail: Trail | None = None) -> Sent:
        """Send a request now; time must pass for an answer."""
        sent = Sent(self.kernel.now)

        def steps() -> Steps:
            yield from self.node(to).service.execute(request, sent.outcome, trail)
            sent.answered_ns = self.kernel.now

        self.kernel.spawn("script", steps())
        return sent

    def wait(self, *sent: Sent, at_most_ns: int = 60 * SECOND) -> None:
        """Let time pass until all of these are answered."""
        until = self.kernel.now + at_most_ns
        while any(each.answered_ns is None for each in sent):
            assert self.kernel.now < until, "no answer in time"
            self.pass_time(us(100))

    def ask(self, request: Request, *, to: str = "n1") -> Sent:
        """Send a request and wait for its answer."""
        sent = self.send(request, to=to)
        self.wait(sent)
        return sent


def script(lua: str, *keys: str, argv: tuple[str, ...] = ()) -> Request:
    """An EVAL."""
    return Request([key.encode() for key in keys], [word.encode() for word in argv], lua.encode())


def command(text: str) -> Request:
    """A single command."""
    return Request([], [], command=text.encode().split())


# -- call by call ----------------------------------------------------------------------------------


class CallCost(NamedTuple):
    """What one call (or the commit) asked for."""

    name: str
    """The call's words, or `commit`."""
    points: int
    scans: int
    verifications: int
    """V: explicit verifications of string rows."""
    fences: int
    """F: fences of the store wrapper."""


class ScriptCosts(NamedTuple):
    """What one attempt asked for, in all and call by call."""

    reply: Reply
    calls: list[CallCost]
    commit: CallCost
    tally: Tally
    """Of the whole attempt."""

    @property
    def letters(self) -> tuple[int, int, int, int]:
        """V, F, L, C."""
        tally = self.tally
        return (
            tally[Site.STRING_READ],
            tally[Site.STORE_POINT] + tally[Site.STORE_SCAN],
            tally[Site.SCRIPT_START],
            tally[Site.COMMIT_GUARD],
        )

    @property
    def rounds(self) -> int:
        """Quorum rounds on the wire."""
        return self.tally[ROUNDS]


class _WatchedAttempt(Attempt):
    """An attempt that notes its tally before and after each call."""

    log: list[CallCost]

    def answer(self) -> Answer:
        return self._watched

    def _watched(self, args: list[bytes]) -> "Reply | Pending":
        self._before = args, list(self.tally)
        reply = super().answer()(args)
        if reply is not PENDING:
            self.charge()
            self._note()
        return reply

    def settle(self) -> Steps:
        reply = yield from super().settle()
        self._note()
        return reply

    def _note(self) -> None:
        args, before = self._before
        cost = _difference(b" ".join(args).decode(), before, self.tally)
        assert self.tally[CALLS] == before[CALLS] + 1
        self.log.append(cost)


def _difference(name: str, before: Tally, after: Tally) -> CallCost:
    points, scans, string, point, scan = (
        after[field] - before[field]
        for field in (POINT_READS, SCANS, Site.STRING_READ, Site.STORE_POINT, Site.STORE_SCAN)
    )
    return CallCost(name, points, scans, string, point + scan)


@contextmanager
def watched_calls() -> Iterator[list[CallCost]]:
    """Every call answered meanwhile, in order, with what it asked for."""
    log: list[CallCost] = []
    with patch("models.service.Attempt", type("Watched", (_WatchedAttempt,), {"log": log})):
        yield log


def costs_on(stage: Stage, request: Request) -> ScriptCosts:
    """What a request asks for on a stage, call by call; it must need one attempt only."""
    with watched_calls() as calls:
        sent = stage.ask(request)
    tally = sent.tally
    summed: Tally = [0] * len(tally)
    for call in calls:
        for field, count in ((POINT_READS, call.points), (SCANS, call.scans)):
            summed[field] += count
        summed[Site.STRING_READ] += call.verifications
        summed[Site.STORE_POINT] += call.fences
    return ScriptCosts(sent.reply, calls, _difference("commit", summed, tally), tally)


def costs_of(lua: str, states: dict[str, str], fence: str) -> ScriptCosts:
    """What each call of a script asks for, on keys in these states (others are missing)."""
    return costs_on(Stage(fence=fence, data=data_of(states)), script(lua))


def lua_of(*commands: str) -> str:
    """A script that makes these calls, one after the other, and goes on after errors."""
    lines = []
    for text in commands:
        words = ", ".join(f"'{word}'" for word in text.split())
        lines.append(f"redis.pcall({words})")
    return "\n".join(lines)
