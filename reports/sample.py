"""Sample: the measured scripts of one variant, made ready once for all that is told of them.

It selects and sorts; what the results mean and are called is the business of `reports.figures`.

Counts are of all scripts, from the histogram `scripts`. So are latencies: exact from the rows when
every script has one, else from the sketch `latency_ns`, with its stated error.
"""

from fractions import Fraction
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from reports.attempts import Attempts
from reports.planning.record import VariantPlan
from reports.statistics import rank_of
from sim.errors import InputError
from sim.record import VariantRecord, Verdict
from sim.sketch import Sketch

SCRIPTS: Final = "scripts"
"""The histogram that counts scripts."""
OK: Final = 0
"""The code of the outcome of a script that did not fail."""


class NoData(Exception):
    """A figure has no value in this run; the text says why. Not an error of the user."""


class Sample:
    """The measured scripts of a variant, made ready once for all figures."""

    def __init__(self, variant: VariantRecord, plan: VariantPlan | None = None) -> None:
        """`plan` is what a plan found of the variant, where one was made."""
        self.variant = variant
        self.plan = plan

    def _column(self, name: str) -> npt.NDArray[np.int64]:
        column: npt.NDArray[np.int64] = np.asarray(
            self.variant.columns.get(name, ()), dtype=np.int64
        )
        return column

    @cached_property
    def ok(self) -> npt.NDArray[np.bool_]:
        """Which scripts ended ok, of those that have a row."""
        ended_ok: npt.NDArray[np.bool_] = self._column("outcome") == OK
        return ended_ok

    def of_ok(self, name: str) -> npt.NDArray[np.int64]:
        """A column of the record, of the scripts that ended ok, in the order in which they did."""
        return self._column(name)[self.ok]

    def counts(self, field: str) -> dict[int, int]:
        """How many scripts had which value of a field of the histogram `scripts`, ascending.

        Raises `InputError` when the record does not count scripts, or not by that field.
        """
        histogram = self.variant.histograms.get(SCRIPTS)
        if histogram is None or field not in histogram.fields:
            raise InputError(
                f"variant {self.variant.name}: the run record does not count scripts by {field!r}"
            )
        place, found = histogram.fields.index(field), dict[int, int]()
        for row in histogram.rows:
            found[row[place]] = found.get(row[place], 0) + row[-1]
        return dict(sorted(found.items()))

    @cached_property
    def scripts(self) -> int:
        """How many scripts were measured."""
        return sum(self.counts("outcome").values())

    @cached_property
    def scripts_ok(self) -> int:
        """How many of them ended ok."""
        return self.counts("outcome").get(OK, 0)

    @property
    def thinned(self) -> bool:
        """Whether only a part of the scripts has a row, so that percentiles have an error."""
        return len(self.ok) < self.scripts

    @cached_property
    def sketch(self) -> Sketch:
        """The latencies (ns) of all scripts that ended ok."""
        content = self.variant.sketches.get("latency_ns")
        if content is None:
            raise InputError(f"variant {self.variant.name}: the run record has no latencies")
        return Sketch.from_json(content)

    @cached_property
    def _latencies(self) -> npt.NDArray[np.int64]:
        return np.sort(self.of_ok("latency_ns"))

    def at_ranks(self, ranks: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Latencies (ns) of the scripts that ended ok, by their rank from 1, the fastest."""
        if not self.thinned:
            return self._latencies[ranks - 1]
        return np.array([self.sketch.at_rank(int(rank)) for rank in ranks], dtype=np.int64)

    def percentile(self, percent: Fraction) -> int:
        """Nearest-rank percentile of these latencies; there must be one.

        The least of them that at least `percent` % of all do not exceed, above 0 and at most 100.
        """
        return int(self.at_ranks(np.array([rank_of(percent, self.scripts_ok)]))[0])

    @cached_property
    def attempts(self) -> Attempts:
        """What the attempts asked of the quorum."""
        return Attempts(self.variant)

    def counted(self) -> Attempts:
        """The attempts; `NoData` when none ran its script to its end."""
        if not self.attempts.total:
            raise NoData(f"no attempt ran its script to its end{self.mostly()}")
        return self.attempts

    def mostly(self) -> str:
        """The commonest error, to be put behind a sentence that says what did not happen."""
        errors = self.errors()
        if not errors:
            return ""
        text, count = next(iter(errors.items()))
        return f"; {count:,} of {self.scripts:,} scripts: {text}"

    def verdict(self, name: str) -> Verdict:
        """What a judge said; `NoData` when it was not asked."""
        verdict = self.variant.verdicts.get(name)
        if verdict is None:
            raise NoData(f"the run has no verdict on {name!r}")
        return verdict

    def errors(self) -> dict[str, int]:
        """How many scripts failed with which error text, the commonest first."""
        texts = self.variant.labels.get("outcome", [])
        pairs = [(count, texts[code]) for code, count in self.counts("outcome").items() if code]
        return {text: count for count, text in sorted(pairs, key=lambda p: (-p[0], p[1]))}


def percentile(ascending: npt.NDArray[np.int64], percent: Fraction) -> int:
    """Nearest-rank percentile: the least value that at least `percent` % of all do not exceed.

    `percent` is above 0 and at most 100; there must be a value.
    """
    return int(ascending[rank_of(percent, len(ascending)) - 1])
