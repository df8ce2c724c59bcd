"""The table of a run: variants as columns, figures as rows; for a terminal or Markdown.

It shows figures of the catalogue (`reports.figures`) and adds none, but for the wall time, which is
not part of a run record and is handed in.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from rich import box
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from reports.attempts import COMMIT_GUARD, VERIFYING
from reports.figures import PERCENTILES, Figures, Value, figures_of
from reports.pairs import LEVEL, differences
from reports.quantity import (
    show,
    show_number,
)
from reports.resources import busiest
from reports.sample import NoData
from reports.writing import markdown, plain_text, printable, shortened
from sim.record import UNSUPPORTED, RunRecord
from sim.sketch import ERROR
from sim.units import SECOND, human_duration

NAME_MAX: Final = 44
"""Characters of a variant's name at most."""
ERRORS_MAX: Final = 5
"""Error texts of a variant that are told one by one; the rest share a line."""
GAP: Final = 3
"""Columns of the terminal between two columns of the table."""
SPREAD: Final = " / "
"""Between least, mean and greatest, where the attempts of a variant differ."""
_SPREAD_NOTE: Final = "Where attempts differ: least / mean / greatest."
_ATTEMPTS_NOTE: Final = (
    "Verifications, guards and rounds are those of one attempt; scripts that were retried had more."
)
_THINNED_NOTE: Final = (
    "Percentiles of latency are off by {:.2%} at most: not every script kept a row."
)
_PAIRS_NOTE: Final = (
    "Same script: its latency less that in `{}`, the median over {} scripts that ended ok in both; "
    "±: half of the {:.0%} interval."
)
_WOULD_DROP: Final = "messages.would_drop"
"""The counter of a run with `fidelity: rounds`."""
_WOULD_DROP_NOTE: Final = (
    "{}: {:,} messages found their queue full. `fidelity: rounds` drops none: what follows from a "
    "drop, only `messages` shows."
)
NOTHING: Final = "-"
"""Stands where a figure has no value in a run, such as a latency where no script ended ok."""


@dataclass(frozen=True, slots=True)
class Row:
    """A figure of every variant."""

    label: str
    cells: tuple[str, ...]
    indent: int = 0
    opens_section: bool = False


def summary_view(
    record: RunRecord, *, wall_s: Mapping[str, float] | None = None, width: int = 100
) -> RenderableType:
    """The table for a terminal of `width` columns, to be printed with rich.

    `wall_s` is the wall time of each variant in seconds; without it those rows are left out. When
    the variants do not fit side by side, they are spread over several tables.
    """
    rows = rows_of(record, wall_s)
    names = [shortened(printable(variant.name), NAME_MAX) for variant in record.variants]
    tables = [_table(rows, names, chosen) for chosen in _fitting(rows, names, width)]
    parts: list[RenderableType] = [Text(printable(record.told), style="bold")]
    if record.title:
        parts.append(Text(printable(record.title)))
    parts += [part for table in tables for part in (Text(), table)]
    if errors := _errors(record):
        parts += [Text(), _error_table(errors)]
    if notes := [*_notes(record, rows)]:
        parts += [Text(), *(Text(note, style="dim") for note in notes)]
    return Group(*parts)


def summary_text(
    record: RunRecord, *, wall_s: Mapping[str, float] | None = None, width: int = 100
) -> str:
    """The table as plain text of at most `width` columns."""
    return plain_text(summary_view(record, wall_s=wall_s, width=width), width=width)


def summary_markdown(record: RunRecord, *, wall_s: Mapping[str, float] | None = None) -> str:
    """The table for a pull request or a page."""
    names = [markdown(variant.name) for variant in record.variants]
    lines = [
        f"### {markdown(record.told)}",
        *(["", markdown(record.title)] if record.title else []),
        "",
        f"| | {' | '.join(names)} |",
        f"|---|{'---:|' * len(names)}",
    ]
    rows = rows_of(record, wall_s)
    for row in rows:
        label = "&nbsp;&nbsp;" * row.indent + markdown(row.label)
        lines.append(f"| {label} | {' | '.join(markdown(cell) for cell in row.cells)} |")
    for error in _errors(record):
        lines += ["", f"- {markdown(' '.join(error.cells))}: {markdown(error.text)}"]
    for note in _notes(record, rows):
        lines += ["", note]
    return "\n".join(lines) + "\n"


def _notes(record: RunRecord, rows: list[Row]) -> Iterator[str]:
    """What a reader must know of the numbers."""
    if any(SPREAD in cell for row in rows for cell in row.cells):
        yield _SPREAD_NOTE
    if pairs := {difference.pairs for difference in differences(record).values()}:
        first = printable(record.variants[0].name)
        span = " to ".join(f"{count:,}" for count in sorted({min(pairs), max(pairs)}))
        yield _PAIRS_NOTE.format(first, span, LEVEL)
    samples = {name: figures.sample for name, figures in figures_of(record).items()}
    if any(sample.thinned for sample in samples.values()):
        yield _THINNED_NOTE.format(float(ERROR))
    executions = {name: sample.counts("attempts") for name, sample in samples.items()}
    if any(max(counts, default=0) > 1 for counts in executions.values()):
        yield _ATTEMPTS_NOTE
    for name, counts in executions.items():
        begun = sum(max(1, times) * count for times, count in counts.items())
        ended = samples[name].attempts.total
        if ended < begun:
            yield (
                f"{printable(name)}: counts are of {ended:,} of {begun:,} attempts; "
                "the others did not end their script."
            )
    for variant in record.variants:
        count = variant.counters.get(_WOULD_DROP, 0)
        if count:
            yield _WOULD_DROP_NOTE.format(printable(variant.name), count)


def rows_of(record: RunRecord, wall_s: Mapping[str, float] | None) -> list[Row]:
    """The rows of the table, a cell per variant."""
    variants = list(figures_of(record).values())

    def row(label: str, name: str, indent: int = 0, *, opens: bool = False) -> Row:
        return Row(label, tuple(_cell(figures, name) for figures in variants), indent, opens)

    return [
        row("scripts", "scripts"),
        row("throughput", "throughput"),
        *(
            row(f"latency {name}" if name != "max" else "latency max", f"latency.{name}",
                opens=name == "p50")
            for name in (*(f"p{text}" for text in PERCENTILES), "max")
        ),
        *_pair_rows(record),
        row("verifications per script", "verifications.per_script", opens=True),
        *(
            row(f"{site.letter} {site.name}", f"verifications.{site.field}.per_script", 1)
            for site in VERIFYING
        ),
        row(f"{COMMIT_GUARD.letter} {COMMIT_GUARD.name}s per script", "commit_guards.per_script"),
        row("rounds on the wire per script", "rounds.per_script"),
        row("rounds on the wire in total", "rounds.total"),
        row("retries", "retries", opens=True),
        row("errors", "errors"),
        *_unsupported_rows(variants),
        row("safety", "safety"),
        row("ledger of verifications", "ledger"),
        *_busiest_rows(variants),
        row("virtual time", "virtual_time", opens=True),
        *_wall_rows(record, wall_s),
    ]  # fmt: skip


def _cell(figures: Figures, name: str) -> str:
    try:
        return _told(figures.value(name))
    except NoData:
        return NOTHING


def _told(value: Value) -> str:
    if isinstance(value, str):
        return value
    if value.is_point or value.mean is None:
        return show(value)
    ends = (value.low, value.mean, value.high)
    return SPREAD.join(show_number(number, value.power) for number in ends)


@dataclass(frozen=True, slots=True)
class _Error:
    """An error text of a variant and how often it came."""

    cells: tuple[str, str, str]
    """Variant, count, share of all scripts."""
    text: str


def _errors(record: RunRecord) -> list[_Error]:
    """What scripts failed with, variant by variant, the commonest first."""
    found = []
    for name, figures in figures_of(record).items():
        counts = figures.sample.errors()
        told = [*counts.items()][:ERRORS_MAX]
        others = [*counts.values()][ERRORS_MAX:]
        if others:
            told.append((f"{len(others)} other errors", sum(others)))
        for text, count in told:
            share = f"{100 * count / figures.sample.scripts:.3g} %"
            found.append(_Error((name, f"{count:,}", share), text))
    return found


def _error_table(errors: list[_Error]) -> Table:
    """The errors in full: the end of a long one wraps, nothing is left out."""
    table = Table(box=None, pad_edge=False)
    for heading in ("errors of", "scripts", "share"):
        table.add_column(heading, justify="right" if heading != "errors of" else "left")
    table.add_column("", overflow="fold")
    for error in errors:
        cells = [Text(shortened(printable(cell), NAME_MAX)) for cell in error.cells]
        table.add_row(*cells, Text(printable(error.text)))
    return table


def failures(record: RunRecord) -> list[str]:
    """A line for each variant of which no script ended ok, though some were run."""
    return [
        f"no script of {name} ended ok{figures.sample.mostly()}"
        for name, figures in figures_of(record).items()
        if figures.sample.scripts and not figures.sample.scripts_ok
    ]


def _unsupported_rows(variants: list[Figures]) -> Iterator[Row]:
    """Commands that the modelled revision would have refused, by how often they were called."""
    counts = [
        {
            name.removeprefix(UNSUPPORTED): count
            for name, count in figures.sample.variant.counters.items()
            if name.startswith(UNSUPPORTED)
        }
        for figures in variants
    ]
    commands = sorted(dict.fromkeys(name for calls in counts for name in calls))
    if commands:
        totals = tuple(f"{sum(commands.values()):,}" for commands in counts)
        yield Row("calls unsupported by the modelled revision", totals)
    for command in commands:
        yield Row(command, tuple(f"{calls.get(command, 0):,}" for calls in counts), 1)


def _pair_rows(record: RunRecord) -> Iterator[Row]:
    found = differences(record)
    if found:
        others = [variant.name for variant in record.variants[1:]]
        medians = [found[name].median if name in found else None for name in others]
        yield Row(
            "same script, less the first",
            (NOTHING, *(NOTHING if each is None else _signed(each.estimate) for each in medians)),
            opens_section=True,
        )
        halves = (NOTHING if each is None else f"± {human_duration(each.half_width)}"
                  for each in medians)  # fmt: skip
        yield Row("±", (NOTHING, *halves), 1)


def _signed(nanoseconds: float) -> str:
    return ("+" if nanoseconds > 0 else "") + human_duration(nanoseconds)


def _busiest_rows(variants: list[Figures]) -> Iterator[Row]:
    found = [busiest(figures.sample.variant) for figures in variants]
    if any(found):
        names = tuple(NOTHING if each is None else each[0] for each in found)
        shares = tuple(NOTHING if each is None else f"{float(each[1]):.1%}" for each in found)
        yield Row("busiest resource", tuple(map(printable, names)), opens_section=True)
        yield Row("its utilisation", shares, 1)


def _wall_rows(record: RunRecord, wall_s: Mapping[str, float] | None) -> Iterator[Row]:
    if wall_s is None:
        return
    walls = [wall_s.get(variant.name) for variant in record.variants]
    yield Row("wall time", tuple(NOTHING if wall is None else f"{wall:.3g} s" for wall in walls))
    yield Row(
        "virtual over wall time",
        tuple(
            _ratio(variant.virtual_ns / SECOND / wall) if wall else NOTHING
            for variant, wall in zip(record.variants, walls, strict=True)
        ),
    )


def _ratio(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio >= 1000 else f"{ratio:.3g}"


def _table(rows: list[Row], names: list[str], chosen: range) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("")
    for index in chosen:
        table.add_column(Text(names[index]), justify="right")
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        label = Text("  " * row.indent + row.label, style="dim" if row.indent else "")
        cells = [Text(row.cells[index], style=_style(row, index)) for index in chosen]
        ends_section = following is not None and following.opens_section
        table.add_row(label, *cells, end_section=ends_section)
    return table


def _style(row: Row, index: int) -> str:
    cell = row.cells[index]
    if cell == "violated" or (row.label == "errors" and cell != "0"):
        return "bold red"
    if cell == "unknown":
        return "bold yellow"
    return "dim" if row.indent and cell == "0" else ""


def _fitting(rows: list[Row], names: list[str], width: int) -> list[range]:
    """Which variants stand side by side: as few tables as fit the width, of about equal size."""
    label = max(cell_len(row.label) + 2 * row.indent for row in rows)
    columns = [
        GAP + max(cell_len(name), *(cell_len(row.cells[index]) for row in rows))
        for index, name in enumerate(names)
    ]
    for tables in range(1, len(names) + 1):
        size = -(-len(names) // tables)
        parts = [range(at, min(at + size, len(names))) for at in range(0, len(names), size)]
        if all(label + sum(columns[index] for index in part) <= width for part in parts):
            return parts
    return [range(index, index + 1) for index in range(len(names))]
