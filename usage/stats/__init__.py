"""Figures for people, read from the counters and the usage rows; console, API and commands share them.

A "call" is an attempt at a vendor that has ended. Attempt 0 is a refusal: nobody was asked, so it is counted
apart. Calls in flight are in no figure. A call belongs to the moment it was made (`created_at`).
"""

from usage.stats.figures import Figures
from usage.stats.period import InvalidPeriod, Period
from usage.stats.questions import (
    BREAKDOWNS,
    MOST_SERIES,
    OTHERS,
    BreakdownRow,
    Comparison,
    ProviderStat,
    SeriesPoint,
    breakdown,
    comparison,
    timeseries,
    totals,
    usage_stats,
)
from usage.stats.quotas import QuotaStatus, QuotaUse, provider_status, quota_ranking, quota_status

__all__ = [
    "BREAKDOWNS",
    "MOST_SERIES",
    "OTHERS",
    "BreakdownRow",
    "Comparison",
    "Figures",
    "InvalidPeriod",
    "Period",
    "ProviderStat",
    "QuotaStatus",
    "QuotaUse",
    "SeriesPoint",
    "breakdown",
    "comparison",
    "provider_status",
    "quota_ranking",
    "quota_status",
    "timeseries",
    "totals",
    "usage_stats",
]
