"""Sample: the measured scripts of one variant, made ready once for all that is told of them.

It selects and sorts; what the results mean and are called is the business of `reports.figures`.
"""

from fractions import Fraction
from functools import cached_property
from itertools import compress
from math import ceil
from typing import Final

import numpy as np
import numpy.typing as npt

from reports.attempts import Attempts
from sim.record import VariantRecord, Verdict

OK: Final = 0
"""The code of the outcome of a script that did not fail."""


class NoData(Exception):
    """A figure has no value in this run; the text says why. Not an error of the user."""


class Sample:
    """The measured scripts of a variant, made ready once for all figures."""

    def __init__(self, variant: VariantRecord) -> None:
        self.variant = variant

    def _column(self, name: str) -> npt.NDArray[np.int64]:
        column: npt.NDArray[np.int64] = np.asarray(
            self.variant.columns.get(name, ()), dtype=np.int64
        )
        return column

    @cached_property
    def ok(self) -> npt.NDArray[np.bool_]:
        """Which scripts ended ok."""
        ended_ok: npt.NDArray[np.bool_] = self._column("outcome") == OK
        return ended_ok

    @property
    def scripts(self) -> int:
        """How many scripts were measured."""
        return len(self.ok)

    @cached_property
    def scripts_ok(self) -> int:
        """How many of them ended ok."""
        return int(np.count_nonzero(self.ok))

    @cached_property
    def latencies(self) -> npt.NDArray[np.int64]:
        """Latencies (ns) of the scripts that ended ok, ascending."""
        return np.sort(self._column("latency_ns")[self.ok])

    @cached_property
    def latency_sum(self) -> int:
        """Their sum: an int of Python, since 64 bits could overflow."""
        return sum(compress(self.variant.columns["latency_ns"], self.ok))

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
        codes = self._column("outcome")
        texts = self.variant.labels.get("outcome", [])
        counts = np.bincount(codes, minlength=len(texts)) if len(codes) else np.zeros(0, np.int64)
        pairs = [(int(count), texts[code]) for code, count in enumerate(counts) if code != OK]
        return {text: count for count, text in sorted(pairs, key=lambda p: (-p[0], p[1])) if count}


def percentile(ascending: npt.NDArray[np.int64], percent: Fraction) -> int:
    """Nearest-rank percentile: the least value that at least `percent` % of all do not exceed.

    `percent` is above 0 and at most 100; there must be a value.
    """
    assert 0 < percent <= 100, f"a percentile of {percent} %"
    return int(ascending[ceil(percent * len(ascending) / 100) - 1])
