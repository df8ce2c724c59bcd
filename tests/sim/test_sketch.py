"""Sketches: exact while small, within a stated error when large, merged in any order."""

import json
import math
import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sim.dist import Constant, Law, Lognormal, Pareto
from sim.errors import InputError
from sim.sketch import BITS, ERROR, EXACT_MAX, Sketch, bucket_bounds, bucket_of, merged
from sim.units import ms

LAWS: dict[str, Law] = {
    "lognormal": Lognormal(ms(20), 1.0),
    "pareto": Pareto(ms(1), 0.7),
    "constant": Constant(ms(7) + 1),
}
PERCENTS = [
    Fraction(text) for text in ("0.01", "1", "25", "50", "90", "99", "99.9", "99.99", "100")
]


def draws(law: Law, count: int, seed: int = 1) -> NDArray[np.int64]:
    """Draws of a law."""
    return law.draw(np.random.default_rng(seed), count)


def sketch_of(values: NDArray[np.int64], exact_max: int = EXACT_MAX) -> Sketch:
    """A sketch of these values."""
    sketch = Sketch(exact_max)
    sketch.add_many(values)
    return sketch


def nearest_rank(values: NDArray[np.int64], percent: Fraction) -> int:
    """The percentile, by sorting."""
    return int(np.sort(values)[math.ceil(percent * values.size / 100) - 1])


def text_of(sketch: Sketch) -> str:
    """The sketch as text."""
    return json.dumps(sketch.to_json(), sort_keys=True)


# -- buckets --------------------------------------------------------------------------------------


def test_every_number_has_one_bucket_and_buckets_have_no_gap() -> None:
    """Each bucket begins where the one before ends, up to 2^62, and holds its own bounds."""
    end = -1
    for bucket in range(((62 - BITS) << BITS) + (1 << BITS)):
        low, high = bucket_bounds(bucket)
        assert low == end + 1 and high >= low
        assert bucket_of(np.array([low, high])).tolist() == [bucket, bucket]
        assert high - low <= 2 * ERROR * low
        end = high
    assert end == (1 << 62) - 1


def test_buckets_are_right_where_floats_are_rounded_up() -> None:
    """2^60 - 1 is 2^60 as a float, and still falls into the bucket below it."""
    for power in range(53, 63):
        values = np.array([(1 << power) - 1, 1 << power])
        below, above = bucket_of(values).tolist()
        assert below + 1 == above
        assert bucket_bounds(below)[1] == (1 << power) - 1
        assert bucket_bounds(above)[0] == 1 << power


# -- error ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_percentiles_are_within_the_stated_error(law: Law) -> None:
    """Of a million values of whatever law, every percentile is off by at most 1/256 of itself."""
    values = draws(law, 1_000_000)
    sketch = sketch_of(values)
    assert not sketch.exact
    for percent in PERCENTS:
        true = nearest_rank(values, percent)
        assert abs(sketch.percentile(percent) - true) <= ERROR * true


def test_the_error_is_met_but_not_much_overstated() -> None:
    """The worst value of an octave is off by more than 99 % of what is stated."""
    values = np.arange(1 << 20, 1 << 21, dtype=np.int64)
    sketch = sketch_of(values)
    ranks = np.arange(1, 20_000, 7)
    told = np.array([sketch.at_rank(rank) for rank in ranks.tolist()])
    worst = float(np.max(np.abs(told / values[ranks - 1] - 1.0)))
    assert 0.99 * ERROR < worst <= ERROR


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_count_sum_mean_and_both_ends_are_exact(law: Law) -> None:
    """However many values, however large: these need no buckets."""
    values = draws(law, 200_000)
    for sketch in (sketch_of(values), sketch_of(values, 100), sketch_of(values, 10**6)):
        total = sum(values.tolist())
        assert (sketch.count, sketch.sum) == (200_000, total)
        assert sketch.mean == Fraction(total, 200_000)
        assert (sketch.low, sketch.high) == (int(values.min()), int(values.max()))
        assert sketch.percentile(Fraction(100)) <= sketch.high


def test_a_small_sketch_is_exact() -> None:
    """Up to `exact_max` values are all held; one more and they are counted in buckets."""
    values = draws(LAWS["lognormal"], 1_000)
    sketch = sketch_of(values, 1_000)
    assert sketch.exact
    assert [sketch.percentile(p) for p in PERCENTS] == [nearest_rank(values, p) for p in PERCENTS]
    assert sketch.up_to(nearest_rank(values, Fraction(90))) == 900
    sketch.add(5)
    assert not sketch.exact and sketch.count == 1_001 and sketch.low == 5


def test_small_numbers_are_exact_in_any_sketch() -> None:
    """Below 2^8 every number has a bucket of its own."""
    values = np.random.default_rng(3).integers(0, 256, 50_000)
    sketch = sketch_of(values, 10)
    assert [sketch.percentile(p) for p in PERCENTS] == [nearest_rank(values, p) for p in PERCENTS]


def test_up_to_counts_a_bucket_as_a_whole() -> None:
    """At most a percentile are as many as its rank says, and the rest of its bucket."""
    values = draws(LAWS["lognormal"], 100_000)
    sketch = sketch_of(values, 10)
    for percent in (Fraction(50), Fraction(99)):
        count = sketch.up_to(sketch.percentile(percent))
        assert percent * 1_000 <= count <= percent * 1_000 + 2_000
    assert sketch.up_to(-1) == 0 and sketch.up_to(1 << 63) == 100_000


def test_the_very_greatest_value_fits_and_more_is_refused() -> None:
    """Laws end at 2^62 ns; what lies beyond, or below 0, is a bug."""
    sketch = sketch_of(np.full(20, 1 << 62), 10)
    assert sketch.percentile(Fraction(50)) == 1 << 62 and sketch.sum == 20 << 62
    for value in (-1, (1 << 62) + 1):
        with pytest.raises(AssertionError, match=r"expected 0 to 2\^62"):
            sketch_of(np.full(20, value), 10)


# -- merging --------------------------------------------------------------------------------------


@pytest.mark.parametrize("exact_max", [1, 500, 3_000, 10**6])
def test_merging_in_any_order_gives_the_sketch_of_all(exact_max: int) -> None:
    """Parts of many sizes, merged in any order and nesting, one by one or at once: equal bytes."""
    chance = random.Random(exact_max)
    values = draws(LAWS["pareto"], 4_000)
    whole = text_of(sketch_of(values, exact_max))
    for _ in range(10):
        edges = sorted(chance.sample(range(1, 4_000), 7))
        parts = [sketch_of(part, exact_max) for part in np.split(values, edges)]
        chance.shuffle(parts)
        while len(parts) > 1:
            one = parts.pop(chance.randrange(len(parts)))
            parts[chance.randrange(len(parts))].merge(one)
        assert text_of(parts[0]) == whole
    one_by_one = Sketch(exact_max)
    for value in values.tolist():
        one_by_one.add(value)
    assert text_of(one_by_one) == whole


def test_a_merge_leaves_the_other_as_it_was() -> None:
    """What is merged in can be merged elsewhere again."""
    one, two = sketch_of(np.arange(50), 10), sketch_of(np.arange(70), 10)
    before = text_of(two)
    merged([one, two], 10)
    one.merge(two)
    assert text_of(two) == before and one.count == 120


def test_sketches_of_two_kinds_do_not_merge() -> None:
    """The result would depend on the order."""
    with pytest.raises(AssertionError, match="two kinds"):
        Sketch(10).merge(Sketch(20))


def test_another_value_shows() -> None:
    """Texts are equal because values are, not because the text tells too little."""
    values = draws(LAWS["lognormal"], 5_000)
    other = values.copy()
    other[17] *= 2
    for exact_max in (10, 10_000):
        assert text_of(sketch_of(values, exact_max)) != text_of(sketch_of(other, exact_max))


# -- JSON -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("exact_max", [10, 10_000])
@pytest.mark.parametrize("count", [0, 1, 11, 5_000])
def test_json_there_and_back_is_the_same_sketch(count: int, exact_max: int) -> None:
    """Equal figures, equal text, and it goes on as the first would have."""
    first = sketch_of(draws(LAWS["lognormal"], count), exact_max)
    second = Sketch.from_json(json.loads(text_of(first)))
    more = draws(LAWS["lognormal"], 300, seed=2)
    for sketch in (first, second):
        sketch.add_many(more)
    assert text_of(first) == text_of(second)
    assert first.percentile(Fraction(99)) == second.percentile(Fraction(99))


def damaged(**changes: Any) -> dict[str, Any]:
    """The JSON of a sketch, with something changed; None takes it away."""
    content = sketch_of(np.arange(100), 10).to_json() | changes
    return {key: value for key, value in content.items() if value is not None}


@pytest.mark.parametrize(
    "content",
    [
        {},
        damaged(format="readfence/sketch/2"),
        damaged(bits=8),
        damaged(counts=None),
        damaged(counts=[1]),
        damaged(buckets=list(range(100))[::-1]),
        damaged(counts=[-1] * 100),
        damaged(buckets=[10**6] * 100),
        damaged(sum="many"),
        damaged(exact_max=None),
        {"format": "readfence/sketch/1", "exact_max": 10, "values": [[1]]},
        {"format": "readfence/sketch/1", "exact_max": 10, "values": [-1]},
        {"format": "readfence/sketch/1", "exact_max": 10, "values": "abc"},
    ],
)
def test_a_damaged_sketch_is_refused(content: dict[str, Any]) -> None:
    """A sketch comes from a file, so what is wrong with it is said."""
    with pytest.raises(InputError, match="sketch"):
        Sketch.from_json(content)
