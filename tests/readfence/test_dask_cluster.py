"""A real Dask cluster: equal results, workers that die, and what is refused."""

import re
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from readfence import dask_cluster
from readfence.dask_cluster import DaskCluster
from readfence.executor import Executor
from readfence.executors import Inline, make_executor
from readfence.exits import EnvironmentFailed, Exit
from readfence.points import Point
from readfence.versions import build
from tests.readfence.cluster import Cluster, cluster
from tests.readfence.front_door import call, call_process, small
from tests.readfence.points import points
from tests.readfence.test_plan_command import QUICK

ROOT = Path(__file__).parents[2]
BUILD = re.escape(build())

pytestmark = [
    pytest.mark.slow,
    # What Dask leaves open when a connection breaks is no business of ours.
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two workers."""
    with cluster(tmp_path_factory.mktemp("dask") / "two", workers=2) as running:
        yield running


def results(executor: Executor, wanted: list[Point]) -> dict[int, str]:
    """The text of each result, by the number of its point."""
    with executor:
        for index, point in enumerate(wanted):
            executor.submit(index, point)
        return {index: result.to_text() for index, result in executor.completed()}


def dask(running: Cluster, told: list[str] | None = None) -> Executor:
    """An executor on that cluster."""
    tell = ([] if told is None else told).append
    return make_executor("dask", workers=None, scheduler=running.address, tell=tell)


def test_results_are_those_of_this_process(two: Cluster) -> None:
    """Byte by byte; and nobody is told anything."""
    wanted = points(6, series=4)
    told: list[str] = []
    assert results(dask(two, told), wanted) == results(Inline(), wanted)
    assert told == []


def test_a_plan_is_that_of_this_process(two: Cluster) -> None:
    """Byte by byte: its runs are points like others."""
    Path("small.yaml").write_text(QUICK)
    quick = ("--set", "plan.load=50/s..100/s", "--no-plots", "--quiet")
    dask = ("--executor", "dask", "--scheduler", two.address)
    statuses = [
        call("plan", "small.yaml", *who, *quick, "--out", folder).status
        for folder, who in (("here", ("--executor", "inline")), ("there", dask))
    ]
    assert statuses == [Exit.INCONCLUSIVE] * 2, "the highest load was to be kept"
    assert Path("here/plan.json").read_bytes() == Path("there/plan.json").read_bytes()


def test_a_crash_on_a_worker_is_a_result(two: Cluster) -> None:
    """With what went wrong; the cluster goes on."""
    point, other = points(2)
    broken = point.model_copy(update={"system": {**point.system, "workload": []}})
    found = results(dask(two), [broken, other])
    assert '"status":"error"' in found[0] and "ValidationError" in found[0]
    assert '"status":"ok"' in found[1]


def test_a_worker_of_another_version_is_refused(tmp_path: Path) -> None:
    """Even if a single line of its code is another; both are named, and which worker it is."""
    for package in ("sim", "models", "reports", "readfence"):
        shutil.copytree(ROOT / package, tmp_path / "other" / package)
    (tmp_path / "other/sim/units.py").open("a").write("# changed")
    expected = rf"^version mismatch: the Dask worker tcp://\S+ has readfence \S+, this is {BUILD};"
    with (
        cluster(tmp_path / "dask", workers=1, path=str(tmp_path / "other")) as running,
        pytest.raises(EnvironmentFailed, match=expected),
    ):
        dask(running)


def test_a_worker_without_readfence_is_refused(tmp_path: Path) -> None:
    """With what to install there."""
    (tmp_path / "none/readfence").mkdir(parents=True)
    (tmp_path / "none/readfence/__init__.py").touch()
    expected = rf"^the Dask worker tcp://\S+ has no readfence; install {BUILD} there$"
    with (
        cluster(tmp_path / "dask", workers=1, path=str(tmp_path / "none")) as running,
        pytest.raises(EnvironmentFailed, match=expected),
    ):
        dask(running)


def test_a_point_of_another_version_is_refused(two: Cluster) -> None:
    """By the worker, since it may have joined after all were asked."""
    (point,) = points(1)
    foreign = point.model_copy(update={"readfence": "0.0.9+abc"})
    with pytest.raises(EnvironmentFailed, match=r"^version mismatch: a point of readfence 0\.0\.9"):
        results(dask(two), [foreign])


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense", "tcp://", "ftp://a:1"])
def test_a_scheduler_out_of_reach_is_told_soon(address: str) -> None:
    """Within seconds, with its address, and as a failure of the machine.

    In a process of its own, as for a user: Dask leaves threads behind when it cannot connect.
    """
    Path("s.yaml").write_text(small() + "sweep: {settings: {network.one_way: [1ms, 2ms]}}\n")
    words = ("sweep", "s.yaml", "--executor", "dask", "--scheduler", address)
    ended = call_process(*words, cwd=Path())
    assert ended.status == 5
    assert f"readfence: no Dask scheduler answers at {address} within 5 s" in ended.stderr


def test_dask_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the message says what to install."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "readfence.dask_cluster")
    with pytest.raises(EnvironmentFailed, match=r"pip install 'readfence\[dask\]'$"):
        make_executor("dask", workers=None, scheduler="tcp://127.0.0.1:1", tell=str)


def test_a_scheduler_that_goes_away_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rather than waited for without end; so is a cluster without workers, at its start."""
    monkeypatch.setattr(dask_cluster, "_LOST_S", 2)
    told: list[str] = []
    with cluster(tmp_path / "lone", workers=0) as running, dask(running, told) as executor:
        assert isinstance(executor, DaskCluster)
        assert told[0].startswith(f"no workers at {running.address} yet; start some with: dask ")
        executor.submit(0, points(1)[0])
        running.scheduler.send_signal(signal.SIGKILL)
        with pytest.raises(EnvironmentFailed, match=r"is gone; finished points are kept$"):
            list(executor.completed())
