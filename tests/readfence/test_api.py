"""readfence from Python: the same run as the command's, figures in plain units, plain errors."""

from pathlib import Path

import pytest

from readfence.api import NoData, figure, simulate
from sim.errors import InputError, LimitReached
from sim.record import RunRecord, read_run
from tests.readfence.front_door import LUA, call, small


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    """The small scenario, run once; a third variant's scripts fail."""
    path = tmp_path_factory.mktemp("api") / "small.yaml"
    scripts = "{workload: {scripts: [{lua: return redis.call('NOPE')}]}}"
    path.write_text(
        small(("  none: {fence: none}\n", f"  none: {{fence: none}}\n  bad: {scripts}\n"))
    )
    return simulate(str(path))


def test_it_is_the_run_that_the_command_makes() -> None:
    """Overrides and seed mean the same."""
    Path("small.yaml").write_text(small())
    record = simulate("small.yaml", settings=["cluster.nodes=5", "stop.scripts=9"], seed=3)
    options = ["--set", "cluster.nodes=5", "--set", "stop.scripts=9", "--seed", "3"]
    call("run", "small.yaml", "--quiet", "--no-plots", *options)
    assert record == read_run(Path("out/small/run.json"))


def test_shipped_scenarios_go_by_their_name() -> None:
    """As on the command line."""
    assert simulate("mixed_script").name == "mixed_script"


@pytest.mark.parametrize(
    ("variant", "name", "kind", "value"),
    [
        ("one_fence", "verifications.per_script.max", int, 1),
        ("one_fence", "verifications.per_script.mean", int, 1),
        ("one_fence", "scripts", int, 20),
        ("one_fence", "safety", str, "ok"),
        ("none", "latency.p50", int, None),
        ("none", "throughput", float, None),
        ("bad", "errors.rate", int, 1),
        ("none", "rounds.sent", int, 0),
        ("none", "attempts.per_script.min", int, 1),
    ],
)
def test_a_figure_is_a_number_or_a_word(
    run: RunRecord, variant: str, name: str, kind: type, value: object
) -> None:
    """Whole numbers are ints, durations are in ns, rates per second."""
    found = figure(run, variant, name)
    assert type(found) is kind
    assert value is None or found == value


def test_durations_are_in_ns(run: RunRecord) -> None:
    """The fence costs about a round trip of one millisecond, and both variants pay the rest."""
    fence, none = (figure(run, variant, "latency.p50") for variant in ("one_fence", "none"))
    assert isinstance(fence, int) and isinstance(none, int)
    assert 500_000 < fence - none < 3_000_000


@pytest.mark.parametrize(
    ("variant", "name", "message"),
    [
        ("two", "errors", "expected one of the variants one_fence, none, bad, got 'two'"),
        ("none", "erors", "unknown figure 'erors'; did you mean 'errors'?"),
        ("none", "qqqqqqqq", "unknown figure 'qqqqqqqq'"),
        ("none", "none.errors", "unknown figure 'none.errors'"),
    ],
)
def test_an_unknown_name_is_wrong_input(
    run: RunRecord, variant: str, name: str, message: str
) -> None:
    """With the names there are, or the nearest."""
    with pytest.raises(InputError) as caught:
        figure(run, variant, name)
    assert str(caught.value).startswith(message)


def test_a_figure_that_spans_attempts_needs_an_aspect() -> None:
    """One number would hide the others; where all are equal there is only one."""
    record = simulate("log_read_lan", settings=["stop.scripts=50"])
    with pytest.raises(InputError) as caught:
        figure(record, "log_read", "verifications.per_script")
    assert str(caught.value) == (
        "verifications.per_script spans all attempts; say verifications.per_script.min, .mean or "
        ".max"
    )
    assert figure(record, "log_read", "verifications.per_script.max") == 1


def test_no_data_is_an_error_of_its_own(run: RunRecord) -> None:
    """A latency of no script is not 0."""
    with pytest.raises(NoData, match="no script ended ok, so there is no latency"):
        figure(run, "bad", "latency.p99")


def test_what_is_wrong_is_raised() -> None:
    """A test must not pass on half a run."""
    with pytest.raises(InputError, match="nowhere: no such file"):
        simulate("nowhere")
    Path("small.yaml").write_text(small((LUA, "lua: return +")))
    with pytest.raises(InputError, match="no valid Lua"):
        simulate("small.yaml")
    Path("small.yaml").write_text(small())
    with pytest.raises(LimitReached, match="one_fence: stopped at t="):
        simulate("small.yaml", settings=["limits.virtual_time=1us"])
