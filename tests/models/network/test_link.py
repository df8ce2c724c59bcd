"""Links and rules: order, loss, delay."""

from collections.abc import Iterator

from models.network.link import Link
from models.network.rules import DROP, PASS, Delay, Rule, Verdict, first_verdict
from sim.kernel import Kernel
from sim.units import ms


def _link(delays: Iterator[int], rules: list[Rule]) -> tuple[Kernel, Link, list[tuple[int, str]]]:
    kernel = Kernel()
    arrivals: list[tuple[int, str]] = []
    link = Link(
        kernel,
        source=1,
        target=2,
        delay=delays.__next__,
        rules=rules,
        deliver=lambda message: arrivals.append((kernel.now, message)),
    )
    return kernel, link, arrivals


def _run(kernel: Kernel) -> None:
    kernel.after(ms(100), lambda _: kernel.halt())
    kernel.run_until_halted(events_max=10**6, stall_ns=10**12)


def test_a_message_never_overtakes_the_one_before_it() -> None:
    """A connection is a stream: the fast second one waits for the slow first."""
    kernel, link, arrivals = _link(iter([ms(5), ms(1), ms(7)]), [])
    for message in "abc":
        link.send(message)
    _run(kernel)
    assert arrivals == [(ms(5), "a"), (ms(5), "b"), (ms(7), "c")]


def test_order_holds_when_events_of_one_instant_are_shuffled() -> None:
    """Messages of one instant arrive in the order of sending, whatever order events run in."""
    ties = iter([5, 4, 3, 2, 1, 9, 9, 9])
    kernel = Kernel(tie_break=ties.__next__)
    arrivals: list[str] = []
    link = Link(
        kernel,
        source=1,
        target=2,
        delay=lambda: ms(1),
        rules=[],
        deliver=arrivals.append,
    )
    for message in "abcde":
        link.send(message)
    _run(kernel)
    assert arrivals == list("abcde")


def test_a_rule_can_drop_or_delay() -> None:
    """The first verdict other than pass wins."""

    def rule(source: int, target: int, message: object, now: int) -> Verdict:
        if message == "lost":
            return DROP
        return Delay(ms(10)) if message == "held" else PASS

    kernel, link, arrivals = _link(iter([ms(1)] * 3), [rule])
    assert [link.send(message) for message in ("free", "lost", "held")] == [True, False, True]
    _run(kernel)
    assert arrivals == [(ms(1), "free"), (ms(11), "held")]
    assert link.dropped == 1


def test_rules_are_asked_in_the_order_of_installation() -> None:
    """Pass hands on to the next; all pass lets the message through."""
    rules: list[Rule] = [lambda *_: PASS, lambda *_: Delay(3), lambda *_: DROP]
    assert first_verdict(rules, 1, 2, "x", 0) == Delay(3)
    assert first_verdict(rules[:1], 1, 2, "x", 0) is PASS
    assert first_verdict([], 1, 2, "x", 0) is PASS
