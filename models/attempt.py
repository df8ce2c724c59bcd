"""One attempt of a script: its commands, what they read, and the waiting that the fence policy asks.

The adapter's answers come at once from the snapshot (`models/redis`). What this module adds is their
price: local time, which is owed and paid at the next wait, and the quorum rounds of a policy that
verifies inside the script, which the task of the script waits for one by one.
"""

from dataclasses import dataclass

from models.engine.engine import Engine, NotLeader
from models.engine.sites import CALLS, POINT_READS, SCANS, Site, Tally
from models.fence.policies import Policy
from models.redis.context import Context
from models.redis.reads import POINT, Step
from models.redis.table import call
from models.replies import ErrorReply, Reply
from models.script.machine import PENDING, Pending
from sim.kernel import Kernel, Steps
from sim.trail import Trail


@dataclass(frozen=True, slots=True)
class LocalCosts:
    """What work on the node itself takes, in ns."""

    script: int
    """Per attempt: a Lua state, globals, compiling."""
    call: int
    """Per redis.call, apart from what it reads."""
    point_read: int
    scan: int
    scan_row: int
    """Per row that a scan returns, its lock probe included."""


class Attempt:
    """What one attempt has answered, counted and owes."""

    __slots__ = (
        "_costs", "_engine", "_kernel", "_label", "_policy", "_reply", "answer", "context", "owed",
        "tally", "trail",
    )  # fmt: skip

    def __init__(
        self,
        kernel: Kernel,
        engine: Engine,
        policy: Policy,
        costs: LocalCosts,
        context: Context,
        tally: Tally,
        trail: Trail | None,
    ) -> None:
        self._kernel = kernel
        self._engine = engine
        self._policy = policy
        self._costs = costs
        self._label = ""
        self._reply: Reply = None
        self.context = context
        self.tally = tally
        self.trail = trail
        self.owed = costs.script
        """Local time (ns) that has been spent and not yet passed."""
        self.answer = self._answer_when_verified if policy.waits_inside else self._answer_at_once
        """Answers a command: the reply, or `PENDING` when `settle` has to be waited for."""

    def _answer_at_once(self, args: list[bytes]) -> Reply:
        context = self.context
        context.now = self._kernel.now + self.owed
        reply = call(context, args)
        self.tally[CALLS] += 1
        self._name(args)
        self.owed += self._costs.call
        if context.reads:
            self.charge()
        self.mark("local")
        return reply

    def _answer_when_verified(self, args: list[bytes]) -> "Reply | Pending":
        context = self.context
        context.now = self._kernel.now + self.owed
        reply = call(context, args)
        self.tally[CALLS] += 1
        self._name(args)
        self.owed += self._costs.call
        if not context.reads:
            self.mark("local")
            return reply
        self._reply = reply
        return PENDING

    def _name(self, args: list[bytes]) -> None:
        if self.trail is not None:
            words = b" ".join([args[0].upper(), *args[1:2]]).decode(errors="replace")
            self._label = f"{self.tally[CALLS]} {words}"

    def charge(self) -> None:
        """Owe the local time of the reads so far; they wait for nobody."""
        costs, tally = self._costs, self.tally
        points = scans = rows = 0
        for sequence in self.context.reads:
            points += sequence.points
            scans += sequence.scans
            rows += sequence.rows
        self.context.reads.clear()
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
            return ErrorReply(str(error).encode())
        return self._reply

    def read_verified(self) -> Steps:
        """Carry out the reads so far as the policy demands, waiting where it verifies."""
        sequences, self.context.reads = self.context.reads, []
        costs = self._costs
        for sequence in sequences:
            for step in sequence.steps:
                yield from self._verify(step)
                point = step.kind is POINT
                self.tally[POINT_READS if point else SCANS] += 1
                self.owed += costs.point_read if point else costs.scan
            self.owed += sequence.rows * costs.scan_row
        self.mark("local")

    def _verify(self, step: Step) -> Steps:
        policy, engine = self._policy, self._engine
        if policy.string_reads and step.verified:
            yield from self.pay()
            yield engine.verify_leader(Site.STRING_READ, self.tally)
            self.mark("round")
        if policy.store_operations:
            yield from self.pay()
            site = Site.STORE_POINT if step.kind is POINT else Site.STORE_SCAN
            yield engine.linearizable_read(site, self.tally)
            self.mark("round")

    def pay(self) -> Steps:
        """Let the time pass that is owed."""
        if self.owed:
            self.mark("local")
            owed, self.owed = self.owed, 0
            yield owed

    def begin(self, label: str) -> None:
        """What follows belongs to `label`, for the trail."""
        self._label = label

    def mark(self, kind: str) -> None:
        """What happened since the last mark was of this kind, for the trail."""
        if self.trail is not None:
            self.trail.mark(kind, self._label, self._kernel.now + self.owed)
