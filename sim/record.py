"""The record of a run: the only thing that crosses from simulating to telling.

Neutral on purpose: counters, columns, histograms, verdicts and timelines with names that the models
choose and the reports know. Checked when written and again when read. It holds nothing of the
machine (no wall time, host or library version: those go to `run.meta.json`), so that equal input
gives equal bytes.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sim.errors import InputError
from sim.sketch import Sketch
from sim.usage import Window

UNSUPPORTED: Final = "unsupported."
"""Begins the counter of a command that was called though the modelled system would refuse it; a
command that was not called has none."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Histogram(_Part):
    """How often each combination of values occurred; exact, and small where values repeat."""

    fields: list[str]
    """What the values of a row mean; the count stands behind them, unnamed."""
    rows: list[list[int]]
    """Sorted; each row holds one value per field and, last, how often it occurred (1 or more)."""

    @model_validator(mode="after")
    def _rows_fit(self) -> "Histogram":
        for row in self.rows:
            if len(row) != len(self.fields) + 1 or row[-1] < 1:
                raise ValueError(f"row {row} does not fit the fields {self.fields} and a count")
        if self.rows != sorted(self.rows):
            raise ValueError("rows are not sorted")
        return self

    def total(self, *fields: str) -> int:
        """The sum of these fields over all that was counted."""
        places = [self.fields.index(field) for field in fields]
        return sum(row[-1] * sum(row[place] for place in places) for row in self.rows)


class Verdict(_Part):
    """What a judge says of the run."""

    verdict: Literal["ok", "violated", "unknown"]
    checked: int
    """How many operations the judge looked at."""
    violations: int = 0
    examples: list[str] = []
    """The first few violations in words, each naming the two operations that contradict."""
    reason: str = ""
    """For `unknown`: which limit was met."""

    @model_validator(mode="after")
    def _counts_fit(self) -> "Verdict":
        if (self.verdict == "violated") != (self.violations > 0):
            raise ValueError(f"verdict {self.verdict} with {self.violations} violations")
        return self


class Span(_Part):
    """One stretch of a timeline: what it was (kind), which one (label), from when to when (ns)."""

    kind: str
    label: str
    start_ns: int
    end_ns: int


class Timeline(_Part):
    """Where the time of one operation went: spans that touch and add up to its latency."""

    id: int
    start_ns: int
    end_ns: int
    spans: list[Span]

    @model_validator(mode="after")
    def _spans_touch(self) -> "Timeline":
        at = self.start_ns
        for span in self.spans:
            if span.start_ns != at or span.end_ns < at:
                raise ValueError(f"timeline {self.id}: span {span.label!r} does not begin at {at}")
            at = span.end_ns
        if at != self.end_ns:
            raise ValueError(
                f"timeline {self.id}: spans end at {at}, the operation at {self.end_ns}"
            )
        return self


class VariantRecord(_Part):
    """What one variant of a scenario left behind."""

    name: str
    settings: dict[str, Any]
    """What this variant sets that the scenario does not, as written."""
    virtual_ns: int
    """Virtual time at the end of the run."""
    measured_ns: int
    """Virtual time from the end of the warm-up to the end of the run."""
    events: int
    counters: dict[str, int]
    labels: dict[str, list[str]]
    """For a column of codes: what each code means."""
    columns: dict[str, list[int]]
    """One value per measured operation, all of one length, in order of their end; of a long run an
    evenly thinned part of them."""
    histograms: dict[str, Histogram]
    sketches: dict[str, dict[str, Any]] = {}
    """Distributions over all measured operations, as `Sketch.to_json` writes them."""
    resources: dict[str, Window] = {}
    """What each resource did from the end of the warm-up to the end of the run; what is unlimited
    is none."""
    verdicts: dict[str, Verdict]
    timelines: list[Timeline]
    digest: str
    """SHA-256 over counters, columns, histograms, sketches, resources and verdicts."""

    @model_validator(mode="after")
    def _columns_fit(self) -> "VariantRecord":
        if len({len(column) for column in self.columns.values()}) > 1:
            raise ValueError("columns differ in length")
        for name, content in self.sketches.items():
            try:
                Sketch.from_json(content)
            except InputError as error:
                raise ValueError(f"sketch {name}: {error}") from error
        expected = digest(
            counters=self.counters,
            columns=self.columns,
            histograms=self.histograms,
            sketches=self.sketches,
            resources=self.resources,
            verdicts=self.verdicts,
        )
        if self.digest != expected:
            raise ValueError(f"variant {self.name}: the digest does not match the content")
        return self


class ScenarioRecord(_Part):
    """What any record of a scenario says of it."""

    format: str
    version: int
    readfence: str
    """Version of readfence that made it."""
    name: str
    seed: int
    scenario: dict[str, Any]
    """The scenario as it was, with every default filled in."""
    overrides: list[str] = []
    """What was set beside the scenario's file, as it was typed ("cluster.nodes=5")."""

    @property
    def title(self) -> str:
        """What the scenario shows, in a line; may be empty."""
        return str(self.scenario.get("title", ""))

    @property
    def told(self) -> str:
        """Which it is, in words: scenario, seed, and what was set beside its file."""
        beside = f"; set {', '.join(self.overrides)}" if self.overrides else ""
        return f"{self.name} (seed {self.seed}{beside})"


class RunRecord(ScenarioRecord):
    """One run of one scenario: all its variants under one seed."""

    format: Literal["readfence/run"] = "readfence/run"
    version: Literal[1] = 1
    variants: list[VariantRecord] = Field(min_length=1)

    def variant(self, name: str) -> VariantRecord:
        """The variant of that name; `KeyError` when there is none."""
        for variant in self.variants:
            if variant.name == name:
                return variant
        raise KeyError(name)

    @property
    def digest(self) -> str:
        """SHA-256 over the digests of the variants."""
        return _sha256(variant.digest for variant in self.variants)


def digest(
    *,
    counters: dict[str, int],
    columns: dict[str, list[int]],
    histograms: dict[str, Histogram],
    sketches: dict[str, dict[str, Any]],
    resources: dict[str, Window],
    verdicts: dict[str, Verdict],
) -> str:
    """SHA-256 over what a variant counted and measured, told piece by piece."""
    parts: dict[str, dict[str, Any]] = {
        "counters": dict(counters),
        "columns": dict(columns),
        "histograms": {name: h.model_dump() for name, h in histograms.items()},
        "sketches": dict(sketches),
        "resources": {name: asdict(window) for name, window in resources.items()},
        "verdicts": {name: v.model_dump() for name, v in verdicts.items()},
    }
    return _sha256(
        f"{part}/{key}={json.dumps(content, sort_keys=True, separators=(',', ':'))}\n"
        for part, entries in sorted(parts.items())
        for key, content in sorted(entries.items())
    )


def _sha256(texts: Iterator[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode())
    return digest.hexdigest()


def write_run(record: RunRecord, path: Path) -> None:
    """Write a run as JSON, to a temporary name first, so that no half record is ever read.

    Raises `OSError` when it cannot be written; nothing of it is left then.
    """
    scratch = path.with_name(path.name + ".part")
    try:
        with scratch.open("w", encoding="utf-8", newline="\n") as file:
            json.dump(record.model_dump(), file, separators=(",", ":"), ensure_ascii=False)
            file.write("\n")
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


def read_run(path: Path) -> RunRecord:
    """Read and check a run. Raises `InputError` when it is no run record, or a damaged one."""
    try:
        return RunRecord.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InputError(f"{path}: no readable run record: {where}: {first['msg']}") from error
