"""Rows of a sweep: one per combination of settings, variant and seed; and what its settings are."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal, TypeAlias

from sim.errors import InputError
from sim.units import human_duration, parse_duration, parse_rate
from sim.usage import Window

Number: TypeAlias = int | float
Kind = Literal["ns", "/s", "integer", "number", "text"]
FIGURE: Final = "latency.p99"
"""The figure whose causes are looked for."""


@dataclass(frozen=True, slots=True)
class Row:
    """One point of a sweep, run."""

    settings: tuple[Any, ...]
    """A value per axis, as a scenario says it."""
    variant: str
    seed: int
    status: str
    reason: str = ""
    details: str = ""
    figures: dict[str, Any] = field(default_factory=dict)
    """As in `reports.text.summary`; empty unless the status is `ok`."""
    counters: dict[str, int] = field(default_factory=dict)
    resources: dict[str, Window] = field(default_factory=dict)

    @property
    def value(self) -> Number | None:
        """What is looked at (`FIGURE`), None where the run gives it no value."""
        value = self.figures.get(FIGURE)
        return value if isinstance(value, int | float) else None


@dataclass(frozen=True, slots=True)
class Axis:
    """A setting that was varied."""

    path: str
    kind: Kind

    def read(self, value: Any) -> Number | str:
        """A value of it as a number in its unit, or as text."""
        if self.kind == "ns":
            return parse_duration(str(value))
        if self.kind == "/s":
            return parse_rate(value)
        if self.kind == "text":
            return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
        number: Number = value
        return number if self.kind == "integer" else float(number)

    def shown(self, value: Any) -> str:
        """A value of it for people."""
        read = self.read(value)
        if isinstance(read, str):
            return read
        if self.kind == "ns":
            return human_duration(read)
        return f"{read:,.6g}" + ("/s" if self.kind == "/s" else "")


@dataclass(frozen=True)
class Sweep:
    """All rows of a sweep, in the order of its combinations, variants and seeds."""

    name: str
    title: str
    readfence: str
    """The build that ran it."""
    design: str
    paths: Sequence[str]
    rows: Sequence[Row]

    @cached_property
    def axes(self) -> list[Axis]:
        """What was varied."""
        columns = zip(*(row.settings for row in self.rows), strict=True)
        return [
            Axis(path, _kind_of(values)) for path, values in zip(self.paths, columns, strict=True)
        ]

    @cached_property
    def variants(self) -> list[str]:
        """Names of the variants, as they come."""
        return list(dict.fromkeys(row.variant for row in self.rows))

    def of(self, variant: str) -> list[Row]:
        """The rows of a variant that have a value."""
        return [row for row in self.rows if row.variant == variant and row.value is not None]

    def values(self, place: int) -> list[Any]:
        """The different values of an axis, numbers in ascending order, others as they come."""
        axis = self.axes[place]
        found = {axis.read(row.settings[place]): row.settings[place] for row in self.rows}
        if axis.kind == "text":
            return list(found.values())
        return [found[read] for read in sorted(found)]

    @cached_property
    def statuses(self) -> dict[str, int]:
        """How many rows ended how."""
        counts = dict.fromkeys(("ok", "limit", "stalled", "error"), 0)
        for row in self.rows:
            counts[row.status] += 1
        return counts


def _kind_of(values: Sequence[Any]) -> Kind:
    """What all values are."""
    if all(type(value) is int for value in values) and any(values):
        return "integer"
    if all(type(value) in (int, float) for value in values):
        return "number" if any(type(value) is float for value in values) else "integer"
    for kind, read in (("ns", lambda v: parse_duration(str(v))), ("/s", parse_rate)):
        try:
            for value in values:
                read(value)
        except (InputError, TypeError):
            continue
        return "ns" if kind == "ns" else "/s"
    return "text"
