"""The table of a sweep as a Parquet file: tidy, one row per combination, variant and seed.

Columns: `variant`, `seed`, `status`, `reason`; `set.<path>` for each setting varied; every figure
by its name, a figure that spans by its `.min`, `.mean` and `.max`; every figure of a resource
(`n1.cores.utilisation`) and every counter by its name. The unit of a column is in the metadata of
its field. Equal rows give equal bytes, with one version of pyarrow: rows come in the order of the
sweep, and nothing of the machine is written.
"""

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet

from reports.figures import CATALOGUE
from reports.quantity import in_units, unit_name
from reports.resources import ASPECTS, Aspect
from reports.sweeping.rows import Axis, Sweep
from sim.usage import Window

FORMAT: Final = "readfence/sweep/1"
_TYPES: Final = {
    "ns": pa.int64(),
    "/s": pa.float64(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "text": pa.string(),
}
_ENDS: Final = ("min", "mean", "max")


def table_of(sweep: Sweep) -> Any:
    """The table, as pyarrow has it."""
    fields, columns = zip(*_columns(sweep), strict=True)
    told = {
        "format": FORMAT,
        "scenario": sweep.name,
        "title": sweep.title,
        "readfence": sweep.readfence,
        "design": sweep.design,
    }
    metadata = {b"readfence": json.dumps(told, ensure_ascii=False).encode()}
    return pa.table(list(columns), schema=pa.schema(list(fields), metadata=metadata))


def write_parquet(sweep: Sweep, path: Path) -> None:
    """Write the table, to a temporary name first. Raises `OSError` when it cannot be written."""
    scratch = path.with_name(f"{path.name}.part")
    try:
        pyarrow.parquet.write_table(table_of(sweep), scratch, compression="zstd")
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def _columns(sweep: Sweep) -> Iterator[tuple[Any, Any]]:
    """Each field with its values."""
    rows = sweep.rows
    yield _column("variant", pa.string(), [row.variant for row in rows])
    yield _column("seed", pa.int64(), [row.seed for row in rows])
    yield _column("status", pa.string(), [row.status for row in rows])
    yield _column("reason", pa.string(), [row.reason for row in rows])
    for place, axis in enumerate(sweep.axes):
        settings: list[Any] = [axis.read(row.settings[place]) for row in rows]
        yield _column(f"set.{axis.path}", _TYPES[axis.kind], settings, _unit_of(axis))
    for figure in CATALOGUE:
        values = [row.figures.get(figure.name) for row in rows]
        if figure.power is None:
            yield _column(figure.name, pa.string(), values)
            continue
        unit = unit_name(figure.power)
        if not figure.spans:
            yield _column(figure.name, pa.float64(), values, unit)
            continue
        for end in _ENDS:
            chosen = [None if value is None else _end(value, end) for value in values]
            yield _column(f"{figure.name}.{end}", pa.float64(), chosen, unit)
    for resource in sorted({name for row in rows for name in row.resources}):
        for word, aspect in ASPECTS.items():
            told = [_of_resource(row.resources.get(resource), aspect) for row in rows]
            yield _column(f"{resource}.{word}", pa.float64(), told, unit_name(aspect.power))
    for name in sorted({name for row in rows for name in row.counters}):
        unit = "ns" if name.endswith("_ns") else ""
        yield _column(name, pa.int64(), [row.counters.get(name) for row in rows], unit)


def _end(value: Any, end: str) -> Any:
    """Of a figure that spans: it has one value where that is the same for all."""
    return value[end] if isinstance(value, dict) else value


def _of_resource(window: Window | None, aspect: Aspect) -> int | float | None:
    """None where there is no such resource, or nothing happened at it."""
    number = None if window is None else aspect.read(window)
    return None if number is None else in_units(Fraction(number), aspect.power)


def _unit_of(axis: Axis) -> str:
    return axis.kind if axis.kind in ("ns", "/s") else ""


def _column(name: str, kind: Any, values: list[Any], unit: str = "") -> tuple[Any, Any]:
    metadata = {b"unit": unit.encode()} if unit not in ("", "1") else None
    if kind == pa.float64():
        values = [None if value is None else float(value) for value in values]
    return pa.field(name, kind, metadata=metadata), pa.array(values, type=kind)
