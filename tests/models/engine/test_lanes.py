"""Outbound lanes: serial sending, room, loss."""

from models.engine.lanes import Lane, LaneLimits
from models.network.link import Link
from models.network.rules import DROP, Rule
from sim.kernel import Kernel
from sim.units import ms


class _Lane:
    def __init__(self, *, in_flight: int | None, capacity: int = 2) -> None:
        self.kernel = Kernel()
        self.rules: list[Rule] = []
        self.arrivals: list[tuple[int, str]] = []
        calls = self._link(1, 2)
        returns = self._link(2, 1)
        self.lane = Lane(
            self.kernel, LaneLimits(capacity, in_flight, ms(50)), calls=calls, returns=returns
        )

    def _link(self, source: int, target: int) -> Link:
        return Link(
            self.kernel,
            source=source,
            target=target,
            delay=lambda: ms(1),
            rules=self.rules,
            deliver=self._deliver if target == 2 else lambda _: None,
        )

    def _deliver(self, message: str) -> None:
        self.arrivals.append((self.kernel.now, message))

    def run(self, until: int) -> None:
        self.kernel.after(until - self.kernel.now, lambda _: self.kernel.halt())
        self.kernel._halted = False
        self.kernel.run_until_halted(events_max=10**6, stall_ns=10**12)


def test_a_serial_lane_sends_the_next_when_the_call_before_has_returned() -> None:
    """One message per round trip of 2 ms."""
    lane = _Lane(in_flight=1)
    assert all(lane.lane.send(message) for message in ("a", "b", "c"))
    lane.run(ms(20))
    assert lane.arrivals == [(ms(1), "a"), (ms(3), "b"), (ms(5), "c")]


def test_two_in_flight_halve_the_waiting() -> None:
    """The third leaves when the first has returned."""
    lane = _Lane(in_flight=2)
    for message in ("a", "b", "c"):
        lane.lane.send(message)
    lane.run(ms(20))
    assert lane.arrivals == [(ms(1), "a"), (ms(1), "b"), (ms(3), "c")]


def test_an_open_lane_never_waits() -> None:
    """And never drops, whatever its capacity."""
    lane = _Lane(in_flight=None, capacity=1)
    assert all(lane.lane.send(str(number)) for number in range(10))
    lane.run(ms(20))
    assert [instant for instant, _ in lane.arrivals] == [ms(1)] * 10


def test_what_finds_the_lane_full_is_lost() -> None:
    """One under way and two waiting; the fourth is told False."""
    lane = _Lane(in_flight=1, capacity=2)
    assert [lane.lane.send(message) for message in "abcd"] == [True, True, True, False]
    lane.run(ms(20))
    assert [message for _, message in lane.arrivals] == ["a", "b", "c"]


def test_a_lost_call_blocks_the_lane_until_it_is_given_up() -> None:
    """A call that does not return holds its place for the timeout."""
    lane = _Lane(in_flight=1)
    lane.rules.append(lambda source, target, message, now: DROP)
    assert lane.lane.send("lost") is False
    lane.rules.clear()
    lane.lane.send("next")
    lane.run(ms(100))
    assert lane.arrivals == [(ms(51), "next")]
