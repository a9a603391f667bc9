"""Confidence intervals of what experiments compare. Pure; `level` is 0.95 for 95 %.

Proportions: Wilson's score interval (E. B. Wilson, "Probable inference, the law of succession, and
statistical inference", JASA 22, 1927), and for the difference of two Newcombe's hybrid of them (R. G.
Newcombe, "Interval estimation for the difference between independent proportions", Statistics in Medicine 17,
1998, method 10).
Means: Student's t ("The probable error of a mean", Biometrika 6, 1908), and for the difference of two Welch's
("The generalization of 'Student's' problem when several different population variances are involved",
Biometrika 34, 1947), which supposes neither equal variances nor equal numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from usage.student import student_quantile

LEVEL = 0.95
# Of fewer values no mean is told with an interval: costs and latencies are far from normal.
LEAST_VALUES = 30


@dataclass(frozen=True, slots=True)
class Interval:
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        return self.low > 0 or self.high < 0

    def within(self, low: float, high: float = math.inf) -> Interval:
        """Cut to what the quantity can be: no cost is below 0."""
        return Interval(min(max(self.low, low), high), max(min(self.high, high), low))


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample by its sums. `squares` is the sum of squares of the values, in floating point."""

    n: int = 0
    total: float = 0.0
    squares: float = 0.0

    @property
    def mean(self) -> float | None:
        return self.total / self.n if self.n else None

    @property
    def variance(self) -> float | None:
        """Unbiased; None for fewer than two values."""
        if self.n < 2:
            return None
        # Rounding may leave less than nothing of a sample whose values are all the same.
        return max(0.0, (self.squares - self.total * self.total / self.n) / (self.n - 1))

    @property
    def squared_error(self) -> float | None:
        """The variance of the mean."""
        return None if self.variance is None else self.variance / self.n


def wilson(successes: int, n: int, *, level: float = LEVEL) -> Interval | None:
    """Of a proportion; None for n = 0."""
    if n == 0:
        return None
    z = NormalDist().inv_cdf((1 + level) / 2)
    share = successes / n
    middle = share + z * z / (2 * n)
    spread = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # At 0 and n the bound is 0 and 1 exactly; rounding would put it beside the share itself.
    low = 0.0 if successes == 0 else (middle - spread) / scale
    high = 1.0 if successes == n else (middle + spread) / scale
    return Interval(low, high)


def newcombe(
    successes: int, n: int, base_successes: int, base_n: int, *, level: float = LEVEL
) -> Interval | None:
    """Of a proportion minus a base one; None when either has no trial."""
    own, base = wilson(successes, n, level=level), wilson(base_successes, base_n, level=level)
    if own is None or base is None:
        return None
    share, base_share = successes / n, base_successes / base_n
    difference = share - base_share
    return Interval(
        difference - math.hypot(share - own.low, base.high - base_share),
        difference + math.hypot(own.high - share, base_share - base.low),
    )


def of_mean(sample: Sample, *, level: float = LEVEL) -> Interval | None:
    """Student's; None for fewer than LEAST_VALUES values."""
    if sample.n < LEAST_VALUES or sample.mean is None or sample.squared_error is None:
        return None
    half = student_quantile((1 + level) / 2, sample.n - 1) * math.sqrt(sample.squared_error)
    return Interval(sample.mean - half, sample.mean + half)


def of_difference(sample: Sample, base: Sample, *, level: float = LEVEL) -> Interval | None:
    """Welch's, of the mean of `sample` minus that of `base`; None when either has fewer than LEAST_VALUES."""
    if min(sample.n, base.n) < LEAST_VALUES:
        return None
    own_error, base_error = sample.squared_error, base.squared_error
    if own_error is None or base_error is None or sample.mean is None or base.mean is None:
        return None
    difference, error = sample.mean - base.mean, own_error + base_error
    if error == 0:
        return Interval(difference, difference)
    # Shares of the error, because the squares of very small errors would be 0.
    own, other = own_error / error, base_error / error
    freedom = 1 / (own * own / (sample.n - 1) + other * other / (base.n - 1))
    half = student_quantile((1 + level) / 2, freedom) * math.sqrt(error)
    return Interval(difference - half, difference + half)
