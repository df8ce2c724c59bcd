"""A plan for a terminal and for a pull request: its tables, set.

What they say is decided in `reports.planning.tables`.
"""

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table as View
from rich.text import Text

from reports.planning.record import PlanRecord
from reports.planning.tables import Table, tables_of
from reports.writing import markdown, printable

_STYLES = {"no": "bold red", "unstable": "bold red", "unclear": "bold yellow", "yes": "green"}


def plan_view(record: PlanRecord) -> RenderableType:
    """All tables for a terminal, to be printed with rich."""
    parts: list[RenderableType] = [Text(_title(record), style="bold")]
    for table in tables_of(record):
        parts += [Text(), Text(printable(table.title), style="bold"), _view(table)]
        parts += [Text(printable(note), style="dim") for note in table.notes]
    return Group(*parts)


def _view(table: Table) -> View:
    view = View(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for at, heading in enumerate(table.headings):
        view.add_column(heading, justify="left" if at < table.names else "right")
    for row, following in zip(table.rows, [*table.rows[1:], None], strict=True):
        ends = table.names > 1 and following is not None and following[0] != row[0]
        cells = (Text(printable(cell), style=_STYLES.get(cell, "")) for cell in row)
        view.add_row(*cells, end_section=ends)
    return view


def plan_markdown(record: PlanRecord) -> str:
    """All tables as one can paste them into a pull request."""
    lines = [f"### {markdown(_title(record))}"]
    for table in tables_of(record):
        lines += ["", f"**{markdown(table.title)}**", ""]
        lines.append(f"| {' | '.join(markdown(heading) for heading in table.headings)} |")
        numbers = len(table.headings) - table.names
        lines.append(f"|{'---|' * table.names}{'---:|' * numbers}")
        lines += [f"| {' | '.join(markdown(cell) for cell in row)} |" for row in table.rows]
        lines += [f"\n{markdown(note)}" for note in table.notes]
    return "\n".join(lines) + "\n"


def _title(record: PlanRecord) -> str:
    return f"{record.told}: {record.objective}"
