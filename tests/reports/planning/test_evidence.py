"""Evidence: what runs of one load tell, when they are enough, and that failures count."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from reports.planning.evidence import RUNS_MIN, Evidence, Objective, Rules
from reports.planning.findings import Replication
from reports.planning.planner import Trial
from sim.units import ms
from sim.usage import Window
from tests.reports.planning.systems import OBJECTIVE, Queue

RULES = Rules(OBJECTIVE, precision=0.05, level=0.95, runs_max=20)
QUEUE = Queue()


def runs(load: float, count: int, *, first: int = 0, system: Queue = QUEUE) -> list[Replication]:
    """Runs of a system."""
    return [system.run(Trial("x", "healthy", load, first + number)) for number in range(count)]


def gathered(
    load: float, count: int = RUNS_MIN, *, system: Queue = QUEUE, rules: Rules = RULES
) -> Evidence:
    """Evidence on a load."""
    evidence = Evidence(load, rules)
    evidence.add(runs(load, count, system=system))
    return evidence


def test_a_load_far_below_is_kept_after_a_few_runs() -> None:
    """Of one run, only a guess is to be had."""
    evidence = gathered(100)
    assert (evidence.probe().answer, evidence.probe().reason) == ("kept", "")
    guess = gathered(100, 1)
    assert guess.keeps and guess.answer == "unclear" and not guess.hopeless


def test_a_growing_queue_is_a_word_and_no_figure() -> None:
    """And a single run shows it."""
    evidence = gathered(1_200, 1)
    assert evidence.hopeless and not evidence.keeps and evidence.pace == 0.0
    assert evidence.answer == "unstable"
    assert "of the load is left behind" in evidence.probe().reason


def test_the_load_that_saturates_is_known_from_one_run() -> None:
    """From the time that a script takes of what limits it, whatever happened to come."""
    for load in (500, 900, 1_100, 3_000):
        assert gathered(load, 1).saturation == pytest.approx(1_000, rel=0.01)
    assert gathered(20, 1).saturation == pytest.approx(1_000, rel=0.1)


def test_a_figure_at_the_limit_is_unclear() -> None:
    """Of which it says why."""
    at = gathered(500).interval.estimate
    rules = replace(RULES, objective=Objective("x", Fraction(99), int(at)))
    probe = gathered(500, rules=rules).probe()
    assert probe.answer == "unclear"
    assert probe.reason.startswith("the objective lies inside the interval from ")


def test_scripts_that_fail_count_as_slower_than_any() -> None:
    """Half a percent of failures leaves the p99 finite, two percent do not."""
    some, many = (
        gathered(200, system=Queue(failed=lambda load, share=share: share)).probe()
        for share in (0.005, 0.02)
    )
    assert some.answer == "kept" and some.failed > 0
    assert many.answer == "missed" and many.objective.value is None
    assert many.p50.value is not None


def test_a_system_in_which_all_fails_keeps_nothing() -> None:
    """However fast it fails."""
    probe = gathered(200, system=Queue(failed=lambda load: 1.0)).probe()
    assert (probe.answer, probe.reason) == ("missed", "no script ended ok")
    assert probe.throughput == 0.0


def test_a_run_that_was_broken_off_says_why() -> None:
    """Nothing else is known of it."""
    evidence = Evidence(200, RULES)
    broken = replace(runs(200, 1)[0], broken_off="stalled at t=5 s")
    evidence.add([broken, *runs(200, 2, first=1)])
    assert evidence.hopeless
    assert (evidence.probe().answer, evidence.probe().reason) == ("unstable", "stalled at t=5 s")


def test_a_long_way_without_a_queue_leaves_nothing_behind() -> None:
    """Half a second under way, for 20 s or just long enough: scripts in flight at the end are as
    many as in the middle.
    """
    for scripts in (700, 20_000):
        evidence = Evidence(1_000, RULES)
        for number in range(5):
            chance = np.random.default_rng(number)
            starts = np.cumsum(chance.exponential(ms(1), scripts)).astype(np.int64)
            latencies = np.full(scripts, ms(500))
            idle = Window(1, int(starts[-1]), scripts, scripts, round(0.3 * starts[-1]), 0, 0)
            length = int(starts[-1])
            run = Replication(starts, latencies, scripts, 0, length, 0, 0, {"n1.cores": idle})
            evidence.add([run])
        assert evidence.stable and evidence.answer == "missed"


def test_a_load_is_not_kept_for_sure_by_runs_that_hardly_began() -> None:
    """At 99 % of what the server can do, a queue forgets within some 10,000 scripts."""
    far = replace(RULES, objective=Objective("x", Fraction(99), ms(10_000)))
    probe = gathered(990, 12, rules=far).probe()
    assert probe.answer == "unclear"
    assert "as long as the queue takes to forget, where 5 are needed" in probe.reason
    assert gathered(900, 12, rules=far).answer == "kept"


def test_resources_are_added_up_over_runs() -> None:
    """Utilisation of all time together, visits per script, mean service and wait."""
    probe = gathered(500).probe()
    use = probe.resources["n1->n2.heartbeats"]
    assert use.utilisation == pytest.approx(0.5, rel=0.03)
    assert (use.visits, use.service_ns) == (1.0, ms(1))
    assert use.wait_ns == pytest.approx(ms(0.5), rel=0.1)  # M/D/1: rho / (2 (1 - rho))
    assert probe.bottleneck == "n1->n2.heartbeats"
    assert probe.verifications_per_s == pytest.approx(500, rel=0.03)


def test_the_order_of_runs_alone_decides() -> None:
    """Two that are given the same runs say the same."""
    assert gathered(500).probe() == gathered(500).probe()


def test_runs_that_drift_to_their_end_are_unclear() -> None:
    """Their latency is still on its way, so that even a low one keeps nothing for certain."""
    evidence = Evidence(200, RULES)
    for run in runs(200, 8):
        rising = np.linspace(0, ms(20), run.latency_ns.size).astype(np.int64)
        evidence.add([replace(run, latency_ns=run.latency_ns + rising, resources={})])
    assert evidence.answer == "unclear" and not evidence.stable
    assert evidence.probe().reason.startswith("too short a run to tell whether the queue grows")


def emptied(run: Replication) -> Replication:
    """The same run, had it measured nothing."""
    none = np.zeros(0, dtype=np.int64)
    return replace(run, start_ns=none, latency_ns=none, scripts=0, failed=0)


def test_a_load_of_which_nothing_was_measured_is_unclear_and_not_missed() -> None:
    """It says what would help."""
    evidence = Evidence(200, RULES)
    evidence.add([emptied(run) for run in runs(200, RUNS_MIN)])
    probe = evidence.probe()
    assert probe.answer == "unclear"
    assert "lengthen `stop`" in probe.reason


def test_a_few_failures_are_no_growing_queue() -> None:
    """The queue is short; the median is kept though the p99 cannot be."""
    rules = replace(RULES, objective=Objective("p50", Fraction(50), OBJECTIVE.limit_ns))
    system = Queue(failed=lambda load, share=0.05: share)
    probe = gathered(200, system=system, rules=rules).probe()
    assert (probe.answer, probe.failed > 0) == ("kept", True)
