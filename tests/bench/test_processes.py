"""Two processes are worth having."""

import os

import pytest

from bench.processes import speed_up
from readfence.executors import cores


@pytest.mark.slow
@pytest.mark.alone
def test_two_processes_are_faster_than_one() -> None:
    """Tolerant, since tests share the machine: `dev.py bench --processes` holds it to 1.8."""
    if cores() < 2:
        pytest.skip("this machine has one core")
    if os.getloadavg()[0] > 0.75 * cores():
        pytest.skip("this machine is busy with something else, so that times tell nothing")
    found: list[float] = []
    while len(found) < 3 and max(found, default=0.0) < 1.5:
        found.append(speed_up(count=16, scripts=400))
    assert max(found) >= 1.5, found
