"""The Parquet file: columns, units, types, and equal bytes."""

import json
from pathlib import Path

import pyarrow.parquet
import pytest

from reports.figures import CATALOGUE
from reports.sweeping.parquet import table_of, write_parquet
from reports.sweeping.rows import Sweep
from tests.reports.sweeping.sweeps import sweep


def made() -> Sweep:
    """Two settings, and a point that met a limit."""
    return sweep(
        lambda way, nodes: None if nodes == 7 else 1e6 * nodes,
        seeds=(1, 2), **{"network.one_way": ["1ms", "250us"], "cluster.nodes": [3, 7]},
    )  # fmt: skip


def test_the_table_is_tidy() -> None:
    """A row per combination, variant and seed; settings, figures and counters by name."""
    table = table_of(made())
    assert table.num_rows == 8
    assert table["set.network.one_way"].to_pylist() == [1_000_000] * 4 + [250_000] * 4
    assert table["set.cluster.nodes"].to_pylist() == [3, 3, 7, 7] * 2
    assert table["seed"].to_pylist() == [1, 2] * 4
    assert table["status"].to_pylist() == ["ok", "ok", "limit", "limit"] * 2
    assert table["reason"].to_pylist()[1:3] == ["", "too long"]
    assert table["latency.p99"].to_pylist()[:3] == [3e6, 3e6, None]
    assert table["verifications.per_script.mean"].to_pylist()[0] == 1.5
    assert table["rounds.per_script.max"].to_pylist()[0] == 1.0
    assert table["safety"].to_pylist()[:3] == ["ok", "ok", None]
    assert table["n1.loop.utilisation"].to_pylist()[:3] == [0.25, 0.25, None]
    assert table["n1.loop.wait"].to_pylist()[:3] == [None, None, None]
    assert table["rounds.sent"].to_pylist()[:3] == [20, 20, None]


def test_units_are_in_the_metadata() -> None:
    """So are scenario and version; the types do not depend on the values."""
    schema = table_of(made()).schema
    units = {field.name: (field.metadata or {}).get(b"unit") for field in schema}
    assert units["set.network.one_way"] == units["latency.p99"] == units["x_ns"] == b"ns"
    assert units["n1.loop.wait"] == b"ns"
    assert units["throughput"] == b"1/s"
    assert units["set.cluster.nodes"] is units["scripts"] is None
    assert json.loads(schema.metadata[b"readfence"])["readfence"] == "0.1.0+abc"
    types = {field.name: str(field.type) for field in schema}
    assert types["set.network.one_way"] == "int64"
    assert {types[f.name] for f in CATALOGUE if f.power is not None and not f.spans} == {"double"}


def test_equal_rows_give_equal_bytes(tmp_path: Path) -> None:
    """And the file reads back as the table; nothing else is left there."""
    for name in ("one", "other"):
        write_parquet(made(), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    assert pyarrow.parquet.read_table(tmp_path / "one").equals(table_of(made()))
    assert len(list(tmp_path.iterdir())) == 2


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    """Neither half a file, nor its temporary name."""
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_parquet(made(), tmp_path / "taken")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
