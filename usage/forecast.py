"""What this month will have cost.

The method, so that nobody has to trust it: each weekday costs what it cost on average over the last four
weeks, and what is left of the month is the sum of its weekdays; of today, the part that is left. The range is
Student's prediction interval of that sum, from the days' scatter around their weekday's average, as in any
text on regression with a factor for the weekday. It knows of no growth, holidays or changed prices.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from accounts.calendars import day_start
from usage import stats
from usage.stats.period import zone_of
from usage.student import student_quantile

HISTORY_DAYS = 28
# With fewer, some weekday was seen once only, and its scatter is anybody's guess.
FEWEST_DAYS = 14
# The month's end lies within the range in nine of ten months like the four weeks before.
LEVEL = 0.9
_WEEKDAYS = 7
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Forecast:
    """Of one calendar month in a time zone, in USD. `spent_usd` is up to now, None when only unpriced calls
    were made. Expectation and range are None when there is too little to go by, and `reason` says so;
    `unpriced_calls` of this month are in no amount."""

    month: str
    spent_usd: Decimal | None
    expected_usd: Decimal | None
    low_usd: Decimal | None
    high_usd: Decimal | None
    days_seen: int
    unpriced_calls: int
    reason: str = ""
    level: float = LEVEL


def month_forecast(*, now: datetime, tz: str = "UTC", provider: int | None = None) -> Forecast:
    """The running month of all providers or of one config (its id). InvalidPeriod for an unknown zone."""
    zone = zone_of(tz)
    today = now.astimezone(zone).date()
    first = today.replace(day=1)
    begin = min(first, today - timedelta(days=HISTORY_DAYS))
    period = stats.Period.of_dates(first=begin, last=today, tz=tz)
    points = stats.timeseries(period=period, bucket="day", provider=provider)
    days = {point.start.date(): point.figures for point in points}
    this_month = sum((figures for day, figures in days.items() if day >= first), stats.Figures())
    spent = this_month.total_cost_usd
    history = {day: days[day] for day in sorted(days) if today - timedelta(days=HISTORY_DAYS) <= day < today}
    known = _since_the_first_call(history)
    told = Forecast(f"{first:%Y-%m}", spent, None, None, None, len(known), this_month.unpriced_calls)
    if len(known) < FEWEST_DAYS:
        return _without(told, f"A forecast needs {FEWEST_DAYS} whole days with calls before today.")
    if any(cost is None for cost in known.values()):
        return _without(told, "On some of the days before nothing but calls without a known price was made.")
    costs = {day: float(cost or 0) for day, cost in known.items()}
    rest, half = _rest_of_month(costs, _weights(now, today, tz))
    so_far = spent or Decimal(0)
    return Forecast(
        month=told.month,
        spent_usd=spent,
        expected_usd=so_far + _usd(rest),
        low_usd=so_far + _usd(max(0.0, rest - half)),
        high_usd=so_far + _usd(rest + half),
        days_seen=told.days_seen,
        unpriced_calls=told.unpriced_calls,
    )


def _without(told: Forecast, reason: str) -> Forecast:
    return Forecast(
        told.month, told.spent_usd, None, None, None, told.days_seen, told.unpriced_calls, reason=reason
    )


def _since_the_first_call(history: Mapping[date, stats.Figures]) -> dict[date, Decimal | None]:
    """Days before anybody called tell nothing of the days to come; quiet days since then do."""
    found: dict[date, Decimal | None] = {}
    for day, figures in history.items():
        if found or figures.calls:
            found[day] = figures.total_cost_usd
    return found


def _weights(now: datetime, today: date, tz: str) -> Sequence[tuple[int, float]]:
    """(weekday, share of it that is still to come) of each day left in the month, today first."""
    zone = zone_of(tz)
    start, end = day_start(today, zone), day_start(today + timedelta(days=1), zone)
    left = [(today.weekday(), (end - now) / (end - start))]
    day = today + timedelta(days=1)
    while day.month == today.month:
        left.append((day.weekday(), 1.0))
        day += timedelta(days=1)
    return left


def _rest_of_month(costs: Mapping[date, float], weights: Sequence[tuple[int, float]]) -> tuple[float, float]:
    """What the days left will cost, and half the width of its range."""
    by_weekday: defaultdict[int, list[float]] = defaultdict(list)
    for day, cost in costs.items():
        by_weekday[day.weekday()].append(cost)
    means = {weekday: math.fsum(seen) / len(seen) for weekday, seen in by_weekday.items()}
    squares = math.fsum((cost - means[day.weekday()]) ** 2 for day, cost in costs.items())
    freedom = len(costs) - _WEEKDAYS
    times: defaultdict[int, float] = defaultdict(float)
    for weekday, share in weights:
        times[weekday] += share
    rest = math.fsum(means[weekday] * share for weekday, share in times.items())
    # The scatter of the days to come, and that of the averages they are predicted by.
    spread = math.fsum(share**2 for _, share in weights)
    spread += math.fsum(share**2 / len(by_weekday[weekday]) for weekday, share in times.items())
    return rest, student_quantile((1 + LEVEL) / 2, freedom) * math.sqrt(squares / freedom * spread)


def _usd(amount: float) -> Decimal:
    return Decimal(amount).quantize(_CENT)
