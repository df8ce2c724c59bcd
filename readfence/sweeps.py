"""Sweeps: from the `sweep:` of a scenario to points, and from their results to rows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from readfence.places import Document
from readfence.points import Point, point_of
from readfence.runner import Finished, PointRunner
from readfence.scenarios import ENVELOPE, Loaded, Variant, open_document, read, read_variants
from readfence.versions import build
from reports.sweeping.rows import Row, Sweep
from sim.errors import InputError
from sim.sweep import Combination, combinations, combinations_in_all, seeds_of
from sim.sweep_spec import SweepSpec

AHEAD: Final = 2_000
"""Points that are handed to an executor before their turn: enough for any cluster, and few enough
to be held in memory."""


@dataclass(frozen=True, slots=True)
class _Planned:
    """A point and where it stands in the sweep."""

    settings: tuple[Any, ...]
    point: Point


class SweepPlan:
    """The sweep of a scenario, read and checked; nothing is run yet."""

    def __init__(self, document: Document, loaded: Loaded, spec: SweepSpec) -> None:
        self._document = document
        self._spec = spec
        self.loaded = loaded
        self._seeds = seeds_of(spec, loaded.scenario.seed)
        self.combinations = combinations_in_all(spec)
        self.variants = len(loaded.variants)
        self.seeds = len(self._seeds)
        for path in spec.settings:
            self._check_path(path)

    @property
    def place(self) -> str:
        """Where the settings stand that are varied, for messages."""
        return f"{self._document.place(('sweep', 'settings'))}: sweep.settings"

    @property
    def total(self) -> int:
        """How many points there are."""
        return self.combinations * self.variants * self.seeds

    def read(self) -> Iterator[Combination]:
        """Every combination, read. Raises `InputError` for the first that is no valid scenario."""
        for combination in combinations(self._spec, self.loaded.scenario.seed):
            self._variants(combination)
            yield combination

    def run(self, runner: PointRunner, show: Callable[[], None]) -> Sweep:
        """Run all points; `show` is called after each. Raises `EnvironmentFailed`."""
        planned: dict[int, _Planned] = {}
        rows: dict[int, Row] = {}
        coming = enumerate(self._points())

        def submit(most: int) -> None:
            for index, each in islice(coming, most):
                planned[index] = each
                runner.submit(index, each.point)

        submit(AHEAD)
        show()
        for finished in runner.completed():
            rows[finished.index] = _row(planned.pop(finished.index), finished)
            submit(1)
            show()
        return Sweep(
            name=self.loaded.name,
            title=self.loaded.scenario.title,
            readfence=build(),
            design=self._spec.design,
            paths=list(self._spec.settings),
            rows=[rows[index] for index in sorted(rows)],
        )

    def _points(self) -> Iterator[_Planned]:
        for combination in combinations(self._spec, self.loaded.scenario.seed):
            variants, lua_files = self._variants(combination)
            for variant in variants:
                for seed in self._seeds:
                    point = point_of(variant, seed=seed, lua_files=lua_files)
                    yield _Planned(tuple(combination.values()), point)

    def _variants(self, combination: Combination) -> tuple[list[Variant], dict[str, str]]:
        document = self._document.copy()
        for path, value in combination.items():
            document.put(path.split("."), value, option=self._place(path, value))
        variants, lua_files = read_variants(document)
        for variant in variants:
            if any(load.replay for load in variant.system.workload):
                raise InputError(
                    f"{document.place(('workload', 0, 'replay'))}: workload.replay: expected "
                    f"clients with scripts in a sweep, got a replay in variant {variant.name}"
                )
        return variants, lua_files

    def _place(self, path: str, value: Any) -> str:
        """Where a value of a setting stands, for messages."""
        return (
            f"{self._document.place(('sweep', 'settings', path))}: sweep.settings: {path}={value}"
        )

    def _check_path(self, path: str) -> None:
        """Refuse what is no setting of a variant, or what a variant sets itself."""
        place = f"{self._document.place(('sweep', 'settings', path))}: sweep.settings.{path}"
        first, *below = path.split(".")
        if not all((first, *below)):
            raise InputError(f"{place}: expected a path such as cluster.nodes, got {path!r}")
        if first in ENVELOPE and not (first == "variants" and len(below) > 1):
            raise InputError(f"{place}: expected a setting of a variant, such as cluster.nodes")
        names = [variant.name for variant in self.loaded.variants]
        if first == "variants" and below[0] not in names:
            raise InputError(
                f"{place}: expected one of the variants {', '.join(names)}, got {below[0]!r}"
            )
        for variant in self.loaded.variants:
            if _sets(variant.settings, [first, *below]):
                raise InputError(
                    f"{place}: expected a setting that no variant sets itself, but "
                    f"{variant.name} does; sweep variants.{variant.name}.{path}, or leave it out "
                    "there"
                )


def plan_sweep(name: str, assignments: Sequence[str] = (), seed: int | None = None) -> SweepPlan:
    """Read the sweep of a scenario. Raises `InputError` when it is wrong, or there is none."""
    document = open_document(name, assignments, seed)
    loaded = read(document)
    if loaded.scenario.sweep is None:
        raise InputError(f"{loaded.path}: expected settings to vary under `sweep:`, got none")
    return SweepPlan(document, loaded, loaded.scenario.sweep)


def _sets(settings: Any, parts: Sequence[str]) -> bool:
    """Whether settings of a variant say what is at a path, or replace what is around it."""
    for part in parts:
        if not isinstance(settings, dict):
            return True
        if part not in settings:
            return False
        settings = settings[part]
    return True


def _row(planned: _Planned, finished: Finished) -> Row:
    result = finished.result
    measured = result.measured
    return Row(
        settings=planned.settings,
        variant=planned.point.variant,
        seed=planned.point.seed,
        status=result.status,
        reason=result.reason,
        details=result.details,
        figures={} if measured is None else measured.figures,
        counters={} if measured is None else measured.counters,
        resources={} if measured is None else measured.resources,
    )
