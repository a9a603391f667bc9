"""What the month will have cost: by hand, by simulation, and nothing where too little is known."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.factories import make_config
from tests.usage.calls import make_calls
from usage.forecast import FEWEST_DAYS, LEVEL, _rest_of_month, month_forecast
from usage.student import student_quantile

# A Monday at noon; 14.5 days of the month are left.
NOW = datetime(2026, 11, 16, 12, tzinfo=UTC)


def spend(days, *, cost=lambda day: "1", config=None):
    """A call on each of the `days` days before today."""
    for n in range(1, days + 1):
        day = NOW - timedelta(days=n)
        make_calls(1, config, at=day, cost=cost(day))


@pytest.mark.django_db
def test_days_that_never_vary_are_told_to_the_cent():
    spend(28, cost=lambda day: "5" if day.weekday() < 5 else "2")
    make_calls(1, None, at=NOW - timedelta(hours=1), cost="4")

    found = month_forecast(now=NOW)

    # Of November: 11 weekdays and 4 weekend days before today, half a Monday, 10 weekdays and 4 weekend days.
    spent = 10 * 5 + 5 * 2 + 4
    assert found.spent_usd == spent
    assert found.expected_usd == spent + Decimal("2.5") + 10 * 5 + 4 * 2
    assert found.low_usd == found.high_usd == found.expected_usd
    assert (found.month, found.days_seen, found.reason) == ("2026-11", 28, "")


@pytest.mark.django_db
def test_too_few_days_make_no_forecast():
    spend(FEWEST_DAYS - 1)

    found = month_forecast(now=NOW)

    assert (found.expected_usd, found.low_usd, found.high_usd) == (None, None, None)
    assert found.spent_usd == 13
    assert str(FEWEST_DAYS) in found.reason


@pytest.mark.django_db
def test_days_of_unknown_cost_make_no_forecast_and_are_counted():
    spend(20)
    make_calls(3, None, at=NOW - timedelta(days=21), cost=None)
    make_calls(2, None, at=NOW, cost=None)

    found = month_forecast(now=NOW)

    assert found.expected_usd is None
    assert "without a known price" in found.reason
    assert found.unpriced_calls == 2


@pytest.mark.django_db
def test_quiet_days_count_and_those_before_the_first_call_do_not():
    spend(20, cost=lambda day: "7")
    quiet = month_forecast(now=NOW + timedelta(days=2))

    assert quiet.days_seen == 22
    assert month_forecast(now=NOW).days_seen == 20
    assert quiet.low_usd < quiet.expected_usd < quiet.high_usd


@pytest.mark.django_db
def test_the_month_is_that_of_the_time_zone_and_of_one_provider():
    config = make_config()
    spend(28, config=config)
    spend(28, cost=lambda day: "100")
    late = datetime(2026, 12, 1, 3, tzinfo=UTC)

    assert month_forecast(now=late, tz="America/New_York").month == "2026-11"
    assert month_forecast(now=late, tz="UTC").month == "2026-12"
    assert month_forecast(now=NOW, provider=config.pk).spent_usd == 15


def test_nine_of_ten_simulated_months_end_within_the_range():
    lots = random.Random(7)
    today = NOW.date()
    inside = 0
    for _ in range(1_000):
        costs = {
            today - timedelta(days=n): lots.gauss(10 - (today - timedelta(days=n)).weekday(), 2)
            for n in range(1, 29)
        }
        weights = [((today + timedelta(days=n)).weekday(), 1.0) for n in range(15)]
        rest, half = _rest_of_month(costs, weights)
        inside += abs(sum(lots.gauss(10 - weekday, 2) for weekday, _ in weights) - rest) <= half
    # Three standard deviations of a binomial of 1,000 at 0.9 are 28.
    assert abs(inside - 1_000 * LEVEL) < 28


@pytest.mark.parametrize(
    # The usual table of Student's t.
    ("probability", "freedom", "value"),
    [(0.95, 7, 1.8946), (0.975, 7, 2.3646), (0.95, 21, 1.7207), (0.975, 29, 2.0452)],
)
def test_students_quantiles_are_those_of_the_table(probability, freedom, value):
    assert student_quantile(probability, freedom) == pytest.approx(value, abs=1e-3)
