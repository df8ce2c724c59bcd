"""The same scripts in two variants."""

import numpy as np

from reports.pairs import differences
from reports.plain import summary
from reports.text import summary_text
from sim.record import VariantRecord
from sim.units import ms
from tests.reports.records import make_record, make_variant, seal

COUNT = 2_000


def waves(slower_ms: float, *, seed: int) -> list[int]:
    """Latencies under one large wave that all variants share, each with some noise of its own."""
    common = 100.0 + 50.0 * np.sin(np.arange(COUNT) / 40.0)
    noise = np.random.default_rng(seed).normal(0, 1, COUNT)
    return [int(ms(value)) for value in common + slower_ms + noise]


def variant(
    name: str, latencies: list[int], ids: list[int] | None = None, **parts: object
) -> VariantRecord:
    """A variant of these latencies, of scripts of these numbers."""
    made = make_variant("none", scripts=len(latencies), sampled=0)
    columns = {**made.columns, "latency_ns": latencies, "id": ids or list(range(len(latencies)))}
    return seal(**{**dict(made), "name": name, "columns": columns, **parts})


def test_what_variants_share_drops_out() -> None:
    """2 ms between them are told to a tenth of it, though each goes up and down by 50."""
    first, second = (variant(name, waves(off, seed=seed))
                     for name, off, seed in (("a", 0, 1), ("b", 2, 2)))  # fmt: skip
    found = differences(make_record(first, second))["b"]
    assert found.pairs == COUNT
    assert found.median.covers(ms(2)) and found.median.half_width < ms(0.2)


def test_a_difference_that_is_not_there_is_not_seen() -> None:
    """The interval of two variants that are alike holds 0, and that of 1 ms more does not."""
    same, more = (
        differences(make_record(variant("a", waves(0, seed=1)), variant("b", waves(off, seed=2))))
        for off in (0, 1)
    )
    assert same["b"].median.covers(0.0)
    assert not more["b"].median.covers(0.0)


def test_scripts_are_paired_by_number_in_any_order() -> None:
    """Those that only one variant has are left out."""
    ids = list(range(100))
    rising = [ms(1 + id_) for id_ in ids]
    backwards = variant("b", [latency + ms(3) for latency in rising][::-1], ids[::-1])
    more = variant("a", [*rising, ms(900)], [*ids, 777])
    found = differences(make_record(more, backwards))["b"]
    assert found.pairs == 100
    assert (found.median.low, found.median.high) == (ms(3), ms(3))


def test_other_scripts_are_not_compared() -> None:
    """A variant with a workload or keys of its own sends others under the same numbers."""
    first = variant("a", waves(0, seed=1))
    for setting in ({"workload": {"clients": 3}}, {"data": {"key": {"count": 1}}}):
        other = variant("b", waves(2, seed=2), settings=setting)
        assert differences(make_record(first, other)) == {}


def test_few_pairs_tell_nothing() -> None:
    """Of scripts that both have there must be some."""
    first, other = variant("a", [ms(1)] * 30), variant("b", [ms(1)] * 30, list(range(20, 50)))
    assert differences(make_record(first, other)) == {}


def test_the_table_tells_the_difference_with_how_sure_it_is() -> None:
    """And JSON gives both ends."""
    first, second = variant("a", [ms(5)] * 100), variant("b", [ms(2)] * 100)
    record = make_record(first, second)
    text = summary_text(record)
    assert "\nsame script, less the first" in text and " -3 ms\n" in text
    assert "Same script: its latency less that in `a`, the median over 100 scripts" in text
    told = summary(record)["variants"]
    assert told["a"]["against_first"] is None
    assert told["b"]["against_first"] == {
        "median_ns": -ms(3), "low_ns": -ms(3), "high_ns": -ms(3), "level": 0.95, "pairs": 100,
    }  # fmt: skip
