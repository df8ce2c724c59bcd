"""Findings: what runs tell together, of latencies after the warm-up and of what limits scripts."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from reports.planning.findings import Findings, Replication, findings
from reports.planning.planner import Trial
from sim.units import ms
from sim.usage import Window
from tests.reports.planning.systems import Queue

P99 = Fraction(99)
SLOW_START = np.pad(np.linspace(ms(40), 0, 300).astype(np.int64), (0, 2_700))
"""What the first 300 of 3,000 scripts take longer."""


def runs(load: float, count: int) -> list[Replication]:
    """Runs of a queue that serves in 1 ms what is 2 ms under way."""
    return [Queue().run(Trial("x", "healthy", load, number)) for number in range(count)]


def found(load: float, all_runs: list[Replication]) -> Findings:
    """Their findings, which there are."""
    both = findings(all_runs, load, level=0.95)
    assert both is not None
    return both


def test_the_warm_up_is_cut_and_counts_for_nothing() -> None:
    """A start that is slow for 300 scripts leaves the figure as it is without them.

    The mean stands beside rates and resources, which are of the whole run.
    """
    plain = runs(200, 5)
    slow = [replace(run, latency_ns=run.latency_ns + SLOW_START) for run in plain]
    cut = found(200, slow).warm_up
    assert cut is not None and 250 <= cut <= 400
    expected = found(200, plain).percentile(P99).estimate
    assert found(200, slow).percentile(P99).estimate == pytest.approx(expected, rel=0.05)
    means = [run.latency_ns.mean() for run in slow]
    assert found(200, slow).mean_ns == pytest.approx(np.mean(means), rel=1e-9)


def test_a_warm_up_is_told_in_scripts_where_a_part_of_them_was_looked_at() -> None:
    """Of every third script: three times as many."""
    slow = [
        replace(run, latency_ns=run.latency_ns + np.where(at < 300, ms(40) - at * ms(0.1), 0))
        for run in runs(200, 5)
        for at in [np.arange(run.latency_ns.size).astype(np.int64)]
    ]
    thinned = [
        replace(run, start_ns=run.start_ns[::3], latency_ns=run.latency_ns[::3]) for run in slow
    ]
    all_of_them, some = found(200, slow).warm_up, found(200, thinned).warm_up
    assert all_of_them is not None and some is not None
    assert some == pytest.approx(all_of_them, rel=0.3)


def test_without_a_warm_up_the_second_half_counts() -> None:
    """The first half of these runs takes ten milliseconds more, up to shortly before their end."""
    drifting = [
        replace(run, latency_ns=run.latency_ns + np.where(at < 1_600, ms(10), 0))
        for run in runs(200, 5)
        for at in [np.arange(run.latency_ns.size)]
    ]
    both = found(200, drifting)
    assert both.warm_up is None
    assert both.percentile(Fraction(50)).estimate == pytest.approx(ms(3), rel=0.1)


def test_a_resource_that_explains_no_waiting_is_not_taken_for_the_limit() -> None:
    """Scripts wait, but not there: what it could carry says nothing."""
    idle = Window(1, 10**10, 3_000, 3_000, 5 * 10**9, 0, 0)
    elsewhere = [replace(run, resources={"n1.cores": idle}) for run in runs(500, 5)]
    assert found(500, elsewhere).needed is None
    assert found(500, runs(500, 5)).needed == pytest.approx([0.5] * 5, rel=0.1)


def test_runs_that_measured_nothing_are_left_out() -> None:
    """The others tell what they can, by their own numbers."""
    some = runs(200, 5)
    none = np.zeros(0, dtype=np.int64)
    emptied = replace(some[0], start_ns=none, latency_ns=none, scripts=0, failed=0)
    slow = [replace(run, latency_ns=run.latency_ns + SLOW_START) for run in some[1:]]
    without = found(200, [emptied, *slow])
    assert list(without.latencies) == [1, 2, 3, 4]
    assert without.warm_up == found(200, slow).warm_up != 0
    assert findings([emptied], 200, level=0.95) is None


def test_nothing_is_found_where_a_run_came_to_no_end() -> None:
    """Whatever the others showed."""
    some = runs(200, 5)
    assert findings([*some, replace(some[0], broken_off="stalled")], 200, level=0.95) is None


def test_a_percentile_without_one_run_is_that_of_the_others() -> None:
    """Under the number of the one that is left out."""
    some = runs(500, 4)
    without = found(500, some).percentiles_without_each(P99)
    latencies = found(500, some).latencies
    for number, value in without.items():
        rest = np.sort(np.concatenate([each for n, each in latencies.items() if n != number]))
        assert value == rest[-(-rest.size * 99 // 100) - 1]
