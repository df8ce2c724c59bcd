"""The life cycle of a script on one node: fence, read timestamp, pin, run, commit, retry.

Written as a task of the kernel. The order of the steps is the subject of the whole project and is
that of the modelled system (system.md 2.2 to 2.5): first the fence, then the read timestamp, then
the pin. The Raft index that a fence returns is not the read timestamp.

Local work (store reads, Lua, bookkeeping) is added up and paid in virtual time at the next wait, so
that a script which need not wait between two reads costs no event for them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from models.attempt import Attempt, Cores, LocalCosts
from models.engine.requests import Asked, DeadlineExceeded, NotLeader
from models.engine.sites import Site, Tally, new_tally
from models.fence.policies import Policy, Start
from models.redis.commit import plan_commit
from models.redis.context import Context, Surroundings
from models.replies import ErrorReply, Reply
from models.script.cache import NO_SCRIPT, Script, ScriptCache
from models.script.machine import PENDING, Call
from models.script.pool import MachinePool
from models.store.clock import CommitClock
from models.store.versions import Commit, Store
from sim.kernel import Kernel, Steps
from sim.record import UNSUPPORTED
from sim.resources import Slots
from sim.trail import Trail

_CONFLICT: Final = ErrorReply(b"write conflict")
_RETRY_LIMIT: Final = ErrorReply(b"redis txn retry limit exceeded: write conflict")
_DEADLINE: Final = ErrorReply(str(DeadlineExceeded()).encode())


@dataclass(frozen=True, slots=True)
class RetryLimits:
    """Back-off after a write conflict, in ns; source: system.md 2.3."""

    executions: int
    """Runs of a script at most, the first included."""
    first_ns: int
    longest_ns: int


@dataclass(slots=True)
class Request:
    """What a client sends: EVALSHA with a hash, EVAL with a body, or a single command."""

    keys: list[bytes]
    argv: list[bytes]
    body: bytes = b""
    sha: bytes | None = None
    """Sent instead of the body, when set."""
    command: list[bytes] | None = None
    """Sent instead of a script, when set."""
    policy: Policy | None = None
    """A fence of its own instead of the node's."""

    def as_eval(self) -> "Request":
        """The same with its body, for a node that does not know the hash."""
        return replace(self, sha=None)


class Applied(NamedTuple):
    """What applying a commit on a node gave."""

    conflict: bytes | None
    """The key that refused it, or None."""
    at_ns: int
    """When the first node applied it."""


class Outcome:
    """What came of a request, for the client and for the judges."""

    __slots__ = (
        "attempts", "commit_ts", "committed_ns", "cut_short", "failed", "published", "read_keys",
        "read_ns",
        "reply", "start_ts", "tallies", "unsettled", "written_keys",
    )  # fmt: skip

    def __init__(self) -> None:
        self.reply: Reply = None
        self.failed = False
        """Whether an error ended the script, so that nothing was committed."""
        self.cut_short = False
        """Whether the node ended the last attempt before it was through: a fence, a guard or a
        commit that failed, or the deadline. An error that the script raised did not."""
        self.attempts = 0
        self.tallies: list[Tally] = []
        """Per attempt; the last one belongs to the reply."""
        self.start_ts = 0
        """Read timestamp of the last attempt; 0 when none got that far."""
        self.read_ns = 0
        """When that timestamp was taken."""
        self.commit_ts = 0
        """0 when nothing was written."""
        self.committed_ns = 0
        """When the writes became visible on some node."""
        self.published: list[tuple[bytes, bytes]] = []
        """Channels and messages that the last attempt published: to be sent once it has committed,
        or has ended without writing."""
        self.unsettled = False
        """Whether a write was proposed whose fate the client was not told."""
        self.read_keys: Iterable[bytes] = ()
        self.written_keys: tuple[bytes, ...] = ()

    def follow(self, context: Context) -> None:
        """Know what an attempt reads and publishes as it goes on."""
        self.read_keys = context.keys
        self.published = context.published

    def reset(self) -> None:
        """As new: the request is sent again in another form."""
        assert not self.tallies, "an attempt was made already"
        self.reply = None
        self.failed = False

    def fail(self, reply: ErrorReply) -> None:
        """End with an error."""
        self.reply = reply
        self.failed = True

    def cut(self, reply: ErrorReply) -> None:
        """End with an error, in the middle of an attempt."""
        self.fail(reply)
        self.cut_short = True


class Service:
    """Runs scripts on one node."""

    def __init__(
        self,
        kernel: Kernel,
        *,
        engine: Asked,
        store: Store,
        clock: CommitClock,
        policy: Policy,
        costs: LocalCosts,
        cores: Cores,
        retry: RetryLimits,
        deadline_ns: int,
        timestamp_at_proposal: bool,
        machines: MachinePool,
        workers: Slots,
        jitter: Callable[[], float],
        surroundings: Surroundings,
    ) -> None:
        """`jitter` draws from [0, 1). `deadline_ns` holds from the arrival of a request on."""
        self._kernel = kernel
        self._engine = engine
        self._store = store
        self._clock = clock
        self._policy = policy
        self._costs = costs
        self._cores = cores
        self._retry = retry
        self._deadline_ns = deadline_ns
        self._timestamp_at_proposal = timestamp_at_proposal
        self._machines = machines
        self._workers = workers
        self._jitter = jitter
        self.surroundings = surroundings
        self.scripts = ScriptCache()
        self.unsupported: dict[str, int] = {}
        """Counters of the commands called that the modelled revision would have refused."""
        self.conflicts = 0

    def execute(self, request: Request, outcome: Outcome, trail: Trail | None) -> Steps:
        """Carry out a request: fills `outcome`, and `trail` if there is one."""
        deadline = self._kernel.now + self._deadline_ns
        script = None
        if request.command is None:
            script = self._script(request)
            if script is None:
                outcome.fail(NO_SCRIPT)
                return
        if not self._workers.take_now():
            yield self._workers.wait()
            if trail is not None:
                trail.mark("queue", "wait for a worker", self._kernel.now)
        try:
            if self._kernel.now >= deadline:
                outcome.fail(_DEADLINE)  # it passed in line, which is noticed only now
                return
            while (yield from self._attempt(request, script, outcome, trail, deadline)):
                if not (yield from self._back_off(outcome, trail, deadline)):
                    break
        finally:
            self._workers.give_back()

    def _script(self, request: Request) -> Script | None:
        if request.sha is None:
            return self.scripts.load(request.body)
        return self.scripts.find(request.sha)

    def _back_off(self, outcome: Outcome, trail: Trail | None, deadline: int) -> Steps:
        """Wait before the next attempt; False when there must be none, and `outcome` is final."""
        self.conflicts += 1
        retry = self._retry
        if outcome.attempts >= retry.executions:
            outcome.fail(_RETRY_LIMIT)
            return False
        pause = min(retry.first_ns << (outcome.attempts - 1), retry.longest_ns)
        wait = pause + int(self._jitter() * (pause // 2))
        left = deadline - self._kernel.now
        yield max(min(wait, left), 0)
        if trail is not None:
            trail.mark("backoff", "back-off", self._kernel.now)
        if wait >= left:
            outcome.fail(_CONFLICT)
            return False
        return True

    def _attempt(
        self,
        request: Request,
        script: Script | None,
        outcome: Outcome,
        trail: Trail | None,
        deadline: int,
    ) -> Steps:
        """One attempt; True when it met a write conflict, else `outcome` is final."""
        kernel, store = self._kernel, self._store
        policy = request.policy or self._policy
        tally = new_tally()
        outcome.attempts += 1
        outcome.tallies.append(tally)
        try:
            if policy.start is Start.READ_INDEX:
                yield self._engine.linearizable_read(Site.SCRIPT_START, tally, deadline)
            elif policy.start is Start.LOG:
                yield self._engine.log_read(Site.SCRIPT_START, tally, deadline)
        except (NotLeader, DeadlineExceeded) as error:
            outcome.cut(ErrorReply(str(error).encode()))
            return False
        finally:
            if trail is not None:
                kind = "log" if policy.start is Start.LOG else "round"
                trail.mark(kind, "fence", kernel.now)
        start_ts = outcome.start_ts = store.last_commit_ts
        outcome.read_ns = kernel.now
        store.pin(start_ts)
        try:
            context = Context(store, start_ts, self.surroundings)
            attempt = Attempt(
                kernel, self._engine, policy, self._costs, self._cores, context, tally, trail
            )
            outcome.follow(context)
            if script is None:
                yield from self._run_command(request, attempt, outcome)
            else:
                # Only now: who waits for a fence holds no Lua state, and one that has just been
                # used is the fastest.
                machine = self._machines.take()
                try:
                    state = machine.start(script, request.keys, request.argv, attempt.answer())
                    while type(state) is Call:
                        reply = yield from attempt.settle()
                        if kernel.now >= deadline:
                            # The read itself has no deadline; the Lua VM notices after it.
                            state = machine.kill(_DEADLINE.text)
                            outcome.cut_short = True
                        else:
                            state = machine.resume(reply)
                finally:
                    self._machines.give_back(machine)
                outcome.reply = state.reply
                outcome.failed = state.raised
            if self._concluded(attempt, outcome, deadline):
                return (yield from self._commit(attempt, outcome, policy.commit_guard))
            if attempt.owed:
                yield attempt.pay()
            return False
        finally:
            store.unpin(start_ts)

    def _concluded(self, attempt: Attempt, outcome: Outcome, deadline: int) -> bool:
        """The script is through: count and price what it did; whether to commit what it wrote."""
        attempt.charge()
        context, now = attempt.context, self._kernel.now
        for command in context.unsupported:
            name = UNSUPPORTED + command.decode()
            self.unsupported[name] = self.unsupported.get(name, 0) + 1
        wrote = context.wrote()
        if attempt.refused is not None:
            outcome.cut_short = True
            if wrote:
                outcome.fail(attempt.refused)
        if not outcome.cut_short and now + attempt.owed > deadline:
            # The Lua VM notices between instructions, so before the script could commit.
            attempt.owed = deadline - now
            if attempt.trail is not None:
                attempt.trail.cut(deadline)
            outcome.cut(_DEADLINE)
        return wrote and not outcome.failed

    def _run_command(self, request: Request, attempt: Attempt, outcome: Outcome) -> Steps:
        assert request.command is not None
        attempt.context.from_script = False
        reply = attempt.answer()(request.command)
        if reply is PENDING:
            reply = yield from attempt.settle()
        outcome.reply = reply
        outcome.failed = isinstance(reply, ErrorReply)

    def _commit(self, attempt: Attempt, outcome: Outcome, guarded: bool) -> Steps:
        """Commit what the attempt wrote; True on a write conflict."""
        attempt.begin("commit")
        early = 0 if self._timestamp_at_proposal else self._next_timestamp()
        changes = plan_commit(attempt.context)
        try:
            yield from attempt.read_verified()
            if attempt.owed:
                yield attempt.pay()
            if changes is None:
                return False
            if guarded:
                yield self._engine.verify_leader(Site.COMMIT_GUARD, attempt.tally)
                attempt.mark("round")
        except NotLeader as error:
            attempt.mark("round")
            outcome.cut(ErrorReply(str(error).encode()))
            return False

        def entry() -> Commit:
            commit_ts = outcome.commit_ts = early or self._next_timestamp()
            return Commit(outcome.start_ts, commit_ts, changes.at(commit_ts))

        try:
            until = self._kernel.now + self._deadline_ns
            applied: Applied = yield self._engine.propose(entry, until)
        except (NotLeader, DeadlineExceeded) as error:
            outcome.unsettled = outcome.commit_ts > 0
            outcome.cut(ErrorReply(str(error).encode()))
            return False
        finally:
            attempt.mark("log")
        if applied.conflict is not None:
            outcome.commit_ts = 0
            return True
        outcome.committed_ns = applied.at_ns
        outcome.written_keys = changes.keys()
        return False

    def _next_timestamp(self) -> int:
        return self._clock.next(self._kernel.now, self._store.last_commit_ts)
