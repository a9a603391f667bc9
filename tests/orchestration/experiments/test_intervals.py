"""The formulas against published examples and tables, and against what must hold for any sample."""

import math
import statistics

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from orchestration.experiments.intervals import (
    Interval,
    Sample,
    newcombe,
    of_difference,
    of_mean,
    student_quantile,
    wilson,
)

values = st.lists(st.floats(min_value=0, max_value=1e6), min_size=2, max_size=50)
proportions = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def sample(*values):
    return Sample(len(values), math.fsum(values), math.fsum(value * value for value in values))


# Two-sided 95 % and 99 % points of Student's t, from the table in any textbook.
@pytest.mark.parametrize(
    ("freedom", "at_975", "at_995"),
    [(1, 12.706, 63.657), (2, 4.303, 9.925), (4, 2.776, 4.604), (9, 2.262, 3.250), (10, 2.228, 3.169),
     (30, 2.042, 2.750), (60, 2.000, 2.660), (120, 1.980, 2.617)],
)  # fmt: skip
def test_the_quantiles_of_student_are_those_of_the_table(freedom, at_975, at_995):
    assert student_quantile(0.975, freedom) == pytest.approx(at_975, abs=0.0006)
    assert student_quantile(0.995, freedom) == pytest.approx(at_995, abs=0.0006)


def test_with_many_degrees_of_freedom_student_becomes_normal():
    assert student_quantile(0.975, 1e6) == pytest.approx(statistics.NormalDist().inv_cdf(0.975), rel=1e-5)


@given(freedom=st.floats(min_value=1, max_value=1e5), probability=st.floats(min_value=0.6, max_value=0.999))
def test_a_larger_sample_needs_a_smaller_quantile(freedom, probability):
    assert student_quantile(probability, freedom * 2) < student_quantile(probability, freedom)


# Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3.
@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_intervals(successes, n, low, high):
    interval = wilson(successes, n)

    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


# Newcombe 1998, "Interval estimation for the difference between independent proportions", table II, no. 10.
@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [((56, 70), (48, 80), 0.0524, 0.3339), ((9, 10), (3, 10), 0.1705, 0.8090),
     ((10, 10), (0, 20), 0.6791, 1.0), ((10, 10), (0, 10), 0.6075, 1.0)],
)  # fmt: skip
def test_newcombe_gives_the_published_intervals(first, second, low, high):
    interval = newcombe(*first, *second)

    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


def test_the_interval_of_a_mean_by_hand():
    """2, 4, 6: mean 4, variance 4, standard error 2 / √3; t with 2 degrees of freedom is 4.30265."""
    interval = of_mean(sample(2, 4, 6))

    half = 4.30265 * 2 / math.sqrt(3)
    assert interval.low == pytest.approx(4 - half, rel=1e-5)
    assert interval.high == pytest.approx(4 + half, rel=1e-5)


def test_the_interval_of_a_difference_by_hand():
    """1, 2, 3 (mean 2, variance 1) against 2, 6 (mean 4, variance 8).

    Squared errors 1/3 and 4, together 13/3; degrees of freedom (13/3)² / ((1/3)²/2 + 4²/1) = 338/289.
    """
    interval = of_difference(sample(1, 2, 3), sample(2, 6))

    half = student_quantile(0.975, 338 / 289) * math.sqrt(13 / 3)
    assert interval.low == pytest.approx(-2 - half)
    assert interval.high == pytest.approx(-2 + half)


@pytest.mark.parametrize("too_small", [Sample(), sample(3.0)])
def test_one_value_says_nothing_about_a_spread(too_small):
    assert of_mean(too_small) is None
    assert of_difference(too_small, sample(1, 2)) is None
    assert of_difference(sample(1, 2), too_small) is None


def test_no_trial_says_nothing_about_a_rate():
    assert wilson(0, 0) is None
    assert newcombe(0, 0, 1, 2) is None
    assert newcombe(1, 2, 0, 0) is None


def test_equal_values_have_no_spread():
    assert of_mean(sample(0.25, 0.25, 0.25)) == Interval(0.25, 0.25)
    assert of_difference(sample(0.5, 0.5), sample(0.25, 0.25)) == Interval(0.25, 0.25)


@given(proportions)
def test_wilson_holds_the_rate_and_stays_between_0_and_1(counted):
    successes, n = counted
    interval = wilson(successes, n)

    assert 0 <= interval.low <= successes / n <= interval.high <= 1


@given(proportions)
def test_what_succeeds_and_what_fails_mirror_each_other(counted):
    successes, n = counted
    own, other = wilson(successes, n), wilson(n - successes, n)

    assert own.low == pytest.approx(1 - other.high, abs=1e-9)
    assert own.high == pytest.approx(1 - other.low, abs=1e-9)


@given(proportions, proportions)
def test_a_difference_of_rates_turned_round_is_its_negative(first, second):
    there, back = newcombe(*first, *second), newcombe(*second, *first)

    assert there.low == pytest.approx(-back.high, abs=1e-12)
    assert -1 - 1e-9 <= there.low <= there.high <= 1 + 1e-9


@given(values)
def test_mean_and_variance_are_those_of_the_library(numbers):
    counted = sample(*numbers)

    assert counted.mean == pytest.approx(statistics.fmean(numbers))
    # Sums of squares lose what is far smaller than the mean.
    slack = 1e-9 * max(numbers, default=0) ** 2
    assert counted.variance == pytest.approx(statistics.variance(numbers), rel=1e-6, abs=slack + 1e-12)


@given(values)
def test_an_interval_holds_its_mean_and_a_surer_one_is_wider(numbers):
    counted = sample(*numbers)
    usual, surer = of_mean(counted), of_mean(counted, level=0.99)

    assert usual.low <= counted.mean <= usual.high
    assert surer.low <= usual.low
    assert surer.high >= usual.high


@given(values, values)
def test_welch_lies_between_the_worst_and_the_best_number_of_degrees(first, second):
    own, other = sample(*first), sample(*second)
    error = own.squared_error + other.squared_error
    assume(error > 0)
    interval = of_difference(own, other)

    half = (interval.high - interval.low) / 2
    worst = student_quantile(0.975, min(own.n, other.n) - 1) * math.sqrt(error)
    best = student_quantile(0.975, own.n + other.n - 2) * math.sqrt(error)
    assert best <= half * (1 + 1e-6) + 1e-9 * abs(interval.low)
    assert half <= worst * (1 + 1e-6) + 1e-9 * abs(interval.low)


def test_an_interval_is_cut_to_what_can_be():
    assert Interval(-2.0, 3.0).within(0) == Interval(0, 3.0)
    assert Interval(0.5, 6.0).within(1, 5) == Interval(1, 5)
    assert Interval(-3.0, -2.0).within(0) == Interval(0, 0)
