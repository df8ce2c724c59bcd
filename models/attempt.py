"""One attempt of a script: its commands, what they read, and the waiting that the fence asks for.

The adapter's answers come at once from the snapshot (`models/redis`). Here they get their price:
local time, which is owed and paid at the next wait, and the quorum rounds of a policy that verifies
inside the script, for which the task of the script waits one by one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from models.engine.requests import Asked, NotLeader
from models.engine.sites import CALLS, POINT_READS, SCANS, Site, Tally
from models.fence.policies import Policy
from models.redis.context import Context
from models.redis.reads import POINT, Reads
from models.redis.table import call
from models.replies import ErrorReply, Reply
from models.script.machine import PENDING, Answer, Pending
from sim.kernel import Kernel, Steps
from sim.trail import Trail

Cores: TypeAlias = Callable[[int], int]
"""Gives the cores of a node so many ns of work; the ns until it is done, waiting included."""


@dataclass(frozen=True, slots=True)
class LocalCosts:
    """What work on the node itself takes, in ns."""

    script: int
    """Per attempt: a Lua state, globals, compiling."""
    calls: Callable[[int], int]
    """Of the next so many redis.calls, apart from what they read."""
    point_read: int
    scan: int
    scan_row: int
    """Per row that a scan returns, its lock probe included."""
    commit: int
    """Per commit, beside its replication."""


class Attempt:
    """What one attempt has answered, counted and owes."""

    __slots__ = (
        "_cores", "_costs", "_engine", "_kernel", "_keys_before", "_label", "_policy", "_reply",
        "_wall", "context", "owed", "refused", "tally", "trail",
    )  # fmt: skip

    def __init__(
        self,
        kernel: Kernel,
        wall: Callable[[], int],
        engine: Asked,
        policy: Policy,
        costs: LocalCosts,
        cores: Cores,
        context: Context,
        tally: Tally,
        trail: Trail | None,
    ) -> None:
        """`wall` is what the node's clock says, in ns."""
        self._kernel = kernel
        self._wall = wall
        self._engine = engine
        self._policy = policy
        self._costs = costs
        self._cores = cores
        self.context = context
        self.tally = tally
        self.trail = trail
        self.owed = costs.script
        """Local time (ns) that has been spent and not yet passed."""
        self.refused: ErrorReply | None = None
        """Set once a verification has failed: this attempt answers nothing more, and writes
        nothing."""
        self._label = "script"
        context.now = wall()

    def answer(self) -> Answer:
        """What answers a command: with the reply, or `PENDING` when `settle` is to be waited for.

        Made for who asks, not kept: an attempt that held it would hold itself, and be garbage.
        """
        if self._policy.waits_inside:
            return self._answer_when_verified
        if self.trail is not None:
            return self._answer_and_mark
        # The shortest way: what the commands owe is added up once, at the end.
        return partial(call, self.context)

    def _answer_and_mark(self, args: list[bytes]) -> Reply:
        reply = call(self.context, args)
        self._name(args)
        self.charge()
        return reply

    def _answer_when_verified(self, args: list[bytes]) -> "Reply | Pending":
        context = self.context
        if self.refused is not None:
            # What the command before has loaded was never verified; it must not answer this one.
            context.calls += 1
            self._name(args)
            self.charge()
            return self.refused
        self._keys_before = len(context.views)
        reply = call(context, args)
        self._name(args)
        if not context.reads:
            self.charge()
            return reply
        self._reply = reply
        return PENDING

    def _name(self, args: list[bytes]) -> None:
        if self.trail is not None:
            words = b" ".join([args[0].upper(), *args[1:2]]).decode(errors="replace")
            self._label = f"{self.tally[CALLS] + self.context.calls} {words}"

    def charge(self) -> None:
        """Owe the local time of the commands so far; they wait for nobody."""
        reads = self.context.reads
        points = scans = rows = 0
        for _, its_points, its_scans, its_rows, _, _ in reads:
            points += its_points
            scans += its_scans
            rows += its_rows
        reads.clear()
        self._owe(points, scans, rows)
        self._owe_calls()
        if self.trail is not None:
            self.mark("local")

    def _owe_calls(self) -> None:
        context = self.context
        self.tally[CALLS] += context.calls
        self.owed += self._costs.calls(context.calls)
        context.calls = 0

    def _owe(self, points: int, scans: int, rows: int) -> None:
        """Count reads that wait for nobody, and owe their time."""
        costs, tally = self._costs, self.tally
        tally[POINT_READS] += points
        tally[SCANS] += scans
        self.owed += points * costs.point_read + scans * costs.scan + rows * costs.scan_row

    def settle(self) -> Steps:
        """Wait for what a command's reads need, step by step; gives the command's reply.

        A verification that fails becomes the command's error, and the rest is not read.
        """
        try:
            yield from self.read_verified()
        except NotLeader as error:
            self.mark("round")
            self.refused = ErrorReply(str(error).encode())
            self.context.forget(self._keys_before)  # the script has seen nothing of the others
            return self.refused
        self.context.now = self._wall()
        return self._reply

    def read_verified(self) -> Steps:
        """Carry out the reads so far as the policy demands, waiting where it verifies."""
        sequences, self.context.reads = self.context.reads, []
        self._owe_calls()
        self.mark("local")
        policy = self._policy
        for sequence in sequences:
            if policy.store_operations:
                yield from self._read_fenced(sequence)
            elif policy.string_reads and sequence.verified:
                # Written out, not a generator of its own: this is what a run of `per_call` does.
                costs, tally, verify = self._costs, self.tally, self._engine.verify_leader
                begun = False
                for points, scans in sequence.stretches:
                    if begun:
                        if self.owed:
                            yield self.pay()
                        yield verify(Site.STRING_READ, tally)
                        self.mark("round")
                    begun = True
                    tally[POINT_READS] += points
                    tally[SCANS] += scans
                    self.owed += points * costs.point_read + scans * costs.scan
                self.owed += sequence.rows * costs.scan_row
            else:
                self._owe(sequence.points, sequence.scans, sequence.rows)
        self.mark("local")

    def _read_fenced(self, sequence: Reads) -> Steps:
        """The store fences each of its operations; the adapter may verify before that."""
        policy, costs, engine, tally = self._policy, self._costs, self._engine, self.tally
        for step in sequence.steps:
            if policy.string_reads and step.verified:
                if self.owed:
                    yield self.pay()
                yield engine.verify_leader(Site.STRING_READ, tally)
                self.mark("round")
            if self.owed:
                yield self.pay()
            point = step.kind is POINT
            yield engine.linearizable_read(Site.STORE_POINT if point else Site.STORE_SCAN, tally)
            self.mark("round")
            tally[POINT_READS if point else SCANS] += 1
            self.owed += costs.point_read if point else costs.scan
        self.owed += sequence.rows * costs.scan_row

    def pay(self) -> int:
        """Have the cores do what is owed: the ns until it is done.

        The timeline tells the waiting for a core behind it.
        """
        owed, self.owed = self.owed, 0
        delay = self._cores(owed)
        if self.trail is not None:
            self.trail.mark("local", self._label, self._kernel.now + owed)
            if delay > owed:
                self.trail.mark("queue", "wait for a core", self._kernel.now + delay)
        return delay

    @property
    def now_ns(self) -> int:
        """The instant of virtual time."""
        return self._kernel.now

    def begin(self, label: str) -> None:
        """What follows belongs to `label`, for the trail."""
        self._label = label

    def mark(self, kind: str) -> None:
        """What happened since the last mark was of this kind, for the trail."""
        if self.trail is not None:
            self.trail.mark(kind, self._label, self._kernel.now + self.owed)
