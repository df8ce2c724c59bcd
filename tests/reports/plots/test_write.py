"""All pictures as files."""

import hashlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reports.plots.write import PICTURES, write_plots
from sim.record import RunRecord, write_run
from tests.reports.records import (
    FENCES,
    NOT_LEADER,
    make_record,
    make_variant,
    renamed,
)

ODD = {
    "errors only": make_record(
        make_variant("one_fence", scripts=5, errors={NOT_LEADER: 5}),
    ),
    "a single script": make_record(make_variant("one_fence", scripts=1)),
    "no script": make_record(make_variant("one_fence", scripts=0)),
    "odd names": make_record(
        make_variant("v" * 60, renamed("per_call", key="$k_{}$:日本:\x00\n" + "k" * 80)),
        name="<s&> $x^2$ " + "long " * 40,
    ),
    "from us to s": make_record(
        make_variant("none", round_ns=1), make_variant("per_call", round_ns=10**9)
    ),
    "eight variants": make_record(
        *(make_variant(f"v{n}", FENCES["one_fence"], scripts=30, seed=n) for n in range(8))
    ),
}


def digests(folder: Path) -> dict[str, str]:
    """A digest of every file of a folder."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
    }


def test_every_picture_is_written_as_png_and_svg(tmp_path: Path) -> None:
    """Into a folder that is made, the waterfall first."""
    paths = write_plots(make_record(), tmp_path / "new" / "plots")
    assert [path.name for path in paths] == [
        f"{name}.{kind}" for name in PICTURES for kind in ("png", "svg")
    ]
    assert paths[0].name == "waterfall.png"
    assert all(path.stat().st_size > 5_000 for path in paths)


@pytest.mark.parametrize("name", ODD)
def test_odd_runs_can_be_drawn(name: str, tmp_path: Path) -> None:
    """Without a crash and without a warning, which the tests turn into errors."""
    assert len(write_plots(ODD[name], tmp_path)) == 2 * len(PICTURES)


SCRIPT = """
import sys
from pathlib import Path
from reports.plots.write import write_plots
from sim.record import read_run
write_plots(read_run(Path(sys.argv[1])), Path(sys.argv[2]))
"""


def drawn_elsewhere(run: Path, folder: Path, **environment: str) -> dict[str, str]:
    """Digests of the pictures that another process draws."""
    subprocess.run(
        [sys.executable, "-c", SCRIPT, str(run), str(folder)],
        check=True,
        env={**os.environ, **environment},
        timeout=120,
    )
    return digests(folder)


def test_equal_records_give_equal_bytes_in_every_process(tmp_path: Path) -> None:
    """Whatever the hash seed, time zone and language; another run gives other bytes."""
    record = make_record(make_variant("per_call"), make_variant("one_fence"))
    write_run(record, tmp_path / "run.json")
    write_plots(record, tmp_path / "here")
    here = digests(tmp_path / "here")
    zone = {"TZ": "Pacific/Auckland", "LANG": "de_DE.UTF-8", "PYTHONHASHSEED": "77"}
    assert drawn_elsewhere(tmp_path / "run.json", tmp_path / "there", **zone) == here
    other = make_record(make_variant("per_call", seed=8), make_variant("one_fence"))
    write_plots(other, tmp_path / "other")
    assert all(other != here[name] for name, other in digests(tmp_path / "other").items()
               if not name.startswith("verifications"))  # fmt: skip


def usual_run() -> RunRecord:
    """Four variants of 2,000 scripts."""
    fences = ("per_call", "as_merged", "one_fence", "none")
    return make_record(*(make_variant(name, scripts=2_000) for name in fences))


@pytest.mark.alone
def test_a_usual_run_is_drawn_in_seconds(tmp_path: Path) -> None:
    """The budget is 4 s on an idle machine; twice that here, since others may be at work."""
    record = usual_run()
    started = time.perf_counter()
    write_plots(record, tmp_path)
    assert time.perf_counter() - started < 8


@pytest.mark.slow
def test_a_million_scripts_can_be_drawn(tmp_path: Path) -> None:
    """Thinned first, so that files stay small."""
    record = make_record(make_variant("one_fence", scripts=1_000_000))
    paths = write_plots(record, tmp_path)
    assert max(path.stat().st_size for path in paths) < 1_000_000


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """By its path; the front door says it in the user's words."""
    (tmp_path / "file").write_text("in the way")
    path = tmp_path / "file" / "plots"
    with pytest.raises(NotADirectoryError, match=re.escape(str(path))):
        write_plots(make_record(), path)
