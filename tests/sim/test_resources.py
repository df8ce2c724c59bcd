"""Servers and slots: when jobs are done, and what is known of a window, to the nanosecond."""

import random
from collections.abc import Callable
from fractions import Fraction
from functools import partial

import pytest

from sim.kernel import Kernel, Steps
from sim.resources import Meter, Servers, Slots, Watch
from sim.usage import Usage, Window


def at(kernel: Kernel, instant: int, action: Callable[[], object]) -> None:
    """Do it at this instant."""
    kernel.after(instant - kernel.now, lambda event: action())


def run_to(kernel: Kernel, end: int) -> None:
    """Run until this instant is over."""
    at(kernel, end, kernel.halt)
    kernel.run_until_halted(events_max=10**7, stall_ns=10**12)


# -- delays ---------------------------------------------------------------------------------------


def test_one_server_serves_in_the_order_of_the_calls() -> None:
    """Who finds it busy waits for all before; after a pause it is free again."""
    kernel = Kernel()
    loop = Servers(kernel, "loop", 1)
    delays = []
    for instant, service in ((0, 10), (4, 10), (5, 1), (21, 3), (100, 7)):
        at(kernel, instant, partial(lambda each: delays.append(loop.serve(each)), service))
    run_to(kernel, 200)
    assert delays == [10, 16, 16, 3, 7]


def test_the_server_that_is_free_first_takes_the_next_job() -> None:
    """Two servers: the third job follows the shorter of the first two, and none overtakes it."""
    kernel = Kernel()
    cores = Servers(kernel, "cores", 2)
    assert [cores.serve(service) for service in (10, 4, 5, 1)] == [10, 4, 9, 10]


def test_the_waiting_is_what_the_delay_has_over_the_service() -> None:
    """A requester can draw its timeline: first the waiting, then its service."""
    kernel = Kernel()
    disk = Servers(kernel, "disk", 1)
    assert disk.serve(8) - 8 == 0
    assert disk.serve(2) - 2 == 8


def test_a_job_without_service_waits_all_the_same() -> None:
    """No time of service is no place at the head of the line."""
    kernel = Kernel()
    loop = Servers(kernel, "loop", 1)
    assert loop.serve(0) == 0
    assert loop.serve(5) == 5
    assert loop.serve(0) == 5


@pytest.mark.parametrize("service", [-1, 1.5, True])
def test_a_service_time_that_is_none_is_refused_and_changes_nothing(service: int) -> None:
    """A float or a negative time is a bug of the caller; the server is as before."""
    kernel = Kernel()
    loop = Servers(kernel, "loop", 1)
    loop.serve(5)
    before = loop.usage()
    with pytest.raises(AssertionError, match="loop: a service time must be an int"):
        loop.serve(service)
    assert loop.usage() == before and loop.serve(1) == 6


def test_no_server_is_no_resource() -> None:
    """A count of 0 would make every job wait for ever."""
    with pytest.raises(AssertionError, match="expected 1 server or more, got 0"):
        Servers(Kernel(), "cores", 0)


# -- usage ----------------------------------------------------------------------------------------


class DumbQueue:
    """The same, told by looking at every job at every nanosecond that is asked about."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.jobs: list[tuple[int, int, int]] = []
        """When each came, began and ended."""

    def serve(self, now: int, service: int) -> int:
        """By looking through all instants at which a server may be free."""
        earliest = max([now] + [start for _, start, _ in self.jobs])
        candidates = sorted({earliest} | {end for _, _, end in self.jobs if end > earliest})
        start = next(t for t in candidates if self._busy(t) < self.count)
        self.jobs.append((now, start, start + service))
        return start + service - now

    def _busy(self, instant: int) -> int:
        return sum(start <= instant < end for _, start, end in self.jobs)

    def usage(self, now: int) -> Usage:
        """Sums over all jobs, each cut off at `now`."""
        jobs = self.jobs
        return Usage(
            at_ns=now,
            count=self.count,
            arrived=len(jobs),
            served=sum(end <= now for _, _, end in jobs),
            busy_ns=sum(max(min(end, now) - start, 0) for _, start, end in jobs),
            waited_ns=sum(min(start, now) - came for came, start, _ in jobs),
            waiting=sum(start > now for _, start, _ in jobs),
            in_service=sum(start <= now < end for _, start, end in jobs),
        )


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_delays_and_usage_are_those_of_a_dumb_twin(count: int) -> None:
    """Random jobs, many at one instant, some without service: equal after every one of them."""
    chance = random.Random(count)
    for _ in range(40):
        kernel, twin = Kernel(), DumbQueue(count)
        servers = Servers(kernel, "x", count)
        longest = 0
        for _ in range(60):
            kernel.now += chance.choice((0, 0, 1, 3, 40))
            if chance.random() < 0.8:
                service = chance.choice((0, 1, 5, 9 * count))
                assert servers.serve(service) == twin.serve(kernel.now, service)
                longest = max(longest, twin.usage(kernel.now).waiting)
            if chance.random() < 0.5:
                assert servers.usage() == twin.usage(kernel.now)
        assert servers.usage() == twin.usage(kernel.now)
        assert servers.longest_queue == longest


def test_a_job_at_the_edge_of_a_window_counts_with_its_part_inside() -> None:
    """Three jobs of 100 at once, and a window from 150 to 250: half of two services, no third."""
    kernel = Kernel()
    disk = Servers(kernel, "disk", 1)
    edges: list[Usage] = []
    for _ in range(3):
        disk.serve(100)
    for instant in (150, 250):
        at(kernel, instant, lambda: edges.append(disk.usage()))
    run_to(kernel, 300)
    window = edges[1].since(edges[0])
    assert window == Window(count=1, length_ns=100, arrived=0, served=1, busy_ns=100, waited_ns=50)
    assert window.utilisation == 1
    assert window.queue_mean == Fraction(1, 2)
    assert (edges[0].waiting, edges[0].in_service) == (1, 1)


def test_figures_of_a_window_follow_from_its_sums() -> None:
    """Utilisation per server, queue and wait by Little's law, service and throughput per job."""
    window = Window(
        count=4, length_ns=10**9, arrived=50, served=40, busy_ns=2 * 10**9, waited_ns=10**8
    )
    assert window.utilisation == Fraction(1, 2)
    assert window.queue_mean == Fraction(1, 10)
    assert window.wait_mean_ns == 2_000_000
    assert window.service_mean_ns == 50_000_000
    assert window.served_per_second == 40


def test_an_empty_window_has_no_figures() -> None:
    """No time and no job give None, not 0: nothing was seen."""
    usage = Servers(Kernel(), "loop", 1).usage()
    window = usage.since(usage)
    assert window.utilisation is None and window.queue_mean is None
    assert window.wait_mean_ns is None and window.service_mean_ns is None
    assert window.served_per_second is None


def test_a_window_that_ends_before_it_begins_is_a_bug() -> None:
    """So is one of two resources."""
    kernel = Kernel()
    early = Servers(kernel, "loop", 1).usage()
    other = Servers(kernel, "cores", 2).usage()
    kernel.now = 5
    late = Servers(kernel, "loop", 1).usage()
    with pytest.raises(AssertionError, match="5 is later than 0"):
        early.since(late)
    with pytest.raises(AssertionError, match="two different resources"):
        late.since(other)


def test_the_past_is_not_kept() -> None:
    """A busy server remembers those in line, not everybody who ever was."""
    kernel = Kernel()
    loop = Servers(kernel, "loop", 1)
    for _ in range(10_000):
        kernel.now += 10
        loop.serve(6)
        loop.serve(4)
    assert loop.longest_queue == 1 and len(loop._starts) == 1


# -- slots ----------------------------------------------------------------------------------------


def hold(slots: Slots, held_ns: int) -> Steps:
    """Take a slot, keep it, give it back; as a service does."""
    if not slots.take_now():
        yield slots.wait()
    yield held_ns
    slots.give_back()


@pytest.mark.parametrize("count", [1, 3])
def test_slots_report_what_servers_do(count: int) -> None:
    """The same jobs through slots, held for as long as a server would serve: equal usage."""
    chance = random.Random(count)
    kernel = Kernel()
    slots = Slots(kernel, count, "a slot")
    servers = Servers(kernel, "x", count)
    came, seen = 0, []

    def arrive(held_ns: int) -> None:
        kernel.spawn("job", hold(slots, held_ns))
        servers.serve(held_ns)

    for _ in range(500):
        came += 10 * chance.randrange(20 // count)
        at(kernel, came, partial(arrive, 10 * chance.randrange(1, 19)))
        at(kernel, came + 5, lambda: seen.append((slots.usage(), servers.usage())))
    run_to(kernel, came + 10**6)
    assert len(seen) == 500 and all(metered == served for metered, served in seen)
    assert slots.longest_queue == servers.longest_queue > 5
    assert slots.usage() == servers.usage()


def test_a_meter_refuses_what_cannot_be() -> None:
    """A slot given back that nobody holds, or taken from a line in which nobody waits."""
    meter = Meter(Kernel(), 2)
    with pytest.raises(AssertionError, match="nobody holds a slot"):
        meter.give_back()
    with pytest.raises(AssertionError, match="nobody waits"):
        meter.take_from_queue()


# -- slots ----------------------------------------------------------------------------------------


def test_slots_go_to_who_asked_first() -> None:
    """With two slots of 10 ns each, five tasks are served in pairs and in the order they came."""
    kernel, log = Kernel(), []
    slots = Slots(kernel, 2, "a slot")

    def steps(name: str) -> Steps:
        if not slots.take_now():
            yield slots.wait()
        log.append((kernel.now, name))
        yield 10
        slots.give_back()

    for name in "abcde":
        kernel.spawn(name, steps(name))
    run_to(kernel, 50)
    assert log == [(0, "a"), (0, "b"), (10, "c"), (10, "d"), (20, "e")]
    assert slots.usage().waited_ns == 10 + 10 + 20


def test_a_slot_given_back_is_free_again() -> None:
    """Without anybody waiting it can be taken at once, and never more than there are."""
    slots = Slots(Kernel(), 1, "a slot")
    assert slots.take_now() is True
    assert slots.take_now() is False
    slots.give_back()
    assert slots.take_now() is True
    assert slots.usage().waited_ns == 0


def test_who_waits_goes_before_who_comes() -> None:
    """A slot given back while somebody waits is not free for a newcomer of the same instant."""
    kernel = Kernel()
    slots = Slots(kernel, 1, "a slot")
    assert slots.take_now()
    turn = slots.wait()
    slots.give_back()
    assert slots.take_now() is False
    run_to(kernel, 1)
    assert turn.done


def test_a_long_line_of_holders_who_need_no_time_is_no_recursion() -> None:
    """Ten thousand tasks take and return the one slot within one instant."""
    kernel = Kernel()
    slots = Slots(kernel, 1, "a slot")
    served = 0

    def steps() -> Steps:
        nonlocal served
        if not slots.take_now():
            yield slots.wait()
        served += 1
        slots.give_back()

    assert slots.take_now()
    for number in range(10_000):
        kernel.spawn(str(number), steps())
    slots.give_back()
    run_to(kernel, 1)
    assert served == 10_000


# -- a watch --------------------------------------------------------------------------------------


def test_a_watch_tells_of_the_time_since_it_began() -> None:
    """Two jobs before it began, one of which still waited, and one after."""
    kernel = Kernel()
    disk = Servers(kernel, "disk", 1)
    watch = Watch({"disk": disk})
    for _ in range(3):
        disk.serve(100)
    at(kernel, 150, watch.begin)
    at(kernel, 240, lambda: disk.serve(10))
    windows: list[Window] = []
    at(kernel, 250, lambda: windows.append(watch.windows()["disk"]))
    run_to(kernel, 300)
    assert windows == [
        Window(
            count=1, length_ns=100, arrived=1, served=1, busy_ns=100, waited_ns=60, longest_queue=1
        )
    ]


def test_the_longest_queue_begins_with_those_who_wait_already() -> None:
    """Nobody joins, but two wait from the start; what was before does not count."""
    kernel = Kernel()
    disk = Servers(kernel, "disk", 1)
    watch = Watch({"disk": disk})
    for _ in range(9):
        disk.serve(100)
    assert disk.longest_queue == 8
    at(kernel, 650, watch.begin)
    windows: list[Window] = []
    at(kernel, 700, lambda: windows.append(watch.windows()["disk"]))
    run_to(kernel, 750)
    assert windows[0].longest_queue == 2


def test_a_watch_that_never_began_tells_of_no_time() -> None:
    """Nothing was measured."""
    kernel = Kernel()
    disk = Servers(kernel, "disk", 1)
    disk.serve(100)
    window = Watch({"disk": disk}).windows()["disk"]
    assert (window.length_ns, window.arrived, window.utilisation) == (0, 0, None)
