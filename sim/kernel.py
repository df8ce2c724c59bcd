"""The kernel: virtual time in whole nanoseconds, events in a fixed order, tasks, limits.

The only module that imports simpy. Order is (time, tie, sequence): two events of one instant run in
the order in which they were scheduled. A model must not lean on that order; `tie_break` replaces it
with a drawn one, so that a test can show that no verdict depends on it.

Two ways to be called back:

- `Kernel.after(delay, action, argument)` runs `action(event)` later, with the argument in
  `event.argument`. It is the cheapest thing simpy can do (one heap entry, one small object), and
  what message passing is built of.
- `Kernel.spawn(name, generator)` runs a generator as a `Task`: it yields a number of nanoseconds to
  sleep or a `Future` to wait for. It is what a script's life cycle is written in. simpy's own
  processes cost more than twice as much per step.
"""

from collections.abc import Callable, Generator
from heapq import heappop, heappush
from typing import Any, Final, TypeAlias

import simpy

from sim.errors import LimitReached, Stalled
from sim.units import human_duration

CHUNK: Final = 4096
"""Events between two looks at the limits, which are kept to the event nevertheless: a chunk ends
where the event limit does, and pauses are measured when they end."""


class Event(simpy.Event):
    """One scheduled call. `argument` is whatever `Kernel.after` was given."""

    argument: Any
    _ok = True

    def __init__(self, action: "Action", argument: Any = None) -> None:
        self.callbacks = [action]
        self.argument = argument


Action: TypeAlias = Callable[[Event], None]


class Future:
    """A result that is not there yet. At most one task waits for it.

    `what` says what is waited for, for the report about a stalled run.
    """

    __slots__ = ("_error", "_value", "_waiter", "done", "what")

    def __init__(self, what: str) -> None:
        self.what = what
        self.done = False
        self._value: Any = None
        self._error: Exception | None = None
        self._waiter: Task | None = None

    def resolve(self, value: Any = None) -> None:
        """Hand over the result; the waiting task, if any, goes on at once. Once only."""
        assert not self.done, f"resolved twice: {self.what}"
        self.done = True
        self._value = value
        if self._waiter is not None:
            self._waiter._go(value)

    def fail(self, error: Exception) -> None:
        """Raise `error` in the waiting task, or in the one that will wait. Once only."""
        assert not self.done, f"resolved twice: {self.what}"
        self.done = True
        self._error = error
        if self._waiter is not None:
            self._waiter._throw(error)


Wait: TypeAlias = int | Future
Steps: TypeAlias = Generator[Wait, Any, Any]


class Task:
    """A generator that runs in virtual time. It yields what it waits for: ns, or a `Future`."""

    __slots__ = ("_generator", "_kernel", "_send", "_wake", "name", "waits_for")

    def __init__(self, kernel: "Kernel", name: str, generator: Steps) -> None:
        self.name = name
        self.waits_for: Wait = 0
        self._kernel = kernel
        self._generator = generator
        self._send = generator.send
        self._wake = Event(self._woken)

    def _woken(self, event: Event) -> None:
        self._go(None)

    def _go(self, value: Any) -> None:
        """Hand `value` to the generator and wait for what it yields."""
        try:
            wait = self._send(value)
        except StopIteration:
            del self._kernel.tasks[self]
            return
        self._take_up(wait)

    def _throw(self, error: Exception) -> None:
        try:
            wait = self._generator.throw(error)
        except StopIteration:
            del self._kernel.tasks[self]
            return
        self._take_up(wait)

    def _take_up(self, wait: Wait) -> None:
        """Wait; a future that is done already hands over at once, in a loop, not by recursion."""
        try:
            while type(wait) is not int:
                assert isinstance(wait, Future), f"{self.name}: expected ns or a Future: {wait!r}"
                if not wait.done:
                    assert wait._waiter is None, f"two tasks wait for {wait.what}"
                    wait._waiter = self
                    self.waits_for = wait
                    return
                error = wait._error
                wait = self._send(wait._value) if error is None else self._generator.throw(error)
        except StopIteration:
            del self._kernel.tasks[self]
            return
        self.waits_for = wait
        self._kernel.again(wait, self._wake)


class Kernel(simpy.Environment):
    """Virtual time, from 0 on.

    simpy keeps the queue. Its `schedule` and `step` are written out in `after` and
    `run_until_halted`, and `now` is a plain attribute: calls and properties cost a quarter of the
    time of an event otherwise.
    """

    now: int = 0
    """The current instant in ns."""

    def __init__(self, *, tie_break: Callable[[], int] | None = None) -> None:
        super().__init__(initial_time=0)
        self.tasks: dict[Task, None] = {}
        self.events = 0
        self.progress = 0
        """Units of work done so far; a run whose progress stands still is stalled."""
        self._progressed = 0
        """When the last one was done."""
        self._pause = 0
        """Longest time between two of them, in ns."""
        self._halted = False
        self._tie_break = tie_break

    def after(self, delay: int, action: Action, argument: Any = None) -> None:
        """Call `action(event)` in `delay` ns, with `argument` in `event.argument`."""
        assert type(delay) is int and delay >= 0, (
            f"a delay must be an int number of ns, 0 or more, got {delay!r}; write ms(1.5)"
        )
        tie = 1 if self._tie_break is None else self._tie_break()
        event = Event(action, argument)
        heappush(self._queue, (self.now + delay, tie, next(self._eid), event))  # type: ignore[misc]

    def again(self, delay: int, event: Event) -> None:
        """Let `event` happen in `delay` ns; made once, it may be on its way any number of times.

        For what happens all the time and carries nothing: it saves making an event each time.
        """
        assert type(delay) is int and delay >= 0, f"a delay must be ns, 0 or more, got {delay!r}"
        tie = 1 if self._tie_break is None else self._tie_break()
        heappush(self._queue, (self.now + delay, tie, next(self._eid), event))  # type: ignore[misc]

    def spawn(self, name: str, generator: Steps) -> Task:
        """Start a task now; it runs up to its first wait before this returns."""
        task = Task(self, name, generator)
        self.tasks[task] = None
        task._go(None)
        return task

    def step(self) -> None:
        """Run the next event, whoever steps the kernel; `IndexError` when there is none."""
        self.now, _, _, event = heappop(self._queue)  # type: ignore[assignment]
        for callback in event.callbacks:
            callback(event)

    def advance(self) -> None:
        """Note that a unit of work is done."""
        self.progress += 1
        pause = self.now - self._progressed
        if pause > self._pause:
            self._pause = pause
        self._progressed = self.now

    def halt(self) -> None:
        """End the run after the current event."""
        self._halted = True

    def run_until_halted(
        self,
        *,
        events_max: int,
        stall_ns: int,
        keep_on: Callable[[], str | None] = lambda: None,
    ) -> None:
        """Run events until somebody calls `halt`.

        `keep_on` is asked every few thousand events and at the end, and may end the run by naming a
        reason, for limits the kernel cannot see (wall time). Raises `LimitReached` when
        `events_max` events were not enough or `keep_on` names a reason, and `Stalled` when no event
        is left, or when nothing advanced for more than `stall_ns` of virtual time; both say who
        waits for what.
        """
        self._halted = False
        self._progressed, self._pause = self.now, 0
        queue = self._queue
        while not self._halted:
            done = 0
            try:
                for done in range(1, min(CHUNK, events_max - self.events) + 1):  # noqa: B007
                    self.now, _, _, event = heappop(queue)  # type: ignore[assignment]
                    for callback in event.callbacks:
                        callback(event)
                    if self._halted:
                        break
            except IndexError:
                if queue:
                    raise
                raise Stalled(
                    f"nothing is left to happen at t={self._clock()}{self.waiting()}"
                ) from None
            finally:
                self.events += done
            self._hold(events_max, stall_ns)
            reason = keep_on()
            if reason is not None:
                raise LimitReached(self.stopped(reason))

    def _hold(self, events_max: int, stall_ns: int) -> None:
        """Hold the run, under way or at its end, against its limits."""
        pause = self._pause if self._halted else max(self._pause, self.now - self._progressed)
        if pause > stall_ns:
            raise Stalled(
                f"no script ended in {human_duration(pause)} of virtual time "
                f"(limits.stall is {human_duration(stall_ns)}), at t={self._clock()}"
                f"{self.waiting()}"
            )
        if self.events >= events_max and not self._halted:
            raise LimitReached(
                f"stopped after {self.events:,} events at t={self._clock()} "
                f"(limits.events is {events_max:,}){self.waiting()}"
            )

    def stopped(self, reason: str) -> str:
        """That a limit ended the run now, for this reason, and who waits for what."""
        return f"stopped at t={self._clock()}: {reason}{self.waiting()}"

    def run_for(self, *, until_ns: int | None, events_max: int) -> bool:
        """Run what is due at `until_ns` (anything, when None), until it is done or somebody halts.

        For those who run the kernel a piece at a time, in step with another clock. True when
        `events_max` events were run, so that there may be more to run right now. Otherwise it is
        `until_ns` afterwards, if nobody halted.
        """
        self._halted = False
        queue = self._queue
        done = 0
        try:
            while queue and (until_ns is None or queue[0][0] <= until_ns):
                if done == events_max:
                    return True
                done += 1
                self.now, _, _, event = heappop(queue)  # type: ignore[assignment]
                for callback in event.callbacks:
                    callback(event)
                if self._halted:
                    return False
        finally:
            self.events += done
        if until_ns is not None and until_ns > self.now:
            self.now = until_ns
        return False

    def next_event_ns(self) -> int | None:
        """When the next event is due; None when there is none."""
        return self._queue[0][0] if self._queue else None  # type: ignore[return-value]

    def _clock(self) -> str:
        return human_duration(self.now)

    def waiting(self, most: int = 10) -> str:
        """Who waits for what, a line each, at most `most` of them."""
        lines = [
            f"\n  {task.name} waits for "
            + (task.waits_for.what if isinstance(task.waits_for, Future) else "time to pass")
            for task in list(self.tasks)[:most]
        ]
        if len(self.tasks) > most:
            lines.append(f"\n  and {len(self.tasks) - most:,} more")
        return "".join(lines)
