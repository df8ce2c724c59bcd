"""Evidence: what runs of one load tell, when they are enough, and that failures count."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from reports.planning.course import Trial
from reports.planning.evidence import RUNS_FIRST, RUNS_MIN, Evidence, Objective, Replication, Rules
from sim.units import ms
from tests.reports.planning.systems import OBJECTIVE, Queue

RULES = Rules(OBJECTIVE, precision=0.05, level=0.95, runs_max=20)
QUEUE = Queue()


def runs(load: float, count: int, *, first: int = 0, system: Queue = QUEUE) -> list[Replication]:
    """Runs of a system."""
    return [system.run(Trial("x", "healthy", load, first + number)) for number in range(count)]


def gathered(load: float, *, decide: bool, system: Queue = QUEUE, rules: Rules = RULES) -> Evidence:
    """Evidence on a load, until it is enough."""
    evidence = Evidence(load, rules)
    while more := evidence.more_wanted(decide=decide):
        evidence.add(runs(load, more, first=evidence.runs, system=system))
    return evidence


def test_a_load_far_below_is_kept_after_a_few_runs() -> None:
    """The answer is known long before the figure."""
    evidence = gathered(100, decide=True)
    probe = evidence.probe()
    assert (probe.answer, probe.runs, probe.stopped) == ("kept", RUNS_FIRST, "decided")
    assert evidence.keeps and probe.reason == ""


def test_figures_take_as_many_runs_as_their_precision_needs() -> None:
    """Five at least, and then until the interval is narrow."""
    few, many = gathered(200, decide=False).probe(), gathered(600, decide=False).probe()
    assert RUNS_MIN <= few.runs < many.runs <= 20
    assert few.stopped == "precise" and few.objective.value is not None
    assert few.objective.low is not None and few.objective.high is not None
    assert few.objective.high - few.objective.low <= 2 * 0.05 * few.objective.value


def test_a_growing_queue_is_a_word_and_no_figure() -> None:
    """And it takes no more runs to see than the least."""
    evidence = gathered(1_200, decide=False)
    probe = evidence.probe()
    assert (probe.answer, probe.runs) == ("unstable", RUNS_FIRST)
    assert "of the load is left behind" in probe.reason or "the queue grows" in probe.reason
    assert not evidence.keeps and evidence.bounds[0] == float("inf")


def test_a_figure_at_the_limit_is_unclear() -> None:
    """Of which it says why."""
    at = gathered(500, decide=True).interval.estimate
    rules = replace(RULES, objective=Objective("x", Fraction(99), int(at)))
    probe = gathered(500, decide=True, rules=rules).probe()
    assert probe.answer == "unclear"
    assert probe.reason.startswith("the objective lies inside the interval from ")


def test_scripts_that_fail_count_as_slower_than_any() -> None:
    """Half a percent of failures leaves the p99 finite, two percent do not."""
    some, many = (
        gathered(200, decide=False, system=Queue(failed=lambda load, share=share: share)).probe()
        for share in (0.005, 0.02)
    )
    assert some.answer == "kept" and some.failed > 0
    assert many.answer == "missed" and many.objective.value is None
    assert many.p50.value is not None


def test_a_system_in_which_all_fails_keeps_nothing() -> None:
    """However fast it fails."""
    probe = gathered(200, decide=True, system=Queue(failed=lambda load: 1.0)).probe()
    assert (probe.answer, probe.reason) == ("missed", "no script ended ok")
    assert probe.throughput == 0.0


def test_a_run_that_was_broken_off_says_why() -> None:
    """Nothing else is known of it."""
    evidence = Evidence(200, RULES)
    broken = replace(runs(200, 1)[0], broken_off="stalled at t=5 s")
    evidence.add([broken, *runs(200, 2, first=1)])
    assert evidence.more_wanted(decide=True) == 0
    assert (evidence.probe().answer, evidence.probe().reason) == ("unstable", "stalled at t=5 s")


def test_the_warm_up_is_cut_and_counts_for_nothing() -> None:
    """A start that is slow for 300 scripts leaves the figure as it is without them."""
    plain, slow = Evidence(200, RULES), Evidence(200, RULES)
    for run in runs(200, 5):
        latencies = run.latency_ns.copy()
        latencies[:300] += np.linspace(ms(40), 0, 300).astype(np.int64)
        plain.add([run])
        slow.add([replace(run, latency_ns=latencies)])
    cut = slow.probe().warm_up
    assert cut is not None and 250 <= cut <= 400
    assert slow.interval.estimate == pytest.approx(plain.interval.estimate, rel=0.05)


def test_resources_are_added_up_over_runs() -> None:
    """Utilisation of all time together, visits per script, mean service and wait."""
    probe = gathered(500, decide=False).probe()
    use = probe.resources["n1->n2.heartbeats"]
    assert use.utilisation == pytest.approx(0.5, rel=0.03)
    assert (use.visits, use.service_ns) == (1.0, ms(1))
    assert use.wait_ns == pytest.approx(ms(0.5), rel=0.1)  # M/D/1: rho / (2 (1 - rho))
    assert probe.bottleneck == "n1->n2.heartbeats"
    assert probe.verifications_per_s == pytest.approx(500, rel=0.03)


def test_the_order_of_runs_alone_decides() -> None:
    """Two that are given the same runs say the same."""
    assert gathered(500, decide=False).probe() == gathered(500, decide=False).probe()


def test_nearly_constant_latencies_have_a_warm_up() -> None:
    """At a low load the rare script that waits must not pass for a drift."""
    for load in (5, 20, 80):
        probe = gathered(load, decide=True).probe()
        assert probe.answer == "kept" and probe.warm_up is not None


def test_runs_that_drift_to_their_end_have_none() -> None:
    """Their latency is still on its way, so that even a low one keeps nothing for certain."""
    evidence = Evidence(200, RULES)
    for run in runs(200, 8):
        rising = np.linspace(0, ms(2), run.latency_ns.size).astype(np.int64)
        evidence.add([replace(run, latency_ns=run.latency_ns + rising)])
    probe = evidence.probe()
    assert (probe.answer, probe.warm_up) == ("unclear", None)
    assert probe.reason.startswith("no warm-up found: the run still drifts")
    assert not evidence.keeps


def emptied(run: Replication) -> Replication:
    """The same run, had it measured nothing."""
    none = np.zeros(0, dtype=np.int64)
    return replace(run, start_ns=none, latency_ns=none, scripts=0, failed=0)


def test_runs_that_measured_nothing_are_left_out() -> None:
    """The others tell what they can."""
    evidence = Evidence(200, RULES)
    some = runs(200, RUNS_MIN)
    evidence.add([emptied(some[0]), *some[1:]])
    assert evidence.probe().answer == "kept"


def test_a_load_of_which_nothing_was_measured_is_unclear_and_not_missed() -> None:
    """It says what would help."""
    evidence = Evidence(200, RULES)
    evidence.add([emptied(run) for run in runs(200, RUNS_FIRST)])
    probe = evidence.probe()
    assert probe.answer == "unclear"
    assert "lengthen `stop`" in probe.reason


def test_a_few_failures_are_no_growing_queue() -> None:
    """The queue is short; the median is kept though the p99 cannot be."""
    rules = replace(RULES, objective=Objective("p50", Fraction(50), OBJECTIVE.limit_ns))
    system = Queue(failed=lambda load, share=0.05: share)
    probe = gathered(200, decide=True, system=system, rules=rules).probe()
    assert (probe.answer, probe.failed > 0) == ("kept", True)
