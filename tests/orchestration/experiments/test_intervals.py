"""The formulas against published examples and tables, and against what must hold for any sample."""

import math
import statistics

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from orchestration.experiments.intervals import (
    LEAST_VALUES,
    Interval,
    Sample,
    newcombe,
    of_difference,
    of_mean,
    wilson,
)

values = st.lists(st.floats(min_value=0, max_value=1e6), min_size=30, max_size=60)
proportions = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def sample(*values):
    return Sample(len(values), math.fsum(values), math.fsum(value * value for value in values))


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


# Two-sided 95 % and 99 % points of Student's t, from the table in any textbook.
@pytest.mark.parametrize(
    ("n", "at_975", "at_995"), [(31, 2.042, 2.750), (61, 2.000, 2.660), (121, 1.980, 2.617)]
)
def test_the_interval_of_a_mean_is_that_of_the_table(n, at_975, at_995):
    counted = sample(*range(n))
    error = statistics.stdev(range(n)) / math.sqrt(n)

    usual, surer = of_mean(counted), of_mean(counted, level=0.99)

    assert (usual.high - counted.mean) / error == pytest.approx(at_975, abs=0.0006)
    assert (surer.high - counted.mean) / error == pytest.approx(at_995, abs=0.0006)
    assert usual.high - counted.mean == pytest.approx(counted.mean - usual.low)


@pytest.mark.parametrize("too_small", [Sample(), sample(3.0), sample(*range(LEAST_VALUES - 1))])
def test_few_values_say_nothing_about_a_mean(too_small):
    enough = sample(*range(LEAST_VALUES))

    assert of_mean(too_small) is None
    assert of_difference(too_small, enough) is None
    assert of_difference(enough, too_small) is None
    assert of_mean(enough) is not None


def test_no_trial_says_nothing_about_a_rate():
    assert wilson(0, 0) is None
    assert newcombe(0, 0, 1, 2) is None
    assert newcombe(1, 2, 0, 0) is None


def test_equal_values_have_no_spread():
    own, other = sample(*[0.5] * LEAST_VALUES), sample(*[0.25] * LEAST_VALUES)

    assert of_mean(other) == Interval(0.25, 0.25)
    assert of_difference(own, other) == Interval(0.25, 0.25)


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
def test_welch_lies_between_the_normal_and_the_fewest_degrees_of_freedom(first, second):
    own, other = sample(*first), sample(*second)
    error = own.squared_error + other.squared_error
    assume(error > 0)
    interval = of_difference(own, other)

    half = (interval.high - interval.low) / 2
    slack = 1e-9 * max(abs(interval.low), abs(interval.high))
    assert 1.959 * math.sqrt(error) - slack <= half <= 2.046 * math.sqrt(error) + slack


def test_an_interval_is_cut_to_what_can_be():
    assert Interval(-2.0, 3.0).within(0) == Interval(0, 3.0)
    assert Interval(0.5, 6.0).within(1, 5) == Interval(1, 5)
    assert Interval(-3.0, -2.0).within(0) == Interval(0, 0)
