"""Deadlines: futures that fail at an instant unless resolved before."""

from random import Random

from sim.deadlines import Deadlines
from sim.kernel import Future, Kernel, Steps
from sim.units import ms


class _Late(Exception):
    pass


def _wait(kernel: Kernel, future: Future, ends: dict[str, tuple[int, bool]], name: str) -> Steps:
    try:
        yield future
        ends[name] = (kernel.now, True)
    except _Late:
        ends[name] = (kernel.now, False)


def _run(kernel: Kernel, until: int) -> None:
    kernel.after(until, lambda _: kernel.halt())
    kernel.run_until_halted(events_max=10**6, stall_ns=10**15)


def test_a_future_fails_at_its_deadline_and_not_before() -> None:
    """The waiting task goes on at that very instant."""
    kernel = Kernel()
    ends: dict[str, tuple[int, bool]] = {}
    future = Future("something")
    kernel.spawn("a", _wait(kernel, future, ends, "a"))
    Deadlines(kernel, _Late).add(future, ms(5))
    _run(kernel, ms(10))
    assert ends == {"a": (ms(5), False)}


def test_a_resolved_future_is_left_alone() -> None:
    """Its deadline passes unnoticed."""
    kernel = Kernel()
    ends: dict[str, tuple[int, bool]] = {}
    future = Future("something")
    kernel.spawn("a", _wait(kernel, future, ends, "a"))
    Deadlines(kernel, _Late).add(future, ms(5))
    kernel.after(ms(2), lambda _: future.resolve())
    _run(kernel, ms(10))
    assert ends == {"a": (ms(2), True)}


def test_an_earlier_deadline_may_come_later() -> None:
    """The armed event moves forward."""
    kernel = Kernel()
    ends: dict[str, tuple[int, bool]] = {}
    deadlines = Deadlines(kernel, _Late)
    for name, at in (("late", ms(9)), ("early", ms(3)), ("middle", ms(6))):
        future = Future(name)
        kernel.spawn(name, _wait(kernel, future, ends, name))
        deadlines.add(future, at)
    _run(kernel, ms(20))
    assert ends == {"early": (ms(3), False), "middle": (ms(6), False), "late": (ms(9), False)}


def test_random_deadlines_end_as_one_event_each_would() -> None:
    """A thousand futures, half of them resolved before their deadline."""
    random = Random(1)
    kernel = Kernel()
    ends: dict[str, tuple[int, bool]] = {}
    expected: dict[str, tuple[int, bool]] = {}
    deadlines = Deadlines(kernel, _Late)

    def begin(number: int, starts: int, resolves: int, at: int) -> None:
        future = Future(str(number))

        def start(_: object) -> None:
            kernel.spawn(str(number), _wait(kernel, future, ends, str(number)))
            deadlines.add(future, at)

        kernel.after(starts, start)
        if resolves < at:
            kernel.after(resolves, lambda _: future.resolve())
        expected[str(number)] = (min(resolves, at), resolves < at)

    for number in range(1000):
        starts = random.randrange(10**6)
        begin(
            number,
            starts,
            starts + random.randrange(1, 10**6),
            starts + random.randrange(1, 10**6),
        )
    _run(kernel, 10**7)
    assert ends == expected


def test_resolved_futures_do_not_pile_up() -> None:
    """A busy run holds no thousands of deadlines that will never matter."""
    kernel = Kernel()
    deadlines = Deadlines(kernel, _Late)
    for _ in range(10_000):
        future = Future("something")
        deadlines.add(future, ms(10_000))
        future.resolve()
    assert len(deadlines._in_order) < 3
