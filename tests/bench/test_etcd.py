"""The latencies of a real etcd, predicted from three of them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.etcd import (
    KNOWN_MISSES,
    Comparison,
    Predicted,
    calibrate,
    compare,
    predict,
    unpredicted,
)
from bench.etcd_cells import MEASURED, Cell, read_cells
from readfence.runs import run_all
from readfence.scenarios import load
from reports.check import Gate, check_run
from sim.dist import Constant, Lognormal
from sim.errors import InputError
from sim.units import us

CELLS = read_cells(MEASURED)
CONSTANTS = calibrate(CELLS)
SETTING = ("n3_d5", "leader", 8, None)


def surprises(comparison: Comparison) -> set[str]:
    """What misses though it should hold, or holds though it is known to miss; wrong orders."""
    there = {row.cell.key for row in comparison.rows} | {each.key for each in comparison.ratios}
    known = there.intersection(KNOWN_MISSES)
    wrong = {f"{a.cell.key} against {b.cell.key}" for a, b in comparison.wrong_orders}
    return known.symmetric_difference(comparison.misses) | wrong


def cells_of(*ops: str) -> list[Cell]:
    """Closed-loop cells of some operations, with up to 8 clients: all of them hold."""
    return [
        cell
        for cell in CELLS
        if cell.op in ops and cell.clients <= 8 and not cell.rate and unpredicted(cell) is None
    ]


def test_all_other_cells_are_predicted_but_for_those_known_to_miss() -> None:
    """Medians, the ratio of per-call reads to one fence, and the order of all that is compared."""
    comparison = compare(CELLS, CONSTANTS)
    assert surprises(comparison) == set()
    assert set(KNOWN_MISSES) == set(comparison.misses)
    assert len(KNOWN_MISSES) == 9
    assert len(comparison.rows) == 52 and len(comparison.ratios) == 8


def test_the_shipped_scenario_holds_the_constants() -> None:
    """They are derived once more from the three cells, and nothing else may enter."""
    system = load("etcd_1ms").variants[0].system
    call = Lognormal(us(CONSTANTS.call), round(CONSTANTS.spread, 3))
    assert system.script.call.build() == call
    assert system.script.commit == us(CONSTANTS.commit)
    assert system.engine.read == us(CONSTANTS.read)
    assert system.network.one_way.build() == Constant(us(1000 + CONSTANTS.message))


def test_the_shipped_scenario_keeps_what_it_expects() -> None:
    """Message by message, within the limits of the comparison."""
    loaded = load("etcd_1ms", ["stop.scripts=400", "timelines=0"])
    gates = [Gate(text) for text in loaded.scenario.expect]
    assert check_run(run_all(loaded).record, gates).kept


def test_the_constants_depend_on_the_three_cells_alone() -> None:
    """All other cells may hold anything."""
    used = [
        cell
        for cell in CELLS
        if (cell.setup, cell.at, cell.clients) == ("n3_d1", "leader", 1)
        and cell.op in ("ser", "lin", "put")
    ]
    assert len(used) == 3
    assert calibrate(used) == CONSTANTS


@pytest.mark.parametrize(
    ("change", "op"),
    [
        ("engine.read_sharing=none", "lin"),
        ("cluster.cores=1", "f1s20"),
        ("network.lanes.others.in_flight=1", "put"),
    ],
)
def test_a_model_with_another_mechanism_is_refused(change: str, op: str) -> None:
    """Reads that do not share a round, a machine with one core, lanes that wait for returns."""
    assert surprises(compare(cells_of(op), CONSTANTS)) == set()
    assert surprises(compare(cells_of(op), CONSTANTS, [change]))


@pytest.mark.parametrize("times", [0.7, 1.3])
def test_delays_30_percent_off_are_refused(times: float) -> None:
    """The delay is no constant of the calibration: it is the one that was set when measuring."""
    cells = [
        replace(cell, delays_ms={link: times * ms for link, ms in cell.delays_ms.items()})
        for cell in cells_of("lin")
    ]
    assert surprises(compare(cells, CONSTANTS))


@pytest.mark.parametrize("times", [0.7, 1.3])
def test_work_30_percent_off_is_refused(times: float) -> None:
    """Twenty-one local reads in a row are nothing but work."""
    constants = replace(CONSTANTS, call=times * CONSTANTS.call)
    assert surprises(compare(cells_of("ser21"), constants))


def test_an_order_that_is_wrong_is_told_even_within_the_limits() -> None:
    """Two cells of one setting, each a little off, in opposite directions."""
    lin, put = (cell for cell in cells_of("lin", "put") if cell.setting == SETTING)
    rows = [
        Predicted(replace(cell, p50_us=measured), predicted, predicted)
        for cell, measured, predicted in ((lin, 100.0, 106.0), (put, 105.0, 101.0))
    ]
    comparison = Comparison(rows)
    assert comparison.misses == []
    assert comparison.wrong_orders == [tuple(rows)]


def test_cells_never_seen_are_predicted_too(tmp_path: Path) -> None:
    """Five members, uneven links, other sequences, an open loop."""
    links = {
        f"{a}->{b}": ["fixed", 2.0 if 5 in (a, b) else 0.5]
        for a in range(1, 6)
        for b in range(1, 6)
        if a != b
    }
    latency = {"n": 100, "mean": 1.0, "p50": 1.0, "p99": 1.0}
    runs = [
        {
            "client_at": "leader",
            "op": op,
            "clients": 2,
            "rate": rate,
            "lat_us": latency,
            "cpu_s": {},
        }
        for op, rate in (("s3x2", None), ("f1s5", None), ("s2l1s3", None), ("mix20", 50))
    ]
    file = tmp_path / "more.json"
    setup = {"nodes": 5, "matrix": links, "runs": runs}
    file.write_text(json.dumps({"latency": {"uneven": setup}}))
    found = compare(read_cells(file), CONSTANTS)
    many, one, mixed, open_loop = (row.p50_us for row in found.rows)
    assert many > 6 * 1000 and 1000 < one < mixed < many
    assert 1000 < open_loop < 2 * one
    assert [ratio.key for ratio in found.ratios] == ["uneven s3x2 2 clients / f1s5"]


def test_two_clients_part_and_wait_for_each_others_rounds() -> None:
    """Constant work would keep them in step for ever, so that they share every round."""
    (cell,) = (cell for cell in cells_of("lin") if cell.setting == SETTING)
    alone, two = (predict(replace(cell, clients=clients), CONSTANTS) for clients in (1, 2))
    assert two.p50_us > 1.9 * alone.p50_us
    in_step = predict(replace(cell, clients=2), replace(CONSTANTS, spread=0.0))
    assert in_step.p50_us < 1.1 * alone.p50_us


def test_a_file_without_cells_is_an_input_error(tmp_path: Path) -> None:
    """Told with its name."""
    file = tmp_path / "none.json"
    file.write_text('{"latency": {"a": {}}}')
    with pytest.raises(InputError, match=r"none\.json: cannot be read as measured cells"):
        read_cells(file)
