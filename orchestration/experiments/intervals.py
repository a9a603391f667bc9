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
from functools import lru_cache
from statistics import NormalDist

LEVEL = 0.95


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
    """Student's; None for fewer than two values."""
    if sample.mean is None or sample.squared_error is None:
        return None
    half = student_quantile((1 + level) / 2, sample.n - 1) * math.sqrt(sample.squared_error)
    return Interval(sample.mean - half, sample.mean + half)


def of_difference(sample: Sample, base: Sample, *, level: float = LEVEL) -> Interval | None:
    """Welch's, of the mean of `sample` minus that of `base`; None when either has fewer than two values."""
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


@lru_cache(maxsize=1024)
def student_quantile(probability: float, freedom: float) -> float:
    """The value that Student's t stays below with `probability` (0.5 to 1), for `freedom` >= 1 degrees."""
    low, high = 0.0, 1.0
    while _student_cdf(high, freedom) < probability:
        low, high = high, high * 2
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if _student_cdf(middle, freedom) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _student_cdf(t: float, freedom: float) -> float:
    """For t >= 0: 1 - I_x(freedom / 2, 1 / 2) / 2 with x = freedom / (freedom + t²) (Abramowitz and Stegun,
    26.7.1, by the incomplete beta function)."""
    return 1 - _incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t)) / 2


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b), by its continued fraction (DLMF 8.17.22)."""
    if x in (0.0, 1.0):
        return x
    if x > (a + 1) / (a + b + 2):
        # The fraction converges fast on one side only (DLMF 8.17.4 leads over).
        return 1 - _incomplete_beta(b, a, 1 - x)
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(scale) / (a * _beta_fraction(a, b, x))


def _beta_fraction(a: float, b: float, x: float) -> float:
    """1 + d1/(1 + d2/(1 + …)), evaluated forwards by Lentz's method as Thompson and Barnett changed it."""
    tiny = 1e-300
    value, upper, lower = 1.0, 1.0, 0.0
    for step in range(1, 400):
        m = step // 2
        if step % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        lower = 1 / (1 + term * lower or tiny)
        upper = 1 + term / upper or tiny
        value *= upper * lower
        if abs(upper * lower - 1) < 1e-15:
            break
    return value
