"""The benchmark beside fakeredis runs, and says what is missed."""

import json
import subprocess
import sys

import pytest

from bench.served import Row, judged


@pytest.mark.slow
def test_the_benchmark_runs() -> None:
    """Small numbers of everything: each row has its figures. They are not judged here, since
    tests share the machine.
    """
    command = [sys.executable, "-m", "bench.served", "--quick", "--json"]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    rows = json.loads(ended.stdout)
    systems = {"readfence in-process", "readfence served", "fakeredis"}
    assert {(row["system"], row["mix"]) for row in rows} >= {
        (system, mix) for system in systems for mix in ("reads", "writes")
    }
    assert rows[-1]["system"] == "readfence replay"
    assert all(row["per_cpu_s"] > 0 and row["ratio"] > 0 for row in rows)


def test_a_missed_target_is_told() -> None:
    """Twice as fast as fakeredis is enough served, and not in-process."""
    rows = [
        Row("readfence in-process", "reads", scripts=200, cpu_s=1.0, wall_s=1.0),
        Row("readfence served", "reads", scripts=200, cpu_s=1.0, wall_s=1.0),
        Row("fakeredis", "reads", scripts=100, cpu_s=1.0, wall_s=1.0),
        Row("fakeredis", "writes", scripts=100, cpu_s=1.0, wall_s=1.0),
        Row("readfence replay", "writes", scripts=200, cpu_s=61.0, wall_s=1.0),
    ]
    told = [(row["ratio"], row["met"]) for row in judged(rows)]
    assert told[:4] == [(2.0, False), (2.0, True), (1.0, None), (1.0, None)]
    assert told[4][1] is False
