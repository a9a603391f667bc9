"""One table of a period, by whatever people ask: also by day."""

from __future__ import annotations

from typing import Literal

from usage.stats.period import Period
from usage.stats.questions import BreakdownRow, breakdown, timeseries

By = Literal["provider", "model", "task", "plan", "user", "status", "error", "prompt_version", "day"]


def report(*, period: Period, by: By, provider: int | None = None) -> list[BreakdownRow]:
    """As `breakdown`; by day every local day, the oldest first. InvalidPeriod for more than 800 days."""
    if by != "day":
        return breakdown(period=period, by=by, provider=provider)
    points = timeseries(period=period, bucket="day", provider=provider)
    days = [(point.start.date().isoformat(), point.figures) for point in points]
    return [BreakdownRow(day, day, figures) for day, figures in days]
