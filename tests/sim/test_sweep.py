"""Combinations of settings: their number, their order, and how evenly they are spread."""

import subprocess
import sys
from typing import Any

import pytest

from sim.sweep import combinations, combinations_in_all, seeds_of
from sim.sweep_spec import SweepSpec


def spec(**content: Any) -> SweepSpec:
    """A sweep."""
    return SweepSpec.model_validate(content)


def hypercube(samples: int, **settings: Any) -> SweepSpec:
    """A Latin hypercube."""
    return spec(settings=settings, design="latin_hypercube", samples=samples)


def test_a_grid_has_every_value_with_every_other() -> None:
    """The last setting varies fastest."""
    grid = spec(settings={"a": [1, 2], "b": {"from": "1ms", "to": "3ms", "steps": 3}})
    assert list(combinations(grid, 1)) == [
        {"a": a, "b": b} for a in (1, 2) for b in ("1ms", "2ms", "3ms")
    ]
    assert combinations_in_all(grid) == 6


def test_the_number_is_known_without_making_them() -> None:
    """Else a grid too great to run would be too great to refuse."""
    wide = spec(settings={name: list(range(1000)) for name in "abcd"})
    assert combinations_in_all(wide) == 10**12


def test_a_hypercube_spreads_each_setting() -> None:
    """Each of so many equal stretches of a range has one sample, each value of a list its share."""
    cube = hypercube(20, a={"from": 0.0, "to": 1.0}, b=[1, 2, 3, 4])
    found = list(combinations(cube, 1))
    assert combinations_in_all(cube) == len(found) == 20
    assert sorted(int(20 * each["a"]) for each in found) == list(range(20))
    assert sorted(each["b"] for each in found) == sorted([1, 2, 3, 4] * 5)


def test_a_hypercube_depends_on_its_seed_alone() -> None:
    """The same in another process; another seed is another one."""
    cube = hypercube(8, a={"from": "1ms", "to": "1s", "scale": "log"}, b=[1, 2])
    here = list(combinations(cube, 1))
    text = cube.model_dump_json(by_alias=True)
    code = (
        "from sim.sweep import *; from sim.sweep_spec import *\n"
        f"print(list(combinations(SweepSpec.model_validate_json({text!r}), 1)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(here)
    assert list(combinations(cube, 2)) != here


@pytest.mark.parametrize(("seeds", "expected"), [(1, [7]), (3, [7, 8, 9]), ([5, 3], [5, 3])])
def test_seeds_are_counted_on_or_named(seeds: Any, expected: list[int]) -> None:
    """A number begins with the seed of the scenario; a list is taken as it is."""
    assert seeds_of(spec(settings={"a": [1]}, seeds=seeds), 7) == expected
