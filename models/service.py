"""The life cycle of a script on one node: fence, read timestamp, pin, run, commit, retry.

Written as a task of the kernel. The order of the steps is the subject of the whole project and is
that of the modelled system (system.md 2.2 to 2.5): first the fence, then the read timestamp, then
the pin. The Raft index that a fence returns is not the read timestamp.

Local work (store reads, Lua, bookkeeping) is added up and paid in virtual time at the next wait, so
that a script which need not wait between two reads costs no event for them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha1
from typing import Any, Final

from models.attempt import Attempt, Cores, LocalCosts
from models.carrying import DEADLINE, Known, carry_out
from models.engine.requests import Asked, DeadlineExceeded, NotLeader
from models.engine.sites import Site, new_tally
from models.fence.policies import Policy, Start
from models.redis.commit import plan_commit
from models.redis.context import Context, Surroundings
from models.replies import NULL_ARRAY, ErrorReply, Reply
from models.request import Applied, Outcome, Request, Watch
from models.script.cache import Script, ScriptCache
from models.script.functions import (
    BadLibrary,
    Functions,
    Library,
    library,
    library_name,
    listing,
)
from models.script.machine import Done
from models.script.pool import MachinePool
from models.store.clock import CommitClock
from models.store.versions import Commit, Store
from sim.kernel import Kernel, Steps
from sim.record import UNSUPPORTED
from sim.resources import Slots
from sim.trail import Trail

__all__ = ["Applied", "Outcome", "Request", "RetryLimits", "Service", "Watch"]

_CONFLICT: Final = ErrorReply(b"write conflict")
_RETRY_LIMIT: Final = ErrorReply(b"redis txn retry limit exceeded: write conflict")


@dataclass(frozen=True, slots=True)
class RetryLimits:
    """Back-off after a write conflict, in ns; source: system.md 2.3."""

    executions: int
    """Runs of a script at most, the first included."""
    first_ns: int
    longest_ns: int


class Service:
    """Runs scripts on one node."""

    def __init__(
        self,
        kernel: Kernel,
        *,
        wall: Callable[[], int],
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
        """`wall` is what the node's clock says, in ns: TIME, and what expiries are compared with.

        `jitter` draws from [0, 1). `deadline_ns` holds from the arrival of a request on.
        """
        self._kernel = kernel
        self._wall = wall
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
        self.functions = Functions()
        self._known = Known(self.scripts, self.functions)
        self.unsupported: dict[str, int] = {}
        """Counters of the commands called that the modelled revision would have refused."""
        self.conflicts = 0

    def execute(self, request: Request, outcome: Outcome, trail: Trail | None) -> Steps:
        """Carry out a request: fills `outcome`, and `trail` if there is one."""
        deadline = self._kernel.now + self._deadline_ns
        of_a_script = request.parts is None and request.command is None
        if of_a_script:
            script = self._known.script_of(request)
            if isinstance(script, ErrorReply):
                outcome.fail(script)
                return
        if not self._workers.take_now():
            yield self._workers.wait()
            if trail is not None:
                trail.mark("queue", "wait for a worker", self._kernel.now)
        try:
            if self._kernel.now >= deadline:
                outcome.fail(DEADLINE)  # it passed in line, which is noticed only now
                return
            while (yield from self._attempt(request, outcome, trail, deadline)):
                if not (yield from self._back_off(outcome, trail, deadline)):
                    break
        finally:
            self._workers.give_back()

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
            wall, costs, cores = self._wall, self._costs, self._cores
            attempt = Attempt(
                kernel, wall, self._engine, policy, costs, cores, context, tally, trail
            )
            outcome.follow(context)
            if request.watched and self._changed(request.watched, start_ts):
                outcome.reply = NULL_ARRAY
            else:
                known, machines = self._known, self._machines
                yield from carry_out(request, known, machines, attempt, outcome, deadline)
            if self._concluded(request, attempt, outcome, deadline):
                return (yield from self._commit(attempt, outcome, policy.commit_guard))
            if attempt.owed:
                yield attempt.pay()
            return False
        finally:
            store.unpin(start_ts)

    def _concluded(
        self, request: Request, attempt: Attempt, outcome: Outcome, deadline: int
    ) -> bool:
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
            outcome.cut(DEADLINE)
        kept = request.keeps_writes and not outcome.cut_short
        return wrote and (kept or not outcome.failed)

    def _changed(self, watched: dict[bytes, Watch], now_ts: int) -> bool:
        """Whether a watched key is another than it was, at the read timestamp of an attempt."""
        store, now = self._store, self._wall()
        for key, watch in watched.items():
            expiry = store.view(key, now_ts).expiry
            gone = expiry is not None and expiry <= now
            if store.written_since(key, watch.since_ts) or (gone and not watch.expired):
                return True
        return False

    def key_count(self) -> int:
        """How many keys there are, those past their expiry included."""
        return len(self._store.names(self._store.last_commit_ts))

    def written_since(self, key: bytes, ts: int) -> bool:
        """Whether a commit later than `ts` has written the key, as far as this node knows."""
        return self._store.written_since(key, ts)

    def compile(self, body: bytes) -> ErrorReply | None:
        """What is wrong with the text of a script; None if nothing."""
        machine = self._machines.take()
        try:
            return machine.compile(Script(sha1(body, usedforsecurity=False).hexdigest(), body))
        finally:
            self._machines.give_back(machine)

    def library(self, code: bytes, *, replace: bool) -> Library:
        """The library of this text, which may be added, in place of that of its name with
        `replace`. Raises `BadLibrary`.
        """
        name = library_name(code)
        if not replace:
            self.functions.check_name(name)
        machine = self._machines.take()
        try:
            done = machine.start(listing(code), [], [], _no_call)
        finally:
            self._machines.give_back(machine)
        assert isinstance(done, Done), f"a library called something: {done!r}"
        if isinstance(done.reply, ErrorReply):
            raise BadLibrary(done.reply.text)
        listed: Any = done.reply
        made = library(name, code, listed)
        self.functions.check(made)
        return made

    def watch(self, key: bytes) -> Watch:
        """Watch a key from now on."""
        store = self._store
        expiry = store.view(key, store.last_commit_ts).expiry
        return Watch(store.last_commit_ts, expiry is not None and expiry <= self._wall())

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
            worked = self._kernel.now
            if self._costs.commit:
                worked += self._cores(self._costs.commit)
            applied: Applied = yield self._engine.propose(entry, until)
            if self._kernel.now < worked:
                yield worked - self._kernel.now
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


def _no_call(args: list[bytes]) -> Reply:
    raise AssertionError(f"a library that is loaded can call nothing, yet calls {args!r}")
