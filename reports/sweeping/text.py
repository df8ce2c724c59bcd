"""Words for a sweep: for a terminal, for a pull request, and as JSON."""

from collections.abc import Iterator
from typing import Any, Final

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from reports.sweeping.rows import FIGURE, Row, Sweep
from reports.sweeping.sensitivity import effects, means, method, ranking
from reports.writing import markdown, printable, shortened
from sim.units import human_duration

FAILURES_MAX: Final = 10
"""Points that did not end ok and are told one by one."""
VALUES_MAX: Final = 12
"""Values of a setting that are told one by one."""
_TEXT_MAX: Final = 48
NOTHING: Final = "-"

Cells = list[list[str]]


def sweep_view(sweep: Sweep) -> RenderableType:
    """The tables for a terminal, to be printed with rich."""
    parts: list[RenderableType] = [Text(_headline(sweep), style="bold")]
    for title, cells in _tables(sweep):
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for place, heading in enumerate(cells[0]):
            table.add_column(Text(heading), justify="right" if place else "left")
        for row in cells[1:]:
            table.add_row(*map(Text, row))
        parts += [Text(), Text(title), table]
    parts += [Text(), Text(method(sweep), style="dim")]
    return Group(*parts, *(Text(line) for line in _failures(sweep)))


def sweep_markdown(sweep: Sweep) -> str:
    """The same for a pull request."""
    lines = [f"### {markdown(_headline(sweep))}"]
    for title, cells in _tables(sweep):
        lines += ["", markdown(title), ""]
        lines.append(f"| {' | '.join(map(markdown, cells[0]))} |")
        lines.append(f"|---|{'---:|' * (len(cells[0]) - 1)}")
        lines += [f"| {' | '.join(map(markdown, row))} |" for row in cells[1:]]
    lines += ["", method(sweep)]
    failures = list(_failures(sweep))
    if failures:
        lines += ["", *(f"- {markdown(line)}" for line in failures)]
    return "\n".join(lines) + "\n"


def sweep_json(sweep: Sweep) -> dict[str, Any]:
    """The same as plain data. Stable: within version 1 keys are only ever added."""
    return {
        "format": "readfence/sweep",
        "version": 1,
        "scenario": sweep.name,
        "readfence": sweep.readfence,
        "design": sweep.design,
        "statuses": sweep.statuses,
        "settings": [
            {
                "path": axis.path,
                "unit": axis.kind,
                "values": [axis.read(value) for value in sweep.values(place)],
            }
            for place, axis in enumerate(sweep.axes)
        ],
        "figure": FIGURE,
        "method": method(sweep),
        "sensitivity": {
            variant: [
                {"path": e.path, "share": e.share, "factor": e.factor, "trend": e.trend}
                for e in effects(sweep, variant)
            ]
            for variant in sweep.variants
        },
        "failures": [
            {
                "variant": row.variant,
                "seed": row.seed,
                "settings": dict(zip(sweep.paths, row.settings, strict=True)),
                "status": row.status,
                "reason": row.reason,
                "details": row.details,
            }
            for row in sweep.rows
            if row.status != "ok"
        ],
    }


def told(sweep: Sweep, row: Row) -> str:
    """Which point a row is, in a line that leads back to it."""
    settings = ", ".join(
        f"{axis.path}={value}" for axis, value in zip(sweep.axes, row.settings, strict=True)
    )
    return printable(f"{row.variant}, seed {row.seed}, {settings}")


def _headline(sweep: Sweep) -> str:
    return printable(f"{sweep.name}: {len(sweep.rows):,} points, {sweep.title or sweep.design}")


def _tables(sweep: Sweep) -> Iterator[tuple[str, Cells]]:
    yield "Which setting moves p99 most: share of the variance, factor", _sensitivity(sweep)
    for path in ranking(sweep):
        place = list(sweep.paths).index(path)
        columns = {v: means(sweep, sweep.of(v), place) for v in sweep.variants if sweep.of(v)}
        labels = list(dict.fromkeys(mean.shown for each in columns.values() for mean in each))
        if not labels or len(labels) > VALUES_MAX:
            continue
        values = {
            variant: {mean.shown: human_duration(mean.value_ns) for mean in each}
            for variant, each in columns.items()
        }
        cells = [[path, *(printable(variant) for variant in columns)]]
        for label in labels:
            row = [values[variant].get(label, NOTHING) for variant in columns]
            cells.append([shortened(printable(label), _TEXT_MAX), *row])
        yield f"p99 by {path} (geometric mean over all else)", cells


def _sensitivity(sweep: Sweep) -> Cells:
    found = {v: {e.path: e for e in effects(sweep, v)} for v in sweep.variants}
    cells = [["setting", *map(printable, sweep.variants)]]
    for path in ranking(sweep):
        row = [path]
        for variant in sweep.variants:
            effect = found[variant].get(path)
            row.append(NOTHING if effect is None else f"{effect.share:.0%}, ×{effect.factor:,.3g}")
        cells.append(row)
    if sweep.design != "grid":
        return cells
    rest = ["the rest"]
    for variant in sweep.variants:
        shares = [effect.share for effect in found[variant].values()]
        # Where nothing varies, nothing is left to explain.
        rest.append(f"{max(0.0, 1 - sum(shares)):.0%}" if any(shares) else NOTHING)
    return [*cells, rest]


def _failures(sweep: Sweep) -> Iterator[str]:
    failed = [row for row in sweep.rows if row.status != "ok"]
    silent = [row for row in sweep.rows if row.status == "ok" and row.value is None]
    for row in failed[:FAILURES_MAX]:
        yield f"{row.status}: {told(sweep, row)}: {printable(row.reason)}"
    if len(failed) > FAILURES_MAX:
        yield f"and {len(failed) - FAILURES_MAX:,} more points that did not end ok"
    if silent:
        yield f"{len(silent):,} points without a p99, since none of their scripts ended ok"
