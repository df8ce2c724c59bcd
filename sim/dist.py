"""Latency laws: distributions of a duration, in whole nanoseconds, never negative.

A law is a frozen value: its parameters and nothing else. It holds no generator and no position in a
stream, so one law may serve any number of links, and what is drawn depends on the generator handed
in and on the count alone. `sim.rng` draws blocks of one fixed size from it.

Parameters that are durations are whole nanoseconds; those that only exist as the result of a
formula (the median of a lognormal law given by its quantiles) are floats. Draws are rounded to the
nearest nanosecond. No law hides a default: every parameter is given by whoever builds it, and
`sim.dist_spec` reads them from a scenario. A parameter out of range raises `InputError`.

A law whose spread is zero is allowed, since a sweep may start there; it then says so in `constant`.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from sim.errors import InputError
from sim.units import human_duration

LONGEST: Final = 1 << 62
"""Ceiling of every draw, in ns (146 years): a heavy tail must not run over the end of an int64."""


class Law(Protocol):
    """A distribution of durations."""

    @property
    def constant(self) -> int | None:
        """The only value of the law in ns, or None when it has more than one."""

    def draw(self, generator: np.random.Generator, count: int) -> NDArray[np.int64]:
        """`count` independent draws in ns, shape (count,), each 0 or more."""

    def describe(self) -> str:
        """The law in a few words with units, for a table: "exponential, mean 20 ms"."""


@dataclass(frozen=True, slots=True)
class Constant:
    """Always the same duration."""

    value: int

    def __post_init__(self) -> None:
        _check_duration("constant", "value", self.value)

    @property
    def constant(self) -> int | None:
        """The value itself."""
        return self.value

    def draw(self, generator: np.random.Generator, count: int) -> NDArray[np.int64]:
        """The value, `count` times; nothing is drawn."""
        del generator
        return np.full(count, self.value, dtype=np.int64)

    def describe(self) -> str:
        """The duration alone."""
        return human_duration(self.value)


@dataclass(frozen=True, slots=True)
class Uniform:
    """Each whole nanosecond from `low` to `high`, both included, equally often."""

    low: int
    high: int

    def __post_init__(self) -> None:
        _check_duration("uniform", "low", self.low)
        _check_duration("uniform", "high", self.high)
        if self.low > self.high:
            raise InputError(
                f"uniform: expected low to be at most high, got {human_duration(self.low)} "
                f"and {human_duration(self.high)}"
            )

    @property
    def constant(self) -> int | None:
        """The one value, when `low` equals `high`."""
        return self.low if self.low == self.high else None

    def draw(self, generator: np.random.Generator, count: int) -> NDArray[np.int64]:
        """Integers, so nothing is rounded."""
        return generator.integers(self.low, self.high, count, dtype=np.int64, endpoint=True)

    def describe(self) -> str:
        """Both ends."""
        return f"uniform, {human_duration(self.low)} to {human_duration(self.high)}"


@dataclass(frozen=True, slots=True)
class Normal:
    """A normal law cut off at 0 by drawing again.

    Drawn again rather than clipped: clipping would turn the whole left tail into durations of
    exactly 0, that is into a share of messages that arrive for free. The price is that `mean` and
    `std` are those of the normal law before the cut. They are met as long as `std` is small against
    `mean` (at mean/std = 3 the true mean is 0.15 % higher, at 1 it is 29 % higher). At least half
    of the normal law lies above 0, so few rounds of drawing do.
    """

    mean: int
    std: int

    def __post_init__(self) -> None:
        _check_duration("normal", "mean", self.mean)
        _check_duration("normal", "std", self.std)

    @property
    def constant(self) -> int | None:
        """The mean, when there is no spread."""
        return self.mean if self.std == 0 else None

    def draw(self, generator: np.random.Generator, count: int) -> NDArray[np.int64]:
        """Draws `count` values, then as many as fell below 0, until none does."""
        values = generator.normal(self.mean, self.std, count)
        below = np.flatnonzero(values < 0.0)
        while below.size:
            values[below] = generator.normal(self.mean, self.std, below.size)
            below = below[values[below] < 0.0]
        return _nanoseconds(values)

    def describe(self) -> str:
        """Mean and standard deviation before the cut."""
        return f"normal, {human_duration(self.mean)} ± {human_duration(self.std)}"


@dataclass(frozen=True, slots=True)
class Lognormal:
    """A duration whose logarithm is normal: never 0, skewed to the right, as round trips are.

    `median` is in ns; `sigma` is the standard deviation of the natural logarithm, without a unit
    (0.15: two thirds of the draws lie within 15 % of the median).
    """

    median: float
    sigma: float

    def __post_init__(self) -> None:
        _check_number("lognormal", "median", self.median, above=0)
        _check_number("lognormal", "sigma", self.sigma, least=0)

    @classmethod
    def from_quantiles(cls, low: tuple[float, int], high: tuple[float, int]) -> "Lognormal":
        """The law with two given quantiles, each (probability, ns), such as (0.99, ms(4)).

        ln q(p) = ln median + sigma z(p), with z the quantile of the standard normal law; two such
        equations give both parameters.
        """
        (low_probability, low_value), (high_probability, high_value) = low, high
        for probability, value in (low, high):
            if not 0 < probability < 1:
                raise InputError(
                    f"lognormal: expected quantiles between 0 and 1, without either, "
                    f"got {probability:g}"
                )
            _check_number("lognormal", f"the quantile {probability:g}", value, above=0)
        if low_probability >= high_probability or low_value > high_value:
            raise InputError(
                f"lognormal: expected two quantiles that rise, got {human_duration(low_value)} at "
                f"{low_probability:g} and {human_duration(high_value)} at {high_probability:g}"
            )
        low_z, high_z = map(NormalDist().inv_cdf, (low_probability, high_probability))
        sigma = math.log(high_value / low_value) / (high_z - low_z)
        return cls(median=low_value * math.exp(-sigma * low_z), sigma=sigma)

    @classmethod
    def from_mean(cls, mean: int, std: int) -> "Lognormal":
        """The law with a given mean and standard deviation, both in ns.

        From mean = median exp(sigma² / 2) and (std / mean)² = exp(sigma²) - 1.
        """
        _check_number("lognormal", "mean", mean, above=0)
        _check_duration("lognormal", "std", std)
        spread = math.log1p((std / mean) ** 2)
        return cls(median=mean * math.exp(-spread / 2), sigma=math.sqrt(spread))

    @property
    def constant(self) -> int | None:
        """The median, when there is no spread."""
        return round(self.median) if self.sigma == 0 else None

    def draw(self, generator: np.random.Generator, count: int) -> NDArray[np.int64]:
        """Exponentials of normal draws."""
        return _nanoseconds(generator.lognormal(math.log(self.median), self.sigma, count))

    def describe(self) -> str:
        """Median and sigma, however the law was given."""
        return f"lognormal, median {human_duration(self.median)}, sigma {self.sigma:.3g}"


@dataclass(frozen=True, slots=True)
class Exponential:
    """Memoryless: the time between two events of a Poisson process; its std equals its mean."""

    mean: int

    def __post_init__(self) -> None:
        _check_duration("exponential", "mean", self.mean)

    @property
    def constant(self) -> int | None:
        """0, when the mean is 0."""
        return 0 if self.mean == 0 else None

    def draw(self, generator: np.random.Generator, count: int) -> NDArray[np.int64]:
        """Scaled standard exponential draws."""
        return _nanoseconds(generator.exponential(self.mean, count))

    def describe(self) -> str:
        """The mean."""
        return f"exponential, mean {human_duration(self.mean)}"


@dataclass(frozen=True, slots=True)
class Gamma:
    """Sum of `shape` exponential stages: std = mean / sqrt(shape); shape 1 is exponential."""

    mean: int
    shape: float

    def __post_init__(self) -> None:
        _check_duration("gamma", "mean", self.mean)
        _check_number("gamma", "shape", self.shape, above=0)

    @property
    def constant(self) -> int | None:
        """0, when the mean is 0."""
        return 0 if self.mean == 0 else None

    def draw(self, generator: np.random.Generator, count: int) -> NDArray[np.int64]:
        """Gamma draws with scale mean / shape."""
        return _nanoseconds(generator.gamma(self.shape, self.mean / self.shape, count))

    def describe(self) -> str:
        """Mean and shape."""
        return f"gamma, mean {human_duration(self.mean)}, shape {self.shape:.3g}"


@dataclass(frozen=True, slots=True)
class Pareto:
    """A power-law tail: P(duration > x) = (minimum / x)^alpha for x from `minimum` on.

    The mean is alpha minimum / (alpha - 1), and there is none for alpha up to 1: the mean of a
    sample then grows with its size.
    """

    minimum: int
    alpha: float

    def __post_init__(self) -> None:
        _check_number("pareto", "minimum", self.minimum, above=0)
        _check_number("pareto", "alpha", self.alpha, above=0)

    @property
    def constant(self) -> int | None:
        """Never constant."""
        return None

    def draw(self, generator: np.random.Generator, count: int) -> NDArray[np.int64]:
        """From the Lomax law, which is what numpy calls Pareto: it is moved to start at 0."""
        return _nanoseconds((generator.pareto(self.alpha, count) + 1.0) * self.minimum)

    def describe(self) -> str:
        """Minimum and exponent."""
        return f"pareto, from {human_duration(self.minimum)}, alpha {self.alpha:.3g}"


@dataclass(frozen=True, slots=True)
class Empirical:
    """A measured law: a table of (probability, ns), linear between its points.

    Probabilities rise from 0 (the minimum) to 1 (the maximum); durations never fall. Two points of
    the same duration give that duration a probability of its own.
    """

    points: tuple[tuple[float, int], ...]

    def __post_init__(self) -> None:
        for _, value in self.points:
            _check_duration("empirical", "a quantile", value)
        probabilities = [probability for probability, _ in self.points]
        if len(self.points) < 2 or probabilities[0] != 0 or probabilities[-1] != 1:
            raise InputError(
                "empirical: expected quantiles from 0 (the minimum) to 1 (the maximum), "
                f"got {', '.join(f'{each:g}' for each in probabilities) or 'none'}"
            )
        for (before, smaller), (after, larger) in pairwise(self.points):
            if before >= after or smaller > larger:
                raise InputError(
                    f"empirical: expected quantiles that rise, got {human_duration(smaller)} at "
                    f"{before:g} and {human_duration(larger)} at {after:g}"
                )

    @property
    def constant(self) -> int | None:
        """The one value, when the minimum is the maximum."""
        low, high = self.points[0][1], self.points[-1][1]
        return low if low == high else None

    def draw(self, generator: np.random.Generator, count: int) -> NDArray[np.int64]:
        """The table read at uniform draws."""
        probabilities, values = zip(*self.points, strict=True)
        return _nanoseconds(np.interp(generator.random(count), probabilities, values))

    def describe(self) -> str:
        """Both ends and the number of points between."""
        low, high = self.points[0][1], self.points[-1][1]
        return (
            f"empirical, {human_duration(low)} to {human_duration(high)}, {len(self.points)} points"
        )


@dataclass(frozen=True, slots=True)
class Mixture:
    """One of several laws each time, chosen by weight: a fast path and a slow one.

    Weights are relative; they need not add up to 1.
    """

    parts: tuple[tuple[float, Law], ...]

    def __post_init__(self) -> None:
        if not self.parts:
            raise InputError("mixture: expected at least one part, got none")
        for weight, _ in self.parts:
            _check_number("mixture", "weight", weight, above=0)

    @property
    def constant(self) -> int | None:
        """The one value, when every part is that constant."""
        values = {law.constant for _, law in self.parts}
        return values.pop() if len(values) == 1 else None

    def draw(self, generator: np.random.Generator, count: int) -> NDArray[np.int64]:
        """First which part each draw comes from, then the parts in order, as many as needed."""
        bounds = np.cumsum([weight for weight, _ in self.parts])
        # Scaled by the last sum, so that the last bound is exactly 1 and no choice lies beyond it.
        choices = np.searchsorted(bounds / bounds[-1], generator.random(count), side="right")
        values = np.empty(count, dtype=np.int64)
        for number, (_, law) in enumerate(self.parts):
            chosen = np.flatnonzero(choices == number)
            values[chosen] = law.draw(generator, chosen.size)
        return values

    def describe(self) -> str:
        """Share and law of each part."""
        total = sum(weight for weight, _ in self.parts)
        shares = [f"{weight / total:.3g} of ({law.describe()})" for weight, law in self.parts]
        return "mixture, " + ", ".join(shares)


@dataclass(frozen=True, slots=True)
class Jittered:
    """A fixed `base` in ns plus a draw of `jitter`: distance plus queueing."""

    base: int
    jitter: Law

    def __post_init__(self) -> None:
        _check_duration("jittered", "base", self.base)

    @property
    def constant(self) -> int | None:
        """The sum, when the jitter is constant."""
        jitter = self.jitter.constant
        return None if jitter is None else self.base + jitter

    def draw(self, generator: np.random.Generator, count: int) -> NDArray[np.int64]:
        """The draws of the jitter, moved; the sum has the ceiling of every draw."""
        return np.minimum(self.jitter.draw(generator, count), LONGEST - self.base) + self.base

    def describe(self) -> str:
        """Both terms."""
        return f"{human_duration(self.base)} + ({self.jitter.describe()})"


def _nanoseconds(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Floats as whole nanoseconds from 0 to `LONGEST`."""
    return np.clip(np.rint(values), 0, LONGEST).astype(np.int64)


def _check_duration(law: str, what: str, value: int) -> None:
    if not 0 <= value <= LONGEST:
        most = f", {LONGEST} ns at most" if value > 0 else ""
        raise InputError(
            f"{law}: expected {what} to be a duration of 0 or more{most}, got {value} ns"
        )


def _check_number(
    law: str, what: str, value: float, *, least: float = -math.inf, above: float = -math.inf
) -> None:
    """Refuse what is not finite, below `least`, or not above `above`."""
    if math.isfinite(value) and value >= least and value > above:
        return
    limit = f"above {above:g}" if above > -math.inf else f"{least:g} or more"
    raise InputError(f"{law}: expected {what} to be {limit}, got {value:g}")
