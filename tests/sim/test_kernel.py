"""The kernel: order, tasks, futures, limits, slots."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from sim.errors import LimitReached, Stalled
from sim.kernel import CHUNK, Event, Future, Kernel, Steps
from sim.resources import Slots
from sim.units import ms


def run(kernel: Kernel, *, events_max: int = 10**6, stall_ns: int = ms(1000), **rest: Any) -> None:
    """Run with limits that these tests do not meet unless they mean to."""
    kernel.run_until_halted(events_max=events_max, stall_ns=stall_ns, **rest)


def halt_at(kernel: Kernel, at: int) -> None:
    """End the run at this instant, after what was scheduled for it before."""
    kernel.after(at - kernel.now, lambda event: kernel.halt())


# -- events ---------------------------------------------------------------------------------------


def test_events_run_in_order_of_time() -> None:
    """What is due earlier runs earlier, whenever it was scheduled, and `now` is its instant."""
    kernel, log = Kernel(), []
    for delay in (30, 10, 20):
        kernel.after(delay, lambda event: log.append((kernel.now, event.argument)), delay)
    halt_at(kernel, 40)
    run(kernel)
    assert log == [(10, 10), (20, 20), (30, 30)]


def test_events_of_one_instant_run_in_the_order_of_scheduling() -> None:
    """Equal times keep their order, also for what an event of that instant schedules."""
    kernel, log = Kernel(), []

    def note(event: Event) -> None:
        log.append(event.argument)
        if event.argument == "b":
            kernel.after(0, note, "later")

    for name in "abcde":
        kernel.after(5, note, name)
    halt_at(kernel, 6)
    run(kernel)
    assert log == ["a", "b", "c", "d", "e", "later"]


def test_time_is_an_int_however_far_it_goes() -> None:
    """A delay of 10^18 ns is exact, where a float would have lost nanoseconds."""
    kernel = Kernel()
    halt_at(kernel, 10**18 + 3)
    kernel.after(10**18 + 1, lambda event: kernel.after(1, lambda event: seen.append(kernel.now)))
    seen: list[int] = []
    run(kernel, stall_ns=10**19)
    assert seen == [10**18 + 2] and kernel.now == 10**18 + 3 and type(kernel.now) is int


@pytest.mark.parametrize("delay", [1.5, -1, True, None, "1ms"])
def test_a_delay_is_an_int_from_0_on(delay: Any) -> None:
    """Anything else is refused with what came and how to write it."""
    kernel = Kernel()
    with pytest.raises(AssertionError) as caught:
        kernel.after(delay, lambda event: None)
    assert str(caught.value) == (
        f"a delay must be an int number of ns, 0 or more, got {delay!r}; write ms(1.5)"
    )


def test_halt_ends_the_run_after_the_current_event() -> None:
    """The event that halts is finished, and nothing after it runs, not even at that instant."""
    kernel, log = Kernel(), []

    def stop(event: Event) -> None:
        kernel.halt()
        log.append("stopped")

    kernel.after(5, stop)
    kernel.after(5, lambda event: log.append("too late"))
    run(kernel)
    assert log == ["stopped"] and kernel.now == 5


def test_an_error_in_an_event_ends_the_run() -> None:
    """Failures are never silently ignored."""
    kernel = Kernel()

    def fail(event: Event) -> None:
        raise ZeroDivisionError("as planned")

    kernel.after(5, fail)
    with pytest.raises(ZeroDivisionError, match="as planned"):
        run(kernel)


def shuffled_log(seed: int | None) -> list[str]:
    """The order in which ten events of one instant run."""
    kernel = Kernel(tie_break=None if seed is None else lambda: rng.randrange(1 << 30))
    rng = random.Random(seed)
    log: list[str] = []
    kernel.after(9, lambda event: log.append("after"))
    for name in "abcdefghij":
        kernel.after(5, lambda event: log.append(event.argument), name)
    kernel.after(4, lambda event: log.append("before"))
    halt_at(kernel, 10)
    run(kernel)
    return log


def test_a_tie_break_shuffles_within_an_instant_and_never_across() -> None:
    """Drawn ties give another order of the same events; time still decides between instants."""
    plain = shuffled_log(None)
    assert plain == ["before", *"abcdefghij", "after"]
    orders = [shuffled_log(seed) for seed in range(5)]
    for order in orders:
        assert (order[0], order[-1]) == ("before", "after")
        assert sorted(order[1:-1]) == list("abcdefghij")
    assert len({"".join(order) for order in orders}) == 5
    assert shuffled_log(3) == orders[3]


def record(kernel: Kernel, seed: int) -> tuple[list[tuple[int, str]], Callable[[], bool]]:
    """A little model, and a function that runs one event of it: False when it is over."""
    log: list[tuple[int, str]] = []
    rng = random.Random(seed)
    slots = Slots(kernel, 2, "a slot")

    def worker(name: str) -> Steps:
        for _ in range(5):
            yield rng.randrange(10)
            if not slots.take_now():
                yield slots.wait()
            log.append((kernel.now, name))
            yield rng.randrange(10)
            slots.give_back()

    for name in "abcd":
        kernel.spawn(name, worker(name))

    def step() -> bool:
        if kernel.tasks:
            kernel.step()
        return bool(kernel.tasks)

    return log, step


def test_two_kernels_run_interleaved_as_they_run_alone() -> None:
    """Nothing is shared between kernels: stepped in turn, each records what it does by itself."""
    alone = []
    for seed in (1, 2):
        log, step = record(Kernel(), seed)
        while step():
            pass
        alone.append(log)
    (log_1, step_1), (log_2, step_2) = record(Kernel(), 1), record(Kernel(), 2)
    while step_1() | step_2():
        pass
    assert [log_1, log_2] == alone
    assert alone[0] != alone[1]


# -- tasks and futures ----------------------------------------------------------------------------


def test_a_task_starts_at_once_and_sleeps_for_what_it_yields() -> None:
    """It runs to its first wait before `spawn` returns, then goes on after the ns it named."""
    kernel, log = Kernel(), []

    def steps() -> Steps:
        log.append(kernel.now)
        yield 7
        log.append(kernel.now)
        yield 0
        log.append(kernel.now)
        kernel.halt()

    kernel.spawn("sleeper", steps())
    assert log == [0]
    assert [task.name for task in kernel.tasks] == ["sleeper"]
    run(kernel)
    assert log == [0, 7, 7]
    assert kernel.tasks == {}


def test_a_future_hands_its_value_to_the_task_that_waits() -> None:
    """The task goes on at the instant of the resolution, inside it, with the value."""
    kernel, log = Kernel(), []
    future = Future("an answer")

    def steps() -> Steps:
        answer = yield future
        log.append((kernel.now, answer))

    def resolve(event: Event) -> None:
        future.resolve(42)
        log.append("resolved")
        kernel.halt()

    kernel.spawn("asker", steps())
    kernel.after(9, resolve)
    run(kernel)
    assert log == [(9, 42), "resolved"] and future.done


def test_a_future_that_is_done_is_no_wait() -> None:
    """A task that yields one goes on at once; nothing has to be scheduled for it."""
    kernel, log = Kernel(), []
    future = Future("an answer")
    future.resolve("here")

    def steps() -> Steps:
        log.append((yield future))

    kernel.spawn("asker", steps())
    assert log == ["here"] and kernel.tasks == {}


@pytest.mark.parametrize("early", [True, False])
def test_a_failed_future_raises_in_the_task(early: bool) -> None:
    """Whether it failed before or during the wait, the task can catch the error and go on."""
    kernel, log = Kernel(), []
    future = Future("an answer")

    def steps() -> Steps:
        try:
            yield future
        except TimeoutError as error:
            log.append(str(error))
        yield 1
        log.append("went on")
        kernel.halt()

    if early:
        future.fail(TimeoutError("too late"))
    kernel.spawn("asker", steps())
    if not early:
        kernel.after(9, lambda event: future.fail(TimeoutError("too late")))
    run(kernel)
    assert log == ["too late", "went on"]


def test_an_error_that_no_task_catches_ends_the_run() -> None:
    """It comes out of the run, rather than ending the task in silence."""
    kernel = Kernel()
    future = Future("an answer")

    def steps() -> Steps:
        yield future

    kernel.spawn("asker", steps())
    kernel.after(9, lambda event: future.fail(TimeoutError("too late")))
    with pytest.raises(TimeoutError, match="too late"):
        run(kernel)


@pytest.mark.parametrize("first", ["resolve", "fail"])
@pytest.mark.parametrize("second", ["resolve", "fail"])
def test_a_future_is_settled_once(first: str, second: str) -> None:
    """A second result is a bug of the model, and the first one stays."""
    future = Future("an answer")
    settle = {"resolve": lambda: future.resolve(1), "fail": lambda: future.fail(KeyError("x"))}
    settle[first]()
    with pytest.raises(AssertionError, match="resolved twice: an answer"):
        settle[second]()
    assert future.done


def test_one_task_waits_for_a_future() -> None:
    """A second one is refused by name of what is waited for."""
    kernel, future = Kernel(), Future("an answer")

    def steps() -> Steps:
        yield future

    kernel.spawn("first", steps())
    with pytest.raises(AssertionError, match="two tasks wait for an answer"):
        kernel.spawn("second", steps())


@pytest.mark.parametrize("wait", [1.5, None, "1ms", True])
def test_a_task_yields_ns_or_futures_only(wait: Any) -> None:
    """Anything else is refused with the task's name and what it yielded."""
    kernel = Kernel()

    def steps() -> Steps:
        yield wait

    with pytest.raises(AssertionError) as caught:
        kernel.spawn("odd one", steps())
    assert "odd one" in str(caught.value) and repr(wait) in str(caught.value)


def test_a_task_may_take_up_any_number_of_futures_that_are_done() -> None:
    """One after the other, without recursion, errors among them."""
    kernel = Kernel()
    caught = 0

    def steps() -> Steps:
        nonlocal caught
        for number in range(10_000):
            future = Future("done already")
            if number % 2:
                future.fail(ValueError())
            else:
                future.resolve()
            try:
                yield future
            except ValueError:
                caught += 1

    kernel.spawn("task", steps())
    assert caught == 5_000
    assert not kernel.tasks


# -- limits ---------------------------------------------------------------------------------------


def busy(kernel: Kernel) -> Steps:
    """Never ends, and does a unit of work every ns."""
    while True:
        kernel.advance()
        yield 1


def test_the_event_limit_ends_a_run_that_would_not_end() -> None:
    """The error says how many events, when, under which limit, and who waits for what."""
    kernel = Kernel()
    kernel.spawn("busy", busy(kernel))
    with pytest.raises(LimitReached) as caught:
        run(kernel, events_max=100)
    assert kernel.events == 100
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("stopped after 100 events at t=1")
    assert lines[0].endswith("(limits.events is 100)")
    assert lines[1:] == ["  busy waits for time to pass"]


@pytest.mark.parametrize("events_max", [5, 4])
def test_the_event_limit_is_exact(events_max: int) -> None:
    """A run of five events needs a limit of five."""
    kernel = Kernel()
    for delay in range(4):
        kernel.after(delay, lambda event: None)
    kernel.after(9, lambda event: kernel.halt())
    if events_max == 5:
        run(kernel, events_max=events_max)
        return
    with pytest.raises(LimitReached):
        run(kernel, events_max=events_max)


def test_a_run_that_has_ended_is_held_against_what_is_outside() -> None:
    """A reason that appeared within the last events counts."""
    kernel = Kernel()
    kernel.after(9, lambda event: kernel.halt())
    with pytest.raises(LimitReached):
        run(kernel, keep_on=lambda: "it took 60 s")


def test_a_pause_within_a_few_events_is_a_stall() -> None:
    """Even if the run went on and ended before anybody looked."""
    kernel = Kernel()

    def steps() -> Steps:
        yield ms(51)
        kernel.advance()
        kernel.halt()

    kernel.spawn("slow", steps())
    with pytest.raises(Stalled):
        run(kernel, stall_ns=ms(50))


def test_a_limit_from_outside_ends_a_run_with_its_reason() -> None:
    """`keep_on` is asked again and again until it names a reason."""
    kernel = Kernel()
    kernel.spawn("busy", busy(kernel))
    answers = iter([None, None, "it took 60 s"])
    with pytest.raises(LimitReached) as caught:
        run(kernel, keep_on=lambda: next(answers))
    assert kernel.events == 3 * CHUNK
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("stopped at t=") and lines[0].endswith(": it took 60 s")
    assert lines[1:] == ["  busy waits for time to pass"]


def test_a_run_in_which_nothing_can_happen_is_stalled() -> None:
    """The error names each task and what it waits for, instead of a hang or an early end."""
    kernel = Kernel()

    def steps(what: str) -> Steps:
        yield Future(what)

    kernel.spawn("client-1", steps("a reply of n1"))
    kernel.spawn("client-2", steps("a quorum"))
    with pytest.raises(Stalled) as caught:
        run(kernel, stall_ns=ms(5))
    assert str(caught.value).splitlines()[1:] == [
        "  client-1 waits for a reply of n1",
        "  client-2 waits for a quorum",
    ]
    assert kernel.now <= ms(10)


def test_a_run_without_progress_is_stalled_however_busy() -> None:
    """Timers that go round for ever are no progress."""
    kernel = Kernel()

    def heartbeat(event: Event) -> None:
        kernel.after(ms(1), heartbeat)

    def steps() -> Steps:
        yield Future("a quorum")

    kernel.after(0, heartbeat)
    kernel.spawn("client", steps())
    with pytest.raises(Stalled) as caught:
        run(kernel, stall_ns=ms(50))
    # Looked at once per chunk of events.
    assert str(caught.value) == (
        "no script ended in 4.09 s of virtual time (limits.stall is 50 ms), at t=4.09 s\n"
        "  client waits for a quorum"
    )


def test_progress_keeps_a_run_going() -> None:
    """As long as work is done within each stall interval, the run goes on to its halt."""
    kernel = Kernel()

    def steps() -> Steps:
        for _ in range(20):
            yield ms(40)
            kernel.advance()
        kernel.halt()

    kernel.spawn("slow", steps())
    run(kernel, stall_ns=ms(50))
    assert kernel.now == ms(800)


def test_a_long_list_of_waiters_is_cut_short() -> None:
    """Ten are named, the others counted."""
    kernel = Kernel()

    def steps() -> Steps:
        yield Future("a quorum")

    for number in range(1_234):
        kernel.spawn(f"client-{number}", steps())
    lines = kernel.waiting().splitlines()
    assert lines[1] == "  client-0 waits for a quorum"
    assert len(lines) == 12 and lines[-1] == "  and 1,224 more"
