"""Attempts: what each attempt of a script asked of the quorum, and on whose behalf.

Reads the histogram `attempts` of a variant: one row per distinct combination of counts over all
attempts that ran their script to its end. It counts nothing itself; the engine did.

The four letters are those of the modelled system: V an explicit verification by the adapter, F a
fence of the store wrapper, L the fence at script start, C the guard of a commit. The first three
are verifications of a read; C guards a write and is told apart, always.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from reports.quantity import NUMBER, Quantity
from sim.errors import InputError
from sim.record import VariantRecord

HISTOGRAM: Final = "attempts"


@dataclass(frozen=True, slots=True)
class Site:
    """A place in the modelled system that asks a quorum."""

    letter: str
    field: str
    """Its name in a run record."""
    name: str
    """Its name for people."""
    about: str


STRING_READ: Final = Site(
    "V", "string_read", "string reads", "explicit VerifyLeader calls, one per string row read"
)
STORE_POINT: Final = Site(
    "F", "store_point", "point reads", "fences that the store wrapper ran for point reads"
)
STORE_SCAN: Final = Site(
    "F", "store_scan", "range scans", "fences that the store wrapper ran for range scans"
)
SCRIPT_START: Final = Site(
    "L", "script_start", "script start", "the fence before the script's read timestamp is taken"
)
COMMIT_GUARD: Final = Site(
    "C", "commit_guard", "commit guard", "the verification before a commit is proposed"
)

VERIFYING: Final = (STRING_READ, STORE_POINT, STORE_SCAN, SCRIPT_START)
"""The sites whose sum is the verifications of an attempt: V + F + L."""
STORE_READS: Final = (STORE_POINT, STORE_SCAN)
"""Both sites of the store wrapper: F."""
FIELDS: Final = (
    *(site.field for site in (*VERIFYING, COMMIT_GUARD)), "rounds", "calls", "point_reads", "scans",
)  # fmt: skip
"""What a row of the histogram counts, whatever the order in which a record has it."""

VERIFICATIONS: Final = tuple(site.field for site in VERIFYING)


class Attempts:
    """The attempts of one variant, grouped by what they asked for."""

    def __init__(self, variant: VariantRecord) -> None:
        """Raises `InputError` when the record counts no attempts or leaves a field out."""
        histogram = variant.histograms.get(HISTOGRAM)
        if histogram is None:
            raise InputError(f"variant {variant.name}: the run record has no {HISTOGRAM!r}")
        missing = [name for name in FIELDS if name not in histogram.fields]
        if missing:
            raise InputError(
                f"variant {variant.name}: {HISTOGRAM!r} of the run record lacks {missing[0]!r}"
            )
        self._places = {name: histogram.fields.index(name) for name in FIELDS}
        self._rows = histogram.rows
        self.total = sum(row[-1] for row in histogram.rows)
        """How many attempts there were."""

    def sums(self, fields: Sequence[str]) -> dict[int, int]:
        """How many attempts had which sum of the fields, ascending by sum."""
        found: dict[int, int] = {}
        for row in self._rows:
            value = self._sum(row, fields)
            found[value] = found.get(value, 0) + row[-1]
        return dict(sorted(found.items()))

    def spread(self, fields: Sequence[str]) -> Quantity:
        """Least, mean and greatest sum of the fields over the attempts; there must be one."""
        sums = self.sums(fields)
        total = sum(value * count for value, count in sums.items())
        return Quantity(
            Fraction(min(sums)), Fraction(max(sums)), NUMBER, Fraction(total, self.total)
        )

    def sum(self, fields: Sequence[str]) -> int:
        """The sum of the fields over all attempts."""
        return sum(value * count for value, count in self.sums(fields).items())

    def extremes(self, fields: Sequence[str]) -> list[tuple[dict[str, int], int]]:
        """The attempts with the greatest and, where it differs, the least sum of the fields.

        Each as the commonest combination of counts with that sum, and how many attempts had that
        sum. Empty when there were no attempts.
        """
        sums = self.sums(fields)
        found = []
        for extreme in dict.fromkeys((max(sums), min(sums))) if sums else ():
            rows = [row for row in self._rows if self._sum(row, fields) == extreme]
            row = max(rows, key=lambda row: row[-1])
            counts = {name: row[place] for name, place in self._places.items()}
            found.append((counts, sums[extreme]))
        return found

    def _sum(self, row: list[int], fields: Sequence[str]) -> int:
        return sum(row[self._places[name]] for name in fields)
