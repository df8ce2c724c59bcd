"""A check told: as text, Markdown, JSON, JUnit XML and GitHub annotations.

Every form but the annotations lists every expectation; those that were not kept come with what the
run showed. What is kept is decided in `reports.check`.
"""

from typing import Any, Final
from xml.etree import ElementTree

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reports.check import Check, Finding
from reports.evaluate import Line, Reading
from reports.quantity import Quantity, in_units, show, unit_name
from reports.writing import (
    annotation,
    annotation_property,
    markdown,
    markdown_code,
    plain_text,
    printable,
)

_STYLES: Final = {"kept": "green", "broken": "bold red", "unknown": "bold yellow"}
_MARKS: Final = {"kept": "✅ kept", "broken": "❌ broken", "unknown": "❔ unknown"}


def verdict_line(check: Check) -> str:
    """One sentence: how many expectations were kept, broken, unknown."""
    total = len(check.findings)
    if check.kept:
        return f"all {total} expectations kept" if total > 1 else "the expectation is kept"
    counts = {verdict: check.count(verdict) for verdict in ("broken", "unknown")}
    said = " and ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    return f"{said} of {total} expectations" if total > 1 else f"the expectation is {said[2:]}"


def value_of(line: Line) -> str:
    """The value of a line, and what it was compared with where that is not in its text."""
    return f"{line.value} against {line.against}" if line.against else line.value


def explanation(line: Line) -> list[str]:
    """Why a line was not kept: its reason, its causes, or the figures it was made of."""
    if line.verdict == "kept":
        return []
    if line.reason:
        return [line.reason]
    if line.causes:
        return list(line.causes)
    readings = line.readings if len(line.readings) > 1 else ()
    return [f"{reading.variant}.{reading.figure} = {_shown(reading)}" for reading in readings]


def check_view(check: Check) -> RenderableType:
    """The check for a terminal, to be printed with rich."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("verdict", no_wrap=True)
    table.add_column("expectation")
    table.add_column("value", justify="right")
    for finding in check.findings:
        line = finding.line
        style = _STYLES[line.verdict]
        reasons = [Text(printable(text), style=style) for text in explanation(line)]
        told = Group(Text(line.title), *(Padding(text, (0, 0, 0, 2)) for text in reasons))
        table.add_row(Text(line.verdict, style=style), told, Text(value_of(line)))
    said = f"{printable(check.told)}: {verdict_line(check)}"
    return Group(table, Text(), Text(said, style="bold"))


def check_text(check: Check, *, width: int = 100) -> str:
    """The check as plain text of at most `width` columns."""
    return plain_text(check_view(check), width=width)


def check_markdown(check: Check) -> str:
    """The check for a pull request or a job summary."""
    lines = [
        f"### readfence check: {markdown(check.scenario)}: {verdict_line(check)}",
        "",
        "| verdict | expectation | value |",
        "|---|---|---|",
    ]
    for finding in check.findings:
        line = finding.line
        cells = (_MARKS[line.verdict], markdown_code(line.title), markdown(value_of(line)))
        lines.append(f"| {' | '.join(cells)} |")
    lines.append("")
    for finding in check.findings:
        if told := explanation(finding.line):
            place = f" ({markdown(finding.gate.place)})" if finding.gate.place else ""
            reasons = "; ".join(markdown(text) for text in told)
            lines.append(f"- {markdown_code(finding.line.title)}{place}: {reasons}")
    if not check.kept:
        lines.append("")
    beside = f", set {markdown(', '.join(check.overrides))}" if check.overrides else ""
    last = f"Seed {check.seed}{beside}, digest `{check.digest[:16]}`."
    return "\n".join([*lines, last]) + "\n"


def check_json(check: Check) -> dict[str, Any]:
    """The check as plain data, ready for `json.dumps`.

    Stable: within version 1 keys are only ever added. Durations are in ns and rates per second, as
    each figure's `unit` says; a figure that is one number has equal `min` and `max`.
    """
    return {
        "format": "readfence/check",
        "version": 1,
        "scenario": check.scenario,
        "seed": check.seed,
        "overrides": list(check.overrides),
        "digest": check.digest,
        "kept": check.kept,
        "counts": {name: check.count(name) for name in ("kept", "broken", "unknown")},
        "expectations": [_finding_json(finding) for finding in check.findings],
    }


def _finding_json(finding: Finding) -> dict[str, Any]:
    line = finding.line
    return {
        "expect": line.text,
        "variant": line.variant,
        "verdict": line.verdict,
        "value": line.value,
        "against": line.against,
        "figures": [_reading_json(reading) for reading in line.readings],
        "explanation": explanation(line),
        "file": finding.gate.file,
        "line": finding.gate.line,
    }


def _reading_json(reading: Reading) -> dict[str, Any]:
    told: dict[str, Any] = {"variant": reading.variant, "figure": reading.figure}
    value = reading.value
    if isinstance(value, str):
        return {**told, "unit": "word", "word": value}
    mean = value.low if value.is_point else value.mean
    return {
        **told,
        "unit": unit_name(value.power),
        "min": in_units(value.low, value.power),
        "mean": None if mean is None else in_units(mean, value.power),
        "max": in_units(value.high, value.power),
    }


def check_junit(check: Check) -> str:
    """The check as JUnit XML: a test case per line; broken ones fail, unknown ones are errors."""
    counts = {
        "tests": str(len(check.findings)),
        "failures": str(check.count("broken")),
        "errors": str(check.count("unknown")),
        "skipped": "0",
        "time": "0",
    }
    suites = ElementTree.Element("testsuites", {"name": "readfence check", **counts})
    name = f"readfence check {printable(check.scenario)}"
    suite = ElementTree.SubElement(suites, "testsuite", {"name": name, **counts})
    for finding in check.findings:
        suite.append(_test_case(check, finding))
    ElementTree.indent(suites)
    text = ElementTree.tostring(suites, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _test_case(check: Check, finding: Finding) -> ElementTree.Element:
    line, gate = finding.line, finding.gate
    case = ElementTree.Element(
        "testcase",
        {"classname": printable(check.scenario), "name": printable(line.title), "time": "0"},
    )
    if gate.file is not None:
        case.set("file", printable(gate.file))
    if gate.line is not None:
        case.set("line", str(gate.line))
    if line.verdict != "kept":
        tag = "failure" if line.verdict == "broken" else "error"
        problem = ElementTree.SubElement(
            case, tag, {"message": _message(line), "type": line.verdict}
        )
        problem.text = "\n".join([_message(line), gate.place] if gate.place else [_message(line)])
    return case


def check_annotations(check: Check) -> list[str]:
    """GitHub workflow commands, one per line that was not kept, to be printed as they are."""
    commands = []
    for finding in check.findings:
        line, gate = finding.line, finding.gate
        if line.verdict == "kept":
            continue
        properties = {"file": gate.file, "line": gate.line, "title": f"expectation {line.verdict}"}
        told = ",".join(
            f"{name}={annotation_property(str(value))}"
            for name, value in properties.items()
            if value is not None
        )
        commands.append(f"::error {told}::{annotation(f'{line.title}: {_message(line)}')}")
    return commands


def _message(line: Line) -> str:
    value, reasons = value_of(line), explanation(line)
    told = any(reason.startswith((f"{value} ", f"{value}:")) for reason in reasons)
    parts = [f"the value is {value}"] if value and not told else []
    return "; ".join(parts + [printable(reason) for reason in reasons])


def _shown(reading: Reading) -> str:
    return show(reading.value) if isinstance(reading.value, Quantity) else reading.value
